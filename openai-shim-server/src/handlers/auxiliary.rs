//! Routes beside those that ask for answers: which there are, the dialects say; what is done, the kind of each.

use crate::app_state::AppState;
use crate::handlers::{count_tokens, embeddings, forward, models, stored_responses};
use crate::http::responses;
use crate::http::routes::{self, RequestMeta};
use crate::observe::access_log::AccessLogEntry;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use openai_shim_core::Error;
use openai_shim_core::dialect::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, StoredResponsePart,
};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::error::{ClientError, ErrorKind};
use std::sync::Arc;

/// What stands for such a route in logs and metrics.
pub(crate) fn label(side: &'static AuxiliaryRoute) -> &'static str {
    match side.kind {
        AuxiliaryKind::ModelList(_) | AuxiliaryKind::Model(_) => "models",
        AuxiliaryKind::TokenCount(_) => "count",
        AuxiliaryKind::Embeddings(_) => embeddings::LABEL,
        AuxiliaryKind::StoredResponse(..) => "kept",
        AuxiliaryKind::Forward | AuxiliaryKind::ForwardChecked(_) => "forward",
        _ => side.path,
    }
}

/// What programs that look for a kind of server find at the root.
pub(crate) fn greeting() -> &'static str {
    let mut all = DIALECTS.iter().flat_map(|dialect| dialect.auxiliary_routes());
    all.find_map(|route| if let AuxiliaryKind::Greeting(text) = route.kind { Some(text) } else { None })
        .unwrap_or("")
}

/// Answers such a route.
pub(crate) async fn answer(
    app: Arc<AppState>,
    meta: RequestMeta,
    dialect: &'static dyn Dialect,
    route: &'static AuxiliaryRoute,
    parts: Parts,
    sent: Body,
) -> Response {
    let label = label(route);
    let (rest, name) = route.matches(&meta.path).unwrap_or_default();
    let rest = rest.to_owned();
    let spec = matches!(meta.method, Method::GET | Method::HEAD);
    let done = |meta: RequestMeta, result: Result<Response, Error>| {
        let response = result.unwrap_or_else(|error| responses::error(dialect, &error));
        AccessLogEntry::new(app.clone(), meta, label, String::new()).answered(&response);
        response
    };
    // What needs no upstream's answer needs no place among those that wait for one.
    let asking = AuxiliaryRequest { name: &name, path: &meta.path, query: &meta.query, body: b"" };
    let at_once = match route.kind {
        AuxiliaryKind::Constant(text) | AuxiliaryKind::Greeting(text) => {
            Some(Ok(responses::json(StatusCode::OK, text)))
        }
        AuxiliaryKind::Unsupported(why) => {
            Some(Err(Error::Client(ClientError::new(ErrorKind::Unsupported, why))))
        }
        AuxiliaryKind::ModelList(list) => Some(
            models::all(&app)
                .await
                .and_then(|all| Ok(responses::json(StatusCode::OK, list.encode_list(&all, &meta.query)?))),
        ),
        AuxiliaryKind::Model(one) if spec => Some(models::one(&app, one, &asking).await),
        AuxiliaryKind::StoredResponse(keeping, part) => {
            let part = if part == StoredResponsePart::Response && meta.method == Method::DELETE {
                None
            } else {
                Some(part)
            };
            stored_responses::answer(&app, dialect, keeping, part, &meta, &name).await
        }
        _ => None,
    };
    if let Some(result) = at_once {
        routes::discard(&meta, sent).await;
        return done(meta, result);
    }
    let received = match routes::read(&app, &meta, dialect, &parts.headers, sent).await {
        Ok(read) => read,
        Err(response) => {
            AccessLogEntry::new(app.clone(), meta, label, String::new()).answered(&response);
            return response;
        }
    };
    let (path, query) = (meta.path.clone(), meta.query.clone());
    let spec = Question { name, path, query, body: received.body.clone() };
    match route.kind {
        AuxiliaryKind::Model(one) => done(meta, models::one(&app, one, &spec.asking()).await),
        AuxiliaryKind::TokenCount(counting) => {
            let owner = meta.owner.clone();
            done(meta, count_tokens::count(&app, dialect, counting, spec, (&parts.headers, owner)).await)
        }
        AuxiliaryKind::Embeddings(embedding) => {
            embeddings::embed(app, meta, dialect, embedding, spec, &parts.headers).await
        }
        AuxiliaryKind::StoredResponse(..) => {
            let upstream = stored_responses::elsewhere(&app, dialect);
            forward::forward(app, meta, dialect, (rest, upstream, None), parts, received).await
        }
        AuxiliaryKind::ForwardChecked(check) => {
            forward::forward(app, meta, dialect, (rest, None, Some(check)), parts, received).await
        }
        _ => forward::forward(app, meta, dialect, (rest, None, None), parts, received).await,
    }
}

/// What a client's request to such a route says, for as long as it is worked on.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    name: String,
    path: String,
    query: String,
    pub(crate) body: Bytes,
}

impl Question {
    pub(crate) fn asking(&self) -> AuxiliaryRequest<'_> {
        AuxiliaryRequest { name: &self.name, path: &self.path, query: &self.query, body: &self.body }
    }
}
