"""Runs the shim as a process of its own behind a scripted upstream, and measures the process. Standard library only."""
import http.client
import os
import pathlib
import socket
import socketserver
import subprocess
import tempfile
import threading
import time


class Upstream:
    """Sends `self.reply(path, body)` for each request: the bytes of an HTTP response, or a list of byte strings to send one by one."""

    def __init__(self):
        self.reply = lambda path, body: whole(b"{}")
        self.calls = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    while True:
                        line = self.rfile.readline(65536)
                        if not line.strip():
                            return
                        path, length, chunked = line.split()[1].decode(), 0, False
                        while (header := self.rfile.readline(1 << 20)).strip():
                            name, _, value = header.partition(b":")
                            if name.lower() == b"content-length":
                                length = int(value)
                            chunked |= name.lower() == b"transfer-encoding"
                        body = self.rfile.read(length)
                        outer.calls += 1
                        pieces = outer.reply(path, body)
                        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                            self.wfile.write(piece)
                        if b"connection: close" in (pieces if isinstance(pieces, bytes) else b"".join(pieces[:1]))[:2000]:
                            return
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 1024

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def whole(body, content_type="application/json", status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Shim:
    """The shim with this configuration. A context manager: the process ends with the block."""

    def __init__(self, binary, config, stderr=None, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="attacks-")
        path = pathlib.Path(self.folder.name) / "shim.toml"
        path.write_text('listen = "127.0.0.1:0"\n' + config)
        self.log = pathlib.Path(self.folder.name) / "log"
        self.process = subprocess.Popen(
            [binary, "--config", path], stdout=subprocess.PIPE, stderr=stderr if stderr is not None else self.log.open("wb"), env={**os.environ, **(env or {})}
        )
        line = self.process.stdout.readline().decode()
        self.port = int(line.strip().rsplit(":", 1)[1].split("/")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def alive(self):
        return self.process.poll() is None

    def send(self, method, path, body=None, headers=None, timeout=120):
        """Returns status, headers and body; without a response, status 0 and the reason as the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"content-type": "application/json", **(headers or {})})
            response = connection.getresponse()
            status, head = response.status, dict(response.getheaders())
            try:
                return status, head, response.read()
            except http.client.IncompleteRead as error:
                # A failed stream ends with a broken connection behind its error: Ollama's, and a chat with tool calls.
                is_broken_on_purpose = path.startswith("/api/") or path.endswith("/chat/completions") and b'"tool_calls"' in error.partial
                if not (is_broken_on_purpose and b'"error"' in error.partial):
                    raise
                return status, head, error.partial
        except (OSError, http.client.HTTPException) as error:
            return 0, {}, repr(error).encode()
        finally:
            connection.close()

    def socket(self, data=b"", receive_buffer=None):
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(data)
        return connection

    def cpu(self):
        """Seconds of processor time of all threads, also of those that have ended."""
        # utime and stime have a resolution of 10 ms; schedstat has nanoseconds, but covers running threads only.
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, key="VmRSS"):
        """The process's memory in megabytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def reset_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def metric(self, name):
        text = self.send("GET", "/metrics")[2].decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False
