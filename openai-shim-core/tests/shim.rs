//! The front door: a client's HTTP request in, its response out, with what a program adds.

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use openai_shim_core::canonical::{Delta, Event};
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::error::{ClientError, Error, ErrorKind};
use openai_shim_core::exchange::RequestInfo;
use openai_shim_core::upstream::{BuildError, ResponseBody, ShimBuilder, TargetRef, upstream_fn};
use openai_shim_core::{Outcome, Report, Shim, Upstream, UpstreamBody, UpstreamError, profile};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// Repeats the last request's body, and answers with a short completion without id and time.
#[derive(Default, Clone)]
struct Careless(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Upstream for Careless {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let body = String::from_utf8(request.into_body().to_vec()).unwrap();
        self.0.lock().unwrap().push(body);
        let answer = r#"{"choices":[{"message":{"content":"hello"}}]}"#;
        Ok(http::Response::new(UpstreamBody::Complete(answer.into())))
    }
}

fn builder(upstream: &Careless) -> ShimBuilder {
    Shim::builder(upstream.clone(), profile("compatible").unwrap())
        .clock(|| Duration::from_secs(1_234_567_890))
        .entropy(|| 7)
}

/// A request that clients of every dialect could send.
fn post(path: &str) -> http::Request<Bytes> {
    let messages = r#""messages":[{"role":"user","content":"call 555-1234"}]"#;
    let contents = r#""contents":[{"role":"user","parts":[{"text":"call 555-1234"}]}]"#;
    // A prompt of the Responses API is something else.
    let prompt = if path.contains("responses") { "input" } else { "prompt" };
    let body = format!(r#"{{"model":"m","max_tokens":50,{messages},{contents},"{prompt}":"call 555-1234"}}"#);
    http::Request::post(path).body(Bytes::from(body)).unwrap()
}

async fn text(response: http::Response<ResponseBody>) -> String {
    let mut body = std::pin::pin!(response.into_body());
    let mut all = String::new();
    while let Some(chunk) = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        all += std::str::from_utf8(&chunk.unwrap()).unwrap();
    }
    all
}

/// An upstream that answers with an event stream, cut into small chunks.
fn streaming(events: &'static str) -> impl Upstream + Clone + 'static {
    struct Chunks(std::slice::Chunks<'static, u8>);
    impl Stream for Chunks {
        type Item = Result<Bytes, std::io::Error>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.next().map(|chunk| Ok(Bytes::from_static(chunk))))
        }
    }
    upstream_fn(move |_| async move {
        Ok(http::Response::new(UpstreamBody::stream(Chunks(events.as_bytes().chunks(7)))))
    })
}

const EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\
                      \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// What a hook gets: ids, texts and other events.
type Recorded = Arc<Mutex<Vec<(String, String)>>>;

fn record(events: &Recorded) -> impl Fn(&Event, &RequestInfo) + Send + Sync + 'static {
    let sink = events.clone();
    move |event, info| {
        let text = match event {
            Event::Delta { delta: Delta::Text(text), .. } => text.clone(),
            Event::End => String::from("|end"),
            Event::Error(error) => format!("|{error}"),
            _ => String::new(),
        };
        sink.lock().unwrap().push((info.id().to_owned(), text));
    }
}

#[tokio::test]
async fn hooks_read_what_the_client_gets_as_events_in_every_dialect() {
    for dialect in DIALECTS {
        for endpoint in dialect.endpoints() {
            let path = endpoint.path.replace("{model}", "m");
            let is_stream = path.contains("stream");
            let mut request = post(&path);
            if !is_stream {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                *request.body_mut() = body.replacen('{', "{\"stream\":true,", 1).into();
            }
            for request in [post(&path), request] {
                let (events, reports): (Recorded, Recorded) = Default::default();
                let sink = reports.clone();
                let shim = Shim::builder(streaming(EVENTS), profile("compatible").unwrap())
                    .std_context()
                    .on_event(record(&events))
                    .on_report(move |report| {
                        sink.lock().unwrap().push((report.request_id.clone(), report.outcome.to_string()));
                    })
                    .build()
                    .unwrap();
                let answer = text(shim.serve(request).await).await;
                let events = events.lock().unwrap();
                let all: String = events.iter().map(|(_, text)| text.as_str()).collect();
                assert_eq!(all, "hello|end", "{path}: {answer}\n{events:?}");
                let reports = reports.lock().unwrap();
                assert_eq!(reports.len(), 1);
                assert!(events.iter().all(|(id, _)| *id == reports[0].0 && id.starts_with("req_")));
            }
        }
    }
}

#[tokio::test]
async fn an_error_is_the_last_event() {
    for (events, path) in [
        ("data: {\"error\":{\"message\":\"no room\"}}\n\n", "/v1/chat/completions"),
        ("data: {\"error\":{\"message\":\"no room\"}}\n\n", "/v1/messages"),
    ] {
        let recorded = Recorded::default();
        let shim = Shim::builder(streaming(events), profile("compatible").unwrap())
            .std_context()
            .on_event(record(&recorded))
            .build()
            .unwrap();
        let response = shim.serve(post(path)).await;
        assert!(response.body().error().is_some() && !response.status().is_success());
        let answer = text(response).await;
        let recorded = recorded.lock().unwrap();
        assert!(matches!(&**recorded, [(_, error)] if error.contains("no room")), "{answer}: {recorded:?}");
    }
}

#[tokio::test]
async fn a_body_is_collected_and_has_the_report_before_and_behind_its_end() {
    let shim =
        Shim::builder(streaming(EVENTS), profile("compatible").unwrap()).std_context().build().unwrap();
    let response = shim.serve(post("/v1/chat/completions")).await;
    assert_eq!(response.body().report().unwrap().outcome, Outcome::Complete);
    assert!(response.body().error().is_none());
    let mut request = post("/v1/messages");
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    *request.body_mut() = body.replacen('{', "{\"stream\":true,", 1).into();
    let mut body = shim.serve(request).await.into_body();
    while std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await.is_some() {}
    let report = body.report().unwrap();
    assert!(report.outcome == Outcome::Complete && report.request_id.starts_with("req_"));
    let collected = response.into_body().collect().await.unwrap();
    assert!(String::from_utf8_lossy(&collected).contains("hello"));
}

#[tokio::test]
async fn bodies_pass_through_http_body_in_both_directions() {
    use http_body::Body;
    let inner =
        Shim::builder(streaming(EVENTS), profile("compatible").unwrap()).std_context().build().unwrap();
    // The response of one shim is the upstream of another.
    let upstream = upstream_fn(move |mut request: http::Request<Bytes>| {
        *request.uri_mut() = format!("/v1{}", request.uri()).parse().unwrap();
        let response = inner.serve(request);
        async move { Ok(response.await.map(UpstreamBody::from_http_body)) }
    });
    let shim =
        Shim::builder(Arc::new(upstream), profile("compatible").unwrap()).std_context().build().unwrap();
    let mut body = shim.serve(post("/v1/messages")).await.into_body();
    let length = Body::size_hint(&body).exact().unwrap();
    assert!(!body.is_end_stream());
    let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
    let data = frame.into_data().unwrap();
    assert_eq!(u64::try_from(data.len()).unwrap(), length);
    assert!(String::from_utf8_lossy(&data).contains("hello"));
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn the_programs_timer_waits_before_a_retry() {
    let (waits, calls) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
    let sink = waits.clone();
    let upstream = upstream_fn(move |_| {
        let is_first = std::mem::replace(&mut *calls.lock().unwrap(), 1) == 0;
        async move {
            let answer = if is_first { "" } else { r#"{"choices":[{"message":{"content":"hello"}}]}"# };
            Ok(http::Response::new(UpstreamBody::complete(answer)))
        }
    });
    let shim = Shim::builder(upstream, profile("compatible").unwrap())
        .std_context()
        .sleep(move |duration| {
            sink.lock().unwrap().push(duration);
            std::future::ready(())
        })
        .build()
        .unwrap();
    assert!(text(shim.serve(post("/v1/chat/completions")).await).await.contains("hello"));
    assert_eq!(*waits.lock().unwrap(), [Duration::from_secs(1)]);
}

#[tokio::test]
async fn requests_go_where_the_program_routes_them_and_on_to_the_next() {
    let (first, second) = (Careless::default(), Careless::default());
    let broken = upstream_fn(|_| async { Ok(http::Response::new(UpstreamBody::complete(""))) });
    let reports: Arc<Mutex<Vec<Report>>> = Arc::default();
    let sink = reports.clone();
    let mut settings = openai_shim_core::Settings::default();
    settings.retry = openai_shim_core::exchange::Retry::none();
    let shim = builder(&first)
        .upstream("broken", broken, profile("compatible").unwrap())
        .upstream("second", second.clone(), profile("compatible").unwrap())
        .settings(settings)
        .on_request(|request| request.edit(|request| request.model.insert_str(0, "my-")))
        .route(|request| match request.model() {
            "my-m" => vec![TargetRef::to("broken"), TargetRef::to("second").with_model("theirs")],
            "my-lost" => vec![TargetRef::to("nowhere")],
            _ => vec![],
        })
        .on_report(move |report| sink.lock().unwrap().push(report.clone()))
        .build()
        .unwrap();
    let sent = |upstream: &Careless| std::mem::take(&mut *upstream.0.lock().unwrap());
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let answer = text(shim.serve(post(path)).await).await;
        assert!(answer.contains("hello") && answer.contains("my-m"), "{answer}");
        let bodies = sent(&second);
        assert!(sent(&first).is_empty() && bodies.len() == 1 && bodies[0].contains("theirs"), "{bodies:?}");
        assert_eq!(reports.lock().unwrap().pop().unwrap().attempts.len(), 2);
    }
    let named = |model: &str| {
        let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#);
        http::Request::post("/v1/chat/completions").body(Bytes::from(body)).unwrap()
    };
    assert!(text(shim.serve(named("other")).await).await.contains("hello"));
    assert!(sent(&second).is_empty() && sent(&first).len() == 1);
    let response = shim.serve(named("lost")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(response).await.contains("no upstream `nowhere`"));
}

#[test]
fn futures_and_bodies_can_be_sent_anywhere_and_a_clone_is_a_pointer() {
    fn movable<T: Send + 'static>(value: T) -> T {
        value
    }
    fn sharable<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn body<T: Send + Unpin + 'static>() {}
    let shim = builder(&Careless::default()).build().unwrap();
    drop(movable(shim.serve(post("/v1/messages"))));
    drop(movable(shim.run(shim.read(post("/v1/messages")).unwrap())));
    sharable(&shim);
    body::<ResponseBody>();
    assert_eq!(size_of::<Shim>(), size_of::<usize>());
}

#[tokio::test]
async fn the_path_of_a_request_is_its_dialect() {
    let upstream = Careless::default();
    let shim = builder(&upstream).build().unwrap();
    for dialect in DIALECTS {
        for endpoint in dialect.endpoints() {
            let path = format!("{}?alt=sse", endpoint.path.replace("{model}", "m"));
            let response = shim.serve(post(&path)).await;
            let status = response.status();
            let body = text(response).await;
            assert!(status == StatusCode::OK && body.contains("hello"), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn time_and_ids_are_those_of_the_program() {
    let shim = builder(&Careless::default()).build().unwrap();
    let first = text(shim.serve(post("/v1/chat/completions")).await).await;
    assert!(first.contains("\"created\":1234567890"), "{first}");
    assert_eq!(
        text(shim.serve(post("/v1/chat/completions")).await).await,
        first,
        "the same seed gives the same ids"
    );
    let other = builder(&Careless::default()).entropy(|| 8).build().unwrap();
    assert_ne!(text(other.serve(post("/v1/chat/completions")).await).await, first);
}

#[tokio::test]
async fn standard_time_and_random_numbers_differ_between_requests_and_are_no_default() {
    let new = || Shim::builder(Careless::default(), profile("compatible").unwrap());
    assert_eq!(new().build().unwrap_err(), BuildError::NoClock);
    assert_eq!(new().clock(|| Duration::ZERO).build().unwrap_err(), BuildError::NoEntropy);
    let shim = new().std_context().build().unwrap();
    let first = text(shim.serve(post("/v1/chat/completions")).await).await;
    assert_ne!(text(shim.serve(post("/v1/chat/completions")).await).await, first);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_errors_in_the_nearest_dialect() {
    let shim = builder(&Careless::default()).build().unwrap();
    for (path, envelope) in
        [("/v1/nothing", r#""code":"unknown_url""#), ("/api/nothing", r#"{"error":"There is no"#)]
    {
        let response = shim.serve(post(path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = text(response).await;
        assert!(body.contains(envelope) && body.contains("/v1/chat/completions"), "{body}");
    }
    let request = http::Request::get("/v1/messages").body(Bytes::new()).unwrap();
    let response = shim.serve(request).await;
    assert_eq!(
        (response.status(), response.headers()["allow"].as_bytes()),
        (StatusCode::METHOD_NOT_ALLOWED, &b"POST"[..])
    );
    assert!(text(response).await.contains(r#""type":"error""#));
}

#[tokio::test]
async fn hooks_change_or_refuse_each_request_in_order() {
    let upstream = Careless::default();
    let shim = builder(&upstream)
        .on_request(|request| {
            request
                .rewrite_text(|text| text.contains("555-1234").then(|| text.replace("555-1234", "[phone]")))
        })
        .on_request(|request| {
            let text = String::from_utf8_lossy(request.body()).into_owned();
            assert!(text.contains("[phone]"), "the first hook was first: {text}");
            match request.headers().get("x-plan").map(http::HeaderValue::as_bytes) {
                Some(b"free") => {
                    Err(ClientError::new(ErrorKind::Permission, "This plan has no models.").into())
                }
                _ => request.prepend_system("Be brief."),
            }
        })
        .build()
        .unwrap();
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/api/chat",
        "/v1beta/models/m:generateContent",
    ] {
        text(shim.serve(post(path)).await).await;
        let sent = upstream.0.lock().unwrap().pop().unwrap();
        assert!(
            sent.contains("Be brief.") && sent.contains("call [phone]") && !sent.contains("555"),
            "{path}: {sent}"
        );
    }
    let mut free = post("/v1/chat/completions");
    free.headers_mut().insert("x-plan", http::HeaderValue::from_static("free"));
    let response = shim.serve(free).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(text(response).await.contains("This plan has no models."));
    assert!(upstream.0.lock().unwrap().is_empty(), "a refused request is not sent");
}

#[tokio::test]
async fn each_request_has_one_report() {
    let reports: Arc<Mutex<Vec<(Outcome, bool)>>> = Arc::default();
    let sink = reports.clone();
    let record = move |report: &Report| sink.lock().unwrap().push((report.outcome, report.error.is_some()));
    let shim = builder(&Careless::default()).on_report(record).build().unwrap();
    text(shim.serve(post("/v1/chat/completions")).await).await;
    drop(shim.serve(post("/v1/chat/completions")).await);
    text(shim.serve(post("/v1/nothing")).await).await;
    let expected = [(Outcome::Complete, false), (Outcome::Complete, false), (Outcome::Errored, true)];
    assert_eq!(*reports.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_request_can_be_read_routed_and_run_by_the_program_itself() {
    let upstream = Careless::default();
    let shim = builder(&upstream).build().unwrap();
    let mut request = shim.read(post("/v1/messages")).unwrap();
    assert_eq!(
        (request.client().name(), request.path(), request.model()),
        ("anthropic-messages", "/v1/messages", "m")
    );
    request.edit(|request| request.model = String::from("another")).unwrap();
    let answer = text(shim.run(request).await).await;
    assert!(answer.contains(r#""model":"another""#), "{answer}");
    assert!(upstream.0.lock().unwrap()[0].contains(r#""model":"another""#));
    let refusal =
        shim.read(http::Request::post("/v1/messages").body(Bytes::from_static(b"[]")).unwrap()).unwrap_err();
    assert!(matches!(refusal, Error::Client(_)));
}
