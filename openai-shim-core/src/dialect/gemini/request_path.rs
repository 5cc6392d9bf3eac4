//! The path and query of a request to model, method and framing, and back.

use super::super::url::percent_decode;
use crate::error::{ClientError, Unsupported, short_name};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The path of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RequestPath {
    /// The model, without `models/`.
    pub(super) model: String,
    pub(super) response_mode: ResponseMode,
}

/// How the client gets the response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// One JSON object: `generateContent`.
    #[default]
    NonStreaming,
    /// Server-sent events: `streamGenerateContent?alt=sse`.
    EventStream,
    /// A JSON array: `streamGenerateContent` without `alt=sse`.
    ArrayStream,
}

/// Reads `/v1beta/models/{model}:{method}?alt=sse`; an empty path has no model.
pub(super) fn read(path: &str) -> Result<RequestPath, ClientError> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path.is_empty() {
        return Ok(RequestPath::default());
    }
    let invalid = || {
        ClientError::invalid(
            "The path must end with `/models/{model}:generateContent` or `:streamGenerateContent`.",
        )
        .at("model")
    };
    let (resource, method) = path.rsplit_once(':').ok_or_else(invalid)?;
    let is_events = query.split('&').any(|pair| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse"));
    let response_mode = match method {
        "generateContent" => ResponseMode::NonStreaming,
        "streamGenerateContent" if is_events => ResponseMode::EventStream,
        "streamGenerateContent" => ResponseMode::ArrayStream,
        _ => return Err(invalid()),
    };
    let model = match resource.split_once("/models/") {
        Some((_, model)) => percent_decode(model),
        None => {
            format!(
                "tunedModels/{}",
                percent_decode(resource.split_once("/tunedModels/").ok_or_else(invalid)?.1)
            )
        }
    };
    let model = bare(&model).to_owned();
    if !is_safe(&model) {
        let text = format!("`{}` cannot be a model's name.", short_name(&model));
        return Err(ClientError::invalid(text).at("model"));
    }
    Ok(RequestPath { model, response_mode })
}

/// Returns a model's name without its collection.
pub(super) fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// Returns the path of an upstream request, relative to `…/v1beta`.
pub(super) fn write(model: &str, stream: bool) -> Result<String, Unsupported> {
    let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    Ok(format!("{}:{method}", resource(model)?))
}

/// Returns the path of a model.
pub(super) fn resource(model: &str) -> Result<String, Unsupported> {
    let model = bare(model);
    if model.is_empty() {
        return Err(Unsupported::new(
            "model",
            "The model must be named: it is a part of the upstream's path.",
        ));
    }
    if !is_safe(model) {
        return Err(Unsupported::new("model", format!("`{}` cannot be a model's name.", short_name(model))));
    }
    let (collection, name) = match model.strip_prefix("tunedModels/") {
        Some(name) => ("tunedModels", name),
        None => ("models", model),
    };
    Ok(format!("/{collection}/{}", utf8_percent_encode(name, ESCAPED)))
}

/// Whether no segment of a name leaves its folder, and the name has neither white space nor control characters.
fn is_safe(model: &str) -> bool {
    !model.split(['/', '\\']).any(|part| matches!(part, "" | "." | ".."))
        && !model.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The characters that are escaped in a segment of a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_determines_model_and_response_mode() {
        use ResponseMode::{ArrayStream, EventStream, NonStreaming};
        let expected = |model: &str, response_mode| RequestPath { model: model.to_owned(), response_mode };
        let cases = [
            ("/v1beta/models/gemini-2.5-flash:generateContent", expected("gemini-2.5-flash", NonStreaming)),
            ("/v1/models/a:streamGenerateContent?alt=sse", expected("a", EventStream)),
            ("/v1beta/models/a:streamGenerateContent?key=x&alt=sse", expected("a", EventStream)),
            ("/v1beta/models/a:streamGenerateContent?key=x", expected("a", ArrayStream)),
            ("/v1beta/models/org%2Fname%3Afree:generateContent", expected("org/name:free", NonStreaming)),
            ("/v1beta/models/up/models/b:generateContent", expected("up/models/b", NonStreaming)),
            ("/v1beta/models/models/b:generateContent", expected("b", NonStreaming)),
            ("/v1beta/tunedModels/b:generateContent", expected("tunedModels/b", NonStreaming)),
            (
                "/v1/projects/p/locations/l/publishers/google/models/c:generateContent",
                expected("c", NonStreaming),
            ),
            ("", RequestPath::default()),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn name_cannot_leave_its_folder() {
        for model in ["..", "../x", "a/../b", "a//b", "a\\..\\b", "a b", "a\n", "."] {
            assert!(write(model, false).is_err(), "{model}");
        }
        for path in ["%2e%2e", "..", "a/%2e%2e/b", "a%5c..%5cb", ""] {
            assert!(read(&format!("/v1beta/models/{path}:generateContent")).is_err(), "{path}");
        }
        assert!(read("/v1beta/models/a:countTokens").is_err() && read("/v1beta/models/a").is_err());
    }

    #[test]
    fn names_are_escaped() {
        let path = |model, stream| write(model, stream).unwrap();
        assert_eq!(path("models/gemini-2.5-flash", false), "/models/gemini-2.5-flash:generateContent");
        assert_eq!(path("a", true), "/models/a:streamGenerateContent?alt=sse");
        assert_eq!(path("a:b?c#d%2e/é", false), "/models/a%3Ab%3Fc%23d%252e%2F%C3%A9:generateContent");
        assert_eq!(path("tunedModels/x", false), "/tunedModels/x:generateContent");
    }
}
