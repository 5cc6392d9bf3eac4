//! Whole answers: read from upstreams, written for clients.
//!
//! <https://docs.ollama.com/api/chat>, <https://docs.ollama.com/api/generate>

use super::super::Decoder;
use super::decode::OllamaDecoder;
use super::encode::{LineContent, done, head, word};
use super::{FAMILY, MESSAGE, OllamaApi};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, Logprobs, Response, ResponseContext, ResponseSpec, call_id, fold,
};
use crate::error::UpstreamError;
use crate::framing::Frame;

/// Reads an answer of either form: it is a stream of one line.
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

/// Writes an answer. There is one: of several the first is sent.
pub(super) fn encode(
    form: OllamaApi,
    response: &Response,
    spec: &ResponseSpec,
    context: &ResponseContext,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let mut said = LineContent::default();
    let choice = response.choices.first();
    if response.choices.len() > 1 {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "choices", "more than one answer");
    }
    for block in choice.map(|c| c.blocks.as_slice()).unwrap_or_default() {
        match block {
            Block::Text { text, extra } => {
                extra.report(FAMILY, MESSAGE, diagnostics);
                said.content.push_str(text);
            }
            Block::Reasoning { text, signature, extra } => {
                said.thinking.push_str(text);
                if signature.is_some() || extra.of(FAMILY).len() < extra.members.len() {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE, "an opaque part");
                }
            }
            Block::Refusal(text) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, MESSAGE, "a refusal as text");
                said.content.push_str(text);
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                if signature.as_ref().is_some_and(|signature| !call_id::holds(id, signature)) {
                    diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE, "an opaque part");
                }
                said.call(id, name, arguments, extra, diagnostics);
            }
            _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, MESSAGE, "media in an answer"),
        }
    }
    let logprobs = choice.and_then(|c| c.logprobs.as_ref()).map(Logprobs::to_extra);
    for extra in [Some(&*response.extra), choice.map(|c| &*c.extra), logprobs.as_ref()].into_iter().flatten()
    {
        if extra.of(FAMILY).is_empty() && !extra.is_empty() {
            diagnostics.record(DiagnosticCode::ExtraDropped, "", extra.dialect);
        }
    }
    if let Some(choice) = choice {
        said.members.extend(choice.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned())));
    }
    let model = response.model.as_ref().filter(|_| !spec.restore_alias).unwrap_or(&spec.model);
    let created = response.created.unwrap_or(spec.created);
    let reason = choice.and_then(|c| c.finish.as_ref()).map_or("stop", word);
    let mut answer = head(model, created);
    said.write(form, &mut answer);
    let own: Vec<_> =
        response.extra.of(FAMILY).iter().map(|(k, v)| (k.clone(), v.get().to_owned())).collect();
    done(&mut answer, reason, response.usage, context.elapsed().map(|total| (total, None)), own, diagnostics);
    let mut out = Vec::new();
    answer.write(&mut out);
    out
}
