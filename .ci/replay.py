#!/usr/bin/env python3
"""Upstreams of every dialect behind clients of every dialect, over real sockets.

  replay.py BINARY SHARED     fails when a client gets something else than was recorded, or what its types refuse

A server replays recordings where they lie, in pieces of any size; the shim stands before it with one upstream for each
dialect. For each pair a sample is asked for as that dialect's client asks: by its path, its body and its stream.
"""
import http.server, json, os, random, socket, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse, urllib.request
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import translations as t

SAMPLE = 12
PATHS = {
    "openai-chat": "/v1/chat/completions", "openai-completions": "/v1/completions", "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages", "ollama-chat": "/api/chat", "ollama-generate": "/api/generate",
}


class Replay(http.server.BaseHTTPRequestHandler):
    """Answers with the recording that the model names, wherever the dialect names it."""
    protocol_version, recordings = "HTTP/1.1", {}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        path = urllib.parse.unquote(self.path)
        key = path.partition("/models/")[2].partition(":")[0] if "/models/" in path else body.get("model")
        r = self.recordings[key]
        self.send_response(r["response"]["status"])
        stream = "application/x-ndjson" if key.startswith("ollama") else "text/event-stream"
        self.send_header("content-type", stream if t.kind_of(r) == "stream" else "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        left, dice = r["response"]["body"].encode(), random.Random(key)
        while left:
            size = dice.choice((1, 7, 100, 1000, 5000, 100_000))
            piece, left = left[:size], left[size:]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def row(dialect):
    """Its own API's, but one that speaks no dialect besides."""
    return t.DIALECTS[dialect][2].replace("openai", "compatible") if dialect in ("openai-chat", "openai-completions") else t.DIALECTS[dialect][2]


def serve(folder):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = f'listen = "127.0.0.1:{port}"\nlearn = false\n[retry]\nattempts = 1\n[fallback]\nwhen = "never"\n'
    for dialect in t.DIALECTS:
        config += f'[[upstream]]\nname = "{dialect}"\nbase_url = "http://127.0.0.1:{upstream.server_address[1]}"\ndialect = "{dialect}"\nprofile = "{row(dialect)}"\nmodels = ["none"]\n'
    path = os.path.join(folder, "shim.toml")
    with open(path, "w") as f:
        f.write(config)
    log = open(os.path.join(folder, "log"), "w")
    shim = subprocess.Popen([t.binary, "--config", path], stderr=log, stdout=log)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1).read()
            return shim, url
        except OSError:
            time.sleep(0.05)
    sys.exit(open(log.name).read())


def ask(url, client, model, body, stream):
    """Asks as a client of that dialect does; the status, the body, and the codes of what was changed."""
    body = {**body, "model": model}
    path = PATHS.get(client)
    if client == "gemini":
        path = f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        del body["model"]
    else:
        body["stream"] = stream
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json", "anthropic-version": "2023-06-01"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            status, text, headers = reply.status, reply.read().decode(), reply.headers
    except urllib.error.HTTPError as e:
        status, text, headers = e.code, e.read().decode(), e.headers
    return status, text, [c.split(" ")[0] for c in headers.get("x-openai-shim-diagnostics", "").partition("; ")[2].split(", ")]


def main():
    v, wrong, asked_for = t.load(), [], 0
    samples, plain = {}, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    for source in t.DIALECTS:
        items = [(n, r) for n, r in t.recordings(source)]
        samples[source] = random.Random(1).sample(items, min(SAMPLE * 2, len(items)))
        for n, r in samples[source]:
            t.named(r)
            Replay.recordings[f"{source}-{n}"] = r
    with tempfile.TemporaryDirectory() as folder:
        shim, url = serve(folder)
        try:
            for source, items in samples.items():
                for client in t.DIALECTS:
                    bodies = [{"id": n, "body": (r.get("request") or {}).get("body")} for n, r in items if isinstance((r.get("request") or {}).get("body"), dict)]
                    asked = {line["id"]: line["body"] for line in t.convert(source, client, "request", t.DIALECTS[client][2], bodies) if line["ok"]}
                    [plainly] = t.convert("openai-chat", client, "request", t.DIALECTS[client][2], [{"id": 0, "body": {**plain, "model": "m"}}])
                    for n, r in items:
                        # A conversation that the shim does not hold is refused before it is asked for.
                        body = {k: w for k, w in asked.get(n, plainly["body"]).items() if k not in ("previous_response_id", "conversation")}
                        stream = t.kind_of(r) == "stream"
                        recorded = {"id": n, "status": r["response"]["status"], "body": r["response"]["body"]}
                        mended, = t.convert(source, source, t.kind_of(r), row(source), [recorded])
                        line, = t.convert(source, client, t.kind_of(r), row(source), [{**recorded, "request": body}])
                        status, text, codes = ask(url, client, f"{source}/{source}-{n}", body, stream)
                        asked_for += 1
                        kind = "error" if status >= 400 else t.kind_of(r)
                        try:
                            found = t.judge(v, client, kind, text, body)
                            broke = kind == "stream" and any(k[1] in t.BROKEN for k in found)
                            differs = {} if kind == "error" or broke or not line["ok"] or t.kind_of(r) == "error" else t.compare(source, client, kind, r["response"]["body"], t.text_of(mended), text, codes, body)
                        except Exception as e:
                            found, differs, broke = {("crash", repr(e)): text[:300]}, {}, False
                        if broke:
                            found = {k: e for k, e in found.items() if k[1] not in t.BROKEN}
                        # An error where there was an answer must be the recording's own fault.
                        ok = line["ok"] and t.kind_of(r) != "error"
                        if ok and (kind == "error" or broke):
                            differs = {"failed": text[:300]}
                        if found or differs:
                            wrong.append((source, client, kind, n, str(found)[:300], str(differs)[:300]))
        finally:
            shim.terminate()
            shim.wait()
    for line in wrong[:40]:
        print(*line)
    print(f"{asked_for} answers over sockets, {len(wrong)} of them wrong")
    sys.exit(bool(wrong))


main()
