#!/usr/bin/env python3
"""A chat-completions upstream that follows a script. scripted.py PORT LOG ROUND...

A round is NAME=ARGUMENTS of a tool call, or several with ` && ` between them. While a conversation has fewer rounds of calls
than the script, the response has reasoning, text and the calls of the next round, in small deltas, if the request declares
those tools. After the last round, the response lists all results. The model `refusing` returns status 400. The model
`repeating` uses the same call ids in every response. Each request is one line in LOG.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, log, *script = sys.argv[1:]
rounds = [[part.split("=", 1) for part in line.split(" && ")] for line in script]


def text_of(content):
    if isinstance(content, list):
        return " ".join(part.get("text", "[" + part["type"] + "]") for part in content)
    return content or ""


def pieces(text, size=7):
    return [text[i : i + size] for i in range(0, len(text), size)]


def answer(request):
    """Yields the deltas of the response; returns the finish reason."""
    messages = request["messages"]
    declared = {tool["function"]["name"] for tool in request.get("tools") or []}
    # The script starts again at the user's last message that contains "script".
    start = max((i for i, m in enumerate(messages) if m["role"] == "user" and "script" in text_of(m["content"])), default=-1)
    done = sum(1 for m in messages[start + 1 :] if m["role"] == "assistant" and m.get("tool_calls"))
    calls = rounds[done] if start >= 0 and done < len(rounds) else []
    if calls and all(name in declared for name, _ in calls):
        yield {"role": "assistant", "content": ""}
        yield from ({"reasoning_content": piece} for piece in pieces(f"Reasoning of round {done + 1}."))
        yield from ({"content": piece} for piece in pieces("Let me look."))
        for index, (name, arguments) in enumerate(calls):
            id = f"call_{index}" if request["model"] == "repeating" else f"call_{done + 1}_{index + 1}"
            call = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
            yield {"tool_calls": [call]}
            yield from ({"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces(arguments))
        return "tool_calls"
    results = [text_of(m["content"]) for m in messages[start + 1 :] if m["role"] == "tool"]
    text = "The tools returned: " + " | ".join(results) if results else "PONG by the script."
    yield from ({"role": "assistant", "content": piece} for piece in pieces(text))
    return "stop"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def json(self, status, value):
        self.reply(status, "application/json", json.dumps(value).encode())

    def do_GET(self):
        names = ["scripted", "refusing", "repeating"]
        self.json(200, {"object": "list", "data": [{"id": n, "object": "model", "created": 1, "owned_by": "script"} for n in names]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with open(log, "a") as out:
            print(json.dumps(request), file=out)
        if request["model"] == "refusing":
            return self.json(400, {"error": {"message": "the script refuses this", "type": "invalid_request_error", "param": None, "code": None}})
        deltas, finish = [], "stop"
        generator = answer(request)
        while True:
            try:
                deltas.append(next(generator))
            except StopIteration as end:
                finish = end.value
                break
        usage = {"prompt_tokens": 100, "completion_tokens": len(deltas), "total_tokens": 100 + len(deltas)}
        # Agents take two responses with the same id for one response.
        base = {"id": f"chatcmpl-{time.time_ns()}", "created": 1, "model": request["model"]}
        if not request.get("stream"):
            text = "".join(d.get("content", "") for d in deltas)
            choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "logprobs": None, "finish_reason": "stop"}
            return self.json(200, {**base, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

        def send(choices, **more):
            chunk = {**base, "object": "chat.completion.chunk", "choices": choices, **more}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.002)

        for delta in deltas:
            send([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
        send([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish}])
        if (request.get("stream_options") or {}).get("include_usage"):
            send([], usage=usage)
        self.wfile.write(b"data: [DONE]\n\n")


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
