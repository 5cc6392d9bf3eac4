#!/usr/bin/env python3
"""Runs Ollama's official Python SDK against the shim. sdk_ollama.py ROOT MODEL echo|real

`echo`: the text of every response is checked. `real`: only what holds for any model.
"""
import sys

import ollama
from pydantic import BaseModel

root, model, kind = sys.argv[1:4]
echo = kind == "echo"
client = ollama.Client(host=root)
passed = 0
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASK = [{"role": "user", "content": "Say hello to the world"}]


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        sys.exit(1)
    passed += 1


# Options that keep the responses of a real model short and the same in every run.
SHORT = {"temperature": 0, "num_predict": 64}
check("models are listed", model in [m.model for m in client.list().models], client.list())
check("running models are listed", model in [m.model for m in client.ps().models])
check("a model is shown", "tools" in client.show(model).capabilities, client.show(model))

response = client.chat(model=model, messages=ASK, options=SHORT)
text = response.message.content
check("non-streaming response", text == "Say hello to the world" if echo else bool(text), response)
ENDS = ("stop",) if echo else ("stop", "length")
check("its done_reason, counts and duration", response.done_reason in ENDS and response.eval_count > 0 and response.total_duration > 0, response)
chunks = list(client.chat(model=model, messages=ASK, stream=True, options=SHORT))
text = "".join(c.message.content or "" for c in chunks)
check("stream", text == "Say hello to the world" if echo else bool(text) and len(chunks) > 2, chunks)
check("one chunk is done, with done_reason", [c.done for c in chunks].count(True) == 1 and chunks[-1].done_reason in ENDS, chunks)
check("counts of the stream", chunks[-1].eval_count > 0 and chunks[-1].prompt_eval_count > 0, chunks[-1])

result = client.generate(model=model, prompt="Say hello", system="Be brief.", options=SHORT)
check("generate", (result.response == "Say hello" if echo else bool(result.response)) and result.done, result)
text = "".join(c.response for c in client.generate(model=model, prompt="Say hello", stream=True, options=SHORT))
check("generate in a stream", text == "Say hello" if echo else bool(text), text)
check("a model is loaded", client.generate(model=model).done_reason == "load")

if echo:
    optional = client.chat(model=model, messages=ASK, tools=[TOOL])
    check("a tool that need not be called", bool(optional.message.content or optional.message.tool_calls), optional)
    call = {"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
    history = ASK + [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "sunny", "tool_name": "get_weather"},
    ]
    after = client.chat(model=model, messages=history, tools=[TOOL])
    check("tool result", after.message.content == "sunny", after)
else:
    short = client.chat(model=model, messages=ASK, options={"num_predict": 2})
    check("num_predict ends the response with its done_reason", short.done_reason == "length" and short.eval_count <= 4, short)


class Weather(BaseModel):
    city: str
    degrees: int


prompt = '{"city":"Paris","degrees":21}' if echo else "In Paris it has 21 degrees. Give the city and the degrees as JSON."
prompt = [{"role": "user", "content": prompt}]
structured = client.chat(model=model, messages=prompt, format=Weather.model_json_schema(), options=SHORT)
check("structured output", Weather.model_validate_json(structured.message.content) == Weather(city="Paris", degrees=21), structured)

if echo:
    vectors = client.embed(model=model, input=["a", "b"])
    check("embeddings", len(vectors.embeddings) == 2 and len(vectors.embeddings[0]) == 8, vectors)
    check("embeddings by the deprecated endpoint", len(client.embeddings(model=model, prompt="a").embedding) == 8)

for name, attempt in [
    ("pull is an error", lambda: client.pull(model)),
    ("delete is an error", lambda: client.delete(model)),
    ("copy is an error", lambda: client.copy(model, "other")),
    ("show of an unknown model is an error", lambda: client.show("no/such-model")),
]:
    try:
        attempt()
        check(name, False)
    except ollama.ResponseError as e:
        check(name, e.status_code in (400, 404, 501) and e.error, e)
print(f"{passed} passed, 0 failed")
