#!/usr/bin/env python3
"""OpenAI's other two APIs, Responses and text completions, by its Python SDK in front of echo. sdk_openai_apis.py BASE_URL MODEL"""
import sys

import openai
from pydantic import BaseModel

base, model = sys.argv[1:3]
client = openai.OpenAI(base_url=base, api_key="any", max_retries=0, timeout=60)
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


whole = client.responses.create(model=model, input=ASK, instructions="Be brief.")
check("a response", whole.output_text == ASK and whole.status == "completed", whole)
check("its usage", whole.usage.total_tokens > 0, whole)
events = list(client.responses.create(model=model, input=ASK, stream=True))
kinds = [event.type for event in events]
check("a stream", "".join(e.delta for e in events if e.type == "response.output_text.delta") == ASK, kinds)
check("its order", kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds)
check("its numbers", [e.sequence_number for e in events] == list(range(len(events))), events)
check("its last event holds all", events[-1].response.output_text == ASK, events[-1])
with client.responses.stream(model=model, input=ASK) as stream:
    for _ in stream:
        pass
    check("the stream helper", stream.get_final_response().output_text == ASK)

called = client.responses.create(model=model, input=ASK, tools=[TOOL], tool_choice="required")
call = called.output[-1]
check("a tool is called", call.type == "function_call" and call.arguments == '{"city":""}', called)
result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
history = [{"role": "user", "content": ASK}, call, result]
after = client.responses.create(model=model, input=history, tools=[TOOL])
check("the tool's result arrives", after.output_text == "sunny", after)
after = client.responses.create(model=model, input=[result], tools=[TOOL], previous_response_id=called.id)
check("also by the id of what came before", after.output_text == "sunny", after)
check("a response is kept", client.responses.retrieve(whole.id).output_text == ASK)
client.responses.delete(whole.id)
for name, attempt, error in [
    ("a deleted one is gone", lambda: client.responses.retrieve(whole.id), openai.NotFoundError),
    (
        "and nothing goes on from it",
        lambda: client.responses.create(model=model, input="x", previous_response_id=whole.id),
        openai.BadRequestError,
    ),
    ("an input of no kind is an error", lambda: client.responses.create(model=model, input=7), openai.BadRequestError),
]:
    try:
        attempt()
        check(name, False)
    except error as e:
        check(name, bool(e.message), e)


class Weather(BaseModel):
    city: str
    degrees: int


parsed = client.responses.parse(model=model, input='{"city":"Paris","degrees":21}', text_format=Weather)
check("structured output", parsed.output_parsed == Weather(city="Paris", degrees=21), parsed)

text = client.completions.create(model=model, prompt=ASK, max_tokens=16)
check("a text", text.choices[0].text == ASK and text.object == "text_completion", text)
text = "".join(c.choices[0].text for c in client.completions.create(model=model, prompt=ASK, stream=True) if c.choices)
check("a text in a stream", text == ASK, text)
try:
    client.completions.create(model=model, prompt=[1, 2, 3])
    check("tokens are refused", False)
except openai.BadRequestError as e:
    check("tokens are refused", bool(e.message), e)
print(f"{passed} passed, 0 failed")
