//! An actix-web service. actix-web has the types of `http` 0.2, so heads are copied by name and value.
//!
//! `cargo run --example actix_service` starts it before an upstream of its own, sends it a request and checks the response.
//! `cargo run --example actix_service -- http://localhost:11434/v1 MODEL` sends the request to that upstream.

mod support;

use actix_web::error::{ErrorBadGateway, ErrorBadRequest};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
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
async fn serve(shim: web::Data<Shim>, head: HttpRequest, body: Bytes) -> actix_web::Result<HttpResponse> {
    let mut request = http::Request::builder().method(head.method().as_str()).uri(head.uri().to_string());
    for (name, value) in head.headers() {
        request = request.header(name.as_str(), value.as_bytes());
    }
    let request = request.body(body).map_err(ErrorBadRequest)?;
    let (head, body) = shim.serve(request).await.into_parts();
    let status = actix_web::http::StatusCode::from_u16(head.status.as_u16()).map_err(ErrorBadGateway)?;
    let mut response = HttpResponse::build(status);
    for (name, value) in &head.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    Ok(response.streaming(body))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Only where reqwest is built without a TLS of its own, as it is here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    actix_web::rt::System::new().block_on(async {
        let profile = profile("compatible")?;
        let upstream = upstream(profile.clone(), support::base_url(), support::key());
        let shim =
            Shim::builder(upstream, profile).std_context().sleep(actix_web::rt::time::sleep).build()?;
        let shim = web::Data::new(shim);
        let app = move || {
            let limit = web::PayloadConfig::new(32 << 20);
            App::new().app_data(shim.clone()).app_data(limit).default_service(web::to(serve))
        };
        let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0")?;
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());

        // A client of Google's API, which names the model in the path.
        let path = format!("/v1beta/models/{}:streamGenerateContent?alt=sse", support::model());
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
        let response =
            actix_web::rt::task::spawn_blocking(move || support::post(address, &path, body)).await?;
        println!("{response}");
        assert!(response.contains("text/event-stream") && response.contains(r#""finishReason":"STOP""#));
        Ok(())
    })
}
