//! The path of a request: it names the model and the method, and its query the form of a stream.

use super::super::url::percent_decode;
use crate::error::{ClientError, Unsupported, short_name};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a client's path says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RequestPath {
    /// The model, without `models/`.
    pub(super) model: String,
    /// `streamGenerateContent`.
    pub(super) stream: bool,
    /// A stream without `alt=sse`: a JSON array.
    pub(super) array: bool,
}

/// Reads `/v1beta/models/{model}:{method}?alt=sse`; an empty path says nothing.
pub(super) fn read(path: &str) -> Result<RequestPath, ClientError> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path.is_empty() {
        return Ok(RequestPath::default());
    }
    let wrong = || {
        ClientError::invalid(
            "The path must end with `/models/{model}:generateContent` or `:streamGenerateContent`.",
        )
        .at("model")
    };
    let (resource, method) = path.rsplit_once(':').ok_or_else(wrong)?;
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return Err(wrong()),
    };
    let model = match resource.split_once("/models/") {
        Some((_, model)) => percent_decode(model),
        None => format!(
            "tunedModels/{}",
            percent_decode(resource.split_once("/tunedModels/").ok_or_else(wrong)?.1)
        ),
    };
    let model = bare(&model).to_owned();
    if !is_safe(&model) {
        let text = format!("`{}` cannot be a model's name.", short_name(&model));
        return Err(ClientError::invalid(text).at("model"));
    }
    let sse = query.split('&').any(|pair| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse"));
    Ok(RequestPath { model, stream, array: stream && !sse })
}

/// A model's name without the collection that it may come with.
pub(super) fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The path for an upstream, relative to `…/v1beta`.
pub(super) fn write(model: &str, stream: bool) -> Result<String, Unsupported> {
    let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    Ok(format!("{}:{method}", resource(model)?))
}

/// The model as a part of such a path.
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

/// No part of the name climbs out of the path, and there are no signs that no name has.
fn is_safe(model: &str) -> bool {
    !model.split(['/', '\\']).any(|part| matches!(part, "" | "." | ".."))
        && !model.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// What is escaped in a part of a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_model_method_and_form() {
        let route = |model: &str, stream, array| RequestPath { model: model.to_owned(), stream, array };
        let cases = [
            ("/v1beta/models/gemini-2.5-flash:generateContent", route("gemini-2.5-flash", false, false)),
            ("/v1/models/a:streamGenerateContent?alt=sse", route("a", true, false)),
            ("/v1beta/models/a:streamGenerateContent?key=x&alt=sse", route("a", true, false)),
            ("/v1beta/models/a:streamGenerateContent?key=x", route("a", true, true)),
            ("/v1beta/models/org%2Fname%3Afree:generateContent", route("org/name:free", false, false)),
            ("/v1beta/models/up/models/b:generateContent", route("up/models/b", false, false)),
            ("/v1beta/models/models/b:generateContent", route("b", false, false)),
            ("/v1beta/tunedModels/b:generateContent", route("tunedModels/b", false, false)),
            (
                "/v1/projects/p/locations/l/publishers/google/models/c:generateContent",
                route("c", false, false),
            ),
            ("", RequestPath::default()),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn names_cannot_climb() {
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
