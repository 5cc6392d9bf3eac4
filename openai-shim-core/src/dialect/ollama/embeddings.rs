//! Vectors, by the new route (`/api/embed`) and the old (`/api/embeddings`).
//!
//! <https://docs.ollama.com/api/embed>

use super::super::auxiliary::{AuxiliaryRequest, EmbeddingsApi, with_model};
use super::shape;
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, natural, value_kind};

/// `POST /api/embed`: `input` is a text or several, the answer has `embeddings`.
pub(super) static EMBED: EmbeddingsApi = EmbeddingsApi {
    shape: &shape::EMBED,
    read: |asking, diagnostics| read(asking, "input", diagnostics),
    write: |request, source, _| Ok((String::from("/embed"), write(request, source)?)),
    read_answer,
    write_answer: |answer, request, _| {
        let mut out = Object::new();
        out.set("model", encode_string(&request.model));
        out.set("embeddings", format!("[{}]", answer.vectors.join(",")));
        if let Some(count) = answer.tokens {
            out.set("prompt_eval_count", count.to_string());
        }
        Ok(out.to_json())
    },
    mend: |answer, _, diagnostics| own_member(answer, "embeddings", diagnostics),
    check: |answer, request| read_answer(answer, request, &mut Diagnostics::default())?.check(request),
};

/// `POST /api/embeddings`: one `prompt`, one `embedding`.
pub(super) static EMBEDDINGS: EmbeddingsApi = EmbeddingsApi {
    shape: &shape::EMBEDDINGS,
    read: |asking, diagnostics| read(asking, "prompt", diagnostics),
    write: |request, source, _| Ok((String::from("/embeddings"), write(request, source)?)),
    read_answer,
    write_answer: |answer, _, _| {
        let vector = answer.vectors.first().ok_or_else(malformed)?;
        Ok(format!(r#"{{"embedding":{vector}}}"#))
    },
    mend: |answer, _, diagnostics| own_member(answer, "embedding", diagnostics),
    check: |answer, request| read_answer(answer, request, &mut Diagnostics::default())?.check(request),
};

fn read(
    asking: &AuxiliaryRequest<'_>,
    key: &str,
    diagnostics: &mut Diagnostics,
) -> Result<EmbedRequest, ClientError> {
    let several = key == "input";
    let given = Object::parse(asking.body)
        .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
    let known = if several { &shape::EMBED } else { &shape::EMBEDDINGS };
    known.check(&given, diagnostics)?;
    let model = given.str("model").filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))?;
    let input = given.non_null(key).filter(|input| match value_kind(input) {
        ValueKind::String => true,
        ValueKind::Array => several,
        _ => false,
    });
    let input = input.ok_or_else(|| {
        let kinds = if several { "a text or a list of texts" } else { "a text" };
        ClientError::invalid(format!("`{key}` must be {kinds}.")).at(key)
    })?;
    let mut request = EmbedRequest::default();
    request.model = model.into_owned();
    input.clone_into(&mut request.input);
    request.dimensions = given.get("dimensions").and_then(natural);
    for (name, value) in given.iter() {
        let says = !matches!(value.trim(), "null" | "{}" | "\"\"" | "true");
        if says && !["model", "dimensions", key].contains(&name) {
            diagnostics.record(DiagnosticCode::ParamDropped, name, "");
        }
    }
    Ok(request)
}

fn write(request: &EmbedRequest, source: Option<&[u8]>) -> Result<String, ClientError> {
    if let Some(own) = source.and_then(|source| with_model(source, &request.model)) {
        return Ok(own);
    }
    if request.texts().is_none() {
        let text = "`input` must be a text or a list of texts; the upstream takes no token ids.";
        return Err(ClientError::invalid(text).at("input"));
    }
    let mut out = Object::new();
    out.set("model", encode_string(&request.model));
    out.set("input", request.input.as_str());
    if let Some(dimensions) = request.dimensions {
        out.set("dimensions", dimensions.to_string());
    }
    Ok(out.to_json())
}

fn malformed() -> UpstreamError {
    UpstreamError::malformed("The upstream sent something that holds no embeddings.")
}

/// An answer of the other route, with the member that this one's clients read.
fn own_member(answer: &[u8], own: &'static str, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut answer = Object::parse(answer).ok()?;
    if answer.non_null(own).is_some() {
        return None;
    }
    if own == "embeddings" {
        let vector = answer.non_null("embedding")?;
        let vectors = format!("[{vector}]");
        answer.remove("embedding");
        answer.set(own, vectors);
    } else {
        let vector = (*answer.array("embeddings")?.first()?).to_owned();
        answer.remove("embeddings");
        answer.set(own, vector);
    }
    diagnostics.record(DiagnosticCode::FieldFilled, own, "");
    Some(answer.to_json().into_bytes())
}

/// Reads an answer of either route.
fn read_answer(
    body: &[u8],
    _request: &EmbedRequest,
    _notes: &mut Diagnostics,
) -> Result<Embeddings, UpstreamError> {
    let answer = Object::parse(body.trim_ascii()).map_err(|_| malformed())?;
    let vectors: Vec<&str> = match (answer.array("embeddings"), answer.get("embedding")) {
        (Some(vectors), _) => vectors,
        (None, Some(vector)) => vec![vector],
        (None, None) => return Err(malformed()),
    };
    if vectors.iter().any(|vector| value_kind(vector) != ValueKind::Array) {
        return Err(malformed());
    }
    let mut out = Embeddings::default();
    out.model = answer.str("model").map(std::borrow::Cow::into_owned);
    out.vectors = vectors.into_iter().map(str::to_owned).collect();
    out.tokens = answer.u64("prompt_eval_count");
    Ok(out)
}
