#!/usr/bin/env python3
"""Memory and health under large requests: the peak for one request of a million messages, what is left five seconds after
four of them, and the slowest health check while eight of 32 MB are worked on.

    python3 openai-shim-server/benches/memory.py [path of openai-shim]
"""

import http.client
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time

BINARY = sys.argv[1] if len(sys.argv) > 1 else "target/release/openai-shim"
ANSWER = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,'
    b'"total_tokens":2}}'
)


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        left = int(self.headers["content-length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


def request(messages):
    one = b'{"role":"user","content":"a"}'  # 29 bytes with its comma
    return b'{"model":"m","max_tokens":9,"messages":[' + b",".join([one] * messages) + b"]}"


class Shim:
    def __init__(self, upstream):
        config = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
        config.write(
            f'listen = "127.0.0.1:0"\n[[upstream]]\nname = "up"\nbase_url = "http://127.0.0.1:{upstream}/v1"\n'
        )
        config.close()
        self.process = subprocess.Popen(
            [BINARY, "--config", config.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        os.unlink(config.name)

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name + ":"))

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, path, body)
        status = connection.getresponse()
        status.read()
        connection.close()
        return status.status

    def stop(self):
        self.process.terminate()
        self.process.wait()


def health(shim, stop, times):
    while not stop.is_set():
        started = time.monotonic()
        assert shim.call("GET", "/healthz") == 200
        times.append(time.monotonic() - started)
        time.sleep(0.005)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    million = request(1_000_000)
    for route in ["/v1/chat/completions", "/v1/messages"]:
        shim = Shim(server.server_address[1])
        for _ in range(20):
            shim.call("POST", route, request(1))
        idle = shim.status("VmRSS")
        started = time.monotonic()
        assert shim.call("POST", route, million) == 200
        took = time.monotonic() - started
        peak = shim.status("VmHWM")
        for _ in range(3):
            assert shim.call("POST", route, million) == 200
        time.sleep(5)
        size = len(million) / 1e6
        print(
            f"{route}: idle {idle:.1f} MB; one request of {size:.1f} MB: peak {peak:.0f} MB ({peak / size:.1f} times), "
            f"{took:.2f} s; 5 s after four: {shim.status('VmRSS'):.1f} MB; peak of all {shim.status('VmHWM'):.0f} MB"
        )
        shim.stop()
    shim = Shim(server.server_address[1])
    stop, times = threading.Event(), []
    checks = threading.Thread(target=health, args=(shim, stop, times))
    large = request(1_100_000)
    checks.start()
    calls = [threading.Thread(target=shim.call, args=("POST", "/v1/messages", large)) for _ in range(8)]
    started = time.monotonic()
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    took = time.monotonic() - started
    stop.set()
    checks.join()
    times.sort()
    print(
        f"8 requests of {len(large) / 1e6:.0f} MB at once: {took:.1f} s; {len(times)} health checks: slowest "
        f"{times[-1] * 1e3:.0f} ms, 99 % within {times[len(times) * 99 // 100] * 1e3:.0f} ms; peak {shim.status('VmHWM'):.0f} MB"
    )
    shim.stop()


main()
