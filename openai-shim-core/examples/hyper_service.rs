//! A hyper service without a web framework: hyper in front, hyper behind. With the feature `http-body`.
//!
//! `cargo run --example hyper_service` starts it before an upstream of its own, sends it a request and checks the response.
//! `cargo run --example hyper_service -- http://localhost:11434/v1 MODEL` sends the request to that upstream.

mod support;

use http_body_util::{BodyDataStream, BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use openai_shim_core::upstream::{ResponseBody, upstream_fn};
use openai_shim_core::{Profile, Shim, Upstream, UpstreamBody, UpstreamError, profile};

/// The upstream, behind hyper's client.
fn upstream(profile: Profile, base_url: String, key: Option<String>) -> impl Upstream {
    let client = Client::builder(TokioExecutor::new()).build_http();
    upstream_fn(move |request| {
        let addressed = profile.address(request, &base_url, key.as_deref());
        let client = client.clone();
        async move {
            let sent = client.request(addressed?.map(Full::new)).await;
            let response = sent.map_err(|error| UpstreamError::transport(error.to_string()))?;
            Ok(response.map(|body| UpstreamBody::stream(BodyDataStream::new(body))))
        }
    })
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Every route of the service. A request whose body does not arrive, or is too large, ends the connection.
async fn serve(
    shim: Shim,
    request: http::Request<Incoming>,
) -> Result<http::Response<ResponseBody>, Failure> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, 32 << 20).collect().await?.to_bytes();
    Ok(shim.serve(http::Request::from_parts(head, body)).await)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let profile = profile("compatible")?;
    let upstream = upstream(profile.clone(), support::base_url(), support::key());
    let shim = Shim::builder(upstream, profile).std_context().sleep(tokio::time::sleep).build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let shim = shim.clone();
            let service = hyper::service::service_fn(move |request| serve(shim.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(socket), service));
        }
    });

    // A client of Ollama's API.
    let body = format!(r#"{{"model":"{}","messages":[{{"role":"user","content":"hi"}}]}}"#, support::model());
    let response = tokio::task::spawn_blocking(move || support::post(address, "/api/chat", &body)).await?;
    println!("{response}");
    assert!(response.contains("application/x-ndjson") && response.contains(r#""done":true"#));
    Ok(())
}
