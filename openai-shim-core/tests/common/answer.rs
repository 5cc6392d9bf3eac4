//! Answers of an upstream, in the bytes of its dialect.

use openai_shim_core::canonical::{
    Block, Choice, Delta, Event, FinishReason, Request, Response, ResponseContext, ResponseSpec, unfold,
};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::{Context, Diagnostics, Dialect, PayloadKind, dialect, profile};

/// What a client of one dialect gets for an answer of another, from a server that no row names.
pub fn converted(
    from: &str,
    to: &str,
    kind: PayloadKind,
    body: impl AsRef<[u8]>,
    request: Option<&str>,
) -> Conversion {
    convert(&{
        let mut input = ConversionInput::new(kind, dialect(from).unwrap(), body.as_ref())
            .to(dialect(to).unwrap())
            .profile(profile("compatible").unwrap());
        input.request = request.map(str::as_bytes);
        input
    })
}

/// The text that a client gets.
pub fn text(conversion: &Conversion) -> &str {
    std::str::from_utf8(&conversion.body).unwrap()
}

/// A complete answer of one choice.
pub fn response_of(blocks: Vec<Block>, finish: FinishReason) -> Response {
    let mut choice = Choice::default();
    choice.blocks = blocks;
    choice.finish = Some(finish);
    let mut response = Response::default();
    response.id = Some(String::from("answer"));
    response.model = Some(String::from("m"));
    response.created = Some(1);
    response.choices = vec![choice];
    response
}

/// A text in these deltas as the upstream's dialect writes it.
pub fn streamed_text(upstream: Dialect, parts: &[&str], finish: &FinishReason) -> Vec<u8> {
    let mut events = unfold(&response_of(vec![Block::text("x")], finish.clone()));
    let at = events.iter().position(|event| matches!(event, Event::Delta { .. })).unwrap();
    let delta = |part: &&str| {
        let delta = Delta::Text(String::from(*part));
        Event::Delta { choice: 0, block: 0, delta }
    };
    events.splice(at..=at, parts.iter().map(delta));
    encoded(upstream, &Request::default(), &events)
}

/// Events as the upstream's dialect writes them.
fn encoded(upstream: Dialect, request: &Request, events: &[Event]) -> Vec<u8> {
    let spec = ResponseSpec::new(request, &Context::fixed());
    let context = ResponseContext::new(request, Context::fixed());
    let (mut encoder, mut out) = (upstream.encoder(&spec, &context), Vec::new());
    for event in events {
        encoder.event(event, &mut out);
    }
    encoder.finish(&mut out);
    out
}

/// The answer to a request as the upstream's dialect writes it, whole or as a stream.
pub fn written(upstream: Dialect, response: &Response, request: &Request, stream: bool) -> Vec<u8> {
    let mut request = request.clone();
    request.stream = stream;
    let spec = ResponseSpec::new(&request, &Context::fixed());
    let mut context = ResponseContext::new(&request, Context::fixed());
    if !stream {
        return upstream.encode_response(response, &spec, &mut context, &mut Diagnostics::default());
    }
    encoded(upstream, &request, &unfold(response))
}
