"""Large requests and responses of every dialect, one generator for each dimension that can grow. `n` is the number of elements."""
import json

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-completions": "/v1/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "ollama-chat": "/api/chat",
    "ollama-generate": "/api/generate",
    "gemini": "/v1beta/models/m:generateContent",
}
DIALECTS = list(PATHS)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def stream_path(dialect):
    return "/v1beta/models/m:streamGenerateContent?alt=sse" if dialect == "gemini" else PATHS[dialect]


def schema(n):
    return {"type": "object", "properties": {f"p{i}": {"type": "string", "enum": ["a", "b"]} for i in range(n)}, "required": [f"p{i}" for i in range(n)]}


def deep(n):
    text = '{"type":"string"}'
    return '{"type":"object","properties":{"a":' * n + text + "}}" * n


def strings(n):
    return "a <think> b </think> ``` {\"a\":1} \\u00e4 <tool_call> " * n


def requests():
    """Yields (dialect, dimension, function of n)."""
    chat = lambda messages, **more: {"model": "m", "messages": messages, **more}
    user = {"role": "user", "content": "hi"}
    call = lambda i: {"id": f"call_{i}", "type": "function", "function": {"name": f"f{i % 50}", "arguments": '{"a":1}'}}
    tool = lambda i: {"type": "function", "function": {"name": f"f{i}", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    yield "openai-chat", "messages", lambda n: chat([{"role": ("user", "assistant")[i % 2], "content": f"w{i}"} for i in range(n)])
    yield "openai-chat", "messages of one role", lambda n: chat([user] * n)
    yield "openai-chat", "system messages", lambda n: chat([{"role": "system", "content": f"s{i}"} for i in range(n)] + [user])
    yield "openai-chat", "parts", lambda n: chat([{"role": "user", "content": [{"type": "text", "text": f"w{i}"} for i in range(n)]}])
    yield "openai-chat", "images", lambda n: chat([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}}] * n}])
    yield "openai-chat", "calls of one message", lambda n: chat([user, {"role": "assistant", "tool_calls": [call(i) for i in range(n)]}] + [{"role": "tool", "tool_call_id": f"call_{i}", "content": "r"} for i in range(n)], tools=[tool(i) for i in range(50)])
    yield "openai-chat", "calls with one id", lambda n: chat([user] + [m for i in range(n) for m in ({"role": "assistant", "tool_calls": [call(0)]}, {"role": "tool", "tool_call_id": "call_0", "content": "r"})], tools=[tool(0)])
    yield "openai-chat", "results of one call", lambda n: chat([user, {"role": "assistant", "tool_calls": [call(0)]}] + [{"role": "tool", "tool_call_id": "call_0", "content": "r"}] * n, tools=[tool(0)])
    yield "openai-chat", "turns with reasoning", lambda n: chat([m for i in range(n) for m in (user, {"role": "assistant", "content": "a", "reasoning_content": "t"})])
    yield "openai-chat", "tools", lambda n: chat([user], tools=[tool(i) for i in range(n)])
    yield "openai-chat", "width of a schema", lambda n: chat([user], tools=[{"type": "function", "function": {"name": "f", "parameters": schema(n)}}], response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema(n), "strict": True}})
    yield "openai-chat", "unknown members", lambda n: chat([user], **{f"x{i}": i for i in range(n)})
    yield "openai-chat", "metadata members", lambda n: chat([user], metadata={f"x{i}": "y" for i in range(n)}, logit_bias={str(i): 1 for i in range(n)})
    yield "openai-chat", "stop sequences", lambda n: chat([user], stop=[f"s{i}" for i in range(n)])
    yield "openai-chat", "one giant text", lambda n: chat([{"role": "user", "content": strings(n)}])
    yield "openai-chat", "giant arguments", lambda n: chat([user, {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({f"k{i}": i for i in range(n)})}}]}, {"role": "tool", "tool_call_id": "c", "content": "r"}], tools=[tool(0)])
    yield "openai-chat", "one member, repeated", lambda n: '{"model":"m","messages":[{"role":"user","content":"hi"}]' + ',"temperature":1' * n + "}"
    yield "openai-completions", "prompts", lambda n: {"model": "m", "prompt": [f"p{i}" for i in range(n)]}
    yield "openai-completions", "one giant prompt", lambda n: {"model": "m", "prompt": strings(n)}
    item = lambda i: {"type": "message", "role": ("user", "assistant")[i % 2], "content": [{"type": ("input_text", "output_text")[i % 2], "text": f"w{i}"}]}
    responses = lambda items, **more: {"model": "m", "input": items, **more}
    yield "openai-responses", "items", lambda n: responses([item(i) for i in range(n)])
    yield "openai-responses", "calls and outputs", lambda n: responses([item(0)] + [m for i in range(n) for m in ({"type": "function_call", "call_id": f"c{i}", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": f"c{i}", "output": "r"})])
    yield "openai-responses", "calls, then outputs", lambda n: responses([item(0)] + [{"type": "function_call", "call_id": f"c{i}", "name": "f", "arguments": "{}"} for i in range(n)] + [{"type": "function_call_output", "call_id": f"c{i}", "output": "r"} for i in range(n)])
    yield "openai-responses", "reasoning items", lambda n: responses([item(0)] + [{"type": "reasoning", "id": f"rs_{i}", "summary": [{"type": "summary_text", "text": "t"}]} for i in range(n)] + [item(1), item(0)])
    yield "openai-responses", "parts", lambda n: responses([{"role": "user", "content": [{"type": "input_text", "text": f"w{i}"} for i in range(n)]}])
    yield "openai-responses", "tools", lambda n: responses("hi", tools=[{"type": "function", "name": f"f{i}", "parameters": {"type": "object", "properties": {}}} for i in range(n)])
    yield "openai-responses", "width of a schema", lambda n: responses("hi", text={"format": {"type": "json_schema", "name": "s", "schema": schema(n), "strict": True}})
    claude = lambda messages, **more: {"model": "m", "max_tokens": 9, "messages": messages, **more}
    yield "anthropic-messages", "messages", lambda n: claude([{"role": ("user", "assistant")[i % 2], "content": f"w{i}"} for i in range(n)])
    yield "anthropic-messages", "blocks", lambda n: claude([{"role": "user", "content": [{"type": "text", "text": f"w{i}"} for i in range(n)]}])
    yield "anthropic-messages", "system blocks", lambda n: claude([user], system=[{"type": "text", "text": f"w{i}"} for i in range(n)])
    yield "anthropic-messages", "tool uses and results", lambda n: claude([user, {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{i}", "name": "f", "input": {}} for i in range(n)]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{i}", "content": "r"} for i in range(n)]}], tools=[{"name": "f", "input_schema": {"type": "object"}}])
    yield "anthropic-messages", "reasoning", lambda n: claude([user, {"role": "assistant", "content": [{"type": "thinking", "thinking": f"t{i}", "signature": "c2ln"} for i in range(n)] + [{"type": "text", "text": "a"}]}, user])
    yield "anthropic-messages", "tools", lambda n: claude([user], tools=[{"name": f"f{i}", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}} for i in range(n)])
    yield "anthropic-messages", "text and tool uses, alternating", lambda n: claude([user, {"role": "assistant", "content": [b for i in range(n) for b in ({"type": "text", "text": "x"}, {"type": "tool_use", "id": f"t{i}", "name": "f", "input": {}})]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{i}", "content": "r"} for i in range(n)]}], tools=[{"name": "f", "input_schema": {"type": "object"}}])
    gemini = lambda contents, **more: {"contents": contents, **more}
    yield "gemini", "contents", lambda n: gemini([{"role": ("user", "model")[i % 2], "parts": [{"text": f"w{i}"}]} for i in range(n)])
    yield "gemini", "parts", lambda n: gemini([{"role": "user", "parts": [{"text": f"w{i}"} for i in range(n)]}])
    yield "gemini", "calls and responses", lambda n: gemini([{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}} for i in range(n)]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": i}}} for i in range(n)]}])
    yield "gemini", "reasoning", lambda n: gemini([{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"text": f"t{i}", "thought": True} for i in range(n)] + [{"text": "a"}]}, {"role": "user", "parts": [{"text": "hi"}]}])
    yield "gemini", "reasoning and calls, alternating", lambda n: gemini([{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [p for i in range(n) for p in ({"text": "t", "thought": True}, {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"})]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}} for i in range(n)]}])
    yield "gemini", "declarations", lambda n: gemini([{"role": "user", "parts": [{"text": "hi"}]}], tools=[{"functionDeclarations": [{"name": f"f{i}", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}} for i in range(n)]}])
    yield "gemini", "width of a schema", lambda n: gemini([{"role": "user", "parts": [{"text": "hi"}]}], generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {f"p{i}": {"type": "STRING", "nullable": True} for i in range(n)}}})
    yield "ollama-chat", "messages", lambda n: chat([{"role": ("user", "assistant")[i % 2], "content": f"w{i}"} for i in range(n)])
    yield "ollama-chat", "calls and results", lambda n: chat([user, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": f"f{i % 50}", "arguments": {"a": i}}} for i in range(n)]}] + [{"role": "tool", "tool_name": f"f{i % 50}", "content": "r"} for i in range(n)])
    yield "ollama-chat", "calls in many turns", lambda n: chat([m for i in range(n) for m in (user, {"role": "assistant", "content": "", "thinking": "t", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, {"role": "tool", "tool_name": "f", "content": "r"})])
    yield "ollama-chat", "images", lambda n: chat([{"role": "user", "content": "hi", "images": [PIXEL] * n}])
    yield "ollama-chat", "options", lambda n: chat([user], options={f"o{i}": 1 for i in range(n)})
    yield "ollama-generate", "context", lambda n: {"model": "m", "prompt": "hi", "context": list(range(n))}
    yield "ollama-generate", "one giant prompt", lambda n: {"model": "m", "prompt": strings(n)}


def sse(events, end=b""):
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + end


def answers():
    """Yields (dialect, dimension, content type, function of n) of upstream responses."""
    done, js, es = b"data: [DONE]\n\n", "application/json", "text/event-stream"
    dump = lambda value: json.dumps(value).encode()
    completion = lambda message, **more: {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}, **more}
    chunk = lambda delta, finish=None: {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    call = lambda i: {"id": f"call_{i}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    yield "openai-chat", "calls", js, lambda n: dump(completion({"content": None, "tool_calls": [call(i) for i in range(n)]}))
    yield "openai-chat", "calls without ids", js, lambda n: dump(completion({"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * n}))
    yield "openai-chat", "choices", js, lambda n: dump({**completion({"content": "x"}), "choices": [{"index": i, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"} for i in range(n)]})
    yield "openai-chat", "content parts", js, lambda n: dump(completion({"content": [{"type": "text", "text": "x"}] * n}))
    yield "openai-chat", "one giant text", js, lambda n: dump(completion({"content": strings(n)}))
    yield "openai-chat", "giant arguments", js, lambda n: dump(completion({"content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({f"k{i}": 1 for i in range(n)})}}]}))
    yield "openai-chat", "logprobs", js, lambda n: dump({**completion({"content": "x"}), "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop", "logprobs": {"content": [{"token": "x", "logprob": -1, "bytes": [120], "top_logprobs": []}] * n}}]})
    yield "openai-chat", "reasoning details", js, lambda n: dump(completion({"content": "x", "reasoning_details": [{"type": "reasoning.text", "text": "t", "index": i} for i in range(n)]}))
    yield "openai-chat", "unknown members", js, lambda n: dump(completion({"content": "x"}, **{f"x{i}": i for i in range(n)}))
    yield "openai-chat", "annotations", js, lambda n: dump(completion({"content": "x", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x.example", "title": "t", "start_index": 0, "end_index": 1}}] * n}))
    yield "openai-chat", "events", es, lambda n: sse([chunk({"content": f"w{i} "}) for i in range(n)] + [chunk({}, "stop")], done)
    yield "openai-chat", "events with calls", es, lambda n: sse([chunk({"tool_calls": [{"index": i, **call(i)}]}) for i in range(n)] + [chunk({}, "tool_calls")], done)
    yield "openai-chat", "argument deltas", es, lambda n: sse([chunk({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]})] + [chunk({"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}) for i in range(n)] + [chunk({}, "tool_calls")], done)
    yield "openai-chat", "events for many choices", es, lambda n: sse([{**chunk({}), "choices": [{"index": i, "delta": {"content": "x"}, "finish_reason": None}]} for i in range(n)], done)
    yield "openai-chat", "inline reasoning", es, lambda n: sse([chunk({"content": w}) for i in range(n) for w in ("<think>", "a", "</think>", "b")] + [chunk({}, "stop")], done)
    yield "openai-chat", "a tool name, repeated", es, lambda n: sse([chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{\"a\":\"" if not i else "x" * 20}}]}) for i in range(n)] + [chunk({}, "tool_calls")], done)
    yield "openai-chat", "tool markup", js, lambda n: dump(completion({"content": "".join('<tool_call>{"name":"f","arguments":{"a":%d}}</tool_call>\n' % i for i in range(n))}))
    yield "openai-chat", "events with tool markup", es, lambda n: sse([chunk({"content": '<tool_call>{"name":"f","arguments":{"a":%d}}</tool_call>\n' % i}) for i in range(n)] + [chunk({}, "stop")], done)
    yield "openai-chat", "reasoning and text, alternating", es, lambda n: sse([chunk({"reasoning_content": "t"} if i % 2 else {"content": "x"}) for i in range(n)] + [chunk({}, "stop")], done)
    yield "openai-chat", "one giant event", es, lambda n: sse([chunk({"content": strings(n)}), chunk({}, "stop")], done)
    yield "openai-chat", "one event of many lines", es, lambda n: b"data: {\n" + b"data: \n" * n + b'data: "choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n' + done
    yield "openai-chat", "comments", es, lambda n: b": x\n\n" * n + sse([chunk({"content": "x"}), chunk({}, "stop")], done)
    yield "openai-chat", "unknown lines", es, lambda n: b"x: y\n" * n + b"\n" + sse([chunk({"content": "x"}), chunk({}, "stop")], done)
    claude = lambda content: {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    yield "anthropic-messages", "blocks", js, lambda n: dump(claude([{"type": "text", "text": f"w{i}"} for i in range(n)]))
    yield "anthropic-messages", "tool uses", js, lambda n: dump(claude([{"type": "tool_use", "id": f"t{i}", "name": "f", "input": {}} for i in range(n)]))
    yield "anthropic-messages", "reasoning", js, lambda n: dump(claude([{"type": "thinking", "thinking": "t", "signature": "c2ln"} for i in range(n)] + [{"type": "text", "text": "a"}]))
    start = {"type": "message_start", "message": {**claude([]), "stop_reason": None}}
    end = [{"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
    yield "anthropic-messages", "block events", es, lambda n: sse([start] + [e for i in range(n) for e in ({"type": "content_block_start", "index": i, "content_block": {"type": "text", "text": ""}}, {"type": "content_block_delta", "index": i, "delta": {"type": "text_delta", "text": "x"}}, {"type": "content_block_stop", "index": i})] + end)
    yield "anthropic-messages", "blocks that never end", es, lambda n: sse([start] + [{"type": "content_block_start", "index": i, "content_block": {"type": "tool_use", "id": f"t{i}", "name": "f", "input": {}}} for i in range(n)] + end)
    item = lambda i: {"type": "message", "id": f"msg_{i}", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "x", "annotations": []}]}
    response = lambda output: {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": output, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}
    yield "openai-responses", "items", js, lambda n: dump(response([item(i) for i in range(n)]))
    yield "openai-responses", "calls", js, lambda n: dump(response([{"type": "function_call", "id": f"fc_{i}", "call_id": f"c{i}", "name": "f", "arguments": "{}", "status": "completed"} for i in range(n)]))
    yield "openai-responses", "reasoning", js, lambda n: dump(response([{"type": "reasoning", "id": f"rs_{i}", "summary": [{"type": "summary_text", "text": "t"}]} for i in range(n)] + [item(0)]))
    yield "openai-responses", "item events", es, lambda n: sse([{"type": "response.created", "response": {**response([]), "status": "in_progress"}}] + [e for i in range(n) for e in ({"type": "response.output_item.added", "output_index": i, "item": {**item(i), "status": "in_progress", "content": []}}, {"type": "response.content_part.added", "output_index": i, "content_index": 0, "item_id": f"msg_{i}", "part": {"type": "output_text", "text": "", "annotations": []}}, {"type": "response.output_text.delta", "output_index": i, "content_index": 0, "item_id": f"msg_{i}", "delta": "x"}, {"type": "response.output_item.done", "output_index": i, "item": item(i)})] + [{"type": "response.completed", "response": response([item(i) for i in range(n)])}])
    candidates = lambda parts: {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "m"}
    yield "gemini", "parts", js, lambda n: dump(candidates([{"text": f"w{i}"} for i in range(n)]))
    yield "gemini", "calls", js, lambda n: dump(candidates([{"functionCall": {"name": "f", "args": {}}} for i in range(n)]))
    yield "gemini", "reasoning and text, alternating", js, lambda n: dump(candidates([{"text": "t", **({"thought": True} if i % 2 else {})} for i in range(n)]))
    yield "gemini", "candidates", js, lambda n: dump({"candidates": [{**candidates([{"text": "x"}])["candidates"][0], "index": i} for i in range(n)]})
    yield "gemini", "events", es, lambda n: sse([{"candidates": [{"content": {"role": "model", "parts": [{"text": "x"}]}, "index": 0}]}] * n + [candidates([{"text": "x"}])])
    ollama = lambda message, done: {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", **message}, "done": done, **({"done_reason": "stop"} if done else {})}
    yield "ollama-chat", "calls", js, lambda n: dump(ollama({"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}] * n}, True))
    yield "ollama-chat", "lines", "application/x-ndjson", lambda n: b"".join(dump(ollama({"content": "x"}, False)) + b"\n" for i in range(n)) + dump(ollama({"content": ""}, True)) + b"\n"
    yield "ollama-chat", "lines with calls", "application/x-ndjson", lambda n: b"".join(dump(ollama({"content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}, False)) + b"\n" for i in range(n)) + dump(ollama({"content": ""}, True)) + b"\n"
    yield "ollama-generate", "lines", "application/x-ndjson", lambda n: b"".join(dump({"model": "m", "created_at": "2026-01-01T00:00:00Z", "response": "x", "done": False}) + b"\n" for i in range(n)) + dump({"model": "m", "created_at": "2026-01-01T00:00:00Z", "response": "", "done": True, "done_reason": "stop"}) + b"\n"
    yield "openai-completions", "choices", js, lambda n: dump({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": i, "text": "x", "logprobs": None, "finish_reason": "stop"} for i in range(n)]})
    yield "openai-completions", "one giant text", js, lambda n: dump({"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": 0, "text": strings(n), "logprobs": None, "finish_reason": "stop"}]})


def ask(dialect, stream):
    """A small request. It declares a tool, because responses have tool calls."""
    parameters = {"type": "object", "properties": {}}
    match dialect:
        case "gemini":
            return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}]}
        case "anthropic-messages":
            return {"model": "m", "max_tokens": 99, "stream": stream, "messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "f", "input_schema": parameters}]}
        case "openai-responses":
            return {"model": "m", "stream": stream, "input": "hi", "tools": [{"type": "function", "name": "f", "parameters": parameters}]}
        case "openai-completions" | "ollama-generate":
            return {"model": "m", "stream": stream, "prompt": "hi"}
        case _:
            return {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}
