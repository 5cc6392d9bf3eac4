//! An upstream error and the request that was refused to adaptations: only those that change this request.

use super::adaptation::Adaptation;
use super::error_text::{ErrorText, quoted_words};
use super::mentions::adaptations_by_mention;
use super::message_pattern::{Captures, find};
use super::refusals::{MatchScope, PATTERNS, RefusalPattern, UNADAPTABLE};
use super::refused_request::RefusedRequest;
use super::remedy::{RefusalMatch, apply_remedy};
use super::sent_request::{SentRequest, path_segments};
use crate::error::{ErrorKind, StatusError};

/// The adaptations that follow from what an error says, if any: in a known wording, or because it names a field that can be
/// left out.
///
/// ```
/// use openai_shim_core::canonical::Request;
/// use openai_shim_core::error::{ErrorKind, StatusError};
/// use openai_shim_core::profile::{RefusedRequest, adaptations_for};
/// use openai_shim_core::json::Object;
/// let body = Object::parse(br#"{"model":"m","store":true,"messages":[]}"#).unwrap();
/// let refused = RefusedRequest { body: &body, request: &Request::default(), additions: &[] };
/// let error = StatusError::new(400, ErrorKind::InvalidRequest, "property 'store' is unsupported");
/// assert_eq!(adaptations_for(&error, &refused)[0].describe(), "leave store out");
/// ```
pub fn adaptations_for(error: &StatusError, refused: &RefusedRequest<'_>) -> Vec<Adaptation> {
    let concerns_request = matches!(
        error.kind,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Upstream
    );
    if !concerns_request {
        return Vec::new();
    }
    let text = ErrorText::new(error);
    let request = SentRequest::new(refused);
    let by_wording = adaptations_by_wording(error, &text, &request);
    if by_wording.is_empty() { adaptations_by_mention(error, &text, &request) } else { by_wording }
}

/// The adaptations of the first known wording that the error has, and whose remedy changes the request.
fn adaptations_by_wording(
    error: &StatusError,
    text: &ErrorText,
    request: &SentRequest<'_>,
) -> Vec<Adaptation> {
    let is_client_error = matches!(error.status, 400 | 404 | 422);
    // Chat templates fail as server errors, and some servers report invalid requests so.
    let is_server_error = matches!(error.status, 424 | 500 | 501);
    if !(is_client_error || is_server_error)
        || UNADAPTABLE.iter().any(|wording| text.message.contains(wording))
    {
        return Vec::new();
    }
    PATTERNS
        .iter()
        .filter(|pattern| is_client_error || pattern.in_server_errors)
        .find_map(|pattern| adaptations_by(pattern, text, request))
        .unwrap_or_default()
}

/// The adaptations of one pattern, if it matches and its remedy changes the request.
fn adaptations_by(
    pattern: &RefusalPattern,
    error: &ErrorText,
    request: &SentRequest<'_>,
) -> Option<Vec<Adaptation>> {
    let remedy = |refusal: &RefusalMatch<'_>| {
        Some(apply_remedy(pattern.remedy, refusal, request)).filter(|adaptations| !adaptations.is_empty())
    };
    match pattern.scope {
        MatchScope::Message => find(pattern.wording, &error.message, |captures| {
            let field = match (captures.path, captures.param) {
                (Some(path), Some(param)) => Some(format!("{path}.{param}")),
                (_, Some(param)) => Some(param.to_owned()),
                _ => error.param.clone(),
            };
            let accepted: Vec<&str> = quoted_words(captures.rest).collect();
            let refusal = RefusalMatch {
                field: field.as_deref(),
                captures,
                accepted: &accepted,
                message: &error.message,
                is_only_cause: true,
            };
            remedy(&refusal)
        }),
        MatchScope::Code => {
            let matches = error.codes.iter().any(|code| code == pattern.wording);
            let refusal = RefusalMatch {
                field: error.param.as_deref(),
                captures: &Captures::default(),
                accepted: &[],
                message: &error.message,
                is_only_cause: true,
            };
            matches.then(|| remedy(&refusal)).flatten()
        }
        MatchScope::Field(first, last) => error.field_errors.iter().find_map(|field_error| {
            let path = path_segments(&field_error.path);
            let fits = |wanted: &str, segment: Option<&&str>| wanted.is_empty() || segment == Some(&wanted);
            if !fits(first, path.first()) || !fits(last, path.last()) {
                return None;
            }
            // A server that tries several types reports an error of each: what any of them accepts is accepted.
            let accepted: Vec<&str> = error
                .field_errors
                .iter()
                .filter(|other| {
                    let other = path_segments(&other.path);
                    other.get(..2.min(path.len())) == path.get(..2.min(path.len()))
                        && other.last() == path.last()
                })
                .flat_map(|other| quoted_words(&other.message))
                .collect();
            // One type requires a list and another one a string: neither is the cause.
            let accepts_list = error.field_errors.iter().any(|other| {
                let other_path = path_segments(&other.path);
                other_path.first() == path.first()
                    && other_path.get(1) == path.get(1)
                    && (other.message.contains("list") || other.message.contains("iterable"))
            });
            find(pattern.wording, &field_error.message, |captures| {
                let refusal = RefusalMatch {
                    field: Some(&field_error.path),
                    captures,
                    accepted: &accepted,
                    message: &error.message,
                    is_only_cause: !accepts_list,
                };
                remedy(&refusal)
            })
        }),
    }
}
