//! Embeddings in OpenAI's format: requests, and responses with numbers or base64, as the client requested.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings/object>

use super::super::auxiliary::{AuxiliaryRequest, EmbeddingsApi, PostRequest, no_embeddings, with_model};
use super::super::shape::Shape;
use super::shape;
use crate::canonical::{
    DiagnosticCode, Diagnostics, EmbedRequest, EmbeddingInputType, Embeddings, VectorCheck, item_order,
};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, decode_string, encode_string, natural, reported_count, value_kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// `POST /v1/embeddings`
#[derive(Debug)]
pub(super) struct OpenAiEmbeddings;

impl EmbeddingsApi for OpenAiEmbeddings {
    fn format(&self) -> &'static str {
        "openai-embeddings"
    }

    fn request_shape(&self) -> &'static Shape {
        &shape::EMBEDDING
    }

    fn decode_request(
        &self,
        request: &AuxiliaryRequest<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbedRequest, ClientError> {
        let body = Object::parse(request.body)
            .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
        shape::EMBEDDING.check(&body, diagnostics)?;
        let mut decoded = EmbedRequest::default();
        decoded.model = body.str("model").unwrap_or_default().into_owned();
        body.get("input").unwrap_or("null").clone_into(&mut decoded.input);
        decoded.dimensions = body.get("dimensions").and_then(natural);
        let encoding = body.str("encoding_format");
        decoded.base64 = encoding.as_deref() == Some("base64");
        decoded.keeps_encoding = encoding.is_some_and(|encoding| !CONVERTED_ENCODINGS.contains(&&*encoding));
        for (name, value) in body.iter().filter(|(_, value)| value.trim() != "null") {
            // `encoding_format` is not lost: the response is encoded here.
            let is_decoded = ["model", "input", "dimensions"].contains(&name);
            if is_decoded || (name == "encoding_format" && !decoded.keeps_encoding) {
                continue;
            }
            let input_type = decode_string(value).filter(|_| INPUT_TYPE_PARAMS.contains(&name));
            match input_type.and_then(|word| EmbeddingInputType::parse(&word)) {
                Some(known) if decoded.input_type.is_none() => decoded.input_type = Some(known),
                _ => diagnostics.record(DiagnosticCode::ParamDropped, name, ""),
            }
        }
        Ok(decoded)
    }

    fn encode_request(
        &self,
        request: &EmbedRequest,
        source: Option<&[u8]>,
        _diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, ClientError> {
        const PATH: &str = "/embeddings";
        if let Some(body) = source.and_then(|source| with_model(source, &request.model)) {
            return Ok(PostRequest::new(PATH, body));
        }
        let mut body = Object::new();
        body.set("model", encode_string(&request.model));
        body.set("input", request.input.as_str());
        if let Some(dimensions) = request.dimensions {
            body.set(DIMENSIONS, dimensions.to_string());
        }
        // A profile says by which name, and in which words, the upstream takes it.
        if let Some(input_type) = request.input_type {
            body.set(INPUT_TYPE_PARAMS[0], encode_string(input_type.as_str()));
        }
        Ok(PostRequest::new(PATH, body.to_json()))
    }

    /// Decodes a response after its repair, so that tolerance has one place.
    fn decode_response(
        &self,
        body: &[u8],
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<Embeddings, UpstreamError> {
        let mut as_numbers = EmbedRequest::default();
        as_numbers.model.clone_from(&request.model);
        let repaired = repair(body, &as_numbers, diagnostics);
        let response =
            Object::parse(repaired.as_deref().unwrap_or(body.trim_ascii())).map_err(|_| no_embeddings())?;
        let mut vectors: Vec<(u64, String)> = Vec::new();
        for item in response.array("data").ok_or_else(no_embeddings)? {
            let item = Object::parse(item.as_bytes()).map_err(|_| no_embeddings())?;
            let vector = item
                .get("embedding")
                .filter(|v| value_kind(v) == ValueKind::Array)
                .ok_or_else(no_embeddings)?;
            vectors.push((item.u64("index").unwrap_or(0), vector.to_owned()));
        }
        vectors.sort_by_key(|(index, _)| *index);
        let mut out = Embeddings::default();
        out.model = response.str("model").map(Cow::into_owned);
        out.vectors = vectors.into_iter().map(|(_, vector)| vector).collect();
        // The repair fills in zeros where the upstream reports no count.
        out.tokens = self.reported_tokens(body);
        Ok(out)
    }

    fn encode_response(
        &self,
        embeddings: &Embeddings,
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<String, UpstreamError> {
        let items: Vec<_> = embeddings
            .vectors
            .iter()
            .enumerate()
            .map(|(index, v)| format!(r#"{{"object":"embedding","index":{index},"embedding":{v}}}"#))
            .collect();
        let mut out = Object::new();
        out.set("object", "\"list\"");
        out.set("data", format!("[{}]", items.join(",")));
        out.set("model", encode_string(embeddings.model.as_deref().unwrap_or(&request.model)));
        if let Some(count) = embeddings.tokens {
            out.set("usage", format!(r#"{{"prompt_tokens":{count},"total_tokens":{count}}}"#));
        }
        let encoded = out.to_json();
        // The repair converts the numbers to base64 if the client requested that.
        let repaired = repair(encoded.as_bytes(), request, diagnostics);
        Ok(repaired.and_then(|repaired| String::from_utf8(repaired).ok()).unwrap_or(encoded))
    }

    fn repair_response(
        &self,
        body: &[u8],
        request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>> {
        repair(body, request, diagnostics)
    }

    /// Checks a response with numbers or base64.
    fn check_response(&self, body: &[u8], request: &EmbedRequest) -> Result<usize, UpstreamError> {
        let response = Object::parse(body).map_err(|_| no_embeddings())?;
        let mut check = VectorCheck::default();
        for item in response.array("data").ok_or_else(no_embeddings)? {
            let item = Object::parse(item.as_bytes()).map_err(|_| no_embeddings())?;
            let vector = item.get("embedding").ok_or_else(no_embeddings)?;
            match (value_kind(vector), decode_string(vector)) {
                _ if request.keeps_encoding => check.unread(),
                (ValueKind::Array, _) => check.list(vector)?,
                (_, Some(base64)) => {
                    check.packed(&STANDARD.decode(base64.as_ref()).map_err(|_| no_embeddings())?)?;
                }
                _ => return Err(no_embeddings()),
            }
        }
        check.finish(request)
    }

    fn reported_tokens(&self, body: &[u8]) -> Option<u64> {
        input_tokens(&Object::parse(body).ok()?.object("usage")?)
    }

    fn list_field(&self) -> Option<&'static str> {
        Some("input")
    }

    fn param(&self, name: &str) -> Option<&'static str> {
        [DIMENSIONS, INPUT_TYPE_PARAMS[0]].into_iter().find(|param| *param == name)
    }
}

const DIMENSIONS: &str = "dimensions";

/// The parameters by which clients say what the vectors are for: of Cohere, Voyage and NVIDIA, of Jina, and Google's name.
const INPUT_TYPE_PARAMS: [&str; 3] = ["input_type", "task", "task_type"];

/// The count of input tokens, under either name, also as text.
fn input_tokens(usage: &Object<'_>) -> Option<u64> {
    ["prompt_tokens", "total_tokens"].iter().find_map(|key| usage.get(key).and_then(reported_count))
}

/// The encodings of vectors that are converted into each other here.
const CONVERTED_ENCODINGS: [&str; 2] = ["float", "base64"];

/// Repairs a response. `None`: it is right, or nothing that can be repaired.
fn repair(body: &[u8], request: &EmbedRequest, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut response = Object::parse(body.trim_ascii()).ok()?;
    if response.get("data").is_none() && response.array("embeddings").is_some() {
        diagnostics.record(DiagnosticCode::FieldFilled, "data", "embeddings");
        response.rename("embeddings", "data");
    }
    let mut items: Vec<String> = response.array("data")?.into_iter().map(str::to_owned).collect();
    let mut is_changed = sort(&mut items, diagnostics);
    let mut repaired = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let item = repair_item(item, u64::try_from(position).ok(), request, diagnostics)?;
        is_changed |= matches!(item, Cow::Owned(_));
        repaired.push(item);
    }
    if is_changed {
        response.set("data", format!("[{}]", repaired.join(",")));
    }
    if response.str("object").as_deref() != Some("list") {
        diagnostics.record(DiagnosticCode::ObjectFilled, "object", "");
        response.set("object", "\"list\"");
    }
    if response.str("model").is_none_or(|model| model.is_empty()) {
        diagnostics.record(DiagnosticCode::ModelFilled, "model", "");
        response.set("model", encode_string(&request.model));
    }
    repair_usage(&mut response, diagnostics);
    response.is_changed().then(|| response.to_json().into_bytes())
}

/// Repairs one item; `None` if it contains no embedding, and borrowed if it stays as it is. `new_index` replaces another
/// index.
fn repair_item<'i>(
    item: &'i str,
    new_index: Option<u64>,
    request: &EmbedRequest,
    diagnostics: &mut Diagnostics,
) -> Option<Cow<'i, str>> {
    let mut object = match value_kind(item) {
        ValueKind::Array => {
            diagnostics.record(DiagnosticCode::FieldFilled, "data[].embedding", "");
            let mut object = Object::new();
            object.set("embedding", item);
            object
        }
        _ => Object::parse(item.as_bytes()).ok()?,
    };
    let embedding = object.get("embedding")?;
    let as_base64 = request.base64;
    let converted = match (value_kind(embedding), as_base64) {
        (ValueKind::Array | ValueKind::String, _) if request.keeps_encoding => None,
        (ValueKind::Array, true) => Some(numbers_to_base64(embedding)?),
        (ValueKind::String, false) => Some(base64_to_numbers(&decode_string(embedding)?)?),
        (ValueKind::Array | ValueKind::String, _) => None,
        _ => return None,
    };
    if let Some(converted) = converted {
        diagnostics.record(
            DiagnosticCode::ContentRewritten,
            "data[].embedding",
            if as_base64 { "base64" } else { "numbers" },
        );
        object.set("embedding", converted);
    }
    if object.str("object").as_deref() != Some("embedding") {
        diagnostics.record(DiagnosticCode::ObjectFilled, "data[].object", "");
        object.set("object", "\"embedding\"");
    }
    if let Some(index) = new_index.filter(|index| object.u64("index") != Some(*index)) {
        diagnostics.record(DiagnosticCode::FieldFilled, "data[].index", "");
        object.set("index", index.to_string());
    }
    Some(if object.is_changed() { Cow::Owned(object.to_json()) } else { Cow::Borrowed(item) })
}

/// Sorts the items by their indexes if these say an order: many clients take the vectors as they stand. Otherwise their order is
/// all there is to go by.
fn sort(items: &mut Vec<String>, diagnostics: &mut Diagnostics) -> bool {
    let index = |item: &String| Object::parse(item.as_bytes()).ok()?.get("index").and_then(reported_count);
    let Some(order) = item_order(&items.iter().map(index).collect::<Vec<_>>()) else { return false };
    if order.iter().copied().eq(0..items.len()) {
        return false;
    }
    diagnostics.record(DiagnosticCode::FieldFilled, "data[].index", "sorted");
    *items = order.into_iter().filter_map(|at| items.get(at).cloned()).collect();
    true
}

/// Encodes a JSON array of numbers as a JSON string: base64 of little-endian 32-bit floats.
fn numbers_to_base64(list: &str) -> Option<String> {
    let numbers: Vec<f32> = serde_json::from_str(list).ok()?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    Some(encode_string(&STANDARD.encode(bytes)))
}

/// Decodes base64 of little-endian 32-bit floats as a JSON array of numbers.
fn base64_to_numbers(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    let (groups, remainder) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = groups.iter().map(|group| f32::from_le_bytes(*group)).collect();
    if !remainder.is_empty() || !numbers.iter().all(|n| n.is_finite()) {
        return None;
    }
    let encoded: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Some(format!("[{}]", encoded.join(",")))
}

/// Fills in token counts: from each other, or zeros if the upstream reports none.
fn repair_usage(response: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut usage = response.object("usage").map(Object::into_owned).unwrap_or_default();
    let reported = input_tokens(&usage);
    if reported.is_none() {
        diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
    }
    for key in ["prompt_tokens", "total_tokens"] {
        if usage.u64(key).is_none() {
            let own = usage.get(key).and_then(reported_count);
            let count = own.or(reported).unwrap_or(0).to_string();
            if reported.is_some() {
                diagnostics.record(DiagnosticCode::UsageShaped, "usage", key);
            }
            usage.set(key, count);
        }
    }
    if usage.is_changed() {
        response.set("usage", usage.to_json());
    }
}
