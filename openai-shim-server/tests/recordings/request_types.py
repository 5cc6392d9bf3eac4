"""Validates a request with the request types of the official SDKs, in strict mode with unknown members refused, and, for
OpenAI's dialects, also with OpenAI's own OpenAPI document.

`check(dialect, body)` returns findings: a list of `(path, problem, value)`. Positions in lists are `[]` in a path.
"""
import functools, json, typing
import typing_extensions
import jsonschema, pydantic, pydantic_core
import anthropic.types.message_create_params as anthropic_params
import google.genai.types as google
import ollama._types as ollama
import openai.types.chat.completion_create_params as chat_params
import openai.types.completion_create_params as completion_params
import openai.types.responses.response_create_params as responses_params

# What Google's servers read at the top of a request: `generateContent` of its discovery document. The SDK keeps the
# configuration in one flat type and spreads it when it sends.
Gemini = pydantic.create_model("Gemini", __base__=google._common.BaseModel, **{
    name: (typing.Optional[kind], None) for name, kind in {
        "model": str, "system_instruction": google.Content, "tools": list[google.Tool], "tool_config": google.ToolConfig,
        "safety_settings": list[google.SafetySetting], "generation_config": google.GenerationConfig, "cached_content": str,
        "labels": dict[str, str], "service_tier": google.ServiceTier,
    }.items()
}, contents=(list[google.Content], ...))
Gemini.model_config["defer_build"] = False
Gemini.model_rebuild(force=True)


class OllamaMessage(ollama.Message):
    """The SDK sends a message as the client wrote it. `api/types.go` of the server has these members besides."""
    class ToolCall(ollama.Message.ToolCall):
        class Function(ollama.Message.ToolCall.Function):
            index: typing.Optional[int] = None
        id: typing.Optional[str] = None
        function: Function
    images: typing.Optional[list[str]] = None
    tool_calls: typing.Optional[list[ToolCall]] = None
    tool_call_id: typing.Optional[str] = None


class OllamaTool(ollama.Tool):
    """`api/types.go` keeps any schema as the parameters of a function."""
    class Function(ollama.Tool.Function):
        parameters: typing.Optional[dict[str, typing.Any]] = None
    function: typing.Optional[Function] = None


class OllamaOptions(ollama.Options):
    """`api/types.go`, `Options` and `Runner`, and members of older servers that a newer one ignores."""
    min_p: typing.Optional[float] = None


class OllamaChat(ollama.ChatRequest):
    messages: list[OllamaMessage]
    tools: typing.Optional[list[OllamaTool]] = None
    options: typing.Optional[OllamaOptions] = None
    truncate: typing.Optional[bool] = None
    shift: typing.Optional[bool] = None


class OllamaGenerate(ollama.GenerateRequest):
    options: typing.Optional[OllamaOptions] = None
    images: typing.Optional[list[str]] = None
    truncate: typing.Optional[bool] = None
    shift: typing.Optional[bool] = None


class AnthropicSampling(typing_extensions.TypedDict, total=False):
    """The SDK's types follow version 2026-10-21 of the API, which has these no more. The shim asks with 2023-06-01."""
    temperature: float
    top_p: float
    top_k: int


TYPES = {
    "openai-chat": chat_params.CompletionCreateParams,
    "openai-completions": completion_params.CompletionCreateParams,
    "openai-responses": responses_params.ResponseCreateParams,
    "anthropic-messages": anthropic_params.MessageCreateParams,
    "ollama-chat": OllamaChat,
    "ollama-generate": OllamaGenerate,
    "gemini": Gemini,
}
SPEC = {"openai-chat": "CreateChatCompletionRequest", "openai-completions": "CreateCompletionRequest", "openai-responses": "CreateResponse"}


def strict(schema):
    """The core schema with unknown members refused everywhere, and lists where the SDK takes any iterable: pydantic does
    not look at the elements of an iterable. Several branches of a union that hold one member each with a fixed word are
    chosen by that word, so that an error is about the branch that was meant."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if isinstance(schema, tuple):
        return tuple(strict(item) for item in schema)
    if not isinstance(schema, dict):
        return schema
    out = {key: value if key in ("metadata", "serialization") else strict(value) for key, value in schema.items()}
    kind = out.get("type")
    if kind == "generator":
        return {"type": "list", "items_schema": out["items_schema"]} | ({"ref": out["ref"]} if "ref" in out else {})
    if kind == "bytes":
        return {"type": "str"}
    if kind == "enum":  # Google reads its words in upper and lower case
        values = [member.value for member in out["members"]]
        return {"type": "literal", "expected": values + [value.lower() for value in values]}
    if kind == "typed-dict":
        out["extra_behavior"] = "forbid"
        out.pop("config", None)
    if kind == "model-fields":
        out["extra_behavior"] = "forbid"
    if kind == "model":  # the class has a validator already, which takes what the SDK takes
        return {**out["schema"], **({"ref": out["ref"]} if "ref" in out else {})}
    return out


@functools.cache
def validator(dialect):
    schema = strict(pydantic.TypeAdapter(TYPES[dialect]).core_schema)
    if dialect == "anthropic-messages":
        more = pydantic.TypeAdapter(AnthropicSampling).core_schema["fields"]
        for branch in members(schema, "typed-dict"):
            if "max_tokens" in branch["fields"] and "messages" in branch["fields"]:
                branch["fields"].update(more)
    return pydantic_core.SchemaValidator(schema)


def members(schema, kind):
    """Every schema of that kind in the schema."""
    if isinstance(schema, dict):
        if schema.get("type") == kind:
            yield schema
        for value in schema.values():
            yield from members(value, kind)
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            yield from members(value, kind)


def steps(loc, body):
    """The path into the body without the names of union branches, and for each step the branches chosen before it."""
    path, branches, value = [], [], body
    for at, step in enumerate(loc):
        here = (isinstance(value, dict) and step in value) or (isinstance(value, list) and isinstance(step, int))
        if here and isinstance(value, dict) and isinstance(step, str) and at + 1 < len(loc) and step[:1].isupper() and isinstance(value, str):
            here = False
        if here:
            path.append(step)
            value = value[step] if not isinstance(step, int) or step < len(value) else None
        elif at == len(loc) - 1 and isinstance(value, dict) and not is_branch(step):
            path.append(step)  # a member that is missing
        else:
            branches.append((tuple(path), step))
    return path, branches, value


def is_branch(step):
    return not isinstance(step, str) or step[:1].isupper() or any(c in step for c in "[(") or step in ("str", "int", "float", "bool", "none", "dict")


def best(errors, body):
    """The errors of the branch that was meant, for each union: it has no wrong `type` or `role`, and the fewest errors."""
    def cost(group, where):
        wrong = 0
        for path, _, _, e in group:
            below = path[len(where):]
            fixed = below in (["type"], ["role"], ["object"])
            wrong += 100 if fixed and e["type"] == "literal_error" else 20 if fixed else 50 if not below and e["type"].endswith("_type") else 1
        return wrong

    def choose(items, depth):
        at, done = {}, []
        for item in items:
            if len(item[1]) > depth:
                where, branch = item[1][depth]
                at.setdefault(where, {}).setdefault(branch, []).append(item)
            else:
                done.append(item)
        for where, branches in at.items():
            done += min((choose(branch, depth + 1) for branch in branches.values()), key=lambda chosen: cost(chosen, where))
        return done

    return choose([(*steps(e["loc"], body), e) for e in errors], 0)


def dotted(path):
    return ".".join("[]" if isinstance(step, int) else str(step) for step in path)


def short(value):
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else text[:117] + "..."


def by_sdk(dialect, body):
    # Lone surrogates, which JSON text may carry, are a rule of their own: here they would hide everything else.
    text = json.dumps(body).encode()
    try:
        validator(dialect).validate_json(text, strict=True, by_alias=True, by_name=False)
        return []
    except pydantic_core.ValidationError as failure:
        return [(dotted(path), f"sdk: {e['type']}", short(e.get("input"))) for path, _, _, e in best(failure.errors(include_url=False, include_context=False), body)]


@functools.cache
def spec_validator(shared, name):
    with open(f"{shared}/spec/openai-openapi.json") as f:
        components = json.load(f)["components"]
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def flat(error):
    """The errors of the branch that was meant, of a failed `anyOf` or `oneOf`."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        return [error]
    groups = {}
    for e in error.context:
        groups.setdefault(e.schema_path[0], []).append(e)

    def cost(group):
        wrong = sum(5 for e in group if list(e.relative_path)[-1:] in (["type"], ["role"], ["object"]) and len(e.relative_path) <= 1 and e.validator in ("enum", "const"))
        return wrong + sum(8 for e in group if e.validator == "type" and not e.relative_path) + len(group)
    return [x for e in min(groups.values(), key=cost) for x in flat(e)]


def by_spec(shared, dialect, body):
    if dialect not in SPEC:
        return []
    if dialect == "openai-responses":  # each item against 30 branches costs more than all the rest; the SDK's types have them too
        body = {**body, "input": ""}
    errors = [e for error in spec_validator(shared, SPEC[dialect]).iter_errors(body) for e in flat(error)]
    # `oneOf` without an error below: several branches fit, which the document does not mean.
    return [(dotted(e.absolute_path), f"spec: {e.validator}", short(e.instance)) for e in errors if e.validator != "oneOf" or e.context]


def check(shared, dialect, body):
    return by_sdk(dialect, body) + by_spec(shared, dialect, body)
