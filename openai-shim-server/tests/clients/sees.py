#!/usr/bin/env python3
"""Tells what a person sees of each answer of failing.py in a Python SDK. sees.py ROUTES ROOT UPSTREAM CASE...

ROUTES names the SDK. UPSTREAM is the upstream's name in the shim, or `own` for the one of the route's
own dialect. Prints a JSON list [route, case, word, detail] for each route and case. The word is `error` where the SDK raised, else
how it says that the answer ended: `complete`, `length`, `filtered`, `refused`, `nothing` if it says nothing, or its own word.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
routes, root, upstream, *cases = sys.argv[1:]
ASK, V1 = "Which city?", root + "/v1"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "The weather of a city", "parameters": SCHEMA}
CHAT = {"messages": [{"role": "user", "content": ASK}], "tools": [{"type": "function", "function": FUNCTION}]}
COMPLETE = {
    "stop": "complete", "tool_calls": "complete", "length": "length", "content_filter": "filtered",
    "completed": "complete", "max_output_tokens": "length",
    "end_turn": "complete", "tool_use": "complete", "max_tokens": "length", "refusal": "refused",
    "STOP": "complete", "MAX_TOKENS": "length", "SAFETY": "filtered", "RECITATION": "filtered",
}


def word(reason):
    return COMPLETE.get(reason, reason) or "nothing"


def openai_routes():
    import openai

    client = openai.OpenAI(base_url=V1, api_key="any", max_retries=0, timeout=30)
    chat = client.chat.completions

    def whole(model):
        choice = chat.create(model=model, **CHAT).choices[0]
        calls = [c.function.arguments for c in choice.message.tool_calls or []]
        return "refused" if choice.message.refusal else word(choice.finish_reason), choice.message.content or choice.message.refusal or calls

    def stream(model):
        text, end, refused = "", None, ""
        for chunk in chat.create(model=model, stream=True, **CHAT):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                refused += getattr(choice.delta, "refusal", None) or ""
                for call in choice.delta.tool_calls or []:
                    text += call.function.arguments or ""
                end = choice.finish_reason or end
        return "refused" if refused else word(end), text or refused

    def helper(model):
        with chat.stream(model=model, **CHAT) as events:
            choice = events.get_final_completion().choices[0]
        return "refused" if choice.message.refusal else word(choice.finish_reason), choice.message.content or choice.message.refusal

    def completion(model):
        choice = client.completions.create(model=model, prompt=ASK).choices[0]
        return word(choice.finish_reason), choice.text

    def completion_stream(model):
        text, end = "", None
        for chunk in client.completions.create(model=model, prompt=ASK, stream=True):
            for choice in chunk.choices:
                text, end = text + choice.text, choice.finish_reason or end
        return word(end), text

    tools = [{"type": "function", "strict": False, **FUNCTION}]

    def response_word(response):
        refused = any(getattr(p, "type", "") == "refusal" for i in response.output for p in getattr(i, "content", None) or [])
        return "refused" if refused else word(getattr(response.incomplete_details, "reason", None) or response.status)

    def respond(model):
        response = client.responses.create(model=model, input=ASK, tools=tools)
        return response_word(response), response.output_text or str(response.output)

    def respond_stream(model):
        text, end = "", "nothing"
        for event in client.responses.create(model=model, input=ASK, tools=tools, stream=True):
            if event.type in ("response.output_text.delta", "response.refusal.delta"):
                text += event.delta
            if event.type in ("response.completed", "response.incomplete", "response.failed"):
                end = response_word(event.response)
        return end, text

    def respond_helper(model):
        with client.responses.stream(model=model, input=ASK, tools=tools) as events:
            response = events.get_final_response()
        return response_word(response), response.output_text

    yield "chat", "openai-chat", whole
    yield "chat stream", "openai-chat", stream
    yield "chat helper", "openai-chat", helper
    yield "completions", "openai-completions", completion
    yield "completions stream", "openai-completions", completion_stream
    yield "responses", "openai-responses", respond
    yield "responses stream", "openai-responses", respond_stream
    yield "responses helper", "openai-responses", respond_helper


def anthropic_routes():
    import anthropic

    client = anthropic.Anthropic(base_url=root, api_key="any", max_retries=0, timeout=30)
    ask = {"max_tokens": 64, "messages": CHAT["messages"], "tools": [{"name": "weather", "input_schema": SCHEMA}]}

    def read(message):
        return word(message.stop_reason), "".join(getattr(b, "text", "") or str(getattr(b, "input", "")) for b in message.content)

    def stream(model):
        text, end = "", None
        for event in client.messages.create(model=model, stream=True, **ask):
            if event.type == "content_block_delta":
                text += getattr(event.delta, "text", "")
            if event.type == "message_delta":
                end = event.delta.stop_reason
        return word(end), text

    def helper(model):
        with client.messages.stream(model=model, **ask) as events:
            return read(events.get_final_message())

    yield "messages", "anthropic-messages", lambda model: read(client.messages.create(model=model, **ask))
    yield "messages stream", "anthropic-messages", stream
    yield "messages helper", "anthropic-messages", helper


def ollama_routes():
    import ollama

    client = ollama.Client(host=root, timeout=30)

    def chat(model):
        answer = client.chat(model=model, **CHAT)
        return word(answer["done_reason"]), answer["message"]["content"]

    def chat_stream(model):
        text, end = "", None
        for part in client.chat(model=model, stream=True, **CHAT):
            text, end = text + (part["message"].get("content") or ""), part.get("done_reason") or end
        return word(end), text

    def generate(model):
        answer = client.generate(model=model, prompt=ASK)
        return word(answer["done_reason"]), answer["response"]

    def generate_stream(model):
        text, end = "", None
        for part in client.generate(model=model, prompt=ASK, stream=True):
            text, end = text + part["response"], part.get("done_reason") or end
        return word(end), text

    yield "chat", "ollama-chat", chat
    yield "chat stream", "ollama-chat", chat_stream
    yield "generate", "ollama-generate", generate
    yield "generate stream", "ollama-generate", generate_stream


def genai_routes():
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=root, timeout=30000))
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)])
    manual = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=[tool], automatic_function_calling=manual)

    def read(answers):
        text, end = "", None
        for answer in answers:
            feedback = answer.prompt_feedback
            end = getattr(feedback and feedback.block_reason, "value", None) or end
            for candidate in answer.candidates or []:
                end = getattr(candidate.finish_reason, "value", None) or end
                text += "".join(p.text or "" for p in (candidate.content and candidate.content.parts) or [])
        return word(end), text

    def ask(model):
        return {"model": "models/" + model, "contents": ASK, "config": config}

    def chat(model):
        return read(client.chats.create(model="models/" + model, config=config).send_message_stream(ASK))

    yield "generate", "gemini", lambda model: read([client.models.generate_content(**ask(model))])
    yield "generate stream", "gemini", lambda model: read(client.models.generate_content_stream(**ask(model)))
    yield "chat stream", "gemini", chat


def main(table):
    for name, dialect, ask in table[routes]():
        # These two have no tools.
        for case in (c for c in cases if not (c.startswith("call") and dialect in ("openai-completions", "ollama-generate"))):
            model = f"{dialect if upstream == 'own' else upstream}/{case}"
            try:
                answer = ask(model)
                if answer is None:  # not asked
                    continue
                seen, detail = answer
            except Exception as error:
                seen, detail = "error", f"{type(error).__name__}: {error}"
            print(json.dumps([name, case, seen, str(detail)]), flush=True)


if __name__ == "__main__":
    main({"openai": openai_routes, "anthropic": anthropic_routes, "ollama": ollama_routes, "google-genai": genai_routes})
