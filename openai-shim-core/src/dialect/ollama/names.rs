//! The two dialects of Ollama's API, and the names that their files share.

/// The dialect name of extra fields, tools and signatures: both dialects have the same ones.
pub(super) const FAMILY: &str = "ollama";

/// The path that diagnostics name for losses in the message of a response.
pub(super) const MESSAGE_PATH: &str = "message";

/// One of Ollama's two endpoints for generation, each of which is a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OllamaApi {
    /// `/api/chat`: `messages` in, `message` out.
    Chat,
    /// `/api/generate`: `prompt` in, `response` out.
    Generate,
}
