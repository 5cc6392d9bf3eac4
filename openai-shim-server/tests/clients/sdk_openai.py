#!/usr/bin/env python3
"""Runs OpenAI's official Python SDK against the shim. sdk_openai.py BASE_URL MODEL echo|real

`echo`: the text of every response is checked. `real`: only what holds for any model.
"""
import sys

import openai
from pydantic import BaseModel

base, model, kind = sys.argv[1:4]
echo = kind == "echo"
client = openai.OpenAI(base_url=base, api_key="any", max_retries=0, timeout=120)
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


models = [m.id for m in client.models.list()]
check("models are listed", model in models, models)
check("a model is retrieved", client.models.retrieve(model).id == model)
try:
    client.models.retrieve("no/such-model")
    check("an unknown model is an error", False)
except openai.NotFoundError as e:
    check("an unknown model is an error", e.code == "model_not_found", e)

completion = client.chat.completions.create(model=model, messages=ASK, max_tokens=16)
text = completion.choices[0].message.content
check("non-streaming response", text == "Say hello to the world" if echo else bool(text), completion)
check("usage", completion.usage.total_tokens > 0 and completion.object == "chat.completion", completion.usage)

text, finishes, usage, ids = "", [], None, set()
options = {"include_usage": True}
for chunk in client.chat.completions.create(model=model, messages=ASK, max_tokens=16, stream=True, stream_options=options):
    ids.add(chunk.id)
    usage = chunk.usage or usage
    for choice in chunk.choices:
        text += choice.delta.content or ""
        finishes += [choice.finish_reason] if choice.finish_reason else []
check("stream", text == "Say hello to the world" if echo else bool(text), text)
check("one finish reason, one id, and usage in the last chunk", len(finishes) == 1 and len(ids) == 1 and usage.total_tokens > 0, (finishes, ids, usage))

plain = list(client.chat.completions.create(model=model, messages=ASK, max_tokens=8, stream=True))
check("no usage unless requested", all(c.usage is None and c.choices for c in plain), plain)

try:
    with client.chat.completions.stream(model=model, messages=ASK, max_tokens=8) as stream:
        for _ in stream:
            pass
        check("the stream helper", bool(stream.get_final_completion().choices[0].message.content))
except openai.LengthFinishReasonError as e:
    # The helper rejects a response that reached max_tokens, also from OpenAI.
    check("the stream helper", not echo and bool(e.completion.choices[0].message.content), e)

parts = [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]
answer = client.chat.completions.create(model=model, messages=parts, max_tokens=8).choices[0].message.content
check("content in parts", answer == "one two" if echo else bool(answer), answer)
developer = [{"role": "developer", "content": "Be brief."}] + ASK
check("a developer message", bool(client.chat.completions.create(model=model, messages=developer, max_completion_tokens=8).choices))

if echo:
    called = client.chat.completions.create(model=model, messages=ASK, tools=[TOOL], tool_choice="required")
    call = called.choices[0].message.tool_calls[0]
    check("tool call", call.function.name == "get_weather" and call.function.arguments == '{"city":""}', call)
    check("finish reason of a tool call", called.choices[0].finish_reason == "tool_calls" and called.choices[0].message.content is None)
    name, arguments = "", ""
    for chunk in client.chat.completions.create(model=model, messages=ASK, tools=[TOOL], tool_choice="required", stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    check("tool call in a stream", (name, arguments) == ("get_weather", '{"city":""}'), (name, arguments))
    history = ASK + [called.choices[0].message, {"role": "tool", "tool_call_id": call.id or "call_echo", "content": "sunny"}]
    after = client.chat.completions.create(model=model, messages=history, tools=[TOOL])
    check("tool result", after.choices[0].message.content == "sunny", after)

    class Weather(BaseModel):
        city: str
        degrees: int

    prompt = [{"role": "user", "content": '{"city":"Paris","degrees":21}'}]
    parsed = client.chat.completions.parse(model=model, messages=prompt, response_format=Weather)
    check("structured output", parsed.choices[0].message.parsed == Weather(city="Paris", degrees=21), parsed)
    vectors = client.embeddings.create(model=model, input=["a", "b"])
    check("embeddings", len(vectors.data) == 2 and len(vectors.data[0].embedding) == 8, vectors)
    floats = client.embeddings.create(model=model, input="a", encoding_format="float")
    same = zip(floats.data[0].embedding, vectors.data[0].embedding)
    check("base64 and float embeddings are equal", all(abs(x - y) < 1e-6 for x, y in same))

try:
    client.chat.completions.create(model=model, messages=[])
    check("a request without messages is an error", False)
except openai.BadRequestError as e:
    check("a request without messages is an error", e.param == "messages" and "empty" in e.message, e)
raw = client.chat.completions.with_raw_response.create(model=model, messages=ASK, max_tokens=4)
check("the outcome is in a header", raw.headers["x-openai-shim-outcome"] in ("complete", "length"), dict(raw.headers))
print(f"{passed} passed, 0 failed")
