//! Embeddings in Ollama's formats: `POST /api/embed` for several texts, and the older `POST /api/embeddings` for one.
//!
//! <https://docs.ollama.com/api/embed>

use super::super::auxiliary::{
    AuxiliaryRequest, EmbeddingsApi, EmbeddingsField, PostRequest, no_embeddings, rename_embeddings,
    with_model,
};
use super::super::shape::Shape;
use super::shape;
use crate::canonical::{DiagnosticCode, Diagnostics, EmbedRequest, Embeddings};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, ValueKind, encode_string, natural, reported_count, value_kind};

/// The route that a format belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OllamaEmbeddings {
    /// `POST /api/embed`: `input` is a text or a list, the response has `embeddings`.
    Embed,
    /// `POST /api/embeddings`: one `prompt`, one `embedding`.
    Embeddings,
}

impl EmbeddingsApi for OllamaEmbeddings {
    fn format(&self) -> &'static str {
        match self {
            Self::Embed => "ollama-embed",
            Self::Embeddings => "ollama-embeddings",
        }
    }

    fn request_shape(&self) -> &'static Shape {
        match self {
            Self::Embed => &shape::EMBED,
            Self::Embeddings => &shape::EMBEDDINGS,
        }
    }

    fn decode_request(
        &self,
        request: &AuxiliaryRequest<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<EmbedRequest, ClientError> {
        let body = Object::parse(request.body)
            .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
        self.request_shape().check(&body, diagnostics)?;
        let model = body.str("model").filter(|model| !model.is_empty());
        let model = model.ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))?;
        let (key, kinds) = match self {
            Self::Embed => ("input", "a text or a list of texts"),
            Self::Embeddings => ("prompt", "a text"),
        };
        let input = body.non_null(key).filter(|input| match value_kind(input) {
            ValueKind::String => true,
            ValueKind::Array => *self == Self::Embed,
            _ => false,
        });
        let input = input.ok_or_else(|| ClientError::invalid(format!("`{key}` must be {kinds}.")).at(key))?;
        let mut decoded = EmbedRequest::default();
        decoded.model = model.into_owned();
        input.clone_into(&mut decoded.input);
        decoded.dimensions = body.get("dimensions").and_then(natural);
        for (name, value) in body.iter() {
            // `truncate: true` is the default.
            let is_default = matches!(value.trim(), "null" | "{}" | "\"\"" | "true");
            if !is_default && !["model", "dimensions", key].contains(&name) {
                diagnostics.record(DiagnosticCode::ParamDropped, name, "");
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
        let path = match self {
            Self::Embed => "/embed",
            Self::Embeddings => "/embeddings",
        };
        if let Some(body) = source.and_then(|source| with_model(source, &request.model)) {
            return Ok(PostRequest::new(path, body));
        }
        if request.texts().is_none() {
            let text = "`input` must be a text or a list of texts; the upstream takes no token ids.";
            return Err(ClientError::invalid(text).at("input"));
        }
        let mut body = Object::new();
        body.set("model", encode_string(&request.model));
        body.set("input", request.input.as_str());
        if let Some(dimensions) = request.dimensions {
            body.set("dimensions", dimensions.to_string());
        }
        Ok(PostRequest::new(path, body.to_json()))
    }

    /// Decodes a response of either route.
    fn decode_response(
        &self,
        body: &[u8],
        _request: &EmbedRequest,
        _diagnostics: &mut Diagnostics,
    ) -> Result<Embeddings, UpstreamError> {
        let response = Object::parse(body.trim_ascii()).map_err(|_| no_embeddings())?;
        let vectors: Vec<&str> = match (response.array("embeddings"), response.get("embedding")) {
            (Some(vectors), _) => vectors,
            (None, Some(vector)) => vec![vector],
            (None, None) => return Err(no_embeddings()),
        };
        if vectors.iter().any(|vector| value_kind(vector) != ValueKind::Array) {
            return Err(no_embeddings());
        }
        let mut out = Embeddings::default();
        out.model = response.str("model").map(std::borrow::Cow::into_owned);
        out.vectors = vectors.into_iter().map(str::to_owned).collect();
        out.tokens = self.reported_tokens(body);
        Ok(out)
    }

    fn encode_response(
        &self,
        embeddings: &Embeddings,
        request: &EmbedRequest,
        _diagnostics: &mut Diagnostics,
    ) -> Result<String, UpstreamError> {
        match self {
            Self::Embed => {
                let mut out = Object::new();
                out.set("model", encode_string(&request.model));
                out.set("embeddings", format!("[{}]", embeddings.vectors.join(",")));
                if let Some(count) = embeddings.tokens {
                    out.set("prompt_eval_count", count.to_string());
                }
                Ok(out.to_json())
            }
            Self::Embeddings => {
                let vector = embeddings.vectors.first().ok_or_else(no_embeddings)?;
                Ok(format!(r#"{{"embedding":{vector}}}"#))
            }
        }
    }

    /// Renames the field with the embeddings, for an upstream that responds in the format of the other route.
    fn repair_response(
        &self,
        body: &[u8],
        _request: &EmbedRequest,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<u8>> {
        let expected = match self {
            Self::Embeddings => EmbeddingsField::One,
            Self::Embed => EmbeddingsField::List,
        };
        rename_embeddings(body, expected, diagnostics)
    }

    fn reported_tokens(&self, body: &[u8]) -> Option<u64> {
        Object::parse(body).ok()?.get("prompt_eval_count").and_then(reported_count)
    }

    fn list_field(&self) -> Option<&'static str> {
        (*self == Self::Embed).then_some("input")
    }

    fn param(&self, name: &str) -> Option<&'static str> {
        (name == "dimensions").then_some("dimensions")
    }
}
