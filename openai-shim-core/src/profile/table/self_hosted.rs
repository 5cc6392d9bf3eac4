//! Self-hosted servers (vLLM, llama.cpp, …).

use super::helpers::{
    added, also_completions, anywhere, developer_as_system, drop_params, for_models, forced_choice_as_auto,
    image_details, layer, list, map, max_tokens_only, media_from_users, named, ranges, rankings,
    reasoning_by, text,
};
use crate::accepts::{
    ContentType, FormatBesideTools, MediaLayer, MessageLayer, ParamLayer, PrefillPolicy, ReasoningField,
    ReasoningParam, RerankFormat, ResponseFormatLayer, ResponseFormatSupport, StreamingLayer,
    ToolCallContent, ToolCallIdFormat, ToolChoiceSupport, ToolLayer,
};
use crate::profile::definition::{EndpointPaths, ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
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
                "https://github.com/vllm-project/vllm/issues/38488",
                "corpus: records/vllm",
            ]),
            // Newer versions read `reasoning`, older ones `reasoning_content`.
            messages: layer!(MessageLayer {
                reasoning_field: ReasoningField::Both,
                // <https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/chat_utils.py>: it parses them.
                object_arguments: true,
                ..developer_as_system()
            }),
            model_overrides: [strict_chat_templates(), vec![qwen_enable_thinking()]].concat(),
            extra_dialects: also_completions(),
            media: media_from_users(&["image", "audio"]),
            ..anywhere("vllm", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("SGLang"),
            sources: list(&[
                "https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/openai/protocol.py",
                "https://docs.sglang.ai/basic_usage/openai_api_completions.html (R49)",
                "https://github.com/sgl-project/sglang/issues/3912",
            ]),
            hosts: list(&[":30000"]),
            model_overrides: vec![qwen_enable_thinking()],
            extra_dialects: also_completions(),
            media: image_details(&["auto", "low", "high"]),
            response_format: layer!(ResponseFormatLayer { beside_tools: FormatBesideTools::Unforced }),
            ..anywhere("sglang", "http://127.0.0.1:30000/v1")
        },
        Profile {
            description: text("Hugging Face's text-generation-inference"),
            sources: list(&[
                "https://huggingface.co/docs/text-generation-inference/messages_api",
                "https://github.com/dnakov/anon-kode/issues/60 (R7)",
                "https://github.com/predibase/lorax/issues/215 (R5)",
                "https://github.com/mistralai/mistral-common/issues/169 (R8 R11)",
                "https://github.com/huggingface/text-generation-inference/blob/main/router/src/validation.rs (R31)",
            ]),
            // 1, the default, is out of its range.
            params: layer!(ParamLayer { clamp: ranges(&[("top_p", [0.01, 0.99])]) }),
            model_overrides: strict_chat_templates(),
            media: media_from_users(&["image"]),
            response_format: layer!(ResponseFormatLayer { beside_tools: FormatBesideTools::Nothing }),
            ..anywhere("tgi", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("llama.cpp's llama-server"),
            sources: list(&[
                "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
                "https://github.com/TypeCellOS/BlockNote/issues/1783 (R6)",
                "https://github.com/ggml-org/llama.cpp/issues/19851 (R7)",
                "corpus: llama.cpp, records/llama-server",
            ]),
            messages: layer!(MessageLayer { merge_system: true, ..developer_as_system() }),
            model_overrides: vec![alternating_roles()],
            extra_dialects: also_completions(),
            // <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-common.cpp>
            media: layer!(MediaLayer {
                audio_types: list(&["audio/wav", "audio/mpeg"]),
                ..media_from_users(&["image", "audio"])
            }),
            ..anywhere("llama-cpp", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("llama-cpp-python's server"),
            sources: list(&[
                "https://llama-cpp-python.readthedocs.io/en/latest/server",
                "corpus: records/llama-cpp-python/err_max_tokens_string",
                "corpus: records/llama-cpp-python (R1 R3 R13 R15 R28 R34 R46)",
            ]),
            params: layer!(ParamLayer { max_choices: Some(1), refused_with_500: true, ..max_tokens_only() }),
            messages: layer!(MessageLayer {
                content: ContentType::String,
                tool_call_content: ToolCallContent::Empty,
                ..developer_as_system()
            }),
            response_format: layer!(ResponseFormatLayer { json_schema: ResponseFormatSupport::JsonObject }),
            tools: layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto }),
            extra_dialects: also_completions(),
            ..anywhere("llama-cpp-python", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("Hugging Face's Text Embeddings Inference: embeddings and rankings"),
            sources: list(&[
                "https://github.com/huggingface/text-embeddings-inference/blob/main/router/src/http/server.rs",
                "https://github.com/huggingface/text-embeddings-inference/issues/683",
            ]),
            has_model_list: false,
            // It ranks beside `/v1`, where its embeddings are.
            rerank: rankings(RerankFormat::Tei, "/../rerank"),
            ..anywhere("tei", "http://127.0.0.1:8080/v1")
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
            messages: layer!(MessageLayer {
                tool_call_content: ToolCallContent::Empty,
                ..developer_as_system()
            }),
            tools: layer!(ToolLayer { named_choice: ToolChoiceSupport::Required }),
            response_format: layer!(ResponseFormatLayer {
                json_object: ResponseFormatSupport::JsonSchema,
                omit_text: true
            }),
            extra_dialects: also_completions(),
            ..anywhere("lm-studio", "http://127.0.0.1:1234/v1")
        },
        Profile {
            description: text("Ollama's /v1"),
            sources: list(&[
                "https://github.com/ollama/ollama/blob/main/openai/openai.go",
                "https://docs.ollama.com/api/openai-compatibility (R1 R28)",
                "https://github.com/ollama/ollama/blob/main/docs/openai.md (R27 R28)",
                "https://github.com/ollama/ollama/issues/17921 (R34 R35)",
                "https://github.com/ollama/ollama/issues/6753 (R51)",
                "https://github.com/ollama/ollama/issues/18534",
                "corpus: ollama",
            ]),
            hosts: list(&[":11434"]),
            params: layer!(ParamLayer {
                drop: added(&["logit_bias", "user"]),
                max_choices: Some(1),
                ..max_tokens_only()
            }),
            messages: layer!(MessageLayer {
                // A list of parts becomes several messages.
                content: ContentType::String,
                tool_call_content: ToolCallContent::Empty,
                data_urls_only: true,
                reasoning_field: ReasoningField::Reasoning,
                ..developer_as_system()
            }),
            tools: forced_choice_as_auto(),
            extra_dialects: also_completions(),
            // It refuses GIF.
            media: layer!(MediaLayer {
                image_types: list(&["image/jpeg", "image/png", "image/webp"]),
                ..media_from_users(&["image", "audio"])
            }),
            ..anywhere("ollama", "http://127.0.0.1:11434/v1")
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
            messages: developer_as_system(),
            ..named("ollama-native")
        },
        Profile {
            description: text("LocalAI"),
            sources: list(&["https://localai.io/basics/getting_started"]),
            ..anywhere("localai", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("transformers serve"),
            sources: list(&[
                "https://huggingface.co/docs/transformers/serving",
                "corpus: records/transformers-serve (R1 R28 R46)",
            ]),
            params: layer!(ParamLayer { max_choices: Some(1), ..max_tokens_only() }),
            response_format: layer!(ResponseFormatLayer {
                json_schema: ResponseFormatSupport::Instruction,
                json_object: ResponseFormatSupport::Instruction
            }),
            stream: layer!(StreamingLayer { accepts_options: false }),
            ..anywhere("transformers-serve", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("dasllama-server"),
            sources: list(&["corpus: records/dasllama (R1 R9 R27 R28)"]),
            params: layer!(ParamLayer {
                drop: added(&["logprobs", "top_logprobs"]),
                max_choices: Some(1),
                ..max_tokens_only()
            }),
            messages: layer!(MessageLayer { prefill: PrefillPolicy::Continue, ..developer_as_system() }),
            ..named("dasllama")
        },
        Profile {
            description: text("LitServe"),
            sources: list(&[
                "https://lightning.ai/docs/litserve/features/open-ai-spec",
                "corpus: records/litserve (R28 R34 R35 R36 M6)",
            ]),
            has_model_list: false,
            params: layer!(ParamLayer { max_choices: Some(1), ..drop_params(&["logprobs", "top_logprobs"]) }),
            tools: layer!(ToolLayer {
                required_choice: ToolChoiceSupport::Any,
                named_choice: ToolChoiceSupport::Any
            }),
            ..anywhere("litserve", "http://127.0.0.1:8000/v1")
        },
        Profile {
            description: text("mlx-vlm's server"),
            sources: list(&[
                "https://github.com/Blaizzy/mlx-vlm",
                "https://github.com/Blaizzy/mlx-vlm/pull/1070 (R34)",
            ]),
            tools: forced_choice_as_auto(),
            ..anywhere("mlx-vlm", "http://127.0.0.1:8080/v1")
        },
        Profile {
            description: text("AMD's Lemonade server"),
            sources: list(&[
                "https://lemonade-server.ai/docs/server/server_spec",
                "https://github.com/lemonade-sdk/lemonade/issues/629 (R13)",
            ]),
            messages: layer!(MessageLayer { content: ContentType::String, ..developer_as_system() }),
            ..anywhere("lemonade", "http://127.0.0.1:8000/api/v1")
        },
        Profile {
            description: text("mistral.rs"),
            sources: list(&[
                "https://github.com/EricLBuehler/mistral.rs/blob/master/docs/HTTP.md",
                "https://docs.rs/mistralrs-core/0.8.0/mistralrs_core/enum.ToolChoice.html (R34)",
                "https://github.com/EricLBuehler/mistral.rs/issues/506 (R5)",
                "corpus: mistral.rs",
            ]),
            tools: layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto }),
            model_overrides: vec![gemma_2_without_system()],
            ..anywhere("mistral-rs", "http://127.0.0.1:1234/v1")
        },
        Profile {
            description: text("OpenVINO Model Server"),
            sources: list(&[
                "https://docs.openvino.ai/nightly/model-server/ovms_docs_rest_api_chat.html",
                "https://github.com/openvinotoolkit/model_server/issues/3553",
            ]),
            ..anywhere("openvino", "http://127.0.0.1:8000/v3")
        },
        Profile {
            description: text("GPUStack"),
            sources: list(&["https://docs.gpustack.ai/latest/user-guide/openai-compatible-apis"]),
            ..anywhere("gpustack", "http://127.0.0.1/v1")
        },
    ]
}

/// What the chat templates of some models refuse, for servers that apply them unchanged.
fn strict_chat_templates() -> Vec<ModelOverride> {
    vec![
        gemma_2_without_system(),
        alternating_roles(),
        ModelOverride {
            messages: layer!(MessageLayer {
                assistant_after_tool: true,
                tool_call_ids: ToolCallIdFormat::Alnum9
            }),
            ..for_models(&["mistralai/*"])
        },
    ]
}

/// Models whose templates require alternating user and assistant messages.
fn alternating_roles() -> ModelOverride {
    ModelOverride {
        messages: layer!(MessageLayer { merge_same_role: true }),
        ..for_models(&["*gemma*", "*mistral*", "*mixtral*"])
    }
}

/// Gemma 2: its template has no system message.
fn gemma_2_without_system() -> ModelOverride {
    ModelOverride {
        messages: layer!(MessageLayer { roles: map(&[("system", "user"), ("developer", "user")]) }),
        ..for_models(&["*gemma-2-*", "*gemma2*"])
    }
}

/// Qwen 3: its template takes `enable_thinking`.
fn qwen_enable_thinking() -> ModelOverride {
    ModelOverride { reasoning: reasoning_by(ReasoningParam::ChatTemplateKwargs), ..for_models(&["*qwen3*"]) }
}
