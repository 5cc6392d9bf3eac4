//! Routes beside the chat's: models, embeddings, and what is passed on as it is.
//!
//! <https://platform.openai.com/docs/api-reference/models>

use super::super::side::{Asking, GET, OneModel, Side, SideRoute};
use super::embed::EMBEDDING;
use crate::canonical::ListedModel;
use crate::error::ClientError;

/// OpenAI's routes are served under both.
const PREFIXES: &[&str] = &["/v1", "/api/openai/v1"];

pub(super) static ROUTES: [SideRoute; 7] = [
    at(GET, "/models", Side::Models(list)),
    at(GET, "/models/{model}", Side::Model(&MODEL)),
    at("POST", "/embeddings", Side::Embed(&EMBEDDING)),
    at(ANY, "/audio/{rest}", Side::Forward),
    at(ANY, "/images/{rest}", Side::Forward),
    at(ANY, "/moderations", Side::Forward),
    at(ANY, "/rerank", Side::Forward),
];

const ANY: &str = "POST, GET, DELETE";

const fn at(methods: &'static str, path: &'static str, side: Side) -> SideRoute {
    SideRoute { prefixes: PREFIXES, path, methods, side }
}

static MODEL: OneModel = OneModel {
    names: |asking: &Asking<'_>| Ok(vec![asking.name.to_owned()]),
    write: |model| model.json.clone(),
    unknown: ClientError::unknown_model,
};

#[allow(clippy::unnecessary_wraps)] // the table's form
fn list(models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
    let items: Vec<_> = models.iter().map(|model| model.json.as_str()).collect();
    Ok(format!(r#"{{"object":"list","data":[{}]}}"#, items.join(",")))
}
