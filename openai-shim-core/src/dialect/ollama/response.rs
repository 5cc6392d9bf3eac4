//! Non-streaming responses: JSON to `Response` and back.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>

use super::super::Decoder;
use super::decode::OllamaDecoder;
use super::names::{FAMILY, MESSAGE_PATH, OllamaApi};
use super::written_line::{ResponseEnd, Timing, WrittenContent, WrittenToolCall, done_reason, new_line};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Response, ResponseContext, ResponseSpec, call_id, fold,
};
use crate::error::UpstreamError;
use crate::framing::Frame;

/// Reads a response of either dialect, which is a stream with one line.
pub(super) fn decode(
    body: &[u8],
    spec: &ResponseSpec,
    context: &mut ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Result<Response, UpstreamError> {
    let (mut decoder, mut events) = (OllamaDecoder::new(spec.clone(), context.clone()), Vec::new());
    decoder.frame(Frame::Body(body), &mut events);
    decoder.finish(&mut events);
    diagnostics.extend(decoder.diagnostics());
    *context = decoder.into_context();
    fold(&events)
}

/// Writes a response. This API has no choices: the first one is written.
pub(super) fn encode(
    api: OllamaApi,
    response: &Response,
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut content = WrittenContent::default();
    let choice = response.choices.first();
    if response.choices.len() > 1 {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices", "more than one answer");
    }
    for block in choice.map(|c| c.blocks.as_slice()).unwrap_or_default() {
        match block {
            Block::Text { text, extra } => {
                extra.report(FAMILY, MESSAGE_PATH, diagnostics);
                content.text.push_str(text);
            }
            Block::Reasoning { text, signature, extra } => {
                content.thinking.push_str(text);
                if signature.is_some() || extra.of(FAMILY).len() < extra.members.len() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE_PATH, "an opaque part");
                }
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, MESSAGE_PATH, "a refusal as text");
                content.text.push_str(text);
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                if signature.as_ref().is_some_and(|signature| !call_id::holds(id, signature)) {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE_PATH, "an opaque part");
                }
                content.push_tool_call(WrittenToolCall { id, name, arguments }, extra, diagnostics);
            }
            _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE_PATH, "media in an answer"),
        }
    }
    content.logprobs = choice.and_then(|choice| choice.logprobs.clone()).unwrap_or_default();
    for extra in [Some(&*response.extra), choice.map(|c| &*c.extra)].into_iter().flatten() {
        extra.report(FAMILY, "", diagnostics);
    }
    if let Some(choice) = choice {
        content.extra.extend(choice.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.as_str().to_owned())));
    }
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    let created = response.created.unwrap_or(spec.created);
    let finish_reason = choice.and_then(|c| c.finish.as_ref());
    let mut line = new_line(model, created);
    content.write(api, &mut line);
    let end = ResponseEnd {
        done_reason: finish_reason.map_or("stop", done_reason).to_owned(),
        usage: response.usage,
        timing: context.elapsed().map(|total| Timing { total, first_content: None }),
        extra: response.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.as_str().to_owned())).collect(),
    };
    end.write(&mut line, diagnostics);
    let mut out = Vec::new();
    line.write(&mut out);
    out
}
