#!/usr/bin/env python3
"""Runs the Responses and text completions APIs of OpenAI's Python SDK against the shim. sdk_openai_apis.py BASE_URL MODEL echo|real

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
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
ASK = "Say hello to the world"


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        sys.exit(1)
    passed += 1


# Options that keep the responses of a real model short and the same in every run.
SHORT = {} if echo else {"max_output_tokens": 64, "temperature": 0}
ENDS = ("response.completed",) if echo else ("response.completed", "response.incomplete")
response = client.responses.create(model=model, input=ASK, instructions="Be brief.", **SHORT)
text = response.output_text
check("response", text == ASK and response.status == "completed" if echo else bool(text), response)
check("usage", response.usage.total_tokens > 0, response)
events = list(client.responses.create(model=model, input=ASK, stream=True, **SHORT))
kinds = [event.type for event in events]
text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
check("stream", text == ASK if echo else bool(text), kinds)
check("first and last event", kinds[0] == "response.created" and kinds[-1] in ENDS, kinds)
check("sequence numbers", [e.sequence_number for e in events] == list(range(len(events))), events)
check("the last event has the whole text", events[-1].response.output_text == text, events[-1])
check("and the usage", events[-1].response.usage.output_tokens > 0, events[-1])
with client.responses.stream(model=model, input=ASK, **SHORT) as stream:
    for _ in stream:
        pass
    text = stream.get_final_response().output_text
    check("the stream helper", text == ASK if echo else bool(text), text)

if echo:
    called = client.responses.create(model=model, input=ASK, tools=[TOOL], tool_choice="required")
    call = called.output[-1]
    check("tool call", call.type == "function_call" and call.arguments == '{"city":""}', called)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    history = [{"role": "user", "content": ASK}, call, result]
    after = client.responses.create(model=model, input=history, tools=[TOOL])
    check("tool result", after.output_text == "sunny", after)
    after = client.responses.create(model=model, input=[result], tools=[TOOL], previous_response_id=called.id)
    check("tool result with previous_response_id", after.output_text == "sunny", after)
else:
    again = client.responses.create(model=model, input="And once more?", previous_response_id=response.id, **SHORT)
    check("a conversation continues by previous_response_id", bool(again.output_text) and again.usage.input_tokens > response.usage.input_tokens, again)
    short = client.responses.create(model=model, input=ASK, max_output_tokens=2)
    cut = short.status == "incomplete" and short.incomplete_details.reason == "max_output_tokens"
    check("max_output_tokens ends the response with its reason", cut, short)
check("a stored response is retrieved", client.responses.retrieve(response.id).output_text == response.output_text)
client.responses.delete(response.id)
for name, attempt, error in [
    ("a deleted response is not found", lambda: client.responses.retrieve(response.id), openai.NotFoundError),
    (
        "a deleted response cannot be continued",
        lambda: client.responses.create(model=model, input="x", previous_response_id=response.id),
        openai.BadRequestError,
    ),
    ("an input of a wrong type is an error", lambda: client.responses.create(model=model, input=7), openai.BadRequestError),
]:
    try:
        attempt()
        check(name, False)
    except error as e:
        check(name, bool(e.message), e)


class Weather(BaseModel):
    city: str
    degrees: int


prompt = '{"city":"Paris","degrees":21}' if echo else "In Paris it has 21 degrees. Give the city and the degrees as JSON."
parsed = client.responses.parse(model=model, input=prompt, text_format=Weather, **SHORT)
check("structured output", parsed.output_parsed == Weather(city="Paris", degrees=21), parsed)

completion = client.completions.create(model=model, prompt=ASK, max_tokens=16)
text = completion.choices[0].text
check("text completion", (text == ASK if echo else bool(text)) and completion.object == "text_completion", completion)
check("usage of the completion", completion.usage.total_tokens > 0, completion)
chunks = list(client.completions.create(model=model, prompt=ASK, max_tokens=16, stream=True))
text = "".join(c.choices[0].text for c in chunks if c.choices)
check("text completion in a stream", text == ASK if echo else bool(text), text)
check("one finish reason", len([c for c in chunks if c.choices and c.choices[0].finish_reason]) == 1, chunks)
try:
    client.completions.create(model=model, prompt=[1, 2, 3])
    check("a prompt of token ids is an error", False)
except openai.BadRequestError as e:
    check("a prompt of token ids is an error", bool(e.message), e)
print(f"{passed} passed, 0 failed")
