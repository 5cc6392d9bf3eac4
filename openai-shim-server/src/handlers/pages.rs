//! The server's own pages: front page, health, readiness, metrics, adaptations.

use crate::app_state::AppState;
use crate::http::{auth, responses};
use crate::limits::KeyMetrics;
use crate::observe::metrics;
use crate::observe::metrics::server_state::ServerState;
use crate::routing;
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use prometheus_client::collector::Collector;

/// Answers one of [`PAGES`](crate::http::routes::PAGES).
pub(crate) fn page(app: &AppState, page: &str, headers: &HeaderMap) -> Response {
    match page {
        "/healthz" => responses::json(StatusCode::OK, r#"{"status":"ok"}"#),
        "/readyz" => readiness(app, headers),
        "/metrics" => {
            let state = ServerState {
                learned: app.process.adaptations.counts(),
                body_bytes: app.process.body_budget.reserved(),
                lost_spans: app.process.otel.as_ref().map(|otel| otel.lost_spans()),
            };
            let mut collectors: Vec<Box<dyn Collector>> =
                vec![Box::new(state), Box::new(app.process.reload_status.counts())];
            collectors.extend(app.redis.as_ref().map(|redis| Box::new(redis.clone()) as Box<dyn Collector>));
            collectors.push(Box::new(KeyMetrics(app.named_keys.clone())));
            collectors.push(Box::new(routing::metrics::RoutingMetrics::of(app)));
            text(metrics::CONTENT_TYPE, app.process.metrics.render(collectors))
        }
        "/learned" => text("text/plain; charset=utf-8", app.process.adaptations.to_toml()),
        _ => front_page(app, headers),
    }
}

/// Ready unless the server shuts down, or no upstream could be reached recently. Files that cannot be used do not change that:
/// the configuration in effect can. What is wrong with them is only for clients with a key, where there are keys.
fn readiness(app: &AppState, headers: &HeaderMap) -> Response {
    if app.process.request_permits.is_closed()
        || app.upstreams.iter().all(|served| served.health.is_unreachable())
    {
        return responses::json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#);
    }
    let mut body = serde_json::json!({"status": "ready"});
    // Requests that need no state are served without the store.
    if let Some(redis) = &app.redis {
        body["store"] = redis.health().as_str().into();
    }
    if let Some(faults) = app.process.reload_status.faults() {
        let may_read = !app.config.needs_key() || auth::has_key(app, headers);
        let faults: Vec<&str> = if may_read { faults.lines().collect() } else { vec!["see the log"] };
        body["config"] = "not reloaded".into();
        body["faults"] = faults.into();
    }
    responses::json(StatusCode::OK, body.to_string())
}

/// For browsers a page with the base URL to paste into a client; for programs Ollama's greeting, by which they recognize a
/// server.
fn front_page(app: &AppState, headers: &HeaderMap) -> Response {
    let wants_html =
        headers.get(ACCEPT).and_then(|a| a.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if !wants_html {
        return text("text/plain; charset=utf-8", crate::handlers::auxiliary::greeting().to_owned());
    }
    let host = headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1:8000");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".:-[]".contains(*c)).collect();
    let is_https =
        app.config.tls.is_some() || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let scheme = if is_https { "https" } else { "http" };
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>openai-shim</title>\
         <h1>openai-shim is running</h1>\
         <p>Paste this base URL into your chat client: <code>{scheme}://{host}/v1</code></p>\
         <p><a href=\"/v1/models\">models</a> · <a href=\"/healthz\">health</a> · <a href=\"/metrics\">metrics</a></p>"
    );
    text("text/html; charset=utf-8", page)
}

fn text(content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
