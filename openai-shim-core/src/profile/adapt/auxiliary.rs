//! An error of an auxiliary API to adaptations of its rules: a parameter that is refused, or the most items of a request.

use super::adaptation::Adaptation;
use super::decide::adaptations_for;
use super::error_text::ErrorText;
use super::mentions::{clauses, has_any};
use super::message_pattern::find;
use super::refused_request::RefusedRequest;
use super::vocabulary::{ABOUT_VALUES, HOPELESS, REFUSING};
use crate::accepts::AuxiliaryApi;
use crate::canonical::Request;
use crate::error::{ErrorKind, StatusError};
use crate::json::Object;

/// Members without which it is another request, and which no adaptation leaves out.
const INDISPENSABLE: [&str; 17] = [
    "model",
    "input",
    "content",
    "contents",
    "parts",
    "text",
    "inlineData",
    "prompt",
    "requests",
    "query",
    "documents",
    "texts",
    "instances",
    "parameters",
    "sampleCount",
    "generationConfig",
    "responseModalities",
];

/// A part of a request that errors describe instead of naming it.
struct Described {
    /// Terms of which the error has one.
    terms: &'static [&'static str],
    /// The names of the parameter.
    params: &'static [&'static str],
    /// The terms refuse it by themselves.
    is_refusal: bool,
}

/// How errors describe parameters. vLLM: <https://github.com/vllm-project/vllm/pull/16331>,
/// <https://github.com/vllm-project/vllm/issues/15465>, <https://github.com/vllm-project/vllm/issues/6174>.
const DESCRIBED: [Described; 3] = [
    Described { terms: &["matryoshka"], params: DIMENSIONS, is_refusal: true },
    Described { terms: &["dimension"], params: DIMENSIONS, is_refusal: false },
    // Whatever is wrong with the encoding: the vectors are converted here.
    Described {
        terms: &["encoding_format", "encoding format", "base64"],
        params: &["encoding_format"],
        is_refusal: true,
    },
];

const DIMENSIONS: &[&str] =
    &["dimensions", "output_dimension", "requests.outputDimensionality", "outputDimensionality"];

/// The wordings of errors about too many items, each with the most that are accepted.
const LIMITS: &[&str] = &[
    // DashScope: https://github.com/jjyaoao/HelloAgents/issues/27
    "batch size is invalid, it should not be larger than {high}",
    // SiliconFlow and TEI: https://github.com/apecloud/ApeRAG/issues/716
    "maximum allowed batch size {high}",
    // Google: https://github.com/langchain-ai/langchainjs/issues/4491
    "at most {high} requests can be in one batch",
    // OpenAI, for any list: General knowledge
    "expected an array with maximum length {high}",
    // pydantic, for a list of inputs: General knowledge
    "list should have at most {high} items",
    // General knowledge
    "batch size must be at most {high}",
    "batch size limit is {high}",
    "batch size limit of {high}",
    "maximum batch size is {high}",
    "maximum batch size of {high}",
    "max batch size is {high}",
    "maximum number of inputs is {high}",
    "at most {high} inputs",
    "at most {high} texts",
    "at most {high} documents",
];

/// The adaptations that follow from an error of an auxiliary API. `items`: how many items the request had, if they can be sent
/// in several requests.
///
/// ```
/// use openai_shim_core::accepts::AuxiliaryApi;
/// use openai_shim_core::error::{ErrorKind, StatusError};
/// use openai_shim_core::json::Object;
/// use openai_shim_core::profile::auxiliary_adaptations;
/// let body = Object::parse(br#"{"model":"m","input":["a","b"],"dimensions":2}"#)?;
/// let learn = |message: &str| {
///     let error = StatusError::new(400, ErrorKind::InvalidRequest, message);
///     auxiliary_adaptations(AuxiliaryApi::Embeddings, &error, &body, Some(2))
/// };
/// assert_eq!(learn("dimensions is currently not supported")[0].to_string(), r#"embeddings.drop = ["...", "dimensions"]"#);
/// assert_eq!(learn("input batch size 2 > maximum allowed batch size 1")[0].to_string(), "embeddings.max_items = 1");
/// assert!(learn("dimensions must be at least 32").is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn auxiliary_adaptations(
    api: AuxiliaryApi,
    error: &StatusError,
    body: &Object<'_>,
    items: Option<usize>,
) -> Vec<Adaptation> {
    let concerns_request = matches!(
        error.kind,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Upstream
    );
    let text = ErrorText::new(error);
    if (concerns_request || error.kind == ErrorKind::TooLarge)
        && let Some(max) = accepted_items(&text.message, items)
    {
        return vec![Adaptation::LimitItems { api, max }];
    }
    if !concerns_request || has_any(&text.message, HOPELESS) {
        return Vec::new();
    }
    let mut names: Vec<String> = described_params(&text, body);
    if names.is_empty() {
        let request = Request::default();
        let refused = RefusedRequest { body, request: &request, additions: &[] };
        names = adaptations_for(error, &refused).into_iter().filter_map(dropped_param).collect();
    }
    names.retain(|name| !name.rsplit('.').next().is_some_and(|last| INDISPENSABLE.contains(&last)));
    names.into_iter().map(|name| Adaptation::DropAuxiliaryParam { api, name }).collect()
}

/// The most items that an error says are accepted, if the request had more.
fn accepted_items(message: &str, items: Option<usize>) -> Option<u32> {
    let items = items?;
    LIMITS.iter().find_map(|wording| {
        find(wording, message, |captures| {
            let high = captures.high.filter(|high| high.fract() == 0.0 && (1.0..1e6).contains(high))?;
            // The filter ensures that it is a small natural number.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let max = high as u32;
            let is_about_tokens = captures.rest.trim_start().starts_with("token");
            (!is_about_tokens && usize::try_from(max).is_ok_and(|max| max < items)).then_some(max)
        })
    })
}

/// The parameters of the request that an error describes as refused.
fn described_params(text: &ErrorText, body: &Object<'_>) -> Vec<String> {
    let refuses = |clause: &str, described: &Described| {
        has_any(clause, described.terms)
            && (described.is_refusal || (has_any(clause, REFUSING) && !has_any(clause, ABOUT_VALUES)))
    };
    let found = DESCRIBED.iter().find(|described| {
        clauses(&text.message).any(|clause| refuses(clause, described)) && !sent(described, body).is_empty()
    });
    found.map(|described| sent(described, body)).unwrap_or_default()
}

/// The names under which a request has a parameter.
fn sent(described: &Described, body: &Object<'_>) -> Vec<String> {
    let is_sent = |name: &&&str| match name.split_once('.') {
        Some((list, key)) => body.array(list).is_some_and(|items| {
            items
                .iter()
                .any(|item| Object::parse(item.as_bytes()).is_ok_and(|item| item.non_null(key).is_some()))
        }),
        None => body.non_null(name).is_some(),
    };
    described.params.iter().filter(is_sent).map(|name| (*name).to_owned()).collect()
}

/// The parameter that an adaptation of generation leaves out.
fn dropped_param(adaptation: Adaptation) -> Option<String> {
    match adaptation {
        Adaptation::DropParam(name) | Adaptation::OmitAddition(name) => Some(name),
        _ => None,
    }
}
