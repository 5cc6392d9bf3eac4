//! Embeddings in Gemini's formats: `embedContent` for one content, `batchEmbedContents` for several.
//!
//! <https://ai.google.dev/api/embeddings>

use super::super::auxiliary::{
    AuxiliaryRequest, EmbeddingsApi, EmbeddingsField, PostRequest, no_embeddings, rename_embeddings,
};
use super::super::shape::{Place, Shape, Style};
use super::{camelized, read, request_path, shape};
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, EmbeddingInputType, Embeddings};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, natural, reported_count, string_or_json, value_kind};

/// The method of a model's resource that a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GeminiEmbeddings {
    /// `:embedContent`: one content, `embedding`.
    EmbedContent,
    /// `:batchEmbedContents`: several requests, `embeddings`.
    BatchEmbedContents,
}

impl GeminiEmbeddings {
    /// Returns the name of the method.
    fn method(self) -> &'static str {
        match self {
            Self::EmbedContent => "embedContent",
            Self::BatchEmbedContents => "batchEmbedContents",
        }
    }
}

impl EmbeddingsApi for GeminiEmbeddings {
    fn format(&self) -> &'static str {
        match self {
            Self::EmbedContent => "gemini-embed-content",
            Self::BatchEmbedContents => "gemini-batch-embed-contents",
        }
    }

    fn request_shape(&self) -> &'static Shape {
        match self {
            Self::EmbedContent => &shape::EMBED,
            Self::BatchEmbedContents => &shape::EMBED_MANY,
        }
    }

    fn decode_request(
        &self,
        request: &AuxiliaryRequest<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbedRequest, ClientError> {
        let body = Object::parse(request.body)
            .map_err(|_| ClientError::invalid("The request body must be a JSON object."))?;
        self.request_shape().check(&body, diagnostics)?;
        let body = camelized(body);
        let mut decoded =
            EmbedRequest { model: request_path::bare(request.name).to_owned(), ..Default::default() };
        decoded.input = match self {
            Self::EmbedContent => {
                decode_params(&body, &Place::Root, &mut decoded, diagnostics);
                decode_content(&body, Place::Root)?
            }
            Self::BatchEmbedContents => decode_batch(&body, &mut decoded, diagnostics)?,
        };
        Ok(decoded)
    }

    /// A request in another format becomes a batch, which has room for any number of texts.
    fn encode_request(
        &self,
        request: &EmbedRequest,
        source: Option<&[u8]>,
        _diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, ClientError> {
        match source {
            Some(source) => {
                Ok(PostRequest::new(request_url(request, *self)?, with_path_model(source, request)))
            }
            None => encode_batch(request),
        }
    }

    fn decode_response(
        &self,
        body: &[u8],
        _request: &EmbedRequest,
        _diagnostics: &mut Diagnostics,
    ) -> Result<Embeddings, UpstreamError> {
        decode_response(body)
    }

    fn encode_response(
        &self,
        embeddings: &Embeddings,
        _request: &EmbedRequest,
        _diagnostics: &mut Diagnostics,
    ) -> Result<String, UpstreamError> {
        let usage = embeddings
            .tokens
            .map(|count| format!(r#","usageMetadata":{{"promptTokenCount":{count}}}"#))
            .unwrap_or_default();
        match self {
            Self::EmbedContent => {
                let vector = embeddings.vectors.first().ok_or_else(no_embeddings)?;
                Ok(format!(r#"{{"embedding":{{"values":{vector}}}{usage}}}"#))
            }
            Self::BatchEmbedContents => {
                let vectors: Vec<_> =
                    embeddings.vectors.iter().map(|v| format!(r#"{{"values":{v}}}"#)).collect();
                Ok(format!(r#"{{"embeddings":[{}]{usage}}}"#, vectors.join(",")))
            }
        }
    }

    /// Renames the field with the embeddings, for an upstream that responds in the format of the other method.
    fn repair_response(
        &self,
        body: &[u8],
        _request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>> {
        let expected = match self {
            Self::EmbedContent => EmbeddingsField::One,
            Self::BatchEmbedContents => EmbeddingsField::List,
        };
        rename_embeddings(body, expected, diagnostics)
    }

    fn reported_tokens(&self, body: &[u8]) -> Option<u64> {
        let response = Object::parse(body).ok()?;
        response.object("usageMetadata")?.get("promptTokenCount").and_then(reported_count)
    }

    fn list_field(&self) -> Option<&'static str> {
        (*self == Self::BatchEmbedContents).then_some("requests")
    }

    fn param(&self, name: &str) -> Option<&'static str> {
        match name {
            "dimensions" => Some(DIMENSIONS),
            "input_type" => Some(TASK_TYPE),
            _ => None,
        }
    }
}

const DIMENSIONS: &str = "outputDimensionality";
const TASK_TYPE: &str = "taskType";

/// The newer place of the parameters, beside the content.
const CONFIG: &str = "embedContentConfig";

/// Decodes the texts of a batch, as a JSON array of strings.
fn decode_batch(
    body: &Object<'_>,
    decoded: &mut EmbedRequest,
    diagnostics: &mut Diagnostics,
) -> Result<String, ClientError> {
    let requests = body.array("requests").filter(|requests| !requests.is_empty());
    let requests = requests.ok_or_else(|| ClientError::invalid("`requests` is missing.").at("requests"))?;
    let mut texts = Vec::with_capacity(requests.len());
    for (i, item) in requests.into_iter().enumerate() {
        let list = Place::Key(&Place::Root, "requests");
        let item = read(item).unwrap_or_default();
        let place = Place::Index(&list, i);
        decode_params(&item, &place, decoded, diagnostics);
        texts.push(decode_content(&item, place)?);
    }
    Ok(format!("[{}]", texts.join(",")))
}

/// Decodes the text of one content, as a JSON string.
fn decode_content(body: &Object<'_>, place: Place<'_>) -> Result<String, ClientError> {
    let wrong = |place: Place<'_>, must: &str| {
        let field_path = place.path(Style::Brackets);
        ClientError::invalid(format!("`{field_path}` must {must}.")).at(field_path)
    };
    let content_place = Place::Key(&place, "content");
    let content = body.get("content").and_then(read).unwrap_or_default();
    let parts = match content.get("parts") {
        Some(part) if value_kind(part) == ValueKind::Object => vec![part],
        _ => content.array("parts").unwrap_or_default(),
    };
    if parts.is_empty() {
        return Err(wrong(content_place, "have parts, and all of them text"));
    }
    let mut text = String::new();
    for (i, part) in parts.into_iter().enumerate() {
        let part = read(part).unwrap_or_default();
        let parts = Place::Key(&content_place, "parts");
        text.push_str(&part.str("text").ok_or_else(|| wrong(Place::Index(&parts, i), "be a text"))?);
    }
    Ok(encode_string(&text))
}

/// Decodes the parameters of one content. Those of a batch are the same for all contents: what differs from the first content is
/// reported as lost.
fn decode_params(
    body: &Object<'_>,
    place: &Place<'_>,
    decoded: &mut EmbedRequest,
    diagnostics: &mut Diagnostics,
) {
    for (key, value) in body.iter().filter(|(_, value)| value.trim() != "null") {
        match key {
            "model" | "content" => {}
            CONFIG => {
                let config = read(value).unwrap_or_default();
                decode_params(&config, &Place::Key(place, CONFIG), decoded, diagnostics);
            }
            _ if !decode_param(key, value, decoded) => {
                let field_path = Place::Key(place, key).path(Style::Brackets);
                diagnostics.record(DiagnosticCode::ParamDropped, &field_path, "");
            }
            _ => {}
        }
    }
}

/// Decodes one parameter; false if it is lost.
fn decode_param(key: &str, value: &str, decoded: &mut EmbedRequest) -> bool {
    match key {
        DIMENSIONS => match natural(&string_or_json(value)) {
            Some(dimensions) => *decoded.dimensions.get_or_insert(dimensions) == dimensions,
            None => false,
        },
        TASK_TYPE => match EmbeddingInputType::parse(&string_or_json(value)) {
            Some(input_type) => *decoded.input_type.get_or_insert(input_type) == input_type,
            // Without a type the model has none, too.
            None => string_or_json(value) == "TASK_TYPE_UNSPECIFIED",
        },
        _ => false,
    }
}

/// Returns the path of a method of the request's model.
fn request_url(request: &EmbedRequest, api: GeminiEmbeddings) -> Result<String, ClientError> {
    let resource = request_path::resource(&request.model);
    let resource = resource.map_err(|error| ClientError::invalid(error.message).at(error.param))?;
    Ok(format!("{resource}:{}", api.method()))
}

/// Returns the client's own body; a model in it, and in the requests of a batch, must be that of the path.
fn with_path_model(source: &[u8], request: &EmbedRequest) -> String {
    let mut body = Object::parse(source).unwrap_or_default();
    let model = request_path::bare(&request.model);
    if body.str("model").is_some_and(|other| request_path::bare(&other) != model) {
        body.set("model", encode_string(&format!("models/{model}")));
    }
    let batch = body.array("requests").map(|requests| {
        let renamed: Vec<_> = requests.iter().map(|item| with_path_model(item.as_bytes(), request)).collect();
        let is_changed = renamed.iter().zip(&requests).any(|(renamed, original)| renamed != original);
        (is_changed, format!("[{}]", renamed.join(",")))
    });
    if let Some((true, requests)) = batch {
        body.set("requests", requests);
    }
    if body.is_changed() { body.to_json() } else { String::from_utf8_lossy(source).into_owned() }
}

/// Encodes a `batchEmbedContents` request.
fn encode_batch(request: &EmbedRequest) -> Result<PostRequest, ClientError> {
    let url = request_url(request, GeminiEmbeddings::BatchEmbedContents)?;
    let texts = request.texts().ok_or_else(|| {
        ClientError::invalid("`input` must be a text or a list of texts; the upstream takes no token ids.")
            .at("input")
    })?;
    let model = encode_string(&format!("models/{}", request_path::bare(&request.model)));
    let mut items = Vec::with_capacity(texts.len());
    for text in texts {
        let mut item = Object::new();
        item.set("model", model.clone());
        item.set("content", format!(r#"{{"parts":[{{"text":{text}}}]}}"#));
        if let Some(input_type) = request.input_type {
            item.set(TASK_TYPE, encode_string(input_type.google_name()));
        }
        if let Some(dimensions) = request.dimensions {
            item.set(DIMENSIONS, dimensions.to_string());
        }
        items.push(item.to_json());
    }
    Ok(PostRequest::new(url, format!(r#"{{"requests":[{}]}}"#, items.join(","))))
}

/// Decodes a response of either method.
fn decode_response(body: &[u8]) -> Result<Embeddings, UpstreamError> {
    let response = Object::parse(body.trim_ascii()).map_err(|_| no_embeddings())?;
    let items = match (response.array("embeddings"), response.get("embedding")) {
        (Some(items), _) => items,
        (None, Some(item)) => vec![item],
        (None, None) => return Err(no_embeddings()),
    };
    let mut out = Embeddings::default();
    for item in items {
        let item = Object::parse(item.as_bytes()).map_err(|_| no_embeddings())?;
        let vector = item
            .get("values")
            .filter(|values| value_kind(values) == ValueKind::Array)
            .ok_or_else(no_embeddings)?;
        out.vectors.push(vector.to_owned());
    }
    out.tokens = GeminiEmbeddings::BatchEmbedContents.reported_tokens(body);
    Ok(out)
}
