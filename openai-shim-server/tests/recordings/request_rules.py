"""Rules of the vendors' documents that the request types of their SDKs do not express.

`check(dialect, vendor, body)` returns findings: a list of `(path, problem, value)`. A request is first read into one form for
all dialects (`Turn`, `Part`), then judged by what its API accepts (`LIMITS`), then by rules of that dialect alone.
Independent of the shim's code. `vendor`: the dialect's own API is asked, not a server that is only like it.
"""
import base64, json, re

# For each dialect: patterns of tool names and call ids, the most stop sequences, the range of the temperature, the media
# types of each place. Sources: the vendors' references and the types of their SDKs.
IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
LIMITS = {
    "openai-chat": dict(name=r"[a-zA-Z0-9_-]{1,64}", id=r".{1,40}", stops=4, temperature=2, images=IMAGES),
    "openai-completions": dict(stops=4, temperature=2),
    "openai-responses": dict(name=r"[a-zA-Z0-9_-]{1,128}", id=r".{1,64}", temperature=2, images=IMAGES),
    "anthropic-messages": dict(name=r"[a-zA-Z0-9_-]{1,128}", id=r"[a-zA-Z0-9_-]+", temperature=1, images=IMAGES),
    "gemini": dict(name=r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", id=r".+", stops=5, temperature=2, images={"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}),
    "ollama-chat": dict(name=r".+", id=r".+"),
    "ollama-generate": dict(),
}


class Part:
    def __init__(self, kind, path, **values):
        self.kind, self.path, self.__dict__ = kind, path, {"kind": kind, "path": path, **values}

    def __getattr__(self, _):
        return None


class Turn:
    def __init__(self, role, path, parts):
        self.role, self.path, self.parts = role, path, parts

    def of(self, kind):
        return [part for part in self.parts if part.kind == kind]


class Request:
    def __init__(self):
        self.turns, self.tools, self.choice, self.chosen = [], [], None, []  # tools: (path, name, schema, strict)


def items(value):
    return value if isinstance(value, list) else []


def members(value):
    return value if isinstance(value, dict) else {}


def data_url(url):
    match = re.match(r"data:([^;,]*)(?:;[^,]*)?,(.*)", url, re.S)
    return (match[1], match[2]) if match else (None, None)


# Members whose inside is the client's: its keys are no names of Google's.
NOT_GOOGLES = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels", "metadata"}


def camel_case(value):
    """A body of Google's with its names in camel case, and a single part as a list of one."""
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        key = re.sub(r"(?<=[a-zA-Z0-9])_([a-z])", lambda match: match[1].upper(), key)
        out[key] = item if key in NOT_GOOGLES else camel_case([item] if key == "parts" and isinstance(item, dict) else item)
    return out


# ---------------------------------------------------------------- readers
def chat_parts(content, path):
    if isinstance(content, str):
        return [Part("text", path, text=content)]
    out = []
    for n, part in enumerate(items(content)):
        at, part = f"{path}.{n}", members(part)
        kind = part.get("type")
        if kind in ("text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text"):
            out.append(Part("text", at, text=part.get("text") or part.get("refusal") or ""))
        elif kind in ("image_url", "input_image"):
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, dict) else image
            mime, data = data_url(url or "")
            out.append(Part("media", at, mime=mime, data=data, url=url, image=True))
        elif kind in ("file", "input_file", "input_audio"):
            file = members(part.get("file")) if kind == "file" else part
            mime, data = data_url(file.get("file_data") or "") if isinstance(file.get("file_data"), str) else (None, None)
            if kind == "input_audio":
                data = members(part.get("input_audio")).get("data")
            out.append(Part("media", at, mime=mime, data=data, url=file.get("file_url") or file.get("file_id"), file=kind != "input_audio", audio=kind == "input_audio", raw=part))
        else:
            out.append(Part("other", at, raw=part))
    return out


def chat(body):
    request = Request()
    for n, message in enumerate(items(body.get("messages"))):
        path, message = f"messages.{n}", members(message)
        parts = chat_parts(message.get("content"), f"{path}.content")
        if message.get("role") in ("tool", "function"):
            parts = [Part("result", path, id=message.get("tool_call_id"), parts=parts, content=message.get("content"))]
        for m, call in enumerate(items(message.get("tool_calls"))):
            function = members(call.get("function") or call.get("custom"))
            parts.append(Part("call", f"{path}.tool_calls.{m}", id=call.get("id"), name=function.get("name"), arguments=function.get("arguments"), custom="custom" in call))
        request.turns.append(Turn(message.get("role"), path, parts))
    for n, tool in enumerate(items(body.get("tools"))):
        function = members(members(tool).get("function") or members(tool).get("custom"))
        if members(tool).get("type") in ("function", "custom"):
            request.tools.append((f"tools.{n}", function.get("name"), function.get("parameters"), function.get("strict")))
    choice = body.get("tool_choice")
    request.choice = choice
    if isinstance(choice, dict):
        request.chosen = [members(choice.get("function") or choice.get("custom")).get("name")] if choice.get("type") in ("function", "custom") else [
            members(tool.get("function") or tool.get("custom")).get("name") for tool in items(members(choice.get("allowed_tools")).get("tools"))]
    return request


def completions(body):
    request = Request()
    request.turns = [Turn("user", "prompt", [Part("text", "prompt", text=body["prompt"])])] if isinstance(body.get("prompt"), str) else []
    return request


RESPONSE_CALLS = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action", "shell_call": "action", "apply_patch_call": "operation", "computer_call": "action"}


def responses(body):
    request = Request()
    source = body.get("input")
    if isinstance(source, str):
        request.turns.append(Turn("user", "input", [Part("text", "input", text=source)]))
    for n, item in enumerate(items(source)):
        path, item = f"input.{n}", members(item)
        kind = item.get("type") or "message"
        if kind == "message":
            request.turns.append(Turn(item.get("role"), path, chat_parts(item.get("content"), f"{path}.content")))
        elif item.get("execution") == "server":  # what OpenAI's servers ran themselves
            request.turns.append(Turn("assistant", path, [Part(kind, path, raw=item)]))
        elif kind in RESPONSE_CALLS or kind.endswith("_call") and item.get("call_id"):
            call_id = item.get("call_id") or item.get("id")
            request.turns.append(Turn("assistant", path, [Part("call", path, id=call_id, name=item.get("name") if "name" in item else kind, arguments=item.get(RESPONSE_CALLS.get(kind)), custom=kind != "function_call")]))
        elif kind.endswith("_output"):
            parts = chat_parts(item.get("output"), f"{path}.output")
            request.turns.append(Turn("tool", path, [Part("result", path, id=item.get("call_id") or item.get("id"), parts=parts, content=item.get("output"))]))
        else:
            request.turns.append(Turn("assistant", path, [Part(kind, path, raw=item)]))

    def offered(tools, path):
        for n, tool in enumerate(items(tools)):
            tool, at = members(tool), f"{path}.{n}"
            if tool.get("type") in ("function", "custom"):
                request.tools.append((at, tool.get("name"), tool.get("parameters"), tool.get("strict")))
            elif tool.get("type") == "namespace":
                offered(tool.get("tools"), f"{at}.tools")
    offered(body.get("tools"), "tools")
    choice = body.get("tool_choice")
    request.choice = choice
    if isinstance(choice, dict):
        request.chosen = [choice.get("name")] if choice.get("type") in ("function", "custom") else [tool.get("name") for tool in items(choice.get("tools")) if tool.get("type") in ("function", "custom")]
    return request


def anthropic_parts(content, path):
    if isinstance(content, str):
        return [Part("text", path, text=content)]
    out = []
    for n, block in enumerate(items(content)):
        at, block = f"{path}.{n}", members(block)
        kind, source = block.get("type"), members(block.get("source"))
        if kind == "text":
            out.append(Part("text", at, text=block.get("text") or ""))
        elif kind in ("image", "document"):
            base = source.get("type") == "base64"
            out.append(Part("media", at, mime=source.get("media_type") if base else None, data=source.get("data") if base else None, url=source.get("url") or source.get("file_id"), image=kind == "image", file=kind == "document"))
        elif kind == "tool_use":
            out.append(Part("call", at, id=block.get("id"), name=block.get("name"), arguments=block.get("input")))
        elif kind == "tool_result":
            out.append(Part("result", at, id=block.get("tool_use_id"), parts=anthropic_parts(block.get("content"), f"{at}.content"), content=block.get("content")))
        elif kind in ("thinking", "redacted_thinking"):
            out.append(Part("thinking", at, signature=block.get("signature") or block.get("data"), text=block.get("thinking")))
        else:
            out.append(Part("other", at, raw=block))
    return out


def anthropic(body):
    request = Request()
    for n, message in enumerate(items(body.get("messages"))):
        message = members(message)
        request.turns.append(Turn(message.get("role"), f"messages.{n}", anthropic_parts(message.get("content"), f"messages.{n}.content")))
    for n, tool in enumerate(items(body.get("tools"))):
        tool = members(tool)
        request.tools.append((f"tools.{n}", tool.get("name") or tool.get("mcp_server_name"), tool.get("input_schema"), tool.get("strict")))
    request.choice = body.get("tool_choice")
    request.chosen = [request.choice.get("name")] if members(request.choice).get("type") == "tool" else []
    return request


def gemini_part(part, at):
    part = members(part)
    if "functionCall" in part:
        call = members(part["functionCall"])
        return Part("call", at, id=call.get("id"), name=call.get("name"), arguments=call.get("args") or {}, signature=part.get("thoughtSignature"))
    if "functionResponse" in part:
        answer = members(part["functionResponse"])
        return Part("result", at, id=answer.get("id"), name=answer.get("name"), parts=[gemini_part(p, f"{at}.functionResponse.parts.{n}") for n, p in enumerate(items(answer.get("parts")))], content=answer.get("response"))
    if "inlineData" in part or "fileData" in part:
        data = members(part.get("inlineData") or part.get("fileData"))
        mime = data.get("mimeType") or ""
        return Part("media", at, mime=mime, data=data.get("data"), url=data.get("fileUri"), image=mime.startswith("image/"), file=not mime.startswith(("image/", "audio/", "video/")), audio=mime.startswith("audio/"))
    if "text" in part:
        return Part("thinking" if part.get("thought") else "text", at, text=part["text"] or "", raw=part)
    return Part("other", at, raw=part)


def gemini(body):
    request = Request()
    for n, content in enumerate(items(body.get("contents"))):
        content = members(content)
        request.turns.append(Turn(content.get("role") or "user", f"contents.{n}", [gemini_part(p, f"contents.{n}.parts.{m}") for m, p in enumerate(items(content.get("parts")))]))
    for n, tool in enumerate(items(body.get("tools"))):
        for m, function in enumerate(items(members(tool).get("functionDeclarations"))):
            request.tools.append((f"tools.{n}.functionDeclarations.{m}", function.get("name"), function.get("parametersJsonSchema", function.get("parameters")), None))
    config = members(members(body.get("toolConfig")).get("functionCallingConfig"))
    request.choice, request.chosen = config or None, items(config.get("allowedFunctionNames"))
    return request


def ollama(body):
    request = Request()
    for n, message in enumerate(items(body.get("messages"))):
        path, message = f"messages.{n}", members(message)
        parts = [Part("text", f"{path}.content", text=message["content"])] if isinstance(message.get("content"), str) else []
        if message.get("role") == "tool":
            parts = [Part("result", path, id=message.get("tool_call_id"), name=message.get("tool_name"), parts=parts, content=message.get("content"))]
        parts += [Part("media", f"{path}.images.{m}", data=image, image=True) for m, image in enumerate(items(message.get("images")))]
        for m, call in enumerate(items(message.get("tool_calls"))):
            function = members(members(call).get("function"))
            parts.append(Part("call", f"{path}.tool_calls.{m}", id=call.get("id"), name=function.get("name"), arguments=function.get("arguments")))
        request.turns.append(Turn(message.get("role"), path, parts))
    for n, tool in enumerate(items(body.get("tools"))):
        function = members(members(tool).get("function"))
        request.tools.append((f"tools.{n}", function.get("name"), function.get("parameters"), None))
    return request


def ollama_generate(body):
    request = completions(body)
    for turn in request.turns[:1]:
        turn.parts += [Part("media", f"images.{m}", data=image, image=True) for m, image in enumerate(items(body.get("images")))]
    return request


READERS = {
    "openai-chat": chat, "openai-completions": completions, "openai-responses": responses, "anthropic-messages": anthropic,
    "gemini": gemini, "ollama-chat": ollama, "ollama-generate": ollama_generate,
}


# ---------------------------------------------------------------- rules of all dialects
class Findings(list):
    def add(self, path, problem, value=None):
        text = json.dumps(value, ensure_ascii=True, default=str)
        self.append((re.sub(r"\b\d+\b", "[]", path), problem, text[:117] + "..." if len(text) > 120 else text))


def surrogates(found, body):
    def walk(value, path):
        if isinstance(value, str):
            if re.search("[\ud800-\udfff]", value):
                found.add(path, "text: lone surrogate", value[:40])
        elif isinstance(value, list):
            for n, item in enumerate(value):
                walk(item, f"{path}.{n}")
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(key, path)
                walk(item, f"{path}.{key}" if path else key)
    walk(body, "")


def names_and_ids(found, dialect, request):
    limits = LIMITS[dialect]
    named = [(path, name) for path, name, *_ in request.tools if name is not None]
    named += [(part.path, part.name) for turn in request.turns for part in turn.of("call")]
    named += [("tool_choice", name) for name in request.chosen]
    for path, name in named:
        if "name" in limits and not re.fullmatch(limits["name"], name or "", re.S):
            found.add(path, "tools: name that the API refuses", name)
    seen = set()
    for path, name, *_ in request.tools:
        if name is not None and name in seen and dialect in ("openai-chat", "anthropic-messages", "gemini"):
            found.add(path, "tools: two tools of one name", name)
        seen.add(name)
    for turn in joined(request.turns):
        ids = set()
        for call in turn.of("call"):
            if call.id is not None and "id" in limits and not re.fullmatch(limits["id"], str(call.id), re.S):
                found.add(call.path, "pairing: call id that the API refuses", call.id)
            if call.id is not None and call.id in ids:
                found.add(call.path, "pairing: two calls of one id", call.id)
            ids.add(call.id)


def joined(turns):
    """Turns of one role behind each other as one, as Anthropic's and Google's servers join them."""
    out = []
    for turn in turns:
        if out and out[-1].role == turn.role:
            out[-1] = Turn(turn.role, out[-1].path, out[-1].parts + turn.parts)
        else:
            out.append(turn)
    return out


def pairing(found, dialect, request):
    """Each call has its result directly behind its turn, and each result its call directly before."""
    pending = []
    if dialect == "openai-responses":  # calls and results are items: any order, calls first
        for turn in request.turns:
            pending += turn.of("call")
            for result in turn.of("result"):
                match = next((call for call in pending if call.id == result.id), None)
                if match is None:
                    found.add(result.path, "pairing: result without its call", result.id)
                else:
                    pending.remove(match)
        for call in pending:
            found.add(call.path, "pairing: call without its result", call.id)
        return
    for turn in joined(request.turns) if dialect in ("anthropic-messages", "gemini") else request.turns:
        results = turn.of("result")
        for result in results:
            match = next((call for call in pending if (result.id is not None and call.id == result.id) or (call.id is None or result.id is None) and (result.name is None or call.name == result.name)), None)
            if match is None:
                found.add(result.path, "pairing: result without its call directly before", result.id or result.name)
            else:
                pending.remove(match)
        calls = turn.of("call")
        if pending and (not results or calls or dialect in ("anthropic-messages", "gemini")):
            for call in pending:
                found.add(call.path, "pairing: call without its result directly behind", call.id or call.name)
            pending = []
        if calls:
            pending = list(calls)
        if dialect in ("anthropic-messages",) and results and turn.parts[: len(results)] != results:
            found.add(turn.path, "pairing: results are not the first blocks of their message", [part.kind for part in turn.parts])
        if dialect in ("anthropic-messages", "gemini") and results and turn.role != "user" or calls and turn.role not in ("assistant", "model"):
            found.add(turn.path, "pairing: call or result in the wrong role", turn.role)
    for call in pending:
        found.add(call.path, "pairing: call without its result directly behind", call.id or call.name)


def arguments(found, dialect, request):
    if dialect.startswith("openai"):  # any text
        return
    for turn in request.turns:
        for call in turn.of("call"):
            if call.custom:
                continue
            value = call.arguments
            if not isinstance(value, dict):
                found.add(call.path, "pairing: arguments are no object", value)


def tool_choice(found, dialect, body, request):
    offered = [name for _, name, *_ in request.tools]
    has_tools = bool(body.get("tools"))
    if request.choice is not None and not has_tools:
        found.add("toolConfig" if dialect == "gemini" else "tool_choice", "schemas: tool choice without tools", request.choice)
    for name in request.chosen:
        if has_tools and name not in offered:
            found.add("toolConfig" if dialect == "gemini" else "tool_choice", "schemas: tool choice names a tool that is not offered", name)
    if body.get("tools") == [] and dialect == "openai-chat":
        found.add("tools", "schemas: empty list of tools", [])
    if body.get("parallel_tool_calls") is not None and not has_tools and dialect == "openai-chat":
        found.add("parallel_tool_calls", "params: parallel_tool_calls without tools", body["parallel_tool_calls"])


def is_base64(text):
    try:
        base64.b64decode(text, validate=True)
        return True
    except ValueError:
        return False


def media(found, dialect, request):
    limits = LIMITS[dialect]

    def judge(part, place):
        if part.mime is not None and part.image and part.mime not in limits.get("images", {part.mime}):
            found.add(part.path, f"media: image type that the API refuses in {place}", part.mime)
        if isinstance(part.data, str):
            # Captures and some recordings cut long strings: "...[900 chars]", "...TRIMMED".
            if "..." not in part.data and not is_base64(part.data):
                url_safe = is_base64(part.data.replace("-", "+").replace("_", "/"))
                if not (url_safe and dialect == "gemini"):
                    found.add(part.path, "media: base64 in the alphabet of URLs" if url_safe else "media: data is no base64", part.data[:60])
    for turn in request.turns:
        for part in turn.of("media"):
            judge(part, turn.role)
        for result in turn.of("result"):
            for part in result.parts or []:
                if part.kind == "media":
                    judge(part, "a result")


def sampling(found, dialect, body, request):
    limits = LIMITS[dialect]
    settings = members(body.get("generationConfig")) if dialect == "gemini" else members(body.get("options")) if dialect.startswith("ollama") else body
    temperature = settings.get("temperature")
    if isinstance(temperature, (int, float)) and "temperature" in limits and not 0 <= temperature <= limits["temperature"]:
        found.add("temperature", "params: temperature out of range", temperature)
    top_p = settings.get("topP" if dialect == "gemini" else "top_p")
    if isinstance(top_p, (int, float)) and not dialect.startswith("ollama") and not 0 <= top_p <= 1:
        found.add("top_p", "params: top_p out of range", top_p)
    for key in ("presence_penalty", "frequency_penalty", "presencePenalty", "frequencyPenalty"):
        if isinstance(settings.get(key), (int, float)) and not dialect.startswith("ollama") and not -2 <= settings[key] <= 2:
            found.add(key, "params: penalty out of range", settings[key])
    stops = settings.get({"gemini": "stopSequences", "anthropic-messages": "stop_sequences"}.get(dialect, "stop"))
    stops = [stops] if isinstance(stops, str) else items(stops)
    if len(stops) > limits.get("stops", 10**9):
        found.add("stop", "params: too many stop sequences", len(stops))
    if any(stop == "" for stop in stops):
        found.add("stop", "params: empty stop sequence", stops)
    for key in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        least = 16 if key == "max_output_tokens" else 0 if dialect == "anthropic-messages" else 1
        if isinstance(body.get(key), int) and body[key] < least:
            found.add(key, "params: token limit below the API's minimum", body[key])


# ---------------------------------------------------------------- rules of one dialect
def openai_common(found, body, vendor):
    if body.get("stream_options") is not None and body.get("stream") is not True:
        found.add("stream_options", "params: stream_options without stream", body["stream_options"])
    model = str(body.get("model") or "")
    reasons = re.match(r"(o\d|gpt-[5-9])", model) and not re.match(r"gpt-5-chat", model)
    if vendor and reasons and "prompt" not in body:
        if body.get("max_tokens") is not None:
            found.add("max_tokens", "params: max_tokens for a model that reasons", model)
        if body.get("stop") is not None and re.match(r"o3(?!-mini)|o4-mini|gpt-5(\.[0-4])?(-|$)", model):
            found.add("stop", "params: stop for a model that reasons", model)
    for key, lowest, highest in (("top_logprobs", 0, 20), ("n", 1, 128)):
        if isinstance(body.get(key), int) and not lowest <= body[key] <= highest:
            found.add(key, f"params: {key} out of range", body[key])
    metadata = members(body.get("metadata"))
    if len(metadata) > 16 or any(len(k) > 64 or len(str(v)) > 512 for k, v in metadata.items()):
        found.add("metadata", "params: metadata out of bounds", list(metadata)[:3])
    for key, most in (("safety_identifier", 64), ("user", 10**9), ("prompt_cache_key", 64)):
        if isinstance(body.get(key), str) and len(body[key]) > most:
            found.add(key, "params: longer than the API takes", len(body[key]))


def needs_json_word(found, body, texts):
    if not any("json" in text.lower() for text in texts):
        found.add("response_format", "schemas: json_object without the word JSON in a message", None)


def texts_of(request, *extra):
    out = [part.text or "" for turn in request.turns for part in turn.parts if part.kind == "text"]
    out += [p.text or "" for turn in request.turns for part in turn.of("result") for p in part.parts or [] if p.kind == "text"]
    return out + [text for text in extra if isinstance(text, str)]


def rules_chat(found, body, request, vendor):
    openai_common(found, body, vendor)
    if isinstance(body.get("top_logprobs"), int) and body.get("logprobs") is not True:
        found.add("top_logprobs", "params: top_logprobs without logprobs", body["top_logprobs"])
    if body.get("messages") == []:
        found.add("messages", "text: no messages")
    for n, message in enumerate(items(body.get("messages"))):
        path, message = f"messages.{n}", members(message)
        content, role = message.get("content"), message.get("role")
        if content == []:
            found.add(f"{path}.content", "text: empty list of parts", role)
        if content is None and not message.get("tool_calls") and not message.get("function_call") and not message.get("refusal") and not message.get("audio"):
            found.add(f"{path}.content", "text: no content", role)
        if message.get("tool_calls") == []:
            found.add(f"{path}.tool_calls", "pairing: empty list of calls", role)
        if isinstance(message.get("name"), str) and role != "function" and not re.fullmatch(r"[^\s<|\\/>]{1,64}", message["name"]):
            found.add(f"{path}.name", "text: name of a participant that the API refuses", message["name"])
    for turn in request.turns:
        for part in turn.of("media"):
            if turn.role != "user":
                found.add(part.path, f"media: only a user message takes media, not {turn.role}", part.mime)
            if part.image and part.url and not part.url.startswith(("http://", "https://", "data:")):
                found.add(part.path, "media: image URL is neither http nor data", part.url[:60])
            if part.file and part.raw and part.raw.get("file", {}).get("file_data") and (not part.mime or not part.raw["file"].get("filename")):
                found.add(part.path, "media: file_data without a data URL or a filename", part.raw["file"].get("file_data", "")[:40])
            if part.audio and members(part.raw.get("input_audio")).get("format") not in ("wav", "mp3"):
                found.add(part.path, "media: audio format that the API refuses", members(part.raw.get("input_audio")).get("format"))
    schemas_openai(found, request)
    format_ = members(body.get("response_format"))
    if format_.get("type") == "json_object":
        needs_json_word(found, body, texts_of(request))
    if format_.get("type") == "json_schema":
        spec = members(format_.get("json_schema"))
        named_schema(found, "response_format.json_schema", spec.get("name"), spec.get("schema"), spec.get("strict"))


def named_schema(found, path, name, schema, is_strict):
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name or ""):
        found.add(f"{path}.name", "schemas: name of a schema that the API refuses", name)
    if members(schema).get("type") != "object":
        found.add(f"{path}.schema", "schemas: root of the output schema is no object", members(schema).get("type"))
    if is_strict:
        strict_schema(found, f"{path}.schema", schema)


def rules_responses(found, body, request, vendor):
    openai_common(found, body, vendor)
    schemas_openai(found, request)
    format_ = members(members(body.get("text")).get("format"))
    if format_.get("type") == "json_object":
        needs_json_word(found, body, texts_of(request))
    if format_.get("type") == "json_schema":
        named_schema(found, "text.format", format_.get("name"), format_.get("schema"), format_.get("strict"))
    for n, item in enumerate(items(body.get("input"))):
        item, path = members(item), f"input.{n}"
        if item.get("type", "message") == "message" and item.get("content") == []:
            found.add(f"{path}.content", "text: empty list of parts", item.get("role"))
        for m, part in enumerate(items(item.get("content")) if item.get("type", "message") == "message" else []):
            kind, at = members(part).get("type"), f"{path}.content.{m}"
            allowed = ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text", "input_image", "input_file", "input_audio")
            if kind not in allowed:
                found.add(at, f"media: part {kind} in a message of {item.get('role')}", None)
    for turn in request.turns:
        for part in turn.of("media"):
            if part.image and part.url and not part.url.startswith(("http://", "https://", "data:")):
                found.add(part.path, "media: image URL is neither http nor data", part.url[:60])


def schemas_openai(found, request):
    for path, _, schema, is_strict in request.tools:
        if schema is not None and members(schema).get("type") != "object":
            found.add(f"{path}.parameters", "schemas: root of the parameters is no object", schema)
        if any(key in members(schema) for key in ("oneOf", "anyOf", "allOf", "enum", "not")):
            found.add(f"{path}.parameters", "schemas: root of the parameters has anyOf, oneOf, allOf, enum or not", [k for k in schema if k in ("oneOf", "anyOf", "allOf", "enum", "not")])
        arrays_have_items(found, f"{path}.parameters", schema)
        if is_strict:
            strict_schema(found, f"{path}.parameters", schema)


def subschemas(schema, path):
    """Each schema within the schema, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        for name, inner in members(schema.get(key)).items():
            yield from subschemas(inner, f"{path}.{key}.*")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in items(schema.get(key)):
            yield from subschemas(inner, f"{path}.{key}.[]")
    for key in ("items", "additionalProperties", "not"):
        yield from subschemas(schema.get(key), f"{path}.{key}")


def arrays_have_items(found, path, schema):
    for at, inner in subschemas(schema, path):
        if inner.get("type") == "array" and "items" not in inner and "prefixItems" not in inner:
            found.add(at, "schemas: array without items", None)


# Keywords that strict mode refuses. developers.openai.com/api/docs/guides/structured-outputs
NOT_STRICT = {"minLength", "maxLength", "patternProperties", "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems", "allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "oneOf"}


def strict_schema(found, path, schema):
    for at, inner in subschemas(schema, path):
        for key in sorted(NOT_STRICT & set(inner)):
            found.add(at, f"schemas: strict mode refuses {key}", inner[key])
        if inner.get("type") == "object" or "properties" in inner:
            if inner.get("additionalProperties") is not False:
                found.add(at, "schemas: strict object is not closed", inner.get("additionalProperties"))
            if set(members(inner.get("properties"))) - set(items(inner.get("required"))):
                found.add(at, "schemas: strict object does not require each property", sorted(set(members(inner.get("properties"))) - set(items(inner.get("required"))))[:3])


def newer_claude(model):
    return re.search(r"(opus-4-[78]|(fable|mythos)-\d|(opus|sonnet|haiku)-[5-9])", model) is not None


# Kept by structured outputs: lib/_parse/_transform.py of the SDK, and what the page on structured outputs lists besides.
ANTHROPIC_STRICT = {"type", "enum", "const", "anyOf", "allOf", "$defs", "$ref", "description", "title", "items", "minItems", "required", "properties", "additionalProperties", "format", "definitions", "default", "pattern", "$schema"}


def closed_schema(found, path, schema):
    for at, inner in subschemas(schema, path):
        for key in sorted(set(inner) - ANTHROPIC_STRICT):
            found.add(at, f"schemas: structured outputs refuse {key}", inner[key])
        if inner.get("type") == "object" and inner.get("additionalProperties") is not False:
            found.add(at, "schemas: structured outputs want closed objects", inner.get("additionalProperties"))
        if inner.get("minItems") not in (None, 0, 1):
            found.add(at, "schemas: structured outputs refuse minItems over 1", inner["minItems"])


def rules_anthropic(found, body, request, vendor):
    model = str(body.get("model") or "")
    thinking, turns = members(body.get("thinking")), request.turns
    if not turns:
        found.add("messages", "text: no messages")
    says_something = any(part.kind != "text" or part.text.strip() for turn in turns for part in turn.parts)
    for n, turn in enumerate(turns):
        last = n == len(turns) - 1
        if not turn.parts and not (last and turn.role == "assistant"):
            found.add(turn.path, "text: no content", turn.role)
        blocks = list(turn.parts) + [p for part in turn.of("result") for p in part.parts or []]
        listed = isinstance(members(items(body["messages"])[n]).get("content"), list)
        for part in blocks:
            if part.kind == "text" and not part.text.strip():
                found.add(part.path, "text: blank text" if says_something else "text: no content", turn.role)
            if part.kind == "media" and turn.role == "assistant":
                found.add(part.path, "media: media in an assistant message", part.mime)
            if part.kind == "media" and part.image and part.url and not part.url.startswith(("https://", "http://", "file_")):
                found.add(part.path, "media: image URL is not http", part.url[:60])
            if part.kind == "media" and part.file and part.mime not in (None, "application/pdf"):
                found.add(part.path, "media: document type that the API refuses", part.mime)
            if part.kind == "thinking" and not part.signature and "claude" in model:
                found.add(part.path, "reasoning: thinking without a signature", (part.text or "")[:40])
        if last and turn.role == "assistant" and turn.parts and turn.parts[-1].kind == "text" and turn.parts[-1].text != turn.parts[-1].text.rstrip():
            found.add(turn.path, "text: the last assistant text ends in white space", turn.parts[-1].text[-20:])
        if turn.role == "system" and "claude" in model and not newer_claude(model):
            found.add(turn.path, "pairing: role system in messages of a model that has none", model)
        if last and turn.role == "assistant" and re.search(r"(opus|sonnet)-4-[6-9]|(fable|mythos|opus|sonnet|haiku)-[5-9]", model) and "haiku-4" not in model:
            found.add(turn.path, "text: a prefill that the model refuses", model)
    for n, block in enumerate(items(body.get("system"))):
        if not str(members(block).get("text") or "").strip():
            found.add(f"system.{n}", "text: blank text", "system")
    limit, budget = body.get("max_tokens"), thinking.get("budget_tokens")
    kind = thinking.get("type")
    if kind == "enabled":
        if not isinstance(budget, int) or budget < 1024:
            found.add("thinking.budget_tokens", "reasoning: budget below 1024", budget)
        elif isinstance(limit, int) and budget >= limit:
            found.add("thinking.budget_tokens", "reasoning: budget is not below max_tokens", [budget, limit])
        if newer_claude(model):
            found.add("thinking.type", "reasoning: manual thinking, which the model refuses", model)
        choice = members(body.get("tool_choice")).get("type")
        if choice in ("any", "tool"):
            found.add("tool_choice", "reasoning: a forced tool with manual thinking", choice)
    if kind == "adaptive" and re.search(r"claude-3|(opus|sonnet|haiku)-4-[015]|(opus|sonnet)-4-2025|claude-(opus|sonnet)-4$", model):
        found.add("thinking.type", "reasoning: adaptive thinking, which the model refuses", model)
    if kind == "disabled" and re.search(r"(fable|mythos)-5|opus-5-5|sonnet-5-5", model):
        found.add("thinking.type", "reasoning: disabled thinking, which the model refuses", model)
    if kind in ("enabled", "adaptive"):
        if isinstance(body.get("temperature"), (int, float)) and body["temperature"] != 1:
            found.add("temperature", "reasoning: temperature beside thinking", body["temperature"])
        if body.get("top_k") is not None:
            found.add("top_k", "reasoning: top_k beside thinking", body["top_k"])
        if isinstance(body.get("top_p"), (int, float)) and body["top_p"] < 0.95:
            found.add("top_p", "reasoning: top_p below 0.95 beside thinking", body["top_p"])
    if kind == "enabled":
        # The turn that a result continues must begin with its thinking, unless the model only thinks when it wants to.
        for before, turn in zip(turns, turns[1:] + [None]):
            if turn is not None and turn is turns[-1] and turn.of("result") and before.role == "assistant" and before.of("call") and (not before.parts or before.parts[0].kind != "thinking"):
                found.add(before.path, "reasoning: the turn that goes on has no thinking before its calls", [part.kind for part in before.parts])
    if newer_claude(model):
        for key in ("temperature", "top_p", "top_k"):
            if body.get(key) not in (None, 1):  # the default may be said
                found.add(key, "params: sampling, which the model refuses", [model, body[key]])
        if re.search(r"(fable|mythos)-5-[12]|(opus|sonnet)-5-5", model) and members(body.get("tool_choice")).get("type") in ("any", "tool"):
            found.add("tool_choice", "schemas: a forced tool, which the model refuses", model)
    elif re.search(r"claude-(opus|sonnet|haiku)-4", model) and body.get("temperature") is not None and body.get("top_p") is not None:
        found.add("top_p", "params: temperature and top_p together", model)
    most = 128000 if newer_claude(model) or re.search(r"(opus|sonnet)-4-6", model) else 64000 if re.search(r"-4-5", model) else None
    if most and isinstance(limit, int) and limit > most:
        found.add("max_tokens", "params: token limit above the model's", [model, limit])
    for path, _, schema, is_strict in request.tools:
        if schema is None:
            continue
        if members(schema).get("type") != "object":
            found.add(f"{path}.input_schema", "schemas: root of the parameters is no object", schema)
        if any(key in members(schema) for key in ("oneOf", "anyOf", "allOf")):
            found.add(f"{path}.input_schema", "schemas: root of the parameters has anyOf, oneOf or allOf", sorted(schema))
        for at, inner in subschemas(schema, f"{path}.input_schema"):
            for name in members(inner.get("properties")):
                if at.count(".") == 2 and not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name):
                    found.add(at, "schemas: name of a property that the API refuses", name)
        if is_strict:
            closed_schema(found, f"{path}.input_schema", schema)
    format_ = members(members(body.get("output_config")).get("format"))
    if format_:
        closed_schema(found, "output_config.format.schema", format_.get("schema"))
    for stop in items(body.get("stop_sequences")):
        if isinstance(stop, str) and not stop.strip():
            found.add("stop_sequences", "params: stop sequence of white space", stop)
    marks = json.dumps(body).count('"cache_control": {')
    if marks > 4:
        found.add("cache_control", "params: more than four cache breakpoints", marks)
    user = members(body.get("metadata")).get("user_id")
    if isinstance(user, str) and len(user) > 256:
        found.add("metadata.user_id", "params: longer than the API takes", len(user))


# Keywords of `Schema`, the OpenAPI subset, and of the members with JSON schema. gg-sdk `Schema`; Google's discovery document.
OPENAPI = {"type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default", "items", "minimum", "maximum", "additionalProperties", "defs", "ref", "$ref", "$defs", "any_of"}
JSON_SCHEMA = {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering", "default", "pattern", "$schema"}


def openapi_schema(found, path, schema, tools=False):
    for at, inner in subschemas(schema, path):
        for key in sorted(set(inner) - OPENAPI):
            found.add(at, f"schemas: `Schema` has no {key}", inner[key])
        if isinstance(inner.get("type"), list):
            found.add(at, "schemas: several types in `Schema`", inner["type"])
        if any(not isinstance(value, str) for value in items(inner.get("enum"))):
            found.add(at, "schemas: enum of other than strings in `Schema`", inner["enum"])
        if "anyOf" in inner and set(inner) - {"anyOf", "description", "title", "nullable"}:
            found.add(at, "schemas: members beside anyOf in `Schema`", sorted(inner))
        kind = str(inner.get("type") or "").lower()
        if kind == "array" and "items" not in inner:
            found.add(at, "schemas: array without items", None)
        if "items" in inner and kind != "array":
            found.add(at, "schemas: items on other than an array", kind)
        for name in items(inner.get("required")):
            if name not in members(inner.get("properties")):
                found.add(at, "schemas: required property that is not defined", name)
        for name in members(inner.get("properties")) if tools else ():
            if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}", name):
                found.add(at, "schemas: name of a property that the API refuses", name)


def json_schema(found, path, schema):
    for at, inner in subschemas(schema, path):
        for key in sorted(set(inner) - JSON_SCHEMA):
            found.add(at, f"schemas: Google's JSON schema has no {key}", inner[key])


def rules_gemini(found, body, request, vendor):
    model, config = str(body.get("model") or ""), members(body.get("generationConfig"))
    if not request.turns:
        found.add("contents", "text: no contents")
    for n, turn in enumerate(request.turns):
        if turn.role not in ("user", "model"):
            found.add(turn.path, "pairing: a role that the API does not have", turn.role)
        if not turn.parts:
            found.add(turn.path, "text: no parts", turn.role)
        for part in turn.parts:
            if part.kind == "other" and not set(part.raw) & {"executableCode", "codeExecutionResult", "toolCall", "toolResponse", "videoMetadata"}:
                found.add(part.path, "text: a part without content", part.raw)
            if part.kind == "result" and not isinstance(part.content, dict):
                found.add(part.path, "media: response of a function is no object", part.content)
            if part.kind == "result" and '"$ref"' in json.dumps(part.content):
                found.add(part.path, "schemas: $ref in the response of a function", None)
            if part.kind == "result" and part.parts and not re.search(r"gemini-[3-9]", model):
                found.add(part.path, "media: parts in a response, which the model refuses", model)
            for inner in part.parts or [] if part.kind == "result" else []:
                if inner.mime not in ("image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"):
                    found.add(inner.path, "media: type in a response that the API refuses", inner.mime)
            if part.kind == "media" and turn.role == "model" and part.data is None and not part.url:
                found.add(part.path, "media: media without data", part.mime)
            if part.kind == "media" and not part.mime:
                found.add(part.path, "media: media without a type", part.url)
    if re.search(r"gemini-[3-9]", model):
        # The current turn, that is everything behind the last text of the user.
        start = max([n for n, turn in enumerate(request.turns) if turn.role == "user" and not turn.of("result")], default=0)
        for turn in request.turns[start:]:
            calls = turn.of("call")
            if calls and not calls[0].signature:
                found.add(calls[0].path, "reasoning: the first call of a turn has no signature", model)
    for n, part in enumerate(items(members(body.get("systemInstruction")).get("parts"))):
        if "text" not in members(part):
            found.add(f"systemInstruction.parts.{n}", "media: system instruction is no text", list(members(part)))
    if body.get("systemInstruction") is not None and not items(members(body["systemInstruction"]).get("parts")):
        found.add("systemInstruction", "text: no parts", None)
    choice = members(request.choice)
    if choice and not request.tools:
        found.add("toolConfig", "schemas: functionCallingConfig without functions", choice)
    if request.chosen and choice.get("mode") not in ("ANY", "VALIDATED"):
        found.add("toolConfig", "schemas: allowedFunctionNames without ANY", choice)
    for n, tool in enumerate(items(body.get("tools"))):
        for m, function in enumerate(items(members(tool).get("functionDeclarations"))):
            path = f"tools.{n}.functionDeclarations.{m}"
            if "parameters" in function and "parametersJsonSchema" in function:
                found.add(path, "schemas: both kinds of parameters", None)
            if "parameters" in function:
                openapi_schema(found, f"{path}.parameters", function["parameters"], tools=True)
            if "parametersJsonSchema" in function:
                json_schema(found, f"{path}.parametersJsonSchema", function["parametersJsonSchema"])
    if "responseSchema" in config and ("responseJsonSchema" in config or "_responseJsonSchema" in config):
        found.add("generationConfig", "schemas: both kinds of output schema", None)
    if ("responseSchema" in config or "responseJsonSchema" in config) and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        found.add("generationConfig.responseMimeType", "schemas: output schema without a JSON type", config.get("responseMimeType"))
    if "responseSchema" in config:
        openapi_schema(found, "generationConfig.responseSchema", config["responseSchema"])
    if "responseJsonSchema" in config:
        json_schema(found, "generationConfig.responseJsonSchema", config["responseJsonSchema"])
    thinking = members(config.get("thinkingConfig"))
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level is not None:
        found.add("thinkingConfig", "reasoning: level and budget together", thinking)
    if level is not None and re.search(r"gemini-2", model):
        found.add("thinkingConfig.thinkingLevel", "reasoning: a level, which the model refuses", [model, level])
    if isinstance(budget, int):
        lowest, highest = (128, 32768) if re.search(r"2\.5-pro", model) else (512, 24576) if re.search(r"2\.5-flash-lite", model) else (0, 24576) if re.search(r"2\.5-flash", model) else (-1, 10**9)
        if budget not in (-1,) and not (lowest <= budget <= highest) and not (budget == 0 and "flash" in model):
            found.add("thinkingConfig.thinkingBudget", "reasoning: budget out of the model's range", [model, budget])
    if level == "MINIMAL" and re.search(r"3\.[78]-flash|gemini-3(\.1)?-pro|gemini-4", model):
        found.add("thinkingConfig.thinkingLevel", "reasoning: a level that the model does not have", [model, level])
    if config.get("logprobs") is not None and config.get("responseLogprobs") is not True:
        found.add("generationConfig.logprobs", "params: logprobs without responseLogprobs", config["logprobs"])


def rules_ollama(found, body, request, vendor):
    if body.get("messages") == []:
        found.add("messages", "text: no messages")
    if body.get("think") not in (None, True, False, "low", "medium", "high", "max"):
        found.add("think", "reasoning: a word that the API refuses", body["think"])
    if body.get("format") is not None and not isinstance(body["format"], dict) and body["format"] not in ("", "json"):
        found.add("format", "schemas: format is neither a schema nor json", body["format"])
    for turn in request.turns:
        if turn.role not in ("system", "user", "assistant", "tool"):
            found.add(turn.path, "pairing: a role that the API does not have", turn.role)


def rules_completions(found, body, request, vendor):
    openai_common(found, body, vendor)
    if isinstance(body.get("logprobs"), int) and not 0 <= body["logprobs"] <= 5:
        found.add("logprobs", "params: logprobs out of range", body["logprobs"])
    if isinstance(body.get("best_of"), int) and body["best_of"] < (body.get("n") or 1):
        found.add("best_of", "params: best_of below n", body["best_of"])


RULES = {
    "openai-chat": rules_chat, "openai-completions": rules_completions, "openai-responses": rules_responses,
    "anthropic-messages": rules_anthropic, "gemini": rules_gemini, "ollama-chat": rules_ollama, "ollama-generate": rules_ollama,
}


def check(dialect, vendor, body):
    found, request = Findings(), READERS[dialect](body)
    surrogates(found, body)
    names_and_ids(found, dialect, request)
    if not body.get("previous_response_id") and not body.get("conversation"):  # the rest of the history is stored
        pairing(found, dialect, request)
    arguments(found, dialect, request)
    tool_choice(found, dialect, body, request)
    media(found, dialect, request)
    sampling(found, dialect, body, request)
    RULES[dialect](found, body, request, vendor)
    return list(found)
