//! Inference hosts: services that run models of several vendors (Groq, Together, Fireworks, …).

use super::claude_params::claude_params;
use super::gemini_models;
use super::helpers::{
    added, also_completions, always_reasons, anywhere, at_host, developer_as_system, drop_params,
    effort_only, efforts, embeddings_at_most, for_models, forced_choice_as_auto,
    gemini_3_placeholder_signature, layer, list, map, max_tokens_only, media_from_users, reasoning_by,
    reasoning_in, shared, text,
};
use crate::accepts::{
    AuxiliaryLayer, ContentType, MessageLayer, MessageNamePolicy, ObjectSupport, ParamLayer, ReasoningField,
    ReasoningHistory, ReasoningParam, RefSupport, ResponseFormatLayer, ResponseFormatSupport, SchemaLayer,
    StreamingLayer, ToolCallIdFormat, ToolLayer,
};
use crate::profile::definition::{ModelOverride, Profile};

pub(super) fn profiles() -> Vec<Profile> {
    vec![
        Profile {
            description: text("Groq"),
            sources: list(&[
                "https://console.groq.com/docs/openai (R19 R27 R28 R32)",
                "https://console.groq.com/docs/structured-outputs (R46 R47)",
                "https://github.com/groq/groq-python (R26 R30 R50)",
                "https://github.com/janhq/jan/issues/8136 (R22)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/groq (R18 R46 R47)",
                "corpus: groq",
            ]),
            params: layer!(ParamLayer {
                max_stop_sequences: Some(4),
                max_choices: Some(1),
                ..drop_params(&[
                    "frequency_penalty",
                    "logit_bias",
                    "logprobs",
                    "metadata",
                    "presence_penalty",
                    "store",
                    "top_logprobs",
                ])
            }),
            messages: layer!(MessageLayer {
                drop_null_fields: true,
                name_field: MessageNamePolicy::Drop,
                reasoning_history: ReasoningHistory::Drop
            }),
            response_format: layer!(ResponseFormatLayer { disable_streaming: true }),
            reasoning: reasoning_by(ReasoningParam::ReasoningEffort),
            model_overrides: vec![
                ModelOverride {
                    response_format: layer!(ResponseFormatLayer {
                        json_schema: ResponseFormatSupport::JsonObject
                    }),
                    ..for_models(&["llama-3.1-8b-instant", "llama-3.3-70b-versatile"])
                },
                ModelOverride {
                    messages: layer!(MessageLayer {
                        reasoning_history: ReasoningHistory::Keep,
                        reasoning_field: ReasoningField::Reasoning
                    }),
                    ..for_models(&["openai/gpt-oss-*", "qwen/*"])
                },
                ModelOverride {
                    reasoning: always_reasons(&["low", "medium", "high"]),
                    ..for_models(&["openai/gpt-oss-*"])
                },
                ModelOverride { reasoning: efforts(&["none", "default"]), ..for_models(&["qwen/qwen3-*"]) },
                ModelOverride {
                    reasoning: efforts(&["none", "default", "low", "medium", "high"]),
                    ..for_models(&["qwen/qwen3.8-27b*"])
                },
            ],
            media: media_from_users(&["image"]),
            ..at_host("groq", "https://api.groq.com/openai/v1")
        },
        Profile {
            description: text("Cerebras"),
            sources: list(&[
                "https://inference-docs.cerebras.ai/resources/openai (R3)",
                "https://github.com/Cerebras/cerebras-cloud-sdk-python (R30 R50)",
                "https://github.com/Kilo-Org/kilocode/issues/10375 (R22)",
                "corpus: cerebras",
            ]),
            params: layer!(ParamLayer { max_stop_sequences: Some(4) }),
            messages: layer!(MessageLayer {
                reasoning_field: ReasoningField::Reasoning,
                ..developer_as_system()
            }),
            reasoning: effort_only(&["none", "low", "medium", "high"]),
            model_overrides: vec![
                ModelOverride {
                    reasoning: always_reasons(&["low", "medium", "high"]),
                    ..for_models(&["gpt-oss*"])
                },
                ModelOverride {
                    reasoning: always_reasons(&["low", "high", "max"]),
                    ..for_models(&["*kimi-k3*", "*glm-5.3*"])
                },
                ModelOverride { messages: reasoning_in(ReasoningField::ThinkTags), ..for_models(&["*glm*"]) },
            ],
            ..at_host("cerebras", "https://api.cerebras.ai/v1")
        },
        Profile {
            description: text("SambaNova"),
            sources: list(&[
                "https://docs.sambanova.ai/cloud/docs/capabilities/function-calling (R41)",
                "https://github.com/BerriAI/litellm/blob/main/litellm/llms/sambanova/chat.py (R1 R13)",
            ]),
            params: max_tokens_only(),
            messages: layer!(MessageLayer { content: ContentType::String, ..developer_as_system() }),
            tools: layer!(ToolLayer { drop_strict: true }),
            ..at_host("sambanova", "https://api.sambanova.ai/v1")
        },
        Profile {
            description: text("Together"),
            sources: list(&[
                "https://docs.together.ai/docs/openai-api-compatibility",
                "https://github.com/togethercomputer/together-python (R1 R3)",
                "https://github.com/earendil-works/pi (R1 R3 R41)",
                "corpus: together",
            ]),
            hosts: list(&["api.together.xyz", "api.together.ai"]),
            // <https://github.com/togethercomputer/together-python>: the types of `logprobs` and of a tool's result.
            params: layer!(ParamLayer { logprobs_as_count: true, ..max_tokens_only() }),
            messages: layer!(MessageLayer { content: ContentType::String, ..developer_as_system() }),
            tools: layer!(ToolLayer { drop_strict: true }),
            extra_dialects: also_completions(),
            ..at_host("together", "https://api.together.xyz/v1")
        },
        Profile {
            description: text("Fireworks"),
            sources: list(&[
                "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/fireworks_ai (R1 R41)",
            ]),
            params: max_tokens_only(),
            tools: layer!(ToolLayer { drop_strict: true }),
            extra_dialects: also_completions(),
            ..at_host("fireworks", "https://api.fireworks.ai/inference/v1")
        },
        Profile {
            description: text("DeepInfra"),
            sources: list(&[
                "https://docs.deepinfra.com/chat/tool-calling",
                "https://github.com/openclaw/openclaw/issues/5704 (R3)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/deepinfra (R1)",
            ]),
            params: max_tokens_only(),
            ..at_host("deepinfra", "https://api.deepinfra.com/v1/openai")
        },
        Profile {
            description: text("NVIDIA NIM"),
            sources: list(&[
                "https://docs.api.nvidia.com/nim/reference/llm-apis",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/nvidia_nim (R1)",
                "https://github.com/mistralai/mistral-common/issues/169 (R8 R11)",
                "https://github.com/NousResearch/hermes-agent/issues/20154 (R8)",
                "https://github.com/diegosouzapw/OmniRoute/pull/4341",
            ]),
            embeddings: layer!(AuxiliaryLayer {
                input_type: text("input_type"),
                input_types: map(&[("query", "query"), ("document", "passage")])
            }),
            params: max_tokens_only(),
            model_overrides: vec![ModelOverride {
                messages: layer!(MessageLayer {
                    assistant_after_tool: true,
                    tool_call_ids: ToolCallIdFormat::Alnum9
                }),
                ..for_models(&["mistralai/*"])
            }],
            ..at_host("nvidia", "https://integrate.api.nvidia.com/v1")
        },
        Profile {
            description: text("Hugging Face's router of inference providers"),
            sources: list(&[
                "https://huggingface.co/docs/inference-providers/index (R57)",
                "corpus: huggingface",
            ]),
            ..at_host("huggingface", "https://router.huggingface.co/v1")
        },
        Profile {
            description: text("Cloudflare Workers AI"),
            sources: list(&[
                "https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility (R54)",
                "https://github.com/earendil-works/pi (R3)",
            ]),
            ..at_host("cloudflare", "https://api.cloudflare.com/client/v4/accounts/YOUR-ACCOUNT/ai/v1")
        },
        Profile {
            description: text("Databricks model serving"),
            sources: list(&[
                "https://docs.databricks.com/machine-learning/foundation-model-apis/api-reference.html (R54)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/databricks (R1 R47)",
            ]),
            hosts: list(&["*.cloud.databricks.com", "*.azuredatabricks.net", "*.gcp.databricks.com"]),
            params: max_tokens_only(),
            response_format: layer!(ResponseFormatLayer { disable_streaming: true }),
            ..anywhere("databricks", "https://your-workspace.cloud.databricks.com/serving-endpoints")
        },
        Profile {
            description: text("Snowflake Cortex"),
            sources: list(&[
                "https://docs.snowflake.com/user-guide/snowflake-cortex/open_ai_sdk (R54)",
                "corpus: snowflake",
            ]),
            hosts: list(&["*.snowflakecomputing.com"]),
            ..anywhere("snowflake", "https://your-account.snowflakecomputing.com/api/v2/cortex/v1")
        },
        Profile {
            description: text("IBM watsonx.ai, by its model gateway"),
            sources: list(&[
                "https://www.ibm.com/docs/en/watsonx/saas?topic=generation-inferencing-gateway-models",
                "https://pypi.org/project/ibm-watsonx-ai (R58)",
            ]),
            hosts: list(&["*.ml.cloud.ibm.com"]),
            params: drop_params(&["top_k"]),
            messages: MessageLayer::default(),
            reasoning: effort_only(&["low", "medium", "high"]),
            ..anywhere("watsonx", "https://us-south.ml.cloud.ibm.com/ml/gateway/v1")
        },
        Profile {
            description: text("Amazon Bedrock's OpenAI endpoint"),
            sources: list(&[
                "https://github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/models/bedrock.py",
                "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html (R54)",
                "https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints-region-availability.html",
                "https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html",
                "https://github.com/pydantic/pydantic-ai (R33)",
                "corpus: bedrock",
            ]),
            hosts: list(&[
                "bedrock-runtime.us-east-1.amazonaws.com",
                "bedrock-runtime.us-east-2.amazonaws.com",
                "bedrock-runtime.us-west-2.amazonaws.com",
                "bedrock-runtime.eu-central-1.amazonaws.com",
                "bedrock-mantle.us-east-1.api.aws",
                "bedrock-mantle.us-east-2.api.aws",
                "bedrock-mantle.us-west-2.api.aws",
            ]),
            messages: layer!(MessageLayer { drop_blank_text: true, ..developer_as_system() }),
            model_overrides: [
                claude_params(),
                vec![ModelOverride {
                    params: layer!(ParamLayer { default_only: list(&["temperature", "top_k", "top_p"]) }),
                    ..for_models(&["*grok-4.6*", "*grok-4-6*"])
                }],
                vec![ModelOverride {
                    reasoning: always_reasons(&["low", "medium", "high"]),
                    ..for_models(&["openai.gpt-oss*"])
                }],
            ]
            .concat(),
            tools: ToolLayer { strict_schema: bedrock_strict_schema(), ..ToolLayer::default() },
            response_format: ResponseFormatLayer {
                strict_schema: bedrock_strict_schema(),
                ..ResponseFormatLayer::default()
            },
            ..at_host("bedrock-openai", "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1")
        },
        Profile {
            description: text("Google Vertex AI's OpenAI endpoint"),
            sources: list(&[
                "https://cloud.google.com/vertex-ai/generative-ai/docs/start/openai",
                "https://github.com/Ikalus1988/MisakaNet/issues/1473 (R26)",
            ]),
            hosts: list(&[
                "aiplatform.googleapis.com",
                "europe-west1-aiplatform.googleapis.com",
                "europe-west4-aiplatform.googleapis.com",
                "us-central1-aiplatform.googleapis.com",
                "us-east5-aiplatform.googleapis.com",
            ]),
            has_model_list: false,
            messages: layer!(MessageLayer { signatures_in_ids: true, ..developer_as_system() }),
            model_overrides: [
                vec![
                    ModelOverride {
                        params: drop_params(&["frequency_penalty", "presence_penalty"]),
                        ..for_models(&["google/gemini-3*"])
                    },
                    gemini_3_placeholder_signature(),
                ],
                gemini_models::as_chat(),
            ]
            .concat(),
            ..at_host(
                "vertex-openai",
                "https://aiplatform.googleapis.com/v1/projects/YOUR-PROJECT/locations/global/endpoints/openapi",
            )
        },
        Profile {
            description: text("Venice"),
            sources: list(&[
                "https://docs.venice.ai/api-reference/endpoint/chat/completions",
                "corpus: venice",
            ]),
            ..at_host("venice", "https://api.venice.ai/api/v1")
        },
        Profile {
            description: text("Lemonfox"),
            sources: list(&["https://www.lemonfox.ai/apis/chat"]),
            params: layer!(ParamLayer { require_max_tokens: true, ..max_tokens_only() }),
            messages: layer!(MessageLayer { content: ContentType::String, ..developer_as_system() }),
            ..at_host("lemonfox", "https://api.lemonfox.ai/v1")
        },
        Profile {
            description: text("ModelScope"),
            sources: list(&[
                "https://modelscope.cn/docs/model-service/API-Inference/intro",
                "https://github.com/musistudio/claude-code-router/issues/948 (R48)",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/modelscope (R13)",
            ]),
            messages: layer!(MessageLayer { content: ContentType::String, ..developer_as_system() }),
            model_overrides: vec![
                ModelOverride {
                    stream: layer!(StreamingLayer { required: true }),
                    ..for_models(&["qwen/qwen3-*b", "qwen/qwen3-*b-*", "qwen/qwq*"])
                },
                ModelOverride {
                    reasoning: reasoning_by(ReasoningParam::EnableThinking),
                    ..for_models(&["qwen/qwen3-*b"])
                },
            ],
            ..at_host("modelscope", "https://api-inference.modelscope.cn/v1")
        },
        Profile {
            description: text("SiliconFlow"),
            sources: list(&[
                "https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions (R49)",
                "https://github.com/CherryHQ/cherry-studio/issues/6642 (R49)",
                "https://github.com/apecloud/ApeRAG/issues/716",
            ]),
            embeddings: embeddings_at_most(64),
            hosts: list(&["api.siliconflow.com", "api.siliconflow.cn"]),
            model_overrides: vec![ModelOverride {
                reasoning: reasoning_by(ReasoningParam::EnableThinking),
                ..for_models(&["qwen/qwen3-*b"])
            }],
            ..at_host("siliconflow", "https://api.siliconflow.com/v1")
        },
        Profile {
            description: text("Novita"),
            sources: list(&["https://novita.ai/docs/guides/llm-api"]),
            ..at_host("novita", "https://api.novita.ai/openai/v1")
        },
        Profile {
            description: text("Nebius Token Factory"),
            sources: list(&[
                "https://docs.tokenfactory.nebius.com/",
                "https://github.com/BerriAI/litellm/tree/main/litellm/llms/nebius (R1)",
            ]),
            hosts: list(&["api.tokenfactory.nebius.com", "api.studio.nebius.com", "api.studio.nebius.ai"]),
            params: max_tokens_only(),
            ..at_host("nebius", "https://api.tokenfactory.nebius.com/v1")
        },
        Profile {
            description: text("Hyperbolic"),
            sources: list(&["https://docs.hyperbolic.xyz/docs/rest-api"]),
            ..at_host("hyperbolic", "https://api.hyperbolic.xyz/v1")
        },
        Profile {
            description: text("Crusoe Cloud"),
            sources: list(&[
                "https://github.com/BerriAI/litellm/blob/main/litellm/llms/openai_like/providers.json (R1)",
                "corpus: crusoecloud",
            ]),
            params: max_tokens_only(),
            ..at_host("crusoe", "https://api.inference.crusoecloud.com/v1")
        },
        Profile {
            description: text("Chutes"),
            sources: list(&[
                "https://github.com/BerriAI/litellm/blob/main/litellm/llms/openai_like/providers.json (R1)",
                "https://github.com/earendil-works/pi (R1 R3)",
            ]),
            params: max_tokens_only(),
            ..at_host("chutes", "https://llm.chutes.ai/v1")
        },
        Profile {
            description: text("Avian"),
            sources: list(&["https://avian.io/docs"]),
            ..at_host("avian", "https://api.avian.io/v1")
        },
        Profile {
            description: text("Doubleword"),
            sources: list(&[
                "https://docs.doubleword.ai/inference-api/creating-an-api-key",
                "corpus: doubleword",
            ]),
            ..at_host("doubleword", "https://api.doubleword.ai/v1")
        },
        Profile {
            description: text("Heroku Managed Inference"),
            sources: list(&[
                "https://devcenter.heroku.com/articles/heroku-inference-api-v1-chat-completions",
                "corpus: heroku",
            ]),
            hosts: list(&["us.inference.heroku.com", "eu.inference.heroku.com"]),
            ..at_host("heroku", "https://us.inference.heroku.com/v1")
        },
        Profile {
            description: text("Ollama's cloud"),
            sources: list(&[
                "https://docs.ollama.com/api/openai-compatibility (R1 R28 R60)",
                "https://github.com/ollama/ollama/issues/17921 (R34 R35)",
                "corpus: ollama-cloud",
            ]),
            params: layer!(ParamLayer {
                drop: added(&["logit_bias", "user"]),
                max_choices: Some(1),
                ..max_tokens_only()
            }),
            messages: layer!(MessageLayer {
                // A list of parts becomes several messages.
                content: ContentType::String,
                reasoning_field: ReasoningField::Reasoning,
                ..developer_as_system()
            }),
            tools: forced_choice_as_auto(),
            ..at_host("ollama-cloud", "https://ollama.com/v1")
        },
    ]
}

/// The strict schemas that Bedrock accepts.
fn bedrock_strict_schema() -> SchemaLayer {
    layer!(SchemaLayer {
        drop_keywords: shared(&[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "maxItems",
            "contains",
        ]),
        max_min_items: Some(1),
        plain_patterns: true,
        refs: RefSupport::Acyclic,
        objects: ObjectSupport::Closed,
    })
}
