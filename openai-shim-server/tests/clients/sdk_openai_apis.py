#!/usr/bin/env python3
"""OpenAI's other two APIs, Responses and text completions, by its Python SDK. sdk_openai_apis.py BASE_URL MODEL echo|real

`echo` checks every word; `real` checks what any model must keep to.
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


# Room for an answer, and none for a talkative model's second thoughts.
ROOM = {} if echo else {"max_output_tokens": 64, "temperature": 0}
ENDS = ("response.completed",) if echo else ("response.completed", "response.incomplete")
whole = client.responses.create(model=model, input=ASK, instructions="Be brief.", **ROOM)
said = whole.output_text
check("a response", said == ASK and whole.status == "completed" if echo else bool(said), whole)
check("its usage", whole.usage.total_tokens > 0, whole)
events = list(client.responses.create(model=model, input=ASK, stream=True, **ROOM))
kinds = [event.type for event in events]
said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
check("a stream", said == ASK if echo else bool(said), kinds)
check("its order", kinds[0] == "response.created" and kinds[-1] in ENDS, kinds)
check("its numbers", [e.sequence_number for e in events] == list(range(len(events))), events)
check("its last event holds all", events[-1].response.output_text == said, events[-1])
check("and its usage", events[-1].response.usage.output_tokens > 0, events[-1])
with client.responses.stream(model=model, input=ASK, **ROOM) as stream:
    for _ in stream:
        pass
    said = stream.get_final_response().output_text
    check("the stream helper", said == ASK if echo else bool(said), said)

if echo:
    called = client.responses.create(model=model, input=ASK, tools=[TOOL], tool_choice="required")
    call = called.output[-1]
    check("a tool is called", call.type == "function_call" and call.arguments == '{"city":""}', called)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    history = [{"role": "user", "content": ASK}, call, result]
    after = client.responses.create(model=model, input=history, tools=[TOOL])
    check("the tool's result arrives", after.output_text == "sunny", after)
    after = client.responses.create(model=model, input=[result], tools=[TOOL], previous_response_id=called.id)
    check("also by the id of what came before", after.output_text == "sunny", after)
else:
    again = client.responses.create(model=model, input="And once more?", previous_response_id=whole.id, **ROOM)
    check("a conversation goes on by its id", bool(again.output_text) and again.usage.input_tokens > whole.usage.input_tokens, again)
    short = client.responses.create(model=model, input=ASK, max_output_tokens=2)
    cut = short.status == "incomplete" and short.incomplete_details.reason == "max_output_tokens"
    check("a limit ends an answer, and is said to", cut, short)
check("a response is kept", client.responses.retrieve(whole.id).output_text == whole.output_text)
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


said = '{"city":"Paris","degrees":21}' if echo else "In Paris it has 21 degrees. Give the city and the degrees as JSON."
parsed = client.responses.parse(model=model, input=said, text_format=Weather, **ROOM)
check("structured output", parsed.output_parsed == Weather(city="Paris", degrees=21), parsed)

text = client.completions.create(model=model, prompt=ASK, max_tokens=16)
said = text.choices[0].text
check("a text", (said == ASK if echo else bool(said)) and text.object == "text_completion", text)
check("its usage", text.usage.total_tokens > 0, text)
pieces = list(client.completions.create(model=model, prompt=ASK, max_tokens=16, stream=True))
said = "".join(c.choices[0].text for c in pieces if c.choices)
check("a text in a stream", said == ASK if echo else bool(said), said)
check("one end", len([c for c in pieces if c.choices and c.choices[0].finish_reason]) == 1, pieces)
try:
    client.completions.create(model=model, prompt=[1, 2, 3])
    check("tokens are refused", False)
except openai.BadRequestError as e:
    check("tokens are refused", bool(e.message), e)
print(f"{passed} passed, 0 failed")
