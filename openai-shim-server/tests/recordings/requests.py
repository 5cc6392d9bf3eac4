#!/usr/bin/env python3
"""Converts every recorded and captured request to every dialect and judges what comes out. Generates docs/requests.md.

  requests.py BINARY SHARED [--write]            fails on a finding that is the shim's, or when the document is out of date
  requests.py BINARY SHARED --only PATTERN       only requests whose kind or name matches, such as "crafted pairing/"

`request_types.py` validates with the request types of the official SDKs in strict mode and with OpenAI's OpenAPI document;
`request_rules.py` has the rules of the vendors' documents that types do not express; `crafted.py` has requests that try each of
them. A request is converted with the profile of the dialect's own vendor, and without a profile where that is another.
"""
import collections, concurrent.futures, glob, json, os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crafted, request_rules, request_types

binary, shared = sys.argv[1], sys.argv[2]
# For each dialect: the file of its recordings, and the profile of the vendor's own API.
DIALECTS = {
    "openai-chat": ("openai-chat", "openai"),
    "openai-completions": ("openai-completions", "openai"),
    "openai-responses": ("openai-responses", "openai-responses"),
    "anthropic-messages": ("anthropic", "anthropic"),
    "ollama-chat": ("ollama", "ollama-native"),
    "ollama-generate": ("ollama", "ollama-native"),
    "gemini": ("gemini", "gemini"),
}
# Without a profile the other dialects get that of their vendor.
PROFILES = {"openai-chat": ("openai", None), "openai-completions": ("openai", None)}
ENDPOINTS = {
    "chat.completions": "openai-chat", "completions": "openai-completions", "responses": "openai-responses", "messages": "anthropic-messages",
    "ollama.chat": "ollama-chat", "ollama.generate": "ollama-generate", "generateContent": "gemini", "streamGenerateContent": "gemini",
}
PATHS = (
    (r"/chat/completions$", "openai-chat"), (r"/completions$", "openai-completions"), (r"/responses$", "openai-responses"), (r"/messages$", "anthropic-messages"),
    (r"/api/chat$", "ollama-chat"), (r"/api/generate$", "ollama-generate"), (r":(stream)?[gG]enerateContent$", "gemini"),
)


# The hosts of the vendors, whose answers tell whether a rule is right.
HOSTS = {"openai-chat": "api.openai.com", "openai-completions": "api.openai.com", "openai-responses": "api.openai.com", "anthropic-messages": "api.anthropic.com", "gemini": "googleapis.com"}


def dialect_of(path):
    return next((dialect for pattern, dialect in PATHS if re.search(pattern, path.partition("?")[0])), None)


def model_in(path, body):
    """The body with the model that its path names, or any: a client's request without one gets that of the configuration."""
    if body.get("model"):
        return body
    return {**body, "model": path.partition("/models/")[2].partition(":")[0] or "model"}


def recorded():
    for name in sorted({name for name, _ in DIALECTS.values()}):
        with open(f"{shared}/corpus/{name}.jsonl") as lines:
            for n, line in enumerate(lines):
                r = json.loads(line)
                if r["endpoint"] in ENDPOINTS and r.get("request"):
                    yield "recording", ENDPOINTS[r["endpoint"]], f"{name}:{n}", model_in(r["request"].get("url_path") or "", r["request"].get("body") or {})


def contradicted():
    """Findings of the rules in requests that the vendor itself carried out: such a rule is wrong."""
    for name in sorted({name for name, _ in DIALECTS.values()}):
        with open(f"{shared}/corpus/{name}.jsonl") as lines:
            for n, line in enumerate(lines):
                r = json.loads(line)
                dialect, request = ENDPOINTS.get(r["endpoint"]), r.get("request") or {}
                host, body = request.get("host") or "", request.get("body")
                if dialect not in HOSTS or not host.endswith(HOSTS[dialect]) or r["response"]["status"] != 200 or not isinstance(body, dict):
                    continue
                body = model_in(request.get("url_path") or "", body)
                if dialect == "gemini":
                    if "contents" not in body:
                        continue
                    body = request_rules.camel_case(body)
                for path, problem, value in request_rules.check(dialect, True, body):
                    yield f"{name}:{n}: {problem}, at {path} = {value}"


def captured():
    for path in sorted(glob.glob(f"{shared}/captures/*/*.json")):
        with open(path) as f:
            r = json.load(f)
        if isinstance(r, dict) and isinstance(r.get("body"), dict):
            yield "capture", dialect_of(r.get("path") or ""), path.removeprefix(f"{shared}/"), model_in(r["path"], r["body"])


def sent_to_servers():
    for path in sorted(glob.glob(f"{shared}/records/*/*.req")):
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            head, _, body = f.read().partition("\n\n")
        try:
            yield "record", dialect_of(head.split("\n")[0].partition(" ")[2]), path.removeprefix(f"{shared}/"), json.loads(body)
        except ValueError:
            continue


def fault_cases():
    sys.path.insert(0, f"{shared}/faults")
    sys.dont_write_bytecode = True
    from cases_given import CASES
    for case in CASES:
        for member in ("input", "request"):
            if case.get(member) and (case["payload"] == "request" or member == "request"):
                with open(f"{shared}/faults/inputs/{case[member]}", "rb") as f:
                    try:
                        yield "fault", case.get("frm"), case["id"], model_in("", json.loads(f.read()))
                    except ValueError:
                        continue


def written():
    for dialect, name, body in crafted.crafted():
        yield "crafted", dialect, name, body


def requests():
    """Each request once: `(where it is from, its dialect, its name, body)`."""
    seen = set()
    for origin in (recorded, captured, sent_to_servers, fault_cases, written):
        for kind, dialect, name, body in origin():
            key = (dialect, json.dumps(body, sort_keys=True))
            # Requests of other kinds: one of Ollama's without messages loads the model, one of Google's makes a cache.
            loads = dialect == "ollama-chat" and not body.get("messages") or dialect == "gemini" and "contents" not in body
            if dialect in DIALECTS and isinstance(body, dict) and not loads and key not in seen:
                seen.add(key)
                yield kind, dialect, name, body


def convert(source, target, profile, bodies):
    command = [binary, "convert", "--batch", "--from", source, "--to", target, "--kind", "request"] + (["--profile", profile] if profile else [])
    text = "".join(json.dumps({"id": n, "body": body}) + "\n" for n, body in enumerate(bodies))
    out = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def judge(dialect, vendor, body):
    found = request_types.check(shared, dialect, body)
    try:
        found += request_rules.check(dialect, vendor, body)
    except Exception as e:  # a body of other types than the rules read; its types are a finding already
        found.append(("", "unreadable", repr(e)))
    return {(path, problem): value for path, problem, value in found}


def concerns(model, target):
    """Whether a crafted request with this model is for this dialect: most of them try what one vendor's models take."""
    vendors = {"claude": "anthropic", "gemini": "gemini", "gpt": "openai", "o3": "openai"}
    return target.startswith(vendors.get(str(model).partition("-")[0], ""))


# Findings that are not the shim's: `(whose, path and problem, reason)`. "own": the body as the client wrote it has the same
# finding in its own dialect; "lenient": the profile is `compatible`, which assumes nothing of the upstream; "any": always.
EXCUSES = [
    ("own", r" (sdk|spec): |unreadable", "The client's own body has a member, a word or a type that its own API does not have: it may mean something to this upstream"),
    ("own", r" params: ", "The client asks for a value that its own API refuses too: the refusal reaches it"),
    ("own", r" schemas: root of the parameters is no object", "The client's own API refuses these parameters too"),
    ("own", r" schemas: json_object without| pairing: arguments are no object", "The client's own API refuses this too"),
    ("own", r" schemas: Google's JSON schema has no", "Google's API ignores keywords that it does not read"),
    ("own", r" media: (data is no base64|image URL|file_data|audio format|media without a type)", "The client's data, address or format is one that its own API refuses too, and nothing can be put in its place"),
    ("any", r" text: no (messages|contents|content|parts)$| text: empty list of parts|^ spec: minItems|messages spec: minItems", "A request or a message without any content: the refusal reaches the client"),
    ("lenient", r" (sdk: extra_forbidden|spec: |params: |schemas: |pairing: call id)", "A server that is only like OpenAI's may take other members and values: profile `compatible` leaves them out for none"),
]


def excuse(path, problem, is_own, is_lenient):
    applies = {"own": is_own, "lenient": is_lenient, "any": True}
    return next((reason for whose, pattern, reason in EXCUSES if applies[whose] and re.search(pattern, f"{path} {problem}")), None)


def one(task):
    """Requests of one dialect to another with one profile: `(kind, name, findings, error)` for each."""
    source, target, profile, items = task
    items, out = [item for item in items if item[0] != "crafted" or concerns(item[3].get("model"), target)], []
    for (kind, _, name, body), line in zip(items, convert(source, target, profile, [body for *_, body in items]), strict=True):
        if not line["ok"]:
            error = line["body"] if isinstance(line["body"], dict) else json.loads(line["body"])
            out.append((kind, name, [], error["error"] if isinstance(error["error"], str) else error["error"]["message"]))
            continue
        sent = line["body"] if isinstance(line["body"], dict) else json.loads(line["body"])
        if target == "gemini":  # the path has the model
            sent = {"model": body["model"], **sent}
        if source == "gemini":  # Google takes both spellings of its names
            body, sent = request_rules.camel_case(body), request_rules.camel_case(sent) if target == source else sent
        found = judge(target, profile == DIALECTS[target][1], sent)
        own = judge(source, True, body) if found else {}
        problems = {problem for _, problem in own}
        is_own = lambda finding: finding in own if source == target else finding[1] in problems
        out.append((kind, name, [(path, problem, value, excuse(path, problem, is_own((path, problem)), profile is None)) for (path, problem), value in found.items()], None))
    return out


def listed(results):
    """The findings that are the shim's, grouped, with an example for each."""
    groups = collections.defaultdict(list)
    for source, target, profile, kind, name, found, _ in results:
        for path, problem, value, reason in found:
            if not reason:
                groups[target, problem].append((source, profile, name, path, value))
    for (target, problem), group in sorted(groups.items()):
        source, profile, name, path, value = group[0]
        print(f"{len(group):5} {target}: {problem}, at {path} = {value[:80]}, from {', '.join(sorted({s for s, *_ in group}))}, "
              f"{'profile ' + profile if profile else 'no profile'}: {' '.join(sorted({n for _, _, n, *_ in group}))[:300]}")


def table(results, kinds):
    count, refused, bad = collections.Counter(), collections.Counter(), collections.Counter()
    for source, target, profile, kind, _, found, error in results:
        if kind in kinds and profile == DIALECTS[target][1]:
            count[source, target] += 1
            refused[source, target] += error is not None
            bad[source, target] += any(not reason for *_, reason in found)
    yield "| client \\ upstream | " + " | ".join(DIALECTS) + " |"
    yield "|---|" + "--:|" * len(DIALECTS)
    for s in DIALECTS:
        if any(count[s, t] for t in DIALECTS):
            yield f"| {s} | " + " | ".join(f"{count[s, t]:,}" + (f", {refused[s, t]} refused" if refused[s, t] else "") + (f", **{bad[s, t]} wrong**" if bad[s, t] else "") for t in DIALECTS) + " |"


def page(results):
    passed = collections.Counter(reason for *_, kind, _, found, _ in results for *_, reason in found if reason)
    errors = collections.Counter(re.sub(r"\[\d+\]|'resp_[^']*'|call_id \w+|\"[^\"]{40,}\"|`/[^` ]*/[^` ]*`", "[…]", error) for *_, kind, _, _, error in results if error and kind != "crafted")
    yield from (HEAD, *table(results, ("recording", "capture", "record", "fault")), "", CRAFTED, *table(results, ("crafted",)), "")
    yield from (PASSED, *(f"- {n:,} × {reason}" for reason, n in sorted(passed.items())), "", "Refused requests that were recorded, and the reasons:", "", *(f"- {n:,} × {error}" for error, n in sorted(errors.items())), "")


def main():
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
    items = collections.defaultdict(list)
    for item in requests():
        if not only or re.search(only, f"{item[0]} {item[2]}"):
            items[item[1]].append(item)
    tasks = [(s, t, p, items[s]) for s in DIALECTS for t in DIALECTS for p in PROFILES.get(t, (DIALECTS[t][1],))]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        results = [(s, t, p, *x) for (s, t, p, _), part in zip(tasks, pool.map(one, tasks)) for x in part]
    for wrong_rule in contradicted():
        sys.exit(f"a rule of request_rules.py is wrong, the vendor answered this request: {wrong_rule}")
    wrong = sum(any(not reason for *_, reason in found) for *_, found, _ in results)
    listed(results)
    print(f"{len(results)} requests converted, {wrong} of them wrong")
    if only:
        sys.exit(bool(wrong))
    text, path = "\n".join(page(results)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/requests.md")
    if "--write" in sys.argv:
        with open(path, "w") as f:
            f.write(text)
    elif not os.path.exists(path) or open(path).read() != text:
        sys.exit("docs/requests.md is out of date: run openai-shim-server/tests/recordings/requests.py BINARY SHARED --write")
    sys.exit(bool(wrong))


HEAD = """# Requests

Generated by `openai-shim-server/tests/recordings/requests.py`: requests of every client dialect converted for every upstream
dialect, with the profile of the dialect's own vendor (the script also converts them without a profile). The request types of
the official SDKs judge each result in their strictest mode, with unknown members refused, OpenAI's OpenAPI document judges
those for OpenAI, and rules from the vendors' documents judge what types do not express: names and ids, calls and their results,
roles, blank text, media and their places, JSON schemas, tool choice, ranges. *Refused* are requests that the other API cannot
carry out, or that are invalid in their own.

Recorded with real providers, captured from real clients, sent to real servers:
"""
CRAFTED = """Written to try each rule (`crafted.py`), each of them in every dialect of a client that can express it:
"""
PASSED = """Findings that are not the shim's, in all conversions, and the reasons:
"""
if __name__ == "__main__":
    main()
