"""Reads the content of a response: text, reasoning, tool calls, finish reason and tokens.

Independent of the shim's code. One reader for each dialect, for non-streaming responses (a document) and streams (their
text). For comparison only: `tools/validate.py` validates.
"""
import json


def documents(text):
    """The JSON documents of a stream of server-sent events, lines, or an array."""
    if text.lstrip()[:1] == "[":
        return json.loads(text)
    data, texts = [], []
    for line in text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n") + [""]:
        if line.startswith("data:"):
            data.append(line[5:].lstrip(" "))
        elif line == "" and data:
            texts.append("\n".join(data))
            data = []
        elif line[:1] == "{":
            texts.append(line)
    out = []
    for text in texts:
        try:
            out.append(json.loads(text))
        except ValueError:
            continue
    return [d for d in out if isinstance(d, dict)]


def arguments(value):
    """Tool arguments as a value, from JSON text or a value."""
    if not isinstance(value, str):
        return value or {}
    try:
        return json.loads(value) if value.strip() else {}
    except ValueError:
        return value


class Content:
    def __init__(self):
        self.text, self.reasoning, self.calls, self.stop, self.tokens = "", "", [], None, None
        # `refused`: the model refused. `partial_args`: arguments come in parts that only their own dialect can join.
        self.refused, self.partial_args = False, False
        # The deltas of the recording differ from its last event: the text is not compared.
        self.inconsistent = False

    def call(self, name, value):
        self.calls.append([name, value])

    def done(self):
        calls = sorted(([name, None if self.partial_args else arguments(value)] for name, value in self.calls), key=json.dumps)
        text, reasoning = ("".join(text.split()) for text in (self.text, self.reasoning))
        return {"text": None if self.inconsistent else text, "reasoning": reasoning, "calls": calls, "stop": self.stop, "refused": self.refused, "tokens": self.tokens if any(self.tokens or []) else None}


STOPS = {
    "stop": "stop", "end_turn": "stop", "STOP": "stop", 1: "stop", 2: "length", "stop_sequence": "stop", "eos": "stop", "completed": "stop",
    "length": "length", "max_tokens": "length", "MAX_TOKENS": "length", "max_output_tokens": "length", "model_context_window_exceeded": "length",
    "tool_calls": "tools", "tool_use": "tools", "function_call": "tools",
    "content_filter": "filter", "refusal": "filter", "SAFETY": "filter", "RECITATION": "filter", "PROHIBITED_CONTENT": "filter", "BLOCKLIST": "filter", "MODEL_ARMOR": "filter", "SPII": "filter", "IMAGE_SAFETY": "filter",
}


def number(*values):
    return sum(v for v in values if isinstance(v, (int, float)))


def strings(value):
    """The text of content that is a string or a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(p if isinstance(p, str) else p.get("text") or "" for p in value if isinstance(p, (str, dict)) and (isinstance(p, str) or isinstance(p.get("text"), str)))
    return ""


def chat(parts):
    content, calls = Content(), {}
    for d in parts:
        for choice in d.get("choices") or []:
            if not isinstance(choice, dict) or choice.get("index") not in (None, 0):
                continue
            m = choice.get("message") or choice.get("delta") or {}
            content.text += strings(m.get("content")) + (m.get("refusal") or "")
            content.refused |= bool(m.get("refusal"))
            content.reasoning += strings(m.get("reasoning_content") or m.get("reasoning"))
            for at, call in enumerate(m.get("tool_calls") or ([{"function": m["function_call"]}] if (m.get("function_call") or {}).get("name") else [])):
                f = call.get("function") or call.get("custom") or {}
                if "input" in f and "arguments" not in f:
                    f = {"name": f.get("name"), "arguments": json.dumps({"input": f["input"]})}
                entry = calls.setdefault(call.get("index", at) if "delta" in choice else at, ["", ""])
                entry[0] += f.get("name") or ""
                value = f.get("arguments")
                entry[1] = entry[1] + value if isinstance(value, str) else value or entry[1]
            if choice.get("finish_reason"):
                content.stop = STOPS.get(choice["finish_reason"], choice["finish_reason"])
        u = d.get("usage") or (d.get("x_groq") or {}).get("usage")
        if isinstance(u, dict):
            details = u.get("completion_tokens_details") or {}
            counts = [number(u.get("prompt_tokens")), number(u.get("completion_tokens"))]
            # Some providers do not count reasoning in `completion_tokens`: only the total shows it.
            if number(details.get("reasoning_tokens")) and sum(counts) + details["reasoning_tokens"] == u.get("total_tokens"):
                counts[1] += details["reasoning_tokens"]
            content.tokens = counts
    for name, value in calls.values():
        content.call(name, value)
    return content


def completions(parts):
    content = Content()
    for d in parts:
        for choice in d.get("choices") or []:
            if choice.get("index") in (None, 0):
                content.text += choice.get("text") or ""
                if choice.get("finish_reason"):
                    content.stop = STOPS.get(choice["finish_reason"], choice["finish_reason"])
        if isinstance(d.get("usage"), dict):
            content.tokens = [number(d["usage"].get("prompt_tokens")), number(d["usage"].get("completion_tokens"))]
    return content


def responses(parts):
    content = Content()
    final = next((d.get("response", d) for d in reversed(parts) if d.get("type") in ("response.completed", "response.incomplete", "response.failed") or d.get("object") == "response"), None)
    if final is None:
        return content
    items = final.get("output") or [d["item"] for d in parts if d.get("type") == "response.output_item.done"]
    for item in items:
        if item.get("type") == "message":
            for part in item.get("content") or []:
                content.text += part.get("text") or part.get("refusal") or ""
                content.refused |= bool(part.get("refusal"))
        elif item.get("type") in ("function_call", "custom_tool_call"):
            space = item.get("namespace")
            name = f"{space}__{item.get('name')}" if space and space != item.get("name") else item.get("name")
            content.call(name, item["arguments"] if "arguments" in item else {"input": item.get("input")})
        elif item.get("type") == "reasoning":
            content.reasoning += "".join(p.get("text") or "" for p in (item.get("content") or item.get("summary") or []))
    deltas = "".join(d.get("delta") or "" for d in parts if d.get("type") == "response.output_text.delta")
    content.inconsistent = bool(deltas) and "".join(deltas.split()) != "".join(content.text.split())
    reason = (final.get("incomplete_details") or {}).get("reason")
    content.stop = STOPS.get(reason or final.get("status"), reason or final.get("status"))
    if content.stop == "stop" and content.calls:
        content.stop = "tools"
    if isinstance(final.get("usage"), dict):
        content.tokens = [number(final["usage"].get("input_tokens")), number(final["usage"].get("output_tokens"))]
    return content


def anthropic(parts):
    content, blocks, usage = Content(), {}, {}
    for d in parts:
        kind = d.get("type")
        if kind == "message":
            blocks, usage = dict(enumerate(d.get("content") or [])), d.get("usage") or {}
            content.stop = STOPS.get(d.get("stop_reason"), d.get("stop_reason"))
        elif kind == "message_start":
            usage = dict((d.get("message") or {}).get("usage") or {})
            blocks = dict(enumerate((d.get("message") or {}).get("content") or []))
        elif kind == "content_block_start":
            block = dict(d["content_block"])
            block["partial"] = ""
            blocks[d["index"]] = block
        elif kind == "content_block_delta":
            block, delta = blocks.get(d["index"], {}), d.get("delta") or {}
            for key, into in (("text", "text"), ("thinking", "thinking"), ("partial_json", "partial")):
                if isinstance(delta.get(key), str):
                    block[into] = (block.get(into) or "") + delta[key]
        elif kind == "message_delta":
            stop = (d.get("delta") or {}).get("stop_reason")
            content.stop = STOPS.get(stop, stop)
            usage.update({k: v for k, v in (d.get("usage") or {}).items() if v is not None})
    for block in blocks.values():
        if block.get("type") == "text":
            content.text += block.get("text") or ""
        elif block.get("type") == "thinking":
            content.reasoning += block.get("thinking") or ""
        elif block.get("type") == "tool_use":
            content.call(block.get("name"), block.get("partial") or block.get("input"))
    if usage:
        content.tokens = [number(usage.get("input_tokens"), usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")), number(usage.get("output_tokens"))]
    return content


def ollama(parts):
    content = Content()
    for d in parts:
        m = d.get("message") or {}
        content.text += m.get("content") or d.get("response") or ""
        content.reasoning += m.get("thinking") or d.get("thinking") or ""
        for call in m.get("tool_calls") or d.get("tool_calls") or []:
            content.call(call["function"].get("name"), call["function"].get("arguments"))
        if d.get("done"):
            content.stop = STOPS.get(d.get("done_reason"), d.get("done_reason"))
            if "eval_count" in d or "prompt_eval_count" in d:
                content.tokens = [number(d.get("prompt_eval_count")), number(d.get("eval_count"))]
    if content.stop == "stop" and content.calls:
        content.stop = "tools"
    return content


def gemini(parts):
    content = Content()
    for d in parts:
        for c in d.get("candidates") or []:
            if c.get("index") not in (None, 0):
                continue
            for part in (c.get("content") or {}).get("parts") or []:
                if part.get("thought"):
                    content.reasoning += part.get("text") or ""
                elif "text" in part:
                    content.text += part["text"] or ""
                elif "functionCall" in part:
                    call = part["functionCall"]
                    content.partial_args |= "partialArgs" in call or bool(call.get("willContinue"))
                    if call.get("name"):
                        content.call(call["name"], call.get("args"))
            if c.get("finishReason"):
                content.stop = STOPS.get(c["finishReason"], c["finishReason"])
        if (d.get("promptFeedback") or {}).get("blockReason"):
            content.stop = "filter"
        u = d.get("usageMetadata")
        if isinstance(u, dict):
            content.tokens = [number(u.get("promptTokenCount"), u.get("toolUsePromptTokenCount")), number(u.get("candidatesTokenCount"), u.get("thoughtsTokenCount"))]
    if content.stop == "stop" and content.calls:
        content.stop = "tools"
    return content


READERS = {
    "openai-chat": chat, "openai-completions": completions, "openai-responses": responses, "anthropic-messages": anthropic,
    "ollama-chat": ollama, "ollama-generate": ollama, "gemini": gemini,
}


def read(dialect, stream, body):
    """The content of the response; raises an exception if it is not a response."""
    parts = documents(body) if stream else [json.loads(body)]
    return READERS[dialect](parts).done()
