//! Errors of `echo`: status, message, parameter and code of OpenAI's envelope.

use http::StatusCode;

/// Why echo refuses a request.
pub(super) struct EchoError {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) param: Option<&'static str>,
    pub(super) code: Option<&'static str>,
}

impl EchoError {
    /// A 400; `param` names the wrong field.
    pub(super) fn invalid(param: impl Into<Option<&'static str>>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), param: param.into(), code: None }
    }
}
