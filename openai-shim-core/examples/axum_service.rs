//! An axum service: clients of every dialect in front, one nearly-OpenAI upstream behind.
//!
//! `cargo run --example axum_service` starts it before an upstream of its own, sends it a request and checks the response.
//! `cargo run --example axum_service -- http://localhost:11434/v1 MODEL` sends the request to that upstream.

mod support;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyDataStream;
use openai_shim_core::upstream::upstream_fn;
use openai_shim_core::{Profile, Shim, Upstream, UpstreamBody, UpstreamError, profile};

/// The upstream, behind reqwest.
fn upstream(profile: Profile, base_url: String, key: Option<String>) -> impl Upstream {
    let client = reqwest::Client::new();
    upstream_fn(move |request| {
        let addressed = profile.address(request, &base_url, key.as_deref());
        let client = client.clone();
        async move {
            let request = addressed?.try_into().map_err(failed)?;
            let response: http::Response<reqwest::Body> =
                client.execute(request).await.map_err(failed)?.into();
            Ok(response.map(|body| UpstreamBody::stream(BodyDataStream::new(body))))
        }
    })
}

fn failed(error: reqwest::Error) -> UpstreamError {
    UpstreamError::transport(error.to_string())
}

/// Every route of the service.
async fn serve(State(shim): State<Shim>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 32 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    shim.serve(http::Request::from_parts(head, body)).await.map(Body::from_stream)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Only where reqwest is built without a TLS of its own, as it is here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let profile = profile("compatible")?;
    let upstream = upstream(profile.clone(), support::base_url(), support::key());
    let shim = Shim::builder(upstream, profile).std_context().sleep(tokio::time::sleep).build()?;
    let app = axum::Router::new().fallback(serve).with_state(shim);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    // A client of Anthropic's API.
    let model = support::model();
    let body = format!(
        r#"{{"model":"{model}","max_tokens":50,"stream":true,"messages":[{{"role":"user","content":"hi"}}]}}"#
    );
    let response = tokio::task::spawn_blocking(move || support::post(address, "/v1/messages", &body)).await?;
    println!("{response}");
    assert!(response.contains("event: content_block_delta") && response.contains("event: message_stop"));
    Ok(())
}
