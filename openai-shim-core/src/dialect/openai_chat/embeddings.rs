//! Embeddings, in the encoding that the client asked for.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings/object>

use super::super::auxiliary::{EmbeddingsApi, with_model};
use super::shape;
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings, VectorCheck};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `/embeddings`.
pub(super) static EMBEDDING: EmbeddingsApi = EmbeddingsApi {
    shape: &shape::EMBEDDING,
    read: |asking, diagnostics| read(asking.body, diagnostics),
    write: |request, source, _| Ok((String::from("/embeddings"), write(request, source))),
    read_answer,
    write_answer: |answer, request, diagnostics| Ok(write_answer(answer, request, diagnostics)),
    mend,
    check,
};

fn read(body: &[u8], diagnostics: &mut Diagnostics) -> Result<EmbedRequest, ClientError> {
    let object = Object::parse(body)
        .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
    shape::EMBEDDING.check(&object, diagnostics)?;
    let mut request = EmbedRequest::default();
    request.model = object.str("model").unwrap_or_default().into_owned();
    object.get("input").unwrap_or("null").clone_into(&mut request.input);
    request.dimensions = object.get("dimensions").and_then(natural);
    request.base64 = object.str("encoding_format").as_deref() == Some("base64");
    for (name, _) in object.iter().filter(|(_, value)| value.trim() != "null") {
        // The encoding is the answer's, and made here.
        if !["model", "input", "dimensions", "encoding_format"].contains(&name) {
            diagnostics.record(DiagnosticCode::ParamDropped, name, "");
        }
    }
    Ok(request)
}

fn write(request: &EmbedRequest, source: Option<&[u8]>) -> String {
    if let Some(own) = source.and_then(|source| with_model(source, &request.model)) {
        return own;
    }
    let mut out = Object::new();
    out.set("model", encode_string(&request.model));
    out.set("input", request.input.as_str());
    if let Some(dimensions) = request.dimensions {
        out.set("dimensions", dimensions.to_string());
    }
    out.set("encoding_format", "\"float\"");
    out.to_json()
}

fn malformed() -> UpstreamError {
    UpstreamError::malformed("The upstream sent something that holds no embeddings.")
}

/// Reads an answer: mended first, so that tolerance is written once.
fn read_answer(
    body: &[u8],
    request: &EmbedRequest,
    diagnostics: &mut Diagnostics,
) -> Result<Embeddings, UpstreamError> {
    let plain = EmbedRequest { base64: false, ..request.clone() };
    let mut found = Diagnostics::default();
    let mended = mend(body, &plain, &mut found);
    let answer = Object::parse(mended.as_deref().unwrap_or(body.trim_ascii())).map_err(|_| malformed())?;
    let mut vectors: Vec<(u64, String)> = Vec::new();
    for item in answer.array("data").ok_or_else(malformed)? {
        let item = Object::parse(item.as_bytes()).map_err(|_| malformed())?;
        let vector =
            item.get("embedding").filter(|v| value_kind(v) == ValueKind::Array).ok_or_else(malformed)?;
        vectors.push((item.u64("index").unwrap_or(0), vector.to_owned()));
    }
    vectors.sort_by_key(|(index, _)| *index);
    let mut out = Embeddings::default();
    out.model = answer.str("model").map(std::borrow::Cow::into_owned);
    out.vectors = vectors.into_iter().map(|(_, vector)| vector).collect();
    // What was not counted is not said.
    if !found.has(DiagnosticCode::UsageMissing) {
        out.tokens = answer.object("usage").and_then(|usage| usage.u64("prompt_tokens"));
    }
    diagnostics.extend(&found);
    Ok(out)
}

fn write_answer(answer: &Embeddings, request: &EmbedRequest, diagnostics: &mut Diagnostics) -> String {
    let items: Vec<_> = answer
        .vectors
        .iter()
        .enumerate()
        .map(|(index, v)| format!(r#"{{"object":"embedding","index":{index},"embedding":{v}}}"#))
        .collect();
    let mut out = Object::new();
    out.set("object", "\"list\"");
    out.set("data", format!("[{}]", items.join(",")));
    out.set("model", encode_string(answer.model.as_deref().unwrap_or(&request.model)));
    if let Some(count) = answer.tokens {
        out.set("usage", format!(r#"{{"prompt_tokens":{count},"total_tokens":{count}}}"#));
    }
    let written = out.to_json();
    let mended =
        mend(written.as_bytes(), request, diagnostics).and_then(|mended| String::from_utf8(mended).ok());
    mended.unwrap_or(written)
}

/// Puts an answer right. `None`: it is right as it came, or it is nothing that this can put right.
fn mend(body: &[u8], wish: &EmbedRequest, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut answer = Object::parse(body.trim_ascii()).ok()?;
    if answer.get("data").is_none() && answer.array("embeddings").is_some() {
        diagnostics.record(DiagnosticCode::FieldFilled, "data", "embeddings");
        answer.rename("embeddings", "data");
    }
    let items: Vec<String> = answer.array("data")?.into_iter().map(str::to_owned).collect();
    let ordered = has_each_index(&items);
    let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
    for (index, item) in items.iter().enumerate() {
        let mended = vector(item, (index, ordered), wish, diagnostics)?;
        changed |= mended.is_some();
        written.push(mended.unwrap_or_else(|| item.clone()));
    }
    if changed {
        answer.set("data", format!("[{}]", written.join(",")));
    }
    if answer.str("object").as_deref() != Some("list") {
        diagnostics.record(DiagnosticCode::ObjectFilled, "object", "");
        answer.set("object", "\"list\"");
    }
    if answer.str("model").is_none_or(|model| model.is_empty()) {
        diagnostics.record(DiagnosticCode::ModelFilled, "model", "");
        answer.set("model", encode_string(&wish.model));
    }
    usage(&mut answer, diagnostics);
    answer.is_changed().then(|| answer.to_json().into_bytes())
}

/// One item; the outer `None` if it holds no vector at all.
#[allow(clippy::option_option)] // no vector, as it should be, mended
fn vector(
    item: &str,
    (index, ordered): (usize, bool),
    wish: &EmbedRequest,
    diagnostics: &mut Diagnostics,
) -> Option<Option<String>> {
    let mut object = match value_kind(item) {
        ValueKind::Array => {
            diagnostics.record(DiagnosticCode::FieldFilled, "data[].embedding", "");
            let mut object = Object::new();
            object.set("embedding", item);
            object
        }
        _ => Object::parse(item.as_bytes()).ok()?,
    };
    let given = object.get("embedding")?;
    let other = match (value_kind(given), wish.base64) {
        (ValueKind::Array, true) => Some(pack(given)?),
        (ValueKind::String, false) => Some(unpack(&decode_string(given)?)?),
        (ValueKind::Array | ValueKind::String, _) => None,
        _ => return None,
    };
    if let Some(other) = other {
        diagnostics.record(
            DiagnosticCode::ContentRewritten,
            "data[].embedding",
            if wish.base64 { "base64" } else { "numbers" },
        );
        object.set("embedding", other);
    }
    if object.str("object").as_deref() != Some("embedding") {
        diagnostics.record(DiagnosticCode::ObjectFilled, "data[].object", "");
        object.set("object", "\"embedding\"");
    }
    if !ordered && object.u64("index") != u64::try_from(index).ok() {
        diagnostics.record(DiagnosticCode::FieldFilled, "data[].index", "");
        object.set("index", index.to_string());
    }
    Some(object.is_changed().then(|| object.to_json()))
}

/// Whether each index from 0 on stands at one item; else their places are what is left to go by.
fn has_each_index(items: &[String]) -> bool {
    let mut met = vec![false; items.len()];
    items.iter().all(|item| {
        let index = Object::parse(item.as_bytes()).ok().and_then(|item| item.u64("index"));
        let place = index.and_then(|index| met.get_mut(usize::try_from(index).ok()?));
        place.is_some_and(|met| !std::mem::replace(met, true))
    })
}

/// Whether an answer, in either encoding, holds the vectors that were asked for.
fn check(body: &[u8], request: &EmbedRequest) -> Result<(), UpstreamError> {
    let answer = Object::parse(body).map_err(|_| malformed())?;
    let mut check = VectorCheck::default();
    for item in answer.array("data").ok_or_else(malformed)? {
        let item = Object::parse(item.as_bytes()).map_err(|_| malformed())?;
        let vector = item.get("embedding").ok_or_else(malformed)?;
        match (value_kind(vector), decode_string(vector)) {
            (ValueKind::Array, _) => check.list(vector)?,
            (_, Some(packed)) => {
                check.packed(&STANDARD.decode(packed.as_ref()).map_err(|_| malformed())?)?;
            }
            _ => return Err(malformed()),
        }
    }
    check.finish(request)
}

fn pack(list: &str) -> Option<String> {
    let numbers: Vec<f32> = serde_json::from_str(list).ok()?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    Some(encode_string(&STANDARD.encode(bytes)))
}

fn unpack(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    let (groups, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = groups.iter().map(|group| f32::from_le_bytes(*group)).collect();
    if !rest.is_empty() || !numbers.iter().all(|n| n.is_finite()) {
        return None;
    }
    let written: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Some(format!("[{}]", written.join(",")))
}

fn usage(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut usage = answer.object("usage").map(Object::into_owned).unwrap_or_default();
    let known = usage.u64("prompt_tokens").or_else(|| usage.u64("total_tokens"));
    if known.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    let count = known.unwrap_or(0).to_string();
    for key in ["prompt_tokens", "total_tokens"] {
        if usage.u64(key).is_none() {
            if known.is_some() {
                diagnostics.record(DiagnosticCode::UsageShaped, "usage", key);
            }
            usage.set(key, count.clone());
        }
    }
    if usage.is_changed() {
        answer.set("usage", usage.to_json());
    }
}
