//! Routes beside the dialects' own: what else the clients of Ollama's, Anthropic's and Google's APIs ask for.

use crate::app::{App, Served};
use crate::models;
use crate::reply;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use openai_shim_core::dialect::{DIALECTS, Dialect, anthropic};
use openai_shim_core::error::{ClientError, ErrorKind};
use openai_shim_core::exchange::Incoming;
use openai_shim_core::fallback::ollama_models::{self, CAPABILITIES};
use openai_shim_core::fallback::{lists, ollama_embed};
use openai_shim_core::json::{Object, quote};
use openai_shim_core::{Diagnostics, Error, UpstreamError};
use std::sync::Arc;

/// What such a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Version,
    Tags,
    Running,
    Show,
    Embed(ollama_embed::Route),
    Refused(&'static str),
    CountTokens,
    GeminiModels,
}

/// One such route.
#[derive(Debug)]
pub(crate) struct Extra {
    pub(crate) path: &'static str,
    pub(crate) methods: &'static str,
    pub(crate) what: What,
}

const fn at(path: &'static str, methods: &'static str, what: What) -> Extra {
    Extra { path, methods, what }
}

const GET: &str = "GET, HEAD";

/// Every such route.
static EXTRAS: [Extra; 13] = [
    at("/api/version", GET, What::Version),
    at("/api/tags", GET, What::Tags),
    at("/api/ps", GET, What::Running),
    at("/api/show", "POST", What::Show),
    at("/api/embed", "POST", What::Embed(ollama_embed::Route::Embed)),
    at("/api/embeddings", "POST", What::Embed(ollama_embed::Route::Embeddings)),
    at("/api/pull", "POST", What::Refused("pull")),
    at("/api/create", "POST", What::Refused("create")),
    at("/api/delete", "DELETE, POST", What::Refused("delete")),
    at("/api/copy", "POST", What::Refused("copy")),
    at("/api/push", "POST", What::Refused("push")),
    at("/v1/messages/count_tokens", "POST", What::CountTokens),
    at("/v1beta/models", GET, What::GeminiModels),
];

/// Whose clients come to paths that begin so; the first that fits.
const PLACES: [(&str, &str); 3] =
    [("/api/", "ollama-chat"), ("/v1/messages", "anthropic-messages"), ("/v1beta/", "gemini")];

/// A path under one of Ollama's that is OpenAI's.
const OPENAI: &str = "/api/openai/";

/// What clients of Anthropic's API send with every request.
pub(crate) const ANTHROPIC_VERSION: &str = "anthropic-version";

/// What Ollama's clients are told; some want a version from which on a feature exists.
const OLLAMA: &str = "0.13.0";

pub(crate) fn find(path: &str) -> Option<&'static Extra> {
    EXTRAS.iter().find(|extra| extra.path == path)
}

fn named(name: &str) -> &'static dyn Dialect {
    DIALECTS.iter().copied().find(|d| d.name() == name).unwrap_or_else(reply::default_dialect)
}

/// Whose clients come to this path.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> &'static dyn Dialect {
    if path.starts_with(OPENAI) {
        return reply::default_dialect();
    }
    if headers.contains_key(ANTHROPIC_VERSION) {
        return named("anthropic-messages");
    }
    let place =
        PLACES.iter().find(|(begin, _)| path.starts_with(begin) || path == begin.trim_end_matches('/'));
    place.map_or_else(reply::default_dialect, |(_, name)| named(name))
}

/// What a request that asks nothing is answered, by those whose clients send such ones.
pub(crate) fn idle(dialect: &dyn Dialect, incoming: &Incoming, body: &[u8], now: u64) -> Option<Response> {
    if !incoming.request().messages.is_empty() || !dialect.name().starts_with("ollama-") {
        return None;
    }
    let answer = ollama_models::loaded(body, dialect.name() == "ollama-chat", now)?;
    let mut response = reply::json(StatusCode::OK, format!("{answer}\n"));
    if incoming.wants_stream() {
        let form = HeaderValue::from_static(dialect.stream_content_type());
        response.headers_mut().insert(CONTENT_TYPE, form);
    }
    Some(response)
}

/// `GET /models` in the shape that this client reads.
pub(crate) async fn list(app: &Arc<App>, dialect: &'static dyn Dialect) -> Response {
    match models::all(app).await {
        Ok(models) => reply::json(
            StatusCode::OK,
            if dialect.name() == "gemini" { lists::gemini(&models) } else { lists::anthropic(&models) },
        ),
        Err(error) => reply::error(dialect, &error),
    }
}

/// Answers such a route.
pub(crate) async fn answer(
    app: &Arc<App>,
    what: What,
    dialect: &'static dyn Dialect,
    headers: &HeaderMap,
    body: Bytes,
) -> Response {
    let answered = match what {
        What::Version => Ok(reply::json(StatusCode::OK, ollama_models::version(OLLAMA))),
        What::Tags | What::Running | What::Show => about_models(app, what, &body).await,
        What::Embed(route) => embed(app, route, &body).await,
        What::Refused(operation) => Err(Error::Client(ollama_models::refusal(operation))),
        What::CountTokens => count(app, dialect, headers, body).await,
        What::GeminiModels => return list(app, dialect).await,
    };
    answered.unwrap_or_else(|error| reply::error(dialect, &error))
}

async fn about_models(app: &Arc<App>, what: What, body: &[u8]) -> Result<Response, Error> {
    let models = models::all(app).await?;
    let answer = match what {
        What::Show => ollama_models::show(&models, body, &CAPABILITIES)?,
        What::Running => ollama_models::ps(&models),
        _ => ollama_models::tags(&models),
    };
    Ok(reply::json(StatusCode::OK, answer))
}

/// Asks an upstream for something small, whole.
async fn ask(
    served: &Served,
    path: &str,
    headers: HeaderMap,
    body: String,
) -> Result<(http::response::Parts, Vec<u8>), UpstreamError> {
    let mut request = http::Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = served.config.profile.paths.url(path).parse().unwrap_or_default();
    *request.headers_mut() = headers;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (head, body) = served.transport.0.send(request).await?.into_parts();
    Ok((head, models::collect(body).await?))
}

/// The same body for another model.
fn with_model(body: &str, model: Option<&str>) -> String {
    match (model, Object::parse(body.as_bytes())) {
        (Some(model), Ok(mut object)) => {
            object.set("model", quote(model));
            object.to_json()
        }
        _ => body.to_owned(),
    }
}

/// The upstream of a model, and its own name for it.
async fn place<'a>(app: &'a Arc<App>, model: &str) -> Result<(&'a Served, Option<String>), Error> {
    let route = app.route(model).await?;
    let served = app.upstreams.get(route.upstream).ok_or_else(crate::choose::no_upstream)?;
    Ok((served, route.model))
}

fn upstream_error(served: &Served, head: &http::response::Parts, body: &[u8]) -> Error {
    let dialect = named(&served.config.profile.dialect);
    Error::Upstream(dialect.decode_error(head.status, &head.headers, body, &mut Diagnostics::default()))
}

/// Ollama's embeddings from any upstream.
async fn embed(app: &Arc<App>, route: ollama_embed::Route, body: &[u8]) -> Result<Response, Error> {
    let mut notes = Diagnostics::default();
    let asked = ollama_embed::to_openai(body, route, &mut notes)?;
    let model =
        Object::parse(asked.as_bytes()).ok().and_then(|o| o.str("model").map(std::borrow::Cow::into_owned));
    let model = model.unwrap_or_default();
    let (served, upstream_model) = place(app, &model).await?;
    let own = served.config.profile.dialect.starts_with("ollama-");
    let (path, sent) = match route {
        _ if !own => ("/embeddings", asked),
        ollama_embed::Route::Embed => ("/embed", String::from_utf8_lossy(body).into_owned()),
        ollama_embed::Route::Embeddings => ("/embeddings", String::from_utf8_lossy(body).into_owned()),
    };
    let sent = with_model(&sent, upstream_model.as_deref());
    let (head, answer) = ask(served, path, HeaderMap::new(), sent).await.map_err(Error::Upstream)?;
    if !head.status.is_success() {
        return Err(upstream_error(served, &head, &answer));
    }
    let answer = if own {
        answer
    } else {
        let answer =
            ollama_embed::from_openai(&answer, route, &model, &mut notes).map_err(Error::Upstream)?;
        answer.into_bytes()
    };
    let mut response = reply::json(StatusCode::OK, answer);
    reply::diagnostics_header(response.headers_mut(), &notes);
    Ok(response)
}

/// How many tokens a request has: by its upstream's own count, else an estimate that says so.
async fn count(
    app: &Arc<App>,
    dialect: &'static dyn Dialect,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let incoming = Incoming::read(dialect, "", body.clone())?;
    let (served, model) = place(app, incoming.model()).await?;
    if served.config.profile.dialect == dialect.name() {
        let mut sent = HeaderMap::new();
        sent.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
        for name in [ANTHROPIC_VERSION, "anthropic-beta"] {
            if let Some(value) = headers.get(name) {
                sent.insert(http::HeaderName::from_static(name), value.clone());
            }
        }
        let body = with_model(&String::from_utf8_lossy(&body), model.as_deref());
        let (head, answer) =
            ask(served, "/messages/count_tokens", sent, body).await.map_err(Error::Upstream)?;
        if head.status.is_success() {
            return Ok(reply::json(StatusCode::OK, answer));
        }
        // Not everyone who speaks the dialect counts.
        if !matches!(head.status.as_u16(), 404 | 405 | 501) {
            return Err(upstream_error(served, &head, &answer));
        }
    }
    let tokens = anthropic::estimate_tokens(incoming.request());
    let mut response = reply::json(StatusCode::OK, format!(r#"{{"input_tokens":{tokens}}}"#));
    response.headers_mut().insert(reply::OUTCOME, HeaderValue::from_static("estimated"));
    Ok(response)
}

/// There is no such route here.
pub(crate) fn unknown(method: &Method, path: &str) -> ClientError {
    let text = format!(
        "There is no {method} {path}. Served are /v1/models, /v1/chat/completions, /v1/responses, /v1/messages, \
         /api/chat, /v1/embeddings and more; point the client's base URL at /v1."
    );
    ClientError::new(ErrorKind::NotFound, text).with_code("unknown_url")
}
