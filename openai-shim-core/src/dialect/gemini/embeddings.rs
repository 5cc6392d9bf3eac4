//! Vectors: for one content, and for several at once.
//!
//! <https://ai.google.dev/api/embeddings>

use super::super::auxiliary::{AuxiliaryRequest, EmbeddingsApi};
use super::super::shape::{Place, Shape, Style};
use super::{camelized, read, request_path, shape};
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, natural, string_or_json, value_kind};

/// `:embedContent`.
pub(super) static ONE: EmbeddingsApi = EmbeddingsApi {
    shape: &shape::EMBED,
    read: |asking, diagnostics| {
        let body = parse(asking, &shape::EMBED, diagnostics)?;
        let mut request =
            EmbedRequest { model: request_path::bare(asking.name).to_owned(), ..Default::default() };
        request.input = one(&body, Place::Root, &mut request.dimensions, diagnostics)?;
        Ok(request)
    },
    write: |request, source, diagnostics| match source {
        Some(source) => Ok((at(request, "embedContent")?, renamed(source, request))),
        None => write_many(request, None, diagnostics),
    },
    read_answer,
    write_answer: |answer, _, diagnostics| {
        uncounted(answer, diagnostics);
        let vector = answer.vectors.first().ok_or_else(malformed)?;
        Ok(format!(r#"{{"embedding":{{"values":{vector}}}}}"#))
    },
    mend: |answer, _, diagnostics| own_member(answer, "embedding", diagnostics),
    check: |answer, request| read_answer(answer, request, &mut Diagnostics::default())?.check(request),
};

/// `:batchEmbedContents`.
pub(super) static MANY: EmbeddingsApi = EmbeddingsApi {
    shape: &shape::EMBED_MANY,
    read: |asking, diagnostics| {
        let body = parse(asking, &shape::EMBED_MANY, diagnostics)?;
        let mut request =
            EmbedRequest { model: request_path::bare(asking.name).to_owned(), ..Default::default() };
        let given = body.array("requests").filter(|requests| !requests.is_empty());
        let given = given.ok_or_else(|| ClientError::invalid("`requests` is missing.").at("requests"))?;
        let mut inputs = Vec::with_capacity(given.len());
        for (i, item) in given.into_iter().enumerate() {
            let requests = Place::Key(&Place::Root, "requests");
            let item = read(item).unwrap_or_default();
            inputs.push(one(&item, Place::Index(&requests, i), &mut request.dimensions, diagnostics)?);
        }
        request.input = format!("[{}]", inputs.join(","));
        Ok(request)
    },
    write: write_many,
    read_answer,
    write_answer: |answer, _, diagnostics| {
        uncounted(answer, diagnostics);
        let vectors: Vec<_> = answer.vectors.iter().map(|v| format!(r#"{{"values":{v}}}"#)).collect();
        Ok(format!(r#"{{"embeddings":[{}]}}"#, vectors.join(",")))
    },
    mend: |answer, _, diagnostics| own_member(answer, "embeddings", diagnostics),
    check: |answer, request| read_answer(answer, request, &mut Diagnostics::default())?.check(request),
};

fn parse<'a>(
    asking: &AuxiliaryRequest<'a>,
    shape: &Shape,
    diagnostics: &mut Diagnostics,
) -> Result<Object<'a>, ClientError> {
    let body = Object::parse(asking.body)
        .map_err(|_| ClientError::invalid("The request body must be a JSON object."))?;
    shape.check(&body, diagnostics)?;
    Ok(camelized(body))
}

/// The text of one content, as a JSON string.
fn one(
    body: &Object<'_>,
    place: Place<'_>,
    dimensions: &mut Option<u64>,
    diagnostics: &mut Diagnostics,
) -> Result<String, ClientError> {
    let wrong = |place: Place<'_>, must: &str| {
        let at = place.path(Style::Brackets);
        ClientError::invalid(format!("`{at}` must {must}.")).at(at)
    };
    let at = Place::Key(&place, "content");
    let content = body.get("content").and_then(read).unwrap_or_default();
    let parts = match content.get("parts") {
        Some(one) if value_kind(one) == ValueKind::Object => vec![one],
        _ => content.array("parts").unwrap_or_default(),
    };
    if parts.is_empty() {
        return Err(wrong(at, "have parts, and all of them text"));
    }
    let mut words = String::new();
    for (i, part) in parts.into_iter().enumerate() {
        let part = read(part).unwrap_or_default();
        let parts = Place::Key(&at, "parts");
        words.push_str(&part.str("text").ok_or_else(|| wrong(Place::Index(&parts, i), "be a text"))?);
    }
    let given = body.get("outputDimensionality").and_then(|given| natural(&string_or_json(given)));
    *dimensions = given.or(*dimensions);
    for (key, value) in body.iter() {
        if !["model", "content", "outputDimensionality"].contains(&key) && value.trim() != "null" {
            diagnostics.record(
                DiagnosticCode::ParamDropped,
                &Place::Key(&place, key).path(Style::Brackets),
                "",
            );
        }
    }
    Ok(encode_string(&words))
}

fn at(request: &EmbedRequest, method: &str) -> Result<String, ClientError> {
    let resource = request_path::resource(&request.model);
    let resource = resource.map_err(|error| ClientError::invalid(error.message).at(error.param))?;
    Ok(format!("{resource}:{method}"))
}

/// The client's own body; the model that stands in it must be the path's.
fn renamed(source: &[u8], request: &EmbedRequest) -> String {
    let mut body = Object::parse(source).unwrap_or_default();
    let model = format!("models/{}", request_path::bare(&request.model));
    if body.str("model").is_some_and(|given| request_path::bare(&given) != request_path::bare(&request.model))
    {
        body.set("model", encode_string(&model));
    }
    let own = body.array("requests").map(|requests| {
        let own: Vec<_> = requests.iter().map(|item| renamed(item.as_bytes(), request)).collect();
        (own.iter().zip(&requests).any(|(own, given)| own != given), format!("[{}]", own.join(",")))
    });
    if let Some((true, requests)) = own {
        body.set("requests", requests);
    }
    if body.is_changed() { body.to_json() } else { String::from_utf8_lossy(source).into_owned() }
}

fn write_many(
    request: &EmbedRequest,
    source: Option<&[u8]>,
    _notes: &mut Diagnostics,
) -> Result<(String, String), ClientError> {
    let at = at(request, "batchEmbedContents")?;
    if let Some(source) = source {
        return Ok((at, renamed(source, request)));
    }
    let texts = request.texts().ok_or_else(|| {
        ClientError::invalid("`input` must be a text or a list of texts; the upstream takes no token ids.")
            .at("input")
    })?;
    let model = encode_string(&format!("models/{}", request_path::bare(&request.model)));
    let mut items = Vec::with_capacity(texts.len());
    for words in texts {
        let mut item = Object::new();
        item.set("model", model.clone());
        item.set("content", format!(r#"{{"parts":[{{"text":{words}}}]}}"#));
        if let Some(dimensions) = request.dimensions {
            item.set("outputDimensionality", dimensions.to_string());
        }
        items.push(item.to_json());
    }
    Ok((at, format!(r#"{{"requests":[{}]}}"#, items.join(","))))
}

/// An answer of the other route, with the member that this one's clients read.
fn own_member(answer: &[u8], own: &'static str, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut answer = Object::parse(answer).ok()?;
    if answer.non_null(own).is_some() {
        return None;
    }
    if own == "embeddings" {
        let one = format!("[{}]", answer.non_null("embedding")?);
        answer.remove("embedding");
        answer.set(own, one);
    } else {
        let one = (*answer.array("embeddings")?.first()?).to_owned();
        answer.remove("embeddings");
        answer.set(own, one);
    }
    diagnostics.record(DiagnosticCode::FieldFilled, own, "");
    Some(answer.to_json().into_bytes())
}

fn malformed() -> UpstreamError {
    UpstreamError::malformed("The upstream sent something that holds no embeddings.")
}

fn read_answer(
    body: &[u8],
    _request: &EmbedRequest,
    _notes: &mut Diagnostics,
) -> Result<Embeddings, UpstreamError> {
    let answer = Object::parse(body.trim_ascii()).map_err(|_| malformed())?;
    let given = match (answer.array("embeddings"), answer.get("embedding")) {
        (Some(several), _) => several,
        (None, Some(one)) => vec![one],
        (None, None) => return Err(malformed()),
    };
    let mut out = Embeddings::default();
    for item in given {
        let item = Object::parse(item.as_bytes()).map_err(|_| malformed())?;
        let vector = item
            .get("values")
            .filter(|values| value_kind(values) == ValueKind::Array)
            .ok_or_else(malformed)?;
        out.vectors.push(vector.to_owned());
    }
    out.tokens = answer.object("usageMetadata").and_then(|usage| usage.u64("promptTokenCount"));
    Ok(out)
}

/// There is no place for a count.
fn uncounted(answer: &Embeddings, diagnostics: &mut Diagnostics) {
    if answer.tokens.is_some() {
        diagnostics.record(DiagnosticCode::ExtraDropped, "usage", "");
    }
}
