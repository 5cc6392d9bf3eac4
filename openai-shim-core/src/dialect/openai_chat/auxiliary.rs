//! Auxiliary routes of OpenAI's API and of servers like it: models, embeddings, rankings, and the routes that are forwarded.
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
use crate::json::Object;

const PREFIXES: &[&str] = &["/v1", "/api/openai/v1"];

pub(super) static ROUTES: [AuxiliaryRoute; 28] = [
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
    route("POST", "/rerank", AuxiliaryKind::Rerank),
    // Cohere's second version, also behind a base URL with `/v1`.
    AuxiliaryRoute { prefixes: &["/v2", "/v1/v2"], ..route("POST", "/rerank", AuxiliaryKind::Rerank) },
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
