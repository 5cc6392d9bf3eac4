#!/usr/bin/env python3
"""Runs the embeddings of real clients against the shim, in front of an upstream that takes little. embeddings.py BINARY

The upstream takes one parameter beside the texts (`input_type`), ten texts in a request, and answers each third request with 429.
The clients are the SDKs of OpenAI, Ollama and Google, and LangChain, LlamaIndex and Vercel's AI SDK (embeddings.mjs, in the folder
SDK_DIR), as far as they are installed.
"""
import atexit
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

binary = sys.argv[1]
passed, requests = 0, []
TEXTS = [f"text {i}" for i in range(25)]


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        sys.exit(1)
    passed += 1


class Upstream(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, status, value, headers=()):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("content-type", "application/json"), ("content-length", str(len(body))), *headers):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200, {"data": [{"id": "embedder", "type": "embedding"}]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        requests.append(request)
        if len(requests) % 3 == 0:
            return self.reply(429, {"error": {"message": "slow down"}}, [("retry-after", "0")])
        for name in request:
            if name not in ("model", "input", "input_type"):
                return self.reply(400, {"error": {"message": f"Unsupported parameter: '{name}'", "type": "invalid_request_error"}})
        texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
        if len(texts) > 10:
            return self.reply(400, {"error": {"message": "batch size is invalid, it should not be larger than 10.", "type": "x"}})
        # The index is 0 throughout, and the count is text.
        data = [{"index": 0, "embedding": [float(text.split()[-1]), 0.5]} for text in texts]
        self.reply(200, {"data": data, "usage": {"prompt_tokens": str(len(texts))}})


upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
config = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
config.write(
    f"""
listen = "127.0.0.1:18731"
[retry]
attempts = 3
backoff = "10ms"
[[upstream]]
name = "up"
base_url = "http://127.0.0.1:{upstream.server_port}/v1"
[upstream.quirks.embeddings]
input_type = "input_type"
input_types = {{ query = "query", document = "passage" }}
"""
)
config.close()
shim = subprocess.Popen([binary, "--config", config.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
atexit.register(shim.terminate)
root = "http://127.0.0.1:18731"
for _ in range(100):
    try:
        urllib.request.urlopen(f"{root}/healthz")
        break
    except OSError:
        time.sleep(0.05)


def numbers(vectors):
    return [vector[0] for vector in vectors]


WANTED = [float(i) for i in range(25)]


def has(package):
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


import openai

client = openai.OpenAI(base_url=f"{root}/v1", api_key="any", max_retries=0)
for encoding in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
    answer = client.embeddings.create(model="embedder", input=TEXTS, **encoding)
    if encoding.get("encoding_format") == "base64":
        check("OpenAI's SDK, base64", isinstance(answer.data[0].embedding, str), answer)
    else:
        check("OpenAI's SDK, order", numbers(item.embedding for item in answer.data) == WANTED, answer)
    check("OpenAI's SDK, indexes", [item.index for item in answer.data] == list(range(25)), answer)
    check("OpenAI's SDK, usage", answer.usage.prompt_tokens == 25, answer.usage)
raw = client.embeddings.with_raw_response.create(model="embedder", input="text 7", dimensions=1)
check("OpenAI's SDK, dimensions are reported", "param-dropped" in raw.headers["x-openai-shim-diagnostics"], raw.headers)
one = raw.parse()
check("OpenAI's SDK, one text", one.data[0].embedding[0] == 7.0, one)

import ollama

client = ollama.Client(host=root)
answer = client.embed(model="embedder:latest", input=TEXTS)
check("Ollama's SDK, order", numbers(answer.embeddings) == WANTED, answer)
check("Ollama's SDK, usage", answer.prompt_eval_count == 25, answer)
check("Ollama's SDK, the older route", client.embeddings(model="embedder", prompt="text 3").embedding[0] == 3.0)
check("Ollama's SDK, capabilities", client.show("embedder").capabilities == ["embedding"], client.show("embedder"))

from google import genai
from google.genai import types

client = genai.Client(api_key="any", http_options={"base_url": root})
settings = types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT")
answer = client.models.embed_content(model="embedder", contents=TEXTS, config=settings)
check("Google's SDK, order", numbers(item.values for item in answer.embeddings) == WANTED, answer)
check("Google's SDK, the task in the upstream's words", requests[-1].get("input_type") == "passage", requests[-1])
if "usage_metadata" in type(answer).model_fields:  # newer versions
    usage = answer.usage_metadata
    check("Google's SDK, usage", usage is not None and usage.prompt_token_count == 25, usage)
listed = {model.name: model.supported_actions for model in client.models.list()}
check("Google's SDK, methods", "embedContent" in listed["models/embedder"], listed)

if has("langchain_openai"):
    from langchain_openai import OpenAIEmbeddings

    # Without a tokenizer: it would be downloaded.
    embedder = OpenAIEmbeddings(model="embedder", base_url=f"{root}/v1", api_key="any", check_embedding_ctx_length=False, max_retries=0)
    check("LangChain", numbers(embedder.embed_documents(TEXTS)) == WANTED)
    check("LangChain, a query", embedder.embed_query("text 4")[0] == 4.0)
if has("langchain_ollama"):
    from langchain_ollama import OllamaEmbeddings

    check("LangChain's Ollama", numbers(OllamaEmbeddings(model="embedder", base_url=root).embed_documents(TEXTS)) == WANTED)
if has("llama_index.embeddings.openai"):
    from llama_index.embeddings.openai import OpenAIEmbedding

    embedder = OpenAIEmbedding(model_name="embedder", api_base=f"{root}/v1", api_key="any", max_retries=0)
    check("LlamaIndex", numbers(embedder.get_text_embedding_batch(TEXTS)) == WANTED)
    check("LlamaIndex, a query", embedder.get_query_embedding("text 6")[0] == 6.0)
if has("llama_index.embeddings.ollama"):
    from llama_index.embeddings.ollama import OllamaEmbedding

    check("LlamaIndex's Ollama", numbers(OllamaEmbedding("embedder", base_url=root).get_text_embedding_batch(TEXTS)) == WANTED)
if has("langchain_google_genai"):
    from langchain_google_genai import GoogleGenerativeAIEmbeddings

    embedder = GoogleGenerativeAIEmbeddings(model="models/embedder", google_api_key="any", client_options={"api_endpoint": root}, base_url=root)
    check("LangChain's Google", numbers(embedder.embed_documents(TEXTS)) == WANTED)
    check("LangChain's Google, a query", embedder.embed_query("text 5")[0] == 5.0)
if has("llama_index.embeddings.openai_like"):
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    embedder = OpenAILikeEmbedding(model_name="embedder", api_base=f"{root}/v1", api_key="any", max_retries=0, dimensions=2)
    check("LlamaIndex's OpenAI-like", numbers(embedder.get_text_embedding_batch(TEXTS)) == WANTED)
if has("llama_index.embeddings.google_genai"):
    from llama_index.embeddings.google_genai import GoogleGenAIEmbedding

    embedder = GoogleGenAIEmbedding("embedder", api_key="any", http_options={"base_url": root})
    check("LlamaIndex's Google", numbers(embedder.get_text_embedding_batch(TEXTS)) == WANTED)
if os.path.isdir(os.path.join(os.environ.get("SDK_DIR", ""), "node_modules", "ai")):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "embeddings.mjs")
    vercel = subprocess.run(["node", script, root], capture_output=True, text=True)
    check("Vercel's AI SDK", vercel.returncode == 0, vercel.stdout + vercel.stderr)
    passed += int(vercel.stdout) - 1
print(f"{passed} passed, 0 failed")
