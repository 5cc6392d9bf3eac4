#!/usr/bin/env python3
"""The upstream of openwebui_documents.sh: a chat model, an embedder, a voice and a listener. documents.py PORT LOG

The embedder takes `model` and `input` only, and ten texts at most; a text's vector counts its words and numbers: texts with
equal vectors would be lost in an index. The chat model answers with the sentence of its context that has a secret in it. The listener takes a
form with a file and its own name; the voice sends a WAV file. Each request is one line in LOG.
"""
import io
import json
import re
import sys
import wave
import zlib
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, log = sys.argv[1:]
MODELS = {"their/chat": "chat", "their/embedder": "embedding", "their/voice": "tts", "their/listener": "stt"}


def vector(text):
    numbers = [0.0] * 1024
    text = re.sub("<[^>]*>", " ", text)  # Open WebUI names the files in front of the question
    for word in re.findall(r"[a-z]{5,}|[0-9]+", text.lower()):
        numbers[zlib.crc32(word.encode()) % 1024] += 1.0
    length = sum(n * n for n in numbers) ** 0.5 or 1.0
    return [n / length for n in numbers]


def sound():
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\x10" * 4000)
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, message):
        self.reply(400, {"error": {"message": message, "type": "invalid_request_error"}})

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def write(self, **line):
        with open(log, "a") as file:
            file.write(json.dumps({"path": self.path, **line}) + "\n")

    def do_GET(self):
        self.reply(200, {"object": "list", "data": [{"id": id, "object": "model", "type": kind} for id, kind in MODELS.items()]})

    def do_POST(self):
        body, kind = self.body(), self.headers["content-type"]
        if kind.startswith("multipart/"):
            form = BytesParser(policy=HTTP).parsebytes(f"content-type: {kind}\r\n\r\n".encode() + body)
            parts = {p.get_param("name", header="content-disposition"): p for p in form.iter_parts()}
            model = parts["model"].get_payload(decode=True).decode()
            size = len(parts["file"].get_payload(decode=True))
            self.write(model=model, size=size, file=parts["file"].get_filename())
            if model != "their/listener" or size < 100:
                return self.refuse(f"no such model {model}, or no sound")
            return self.reply(200, {"text": "What is the secret of the lighthouse?"})
        request = json.loads(body)
        model = request.get("model")
        if self.path.endswith("/embeddings"):
            texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
            self.write(model=model, texts=len(texts), members=sorted(request))
            if model != "their/embedder":
                return self.refuse(f"no such model {model}")
            for name in set(request) - {"model", "input"}:
                return self.refuse(f"Unsupported parameter: '{name}'")
            if len(texts) > 10:
                return self.refuse("batch size is invalid, it should not be larger than 10.")
            return self.reply(200, {"data": [{"embedding": vector(text)} for text in texts]})
        if self.path.endswith("/audio/speech"):
            self.write(model=model, input=request["input"], voice=request.get("voice"))
            if model != "their/voice":
                return self.refuse(f"no such model {model}")
            return self.reply(200, sound(), "audio/wav")
        texts = [m["content"] if isinstance(m["content"], str) else json.dumps(m["content"]) for m in request["messages"]]
        found = re.search(r"The secret of the lighthouse is \w+", "\n".join(texts))
        answer = found[0] if found else "I know nothing of it."
        self.write(model=model, answer=answer, stream=request.get("stream"), end=texts[-1][-2000:])
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
        if not request.get("stream"):
            message = {"role": "assistant", "content": answer}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return self.reply(200, {**chunk, "object": "chat.completion", "choices": [choice]})
        events = [{**chunk, "choices": [{"index": 0, "delta": {"content": answer}, "finish_reason": None}]}]
        events.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        self.reply(200, stream.encode(), "text/event-stream")


ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
