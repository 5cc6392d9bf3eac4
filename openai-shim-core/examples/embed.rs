//! An axum service that embeds the translation for its own upstream.
//!
//! `cargo run --example embed` starts the service, sends it one request over a socket, prints the response and exits.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use openai_shim_core::{Shim, Upstream, UpstreamBody, UpstreamError, profile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The embedder's language model. Here it responds as a careless server does: without ids, and with a foreign finish reason.
struct MyModel;

#[async_trait::async_trait]
impl Upstream for MyModel {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        println!("the model receives {} {}", request.method(), request.uri());
        Ok(http::Response::new(UpstreamBody::Complete(Bytes::from_static(
            b"data:{\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\r\n\r\n\
              data:{\"choices\":[{\"delta\":{\"content\":\" there\"},\"finish_reason\":\"eos\"}]}\r\n\r\n",
        ))))
    }
}

/// The handler that an embedder writes.
async fn serve(State(shim): State<Shim>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 32 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    shim.serve(http::Request::from_parts(parts, body)).await.map(Body::from_stream)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shim = Shim::builder(MyModel, profile("compatible")?).std_context().build()?;
    let app = Router::new().fallback(serve).with_state(shim);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let body = r#"{"model":"mine","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut socket = tokio::net::TcpStream::connect(address).await?;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut response = String::new();
    socket.read_to_string(&mut response).await?;
    println!("{response}");
    if response.contains("data: [DONE]") { Ok(()) } else { Err("the stream has no [DONE]".into()) }
}
