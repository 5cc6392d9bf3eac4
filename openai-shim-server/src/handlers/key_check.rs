//! What a key with a name lets through: a request in, its demand on the key's limits or a refusal out.

use crate::app_state::AppState;
use crate::handlers::arriving_form::Inbound;
use crate::limits::{BYTES_PER_TOKEN, Demand, NamedKey};
use crate::routing::configured_models::other_spelling;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use openai_shim_core::Error;
use openai_shim_core::dialect::auxiliary::{AuxiliaryKind, AuxiliaryRoute};
use openai_shim_core::dialect::named_model::{FIELD, NamedModel};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::framing::text_field;
use openai_shim_core::json::Object;
use std::borrow::Cow;

/// Refuses a model that the key may not use, under either spelling of its name.
pub(crate) fn check_model(key: &NamedKey, model: &str) -> Result<(), Error> {
    let is_permitted = !model.is_empty()
        && (key.permits(model) || other_spelling(model).is_some_and(|other| key.permits(&other)));
    if is_permitted || !key.is_restricted() {
        return Ok(());
    }
    Err(key.forbidden_model(Some(model)))
}

/// The tokens that a request for generation may need: its prompt, and as much as it lets the model write.
pub(crate) fn demand_of_generation(app: &AppState, key: &NamedKey, client_request: &ClientRequest) -> Demand {
    let request = client_request.request();
    let bound = request.max_tokens.map(|limit| limit.tokens).or(app.config.default_max_tokens);
    let choices = u64::from(request.n.unwrap_or(1).max(1));
    let output = bound.unwrap_or_else(|| key.expected_output()).saturating_mul(choices);
    Demand { input: client_request.estimate_tokens(), output }
}

/// Whether requests to a route reach a model, so that the key must permit it.
fn needs_model(kind: AuxiliaryKind) -> bool {
    matches!(kind, AuxiliaryKind::TokenCount(_)) || uses_model(kind)
}

fn uses_model(kind: AuxiliaryKind) -> bool {
    matches!(
        kind,
        AuxiliaryKind::Embeddings(_)
            | AuxiliaryKind::Rerank
            | AuxiliaryKind::Media(_)
            | AuxiliaryKind::Forward
            | AuxiliaryKind::ForwardIfServed(_)
            | AuxiliaryKind::ForwardChecked(_)
    )
}

/// Whether a request counts against the limits of its key: it makes a model work.
pub(crate) fn is_counted(kind: AuxiliaryKind, method: &Method) -> bool {
    uses_model(kind) && !matches!(*method, Method::GET | Method::HEAD | Method::DELETE)
}

/// The tokens that a request to an auxiliary route may need. Only texts are counted.
pub(crate) fn auxiliary_demand(kind: AuxiliaryKind, inbound: &Inbound) -> Demand {
    match (kind, inbound) {
        (AuxiliaryKind::Embeddings(_) | AuxiliaryKind::Rerank, Inbound::Whole(received)) => {
            Demand { input: received.body.len() as u64 / BYTES_PER_TOKEN, output: 0 }
        }
        _ => Demand::default(),
    }
}

/// Refuses a request to an auxiliary route whose model the key may not use. `name`: the variable part of the path.
pub(crate) fn check_auxiliary(
    key: &NamedKey,
    route: &AuxiliaryRoute,
    name: &str,
    (headers, query): (&HeaderMap, &str),
    inbound: &Inbound,
) -> Result<(), Error> {
    if !key.is_restricted() || !needs_model(route.kind) {
        return Ok(());
    }
    let mut models = named_models(headers, query, inbound);
    if route.path.contains("{model}") {
        // Google's clients repeat the name in the body, as a resource.
        for model in &mut models {
            *model = model.strip_prefix("models/").unwrap_or(model).to_owned();
        }
        models.push(name.to_owned());
    }
    if models.is_empty() {
        return Err(key.forbidden_model(None));
    }
    models.iter().try_for_each(|model| check_model(key, model))
}

/// Every name that a request has for its model. Which one counts is the upstream's matter, so that all must be permitted.
fn named_models(headers: &HeaderMap, query: &str, inbound: &Inbound) -> Vec<String> {
    let mut models = Vec::new();
    match inbound {
        Inbound::Whole(received) => match Object::parse(&received.body) {
            Ok(json) => models.extend(json.str(FIELD).map(Cow::into_owned)),
            Err(_) => add_models_of_form(headers, &received.body, &mut models),
        },
        Inbound::Form(form) => models.extend(form.model().map(|model| model.name)),
    }
    models.extend(NamedModel::in_query(query).map(|model| model.name));
    models
}

/// Adds the model of each field of that name.
fn add_models_of_form(headers: &HeaderMap, mut form: &[u8], models: &mut Vec<String>) {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    while let Some(field) = text_field(kind, form, FIELD) {
        let Some(value) = field.indexes() else { return };
        let name = form.get(value.clone()).and_then(|value| field.coding.decode(value));
        // What cannot be read is no model that may be used.
        models.push(name.unwrap_or_default());
        form = form.get(value.end..).unwrap_or_default();
    }
}
