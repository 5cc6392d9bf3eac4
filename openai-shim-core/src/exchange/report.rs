//! [`Report`]: outcome, usage, attempts and diagnostics of an exchange; its JSON form.

use crate::canonical::{Diagnostic, Diagnostics, FinishReason, Outcome, ResponseSpec, Usage};
use crate::error::{Error, UpstreamError};
use crate::json::{Object, encode_string};
use crate::profile::{Adaptation, Profile};
use serde::{Deserialize, Serialize};

/// What happened in an exchange, for headers, metrics, logs and tests.
///
/// `serde` writes and reads all of it, and [`to_json`](Self::to_json) writes one short line. Neither is a wire format.
///
/// ```
/// use openai_shim_core::{dialect, profile, Context, Exchange, Outcome};
/// let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
/// exchange.next();
/// exchange.head(http::StatusCode::OK, &http::HeaderMap::new())?;
/// let answer = br#"{"choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
/// exchange.push(answer, &mut Vec::new())?;
/// exchange.finish(&mut Vec::new())?;
///
/// let report = exchange.into_report();
/// assert_eq!(report.outcome, Outcome::Complete);
/// assert_eq!(report.usage.unwrap().total(), 5);
/// assert_eq!(report.attempts[0].status, Some(200));
/// assert!(report.to_json().starts_with(r#"{"outcome":"complete","model":"m","profile":"vllm""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// How the exchange ended.
    pub outcome: Outcome,
    /// Token counts, if the upstream sent them (also when the client did not request them).
    pub usage: Option<Usage>,
    /// Why the first choice ended, if the upstream said so.
    pub finish_reason: Option<FinishReason>,
    /// Everything that was changed, dropped, added or found invalid.
    pub diagnostics: Diagnostics,
    /// Adaptations derived from the upstream's errors and confirmed by a success: for [`Target::with_adaptations`] of the next
    /// requests.
    ///
    /// [`Target::with_adaptations`]: crate::exchange::Target::with_adaptations
    pub adaptations: Vec<Adaptation>,
    /// The error in the client's response.
    pub error: Option<Error>,
    /// The requests that were sent, in order.
    pub attempts: Vec<AttemptReport>,
    /// The status of the last attempt's response.
    pub upstream_status: Option<u16>,
    /// The client's name for the model.
    pub model: String,
    /// Whether the client requested a stream.
    pub is_stream: bool,
    /// The profile's name.
    pub profile: String,
    /// The request's id, as hooks know it; empty for an exchange that no [`Shim`](crate::Shim) runs.
    pub request_id: String,
}

/// What came of one request that was sent.
///
/// ```
/// use openai_shim_core::{dialect, profile, Context, Exchange, UpstreamError};
/// let body = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
/// let mut exchange = Exchange::new(dialect("openai-chat")?, profile("vllm")?, Context::fixed(), body)?;
/// exchange.next();
/// exchange.fail(UpstreamError::transport("The connection was refused."), &mut Vec::new())?;
/// let attempt = &exchange.report().attempts[0];
/// assert_eq!((attempt.target, attempt.status), (0, None));
/// assert_eq!(attempt.error.as_ref().unwrap().message(), "The connection was refused.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptReport {
    /// To which upstream: an index into the targets that the exchange was started with.
    pub target: usize,
    /// The status of its response; `None`: there was none.
    pub status: Option<u16>,
    /// Why it was not the answer.
    pub error: Option<UpstreamError>,
}

impl Report {
    /// The report as one line of JSON, for debugging and logs.
    pub fn to_json(&self) -> String {
        let mut object = Object::new();
        object.set("outcome", encode_string(self.outcome.as_str()));
        object.set("model", encode_string(&self.model));
        object.set("profile", encode_string(&self.profile));
        object.set("attempts", self.attempts.len().to_string());
        if !self.request_id.is_empty() {
            object.set("request_id", encode_string(&self.request_id));
        }
        if let Some(status) = self.upstream_status {
            object.set("upstream_status", status.to_string());
        }
        if let Some(usage) = self.usage {
            let mut counts = Object::new();
            for (key, count) in [
                ("input", usage.input),
                ("output", usage.output),
                ("cached", usage.cached),
                ("cache_written", usage.cache_written),
                ("reasoning", usage.reasoning),
            ] {
                if let Some(count) = count {
                    counts.set(key, count.to_string());
                }
            }
            object.set("usage", counts.to_json());
        }
        if let Some(error) = &self.error {
            object.set("error", encode_string(&error.message()));
        }
        if !self.adaptations.is_empty() {
            let lines: Vec<_> =
                self.adaptations.iter().map(|adaptation| encode_string(&adaptation.to_string())).collect();
            object.set("lessons", format!("[{}]", lines.join(",")));
        }
        let diagnostics: Vec<_> = self.diagnostics.iter().map(diagnostic_to_json).collect();
        object.set("diagnostics", format!("[{}]", diagnostics.join(",")));
        object.to_json()
    }

    /// The report of an auxiliary exchange that has not ended.
    pub(super) fn of_auxiliary(model: &str, profile: &Profile, diagnostics: Diagnostics) -> Self {
        Self {
            outcome: Outcome::Cancelled,
            usage: None,
            finish_reason: None,
            diagnostics,
            adaptations: Vec::new(),
            error: None,
            attempts: Vec::new(),
            upstream_status: None,
            model: model.to_owned(),
            is_stream: false,
            profile: profile.name.clone(),
            request_id: String::new(),
        }
    }

    /// The report of a request that was answered without an exchange.
    pub(crate) fn answered(model: &str, profile: &Profile, diagnostics: Diagnostics) -> Self {
        Self { outcome: Outcome::Complete, ..Self::of_auxiliary(model, profile, diagnostics) }
    }

    /// The report of a request that was refused before it had an exchange.
    pub(crate) fn refused(profile: &Profile, error: Error) -> Self {
        let outcome = Outcome::Errored;
        Self { outcome, error: Some(error), ..Self::of_auxiliary("", profile, Diagnostics::default()) }
    }

    /// The report of an exchange that has not ended: it counts as cancelled.
    pub(super) fn new(spec: &ResponseSpec, profile: &Profile, diagnostics: Diagnostics) -> Self {
        Self { is_stream: spec.stream, ..Self::of_auxiliary(&spec.model, profile, diagnostics) }
    }
}

fn diagnostic_to_json(diagnostic: &Diagnostic) -> String {
    let mut object = Object::new();
    object.set("code", encode_string(diagnostic.code.as_str()));
    object.set("severity", encode_string(diagnostic.severity().as_str()));
    for (key, text) in [("path", &diagnostic.path), ("detail", &diagnostic.detail)] {
        if !text.is_empty() {
            object.set(key, encode_string(text));
        }
    }
    if diagnostic.count > 1 {
        object.set("count", diagnostic.count.to_string());
    }
    object.to_json()
}
