#!/usr/bin/env python3
"""Attacks a running server. Prints a figure for each attack; docs/operations.md lists them.

    withstand.py BINARY [SECTION…]       runs these sections, or all; --help lists them

All traffic stays on this machine. Takes about three minutes and up to 3 GB of memory.
"""
import concurrent.futures
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import zlib

import lab
import payloads

CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
STREAM = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
ANSWER = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
upstream = lab.Upstream()
results = []


def config(more="", dialect="openai-chat", models='models = ["m"]'):
    return f'{more}\n[[upstream]]\nname = "u"\nbase_url = "http://127.0.0.1:{upstream.port}/v1"\ndialect = "{dialect}"\n{models}\n'


def check(what, held, figure=""):
    results.append(bool(held))
    print(f"  {'ok    ' if held else 'FAILED'} {what}{': ' + str(figure) if figure != '' else ''}", flush=True)


def serving(shim):
    return shim.alive() and shim.send("GET", "/healthz", timeout=10)[0] == 200


def log():
    """The log cannot be written."""
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    with open("/dev/full", "wb") as full, lab.Shim(BINARY, config(), stderr=full) as shim:
        statuses = [shim.send("POST", "/v1/chat/completions", CHAT)[0] for _ in range(20)]
        check("requests are served when the log's disk is full", serving(shim) and statuses == [200] * 20)
        check("lost log lines are counted", shim.metric("openai_shim_log_lines_lost") > 0)
    reader, writer = os.pipe()
    with lab.Shim(BINARY, config(), stderr=writer) as shim:
        os.close(reader)
        os.close(writer)
        statuses = [shim.send("POST", "/v1/chat/completions", CHAT)[0] for _ in range(20)]
        check("requests are served when the log's pipe is closed", serving(shim) and statuses == [200] * 20)
    reader, writer = os.pipe()
    with lab.Shim(BINARY, config('[log]\nfilter = "debug"'), stderr=writer) as shim:
        os.close(writer)
        begun = time.monotonic()
        statuses = []
        while len(statuses) < 1000 and 0 not in statuses:
            statuses.append(shim.send("POST", "/v1/chat/completions", CHAT, timeout=5)[0])
        check("requests are served when nothing reads the log's pipe", set(statuses) == {200} and serving(shim), f"{time.monotonic() - begun:.1f} s for 1,000 requests")
        os.close(reader)


def large():
    """Large requests do not delay small ones."""
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    bodies = {
        "a million messages": json.dumps({"model": "m", "messages": [{"role": "user", "content": "a"}] * 900_000})[:-1] + "}",
        "one giant text": json.dumps({"model": "m", "messages": [{"role": "user", "content": "\\u00e4 x" * 3_500_000}]}),
        "open brackets": '{"model":"m","messages":[{"role":"user","content":"hi"}],"x":' + "[" * 15_000_000 + "]" * 15_000_000 + "}",
    }
    for name, body in bodies.items():
        for dialect in ("openai-chat", "anthropic-messages"):
            with lab.Shim(BINARY, config(dialect=dialect)) as shim, concurrent.futures.ThreadPoolExecutor(8) as pool:
                begun = time.monotonic()
                running = [pool.submit(shim.send, "POST", "/v1/chat/completions", body) for _ in range(8)]
                worst = 0.0
                while not all(future.done() for future in running):
                    before = time.monotonic()
                    shim.send("GET", "/healthz", timeout=60)
                    worst = max(worst, time.monotonic() - before)
                    time.sleep(0.02)
                statuses = sorted({future.result()[0] for future in running})
                check(f"/healthz during eight requests of {len(body) >> 20} MB ({name}, for {dialect})", worst < 0.25, f"{worst * 1000:.0f} ms at most, {time.monotonic() - begun:.1f} s in all, {statuses}")
    with lab.Shim(BINARY, config()) as shim:
        body = bodies["a million messages"].encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        for _ in range(8):
            shim.socket(head + body).close()
        before = shim.cpu()
        time.sleep(8)
        work = shim.cpu() - before
        before = shim.cpu()
        time.sleep(1)
        check("work for disconnected clients ends", shim.cpu() - before < 0.1, f"{work:.1f} s of processor time after they disconnected")


def memory():
    """Memory of requests with a million messages."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": ""}] * 1_000_000}, separators=(",", ":")).encode()
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    for dialect in ("openai-chat", "anthropic-messages", "openai-responses", "gemini", "ollama-chat"):
        with lab.Shim(BINARY, config('[limits]\nrequest_body = "64MiB"', dialect=dialect)) as shim:
            shim.send("POST", "/v1/chat/completions", CHAT)
            idle = shim.memory()
            shim.send("POST", "/v1/chat/completions", body)
            peak = shim.memory("VmHWM")
            check(f"a request of {len(body) / 1e6:.0f} MB for {dialect}: peak memory", peak - idle < 8 * len(body) / 1e6, f"{peak:.0f} MB, {(peak - idle) / (len(body) / 1e6):.1f} × the body")
            for _ in range(4):
                shim.send("POST", "/v1/chat/completions", body)
            begun = time.monotonic()
            back = lab.until(lambda: shim.memory() < idle + 120, 15)
            check("memory returns to the system after four more", back, f"{shim.memory():.0f} MB {time.monotonic() - begun:.1f} s later, {idle:.0f} before")
    with lab.Shim(BINARY, config('[limits]\nbodies = "64MiB"\nrequest_body = "64MiB"')) as shim, concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(shim.send, "POST", "/v1/chat/completions", body) for _ in range(8)]
        answers = [future.result() for future in sent]
        refused = [headers for status, headers, _ in answers if status == 503]
        check("requests over limits.bodies get 503 with Retry-After", refused and all("retry-after" in {k.lower() for k in h} for h in refused), sorted(a[0] for a in answers))
        check("later requests are served", shim.send("POST", "/v1/chat/completions", body)[0] == 200)


def stalled():
    """Clients that stop reading or sending."""
    pieces = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"] + [EVENT % (b"x" * 1000)] * 20_000
    upstream.reply = lambda path, body: pieces
    more = '[timeouts]\nwrite = "2s"\n[limits]\nconcurrent = 20\n'
    with lab.Shim(BINARY, config(more)) as shim:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(STREAM)}\r\n\r\n{STREAM}".encode()
        clients = [shim.socket(head, receive_buffer=4096) for _ in range(20)]
        begun = time.monotonic()
        time.sleep(0.5)
        refused = shim.send("POST", "/v1/chat/completions", CHAT, timeout=5)[0] == 503
        upstream.reply = lambda path, body: lab.whole(ANSWER)
        freed = lab.until(lambda: shim.send("POST", "/v1/chat/completions", CHAT)[0] == 200, 15)
        check("timeouts.write disconnects twenty clients that read nothing", freed, f"{time.monotonic() - begun:.1f} s; other clients got {'503' if refused else 'no 503'} meanwhile")
        [client.close() for client in clients]
        idle = [shim.socket() for _ in range(500)] + [shim.socket(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localh") for _ in range(500)]
        check("requests are served beside 500 silent connections and 500 with half a head", shim.send("POST", "/v1/chat/completions", CHAT)[0] == 200)
        [client.close() for client in idle]
    pieces = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"]

    def drip(path, body):
        yield pieces[0]
        for _ in range(100):
            time.sleep(0.1)
            yield b": comment\n\n"

    class Drip(list):
        def __iter__(self):
            return drip("", b"")

    upstream.reply = lambda path, body: Drip(pieces)
    with lab.Shim(BINARY, config('[timeouts]\ntotal = "2s"\nkeepalive = "200ms"\n')) as shim:
        begun = time.monotonic()
        answer = shim.send("POST", "/v1/chat/completions", STREAM)[2]
        check("timeouts.total ends a stream of comments", time.monotonic() - begun < 6 and b"timeouts.total" in answer, f"{time.monotonic() - begun:.1f} s")


def replays():
    """An upstream that closes the connection without a response."""
    for attempts in (1, 2, 3):
        calls = []

        def reply(path, body):
            if not calls:
                calls.append(0)
                return lab.whole(ANSWER)
            calls.append(1)
            raise OSError("closed")

        upstream.reply = reply
        with lab.Shim(BINARY, config(f'[retry]\nattempts = {attempts}\nbackoff = "10ms"\n')) as shim:
            shim.send("POST", "/v1/chat/completions", CHAT)
            status = shim.send("POST", "/v1/chat/completions", CHAT)[0]
            check(f"retry.attempts = {attempts} sends {attempts} requests", len(calls) - 1 == attempts and status == 502, f"{len(calls) - 1} requests, {status}")


def compression():
    """Compression bombs and content codings."""
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    bomb = gzip.compress(b" " * (1 << 30), 9)
    with lab.Shim(BINARY, config()) as shim:
        before = shim.memory()
        status, _, _ = shim.send("POST", "/v1/chat/completions", bomb, {"content-encoding": "gzip"})
        check(f"a gzip bomb of {len(bomb) >> 10} KB that expands to 1 GB is refused", status == 413 and shim.memory("VmHWM") < before + 150, f"{status}, {shim.memory('VmHWM'):.0f} MB at most")
        nested = gzip.compress(gzip.compress(b" " * (1 << 28)))
        check("a bomb compressed twice is refused", shim.send("POST", "/v1/chat/completions", nested, {"content-encoding": "gzip, gzip"})[0] in (413, 415))
        check("an unknown coding is refused", shim.send("POST", "/v1/chat/completions", b"x", {"content-encoding": "lzma"})[0] == 415)
        check("a long list of codings is refused", shim.send("POST", "/v1/chat/completions", CHAT, {"content-encoding": "gzip, " * 2000 + "gzip"})[0] in (400, 415))
        check("a truncated body is refused", shim.send("POST", "/v1/chat/completions", gzip.compress(CHAT.encode())[:-9], {"content-encoding": "gzip"})[0] == 400)
        check("deflate is read, with and without a zlib header", [shim.send("POST", "/v1/chat/completions", body, {"content-encoding": "deflate"})[0] for body in (zlib.compress(CHAT.encode()), zlib.compress(CHAT.encode())[2:-4])] == [200, 200])
        upstream.reply = lambda path, body: lab.whole(bomb, headers="content-encoding: gzip\r\n")
        shim.send("POST", "/v1/chat/completions", CHAT)
        check("a bomb as a response", serving(shim) and shim.memory("VmHWM") < before + 400, f"{shim.memory('VmHWM'):.0f} MB at most")


def learned():
    """Model names that do not exist."""
    refusal = b'{"error":{"message":"Unsupported parameter: \'logit_bias\' is not supported with this model.","type":"invalid_request_error","param":"logit_bias","code":"unsupported_parameter"}}'
    good = ANSWER

    def reply(path, body):
        request = json.loads(body)
        if request["model"].startswith("invented"):
            return lab.whole(refusal, status="400 Bad Request")
        return lab.whole(refusal, status="400 Bad Request") if "logit_bias" in request else lab.whole(good)

    upstream.reply = reply
    body = lambda model: json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 1}})
    with lab.Shim(BINARY, config(models="")) as shim:
        for n in range(1100):
            shim.send("POST", "/v1/chat/completions", body(f"u/invented-{n}"))
        shim.send("POST", "/v1/chat/completions", body("u/real"))
        calls = upstream.calls
        shim.send("POST", "/v1/chat/completions", body("u/real"))
        check("a real model is learned after 1,100 invented ones", upstream.calls - calls == 1, f"{upstream.calls - calls} upstream requests the second time")
        before = shim.memory()
        for n in range(30):
            shim.send("POST", "/v1/chat/completions", body("u/" + f"{n}" + "x" * (4 << 20)))
        text = shim.send("GET", "/learned")[2]
        check("model names of 4 MB are not stored", len(text) < 1 << 20 and shim.memory() < before + 120, f"/learned: {len(text) >> 10} KB, memory {shim.memory():.0f} MB")
        check("the log stays small", shim.log.stat().st_size < 2 << 20, f"{shim.log.stat().st_size >> 10} KB")
        check("the metrics stay small", len(shim.send("GET", "/metrics")[2]) < 1 << 19)


def malformed():
    """Requests of every dialect with random damage."""
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    rng = random.Random(7)
    seeds = [(dialect, json.dumps(make(3)) if not isinstance(make(3), str) else make(3)) for dialect, _, make in payloads.requests()]
    tokens = ["null", "true", "-1", "1e999", '""', "[]", "{}", '"\\ud800"', "[[[[", "}}", '"\\u0000"', "9" * 400, "\x00", "\ufeff", "NaN"]
    with lab.Shim(BINARY, config()) as shim:
        statuses, unread, slow = {}, 0, 0.0
        for n in range(3000):
            dialect, text = rng.choice(seeds)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(text))
                match rng.randrange(4):
                    case 0: text = text[:at] + text[at + rng.randint(1, 40):]
                    case 1: text = text[:at] + rng.choice(tokens) + text[at:]
                    case 2: text = text[:at] + rng.choice(tokens) + text[at + rng.randint(1, 12):]
                    case 3: text = text[:at] + text[at:at + 60] * rng.randint(2, 5) + text[at:]
                text = text or "{"
            begun = time.monotonic()
            status, headers, body = shim.send("POST", payloads.PATHS[dialect], text.encode("utf-8", "surrogatepass"), timeout=20)
            slow = max(slow, time.monotonic() - begun)
            statuses[status] = statuses.get(status, 0) + 1
            if status >= 400:
                try:
                    json.loads(body)
                except ValueError:
                    unread += 1
        check("3,000 malformed requests are served or get an error", serving(shim) and statuses.get(0, 0) == 0 and statuses.get(500, 0) == 0 and not unread, f"{dict(sorted(statuses.items()))}, slowest {slow * 1000:.0f} ms")


def hostile():
    """Upstream responses of every dialect with random damage, for clients of every dialect."""
    rng = random.Random(11)
    seeds = {}
    for dialect, _, kind, make in payloads.answers():
        seeds.setdefault(dialect, []).append((kind, make(3)))
    tokens = [b"null", b"1e999", b'""', b"[]", b"{}", b'"\\ud800"', b"[[[[", b"}}", b"\x00", b"\xff\xfe", b"\n\n", b"data: ", b"event: error\n", b"\r", b": \n", b"[DONE]", b"<html>"]
    counts, slow = {}, 0.0
    for dialect, known in seeds.items():
        with lab.Shim(BINARY, config('[retry]\nattempts = 1\n[timeouts]\nidle = "5s"\nwhole = "5s"\nfirst_byte = "5s"', dialect=dialect)) as shim:
            for n in range(250):
                kind, answer = rng.choice(known)
                for _ in range(rng.randint(1, 3)):
                    at = rng.randrange(len(answer) + 1)
                    answer = answer[:at] + rng.choice(tokens) + answer[at + rng.choice([0, 0, 5, 50]):]
                way = rng.randrange(6)
                head = lab.whole(answer, kind)
                if way == 0:
                    head = lab.whole(answer, kind, headers="connection: close\r\n")[:-rng.randint(1, 30)]
                elif way == 1:
                    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n%x\r\n%s\r\n" % (kind.encode(), len(answer) + rng.choice([0, 0, 1, -1, 1 << 40]), answer)
                elif way == 2:
                    head = lab.whole(answer, kind, status=rng.choice(["500 X", "429 X", "404 X", "204 X", "301 X", "999 X"]), headers="connection: close\r\n")
                upstream.reply = lambda path, body, head=head: head
                client = rng.choice(payloads.DIALECTS)
                stream = rng.random() < 0.5
                begun = time.monotonic()
                status, _, _ = shim.send("POST", payloads.stream_path(client) if stream else payloads.PATHS[client], json.dumps(payloads.ask(client, stream)), timeout=30)
                slow = max(slow, time.monotonic() - begun)
                counts[status] = counts.get(status, 0) + 1
            alive = serving(shim)
            faults = shim.log.read_text(errors="replace").count("a fault of openai-shim")
            check(f"250 malformed responses of {dialect}", alive and not faults, f"{faults} faults of the shim")
    print(f"         {dict(sorted(counts.items()))}, slowest {slow:.1f} s")


def process():
    """Signals, file descriptors, and upstreams that cannot be reached."""
    upstream.reply = lambda path, body: lab.whole(ANSWER)
    with lab.Shim(BINARY, config()) as shim:
        shim.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        check("SIGHUP does not end the process", serving(shim))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
    shim = lab.Shim(BINARY, config())
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    with shim:
        clients = [shim.socket() for _ in range(80)]
        time.sleep(0.5)
        work = shim.cpu()
        time.sleep(2)
        work = shim.cpu() - work
        [client.close() for client in clients]
        check("requests are served after more connections than file descriptors", lab.until(lambda: serving(shim), 10) and work < 0.5, f"{work:.2f} s of processor time in 2 s")
        check("the log reports it in few lines", 0 < shim.log.read_text().count("descriptor") < 20, shim.log.read_text().count("descriptor"))
    for name, url, texts in [
        ("TLS to an upstream without TLS", f"https://127.0.0.1:{upstream.port}/v1", ("http://",)),
        ("the port is closed", "http://127.0.0.1:1/v1", ('"u"', "base_url")),
        ("the host name does not exist", "http://nowhere.invalid/v1", ('"u"', "resolved", "base_url")),
    ]:
        with lab.Shim(BINARY, f'[retry]\nattempts = 1\n[[upstream]]\nname = "u"\nbase_url = "{url}"\nmodels = ["m"]\n') as shim:
            status, _, body = shim.send("POST", "/v1/chat/completions", CHAT)
            message = json.loads(body)["error"]["message"]
            check(name, status in (502, 503, 504) and all(text in message for text in texts), message)
    with lab.Shim(BINARY, config()) as shim:
        for name, data, expected in [
            ("an announced body over the limit", b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
            ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),
            ("a long URL", b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n", b"414"),
            ("a long head", b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"".join(b"x%d: %s\r\n" % (n, b"y" * 9000) for n in range(99)) + b"\r\n", b"431"),
        ]:
            client = shim.socket()
            begun = time.monotonic()
            client.settimeout(5)
            answer = b""
            try:
                client.sendall(data)
            except OSError:
                pass
            try:
                while b"\r\n\r\n" not in answer or b"}" not in answer:
                    piece = client.recv(65536)
                    if not piece:
                        break
                    answer += piece
            except OSError:
                pass
            took = time.monotonic() - begun
            check(f"{name}: {expected.decode()} with a body", answer.startswith(b"HTTP/1.1 " + expected) and b'{"' in answer and took < 2, f"{took:.2f} s {answer[:60]!r}" if not answer.startswith(b"HTTP/1.1 " + expected) else f"{took:.2f} s")
            client.close()


SECTIONS = [log, large, memory, stalled, replays, compression, learned, malformed, hostile, process]
if len(sys.argv) < 2 or "--help" in sys.argv:
    print(__doc__)
    print("\n".join(f"    {section.__name__:12} {section.__doc__}" for section in SECTIONS))
    sys.exit(0 if "--help" in sys.argv else 2)
BINARY = sys.argv[1]
for section in SECTIONS:
    if not sys.argv[2:] or section.__name__ in sys.argv[2:]:
        print(f"{section.__name__}: {section.__doc__}", flush=True)
        section()
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
