//! Requests for rankings: which form a client speaks, its request to our model, and our model to an upstream's form.

use super::super::auxiliary::{AuxiliaryRequest, PostRequest, with_model};
use super::form::{RerankForm, default_form, rerank_form};
use crate::accepts::RerankFormat;
use crate::canonical::{DiagnosticCode, Diagnostics, RerankRequest, raw_text};
use crate::error::ClientError;
use crate::json::{
    Object, ValueKind, decode_string, encode_array, encode_string, items, natural, value_kind,
};

/// The path of every form, relative to the base URL.
const PATH: &str = "/rerank";

/// Members that only one API has.
const TELLING: [(&str, RerankFormat); 4] = [
    ("rank_fields", RerankFormat::CohereV1),
    ("max_tokens_per_doc", RerankFormat::Cohere),
    ("top_k", RerankFormat::Voyage),
    ("truncation", RerankFormat::Voyage),
];

/// Members that mean the same in every form, or are read by themselves.
const COMMON: [&str; 4] = ["model", "query", "rank_fields", "return_documents"];

/// Returns the form of a client's request: `texts` in place of `documents` are TEI's, the path `/v2/rerank` is Cohere's, and
/// members that only one API has are that API's. Every other request counts as Jina's: clients of Cohere's first version read
/// its responses, too.
///
/// ```
/// use openai_shim_core::accepts::RerankFormat;
/// use openai_shim_core::dialect::auxiliary::AuxiliaryRequest;
/// use openai_shim_core::dialect::rerank::client_form;
/// let mut request = AuxiliaryRequest::default();
/// (request.path, request.body) = ("/v1/rerank", br#"{"query":"q","texts":["a"]}"#);
/// assert_eq!(client_form(&request).format, RerankFormat::Tei);
/// ```
pub fn client_form(request: &AuxiliaryRequest<'_>) -> &'static RerankForm {
    let body = Object::parse(request.body).unwrap_or_default();
    let has = |key: &str| body.get(key).is_some();
    let format = if has("texts") && !has("documents") {
        RerankFormat::Tei
    } else if request.path.split('/').any(|segment| segment == "v2") {
        RerankFormat::Cohere
    } else {
        let telling = TELLING.iter().find(|(key, _)| has(key));
        telling.map_or(RerankFormat::Jina, |(_, format)| *format)
    };
    rerank_form(format).unwrap_or_else(default_form)
}

impl RerankForm {
    /// Decodes a client's request. Members that no other form has are recorded as dropped.
    ///
    /// # Errors
    /// The request is invalid.
    pub fn decode_request(
        &self,
        request: &AuxiliaryRequest<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<RerankRequest, ClientError> {
        let body = Object::parse(request.body)
            .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
        self.shape.check(&body, diagnostics)?;
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut decoded = RerankRequest::default();
        decoded.model = body.str("model").unwrap_or_default().into_owned();
        body.get("query").unwrap_or("null").clone_into(&mut decoded.query);
        decoded.documents = body.get(self.documents).and_then(items).map(owned);
        decoded.rank_fields = body
            .array("rank_fields")
            .map(|fields| fields.into_iter().filter_map(decode_string).map(Into::into).collect())
            .unwrap_or_default();
        let number = |raw: &str| natural(raw).or_else(|| natural(&decode_string(raw)?));
        let top = self.top.and_then(|top| body.get(top)).and_then(number);
        // vLLM's clients send 0 for all: <https://docs.vllm.ai/en/latest/models/pooling_models.html>.
        decoded.top_n = top.filter(|top| *top > 0).map(|top| usize::try_from(top).unwrap_or(usize::MAX));
        // Clients of earlier versions of Cohere's second API still send it.
        decoded.return_documents = body.bool(self.return_documents.unwrap_or("return_documents"));
        decoded.truncate = self.truncate.and_then(|truncate| body.bool(truncate));
        decoded.raw_scores = self.raw_scores.and_then(|raw_scores| body.bool(raw_scores)) == Some(true);
        for (name, value) in body.iter().filter(|(_, value)| value_kind(value) != ValueKind::Null) {
            let is_default = name == "truncation_direction" && value.trim().eq_ignore_ascii_case("\"right\"");
            if COMMON.contains(&name)
                || self.params().into_iter().flatten().any(|param| param == name)
                || is_default
            {
                continue;
            }
            if self.document_limits.contains(&name) {
                decoded.document_limits.push((name.to_owned(), value.to_owned()));
            } else {
                diagnostics.record(DiagnosticCode::ParamDropped, name, "");
            }
        }
        Ok(decoded)
    }

    /// Encodes a request for an upstream of this form, without documents in the response: they are those of the request.
    /// `source` is the client's own body if it has the same form: all of it stays but the name of the model.
    ///
    /// # Errors
    /// The form cannot express the request.
    pub fn encode_request(
        &self,
        client: &Self,
        request: &RerankRequest,
        source: Option<&[u8]>,
        diagnostics: &mut Diagnostics,
    ) -> Result<PostRequest, ClientError> {
        if let Some(body) = source.and_then(|source| with_model(source, &request.model)) {
            return Ok(PostRequest::new(PATH, body));
        }
        let mut body = Object::new();
        if self.names_model {
            body.set("model", encode_string(&request.model));
        }
        body.set("query", query(request)?);
        body.set(self.documents, documents(client, request, diagnostics)?);
        if let (Some(name), Some(top)) = (self.top, request.top_n) {
            body.set(name, top.to_string());
        }
        if let Some(name) = self.return_documents.filter(|_| self.returns_documents) {
            body.set(name, "false");
        }
        let truncates = request.truncate.unwrap_or(client.truncates);
        match self.truncate {
            Some(name) if truncates != self.truncates => body.set(name, truncates.to_string()),
            None if request.truncate.is_some_and(|requested| requested != self.truncates) => {
                diagnostics.record(DiagnosticCode::ParamDropped, client.truncate.unwrap_or_default(), "");
            }
            _ => {}
        }
        if request.raw_scores {
            match self.raw_scores {
                Some(name) => body.set(name, "true"),
                None => {
                    let name = client.raw_scores.unwrap_or_default();
                    diagnostics.record(DiagnosticCode::ParamDropped, name, "");
                }
            }
        }
        for (name, value) in &request.document_limits {
            if self.document_limits.contains(&name.as_str()) {
                body.set(name.as_str(), value.as_str());
            } else {
                diagnostics.record(DiagnosticCode::ParamDropped, name, "");
            }
        }
        Ok(PostRequest::new(PATH, body.to_json()))
    }
}

fn query(request: &RerankRequest) -> Result<String, ClientError> {
    raw_text(&request.query).map(Into::into).map_err(|member| match value_kind(&request.query) {
        ValueKind::Null => missing("query"),
        _ => not_text("query", member),
    })
}

fn documents(
    client: &RerankForm,
    request: &RerankRequest,
    diagnostics: &mut Diagnostics,
) -> Result<String, ClientError> {
    let documents = request.documents.as_ref().ok_or_else(|| missing(client.documents))?;
    let mut texts = Vec::with_capacity(documents.len());
    for (position, document) in documents.iter().enumerate() {
        let path = || format!("{}[{position}]", client.documents);
        let text = request.text_of(document).map_err(|member| not_text(&path(), member))?;
        if value_kind(document) != ValueKind::String {
            diagnostics.record(DiagnosticCode::ContentRewritten, client.documents, "objects to texts");
        }
        texts.push(text);
    }
    Ok(encode_array(&texts))
}

fn missing(field: &str) -> ClientError {
    ClientError::invalid(format!("`{field}` is missing.")).at(field)
}

fn not_text(path: &str, member: &str) -> ClientError {
    let path = if member.is_empty() { path.to_owned() } else { format!("{path}.{member}") };
    let message = if member == "text" {
        format!("`{path}` is missing: the upstream ranks texts only.")
    } else {
        format!("`{path}` is not text, and the upstream ranks texts only.")
    };
    ClientError::invalid(message).at(path)
}
