#!/usr/bin/env python3
"""An OpenAI-like server whose models misbehave, for openwebui.sh. misbehaving.py [PORT]

The model list is a bare array of names. Each model is named after its fault; `good` sends text without a fault of its own.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = "PONG says the careless server, word by word .".split()


def chunk(delta, finish=None, **more):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def text_deltas(**more):
    return [chunk({"role": "assistant", "content": w + " "}, **more) for w in WORDS]


def tool_round(messages):
    """Calls a tool of Open WebUI once, without index, id and type; then sends the tool's result as text."""
    if messages[-1]["role"] != "tool":
        call = {"function": {"name": "get_current_timestamp", "arguments": {}}}
        return [chunk({"content": "", "tool_calls": [call]}), chunk({}, "stop")]
    return [chunk({"content": "PONG the tool said " + str(messages[-1]["content"])[:80]}), chunk({}, "stop")]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, kind, body):
        body = body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events, done=True, newline="\n", cut=False):
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(("data:" + json.dumps(event) + newline * 2).encode())
            self.wfile.flush()
            time.sleep(0.15)
        if done:
            self.wfile.write(("data:[DONE]" + newline * 2).encode())
        self.close_connection = True
        if cut:
            self.connection.close()

    def do_GET(self):
        if self.path.endswith("/models"):
            self.send(200, "application/json", json.dumps(sorted(MODELS)))
        else:
            self.send(404, "text/html", "<html>no</html>")

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not request.get("stream"):
            # A title, tags and follow-up questions, without most fields of OpenAI's types.
            text = json.dumps({"title": "Careless title", "tags": ["careless"], "follow_ups": ["And then?"]})
            return self.send(200, "application/json", json.dumps({"choices": [{"message": {"content": text}}]}))
        MODELS.get(request["model"], MODELS["good"])(self, request["messages"])


MODELS = {
    "good": lambda s, m: s.stream(text_deltas() + [chunk({}, "stop")]),
    "crlf": lambda s, m: s.stream(text_deltas() + [chunk({}, "stop")], newline="\r\n"),
    "no-done": lambda s, m: s.stream(text_deltas() + [chunk({}, "eos")], done=False),
    "cut": lambda s, m: s.stream(text_deltas()[:3], done=False, cut=True),
    "html": lambda s, m: s.send(200, "text/html", "<html><h1>Welcome</h1></html>"),
    "error-first": lambda s, m: s.stream([{"error": "the model is on fire"}], done=False),
    "empty": lambda s, m: s.send(200, "application/json", json.dumps({"choices": []})),
    "json": lambda s, m: s.send(200, "application/json", json.dumps({"choices": [{"message": {"content": " ".join(WORDS)}}]})),
    "thinker": lambda s, m: s.stream([chunk({"reasoning": "Let me think. "})] * 3 + text_deltas() + [chunk({}, "stop")]),
    "tool": lambda s, m: s.stream(tool_round(m)),
}

if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int((sys.argv + ["18090"])[1])), Handler).serve_forever()
