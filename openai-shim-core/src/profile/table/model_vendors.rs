//! Model vendors with an API that is nearly OpenAI's.

use super::claude_params::claude_params;
use super::gemini_models;
use super::helpers::{
    always_reasons, at_host, developer_as_system, drop_params, effort_only, efforts, embeddings_at_most,
    for_models, forced_choice_as_auto, gemini_3_placeholder_signature, image_details, inline_schemas, layer,
    list, map, max_tokens_only, media_from_users, ranges, rankings, reasoning_by, text,
};
use crate::accepts::{
    AnyOfSiblings, AuxiliaryLayer, MessageLayer, MessageNamePolicy, ParamLayer, PrefillPolicy,
    ReasoningDefault, ReasoningField, ReasoningHistory, ReasoningLayer, ReasoningParam, RerankFormat,
    ResponseFormatLayer, ResponseFormatSupport, SchemaLayer, StreamingLayer, ToolCallContent,
    ToolCallIdFormat, ToolChoiceSupport, ToolLayer, ToolNameFormat, ToolPairing,
};
use crate::profile::definition::{ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
    vec![
        Profile {
            description: text("Anthropic's OpenAI layer"),
            sources: list(&[
                "https://platform.claude.com/docs/en/api/openai-sdk (R28 R31)",
                "https://github.com/anthropics/claude-code/issues/52433 (R10)",
                "https://platform.claude.com/docs/en/about-claude/models/migration-guide (R10 R33)",
                "https://github.com/spring-projects/spring-ai/pull/5510 (R16)",
                "https://github.com/earendil-works/pi (R40)",
                "corpus: anthropic (R31)",
            ]),
            params: layer!(ParamLayer {
                clamp: ranges(&[("temperature", [0.0, 1.0])]),
                max_choices: Some(1),
                ..drop_params(&[
                    "frequency_penalty",
                    "logit_bias",
                    "logprobs",
                    "prediction",
                    "presence_penalty",
                    "seed",
                    "top_logprobs",
                ])
            }),
            messages: layer!(MessageLayer {
                tool_call_content: ToolCallContent::Null,
                drop_empty_assistant: true,
                drop_blank_text: true
            }),
            tools: layer!(ToolLayer { drop_strict: true, declare_from_history: true }),
            response_format: layer!(ResponseFormatLayer {
                json_schema: ResponseFormatSupport::Instruction,
                json_object: ResponseFormatSupport::Instruction
            }),
            model_overrides: claude_params(),
            ..at_host("anthropic-openai", "https://api.anthropic.com/v1")
        },
        Profile {
            description: text("Gemini's OpenAI layer"),
            sources: list(&[
                "https://ai.google.dev/gemini-api/docs/openai (R50)",
                "https://github.com/n4ze3m/page-assist/issues/418 (R26)",
                "https://github.com/sleepydeer666/RPGBox/issues/2 (R26)",
                "https://github.com/BerriAI/litellm/issues/6136 (R42)",
                "https://ai.google.dev/gemini-api/docs/thought-signatures (R23)",
                "https://github.com/StarTrail-org/LEANN/pull/214",
            ]),
            embeddings: embeddings_at_most(100),
            params: drop_params(&["frequency_penalty", "presence_penalty"]),
            messages: layer!(MessageLayer { signatures_in_ids: true, ..developer_as_system() }),
            model_overrides: [vec![gemini_3_placeholder_signature()], gemini_models::as_chat()].concat(),
            tools: layer!(ToolLayer { names: ToolNameFormat::Identifier64, ..inline_schemas() }),
            reasoning: efforts(&["none", "minimal", "low", "medium", "high"]),
            ..at_host("gemini-openai", "https://generativelanguage.googleapis.com/v1beta/openai")
        },
        Profile {
            description: text("Mistral"),
            sources: list(&[
                "https://docs.mistral.ai/api (R9 R19)",
                "https://github.com/mistralai/client-python (R1 R19 R22)",
                "https://github.com/editor-code-assistant/eca/issues/231 (R1 R58)",
                "https://github.com/yetone/avante.nvim/issues/2347 (R24)",
                "https://github.com/langchain-ai/langchain/pull/24668 (R11)",
                "https://github.com/0xPlaygrounds/rig/pull/1130 (R9)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/mistral (R16 R19 R42)",
                "https://github.com/zed-industries/zed/issues/37021 (R8)",
                "https://github.com/Mirascope/mirascope/issues/961",
                "corpus: mistral",
            ]),
            hosts: list(&["api.mistral.ai", "codestral.mistral.ai"]),
            params: layer!(ParamLayer {
                rename: map(&[("max_completion_tokens", "max_tokens"), ("seed", "random_seed")]),
                ..drop_params(&["audio", "logit_bias", "modalities", "store", "user", "verbosity"])
            }),
            messages: layer!(MessageLayer {
                name_field: MessageNamePolicy::Tool,
                drop_empty_assistant: true,
                prefill: PrefillPolicy::Prefix,
                tool_call_ids: ToolCallIdFormat::Alnum9,
                reasoning_history: ReasoningHistory::Drop,
                ..developer_as_system()
            }),
            tools: ToolLayer { require_parameters: Some(true), ..inline_schemas() },
            stream: layer!(StreamingLayer { accepts_options: false }),
            model_overrides: vec![
                ModelOverride {
                    messages: layer!(MessageLayer { assistant_after_tool: true }),
                    ..for_models(&["devstral*", "mistral-medium*"])
                },
                ModelOverride {
                    reasoning: efforts(&["none", "high"]),
                    ..for_models(&["mistral-medium-3.5*", "mistral-small-4*", "mistral-large-4*"])
                },
            ],
            media: image_details(&["auto", "low", "high"]),
            ..at_host("mistral", "https://api.mistral.ai/v1")
        },
        Profile {
            description: text("DeepSeek"),
            sources: list(&[
                "https://api-docs.deepseek.com/api/create-chat-completion (R46)",
                "https://api-docs.deepseek.com/guides/thinking_mode (R21 R49 R50)",
                "https://github.com/llm-exe/llm-exe/issues/662 (R46)",
                "https://github.com/anomalyco/opencode/issues/24722 (R21)",
                "https://github.com/earendil-works/pi (R3)",
                "https://github.com/deepseek-ai/awesome-deepseek-integration/issues/740",
                "corpus: deepseek (R13 R37 R53)",
            ]),
            params: max_tokens_only(),
            messages: layer!(MessageLayer {
                tool_pairing: ToolPairing::Adjacent,
                reasoning_history: ReasoningHistory::Restore,
                reasoning_field: ReasoningField::ReasoningContent,
                ..developer_as_system()
            }),
            response_format: layer!(ResponseFormatLayer { json_schema: ResponseFormatSupport::JsonObject }),
            reasoning: layer!(ReasoningLayer {
                param: ReasoningParam::Thinking,
                default: ReasoningDefault::On,
                ..efforts(&["low", "high", "max"])
            }),
            model_overrides: vec![
                ModelOverride {
                    messages: layer!(MessageLayer { input_modalities: Some(Vec::new()) }),
                    ..for_models(&[
                        "deepseek-chat",
                        "deepseek-reasoner",
                        "deepseek-v4-flash",
                        "deepseek-v4-pro",
                    ])
                },
                ModelOverride { tools: forced_choice_as_auto(), ..for_models(&["deepseek-reasoner"]) },
            ],
            ..at_host("deepseek", "https://api.deepseek.com/v1")
        },
        Profile {
            description: text("xAI"),
            sources: list(&[
                "https://docs.x.ai/developers/model-capabilities/text/reasoning (R50)",
                "https://github.com/QuantumNous/new-api/pull/6081 (R26)",
                "https://github.com/miaoxworld/NativeTavern/issues/83 (R26)",
                "https://github.com/diegosouzapw/OmniRoute/pull/5273 (R26 R27)",
                "https://github.com/NousResearch/hermes-agent/issues/23088 (R49)",
                "https://github.com/vercel/ai/releases/tag/@ai-sdk%2Fxai@4.0.8 (R49)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/xai (R19 R26 R29)",
                "https://github.com/xai-org/xai-sdk-python (R27 R30 R31)",
                "https://github.com/earendil-works/pi (R3)",
            ]),
            params: layer!(ParamLayer {
                clamp: ranges(&[("temperature", [0.0, 2.0]), ("top_logprobs", [0.0, 8.0])]),
                max_stop_sequences: Some(4)
            }),
            messages: layer!(MessageLayer { name_field: MessageNamePolicy::Drop, ..developer_as_system() }),
            reasoning: reasoning_by(ReasoningParam::ReasoningEffort),
            model_overrides: vec![
                ModelOverride {
                    params: layer!(ParamLayer {
                        max_stop_sequences: Some(0),
                        ..drop_params(&["frequency_penalty", "presence_penalty"])
                    }),
                    ..for_models(&["grok-3-mini*", "grok-4*", "grok-code-fast*"])
                },
                ModelOverride {
                    params: drop_params(&[
                        "frequency_penalty",
                        "presence_penalty",
                        "logprobs",
                        "top_logprobs",
                    ]),
                    ..for_models(&["grok-build*"])
                },
                ModelOverride {
                    reasoning: reasoning_by(ReasoningParam::Unsupported),
                    ..for_models(&["grok-4", "grok-4-*", "grok-4.20*reasoning", "grok-code-fast*"])
                },
                ModelOverride {
                    reasoning: efforts(&["none", "low", "high"]),
                    ..for_models(&["grok-3-mini*"])
                },
                ModelOverride {
                    reasoning: efforts(&["none", "low", "medium", "high"]),
                    ..for_models(&["grok-4.3*"])
                },
                ModelOverride {
                    reasoning: always_reasons(&["low", "medium", "high"]),
                    ..for_models(&["grok-4.5*"])
                },
                ModelOverride {
                    reasoning: always_reasons(&["low", "medium", "high", "xhigh"]),
                    ..for_models(&["grok-4.6*", "grok-4.7*"])
                },
            ],
            ..at_host("xai", "https://api.x.ai/v1")
        },
        Profile {
            description: text(
                "Perplexity's Sonar, which it withdrew in September 2026 in favour of the Responses API",
            ),
            sources: list(&[
                "https://docs.perplexity.ai/docs/sonar/openai-compatibility",
                "https://github.com/perplexityai/perplexity-py (R35 R44)",
                "https://github.com/perplexityai/api-discussion/issues/265 (R7)",
                "https://github.com/TypeCellOS/BlockNote/issues/1783 (R6)",
                "https://www.librechat.ai/docs/configuration/librechat_yaml/ai_endpoints/perplexity (M6)",
                "corpus: perplexity",
            ]),
            has_model_list: false,
            params: max_tokens_only(),
            messages: layer!(MessageLayer {
                merge_system: true,
                merge_same_role: true,
                ..developer_as_system()
            }),
            tools: layer!(ToolLayer { named_choice: ToolChoiceSupport::Required }),
            response_format: layer!(ResponseFormatLayer { json_object: ResponseFormatSupport::JsonSchema }),
            reasoning: effort_only(&["minimal", "low", "medium", "high"]),
            ..at_host("perplexity", "https://api.perplexity.ai")
        },
        Profile {
            description: text("Moonshot: Kimi"),
            sources: list(&[
                "https://platform.kimi.ai/docs/api/chat",
                "https://platform.kimi.ai/docs/api/tool-use",
                "https://platform.kimi.ai/docs/api/models-overview (R28 R31)",
                "https://java.agentscope.io/v2/en/integration/model/kimi (R21 R31 R41 R49)",
                "https://github.com/UKGovernmentBEIS/inspect_ai/pull/5152 (R34 R35 R37)",
                "https://github.com/HeyPuter/puter/pull/2931 (R51)",
                "https://github.com/mnfst/modelparams.dev/pull/168 (R34 R49)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/moonshot (R21 R31)",
                "https://github.com/MoonshotAI/kimi-code/issues/2661",
                "https://github.com/earendil-works/pi (R3 R41)",
            ]),
            hosts: list(&["api.moonshot.ai", "api.moonshot.cn"]),
            messages: layer!(MessageLayer {
                data_urls_only: true,
                reasoning_history: ReasoningHistory::Restore,
                reasoning_field: ReasoningField::ReasoningContent,
                ..developer_as_system()
            }),
            tools: ToolLayer {
                schema: layer!(SchemaLayer { any_of_siblings: AnyOfSiblings::NoType }),
                ..layer!(ToolLayer { drop_strict: true, names: ToolNameFormat::Identifier64 })
            },
            model_overrides: vec![
                ModelOverride {
                    params: layer!(ParamLayer { clamp: ranges(&[("temperature", [0.0, 1.0])]) }),
                    ..for_models(&["moonshot-v1*"])
                },
                ModelOverride {
                    params: layer!(ParamLayer {
                        max_choices: Some(1),
                        ..drop_params(&["frequency_penalty", "presence_penalty", "temperature", "top_p"])
                    }),
                    ..for_models(&["kimi-k2.*", "kimi-k3*"])
                },
                ModelOverride {
                    reasoning: reasoning_by(ReasoningParam::Thinking),
                    ..for_models(&["kimi-k2.*"])
                },
                ModelOverride {
                    reasoning: layer!(ReasoningLayer {
                        modes: list(&["enabled"]),
                        default: ReasoningDefault::On
                    }),
                    ..for_models(&["kimi-k2.7*"])
                },
                ModelOverride { tools: forced_choice_as_auto(), ..for_models(&["kimi-k2.7-code*"]) },
                ModelOverride {
                    params: layer!(ParamLayer { max_stop_sequences: Some(5) }),
                    tools: layer!(ToolLayer { named_choice: ToolChoiceSupport::Required }),
                    reasoning: layer!(ReasoningLayer {
                        param: ReasoningParam::ReasoningEffort,
                        ..always_reasons(&["low", "high", "max"])
                    }),
                    ..for_models(&["kimi-k3*"])
                },
            ],
            ..at_host("moonshot", "https://api.moonshot.ai/v1")
        },
        Profile {
            description: text("Z.ai and Zhipu: GLM"),
            sources: list(&[
                "https://docs.z.ai/api-reference/llm/chat-completion (R30 R31 R46)",
                "https://github.com/zai-org/z-ai-sdk-python (R1 R49)",
                "https://github.com/vectorize-io/hindsight/issues/4246 (R34 R35)",
                "https://java.agentscope.io (R1 R19 R34 R41)",
                "https://github.com/earendil-works/pi (R3 R49)",
                "corpus: zai (R49)",
            ]),
            hosts: list(&["api.z.ai", "open.bigmodel.cn"]),
            params: layer!(ParamLayer {
                clamp: ranges(&[("temperature", [0.0, 1.0]), ("top_p", [0.01, 1.0])]),
                max_stop_sequences: Some(1),
                ..max_tokens_only()
            }),
            messages: layer!(MessageLayer {
                name_field: MessageNamePolicy::Drop,
                reasoning_field: ReasoningField::ReasoningContent,
                ..developer_as_system()
            }),
            tools: layer!(ToolLayer { drop_strict: true, ..forced_choice_as_auto() }),
            response_format: layer!(ResponseFormatLayer { json_schema: ResponseFormatSupport::JsonObject }),
            // An effort stands beside `thinking`.
            reasoning: ReasoningLayer {
                efforts: Some(list(&["none", "minimal", "low", "medium", "high", "xhigh", "max"])),
                ..reasoning_by(ReasoningParam::Thinking)
            },
            model_overrides: vec![
                ModelOverride {
                    reasoning: efforts(&[]),
                    ..for_models(&["glm-4*", "glm-5", "glm-5-*", "glm-5.1*"])
                },
                ModelOverride {
                    reasoning: ReasoningLayer {
                        modes: Some(list(&["enabled"])),
                        ..always_reasons(&["low", "high", "max"])
                    },
                    ..for_models(&["glm-5.3*"])
                },
            ],
            ..at_host("zai", "https://api.z.ai/api/paas/v4")
        },
        Profile {
            description: text("Alibaba's DashScope: Qwen"),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/providers/alibaba.py",
                "https://help.aliyun.com/en/model-studio/deep-thinking (R49)",
                "https://docs.instructorphp.com/cookbook/examples/B04_LLMApiSupport/llm_qwen (R34)",
                "https://github.com/browser-use/web-ui/issues/659 (R48)",
                "https://github.com/musistudio/claude-code-router/issues/948 (R48)",
                "https://github.com/earendil-works/pi/issues/1048 (R3)",
                "https://github.com/garrytan/gbrain/issues/1199",
            ]),
            embeddings: embeddings_at_most(10),
            hosts: list(&[
                "dashscope-intl.aliyuncs.com",
                "dashscope.aliyuncs.com",
                "dashscope-us.aliyuncs.com",
            ]),
            tools: layer!(ToolLayer { required_choice: ToolChoiceSupport::Auto }),
            reasoning: reasoning_by(ReasoningParam::EnableThinking),
            model_overrides: vec![ModelOverride {
                stream: layer!(StreamingLayer { required: true }),
                ..for_models(&["qwen3-*b", "qwen3-*b-*", "qwq*", "qvq*"])
            }],
            media: media_from_users(&["image", "audio"]),
            ..at_host("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1")
        },
        Profile {
            description: text("MiniMax"),
            sources: list(&[
                "https://platform.minimax.io/docs/api-reference/text-openai-api",
                "https://platform.minimax.io/docs/api-reference/text-chat (R31)",
                "https://docs.camel-ai.org/reference/camel.configs.minimax_config (R28)",
            ]),
            hosts: list(&["api.minimax.io", "api.minimaxi.com"]),
            params: layer!(ParamLayer {
                clamp: ranges(&[("temperature", [0.01, 1.0]), ("top_p", [0.01, 1.0])]),
                max_choices: Some(1)
            }),
            messages: layer!(MessageLayer {
                reasoning_field: ReasoningField::ThinkTags,
                ..developer_as_system()
            }),
            reasoning: layer!(ReasoningLayer {
                param: ReasoningParam::Thinking,
                modes: list(&["adaptive", "disabled"])
            }),
            ..at_host("minimax", "https://api.minimax.io/v1")
        },
        Profile {
            description: text("Cohere's OpenAI layer"),
            sources: list(&[
                "https://docs.cohere.com/docs/compatibility-api (R3)",
                "https://github.com/run-llama/llama_index/pull/18915",
                "https://docs.cohere.com/reference/rerank",
            ]),
            embeddings: embeddings_at_most(96),
            rerank: rankings(RerankFormat::Cohere, "/../../v2/rerank"),
            hosts: list(&["api.cohere.ai", "api.cohere.com"]),
            messages: MessageLayer::default(),
            ..at_host("cohere-openai", "https://api.cohere.ai/compatibility/v1")
        },
        Profile {
            description: text("AI21"),
            sources: list(&[
                "https://docs.ai21.com/reference/jamba-1-6-api-ref",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/ai21",
            ]),
            ..at_host("ai21", "https://api.ai21.com/studio/v1")
        },
        Profile {
            description: text("Writer"),
            sources: list(&[
                "https://dev.writer.com/api-reference/completion-api/chat-completion",
                "corpus: writer",
            ]),
            ..at_host("writer", "https://api.writer.com/v1")
        },
        Profile {
            description: text("Voyage: embeddings and rankings"),
            sources: list(&[
                "https://docs.voyageai.com/reference/embeddings-api",
                "https://docs.voyageai.com/reference/reranker-api",
                "https://www.mongodb.com/docs/api/doc/atlas-embedding-and-reranking-api/operation/operation-createembedding",
                "corpus: voyageai (M7)",
            ]),
            has_model_list: false,
            embeddings: layer!(AuxiliaryLayer {
                rename: map(&[("dimensions", "output_dimension")]),
                input_type: text("input_type"),
                input_types: map(&[("query", "query"), ("document", "document")]),
                max_items: Some(1000)
            }),
            rerank: rankings(RerankFormat::Voyage, ""),
            ..at_host("voyage", "https://api.voyageai.com/v1")
        },
        Profile {
            description: text("Jina: embeddings and rankings"),
            sources: list(&[
                "https://jina.ai/embeddings/",
                "https://milvus.io/docs/embed-with-jina.md",
                "https://jina.ai/reranker/",
            ]),
            rerank: rankings(RerankFormat::Jina, ""),
            embeddings: layer!(AuxiliaryLayer {
                input_type: text("task"),
                input_types: map(&[
                    ("query", "retrieval.query"),
                    ("document", "retrieval.passage"),
                    ("similarity", "text-matching"),
                    ("classification", "classification"),
                ])
            }),
            ..at_host("jina", "https://api.jina.ai/v1")
        },
    ]
}
