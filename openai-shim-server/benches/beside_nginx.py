#!/usr/bin/env python3
"""What the server costs beside nginx as a plain reverse proxy: CPU per request and per streamed event, in one run.

    cargo build --release && openai-shim-server/benches/beside_nginx.py [SECONDS] [REPETITIONS]

Needs nginx and wrk (Debian: nginx-light wrk), and two cores: what is measured runs on one, upstream and load on the other.
The upstream is a second nginx that serves files. All traffic is on loopback. CPU is what the kernel charged to all threads
of the process; figures are only worth their ratio to nginx in the same run, and the minimum over the repetitions.
"""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

SECONDS, REPETITIONS = ([float(a) for a in sys.argv[1:]] + [2, 3][len(sys.argv) - 1:])[:2]
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="beside-nginx-"))
UPSTREAM, NGINX, SHIM = 18801, 18802, 18803
EVENTS = 200


def chunk(delta, finish):
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-9f2c1e7ab4d84c1fa2", "object": "chat.completion.chunk", "created": 1763000000, "model": "gpt-5-mini",
            "service_tier": "default", "system_fingerprint": "fp_5c1e8a", "choices": [choice], "obfuscation": "aJx81kQ"}


def stream(extra):
    deltas = [chunk({"role": "assistant", "content": ""}, None)]
    deltas += [chunk({**extra, "content": f" word{n}"}, None) for n in range(EVENTS - 2)]
    events = deltas + [chunk({}, "stop")]
    return "".join(f"data: {json.dumps(e, separators=(',', ':'))}\n\n" for e in events) + "data: [DONE]\n\n"


def files():
    message = {"role": "assistant", "content": "A shim is a thin piece. " * 30, "refusal": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 150, "total_tokens": 159}
    answer = {"id": "chatcmpl-9f2c", "object": "chat.completion", "created": 1763000000, "model": "gpt-5-mini",
              "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}], "usage": usage}
    web = WORK / "web"
    for name, kind, body in [("whole", "json", json.dumps(answer)), ("clean", "sse", stream({})), ("repaired", "sse", stream({"role": "assistant"}))]:
        (web / name / "v1/chat").mkdir(parents=True)
        (web / name / "v1/chat/completions").write_text(body)
    asks = {"request": ("hello", False), "prompt": ("What is a shim? " * 4000, False), "stream": ("hello", True)}
    for name, (text, streamed) in asks.items():
        body = json.dumps({"model": "gpt-5-mini", "stream": streamed, "messages": [{"role": "user", "content": text}]})
        if streamed:
            body = body.replace('"stream"', '"stream_options": {"include_usage": true}, "stream"')
        lua = f"wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = [==[{body}]==]\n"
        (WORK / f"{name}.lua").write_text(lua)


def nginx(port, locations):
    base = WORK / f"nginx-{port}"
    base.mkdir()
    paths = "".join(f"{k}_temp_path {base}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (base / "conf").write_text(f"""worker_processes 1; daemon off; master_process off; pid {base}/pid; error_log {base}/log crit;
events {{ worker_connections 4096; }}
http {{ access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 32m; client_body_buffer_size 1m; {paths}
  upstream up {{ server 127.0.0.1:{UPSTREAM}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; {locations} }} }}""")
    return ["nginx", "-p", str(base), "-c", f"{base}/conf", "-e", f"{base}/log"]


def start(command, core):
    return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, {core}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cpu(pid):
    return sum(int(open(f).read().split()[0]) for f in glob.glob(f"/proc/{pid}/task/*/schedstat"))


def load(port, path, lua, connections):
    command = ["taskset", "-c", "0", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(WORK / f"{lua}.lua"), f"http://127.0.0.1:{port}{path}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx.*|Socket errors.*", text)
    assert not bad, bad.group()
    return int(re.search(r"(\d+) requests in", text).group(1))


def measure():
    types = "types {} default_type"
    kinds = {"whole": "application/json", "clean": "text/event-stream", "repaired": "text/event-stream"}
    served = "".join(f"location /{n}/ {{ {types} {t}; root {WORK}/web; error_page 405 =200 $uri; }} " for n, t in kinds.items())
    passed = "location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; }"
    processes = [start(nginx(UPSTREAM, served), 0)]
    nginx_proxy = start(nginx(NGINX, passed), 1)
    shims = {}
    for at, name in enumerate(kinds):
        arguments = ["--listen", f"127.0.0.1:{SHIM + at}", "--upstream", f"http://127.0.0.1:{UPSTREAM}/{name}/v1", "--profile", "openai"]
        shims[name] = (start([str(ROOT / "target/release/openai-shim"), *arguments], 1), SHIM + at)
    processes += [nginx_proxy, *(p for p, _ in shims.values())]
    rows = [("whole answer, per request", "whole", "request", 32, 1), ("64 KB prompt, per request", "whole", "prompt", 8, 1),
            ("clean stream, per event", "clean", "stream", 8, EVENTS), ("repaired stream, per event", "repaired", "stream", 8, EVENTS)]
    try:
        time.sleep(1)
        for title, name, lua, connections, divisor in rows:
            best = {}
            for _ in range(int(REPETITIONS)):
                shim, port = shims[name]
                for who, process, at, path in [("nginx", nginx_proxy, NGINX, f"/{name}/v1/chat/completions"), ("shim", shim, port, "/v1/chat/completions")]:
                    before = cpu(process.pid)
                    requests = load(at, path, lua, connections)
                    each = (cpu(process.pid) - before) / 1000 / requests / divisor
                    best[who] = min(each, best.get(who, each))
            yield title, best["nginx"], best["shim"]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()


files()
print(f"| work | nginx, CPU µs | openai-shim, CPU µs | ratio |\n|---|--:|--:|--:|")
for title, reference, ours in measure():
    print(f"| {title} | {reference:.2f} | {ours:.2f} | {ours / reference:.2f} |", flush=True)
