#!/usr/bin/env python3
"""Checks every recording with the strict validator, before and after the shim. Generates docs/conformance.md.

  conformance.py BINARY SHARED [--write]     fails on a finding that the shim causes, or when the document is out of date

Needs the packages openai, anthropic, jsonschema and pydantic. Responses go through `convert`. A sample of them, all model
lists and all embeddings also go over sockets, from an upstream that replays the recordings.
"""
import collections, http.server, importlib.util, json, os, random, socket, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

binary, shared = sys.argv[1], sys.argv[2]
spec = importlib.util.spec_from_file_location("validate", f"{shared}/tools/validate.py")
v = importlib.util.module_from_spec(spec)
spec.loader.exec_module(v)
SEVERE, SAMPLE = ("sdk", "order", "frame"), 300


def read(name):
    with open(f"{shared}/corpus/{name}.jsonl") as lines:
        for n, line in enumerate(lines):
            r = json.loads(line)
            if r["response"].get("body_encoding") != "base64":
                yield n, r


def request_of(r):
    body = (r.get("request") or {}).get("body")
    return body if isinstance(body, dict) and body.get("messages") else None


def kind_of(r):
    return "error" if r["response"]["status"] >= 400 else "stream" if r["streaming"] else "response"


def include_usage(r):
    request = request_of(r) or {}
    return bool((request.get("stream_options") or {}).get("include_usage"))


def judge(kind, body, r, framing=True):
    found = v.R()
    scrubbed = r["fidelity"] == "scrubbed" or not framing
    if kind == "error":
        v.check_error(found, body[6:].split("\n")[0] if body.startswith("data: ") else body)
    elif kind == "stream":
        v.chat_stream(found, body, framing, include_usage=include_usage(r), scrubbed=scrubbed)
    else:
        {"response": v.chat, "embeddings": v.embeddings, "models": v.models}[kind](found, body, framing, scrubbed=scrubbed)
    return {(level, code): example for level, code, example in found.f if level not in ("extra", "spec")}


def converted(kind, items):
    """The shim's output for each item, from one run of `convert`."""
    lines = []
    for n, r in items:
        line = {"id": n, "status": r["response"]["status"], "body": r["response"]["body"]}
        if request_of(r):
            line["request"] = request_of(r)
        lines.append(json.dumps(line))
    command = [binary, "convert", "--batch", "--from", "openai-chat", "--to", "openai-chat", "--kind", kind]
    out = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout
    for line, (n, r) in zip(out.splitlines(), items, strict=True):
        line = json.loads(line)
        body = line["body"]
        yield n, r, line, body if isinstance(body, str) else json.dumps(body)


# The reason why a finding is not the shim's: the model wrote it, or the provider reports it. None: the finding counts.
def excused(code, r, line, body):
    codes = [d["code"] for d in line.get("diagnostics", [])]
    finish = [c.get("finish_reason") for c in chunks(body)]
    named = isinstance((request_of(r) or {}).get("tool_choice"), dict)
    if "total_tokens" in code:
        return "the provider reports these totals"
    if "JSON" in code:
        return "the length limit cut the arguments" if "length" in finish else "the model's arguments are not JSON, which is reported" if "tool-arguments-invalid" in codes else None
    if code == 'tool calls but finish_reason "length"' and "length" in finish:
        return "the length limit cut the calls"
    if code == 'tool calls but finish_reason "content_filter"':
        return "a content filter cut the calls"
    if code == 'tool calls but finish_reason "stop"' and named:
        return "OpenAI itself ends with `stop` after a forced function call"
    if code == "created is 0" and '"created":0' in r["response"]["body"].replace(" ", ""):
        return "the provider reports this time"
    if code == "tool call markup leaked into content" and not (request_of(r) or {}).get("tools"):
        return "tool markup although no tool was offered"
    if code == "tool call markup leaked into content" and (request_of(r) or {}).get("tool_choice") == "none":
        return "tool markup although no tool may be called"
    if code == "error object inside the stream" and line.get("outcome") in ("errored", "truncated"):
        return "the upstream failed during its response"
    if code in ("no [DONE]", "choice never gets a finish_reason", "include_usage requested but no usage came") and line.get("outcome") in ("errored", "truncated"):
        return "the upstream failed during its response"
    return None


def chunks(body):
    for text in [t[6:] for t in body.split("\n") if t.startswith("data: {")] or [body]:
        try:
            document = json.loads(text)
        except ValueError:
            continue
        yield from (c for c in document.get("choices") or [] if isinstance(c, dict))


class Table:
    def __init__(self):
        self.rows = collections.defaultdict(lambda: collections.Counter())
        self.reasons, self.ours = collections.Counter(), []

    def add(self, provider, before, after, excuse, name):
        row = self.rows[provider]
        row["recordings"] += 1
        for level in ("sdk", "order", "frame", "sem"):
            row[f"before {level}"] += any(l == level for l, _ in before)
        for (level, code), example in after.items():
            reason = excuse(code)
            if reason:
                self.reasons[reason] += 1
            else:
                self.ours.append((level, code, name, example))
                row[f"after {level}"] += 1

    def markdown(self):
        yield "| provider | recordings | before: types | order | framing | meaning | after |"
        yield "|---|--:|--:|--:|--:|--:|--:|"
        for provider, row in sorted(self.rows.items()):
            after = sum(row[f"after {level}"] for level in ("sdk", "order", "frame", "sem"))
            cells = [row[f"before {level}"] for level in ("sdk", "order", "frame", "sem")]
            yield f"| {provider} | {row['recordings']} | " + " | ".join(map(str, cells)) + f" | {after} |"


def provider(r):
    # Some recordings name a private address: the table does not show it.
    return "unknown" if r["provider"].startswith("unknown") else r["provider"].replace("other:", "")


def by_convert():
    table = Table()
    chat = list(read("openai-chat"))
    for kind in ("response", "stream", "error"):
        for n, r, line, body in converted(kind, [(n, r) for n, r in chat if kind_of(r) == kind]):
            framing = r["fidelity"] in ("raw", "scrubbed")
            before = judge(kind, r["response"]["body"], r, framing)
            failed = not line["ok"] and not body.startswith("data: ")
            after = judge("error" if failed else kind, body, r)
            table.add(provider(r), before, after, lambda code: excused(code, r, line, body), (r["path"], r["n"]))
    return table


def errors():
    """Errors of every dialect, as a chat upstream may forward them."""
    table = Table()
    for name in sorted(os.listdir(f"{shared}/corpus")):
        items = [(n, r) for n, r in read(name.removesuffix(".jsonl")) if r["response"]["status"] >= 400]
        for n, r, line, body in converted("error", items):
            before = judge("error", r["response"]["body"], r)
            table.add(f"{provider(r)} ({r['dialect']})", before, judge("error", body, r), lambda _: None, (r["path"], r["n"]))
    return table


# ---------------------------------------------------------------- over sockets
class Replay(http.server.BaseHTTPRequestHandler):
    """Sends the recording whose key is the model's name, in pieces of random size."""
    protocol_version, recordings = "HTTP/1.1", {}

    def do_GET(self):
        self.respond(self.path.strip("/").split("/")[0])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.respond(json.loads(body)["model"])

    def respond(self, key):
        r = self.recordings.get(key)
        status, body = (r["response"]["status"], r["response"]["body"].encode()) if r else (404, b"{}")
        self.send_response(status)
        stream = r and r["streaming"]
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        rng = random.Random(key)
        while body:
            size = rng.choice((1, 7, 100, 1000, 5000, 100_000))
            piece, body = body[:size], body[size:]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(lists):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    base, port = f"http://127.0.0.1:{upstream.server_address[1]}", free_port()
    config = f'listen = "127.0.0.1:{port}"\n[retry]\nattempts = 1\n[fallback]\nwhen = "never"\n[[upstream]]\nname = "replay"\nbase_url = "{base}/none/v1"\nprofile = "openai"\nmodels = ["none"]\n'
    for key in lists:
        config += f'[[upstream]]\nname = "{key}"\nbase_url = "{base}/{key}"\nprofile = "compatible"\n'
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as f:
        f.write(config)
    shim = subprocess.Popen([binary, "--config", f.name], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1).read()
            break
        except OSError:
            time.sleep(0.05)
    return shim, url, f.name


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(), e.headers


def over_sockets():
    table = Table()
    chat = [(n, r) for n, r in read("openai-chat") if request_of(r)]
    sample = random.Random(1).sample(chat, min(SAMPLE, len(chat)))
    embeddings = [(n, r) for n, r in read("openai-embeddings") if isinstance((r.get("request") or {}).get("body"), dict)]
    lists = [(n, r) for n, r in read("models") if r["endpoint"] == "models" and r["response"]["status"] < 400]
    for prefix, items in (("chat", sample), ("emb", embeddings), ("list", lists)):
        Replay.recordings.update({f"{prefix}-{n}": r for n, r in items})
    shim, url, config = serve([f"list-{n}" for n, _ in lists])
    try:
        for n, r in sample:
            status, body, headers = call(f"{url}/v1/chat/completions", {**request_of(r), "model": f"replay/chat-{n}"})
            line = {"ok": status < 400, "outcome": "errored" if '"error"' in body else "complete"}
            codes = headers.get("x-openai-shim-diagnostics", "").partition("; ")[2].split(", ")
            line["diagnostics"] = [{"code": c.split(" ")[0]} for c in codes]
            kind = "error" if status >= 400 else "stream" if request_of(r).get("stream") else "response"
            before = judge(kind_of(r), r["response"]["body"], r, r["fidelity"] in ("raw", "scrubbed"))
            table.add("chat, 300 of all", before, judge(kind, body, r), lambda code: excused(code, r, line, body), (r["path"], r["n"]))
        for n, r in embeddings:
            status, body, _ = call(f"{url}/v1/embeddings", {**r["request"]["body"], "model": f"replay/emb-{n}"})
            if r["response"]["status"] < 400 and "embedding" not in r["response"]["body"]:
                continue
            kind = "error" if status >= 400 else "embeddings"
            before = judge("error" if r["response"]["status"] >= 400 else "embeddings", r["response"]["body"], r)
            table.add(f"embeddings, {provider(r)}", before, judge(kind, body, r), lambda _: None, (r["path"], r["n"]))
        _, body, _ = call(f"{url}/v1/models")
        listed = {m["id"].split("/")[0] for m in json.loads(body)["data"]} | {m["id"] for m in json.loads(body)["data"]}
        after = judge("models", body, lists[0][1])
        for n, r in lists:
            before = judge("models", r["response"]["body"], r)
            o = json.loads(r["response"]["body"])
            for m in o.get("data") or o.get("models") or []:
                name = m.get("id") or m.get("name")
                assert name in listed or any(i.endswith(name) for i in listed), f"the list misses the model {name}"
            table.add(f"models, {provider(r)}", before, after, lambda _: None, (r["path"], r["n"]))
    finally:
        shim.terminate()
        shim.wait()
        os.unlink(config)
    return table


def main():
    parts = [
        ("Chat completions, through `convert`", by_convert()),
        ("Errors of every dialect, as a chat upstream may forward them", errors()),
        ("Over real sockets: a sample of chat, all embeddings, all model lists", over_sockets()),
    ]
    out = ["# Conformance", "", "Generated by `openai-shim-server/tests/recordings/conformance.py`: recordings of real providers, before and after the shim,", "checked by a validator that accepts what OpenAI's own SDK accepts in its strictest mode. A cell counts recordings with at", "least one finding: types, order of events, framing, or meaning. *After* counts every remaining finding except those listed", "below each table.", ""]
    ours = []
    for title, table in parts:
        out += [f"## {title}", "", *table.markdown(), ""]
        if table.reasons:
            out += ["Remaining findings and their causes:", ""]
            out += [f"- {reason}: {count}" for reason, count in sorted(table.reasons.items())] + [""]
        ours += table.ours
    text = "\n".join(out)
    for level, code, name, example in ours[:40]:
        print(f"{level}: {code} {name} {example}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/conformance.md")
    if "--write" in sys.argv:
        with open(path, "w") as f:
            f.write(text)
    elif open(path).read() != text:
        sys.exit("docs/conformance.md is out of date: run openai-shim-server/tests/recordings/conformance.py BINARY SHARED --write")
    total = sum(row["recordings"] for _, table in parts for row in table.rows.values())
    print(f"{total} recordings, {len(ours)} findings caused by the shim")
    sys.exit(bool(ours))


main()
