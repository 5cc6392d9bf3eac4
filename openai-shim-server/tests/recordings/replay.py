#!/usr/bin/env python3
"""Replays recordings of every dialect to clients of every dialect, over sockets.

  replay.py BINARY SHARED     fails when a client gets other content than the recording's, or a payload that breaks its types

A server sends recordings in pieces of random size. The shim has one upstream for each dialect there. For each pair of
dialects, a client requests a sample of the recordings with its own path and body, streaming or not.
"""
import http.client, http.server, json, os, random, socket, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse, urllib.request
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import translations as t

SAMPLE = 12
PATHS = {
    "openai-chat": "/v1/chat/completions", "openai-completions": "/v1/completions", "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages", "ollama-chat": "/api/chat", "ollama-generate": "/api/generate",
}


class Replay(http.server.BaseHTTPRequestHandler):
    """Sends the recording whose key is the model, which is in the path or in the body."""
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
        rest, rng = r["response"]["body"].encode(), random.Random(key)
        while rest:
            size = rng.choice((1, 7, 100, 1000, 5000, 100_000))
            piece, rest = rest[:size], rest[size:]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def profile(dialect):
    """The profile of the vendor's own API; for OpenAI's, `compatible`, which has no second dialect."""
    return t.DIALECTS[dialect][2].replace("openai", "compatible") if dialect in ("openai-chat", "openai-completions") else t.DIALECTS[dialect][2]


def serve(folder):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = f'listen = "127.0.0.1:{port}"\nlearn = false\n[retry]\nattempts = 1\n[fallback]\nwhen = "never"\n'
    for dialect in t.DIALECTS:
        config += f'[[upstream]]\nname = "{dialect}"\nbase_url = "http://127.0.0.1:{upstream.server_address[1]}"\ndialect = "{dialect}"\nprofile = "{profile(dialect)}"\nmodels = ["none"]\n'
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


def send(url, client, model, body, stream):
    """Sends a request as a client of that dialect does. Returns status, body and diagnostic codes."""
    body = {**body, "model": model}
    path = PATHS.get(client)
    if client == "gemini":
        path = f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        del body["model"]
    else:
        body["stream"] = stream
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json", "anthropic-version": "2023-06-01"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, headers = response.status, response.headers
            try:
                text = response.read().decode()
            except http.client.IncompleteRead as e:
                # A stream that failed ends with a broken connection, behind its error: on Ollama's routes always, in chat where the
                # answer has calls.
                if not client.startswith("ollama") and client != "openai-chat":
                    raise
                text = e.partial.decode()
    except urllib.error.HTTPError as e:
        status, text, headers = e.code, e.read().decode(), e.headers
    return status, text, [c.split(" ")[0] for c in headers.get("x-openai-shim-diagnostics", "").partition("; ")[2].split(", ")]


def main():
    v, wrong, count = t.load(), [], 0
    samples, minimal = {}, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    for source in t.DIALECTS:
        items = [(n, r) for n, r in t.recordings(source)]
        samples[source] = random.Random(1).sample(items, min(SAMPLE * 2, len(items)))
        for n, r in samples[source]:
            t.add_model(r)
            Replay.recordings[f"{source}-{n}"] = r
    with tempfile.TemporaryDirectory() as folder:
        shim, url = serve(folder)
        try:
            for source, items in samples.items():
                for client in t.DIALECTS:
                    bodies = [{"id": n, "body": (r.get("request") or {}).get("body")} for n, r in items if isinstance((r.get("request") or {}).get("body"), dict)]
                    requests = {line["id"]: line["body"] for line in t.convert(source, client, "request", t.DIALECTS[client][2], bodies) if line["ok"]}
                    [fallback] = t.convert("openai-chat", client, "request", t.DIALECTS[client][2], [{"id": 0, "body": {**minimal, "model": "m"}}])
                    for n, r in items:
                        # The shim refuses a conversation that it does not store, so the request does not name it.
                        body = {k: w for k, w in requests.get(n, fallback["body"]).items() if k not in ("previous_response_id", "conversation")}
                        stream = t.kind_of(r) == "stream"
                        recorded = {"id": n, "status": r["response"]["status"], "body": r["response"]["body"]}
                        repaired, = t.convert(source, source, t.kind_of(r), profile(source), [recorded])
                        line, = t.convert(source, client, t.kind_of(r), profile(source), [{**recorded, "request": body}])
                        status, text, codes = send(url, client, f"{source}/{source}-{n}", body, stream)
                        count += 1
                        kind = "error" if status >= 400 else t.kind_of(r)
                        try:
                            findings = t.judge(v, client, kind, text, body)
                            broken = kind == "stream" and any(k[1] in t.BROKEN for k in findings)
                            differs = {} if kind == "error" or broken or not line["ok"] or t.kind_of(r) == "error" else t.compare(source, client, kind, r["response"]["body"], t.text_of(repaired), text, codes, body)
                        except Exception as e:
                            findings, differs, broken = {("crash", repr(e)): text[:300]}, {}, False
                        if broken:
                            findings = {k: e for k, e in findings.items() if k[1] not in t.BROKEN}
                        # Where `convert` succeeds, the client must not get an error.
                        ok = line["ok"] and t.kind_of(r) != "error"
                        if ok and (kind == "error" or broken):
                            differs = {"failed": text[:300]}
                        if findings or differs:
                            wrong.append((source, client, kind, n, str(findings)[:300], str(differs)[:300]))
        finally:
            shim.terminate()
            shim.wait()
    for line in wrong[:40]:
        print(*line)
    print(f"{count} responses over sockets, {len(wrong)} of them wrong")
    sys.exit(bool(wrong))


main()
