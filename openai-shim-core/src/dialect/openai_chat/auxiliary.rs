//! Auxiliary routes of OpenAI's API: models, embeddings, and the routes that are forwarded.
//!
//! <https://platform.openai.com/docs/api-reference/models>

use super::super::auxiliary::{
    ANY_METHOD, AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, GET_AND_HEAD, ModelApi, ModelListApi,
    ResponseCheck,
};
use super::super::media::MediaApi;
use super::audio::{Speech, Transcription};
use super::embeddings::OpenAiEmbeddings;
use super::images::Images;
use super::lm_studio::{LmStudioModel, LmStudioModelList};
use crate::canonical::ListedModel;
use crate::canonical::explain_unusable;
use crate::error::{ClientError, UpstreamError};
use crate::json::{Object, items};

const PREFIXES: &[&str] = &["/v1", "/api/openai/v1"];

pub(super) static ROUTES: [AuxiliaryRoute; 27] = [
    route(GET_AND_HEAD, "/models", AuxiliaryKind::ModelList(&ModelList)),
    route(GET_AND_HEAD, "/models/{model}", AuxiliaryKind::Model(&Model)),
    route("POST", "/embeddings", AuxiliaryKind::Embeddings(&OpenAiEmbeddings)),
    media("/audio/speech", &Speech),
    media("/audio/transcriptions", &Transcription { into_english: false }),
    media("/audio/translations", &Transcription { into_english: true }),
    media("/images/generations", &Images::Generations),
    media("/images/edits", &Images::Edits),
    media("/images/variations", &Images::Variations),
    route(FORWARDED_METHODS, "/audio/{rest}", AuxiliaryKind::Forward),
    route(FORWARDED_METHODS, "/images/{rest}", AuxiliaryKind::Forward),
    route(FORWARDED_METHODS, "/moderations", AuxiliaryKind::ForwardChecked(&ModerationCheck)),
    route(FORWARDED_METHODS, "/rerank", AuxiliaryKind::ForwardChecked(&RerankCheck)),
    if_served("/files{/rest}", "files"),
    if_served("/uploads{/rest}", "uploads"),
    if_served("/batches{/rest}", "batches"),
    if_served("/fine_tuning{/rest}", "fine-tuning jobs"),
    if_served("/vector_stores{/rest}", "vector stores"),
    if_served("/assistants{/rest}", "assistants"),
    if_served("/threads{/rest}", "threads"),
    if_served("/containers{/rest}", "containers"),
    if_served("/conversations{/rest}", "conversations"),
    if_served("/evals{/rest}", "evals"),
    if_served("/videos{/rest}", "videos"),
    if_served("/realtime{/rest}", "realtime sessions"),
    at_lm_studios_path("/models", AuxiliaryKind::ModelList(&LmStudioModelList)),
    at_lm_studios_path("/models/{model}", AuxiliaryKind::Model(&LmStudioModel)),
];

const fn media(path: &'static str, api: &'static dyn MediaApi) -> AuxiliaryRoute {
    route(FORWARDED_METHODS, path, AuxiliaryKind::Media(api))
}

const fn if_served(path: &'static str, what: &'static str) -> AuxiliaryRoute {
    route(ANY_METHOD, path, AuxiliaryKind::ForwardIfServed(what))
}

const fn at_lm_studios_path(path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/api/v0"], path, methods: GET_AND_HEAD, kind }
}

const FORWARDED_METHODS: &str = "POST, GET, DELETE";

const fn route(methods: &'static str, path: &'static str, kind: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: PREFIXES, path, methods, kind }
}

/// `GET /v1/models`
#[derive(Debug)]
struct ModelList;

impl ModelListApi for ModelList {
    fn encode_list(&self, models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
        let items: Vec<_> = models.iter().map(|model| model.json.as_str()).collect();
        Ok(format!(r#"{{"object":"list","data":[{}]}}"#, items.join(",")))
    }
}

/// `GET /v1/models/{model}`
#[derive(Debug)]
struct Model;

impl ModelApi for Model {
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError> {
        Ok(vec![request.name.to_owned()])
    }

    fn encode_model(&self, model: &ListedModel) -> String {
        model.json.clone()
    }
}

/// Checks moderations: `{"results":[{"flagged":…}]}`.
#[derive(Debug)]
struct ModerationCheck;

impl ResponseCheck for ModerationCheck {
    fn check(&self, _request: &[u8], response: &[u8]) -> Result<(), UpstreamError> {
        let invalid = || explain_unusable(response, "a moderation");
        let object = Object::parse(response).map_err(|_| invalid())?;
        let results = object.array("results").filter(|results| !results.is_empty()).ok_or_else(invalid)?;
        let has_verdict =
            |result: &&str| Object::parse(result.as_bytes()).is_ok_and(|r| r.bool("flagged").is_some());
        if results.iter().all(has_verdict) { Ok(()) } else { Err(invalid()) }
    }
}

/// Checks rankings: `{"results":[{"index":…,"relevance_score":…}]}` as Cohere, Jina and vLLM have it, `data` as Voyage does,
/// or the bare list with `score` of TEI. Each index must be a position in the list of documents, and occur once.
#[derive(Debug)]
struct RerankCheck;

impl ResponseCheck for RerankCheck {
    fn check(&self, request: &[u8], response: &[u8]) -> Result<(), UpstreamError> {
        let invalid = || explain_unusable(response, "a ranking");
        let text = std::str::from_utf8(response).map_err(|_| invalid())?;
        let object = Object::parse(response).ok();
        let list = match &object {
            Some(object) => {
                ["results", "data"].iter().find_map(|key| object.non_null(key)).ok_or_else(invalid)?
            }
            None => text,
        };
        let list = items(list).ok_or_else(invalid)?;
        let request = Object::parse(request).unwrap_or_default();
        let documents = ["documents", "texts"].iter().find_map(|key| Some(request.array(key)?.len()));
        let mut is_ranked = vec![false; documents.unwrap_or(list.len())];
        for item in list {
            let item = Object::parse(item.as_bytes()).map_err(|_| invalid())?;
            let has_score = ["relevance_score", "score"]
                .iter()
                .any(|key| item.get(key).and_then(|score| serde_json::from_str::<f64>(score).ok()).is_some());
            let index = item.u64("index").and_then(|index| usize::try_from(index).ok());
            let (Some(index), true) = (index, has_score) else { return Err(invalid()) };
            let is_wrong = match is_ranked.get_mut(index) {
                Some(is_ranked) => std::mem::replace(is_ranked, true),
                // If the request has no list of documents, their number is unknown.
                None => documents.is_some(),
            };
            if is_wrong {
                return Err(UpstreamError::malformed(format!(
                    "The upstream's ranking names document {index} twice, or there is none of that number."
                )));
            }
        }
        Ok(())
    }
}
