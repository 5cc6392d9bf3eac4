//! The server's own pages: front page, health, readiness, metrics, adaptations.

use crate::app_state::AppState;
use crate::http::responses;
use crate::observe::metrics;
use crate::observe::metrics::server_state::ServerState;
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Answers one of [`PAGES`](crate::http::routes::PAGES).
pub(crate) fn page(app: &AppState, page: &str, headers: &HeaderMap) -> Response {
    match page {
        "/healthz" => responses::json(StatusCode::OK, r#"{"status":"ok"}"#),
        "/readyz" => readiness(app),
        "/metrics" => {
            let state = ServerState {
                learned: app.adaptations.counts(),
                body_bytes: app.body_budget.reserved(),
                lost_spans: app.otel.as_ref().map(|otel| otel.lost_spans()),
            };
            text(metrics::CONTENT_TYPE, app.metrics.render(vec![Box::new(state)]))
        }
        "/learned" => text("text/plain; charset=utf-8", app.adaptations.to_toml()),
        _ => front_page(headers),
    }
}

/// Ready unless the server shuts down, or no upstream could be reached recently.
fn readiness(app: &AppState) -> Response {
    if app.request_permits.is_closed() || app.upstreams.iter().all(|served| served.health.is_unreachable()) {
        return responses::json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#);
    }
    responses::json(StatusCode::OK, r#"{"status":"ready"}"#)
}

/// For browsers a page with the base URL to paste into a client; for programs Ollama's greeting, by which they recognize a
/// server.
fn front_page(headers: &HeaderMap) -> Response {
    let wants_html =
        headers.get(ACCEPT).and_then(|a| a.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if !wants_html {
        return text("text/plain; charset=utf-8", crate::handlers::auxiliary::greeting().to_owned());
    }
    let host = headers.get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1:8000");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".:-[]".contains(*c)).collect();
    let scheme =
        headers.get("x-forwarded-proto").filter(|proto| *proto == "https").map_or("http", |_| "https");
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
