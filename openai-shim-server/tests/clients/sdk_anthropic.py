#!/usr/bin/env python3
"""Anthropic's official Python SDK through the shim. sdk_anthropic.py ROOT MODEL echo|real

`echo` checks every word; `real` checks what any model must keep to.
"""
import sys

import anthropic

root, model, kind = sys.argv[1:4]
echo = kind == "echo"
client = anthropic.Anthropic(base_url=root, api_key="any", max_retries=0, timeout=120)
passed = 0
TOOL = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK = [{"role": "user", "content": "Say hello to the world"}]


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        sys.exit(1)
    passed += 1


models = list(client.models.list())
check("models are listed", model in [m.id for m in models] and models[0].type == "model", models)

whole = client.messages.create(model=model, max_tokens=64, system="Be brief.", messages=ASK)
said = whole.content[0].text
check("a whole answer", said == "Say hello to the world" if echo else bool(said), whole)
# A limit of tokens ends a talkative model, and is not the end of its turn.
ENDS = ("end_turn",) if echo else ("end_turn", "max_tokens")
check("its end and its usage", whole.stop_reason in ENDS and whole.usage.output_tokens > 0, whole)

with client.messages.stream(model=model, max_tokens=64, messages=ASK) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
check("a stream", (text == "Say hello to the world" if echo else bool(text)) and final.content[0].text == text, final)
check("the stream's end", final.stop_reason in ENDS and final.usage.output_tokens > 0, final)
events = [event.type for event in client.messages.create(model=model, max_tokens=64, messages=ASK, stream=True)]
check("the order of events", events[0] == "message_start" and events[-1] == "message_stop", events)
check("one end", events.count("message_stop") == 1 and events.count("message_delta") == 1, events)

if echo:
    called = client.messages.create(model=model, max_tokens=64, messages=ASK, tools=[TOOL], tool_choice={"type": "any"})
    call = called.content[-1]
    check("a tool is called", call.type == "tool_use" and call.name == "get_weather" and call.input == {"city": ""}, called)
    check("and the answer says so", called.stop_reason == "tool_use", called)
    with client.messages.stream(model=model, max_tokens=64, messages=ASK, tools=[TOOL], tool_choice={"type": "tool", "name": "get_weather"}) as stream:
        final = stream.get_final_message()
    check("a tool is called in a stream", final.content[-1].input == {"city": ""} and final.stop_reason == "tool_use", final)
    history = ASK + [
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ]
    after = client.messages.create(model=model, max_tokens=64, messages=history, tools=[TOOL])
    check("the tool's result arrives", after.content[0].text == "sunny", after)

if not echo:
    short = client.messages.create(model=model, max_tokens=2, messages=ASK)
    check("a limit ends an answer, and is said to", short.stop_reason == "max_tokens" and short.usage.output_tokens <= 4, short)

count = client.messages.with_raw_response.count_tokens(model=model, messages=ASK)
check("tokens are estimated", count.parse().input_tokens > 3 and count.headers["x-openai-shim-outcome"] == "estimated", count.headers)

try:
    client.messages.create(model=model, max_tokens=64, messages=[])
    check("no messages are an error", False)
except anthropic.BadRequestError as e:
    check("no messages are an error", e.body["error"]["type"] == "invalid_request_error", e.body)
try:
    client.post("/v1/messages/nowhere", cast_to=object, body={})
    check("an unknown path is an error", False)
except anthropic.NotFoundError as e:
    check("an unknown path is an error", e.body["error"]["type"] == "not_found_error", e.body)
print(f"{passed} passed, 0 failed")
