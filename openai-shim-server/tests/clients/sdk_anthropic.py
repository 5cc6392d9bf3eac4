#!/usr/bin/env python3
"""Runs Anthropic's official Python SDK against the shim. sdk_anthropic.py ROOT MODEL echo|real

`echo`: the text of every response is checked. `real`: only what holds for any model.
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

message = client.messages.create(model=model, max_tokens=64, system="Be brief.", messages=ASK)
text = message.content[0].text
check("non-streaming response", text == "Say hello to the world" if echo else bool(text), message)
# A real model may reach the token limit before the end of its turn.
ENDS = ("end_turn",) if echo else ("end_turn", "max_tokens")
check("its stop reason and usage", message.stop_reason in ENDS and message.usage.output_tokens > 0, message)

with client.messages.stream(model=model, max_tokens=64, messages=ASK) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
check("stream", (text == "Say hello to the world" if echo else bool(text)) and final.content[0].text == text, final)
check("stop reason and usage of the stream", final.stop_reason in ENDS and final.usage.output_tokens > 0, final)
events = [event.type for event in client.messages.create(model=model, max_tokens=64, messages=ASK, stream=True)]
check("first and last event", events[0] == "message_start" and events[-1] == "message_stop", events)
check("one message_stop and one message_delta", events.count("message_stop") == 1 and events.count("message_delta") == 1, events)

if echo:
    called = client.messages.create(model=model, max_tokens=64, messages=ASK, tools=[TOOL], tool_choice={"type": "any"})
    call = called.content[-1]
    check("tool call", call.type == "tool_use" and call.name == "get_weather" and call.input == {"city": ""}, called)
    check("stop reason of a tool call", called.stop_reason == "tool_use", called)
    with client.messages.stream(model=model, max_tokens=64, messages=ASK, tools=[TOOL], tool_choice={"type": "tool", "name": "get_weather"}) as stream:
        final = stream.get_final_message()
    check("tool call in a stream", final.content[-1].input == {"city": ""} and final.stop_reason == "tool_use", final)
    history = ASK + [
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ]
    after = client.messages.create(model=model, max_tokens=64, messages=history, tools=[TOOL])
    check("tool result", after.content[0].text == "sunny", after)

if not echo:
    short = client.messages.create(model=model, max_tokens=2, messages=ASK)
    check("max_tokens ends the response with its stop reason", short.stop_reason == "max_tokens" and short.usage.output_tokens <= 4, short)

count = client.messages.with_raw_response.count_tokens(model=model, messages=ASK)
check("count_tokens returns an estimate", count.parse().input_tokens > 3 and count.headers["x-openai-shim-outcome"] == "estimated", count.headers)

try:
    client.messages.create(model=model, max_tokens=64, messages=[])
    check("a request without messages is an error", False)
except anthropic.BadRequestError as e:
    check("a request without messages is an error", e.body["error"]["type"] == "invalid_request_error", e.body)
try:
    client.post("/v1/messages/nowhere", cast_to=object, body={})
    check("an unknown path is an error", False)
except anthropic.NotFoundError as e:
    check("an unknown path is an error", e.body["error"]["type"] == "not_found_error", e.body)
print(f"{passed} passed, 0 failed")
