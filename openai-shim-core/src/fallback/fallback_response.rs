//! Upstream error to a complete response whose text describes the error, for clients that need a response.

use crate::canonical::{Block, Choice, FinishReason, Response, ResponseContext, ResponseSpec, Usage};
use crate::error::UpstreamError;

/// Creates a response with `message`, or a sentence about the error: id `fallback-…`, finish reason `stop`, zero usage.
pub fn fallback_response(
    message: Option<String>,
    error: &UpstreamError,
    spec: &ResponseSpec,
    context: &mut ResponseContext,
) -> Response {
    let message = message.unwrap_or_else(|| describe(error));
    let mut response = Response::default();
    response.id = Some(context.new_id("fallback-"));
    response.created = Some(spec.created);
    response.model = Some(spec.model.clone());
    response.usage = Some(Usage::new(0, 0));
    let mut choice = Choice::default();
    choice.blocks.push(Block::text(message));
    choice.finish = Some(FinishReason::Stop);
    response.choices.push(choice);
    response
}

fn describe(error: &UpstreamError) -> String {
    match error {
        UpstreamError::Empty => {
            String::from("The language model service answered without any content. Please try again.")
        }
        UpstreamError::Malformed { .. } => String::from(
            "The language model service sent an answer that could not be read. Please try again.",
        ),
        UpstreamError::Timeout { .. } => {
            String::from("The language model service did not answer in time. Please try again.")
        }
        other => format!("The language model service reported an error: {other}"),
    }
}
