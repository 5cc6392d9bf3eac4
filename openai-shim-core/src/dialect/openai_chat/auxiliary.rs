//! Routes beside the chat's: models, embeddings, and what is passed on as it is.
//!
//! <https://platform.openai.com/docs/api-reference/models>

use super::super::auxiliary::{AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, GET, ModelApi};
use super::embeddings::EMBEDDING;
use crate::canonical::ListedModel;
use crate::canonical::explain_unusable;
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, items};

/// OpenAI's routes are served under both.
const PREFIXES: &[&str] = &["/v1", "/api/openai/v1"];

pub(super) static ROUTES: [AuxiliaryRoute; 7] = [
    at(GET, "/models", AuxiliaryKind::Models(list)),
    at(GET, "/models/{model}", AuxiliaryKind::Model(&MODEL)),
    at("POST", "/embeddings", AuxiliaryKind::Embed(&EMBEDDING)),
    at(ANY, "/audio/{rest}", AuxiliaryKind::Forward),
    at(ANY, "/images/{rest}", AuxiliaryKind::Forward),
    at(ANY, "/moderations", AuxiliaryKind::Checked(moderated)),
    at(ANY, "/rerank", AuxiliaryKind::Checked(ranked)),
];

const ANY: &str = "POST, GET, DELETE";

const fn at(methods: &'static str, path: &'static str, side: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: PREFIXES, path, methods, side }
}

static MODEL: ModelApi = ModelApi {
    names: |asking: &AuxiliaryRequest<'_>| Ok(vec![asking.name.to_owned()]),
    write: |model| model.json.clone(),
    unknown: ClientError::unknown_model,
};

#[allow(clippy::unnecessary_wraps)] // the table's form
fn list(models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
    let items: Vec<_> = models.iter().map(|model| model.json.as_str()).collect();
    Ok(format!(r#"{{"object":"list","data":[{}]}}"#, items.join(",")))
}

/// `{"results":[{"flagged":…}]}`.
fn moderated(_request: &[u8], answer: &[u8]) -> Result<(), UpstreamError> {
    let due = || explain_unusable(answer, "a moderation");
    let answer = Object::parse(answer).map_err(|_| due())?;
    let results = answer.array("results").filter(|results| !results.is_empty()).ok_or_else(due)?;
    let judged = |result: &&str| Object::parse(result.as_bytes()).is_ok_and(|r| r.bool("flagged").is_some());
    if results.iter().all(judged) { Ok(()) } else { Err(due()) }
}

/// `{"results":[{"index":…,"relevance_score":…}]}` as Cohere, Jina and vLLM have it, `data` as Voyage does, or the bare list
/// with `score` of TEI: places in the list of documents, each once.
fn ranked(request: &[u8], answer: &[u8]) -> Result<(), UpstreamError> {
    let due = || explain_unusable(answer, "a ranking");
    let text = std::str::from_utf8(answer).map_err(|_| due())?;
    let object = Object::parse(answer).ok();
    let list = match &object {
        Some(object) => ["results", "data"].iter().find_map(|key| object.non_null(key)).ok_or_else(due)?,
        None => text,
    };
    let list = items(list).ok_or_else(due)?;
    let request = Object::parse(request).unwrap_or_default();
    let documents = ["documents", "texts"].iter().find_map(|key| Some(request.array(key)?.len()));
    let mut met = vec![false; documents.unwrap_or(list.len())];
    for item in list {
        let item = Object::parse(item.as_bytes()).map_err(|_| due())?;
        let scored = ["relevance_score", "score"]
            .iter()
            .any(|key| item.get(key).and_then(|score| serde_json::from_str::<f64>(score).ok()).is_some());
        let index = item.u64("index").and_then(|index| usize::try_from(index).ok());
        let (Some(index), true) = (index, scored) else { return Err(due()) };
        let wrong = match met.get_mut(index) {
            Some(met) => std::mem::replace(met, true),
            // Where the documents are not known, neither is how many there are.
            None => documents.is_some(),
        };
        if wrong {
            return Err(UpstreamError::malformed(format!(
                "The upstream's ranking names document {index} twice, or there is none of that number."
            )));
        }
    }
    Ok(())
}
