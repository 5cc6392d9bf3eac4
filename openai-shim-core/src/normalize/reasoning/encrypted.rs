//! Encrypted reasoning, which an upstream returns on request only: requested where the model reasons, so that it can be sent back.

use crate::canonical::Request;
use crate::normalize::recipient::Recipient;
use crate::profile::matches_pattern;

pub(in crate::normalize) fn normalize(request: &mut Request, recipient: &Recipient<'_>) {
    let patterns = &recipient.accepts.reasoning.encrypted_models;
    if patterns.is_empty() || request.encrypted_reasoning || recipient.is_own(request.extra.dialect) {
        return;
    }
    let reasoning = &request.reasoning;
    request.adds_encrypted_reasoning =
        !reasoning.is_off() && (reasoning.effort.is_some() || reasons_by_itself(&request.model, patterns));
}

fn reasons_by_itself(model: &str, patterns: &[String]) -> bool {
    let name = model.rsplit('/').next().unwrap_or_default();
    let is_excepted = |pattern: &String| pattern.strip_prefix('!').is_some_and(|p| matches_pattern(p, name));
    patterns.iter().any(|pattern| matches_pattern(pattern, name)) && !patterns.iter().any(is_excepted)
}
