#!/usr/bin/env python3
"""Ollama's official Python SDK through the shim in front of echo. sdk_ollama.py ROOT MODEL"""
import sys

import ollama
from pydantic import BaseModel

root, model = sys.argv[1:3]
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


check("models are listed", [m.model for m in client.list().models] == [model], client.list())
check("models run", [m.model for m in client.ps().models] == [model])
check("a model is shown", "tools" in client.show(model).capabilities, client.show(model))

whole = client.chat(model=model, messages=ASK)
check("a whole answer", whole.message.content == "Say hello to the world", whole)
check("its end, its counts and its time", whole.done_reason == "stop" and whole.eval_count > 0 and whole.total_duration > 0, whole)
chunks = list(client.chat(model=model, messages=ASK, stream=True))
check("a stream", "".join(c.message.content or "" for c in chunks) == "Say hello to the world", chunks)
check("one end", [c.done for c in chunks].count(True) == 1 and chunks[-1].done_reason == "stop", chunks)

made = client.generate(model=model, prompt="Say hello", system="Be brief.")
check("a text", made.response == "Say hello" and made.done, made)
made = "".join(c.response for c in client.generate(model=model, prompt="Say hello", stream=True))
check("a text in a stream", made == "Say hello", made)
check("a model is loaded", client.generate(model=model).done_reason == "load")

answered = client.chat(model=model, messages=ASK, tools=[TOOL])
check("a tool may be left alone", bool(answered.message.content or answered.message.tool_calls), answered)
call = {"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
history = ASK + [
    {"role": "assistant", "content": "", "tool_calls": [call]},
    {"role": "tool", "content": "sunny", "tool_name": "get_weather"},
]
after = client.chat(model=model, messages=history, tools=[TOOL])
check("the tool's result arrives", after.message.content == "sunny", after)


class Weather(BaseModel):
    city: str
    degrees: int


said = [{"role": "user", "content": '{"city":"Paris","degrees":21}'}]
shaped = client.chat(model=model, messages=said, format=Weather.model_json_schema())
check("structured output", Weather.model_validate_json(shaped.message.content) == Weather(city="Paris", degrees=21), shaped)

vectors = client.embed(model=model, input=["a", "b"])
check("embeddings", len(vectors.embeddings) == 2 and len(vectors.embeddings[0]) == 8, vectors)
check("embeddings of old", len(client.embeddings(model=model, prompt="a").embedding) == 8)

for name, attempt in [
    ("a model is not pulled", lambda: client.pull(model)),
    ("nor deleted", lambda: client.delete(model)),
    ("nor copied", lambda: client.copy(model, "other")),
    ("an unknown model is not shown", lambda: client.show("no/such-model")),
]:
    try:
        attempt()
        check(name, False)
    except ollama.ResponseError as e:
        check(name, e.status_code in (400, 404, 501) and e.error, e)
print(f"{passed} passed, 0 failed")
