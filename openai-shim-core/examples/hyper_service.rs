//! A hyper service without a web framework: hyper in front, hyper behind.
//!
//! `cargo run --example hyper_service` starts it before an upstream of its own, sends it a request and checks the response.
//! `cargo run --example hyper_service -- http://localhost:11434/v1 MODEL` sends the request to that upstream.

mod support;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use openai_shim_core::upstream::ResponseBody;
use openai_shim_core::{Shim, Upstream, UpstreamBody, UpstreamError, profile};

/// The upstream, behind hyper's client.
struct Model {
    base_url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[async_trait::async_trait]
impl Upstream for Model {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let failed = |error: &dyn std::error::Error| UpstreamError::transport(error.to_string());
        let url = format!("{}{}", self.base_url, request.uri());
        *request.uri_mut() = url.parse().map_err(|error: http::uri::InvalidUri| failed(&error))?;
        let response = self.client.request(request.map(Full::new)).await.map_err(|error| failed(&error))?;
        Ok(response.map(UpstreamBody::from_http_body))
    }
}

/// Every route of the service. A request whose body does not arrive, or is too large, ends the connection.
async fn serve(
    shim: Shim,
    request: http::Request<Incoming>,
) -> Result<http::Response<ResponseBody>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, 32 << 20).collect().await?.to_bytes();
    Ok(shim.serve(http::Request::from_parts(head, body)).await)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let upstream = Model { base_url: support::base_url(), client };
    let shim = Shim::builder(upstream, profile("compatible")?).std_context().build()?;
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
