#!/usr/bin/env python3
"""An upstream of every dialect whose answers fail, for failed_answers.py and openwebui.sh. failing.py PORT

A model is a case, and its name says how its answer ends. The path of a request says in which dialect it is answered, and
its body whether as a stream.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = ["Paris ", "is ", "the ", "capital ", "of ", "France."]
ARGUMENTS = ['{"city":', '"Par', 'is"}']
HALF = [("text", w) for w in WORDS[:3]]
# Each case: the pieces of its answer, and its end. `error` and `abort` tell of a failure; `cut` ends the body early but
# properly, as a proxy does; `broken` breaks the connection; the other words are finish reasons.
CASES = {
    "whole": ([("text", w) for w in WORDS], "stop"),
    "call": ([("arguments", a) for a in ARGUMENTS], "tool_calls"),
    "refusal": ([("refusal", w) for w in ("I cannot ", "help ", "with that.")], "stop"),
    "filtered": (HALF, "content_filter"),
    "filtered-blank": ([], "content_filter"),
    "length": (HALF, "length"),
    "error-first": ([], "error"),
    "error-late": (HALF, "error"),
    "abort": (HALF, "abort"),
    "cut": (HALF, "cut"),
    "broken": (HALF, "broken"),
    "call-cut": ([("arguments", a) for a in ARGUMENTS[:2]], "cut"),
    "call-broken": ([("text", "I look. "), *(("arguments", a) for a in ARGUMENTS[:2])], "broken"),
    "call-length": ([("arguments", a) for a in ARGUMENTS[:2]], "length"),
}
MESSAGE = "the model is on fire"
USAGE = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}


def joined(pieces, kind):
    return "".join(piece for k, piece in pieces if k == kind)


def objects(text):
    """The arguments as the dialects send them that have no text for them: what there is of an object."""
    return json.loads(text) if text.endswith("}") else {"city": "Par"}


class Chat:
    """OpenAI Chat Completions, and Completions with `legacy`."""

    def __init__(self, model, legacy=False):
        self.base = {"id": f"chatcmpl-{time.time_ns()}", "created": 1, "model": model}
        self.legacy, self.kind = legacy, "text_completion" if legacy else "chat.completion"

    def whole(self, pieces, end):
        texts = {k: joined(pieces, k) or None for k in ("text", "refusal", "arguments")}
        choice = {"index": 0, "logprobs": None, "finish_reason": end}
        if self.legacy:
            choice["text"] = texts["text"] or texts["refusal"] or ""
        else:
            choice["message"] = {"role": "assistant", "content": texts["text"], "refusal": texts["refusal"]}
            if texts["arguments"]:
                call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": texts["arguments"]}}
                choice["message"]["tool_calls"] = [call]
        return {**self.base, "object": self.kind, "choices": [choice], "usage": USAGE}

    def chunk(self, delta, finish=None):
        body = {"text": delta.get("content") or delta.get("refusal") or ""} if self.legacy else {"delta": delta}
        choice = {"index": 0, **body, "logprobs": None, "finish_reason": finish}
        return None, {**self.base, "object": self.kind + ("" if self.legacy else ".chunk"), "choices": [choice]}

    def begin(self):
        if not self.legacy:
            yield self.chunk({"role": "assistant", "content": ""})

    def piece(self, kind, piece, first):
        if kind != "arguments":
            yield self.chunk({"content" if kind == "text" else kind: piece})
        else:
            start = {"id": "call_1", "type": "function"} if first else {}
            function = {"name": "weather", "arguments": piece} if first else {"arguments": piece}
            yield self.chunk({"tool_calls": [{"index": 0, **start, "function": function}]})

    def end(self, pieces, end):
        yield self.chunk({}, end)
        yield None, "[DONE]"

    def error(self):
        return {"error": {"message": MESSAGE, "type": "server_error", "param": None, "code": None}}

    def late_error(self):
        yield None, self.error()


class Responses:
    """OpenAI Responses. A failure is `response.failed` alone, as many servers send it."""

    def __init__(self, model):
        self.model, self.number, self.item = model, -1, None

    def response(self, status, output=(), **more):
        named = {"id": "resp_1", "object": "response", "created_at": 1, "model": self.model, "status": status, "output": list(output)}
        return {**named, "error": None, "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": None, **more}

    def items(self, pieces, status):
        for kind in dict.fromkeys(k for k, _ in pieces):
            text = joined(pieces, kind)
            if kind == "arguments":
                yield {"id": "fc_1", "type": "function_call", "status": status, "call_id": "call_1", "name": "weather", "arguments": text}
            else:
                part = {"type": "refusal", "refusal": text} if kind == "refusal" else {"type": "output_text", "text": text, "annotations": []}
                yield {"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": [part]}

    def whole(self, pieces, end):
        if end == "abort":
            return self.response("failed", self.items(pieces, "incomplete"), error={"code": "server_error", "message": MESSAGE})
        reason = {"length": "max_output_tokens", "content_filter": end}.get(end)
        status = "incomplete" if reason else "completed"
        return self.response(status, self.items(pieces, status), incomplete_details=reason and {"reason": reason}, usage={
            "input_tokens": 5, "output_tokens": 6, "total_tokens": 11, "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}})

    def event(self, kind, **more):
        self.number += 1
        return kind, {"type": kind, "sequence_number": self.number, **more}

    def begin(self):
        yield self.event("response.created", response=self.response("in_progress"))

    def piece(self, kind, piece, first):
        place = {"item_id": "fc_1" if kind == "arguments" else "msg_1", "output_index": 0}
        if kind == "arguments":
            if first:
                item = next(self.items([("arguments", "")], "in_progress"))
                yield self.event("response.output_item.added", output_index=0, item=item)
            yield self.event("response.function_call_arguments.delta", **place, delta=piece)
            return
        if first:
            item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
            part = {"type": "refusal", "refusal": ""} if kind == "refusal" else {"type": "output_text", "text": "", "annotations": []}
            yield self.event("response.output_item.added", output_index=0, item=item)
            yield self.event("response.content_part.added", **place, content_index=0, part=part)
        name = "response.refusal.delta" if kind == "refusal" else "response.output_text.delta"
        yield self.event(name, **place, content_index=0, delta=piece, **({} if kind == "refusal" else {"logprobs": []}))

    def end(self, pieces, end):
        response = self.whole(pieces, end)
        for item in response["output"]:
            for part in item.get("content", ()):
                place, text = {"item_id": item["id"], "output_index": 0, "content_index": 0}, part["type"].removeprefix("output_")
                yield self.event(f"response.{part['type']}.done", **place, **{text: part[text]})
                yield self.event("response.content_part.done", **place, part=part)
            yield self.event("response.output_item.done", output_index=0, item=item)
        yield self.event("response." + response["status"], response=response)

    def error(self):
        return Chat("").error()

    def late_error(self):
        yield from self.end([], "abort")


class Anthropic:
    """Anthropic Messages."""
    WORDS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}

    def __init__(self, model):
        self.model, self.index, self.open = model, -1, None

    def message(self, content, stop):
        usage = {"input_tokens": 5, "output_tokens": 6}
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    def word(self, pieces, end):
        return "refusal" if joined(pieces, "refusal") else self.WORDS.get(end, end)

    def block(self, kind, text, input):
        return {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": input} if kind == "arguments" else {"type": "text", "text": text}

    def whole(self, pieces, end):
        kinds = dict.fromkeys(k for k, _ in pieces)
        content = [self.block(k, joined(pieces, k), k == "arguments" and objects(joined(pieces, k))) for k in kinds]
        return self.message(content, self.word(pieces, end))

    def begin(self):
        yield "message_start", {"type": "message_start", "message": self.message([], None)}

    def close(self):
        if self.open:
            yield "content_block_stop", {"type": "content_block_stop", "index": self.index}

    def piece(self, kind, piece, first):
        if kind != self.open:
            yield from self.close()
            self.open, self.index = kind, self.index + 1
            yield "content_block_start", {"type": "content_block_start", "index": self.index, "content_block": self.block(kind, "", {})}
        delta = {"type": "input_json_delta", "partial_json": piece} if kind == "arguments" else {"type": "text_delta", "text": piece}
        yield "content_block_delta", {"type": "content_block_delta", "index": self.index, "delta": delta}

    def end(self, pieces, end):
        yield from self.close()
        delta = {"stop_reason": self.word(pieces, end), "stop_sequence": None}
        yield "message_delta", {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 6}}
        yield "message_stop", {"type": "message_stop"}

    def error(self):
        return {"type": "error", "error": {"type": "overloaded_error", "message": MESSAGE}}

    def late_error(self):
        yield "error", self.error()


class Ollama:
    """Ollama's chat, and its text generation with `legacy`."""

    def __init__(self, model, legacy=False):
        self.base, self.legacy = {"model": model, "created_at": "2026-11-30T00:00:00Z"}, legacy

    def line(self, pieces, end=None):
        text, arguments = joined(pieces, "text") + joined(pieces, "refusal"), joined(pieces, "arguments")
        calls = {"tool_calls": [{"function": {"name": "weather", "arguments": objects(arguments)}}]} if arguments else {}
        body = {"response": text} if self.legacy else {"message": {"role": "assistant", "content": text, **calls}}
        last = {"done_reason": {"tool_calls": "stop"}.get(end, end), "prompt_eval_count": 5, "eval_count": 6} if end else {}
        return {**self.base, **body, "done": bool(end), **last}

    def whole(self, pieces, end):
        return self.line(pieces, end)

    def begin(self):
        return ()

    def piece(self, kind, piece, first):
        if kind != "arguments" or first:
            yield None, self.line([(kind, piece)])

    def end(self, pieces, end):
        yield None, self.line([], end)

    def error(self):
        return {"error": MESSAGE}

    def late_error(self):
        yield None, self.error()


class Gemini:
    """Google Gemini. An error in a stream is a bare object, as Google's server sends it."""
    WORDS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "tool_calls": "STOP", "abort": "MALFORMED_FUNCTION_CALL"}

    def __init__(self, model):
        self.model = model

    def answer(self, parts, end=None):
        last = {"finishReason": self.WORDS[end]} if end else {}
        if end == "abort":
            last["finishMessage"] = MESSAGE
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}, **last}
        counts = {"promptTokenCount": 5, "candidatesTokenCount": 6, "totalTokenCount": 11}
        return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": self.model, "responseId": "r-1"}

    def part(self, kind, text):
        return {"functionCall": {"name": "weather", "args": objects(text)}} if kind == "arguments" else {"text": text}

    def whole(self, pieces, end):
        return self.answer([self.part(k, joined(pieces, k)) for k in dict.fromkeys(k for k, _ in pieces)], end)

    def begin(self):
        return ()

    def piece(self, kind, piece, first):
        if kind != "arguments" or first:
            yield None, self.answer([self.part(kind, piece)])

    def end(self, pieces, end):
        yield None, self.answer([{"text": ""}], end)

    def error(self):
        return {"error": {"code": 503, "message": MESSAGE, "status": "UNAVAILABLE"}}

    def late_error(self):
        yield "bare", self.error()


DIALECTS = {
    "/chat/completions": Chat,
    "/completions": lambda model: Chat(model, legacy=True),
    "/responses": Responses,
    "/messages": Anthropic,
    "/api/chat": Ollama,
    "/api/generate": lambda model: Ollama(model, legacy=True),
    ":generateContent": Gemini,
    ":streamGenerateContent": Gemini,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, missing=0):
        """Sends JSON; `missing` bytes less than its headers tell."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - missing])
        self.close_connection = missing > 0

    def do_GET(self):
        self.reply(200, {"object": "list", "data": [{"id": n, "object": "model", "created": 1, "owned_by": "failing"} for n in CASES]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        path = self.path.partition("?")[0]
        model = request.get("model") or path.rpartition("/models/")[2].rpartition(":")[0]
        ollama = path.startswith("/api/")
        pieces, end = CASES.get(model, CASES["whole"])
        dialect = next(DIALECTS[p] for p in sorted(DIALECTS, key=len, reverse=True) if path.endswith(p))(model)
        if end == "error" and not pieces:
            return self.reply(500, dialect.error())
        if not (path.endswith(":streamGenerateContent") or request.get("stream", ollama)):
            if end == "error":
                return self.reply(200, dialect.error())
            whole = dialect.whole(pieces, "stop" if end in ("cut", "broken") else end)
            return self.reply(200, whole, 40 if end in ("cut", "broken") else 0)
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson" if ollama else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in dialect.begin():
            self.event(event, ollama)
        seen = set()
        for kind, piece in pieces:
            for event in dialect.piece(kind, piece, kind not in seen):
                self.event(event, ollama)
            seen.add(kind)
            time.sleep(0.01)
        if end not in ("cut", "broken"):
            for event in dialect.late_error() if end == "error" else dialect.end(pieces, end):
                self.event(event, ollama)
        if end != "broken":
            self.wfile.write(b"0\r\n\r\n")

    def event(self, event, lines):
        name, data = event
        text = data if isinstance(data, str) else json.dumps(data)
        if lines or name == "bare":
            text += "\n"
        else:
            text = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()))
        self.wfile.flush()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
