//! Which models there are, and which upstream serves which.

use crate::app::{App, Served};
use crate::config::ModelConfig;
use crate::reply;
use axum::response::Response;
use http::{Method, StatusCode};
use openai_shim_core::error::ClientError;
use openai_shim_core::fallback::models::{ListedModel, models};
use openai_shim_core::upstream::ReplyBody;
use openai_shim_core::{Diagnostics, Error, ErrorKind, UpstreamError};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long an upstream's list holds.
const FRESH: Duration = Duration::from_secs(60);
/// How long an upstream may take to list its models; Open WebUI waits 10 s.
const PATIENCE: Duration = Duration::from_secs(8);
/// The most bytes of a list.
const MAX_LIST: usize = 16 << 20;

/// An upstream's list, asked once for all who wait, and kept for a while.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Instant, Arc<Vec<ListedModel>>)>>);

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Which of the upstreams.
    pub(crate) upstream: usize,
    /// The upstream's name for the model, where it differs from the client's.
    pub(crate) model: Option<String>,
}

/// Answers `GET /models`.
pub(crate) async fn list(app: &App) -> Response {
    match all(app).await {
        Ok(models) => {
            let items: Vec<_> = models.iter().map(|m| m.json.as_str()).collect();
            reply::json(StatusCode::OK, format!(r#"{{"object":"list","data":[{}]}}"#, items.join(",")))
        }
        Err(error) => reply::error(reply::default_dialect(), &error),
    }
}

/// Answers `GET /models/{id}`, also where the upstream has no such route.
pub(crate) async fn one(app: &App, id: &str) -> Response {
    let models = match all(app).await {
        Ok(models) => models,
        Err(error) => return reply::error(reply::default_dialect(), &error),
    };
    let addressed =
        app.upstreams.iter().find_map(|s| id.strip_prefix(s.config.name.as_str())?.strip_prefix('/'));
    let found = models.iter().find(|m| m.id == id);
    let found = found
        .cloned()
        .or_else(|| models.iter().find(|m| Some(m.id.as_str()) == addressed).map(|m| m.renamed(id)));
    match found {
        Some(model) => reply::json(StatusCode::OK, model.json),
        None => reply::error(reply::default_dialect(), &Error::Client(unknown(id))),
    }
}

/// All models, in the order of the upstreams; of two with one id the first keeps it, and the other is `name/id`.
async fn all(app: &App) -> Result<Vec<ListedModel>, Error> {
    let mut all: Vec<ListedModel> = Vec::new();
    let mut failure = None;
    for served in &app.upstreams {
        match of(served).await {
            Ok(list) => {
                for model in list.iter() {
                    if all.iter().any(|m| m.id == model.id) {
                        let id = format!("{}/{}", served.config.name, model.id);
                        all.push(model.renamed(&id));
                    } else {
                        all.push(model.clone());
                    }
                }
            }
            Err(error) => {
                tracing::warn!(upstream = served.config.name, "the model list failed: {error}");
                failure.get_or_insert(error);
            }
        }
    }
    match (all.is_empty(), failure) {
        (true, Some(error)) => Err(Error::Upstream(error)),
        (true, None) => Err(Error::Upstream(UpstreamError::malformed(
            "The upstream lists no models. Name some in the configuration: models = [\"…\"].",
        ))),
        (false, _) => Ok(all),
    }
}

/// The models of one upstream: those configured, else those it lists.
async fn of(served: &Served) -> Result<Arc<Vec<ListedModel>>, UpstreamError> {
    if !served.config.models.is_empty() {
        let owner = &served.config.name;
        return Ok(Arc::new(served.config.models.iter().map(|m| ListedModel::new(&m.id, owner)).collect()));
    }
    // Whoever comes first asks; the others wait at the lock and find the answer.
    let mut cache = served.list.0.lock().await;
    if let Some((at, list)) = cache.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        let _ = at;
        return Ok(list.clone());
    }
    let asked = tokio::time::timeout(PATIENCE, ask(served)).await;
    let asked = asked
        .unwrap_or_else(|_| Err(UpstreamError::timeout("The upstream did not list its models in time.")));
    match asked {
        Ok(list) => {
            let list = Arc::new(list);
            *cache = Some((Instant::now(), list.clone()));
            Ok(list)
        }
        // An old list is better than none.
        Err(error) => match cache.as_ref() {
            Some((_, list)) => {
                tracing::warn!(
                    upstream = served.config.name,
                    "the model list failed, an older one is shown: {error}"
                );
                Ok(list.clone())
            }
            None => Err(error),
        },
    }
}

async fn ask(served: &Served) -> Result<Vec<ListedModel>, UpstreamError> {
    if !served.config.profile.lists_models {
        let text = "The upstream has no model list. Name its models in the configuration: models = [\"…\"].";
        return Err(UpstreamError::malformed(text));
    }
    let mut request = http::Request::new(bytes::Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = http::Uri::from_static("/models");
    let (head, body) = served.transport.0.send(request).await?.into_parts();
    let body = collect(body).await?;
    let dialect = openai_shim_core::dialect(&served.config.profile.dialect)
        .unwrap_or_else(|_| reply::default_dialect());
    if !head.status.is_success() {
        return Err(dialect.decode_error(head.status, &head.headers, &body, &mut Diagnostics::default()));
    }
    models(&body, &served.config.name).ok_or_else(|| {
        let text =
            "The upstream's model list is no list. Name its models in the configuration: models = [\"…\"].";
        UpstreamError::malformed(text)
    })
}

async fn collect(body: ReplyBody) -> Result<Vec<u8>, UpstreamError> {
    match body {
        ReplyBody::Complete(bytes) => Ok(bytes.to_vec()),
        ReplyBody::Stream(mut stream) => {
            let mut all = Vec::new();
            while let Some(chunk) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                all.extend_from_slice(&chunk?);
                if all.len() > MAX_LIST {
                    return Err(UpstreamError::malformed("The upstream's model list is too large."));
                }
            }
            Ok(all)
        }
        _ => Ok(Vec::new()),
    }
}

impl App {
    /// Where a request for this model goes.
    pub(crate) async fn route(&self, model: &str) -> Result<Route, Error> {
        if let Some(route) = self.configured(model) {
            return Ok(route);
        }
        for (upstream, served) in self.upstreams.iter().enumerate() {
            let rest =
                model.strip_prefix(served.config.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
            if let Some(rest) = rest {
                let known = served.config.models.iter().find(|m| m.id == rest).map(|m| m.upstream.clone());
                return Ok(Route { upstream, model: Some(known.unwrap_or_else(|| rest.to_owned())) });
            }
        }
        match self.upstreams.len() {
            0 => return Err(Error::Client(no_upstream())),
            // There is no choice: the upstream judges. Without a model its only one is meant.
            1 => return Ok(Route { upstream: 0, model: self.only_model(model) }),
            _ => {}
        }
        let mut asked_all = true;
        for (upstream, served) in self.upstreams.iter().enumerate() {
            if !served.config.models.is_empty() {
                continue;
            }
            match of(served).await {
                Ok(list) if list.iter().any(|m| m.id == model) => return Ok(Route { upstream, model: None }),
                Ok(_) => {}
                Err(_) => asked_all = false,
            }
        }
        // An upstream that cannot list its models may serve it all the same.
        let unlisted = self.upstreams.iter().position(|s| s.config.models.is_empty());
        match unlisted.filter(|_| !asked_all) {
            Some(upstream) => Ok(Route { upstream, model: None }),
            None => Err(Error::Client(unknown(model))),
        }
    }

    fn configured(&self, model: &str) -> Option<Route> {
        self.upstreams.iter().enumerate().find_map(|(upstream, served)| {
            let ModelConfig { id, upstream: name } = served.config.models.iter().find(|m| m.id == model)?;
            Some(Route { upstream, model: (id != name).then(|| name.clone()) })
        })
    }

    fn only_model(&self, model: &str) -> Option<String> {
        match self.upstreams.first().map(|s| s.config.models.as_slice()) {
            Some([only]) if model.is_empty() => Some(only.upstream.clone()),
            _ => None,
        }
    }
}

fn unknown(id: &str) -> ClientError {
    let short: String = id.chars().take(200).collect();
    let text = format!("The model `{short}` does not exist here. GET /v1/models lists those that do.");
    ClientError::new(ErrorKind::NotFound, text).at("model").with_code("model_not_found")
}

pub(crate) fn no_upstream() -> ClientError {
    ClientError::new(ErrorKind::Overloaded, "No upstream is configured.")
}
