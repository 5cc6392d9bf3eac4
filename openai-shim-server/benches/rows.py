#!/usr/bin/env python3
"""Compares openai-shim with nginx, which forwards the same bytes, where lab.sh does not: repaired and translated streams,
repaired non-streaming responses, and growth with the number of open streams and the size of prompts.

    cargo build --release --example lab && cargo build --release && openai-shim-server/benches/rows.py [REPETITIONS] [SECONDS] [ROW…]

By hand, on an idle machine with two cores; needs nginx and `unshare -n`. benches/lab is the upstream and the load generator.
Measures only CPU time, which the kernel counts for all threads of the process on the second core; the figure is the lowest of
the repetitions. The load generator counts every response and checks its end. The first response of each row is checked in
full: it has all events, and the repairs were made and reported. Five repetitions of half a second take less than five minutes.
ROW: only rows whose title contains this text. OPENAI_SHIM: another binary.
"""
import glob, json, os, pathlib, resource, shutil, signal, socket, subprocess, sys, tempfile, time

if os.environ.get("ROWS_INSIDE") != "1":
    inside = "ip link set lo up && sysctl -qw net.core.somaxconn=8192 net.ipv4.ip_local_port_range='10240 65000' 2>/dev/null; exec \"$@\""
    os.execvpe("unshare", ["unshare", "-n", "bash", "-c", inside, "rows", sys.executable, *sys.argv], {**os.environ, "ROWS_INSIDE": "1"})

REPETITIONS, SECONDS = int((sys.argv[1:] or ["5"])[0]), float((sys.argv[2:] or ["0.5"])[0])
ONLY = sys.argv[3:]
ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "target/release/examples/lab"
SHIM_BINARY = os.environ.get("OPENAI_SHIM", ROOT / "target/release/openai-shim")
WORK = pathlib.Path(tempfile.mkdtemp(prefix="rows-"))
UPSTREAM, NGINX, SHIM = 9100, 9201, 9240
EVENTS, RATE = 200, 4000
CHAT, MESSAGES, OLLAMA = "/v1/chat/completions", "/v1/messages", "/api/chat"
# For each API: text that an event contains once, and the end of a stream or response.
MARKERS = {CHAT: ('"content":" ', "[DONE]"), MESSAGES: ('"text_delta"', "message_stop"), OLLAMA: ('"content":" ', '"done":true'), "whole": ('"choices"', "}")}
STREAMS, PROMPTS = (1, 100, 1000, 5000), (1, 10, 100, 1000, 10000)
PROMPT_BYTES = 40_000_000


# ------------------------------------------------------------------ programs
def setup():
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (WORK / name).mkdir()
    paths = " ".join(f"{name}_temp_path {WORK}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (WORK / "nginx.conf").write_text(f"""worker_processes 1; daemon off; master_process off; pid {WORK}/pid; error_log {WORK}/nginx.log crit;
events {{ worker_connections 16000; }}
http {{ access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 32m; client_body_buffer_size 1m; {paths}
  upstream lab {{ server 127.0.0.1:{UPSTREAM}; keepalive 8192; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{NGINX} backlog=4096; location / {{ proxy_pass http://lab; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; proxy_read_timeout 300s; }} }} }}""")
    (WORK / "shim.toml").write_text(f'listen = "127.0.0.1:{SHIM}"\n[[upstream]]\nname = "lab"\nbase_url = "http://127.0.0.1:{UPSTREAM}/v1"\n[limits]\nconcurrent = 20000\n')
    text = "Explain how a proxy keeps the order of events when several arrive together, and what that does to the first one. "
    chat = {"model": "lab-model", "messages": [{"role": "system", "content": text * 3}, {"role": "user", "content": text * 3}]}
    bodies = {
        "whole": {**chat, "temperature": 0.7, "max_tokens": 512, "stream": False},
        CHAT: {**chat, "temperature": 0.7, "max_tokens": 512, "stream": True},
        MESSAGES: {"model": "lab-model", "max_tokens": 512, "stream": True, "system": text * 3, "messages": chat["messages"][1:]},
        OLLAMA: {**chat, "stream": True},
    }
    for kilobytes in PROMPTS:
        turns = [{"role": ("user", "assistant")[n % 2], "content": (text * 9).replace(". ", ".\n")} for n in range(kilobytes)]
        turns = [{"role": "user", "content": text * 7}] if kilobytes == 1 else turns[: max(1, kilobytes * 1000 // 1090)]
        bodies[f"{kilobytes} KB"] = {"model": "lab-model", "messages": turns, "stream": False}
    for name, body in bodies.items():
        body_of(name).write_text(json.dumps(body))


def body_of(name):
    return WORK / (name.strip("/").replace("/", "-").replace(" ", "") + ".json")


def start(command, core, log):
    with open(WORK / log, "ab") as file:
        return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=file, stderr=file, env={**os.environ, "OPENAI_SHIM_LOG": "warn"})


def get(port, path):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        text = s.recv(65536).decode()
    return text.split("\r\n\r\n", 1)[1]


def configure(**settings):
    return json.loads(get(UPSTREAM, "/__set?" + "&".join(f"{k}={v}" for k, v in settings.items())))


def cpu(pid):
    return sum(int(open(f).read().split()[0]) for f in glob.glob(f"/proc/{pid}/task/*/schedstat"))


def drive(port, path, body, markers, *more):
    needle, end = markers
    return ["taskset", "-c", "0", LAB, "drive", "--url", f"http://127.0.0.1:{port}{path}", "--body", body_of(body), "--needle", needle, "--end", end, *more]


def run(command):
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-400:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["bad"] == 0 and result["done"] == result["started"] > 0, result
    return result


# ------------------------------------------------------------------ checks
def check(sample, path, careless):
    """Checks that the first response of a row is complete and valid in its API."""
    head, body = sample.read_bytes().decode().split("\r\n\r\n", 1)
    lines = [line for line in body.splitlines() if line]
    if path == "whole":
        answer = json.loads(body)
        choice = answer["choices"][0]
        assert answer["object"] == "chat.completion" and choice["index"] == 0 and choice["finish_reason"] == "stop", answer
        assert choice["message"]["role"] == "assistant" and choice["message"]["content"].endswith("as soon as it is there.") and answer["usage"]["total_tokens"] == 238, answer
        reported = [h.split(":", 1)[1].strip() for h in head.lower().splitlines() if h.startswith("x-openai-shim-diagnostics:")]
        assert len(reported) == 1 and (reported != ["0"]) == careless, reported
        return
    if path == OLLAMA:
        events = [json.loads(line) for line in lines]
        text = "".join(e["message"]["content"] for e in events)
        assert events[-1]["done"] and events[-1]["done_reason"] == "stop", events[-1]
    elif path == MESSAGES:
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        text = "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta")
        assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop" and events[-2]["delta"]["stop_reason"] == "end_turn", events[-2:]
    else:
        assert lines[-1] == "data: [DONE]", lines[-1]
        events = [json.loads(line[6:]) for line in lines[:-1] if line.startswith("data: ")]
        deltas = [e["choices"][0]["delta"] for e in events if e["choices"]]
        text = "".join(d.get("content") or "" for d in deltas)
        assert "role" in deltas[0] and not any("role" in d for d in deltas[1:]), deltas[:3]
        assert not any(e.get("usage") for e in events if e["choices"]), events[1]
        assert [e["choices"][0]["finish_reason"] for e in events if e["choices"]][-1] == "stop"
    assert text.count(" ") == EVENTS - 2, text


# ------------------------------------------------------------------ rows
def saturated(title, path, careless, whole=False):
    """A closed loop. CPU time for each event, or for each response."""
    body = "whole" if whole else path
    def measure(server, port, pid):
        configure(mode="whole" if whole else "stream", careless=int(careless))
        passed = server == "nginx"
        markers = MARKERS["whole"] if whole else MARKERS[CHAT] if passed else MARKERS[path]
        sample, conns = WORK / "sample", 32 if whole else 8
        # The first and the last event have no text.
        more = ["--conns", conns, "--want", 1 if whole else EVENTS - 2, "--sample", sample]
        run(drive(port, path, body, markers, *more, "--secs", 0.2))
        if not passed:
            check(sample, body, careless)
        before = cpu(pid)
        result = run(drive(port, path, body, markers, *more, "--secs", SECONDS))
        return (cpu(pid) - before) / 1000 / result["done"] / (1 if whole else EVENTS)
    return title, measure


def held(count):
    """This number of open streams, with the same total number of events a second. CPU time for each event."""
    def measure(server, port, pid):
        configure(mode="paced", careless=0, rate=RATE)
        written = json.loads(get(UPSTREAM, "/__stats"))["written"]
        driver = subprocess.Popen([str(x) for x in drive(port, CHAT, CHAT, MARKERS[CHAT], "--conns", count, "--hold")], stdout=subprocess.PIPE, text=True)
        assert driver.stdout.readline() == "open\n"
        time.sleep(0.3)
        begin, before = json.loads(get(UPSTREAM, "/__stats")), cpu(pid)
        assert begin["open"] == count, begin
        time.sleep(max(SECONDS, 1))
        end, after = json.loads(get(UPSTREAM, "/__stats")), cpu(pid)
        get(UPSTREAM, "/__over")
        result = json.loads(driver.stdout.readline())
        assert driver.wait() == 0 and result["bad"] == 0 and result["done"] == count, result
        written = json.loads(get(UPSTREAM, "/__stats"))["written"] - written
        assert result["events"] == written, (result, written)
        return (after - before) / 1000 / (end["written"] - begin["written"])
    return f"paced, {count:,} open stream{'s' * (count > 1)}, CPU µs an event", measure


def prompt(kilobytes):
    """Prompts of one size, the same number of bytes in total. CPU time for each request."""
    name = f"{kilobytes} KB"
    def measure(server, port, pid):
        configure(mode="whole", careless=0)
        size = body_of(name).stat().st_size
        total = max(4, int(PROMPT_BYTES * min(SECONDS, 1) / size))
        more = ["--conns", 4, "--want", 1]
        run(drive(port, CHAT, name, MARKERS["whole"], *more, "--total", max(4, total // 10)))
        before = cpu(pid)
        result = run(drive(port, CHAT, name, MARKERS["whole"], *more, "--total", total))
        return (cpu(pid) - before) / 1000 / result["done"]
    return f"prompt of {name.replace('000 KB', ' MB')}, CPU µs a request", measure


ROWS = [
    saturated("whole answer, clean, CPU µs a request", CHAT, False, whole=True),
    saturated("whole answer, repaired and reported, CPU µs a request", CHAT, True, whole=True),
    saturated("firehose, clean, CPU µs an event", CHAT, False),
    saturated("firehose, every event repaired, CPU µs an event", CHAT, True),
    saturated("firehose, for a client of Anthropic's API, CPU µs an event", MESSAGES, False),
    saturated("firehose, for a client of Ollama's API, CPU µs an event", OLLAMA, False),
    saturated("firehose, every event repaired, for a client of Anthropic's API, CPU µs an event", MESSAGES, True),
    *(held(count) for count in STREAMS),
    *(prompt(kilobytes) for kilobytes in PROMPTS),
]


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    setup()
    processes = [start([LAB, "upstream", f"127.0.0.1:{UPSTREAM}"], 0, "upstream.log")]
    try:
        time.sleep(0.3)
        targets = [("nginx", NGINX, start(["nginx", "-p", WORK, "-c", WORK / "nginx.conf", "-e", WORK / "nginx.log"], 1, "nginx.log"))]
        targets.append(("openai-shim", SHIM, start([SHIM_BINARY, "--config", WORK / "shim.toml"], 1, "shim.log")))
        processes += [process for _, _, process in targets]
        time.sleep(0.7)
        print("| work (least of the repetitions) | nginx | openai-shim | ratio |\n|---|--:|--:|--:|")
        for title, measure in ROWS:
            if ONLY and not any(word in title for word in ONLY):
                continue
            best = {}
            for _ in range(REPETITIONS):
                for server, port, process in targets:
                    figure = measure(server, port, process.pid)
                    best[server] = min(figure, best.get(server, figure))
            nginx, shim = best["nginx"], best["openai-shim"]
            print(f"| {title} | {nginx:.2f} | {shim:.2f} | {shim / nginx:.2f} |", flush=True)
    except BaseException:
        for log in sorted(WORK.glob("*.log")):
            print(f"== {log.name}\n{log.read_text()[-600:]}", file=sys.stderr)
        raise
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()
        shutil.rmtree(WORK)


main()
