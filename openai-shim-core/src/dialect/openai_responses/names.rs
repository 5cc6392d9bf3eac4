//! The dialect's name, the internal keys of its extra fields, and constants of the API that several files use.

/// The dialect's name, which also marks extra fields and native blocks as belonging to it.
pub(super) const NAME: &str = "openai-responses";

/// The `format` of this API's signatures in `reasoning_details`.
pub(super) const SIGNATURE_FORMAT: &str = "openai-responses-v1";

/// The value of `include` that requests encrypted reasoning.
pub(super) const INCLUDE_ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";

/// The value of `include` that requests log probabilities.
pub(super) const INCLUDE_LOGPROBS: &str = "message.output_text.logprobs";

/// The comment that keeps a silent stream open.
pub(super) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The key in a text block's extra fields that starts a new message item; its value has the item's own fields.
pub(super) const ITEM: &str = ".item";

/// The key in a tool's extra fields whose value is the client-run tool that a function stands for, and in a call's the `type` of
/// that tool.
pub(super) const CLIENT_TOOL: &str = ".client_tool";

/// The key in a result's extra fields whose value is the key of the item that has the call's id.
pub(super) const CALL_KEY: &str = ".call_key";

/// The key in a result's extra fields whose value is what the item had as its content.
pub(super) const PAYLOAD: &str = ".payload";

/// The key in a text block's extra fields whose value tells commentary from the final answer.
pub(super) const PHASE: &str = "phase";

/// The key in a tool's extra fields whose value is the namespace that the tool came in, without its tools.
pub(super) const NAMESPACE: &str = ".namespace";

/// The key in a tool's extra fields that marks a tool of an `additional_tools` item, and in the echoed parameters the key of
/// those tools.
pub(super) const ADDITIONAL_TOOLS: &str = ".additional_tools";
