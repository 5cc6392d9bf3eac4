"""Small requests that try each rule, written in every client dialect. `crafted()` yields `(dialect, name, body)`.

A case is written once, in a form of its own: turns of `(role, parts)`, tools, a tool choice, parameters. One writer for each
dialect spells it as a client of that dialect does, where that dialect can say it at all.
"""
import json

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF, SOUND = "JVBERi0xLjQKJSVFT0YK", "UklGRiQAAABXQVZFZm10IA=="
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def text(value):
    return ("text", value)


def media(mime, data=PIXEL, url=None):
    return ("media", mime, data, url)


def call(name="get_weather", id="call_1", arguments=None):
    return ("call", id, name, {"city": "Paris"} if arguments is None else arguments)


def result(id="call_1", parts=(text("sunny"),), name="get_weather", failed=False):
    return ("result", id, name, list(parts), failed)


HELLO = ("user", [text("Hello")])
CALL = [HELLO, ("assistant", [call()]), ("user", [result()])]


def tool(name="get_weather", schema=None, **more):
    return {"name": name, "description": "Reads the weather", "schema": OBJECT if schema is None else schema, **more}


def case(turns=(HELLO,), tools=(), choice=None, model=None, **params):
    return {"turns": list(turns), "tools": list(tools), "choice": choice, "model": model, "params": params}


def names():
    for n, name in enumerate(("calendar.respond", "mcp/ctx/query-docs", "mcp__" + "x" * 70, "y" * 140, "wetter_für_ort", "9lives", "a b", "ns:tool", "-dash", "$dollar", "工具")):
        yield f"name-{n}", case([HELLO, ("assistant", [call(name)]), ("user", [result(name=name)])], [tool(name)], {"name": name})
    yield "names-that-collide", case([HELLO, ("assistant", [call("a.b", "c1"), call("a_b", "c2")]), ("user", [result("c1", name="a.b"), result("c2", name="a_b")])], [tool("a.b"), tool("a_b"), tool("a-b"), tool("a b")])
    yield "names-long-with-one-beginning", case(CALL, [tool("t" * 130 + str(n)) for n in range(3)])
    yield "name-twice", case(CALL, [tool(), tool()])
    yield "name-of-history-only", case([HELLO, ("assistant", [call("gone.tool")]), ("user", [result(name="gone.tool")])], [tool()])
    yield "history-without-tools", case(CALL)
    yield "many-tools", case(tools=[tool(f"tool_{n}") for n in range(140)])


def ids():
    for n, id in enumerate(("c" * 41, "c" * 65, "c" * 300, "call:1", "call|1|fc_2", "functions.get_weather:0", "ü", "call 1")):
        yield f"id-{n}", case([HELLO, ("assistant", [call(id=id)]), ("user", [result(id)])], [tool()])
    yield "id-again-in-each-turn", case([HELLO, ("assistant", [call(id="call_0")]), ("user", [result("call_0")]), ("assistant", [text("Sunny.")]), HELLO, ("assistant", [call(id="call_0")]), ("user", [result("call_0")])], [tool()])
    yield "id-twice-in-a-turn", case([HELLO, ("assistant", [call(id="x"), call(id="x", arguments={"city": "Rome"})]), ("user", [result("x"), result("x", [text("rain")])])], [tool()])
    yield "ids-that-collide", case([HELLO, ("assistant", [call(id="a:b"), call(id="a_b")]), ("user", [result("a:b"), result("a_b")])], [tool()])
    yield "id-empty", case([HELLO, ("assistant", [call(id="")]), ("user", [result("")])], [tool()])


def pairing():
    two = ("assistant", [call(id="a"), call(id="b", arguments={"city": "Rome"})])
    yield "no-result", case([HELLO, ("assistant", [call()]), HELLO], [tool()])
    yield "no-result-at-the-end", case([HELLO, ("assistant", [call()])], [tool()])
    yield "one-of-two-results", case([HELLO, two, ("user", [result("b")]), HELLO], [tool()])
    yield "orphan-first", case([("user", [result("unknown")]), HELLO], [tool()])
    yield "orphan-late", case(CALL + [("assistant", [text("Sunny.")]), ("user", [result("call_1")]), HELLO], [tool()])
    yield "orphan-beside-text", case([HELLO, ("assistant", [text("Hi")]), ("user", [result("unknown"), text("go on")])], [tool()])
    yield "orphan-without-tools", case([("user", [result("unknown")]), HELLO])
    yield "result-twice", case([HELLO, ("assistant", [call()]), ("user", [result(), result(parts=[text("again")])])], [tool()])
    yield "results-turned-round", case([HELLO, two, ("user", [result("b"), result("a")])], [tool()])
    yield "result-after-text", case([HELLO, ("assistant", [call()]), ("user", [text("wait"), result()])], [tool()])
    yield "result-after-a-message", case([HELLO, ("assistant", [call()]), ("user", [text("wait")]), ("user", [result()])], [tool()])
    yield "result-after-a-system-message", case([HELLO, ("assistant", [call()]), ("system", [text("note")]), ("user", [result()])], [tool()])
    yield "results-in-two-messages", case([HELLO, two, ("user", [result("a")]), ("user", [result("b")])], [tool()])
    yield "calls-in-two-messages", case([HELLO, ("assistant", [call(id="a")]), ("assistant", [call(id="b")]), ("user", [result("a"), result("b")])], [tool()])
    yield "text-between-calls", case([HELLO, ("assistant", [text("one"), call(id="a"), text("two"), call(id="b")]), ("user", [result("a"), result("b")])], [tool()])
    yield "text-behind-calls", case([HELLO, ("assistant", [call(), text("waiting")]), ("user", [result()])], [tool()])
    yield "late-result", case([HELLO, ("assistant", [call()]), HELLO, ("assistant", [text("hm")]), ("user", [result()])], [tool()])
    yield "result-before-call", case([("user", [result()]), ("assistant", [call()]), HELLO], [tool()])
    for n, value in enumerate(([], None, "x", 3)):
        yield f"arguments-{n}", case([HELLO, ("assistant", [("call", "call_1", "get_weather", json.dumps(value))]), ("user", [result()])], [tool()])
    yield "arguments-cut", case([HELLO, ("assistant", [("call", "call_1", "get_weather", '{"city": "Pa')]), ("user", [result()])], [tool()])
    yield "arguments-empty", case([HELLO, ("assistant", [("call", "call_1", "get_weather", "")]), ("user", [result()])], [tool()])


def order():
    yield "assistant-first", case([("assistant", [text("Where to?")]), HELLO])
    yield "system-then-assistant", case([("system", [text("Be brief.")]), ("assistant", [text("Where to?")]), HELLO])
    yield "system-only", case([("system", [text("Be brief.")])])
    yield "system-late", case([HELLO, ("assistant", [text("Hi")]), ("system", [text("Be brief.")]), HELLO])
    yield "system-last", case([HELLO, ("system", [text("Be brief.")])])
    yield "two-systems", case([("system", [text("Be brief.")]), ("system", [text("Be kind.")]), HELLO])
    yield "users-in-a-row", case([HELLO, HELLO, HELLO])
    yield "assistants-in-a-row", case([HELLO, ("assistant", [text("a")]), ("assistant", [text("b")]), HELLO])
    for model in ("claude-3-5-haiku-latest", "claude-sonnet-4-6", "claude-opus-5"):
        yield f"prefill-{model}", case([HELLO, ("assistant", [text("The answer is ")])], model=model)


def texts():
    for n, blank in enumerate(("", " ", "\n\n", "\u00a0", "\u200b")):
        yield f"blank-user-{n}", case([("user", [text(blank)])])
        yield f"blank-user-part-{n}", case([("user", [text(blank), text("Hello")])])
        yield f"blank-assistant-{n}", case([HELLO, ("assistant", [text(blank)]), HELLO])
        yield f"blank-beside-call-{n}", case([HELLO, ("assistant", [text(blank), call()]), ("user", [result()])], [tool()])
        yield f"blank-result-{n}", case([HELLO, ("assistant", [call()]), ("user", [result(parts=[text(blank)])])], [tool()])
        yield f"blank-system-{n}", case([("system", [text(blank)]), HELLO])
    yield "result-without-parts", case([HELLO, ("assistant", [call()]), ("user", [result(parts=[])])], [tool()])
    yield "no-parts", case([("user", []), HELLO])
    yield "assistant-without-parts", case([HELLO, ("assistant", []), HELLO])
    for n, odd in enumerate(("a \ud83d b", "\ude00", "\ud83d\ude00", "a\u0000b")):
        yield f"surrogate-{n}", case([("system", [text(odd)]), ("user", [text(odd)]), ("assistant", [text(odd), call(arguments={"city": odd, odd: [odd]})]), ("user", [result(parts=[text(odd)])])], [tool()])
    yield "surrogate-in-tool", case(tools=[{"name": "t", "description": "a \ud83d b", "schema": {"type": "object", "properties": {"a": {"type": "string", "description": "\ude00"}}}}])


TYPES = ("image/png", "image/jpg", "image/jpeg", "IMAGE/PNG", "image/png; charset=utf-8", "image/gif", "image/webp", "image/bmp", "image/svg+xml", "image/heic", "image/tiff", "image/x-png", "image/pjpeg", "application/octet-stream", "")


def pictures():
    for n, mime in enumerate(TYPES):
        yield f"picture-{n}", case([("user", [text("see"), media(mime)])])
        yield f"picture-in-result-{n}", case([HELLO, ("assistant", [call()]), ("user", [result(parts=[text("here"), media(mime)])])], [tool()])
    yield "picture-url", case([("user", [media("image/png", None, "https://example.com/a.png")])])
    yield "picture-url-without-ending", case([("user", [media(None, None, "https://example.com/a")])])
    yield "picture-gs", case([("user", [media("image/png", None, "gs://bucket/a.png")])])
    yield "picture-only-result", case([HELLO, ("assistant", [call()]), ("user", [result(parts=[media("image/png")])])], [tool()])
    yield "picture-in-each-result", case([HELLO, ("assistant", [call(id="a"), call(id="b")]), ("user", [result("a", [text("one"), media("image/png")]), result("b", [media("image/webp"), text("two")])])], [tool()])
    yield "picture-in-assistant", case([HELLO, ("assistant", [text("drawn"), media("image/png")]), HELLO])
    yield "picture-in-system", case([("system", [text("style:"), media("image/png")]), HELLO])
    yield "picture-url-alphabet", case([("user", [media("image/png", "-_-_iVBORw0KGgo")])])
    yield "picture-without-padding", case([("user", [media("image/png", PIXEL.rstrip("="))])])
    yield "picture-with-line-breaks", case([("user", [media("image/png", PIXEL[:40] + "\n" + PIXEL[40:])])])
    for mime, data in (("application/pdf", PDF), ("text/plain", "aGVsbG8="), ("text/csv", "YSxi"), ("application/json", "e30="), ("audio/wav", SOUND), ("audio/mpeg", SOUND), ("audio/mp3", SOUND), ("audio/x-wav", SOUND), ("audio/ogg", SOUND), ("audio/flac", SOUND), ("video/mp4", SOUND), ("application/msword", SOUND)):
        yield f"file-{mime}", case([("user", [text("see"), media(mime, data)])])
        yield f"file-in-result-{mime}", case([HELLO, ("assistant", [call()]), ("user", [result(parts=[media(mime, data)])])], [tool()])
    yield "pdf-url", case([("user", [media("application/pdf", None, "https://example.com/a.pdf")])])


SCHEMAS = [
    {}, {"type": "object"}, {"type": "object", "properties": {}}, {"properties": {"a": {"type": "string"}}}, {"type": "string"}, {"type": ["object", "null"], "properties": {}},
    {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"type": "object", "properties": {"b": {"type": "string"}}}]},
    {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {}}},
    {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}},
    {"type": "object", "properties": {"n": {"$ref": "#/definitions/N", "description": "d"}}, "definitions": {"N": {"type": "string"}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://x/y", "type": "object", "title": "T", "properties": {"a": {"type": ["string", "null"], "default": "x", "examples": ["y"]}}},
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "exclusiveMaximum": 9, "multipleOf": 3}, "b": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a", "format": "uri"}, "c": {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True}}},
    {"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": "array", "items": [{"type": "string"}, {"type": "number"}]}, "c": {"type": "array", "prefixItems": [{"type": "string"}]}}},
    {"type": "object", "properties": {"a": {"enum": [1, 2, None]}, "b": {"const": "x"}, "c": {"type": "string", "enum": ["a", ""]}, "d": True, "e": {"not": {"type": "string"}}, "f": {"enum": []}}},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d", "type": "string"}, "b": {"allOf": [{"type": "string"}, {"minLength": 1}]}, "c": {"oneOf": [{"type": "string"}, {"type": "number"}]}}},
    {"type": "object", "properties": {"a b": {"type": "string"}, "ü": {"type": "string"}, "x" * 80: {"type": "string"}, "1a": {"type": "string"}, "a.b": {"type": "string"}, "a-b": {"type": "string"}}},
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "gone"], "additionalProperties": {"type": "string"}, "patternProperties": {"^x": {"type": "string"}}},
    {"type": "object", "properties": {"a": {"type": "object"}, "b": {"type": "object", "additionalProperties": True}}, "additionalProperties": False, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
    {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True, "format": "enum", "enum": ["x"]}}, "propertyOrdering": ["a"]},
    {"type": "array", "items": {"type": "string"}},
    True,
]


def schemas():
    for n, schema in enumerate(SCHEMAS):
        if isinstance(schema, dict) and schema.get("type") not in ("string", "array"):  # no API has such parameters
            yield f"schema-{n}", case(tools=[tool(schema=schema)])
            yield f"strict-schema-{n}", case(tools=[tool(schema=schema, strict=True)])
        yield f"output-schema-{n}", case(format=schema)
        yield f"strict-output-schema-{n}", case(format=schema, strict_format=True)
    yield "json-object", case(format="json")
    yield "json-object-said", case([("user", [text("Answer in JSON.")])], format="json")
    yield "format-and-tools", case(tools=[tool()], format=OBJECT)
    for word in ("auto", "none", "required"):
        yield f"choice-{word}", case(tools=[tool()], choice=word)
        yield f"choice-{word}-without-tools", case(choice=word)
    yield "choice-named", case(tools=[tool(), tool("other")], choice={"name": "other"})
    yield "choice-of-none", case(tools=[tool()], choice={"name": "gone"})
    yield "choice-without-tools", case(choice={"name": "get_weather"})
    yield "choice-allowed", case(tools=[tool(), tool("b"), tool("c")], choice={"allowed": ["b", "c"], "mode": "required"})
    yield "choice-allowed-auto", case(tools=[tool(), tool("b"), tool("c")], choice={"allowed": ["b", "gone"], "mode": "auto"})
    yield "choice-allowed-gone", case(tools=[tool()], choice={"allowed": ["gone"], "mode": "required"})
    yield "tools-empty", {**case(), "empty_tools": True}
    yield "parallel-without-tools", case(parallel=False)
    yield "parallel-off", case(tools=[tool()], parallel=False)


MODELS = ("gpt-4o", "gpt-5", "gpt-5.1", "gpt-5.6", "gpt-6-astra", "o3-mini", "claude-3-5-haiku-latest", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8", "claude-sonnet-5", "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-haiku-5-5", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-3-pro-preview", "gemini-3.1-pro", "gemini-3.5-flash", "gemini-3.8-flash", "gemini-4-argon", "other")


def parameters():
    for n, params in enumerate((
        {"temperature": 2}, {"temperature": 1.5}, {"temperature": -1}, {"temperature": 0, "top_p": 0.5}, {"top_p": 1}, {"top_p": 0}, {"top_k": 40}, {"top_k": 0}, {"max_tokens": 1}, {"max_tokens": 200000},
        {"stop": ["a", "b", "c", "d", "e", "f"]}, {"stop": [" ", "x"]}, {"stop": ["\n\n"]}, {"stop": [""]}, {"stop": []}, {"presence_penalty": 1, "frequency_penalty": -1}, {"seed": 1}, {"min_p": 0.1}, {"logprobs": 3}, {"logprobs": 20}, {"n": 2},
        {"user": "u" * 300}, {"user": "someone@example.com"},
    )):
        for model in MODELS:
            yield f"param-{n}-{model}", case(model=model, **params)


def reasoning():
    for model in MODELS:
        for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max"):
            yield f"effort-{effort}-{model}", case(model=model, effort=effort)
        for budget in (0, 1, 600, 5000, 40000):
            yield f"budget-{budget}-{model}", case(model=model, budget=budget, max_tokens=8000)
        yield f"budget-small-limit-{model}", case(model=model, budget=5000, max_tokens=100)
        yield f"effort-small-limit-{model}", case(model=model, effort="high", max_tokens=100)
        yield f"effort-and-sampling-{model}", case(model=model, effort="high", temperature=0.2, top_p=0.5, top_k=3)
        yield f"effort-and-choice-{model}", case(model=model, effort="high", tools=[tool()], choice="required")
        yield f"effort-and-history-{model}", case(CALL, model=model, effort="high", tools=[tool()])
        yield f"off-and-history-{model}", case(CALL, model=model, effort="none", tools=[tool()])
        yield f"history-{model}", case(CALL, model=model, tools=[tool()])
        yield f"shown-{model}", case(model=model, effort="low", shown=True)


# ---------------------------------------------------------------- writers
def data_url(mime, data):
    return f"data:{mime};base64,{data}"


def arguments_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def arguments_value(value):
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return {}


def chat_part(part):
    if part[0] == "text":
        return {"type": "text", "text": part[1]}
    _, mime, data, url = part
    mime = mime or ""
    if mime.startswith("audio/"):
        return {"type": "input_audio", "input_audio": {"data": data, "format": mime.removeprefix("audio/")}}
    if mime.startswith("image/") or mime.upper().startswith("IMAGE/") or mime in ("", "application/octet-stream"):
        return {"type": "image_url", "image_url": {"url": url or data_url(mime, data)}}
    return {"type": "file", "file": {"filename": "a", "file_data": url or data_url(mime, data)}}


def chat_content(parts):
    return parts[0][1] if len(parts) == 1 and parts[0][0] == "text" else [chat_part(part) for part in parts]


def write_chat(c):
    messages = []
    for role, parts in c["turns"]:
        rest = [part for part in parts if part[0] in ("text", "media")]
        for part in parts:
            if part[0] == "result":
                messages.append({"role": "tool", "tool_call_id": part[1], "content": chat_content(part[3])})
        calls = [{"id": part[1], "type": "function", "function": {"name": part[2], "arguments": arguments_text(part[3])}} for part in parts if part[0] == "call"]
        if calls or rest or not parts:
            position = len(messages) if not (rest and parts and parts[0][0] == "text") else len(messages) - sum(part[0] == "result" for part in parts)
            messages.insert(position, {"role": role, "content": chat_content(rest) if rest else None if calls else ""} | ({"tool_calls": calls} if calls else {}))
    p, body = c["params"], {"model": c["model"] or "m", "messages": messages}
    if c["tools"]:
        body["tools"] = [{"type": "function", "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"]} | ({"strict": True} if t.get("strict") else {})} for t in c["tools"]]
    if c.get("empty_tools"):
        body["tools"] = []
    choice = c["choice"]
    if isinstance(choice, dict):
        functions = [{"type": "function", "function": {"name": name}} for name in choice.get("allowed", ())]
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": choice["mode"], "tools": functions}} if functions else {"type": "function", "function": {"name": choice["name"]}}
    elif choice:
        body["tool_choice"] = choice
    for key in ("temperature", "top_p", "top_k", "min_p", "stop", "presence_penalty", "frequency_penalty", "seed", "n", "user"):
        if key in p:
            body[key] = p[key]
    body |= {"max_completion_tokens": p["max_tokens"]} if "max_tokens" in p else {}
    body |= {"logprobs": True, "top_logprobs": p["logprobs"]} if "logprobs" in p else {}
    body |= {"parallel_tool_calls": p["parallel"]} if "parallel" in p else {}
    body |= {"reasoning_effort": p["effort"]} if "effort" in p else {}
    if "format" in p:
        body["response_format"] = {"type": "json_object"} if p["format"] == "json" else {"type": "json_schema", "json_schema": {"name": "out", "schema": p["format"]} | ({"strict": True} if p.get("strict_format") else {})}
    return body


def responses_part(part, role):
    if part[0] == "text":
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part[1]}
    _, mime, data, url = part
    if not mime or mime.lower().startswith(("image/", "application/octet")):
        return {"type": "input_image", "image_url": url or data_url(mime, data), "detail": "auto"}
    return {"type": "input_file", "filename": "a"} | ({"file_url": url} if url else {"file_data": data_url(mime, data)})


def write_responses(c):
    items = []
    for role, parts in c["turns"]:
        rest = []

        def flush():
            if rest:
                plain = len(rest) == 1 and rest[0][0] == "text"
                items.append({"role": role, "content": rest[0][1] if plain else [responses_part(part, role) for part in rest]})
                rest.clear()
        if not parts:
            items.append({"role": role, "content": []})
        for part in parts:
            if part[0] == "call":
                flush()
                items.append({"type": "function_call", "call_id": part[1], "name": part[2], "arguments": arguments_text(part[3])})
            elif part[0] == "result":
                flush()
                plain = len(part[3]) == 1 and part[3][0][0] == "text"
                items.append({"type": "function_call_output", "call_id": part[1], "output": part[3][0][1] if plain else [responses_part(p, "user") for p in part[3]]})
            else:
                rest.append(part)
        flush()
    p, body = c["params"], {"model": c["model"] or "m", "input": items, "store": False}
    if c["tools"]:
        body["tools"] = [{"type": "function", "name": t["name"], "description": t["description"], "parameters": t["schema"], "strict": bool(t.get("strict"))} for t in c["tools"]]
    if c.get("empty_tools"):
        body["tools"] = []
    choice = c["choice"]
    if isinstance(choice, dict):
        body["tool_choice"] = {"type": "allowed_tools", "mode": choice["mode"], "tools": [{"type": "function", "name": name} for name in choice["allowed"]]} if "allowed" in choice else {"type": "function", "name": choice["name"]}
    elif choice:
        body["tool_choice"] = choice
    for key in ("temperature", "top_p", "user"):
        if key in p:
            body[key] = p[key]
    body |= {"max_output_tokens": p["max_tokens"]} if "max_tokens" in p else {}
    body |= {"top_logprobs": p["logprobs"], "include": ["message.output_text.logprobs"]} if "logprobs" in p else {}
    body |= {"parallel_tool_calls": p["parallel"]} if "parallel" in p else {}
    if "effort" in p:
        body["reasoning"] = {"effort": p["effort"]} | ({"summary": "auto"} if p.get("shown") else {})
    if "format" in p:
        body["text"] = {"format": {"type": "json_object"} if p["format"] == "json" else {"type": "json_schema", "name": "out", "schema": p["format"]} | ({"strict": True} if p.get("strict_format") else {})}
    return body


def anthropic_part(part):
    if part[0] == "text":
        return {"type": "text", "text": part[1]}
    if part[0] == "call":
        return {"type": "tool_use", "id": part[1], "name": part[2], "input": arguments_value(part[3])}
    if part[0] == "result":
        return {"type": "tool_result", "tool_use_id": part[1], "content": [anthropic_part(p) for p in part[3]]}
    _, mime, data, url = part
    kind = "image" if not mime or mime.lower().startswith(("image/", "application/octet")) else "document"
    if mime == "text/plain":
        return {"type": kind, "source": {"type": "text", "media_type": mime, "data": "hello"}}
    return {"type": kind, "source": {"type": "url", "url": url} if url else {"type": "base64", "media_type": mime, "data": data}}


def write_anthropic(c):
    turns, system = list(c["turns"]), []
    while turns and turns[0][0] == "system":
        system += [{"type": "text", "text": part[1]} for part in turns.pop(0)[1] if part[0] == "text"]
    p, body = c["params"], {"model": c["model"] or "m", "max_tokens": c["params"].get("max_tokens", 1000), "messages": [{"role": role, "content": [anthropic_part(part) for part in parts]} for role, parts in turns]}
    body |= {"system": system} if system else {}
    if c["tools"]:
        body["tools"] = [{"name": t["name"], "description": t["description"], "input_schema": t["schema"]} | ({"strict": True} if t.get("strict") else {}) for t in c["tools"]]
    if c.get("empty_tools"):
        body["tools"] = []
    choice = c["choice"]
    if isinstance(choice, dict) and "name" in choice:
        body["tool_choice"] = {"type": "tool", "name": choice["name"]}
    elif isinstance(choice, str):
        body["tool_choice"] = {"type": {"required": "any"}.get(choice, choice)}
    for key, name in (("temperature", "temperature"), ("top_p", "top_p"), ("top_k", "top_k"), ("stop", "stop_sequences")):
        if key in p:
            body[name] = p[key]
    body |= {"metadata": {"user_id": p["user"]}} if "user" in p else {}
    if "parallel" in p and c["tools"]:
        body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": not p["parallel"]}
    if p.get("effort") == "none" or p.get("budget") == 0:
        body["thinking"] = {"type": "disabled"}
    elif "effort" in p:
        body |= {"thinking": {"type": "adaptive"} | ({"display": "summarized"} if p.get("shown") else {}), "output_config": {"effort": p["effort"]}}
    elif "budget" in p:
        body["thinking"] = {"type": "enabled", "budget_tokens": p["budget"]}
    if isinstance(p.get("format"), dict):
        body["output_config"] = {"format": {"type": "json_schema", "schema": p["format"]}}
    return body


def gemini_part(part):
    if part[0] == "text":
        return {"text": part[1]}
    if part[0] == "call":
        return {"functionCall": {"name": part[2], "args": arguments_value(part[3])}}
    if part[0] == "result":
        inner = [gemini_part(p) for p in part[3] if p[0] == "media"]
        return {"functionResponse": {"name": part[2], "response": {"result": "".join(p[1] for p in part[3] if p[0] == "text")}} | ({"parts": inner} if inner else {})}
    _, mime, data, url = part
    return {"fileData": {"fileUri": url, "mimeType": mime}} if url else {"inlineData": {"mimeType": mime, "data": data}}


def write_gemini(c):
    turns, system = list(c["turns"]), []
    while turns and turns[0][0] == "system":
        system += [gemini_part(part) for part in turns.pop(0)[1]]
    p = c["params"]
    body = {"model": c["model"] or "m", "contents": [{"role": {"assistant": "model"}.get(role, "user"), "parts": [gemini_part(part) for part in parts]} for role, parts in turns]}
    body |= {"systemInstruction": {"parts": system}} if system else {}
    if c["tools"]:
        body["tools"] = [{"functionDeclarations": [{"name": t["name"], "description": t["description"], "parametersJsonSchema": t["schema"]} for t in c["tools"]]}]
    if c.get("empty_tools"):
        body["tools"] = []
    choice = c["choice"]
    if choice:
        names = choice.get("allowed") or [choice["name"]] if isinstance(choice, dict) else []
        mode = {"auto": "AUTO", "none": "NONE", "required": "ANY"}[choice] if isinstance(choice, str) else "ANY" if choice.get("mode") != "auto" else "VALIDATED"
        body["toolConfig"] = {"functionCallingConfig": {"mode": mode} | ({"allowedFunctionNames": names} if names else {})}
    config = {name: p[key] for key, name in (("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"), ("max_tokens", "maxOutputTokens"), ("stop", "stopSequences"), ("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty"), ("seed", "seed"), ("n", "candidateCount")) if key in p}
    config |= {"responseLogprobs": True, "logprobs": p["logprobs"]} if "logprobs" in p else {}
    if "effort" in p:
        config["thinkingConfig"] = {"thinkingLevel": p["effort"].upper()} | ({"includeThoughts": True} if p.get("shown") else {})
    if "budget" in p:
        config["thinkingConfig"] = {"thinkingBudget": p["budget"]}
    if "format" in p:
        config |= {"responseMimeType": "application/json"} | ({} if p["format"] == "json" else {"responseJsonSchema": p["format"]})
    return body | ({"generationConfig": config} if config else {})


def write_ollama(c):
    if any(part[0] == "media" and not part[2] for _, parts in c["turns"] for part in parts):
        return None  # a picture by its address
    messages = []
    for role, parts in c["turns"]:
        for part in parts:
            if part[0] == "result":
                messages.append({"role": "tool", "tool_name": part[2], "content": "".join(p[1] for p in part[3] if p[0] == "text")})
        words, images = [part[1] for part in parts if part[0] == "text"], [part[2] for part in parts if part[0] == "media" and part[2]]
        calls = [{"function": {"name": part[2], "arguments": arguments_value(part[3])}} for part in parts if part[0] == "call"]
        if words or images or calls or not parts:
            messages.append({"role": role, "content": "".join(words)} | ({"images": images} if images else {}) | ({"tool_calls": calls} if calls else {}))
    p, body = c["params"], {"model": c["model"] or "m", "messages": messages, "stream": False}
    if c["tools"]:
        body["tools"] = [{"type": "function", "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"]}} for t in c["tools"]]
    options = {name: p[key] for key, name in (("temperature", "temperature"), ("top_p", "top_p"), ("top_k", "top_k"), ("min_p", "min_p"), ("max_tokens", "num_predict"), ("stop", "stop"), ("presence_penalty", "presence_penalty"), ("frequency_penalty", "frequency_penalty"), ("seed", "seed")) if key in p}
    body |= {"options": options} if options else {}
    if "effort" in p:
        body["think"] = {"none": False, "minimal": "low", "xhigh": "max"}.get(p["effort"], p["effort"])
    if "format" in p:
        body["format"] = p["format"]
    return body


WRITERS = {"openai-chat": write_chat, "openai-responses": write_responses, "anthropic-messages": write_anthropic, "gemini": write_gemini, "ollama-chat": write_ollama}


def crafted():
    for group in (names, ids, pairing, order, texts, pictures, schemas, parameters, reasoning):
        for name, c in group():
            for dialect, write in WRITERS.items():
                body = write(c)
                if body is not None:
                    yield dialect, f"{group.__name__}/{name}", body


if __name__ == "__main__":
    import sys
    for dialect, name, body in crafted():
        if sys.argv[1:] in ([name], [name, dialect]):
            print(dialect, json.dumps(body))
