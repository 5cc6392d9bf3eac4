#!/usr/bin/env python3
"""sees.py for frameworks that are built on the SDKs: OpenAI's agents, agno and LangChain. Their tool is a real one."""
import asyncio
import logging
import os

from sees import ASK, FUNCTION, V1, main, root, word

for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
    os.environ[name] = "any"
os.environ["AGNO_TELEMETRY"] = "false"
logging.disable(logging.CRITICAL)


def weather(city: str) -> str:
    """The weather of a city"""
    return f"sunny in {city}"


def agents():
    import openai
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner, function_tool, set_tracing_disabled

    set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=V1, api_key="any", max_retries=0, timeout=30)
    settings, loop = RunConfig(tracing_disabled=True), asyncio.new_event_loop()

    def agent(kind, model):
        return Agent(name="a", model=kind(model=model, openai_client=client), tools=[function_tool(weather)], tool_use_behavior="stop_on_first_tool")

    def whole(kind, model):
        return "complete", loop.run_until_complete(Runner.run(agent(kind, model), ASK, run_config=settings)).final_output

    async def streamed(kind, model):
        result = Runner.run_streamed(agent(kind, model), ASK, run_config=settings)
        async for _ in result.stream_events():
            pass
        return "complete", result.final_output

    for name, dialect, kind in (("chat", "openai-chat", OpenAIChatCompletionsModel), ("responses", "openai-responses", OpenAIResponsesModel)):
        yield name, dialect, lambda model, kind=kind: whole(kind, model)
        yield name + " stream", dialect, lambda model, kind=kind: loop.run_until_complete(streamed(kind, model))


def agno():
    from agno.agent import Agent
    from agno.models.anthropic import Claude
    from agno.models.google import Gemini
    from agno.models.ollama import Ollama
    from agno.models.openai import OpenAIChat, OpenAIResponses
    from agno.tools import tool
    from google.genai import Client

    once = tool(stop_after_tool_call=True)(weather)
    models = {
        "chat": ("openai-chat", lambda id: OpenAIChat(id=id, base_url=V1, max_retries=0)),
        "responses": ("openai-responses", lambda id: OpenAIResponses(id=id, base_url=V1, max_retries=0)),
        "messages": ("anthropic-messages", lambda id: Claude(id=id, client_params={"base_url": root, "max_retries": 0})),
        "ollama": ("ollama-chat", lambda id: Ollama(id=id, host=root)),
        "gemini": ("gemini", lambda id: Gemini(id="models/" + id, client=Client(api_key="any", http_options={"base_url": root}))),
    }

    def whole(make, model):
        run = Agent(model=make(model), tools=[once], telemetry=False).run(ASK)
        return {"COMPLETED": "complete", "ERROR": "error"}.get(run.status.value, run.status.value), run.content

    def streamed(make, model):
        text, seen = "", "nothing"
        for event in Agent(model=make(model), tools=[once], telemetry=False).run(ASK, stream=True, stream_events=True):
            if event.event == "RunContent":
                text += str(event.content or "")
            if event.event == "RunError":
                seen, text = "error", text + str(event.content)
            if event.event == "RunCompleted" and seen == "nothing":
                seen = "complete"
        return seen, text

    def unless_endless(run, make, model):
        # When the arguments of a call end too early it asks again, without end.
        return None if model.endswith("/call-length") else run(make, model)

    for name, (dialect, make) in models.items():
        yield name, dialect, lambda model, make=make: unless_endless(whole, make, model)
        yield name + " stream", dialect, lambda model, make=make: unless_endless(streamed, make, model)


def langchain():
    from langchain_anthropic import ChatAnthropic
    from langchain_google_genai import ChatGoogleGenerativeAI
    from langchain_ollama import ChatOllama
    from langchain_openai import ChatOpenAI

    models = {
        "chat": ("openai-chat", lambda m: ChatOpenAI(model=m, base_url=V1, max_retries=0)),
        "responses": ("openai-responses", lambda m: ChatOpenAI(model=m, base_url=V1, max_retries=0, use_responses_api=True)),
        "messages": ("anthropic-messages", lambda m: ChatAnthropic(model=m, base_url=root, max_retries=0, max_tokens=64)),
        "ollama": ("ollama-chat", lambda m: ChatOllama(model=m, base_url=root)),
        "gemini": ("gemini", lambda m: ChatGoogleGenerativeAI(model="models/" + m, base_url=root, max_retries=1)),
    }

    def read(message):
        about = message.response_metadata
        reason = (about.get("incomplete_details") or {}).get("reason") or next((about[k] for k in ("finish_reason", "stop_reason", "done_reason", "status") if about.get(k)), None)
        refusal = message.additional_kwargs.get("refusal") or [p for p in message.content if isinstance(p, dict) and p.get("type") == "refusal"]
        return "refused" if refusal else word(reason), message.text or refusal or message.tool_calls or message.invalid_tool_calls

    def streamed(bound):
        total = None
        for chunk in bound.stream(ASK):
            total = chunk if total is None else total + chunk
        return read(total)

    tool = {"type": "function", "function": FUNCTION}
    for name, (dialect, make) in models.items():
        yield name, dialect, lambda model, make=make: read(make(model).bind_tools([tool]).invoke(ASK))
        yield name + " stream", dialect, lambda model, make=make: streamed(make(model).bind_tools([tool]))


main({"agents": agents, "agno": agno, "langchain": langchain})
