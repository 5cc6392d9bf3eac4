#!/usr/bin/env python3
"""Runs the rankings of real clients against the shim, in front of upstreams of three forms. rerank.py BINARY

The upstreams are TEI, Cohere's second version, and a server like Jina that takes no parameter, sorts nothing and answers each third
request with 429; each takes few documents in one request. The clients are the SDKs of Cohere (both versions) and Voyage, LangChain
and LlamaIndex, as far as they are installed (`-r rerank_requirements.txt`), and plain HTTP for what Open WebUI and clients of TEI send.
"""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

binary = sys.argv[1]
passed, requests = 0, []
TEXTS = [f"text {i}" for i in range(25)]
SCORES = [(i * 7 % 25 + 0.5) / 25 for i in range(25)]
WANTED = sorted(range(25), key=lambda i: -SCORES[i])


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        shim.terminate()
        sys.exit(1)
    passed += 1


def score(text):
    return SCORES[int(text.split()[-1])]


class Refusal(Exception):
    pass


def tei(request):
    """https://github.com/huggingface/text-embeddings-inference"""
    if "texts" not in request:
        raise Refusal(422, "missing field `texts`")
    texts = request["texts"]
    if len(texts) > 8:
        raise Refusal(413, f"batch size {len(texts)} > maximum allowed batch size 8")
    ranked = sorted(({"index": i, "score": score(text)} for i, text in enumerate(texts)), key=lambda r: -r["score"])
    if request.get("return_text"):
        ranked = [{**r, "text": texts[r["index"]]} for r in ranked]
    return ranked


def cohere(request):
    """https://docs.cohere.com/reference/rerank"""
    for name in request:
        if name not in ("model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"):
            raise Refusal(400, f"unknown field: parameter '{name}' is not a valid field")
    if not all(isinstance(document, str) for document in request["documents"]):
        raise Refusal(400, "invalid type: documents must be strings")
    ranked = [{"index": i, "relevance_score": score(text)} for i, text in enumerate(request["documents"])]
    ranked = sorted(ranked, key=lambda r: -r["relevance_score"])[: request.get("top_n")]
    return {"id": "an-id", "results": ranked, "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}


def jina(request):
    if len(requests) % 3 == 0:
        raise Refusal(429, "slow down")
    for name in request:
        if name not in ("model", "query", "documents"):
            raise Refusal(422, f"Unsupported parameter: '{name}'")
    if len(request["documents"]) > 10:
        raise Refusal(400, "batch size is invalid, it should not be larger than 10.")
    ranked = [{"index": i, "relevance_score": str(score(text))} for i, text in enumerate(request["documents"])]
    return {"results": ranked, "usage": {"total_tokens": str(len(ranked))}}


class Upstream(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (("content-type", "application/json"), ("content-length", str(len(body))), ("retry-after", "0")):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(404, {})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        requests.append(request)
        forms = {"/tei/rerank": (tei, "error"), "/v2/rerank": (cohere, "message"), "/v1/rerank": (jina, "detail")}
        if self.path not in forms:
            return self.reply(404, {"detail": "Not Found"})
        answer, member = forms[self.path]
        try:
            self.reply(200, answer(request))
        except Refusal as refusal:
            status, message = refusal.args
            self.reply(status, {member: message, "error_type": "Validation"} if member == "error" else {member: message})


upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
config = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
config.write('listen = "127.0.0.1:18732"\n[retry]\nattempts = 3\nbackoff = "10ms"\n')
for name, profile, path in (("jina", "jina", "/v1"), ("tei", "tei", "/tei/v1"), ("cohere", "cohere-openai", "/compatibility/v1")):
    config.write(
        f"""
[[upstream]]
name = "{name}"
profile = "{profile}"
base_url = "http://127.0.0.1:{upstream.server_port}{path}"
models = ["ranker-of-{name}"]
"""
    )
config.close()
shim = subprocess.Popen([binary, "--config", config.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
root = "http://127.0.0.1:18732"
for _ in range(100):
    try:
        urllib.request.urlopen(f"{root}/healthz")
        break
    except OSError:
        time.sleep(0.05)


def has(package):
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def post(path, body):
    request = urllib.request.Request(root + path, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def order(results):
    return [result.index for result in results]


for upstream_name in ("tei", "cohere", "jina"):
    model = f"ranker-of-{upstream_name}"
    of = f"{{}} in front of {upstream_name}".format

    # Open WebUI's external reranker: every document, read by index.
    status, answer = post("/v1/rerank", {"model": model, "query": "q", "documents": TEXTS, "top_n": len(TEXTS)})
    check(of("Open WebUI"), status == 200, answer)
    scores = [result["relevance_score"] for result in sorted(answer["results"], key=lambda result: result["index"])]
    check(of("Open WebUI, scores"), scores == SCORES, answer)
    # A client of TEI, whose model is in the path of nothing: it names it in a member that TEI ignores.
    status, answer = post("/rerank", {"model": model, "query": "q", "texts": TEXTS, "return_text": True, "truncate": True})
    check(of("TEI"), status == 200 and [result["index"] for result in answer] == WANTED, answer)
    check(of("TEI, texts"), answer[0] == {"index": WANTED[0], "score": SCORES[WANTED[0]], "text": TEXTS[WANTED[0]]}, answer[0])
    status, answer = post("/rerank", {"model": model, "query": "q", "texts": [1]})
    check(of("TEI, errors"), status == 400 and "texts[0]" in answer["error"] and answer["error_type"] == "Validation", answer)

    if has("cohere"):
        import cohere as sdk

        client = sdk.Client(base_url=root, api_key="any")
        answer = client.rerank(model=model, query="q", documents=TEXTS, top_n=4)
        check(of("Cohere's SDK, version 1"), order(answer.results) == WANTED[:4], answer)
        structured = [{"title": "t", "body": text} for text in TEXTS]
        answer = client.rerank(model=model, query="q", documents=structured, rank_fields=["title", "body"], return_documents=True)
        check(of("Cohere's SDK, fields"), order(answer.results) == WANTED, answer)
        check(of("Cohere's SDK, documents"), answer.results[0].document.body == TEXTS[WANTED[0]], answer.results[0])
        client = sdk.ClientV2(base_url=root, api_key="any")
        answer = client.rerank(model=model, query="q", documents=TEXTS, top_n=4)
        check(of("Cohere's SDK, version 2"), order(answer.results) == WANTED[:4], answer)
        check(of("Cohere's SDK, meta"), answer.meta.api_version.version == "2", answer.meta)
        raw = client.with_raw_response.rerank(model=model, query="q", documents=TEXTS, max_tokens_per_doc=9)
        is_reported = "param-dropped" in raw.headers["x-openai-shim-diagnostics"]
        check(of("Cohere's SDK, limits are reported"), is_reported == (upstream_name != "cohere"), raw.headers)
        try:
            client.rerank(model=model, query="q", documents=[1])
            check(of("Cohere's SDK, errors"), False)
        except sdk.BadRequestError as error:
            check(of("Cohere's SDK, errors"), "documents[0]" in error.body["message"], error)
    if has("voyageai"):
        import voyageai

        client = voyageai.Client(api_key="any", base_url=f"{root}/v1")
        answer = client.rerank("q", TEXTS, model=model, top_k=4)
        check(of("Voyage's SDK"), order(answer.results) == WANTED[:4], answer.results)
        check(of("Voyage's SDK, usage"), isinstance(answer.total_tokens, int), answer.total_tokens)
    if has("langchain_cohere"):
        from langchain_cohere import CohereRerank
        from langchain_core.documents import Document

        ranker = CohereRerank(model=model, base_url=root, cohere_api_key="any", top_n=3)
        found = ranker.compress_documents([Document(page_content=text) for text in TEXTS], "q")
        check(of("LangChain's Cohere"), [document.page_content for document in found] == [TEXTS[i] for i in WANTED[:3]], found)
    if has("langchain_community"):
        from langchain_community.document_compressors import jina_rerank

        jina_rerank.JINA_API_URL = f"{root}/v1/rerank"
        found = jina_rerank.JinaRerank(model=model, jina_api_key="any", top_n=3).rerank(TEXTS, "q")
        check(of("LangChain's Jina"), [result["index"] for result in found] == WANTED[:3], found)
    if has("llama_index.core"):
        from llama_index.core.schema import NodeWithScore, TextNode

        nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS]
        rankers = {}
        if has("llama_index.postprocessor.jinaai_rerank"):
            from llama_index.postprocessor.jinaai_rerank import JinaRerank

            rankers["Jina"] = JinaRerank(model=model, base_url=f"{root}/v1", api_key="any", top_n=3)
        if has("llama_index.postprocessor.cohere_rerank"):
            from llama_index.postprocessor.cohere_rerank import CohereRerank

            rankers["Cohere"] = CohereRerank(model=model, base_url=root, api_key="any", top_n=3)
        if has("llama_index.postprocessor.tei_rerank"):
            from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

            # It names no model: the shim sends it to the first upstream that is known to rank.
            rankers["TEI"] = TextEmbeddingInference(base_url=root, top_n=3)
        for name, ranker in rankers.items():
            found = ranker.postprocess_nodes(nodes, query_str="q")
            check(of(f"LlamaIndex's {name}"), [node.text for node in found] == [TEXTS[i] for i in WANTED[:3]], found)
shim.terminate()
os.unlink(config.name)
print(f"{passed} passed, 0 failed")
