#!/usr/bin/env python3
"""Converts every recording of every dialect to every other dialect, validates it and compares it with the recording.
Generates docs/translations.md.

  translations.py BINARY SHARED [--write]     fails on a finding, on a response whose content differs, or when the document
                                              is out of date

Responses and streams go through `convert` together with the recorded request, which is converted first. The validator
(`tools/validate.py`) checks types, order and framing. `readers.py` reads text, reasoning, tool calls, finish reason and
tokens, which must be equal. A difference is accepted when a diagnostic of that response reports the loss.
"""
import collections, concurrent.futures, importlib.util, json, os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import readers

binary, shared = sys.argv[1], sys.argv[2]
# For each dialect: the file of its recordings, its name in the validator, and the profile of the vendor's own API.
DIALECTS = {
    "openai-chat": ("openai-chat", "chat", "openai"),
    "openai-completions": ("openai-completions", "completions", "openai"),
    "openai-responses": ("openai-responses", "responses", "openai-responses"),
    "anthropic-messages": ("anthropic", "anthropic", "anthropic"),
    "ollama-chat": ("ollama", "ollama", "ollama-native"),
    "ollama-generate": ("ollama", "ollama", "ollama-native"),
    "gemini": ("gemini", "gemini", "gemini"),
}
OWN = {"ollama.chat": "ollama-chat", "ollama.generate": "ollama-generate"}
SKIP = {"messages.count_tokens", "ollama.embed"}


# Findings that are right in a stream that broke upstream and reports it.
BROKEN = {
    "error object inside the stream", "error event", "error line", "error object", "no [DONE]", "no done:true line", "no finishReason in the stream", "no message_stop",
    "choice never gets a finish_reason", "include_usage requested but no usage came",
}


def load():
    spec = importlib.util.spec_from_file_location("validate", f"{shared}/tools/validate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recordings(dialect):
    with open(f"{shared}/corpus/{DIALECTS[dialect][0]}.jsonl") as lines:
        for n, line in enumerate(lines):
            r = json.loads(line)
            if r["endpoint"] in SKIP or OWN.get(r["endpoint"], dialect) != dialect or r["response"].get("body_encoding") == "base64":
                continue
            yield n, r


def add_model(r):
    """Copies the model from the path into a body that names none."""
    body = (r.get("request") or {}).get("body")
    if isinstance(body, dict) and not body.get("model"):
        path = r["request"].get("url_path") or ""
        body["model"] = path.partition("/models/")[2].partition(":")[0] or "model"


def kind_of(r):
    return "error" if r["response"]["status"] >= 400 else "stream" if r["streaming"] else "response"


def convert(source, target, kind, profile, lines):
    if not lines:
        return []
    command = [binary, "convert", "--batch", "--from", source, "--to", target, "--kind", kind, "--profile", profile]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    out = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def text_of(line):
    return line["body"] if isinstance(line["body"], str) else json.dumps(line["body"], ensure_ascii=False)


def judge(v, target, kind, body, request):
    found = v.R()
    if kind == "error":
        document = json.loads(body)
        if target.startswith("openai"):
            v.check_error(found, body)
        elif target == "anthropic-messages" and not (document.get("type") == "error" and isinstance(document["error"].get("type"), str) and isinstance(document["error"].get("message"), str)):
            found.add("sdk", "not an Anthropic error", body)
        elif target.startswith("ollama") and not isinstance(document.get("error"), str):
            found.add("sdk", "not an Ollama error", body)
        elif target == "gemini" and not {"code", "message", "status"} <= set(document["error"]):
            found.add("sdk", "not a Google error", body)
    else:
        name = DIALECTS[target][1] + ("-stream" if kind == "stream" else "")
        options = bool(((request or {}).get("stream_options") or {}).get("include_usage")) if target == "openai-chat" else None
        if target == "openai-completions":  # the validator takes an error for a chunk of this dialect
            body = "\n\n".join(event for event in body.split("\n\n") if not event.startswith('data: {"error"'))
        v.KINDS[name](found, body, framing=True, include_usage=options, scrubbed=True)
    return {(level, code): example for level, code, example in found.f if level in ("sdk", "order", "frame")}


# For each part of a response: the diagnostics that allow it to differ.
ALLOWED = {
    "text": {"feature-unsupported", "reasoning-split", "reasoning-tag-missing", "reasoning-tag-unopened"},
    "reasoning": {"feature-unsupported", "reasoning-split"},
    "calls": {"feature-unsupported", "tool-arguments-invalid"},
    "stop": {"feature-unsupported", "finish-reason-mapped", "finish-reason-derived", "finish-reason-unknown"},
    "tokens": {"usage-missing"},
}


def same(key, a, b, left, right):
    if key == "stop" and (right["calls"] or left["refused"]):
        return a == b or {a, b} <= {"stop", "tools" if right["calls"] else "filter"}
    if key in ("text", "refused") and a is None or key == "refused":
        return True
    if key == "calls" and any(args is None for _, args in a + b):
        return [name for name, _ in a] == [name for name, _ in b]
    return a == b


def compare(source, target, kind, raw, own, body, codes, request):
    """The parts of the response that differ both from the raw recording and from the recording repaired for its own dialect."""
    b, accepted = readers.read(target, kind == "stream", body), []
    for text in (raw, own):
        try:
            accepted.append(readers.read(source, kind == "stream", text))
        except Exception:
            continue  # some recordings are malformed
    no_usage = kind == "stream" and target in ("openai-chat", "openai-completions") and not ((request or {}).get("stream_options") or {}).get("include_usage")
    return {
        k: [a[k] for a in accepted] + [b[k]] for k in b
        if not any(same(k, a[k], b[k], a, b) for a in accepted) and not ALLOWED[k] & set(codes) and not (k == "tokens" and no_usage)
    }


def pair(task):
    """Converts the recordings of one dialect to another: a list of findings and differences."""
    source, target = task
    v, out = load(), []
    items = list(recordings(source))
    for _, r in items:
        add_model(r)
    recorded = [(n, r) for n, r in items if isinstance((r.get("request") or {}).get("body"), dict)]
    requests = {}
    for line in convert(source, target, "request", DIALECTS[target][2], [{"id": n, "body": r["request"]["body"]} for n, r in recorded]):
        if line["ok"]:
            requests[line["id"]] = line["body"]
        out.append((source, target, "request", line["id"], {}, {} if line["ok"] else {"refused": text_of(line)}, [d["code"] for d in line["diagnostics"]]))
    for kind in ("response", "stream", "error"):
        group = [(n, r) for n, r in items if kind_of(r) == kind]
        lines = [{"id": n, "status": r["response"]["status"], "body": r["response"]["body"]} | ({"request": requests[n]} if n in requests else {}) for n, r in group]
        profile = DIALECTS[source][2]
        unchanged = [{k: w for k, w in line.items() if k != "request"} | ({"request": r["request"]["body"]} if n in requests else {}) for line, (n, r) in zip(lines, group)]
        for line, own, (n, r) in zip(convert(source, target, kind, profile, lines), convert(source, source, kind, profile, unchanged), group, strict=True):
            body, codes, raw = text_of(line), sorted({d["code"] for d in line["diagnostics"]}), r["response"]["body"]
            is_error = isinstance(line["body"], dict) and bool(line["body"].get("error"))
            try:
                findings = judge(v, target, "error" if is_error else kind, body, requests.get(n))
                differs = {} if kind == "error" or not line["ok"] else compare(source, target, kind, raw, text_of(own), body, codes, requests.get(n))
            except Exception as e:
                findings, differs = {("crash", repr(e)): body[:300]}, {}
            if line.get("outcome") in ("errored", "truncated"):
                findings = {k: e for k, e in findings.items() if k[1] not in BROKEN}
            out.append((source, target, kind, n, findings, differs, codes))
    return out


def table(results):
    """The table that counts recordings for each pair, and the list of findings and differences."""
    count, bad, refused, ours = collections.Counter(), collections.Counter(), collections.Counter(), []
    for source, target, kind, n, findings, differs, _ in results:
        count[source, target] += 1
        if kind == "request":
            refused[source, target] += bool(differs)
        elif findings or differs:
            bad[source, target] += 1
            ours.append((source, target, kind, n, findings, differs))
    lines = ["| recorded in \\ converted into | " + " | ".join(DIALECTS) + " |", "|---|" + "--:|" * len(DIALECTS)]
    for s in DIALECTS:
        cells = ["" if s == t else f"{count[s, t]:,}" + (f", {refused[s, t]} refused" if refused[s, t] else "") + (f", **{bad[s, t]} wrong**" if bad[s, t] else "") for t in DIALECTS]
        lines.append(f"| {s} | " + " | ".join(cells) + " |")
    return lines, ours


def main():
    tasks = [(s, t) for s in DIALECTS for t in DIALECTS if s != t]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        results = [x for part in pool.map(pair, tasks) for x in part]
    lines, ours = table(results)
    refused = [json.loads(d["refused"])["error"] for *_, kind, _, _, d, _ in results if kind == "request" and d]
    grouped = collections.Counter(re.sub(r"\[\d+\]|'resp_[^']*'|call_id \w+", "[…]", e if isinstance(e, str) else e["message"]) for e in refused)
    text = "\n".join([HEAD, *lines, "", "Refused requests and the reasons:", "", *(f"- {n} × {reason}" for reason, n in sorted(grouped.items())), ""])
    for source, target, kind, n, findings, differs in ours[:40]:
        print(f"{source} to {target}, {kind} {n}: {list(findings.items())[:3]} {str(differs)[:400]}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/translations.md")
    if "--write" in sys.argv:
        with open(path, "w") as f:
            f.write(text)
    elif open(path).read() != text:
        sys.exit("docs/translations.md is out of date: run openai-shim-server/tests/recordings/translations.py BINARY SHARED --write")
    print(f"{len(results)} conversions, {len(ours)} of them wrong")
    sys.exit(bool(ours))


HEAD = """# Translations

Generated by `openai-shim-server/tests/recordings/translations.py`: every recording of every dialect (request, response, stream
or error) converted into every other dialect. A validator that accepts what the official clients accept in their strictest
mode checks types, order of events and framing of each result. Independent readers compare text, reasoning, tool calls with
their arguments, finish reason and token counts with the recording: they are equal, or a diagnostic reports the loss. A cell
counts requests and responses; *refused* are requests that the other API cannot carry out, or that are invalid in their own
API.
"""
if __name__ == "__main__":
    main()
