//! Servers that people run themselves.

use super::{
    list, local, map, models, never_forced, no_developer, old_limit, prompts, row, text, thinking, without,
};
use crate::profile::{
    EndpointPaths, MessageRules, ModelOverride, ParamRules, PrefillPolicy, Profile, ReasoningParam,
    ResponseFormatRules, ResponseFormatSupport, StreamingSupport, ToolCallIdFormat, ToolChoiceSupport,
    ToolRules,
};

pub(super) fn rows() -> Vec<Profile> {
    vec![
        Profile {
            description: text("vLLM"),
            sources: list(&[
                "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
                "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html (R49)",
                "https://github.com/ggml-org/llama.cpp/issues/19851 (R7)",
                "https://github.com/predibase/lorax/issues/215 (R5)",
                "https://github.com/langchain-ai/langchain/pull/24668 (R11)",
                "https://github.com/mistralai/mistral-common/issues/169 (R8)",
                "corpus: records/vllm",
            ]),
            model_overrides: [templates(), vec![qwen()]].concat(),
            extra_dialects: prompts(),
            ..local("vllm", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("SGLang"),
            sources: list(&[
                "https://docs.sglang.ai/basic_usage/openai_api_completions.html (R49)",
                "https://github.com/sgl-project/sglang/issues/3912",
            ]),
            hosts: list(&[":30000"]),
            model_overrides: vec![qwen()],
            extra_dialects: prompts(),
            ..local("sglang", "http://127.0.0.1:30000/v1")
        },
        Profile {
            description: text("Hugging Face's text-generation-inference"),
            sources: list(&[
                "https://huggingface.co/docs/text-generation-inference/messages_api",
                "https://github.com/dnakov/anon-kode/issues/60 (R7)",
                "https://github.com/predibase/lorax/issues/215 (R5)",
                "https://github.com/mistralai/mistral-common/issues/169 (R8 R11)",
            ]),
            model_overrides: templates(),
            ..local("tgi", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("llama.cpp's llama-server"),
            sources: list(&[
                "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
                "https://github.com/TypeCellOS/BlockNote/issues/1783 (R6)",
                "https://github.com/ggml-org/llama.cpp/issues/19851 (R7)",
                "corpus: llama.cpp, records/llama-server",
            ]),
            messages: MessageRules { merge_system: true, ..no_developer() },
            model_overrides: vec![taking_turns()],
            extra_dialects: prompts(),
            ..local("llama-cpp", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("llama-cpp-python's server"),
            sources: list(&[
                "https://llama-cpp-python.readthedocs.io/en/latest/server",
                "corpus: records/llama-cpp-python (R1 R3 R13 R15 R28 R34 R46)",
            ]),
            params: ParamRules { single_choice: true, ..old_limit() },
            messages: MessageRules { flatten_text: true, empty_content: true, ..no_developer() },
            response_format: ResponseFormatRules {
                json_schema: ResponseFormatSupport::JsonObject,
                ..ResponseFormatRules::default()
            },
            tools: ToolRules { required_choice: ToolChoiceSupport::Auto, ..ToolRules::default() },
            extra_dialects: prompts(),
            ..local("llama-cpp-python", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("LM Studio"),
            sources: list(&[
                "https://lmstudio.ai/docs/developer/openai-compat",
                "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/189 (R44)",
                "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/261 (R15)",
                "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/307 (R44 R45)",
                "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670 (R35)",
            ]),
            hosts: list(&[":1234"]),
            messages: MessageRules { empty_content: true, ..no_developer() },
            tools: ToolRules { named_choice: ToolChoiceSupport::Required, ..ToolRules::default() },
            response_format: ResponseFormatRules {
                json_object: ResponseFormatSupport::JsonSchema,
                omit_text: true,
                ..ResponseFormatRules::default()
            },
            extra_dialects: prompts(),
            ..local("lm-studio", "http://127.0.0.1:1234/v1")
        },
        Profile {
            description: text("Ollama's /v1"),
            sources: list(&[
                "https://docs.ollama.com/api/openai-compatibility (R1 R28)",
                "https://github.com/ollama/ollama/blob/main/docs/openai.md (R27 R28)",
                "https://github.com/ollama/ollama/issues/17921 (R34 R35)",
                "https://github.com/ollama/ollama/issues/6753 (R51)",
                "corpus: ollama",
            ]),
            hosts: list(&[":11434"]),
            params: ParamRules { drop: list(&["logit_bias", "user"]), single_choice: true, ..old_limit() },
            messages: MessageRules { empty_content: true, data_urls_only: true, ..no_developer() },
            tools: never_forced(),
            extra_dialects: prompts(),
            ..local("ollama", "http://127.0.0.1:11434/v1")
        },
        Profile {
            description: text("Ollama's own API, chosen by its name"),
            sources: list(&[
                "https://docs.ollama.com/api/chat (R28 R34 R35)",
                "https://docs.ollama.com/api/tags",
                "corpus: ollama",
            ]),
            dialect: text("ollama-chat"),
            paths: EndpointPaths { models: text("/tags"), ..EndpointPaths::default() },
            params: ParamRules { single_choice: true, ..ParamRules::default() },
            messages: no_developer(),
            tools: never_forced(),
            ..row("ollama-native")
        },
        Profile {
            description: text("LocalAI"),
            sources: list(&["https://localai.io/basics/getting_started"]),
            ..local("localai", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("transformers serve"),
            sources: list(&[
                "https://huggingface.co/docs/transformers/serving",
                "corpus: records/transformers-serve (R1 R28 R46)",
            ]),
            params: ParamRules { single_choice: true, ..old_limit() },
            response_format: ResponseFormatRules {
                json_schema: ResponseFormatSupport::Instruction,
                json_object: ResponseFormatSupport::Instruction,
                ..ResponseFormatRules::default()
            },
            stream: StreamingSupport { accepts_options: false, ..StreamingSupport::default() },
            ..local("transformers-serve", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("dasllama-server"),
            sources: list(&["corpus: records/dasllama (R1 R9 R27 R28)"]),
            params: ParamRules {
                drop: list(&["logprobs", "top_logprobs"]),
                single_choice: true,
                ..old_limit()
            },
            messages: MessageRules { prefill: PrefillPolicy::Continue, ..no_developer() },
            ..row("dasllama")
        },
        Profile {
            description: text("LitServe"),
            sources: list(&[
                "https://lightning.ai/docs/litserve/features/open-ai-spec",
                "corpus: records/litserve (R28 R34 R35 R36 M6)",
            ]),
            has_model_list: false,
            params: ParamRules { single_choice: true, ..without(&["logprobs", "top_logprobs"]) },
            tools: ToolRules {
                required_choice: ToolChoiceSupport::Any,
                named_choice: ToolChoiceSupport::Any,
                ..ToolRules::default()
            },
            ..local("litserve", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("mlx-vlm's server"),
            sources: list(&[
                "https://github.com/Blaizzy/mlx-vlm",
                "https://github.com/Blaizzy/mlx-vlm/pull/1070 (R34)",
            ]),
            tools: never_forced(),
            ..local("mlx-vlm", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("AMD's Lemonade server"),
            sources: list(&[
                "https://lemonade-server.ai/docs/server/server_spec",
                "https://github.com/lemonade-sdk/lemonade/issues/629 (R13)",
            ]),
            messages: MessageRules { flatten_text: true, ..no_developer() },
            ..local("lemonade", "http://127.0.0.1:8000/api/v1")
        },
        Profile {
            description: text("mistral.rs"),
            sources: list(&[
                "https://github.com/EricLBuehler/mistral.rs/blob/master/docs/HTTP.md",
                "https://docs.rs/mistralrs-core/0.8.0/mistralrs_core/enum.ToolChoice.html (R34)",
                "https://github.com/EricLBuehler/mistral.rs/issues/506 (R5)",
                "corpus: mistral.rs",
            ]),
            tools: ToolRules { required_choice: ToolChoiceSupport::Auto, ..ToolRules::default() },
            model_overrides: vec![gemma_2()],
            ..local("mistral-rs", "http://127.0.0.1:1234/v1")
        },
        Profile {
            description: text("OpenVINO Model Server"),
            sources: list(&[
                "https://docs.openvino.ai/nightly/model-server/ovms_docs_rest_api_chat.html",
                "https://github.com/openvinotoolkit/model_server/issues/3553",
            ]),
            ..local("openvino", "http://127.0.0.1:8000/v3")
        },
        Profile {
            description: text("GPUStack"),
            sources: list(&["https://docs.gpustack.ai/latest/user-guide/openai-compatible-apis"]),
            ..local("gpustack", "http://127.0.0.1/v1")
        },
    ]
}

/// What chat templates of some models refuse, where the server applies them as they are.
fn templates() -> Vec<ModelOverride> {
    vec![
        gemma_2(),
        taking_turns(),
        ModelOverride {
            messages: MessageRules {
                assistant_after_tool: true,
                tool_call_ids: ToolCallIdFormat::Alnum9,
                ..MessageRules::default()
            },
            ..models(&["mistralai/*"])
        },
    ]
}

/// Their templates want the user and the assistant in turn.
fn taking_turns() -> ModelOverride {
    ModelOverride {
        messages: MessageRules { merge_same_role: true, ..MessageRules::default() },
        ..models(&["*gemma*", "*mistral*", "*mixtral*"])
    }
}

/// Its template has no system message.
fn gemma_2() -> ModelOverride {
    ModelOverride {
        messages: MessageRules {
            roles: map(&[("system", "user"), ("developer", "user")]),
            ..MessageRules::default()
        },
        ..models(&["*gemma-2-*", "*gemma2*"])
    }
}

/// Its template takes a switch for thinking.
fn qwen() -> ModelOverride {
    ModelOverride { reasoning: thinking(ReasoningParam::ChatTemplateKwargs), ..models(&["*qwen3*"]) }
}
