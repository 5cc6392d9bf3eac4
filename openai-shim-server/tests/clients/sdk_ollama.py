#!/usr/bin/env python3
"""Ollama's official Python SDK through the shim. sdk_ollama.py ROOT MODEL echo|real

`echo` checks every word; `real` checks what any model must keep to.
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


# A real model, asked for facts, must be kept from chatting on.
SOBER = {"temperature": 0, "num_predict": 64}
check("models are listed", model in [m.model for m in client.list().models], client.list())
check("models run", model in [m.model for m in client.ps().models])
check("a model is shown", "tools" in client.show(model).capabilities, client.show(model))

whole = client.chat(model=model, messages=ASK, options=SOBER)
said = whole.message.content
check("a whole answer", said == "Say hello to the world" if echo else bool(said), whole)
ENDS = ("stop",) if echo else ("stop", "length")
check("its end, its counts and its time", whole.done_reason in ENDS and whole.eval_count > 0 and whole.total_duration > 0, whole)
chunks = list(client.chat(model=model, messages=ASK, stream=True, options=SOBER))
said = "".join(c.message.content or "" for c in chunks)
check("a stream", said == "Say hello to the world" if echo else bool(said) and len(chunks) > 2, chunks)
check("one end", [c.done for c in chunks].count(True) == 1 and chunks[-1].done_reason in ENDS, chunks)
check("and its counts", chunks[-1].eval_count > 0 and chunks[-1].prompt_eval_count > 0, chunks[-1])

made = client.generate(model=model, prompt="Say hello", system="Be brief.", options=SOBER)
check("a text", (made.response == "Say hello" if echo else bool(made.response)) and made.done, made)
made = "".join(c.response for c in client.generate(model=model, prompt="Say hello", stream=True, options=SOBER))
check("a text in a stream", made == "Say hello" if echo else bool(made), made)
check("a model is loaded", client.generate(model=model).done_reason == "load")

if echo:
    answered = client.chat(model=model, messages=ASK, tools=[TOOL])
    check("a tool may be left alone", bool(answered.message.content or answered.message.tool_calls), answered)
    call = {"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
    history = ASK + [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "sunny", "tool_name": "get_weather"},
    ]
    after = client.chat(model=model, messages=history, tools=[TOOL])
    check("the tool's result arrives", after.message.content == "sunny", after)
else:
    short = client.chat(model=model, messages=ASK, options={"num_predict": 2})
    check("a limit ends an answer, and is said to", short.done_reason == "length" and short.eval_count <= 4, short)


class Weather(BaseModel):
    city: str
    degrees: int


said = '{"city":"Paris","degrees":21}' if echo else "In Paris it has 21 degrees. Give the city and the degrees as JSON."
said = [{"role": "user", "content": said}]
shaped = client.chat(model=model, messages=said, format=Weather.model_json_schema(), options=SOBER)
check("structured output", Weather.model_validate_json(shaped.message.content) == Weather(city="Paris", degrees=21), shaped)

if echo:
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
