//! A remedy of the table and the refused request to adaptations: none if it would not change this request.

use super::adaptation::Adaptation;
use super::leave_out::{leave_out, other_tool_choice};
use super::message_pattern::Captures;
use super::refusals::Remedy;
use super::sent_request::{ContentShape, SentRequest, openai_name};
use crate::json::member_path::is_same_name;
use std::collections::BTreeSet;

/// What a matching pattern finds in an error.
pub(super) struct RefusalMatch<'e> {
    /// The name or path of the refused field.
    pub(super) field: Option<&'e str>,
    /// The values of the pattern's placeholders.
    pub(super) captures: &'e Captures<'e>,
    /// The values that the error lists as accepted.
    pub(super) accepted: &'e [&'e str],
    /// The whole message.
    pub(super) message: &'e str,
    /// No other field error excludes this cause.
    pub(super) is_only_cause: bool,
}

pub(super) fn apply_remedy(
    remedy: Remedy,
    refusal: &RefusalMatch<'_>,
    request: &SentRequest<'_>,
) -> Vec<Adaptation> {
    let drop_fields = |name: &str| -> Vec<Adaptation> {
        request.locate(name).iter().filter_map(|path| leave_out(path, request)).collect()
    };
    match remedy {
        Remedy::Drop => refusal.field.map(drop_fields).unwrap_or_default(),
        Remedy::DropUnquoted => {
            // Outside quotes `user` or `stop` is mostly an ordinary word.
            let is_word = |name: &str| !matches!(name, "logprobs" | "seed" | "temperature" | "verbosity");
            let is_param = |name: &&str| name.contains('_') || !is_word(name);
            refusal.field.filter(is_param).map(drop_fields).unwrap_or_default()
        }
        Remedy::DropFirstOf(names) => names
            .iter()
            .filter_map(|name| request.key(name))
            .find_map(|key| leave_out(&[key], request))
            .into_iter()
            .collect(),
        Remedy::DropAllOf(names) => {
            let paths: BTreeSet<_> = names.iter().flat_map(|name| request.locate(name)).collect();
            paths.iter().filter_map(|path| leave_out(path, request)).collect()
        }
        _ => change(remedy, refusal, request).into_iter().collect(),
    }
}

/// The adaptation of a remedy that leaves nothing out.
fn change(remedy: Remedy, refusal: &RefusalMatch<'_>, request: &SentRequest<'_>) -> Option<Adaptation> {
    match remedy {
        Remedy::Drop | Remedy::DropUnquoted | Remedy::DropFirstOf(_) | Remedy::DropAllOf(_) => None,
        Remedy::Clamp => clamp(refusal, request),
        Remedy::RenameRole => rename_refused_role(refusal, request),
        Remedy::SystemRole => rename_role("system", "user", request),
        Remedy::DeveloperRole => rename_role("developer", "system", request),
        Remedy::AcceptedFormats => accepted_format(refusal.accepted, request),
        Remedy::RefusedFormat => match request.response_format()? {
            "json_schema" => Some(Adaptation::SchemaAsJsonObject),
            "json_object" => Some(Adaptation::FormatAsInstruction("json_object".to_owned())),
            _ => None,
        },
        Remedy::AcceptedChoices => other_tool_choice(refusal.accepted, false, request),
        Remedy::ChoiceAuto => other_tool_choice(&["auto", "none"], true, request),
        Remedy::ContentType => content_type(refusal, request),
        Remedy::NullContent => has_null_content(request).then_some(Adaptation::EmptyContent),
        Remedy::ContentAsString => content_as_string(request),
        Remedy::MergeSystem => has_later_system(request).then_some(Adaptation::MergeSystem),
        Remedy::AlternateRoles => alternate_roles(request, refusal.message),
        Remedy::AssistantAfterTool => {
            has_adjacent(request, "tool", "user").then_some(Adaptation::AssistantAfterTool)
        }
        Remedy::PrefixPrefill => {
            let last = request.messages.last()?;
            (last.role == "assistant" && last.object.bool("prefix") != Some(true))
                .then_some(Adaptation::PrefixPrefill)
        }
        Remedy::ToolCallIdsAlnum9 => {
            let is_accepted = |id: &str| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            (!request.call_ids().all(is_accepted)).then_some(Adaptation::ToolCallIdsAlnum9)
        }
        Remedy::ToolCallIdsMax40 => {
            let is_too_long = |id: &str| id.chars().count() > 40;
            request.call_ids().any(is_too_long).then_some(Adaptation::ToolCallIdsMax40)
        }
        Remedy::RestoreReasoning => request
            .messages
            .iter()
            .any(|m| m.role == "assistant" && m.object.non_null("reasoning_content").is_none())
            .then_some(Adaptation::RestoreReasoning),
        Remedy::DropMessageNames => request.has_field("name").then_some(Adaptation::DropMessageNames),
        Remedy::DisableStreaming => request.request.stream.then_some(Adaptation::DisableStreaming),
        Remedy::RequireStreaming => (!request.request.stream).then_some(Adaptation::RequireStreaming),
    }
}

/// The ranges that OpenAI accepts: a value beyond them is the client's fault, and an error that states one end of a range
/// leaves the other end at OpenAI's.
const OPENAI_RANGES: &[(&str, f64, f64)] = &[
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("top_logprobs", 0.0, 20.0),
    ("max_tokens", 1.0, f64::INFINITY),
    ("max_completion_tokens", 1.0, f64::INFINITY),
];

fn clamp(refusal: &RefusalMatch<'_>, request: &SentRequest<'_>) -> Option<Adaptation> {
    let path = request.locate(refusal.field?).pop()?;
    let value = request.number_at(&path)?;
    let key = path.last().map(|key| openai_name(key))?;
    let openai = OPENAI_RANGES.iter().find(|(known, ..)| is_same_name(known, key));
    let name = path.join(".");
    if openai.is_some_and(|(_, low, high)| value < *low || value > *high) || name == "n" {
        return None;
    }
    // An end that OpenAI accepts and this upstream does not: there the parameter has no effect.
    let captures = refusal.captures;
    if captures.below == Some(value) && openai.is_some_and(|(.., high)| value >= *high) {
        return Some(Adaptation::DropParam(name));
    }
    // Tokens are whole numbers: below 10 means at most 9.
    let below = captures
        .below
        .map(|below| if name.to_ascii_lowercase().contains("tokens") { below - 1.0 } else { below });
    let low = captures.low.or(openai.map(|(_, low, _)| *low))?;
    let high = captures.high.or(below).or(openai.map(|(.., high)| *high))?;
    let is_range = low.is_finite() && high.is_finite() && low <= high;
    (is_range && (value < low || value > high)).then(|| Adaptation::ClampParam {
        name,
        low: format!("{low:?}"),
        high: format!("{high:?}"),
    })
}

fn rename_refused_role(refusal: &RefusalMatch<'_>, request: &SentRequest<'_>) -> Option<Adaptation> {
    let role_at_field = refusal.field.and_then(|path| request.message(path)).map(|m| m.role.as_str());
    let refused = refusal.captures.role.map(|r| r.rsplit('.').next().unwrap_or(r)).or(role_at_field)?;
    let accepts = |role: &str| refusal.accepted.contains(&role);
    if accepts(refused) {
        return None;
    }
    let lists_roles = accepts("system") || accepts("user") || accepts("assistant");
    match refused {
        "developer" if !lists_roles || accepts("system") => rename_role("developer", "system", request),
        "developer" if accepts("user") => rename_role("developer", "user", request),
        "system" if !lists_roles || accepts("user") => rename_role("system", "user", request),
        _ => None,
    }
}

fn rename_role(from: &str, to: &str, request: &SentRequest<'_>) -> Option<Adaptation> {
    request.has_role(from).then(|| Adaptation::RenameRole { from: from.to_owned(), to: to.to_owned() })
}

fn accepted_format(accepted: &[&str], request: &SentRequest<'_>) -> Option<Adaptation> {
    let format = request.response_format()?;
    if accepted.is_empty() || accepted.contains(&format) {
        return None;
    }
    match format {
        "json_schema" if accepted.contains(&"json_object") => Some(Adaptation::SchemaAsJsonObject),
        "json_object" if accepted.contains(&"json_schema") => Some(Adaptation::JsonObjectAsSchema),
        "json_schema" | "json_object" => Some(Adaptation::FormatAsInstruction(format.to_owned())),
        "text" => Some(Adaptation::DropParam("response_format".to_owned())),
        _ => None,
    }
}

/// The upstream requires a string as the content of some message.
fn content_type(refusal: &RefusalMatch<'_>, request: &SentRequest<'_>) -> Option<Adaptation> {
    match refusal.field.and_then(|path| request.message(path)) {
        Some(message) => match message.content {
            ContentShape::Null if message.role == "assistant" => Some(Adaptation::EmptyContent),
            ContentShape::TextParts if refusal.is_only_cause => Some(Adaptation::ContentAsString),
            _ => None,
        },
        // The error names no message: only if there is one possible cause.
        None => match (has_null_content(request), has_text_parts(request)) {
            (true, false) => Some(Adaptation::EmptyContent),
            (false, true) => content_as_string(request),
            _ => None,
        },
    }
}

fn has_null_content(request: &SentRequest<'_>) -> bool {
    request.messages.iter().any(|m| m.role == "assistant" && m.content == ContentShape::Null)
}

fn has_text_parts(request: &SentRequest<'_>) -> bool {
    request.messages.iter().any(|m| m.content == ContentShape::TextParts)
}

/// Only if every list of parts can be sent as a string, and no other list may be the cause.
fn content_as_string(request: &SentRequest<'_>) -> Option<Adaptation> {
    let has_other_list = request.messages.iter().any(|m| m.content == ContentShape::Other)
        || request.body.array("stop").is_some();
    (has_text_parts(request) && !has_other_list).then_some(Adaptation::ContentAsString)
}

fn is_system(role: &str) -> bool {
    role == "system" || role == "developer"
}

/// Whether a system message follows another message.
fn has_later_system(request: &SentRequest<'_>) -> bool {
    request.messages.iter().skip(1).any(|m| is_system(&m.role))
}

fn has_adjacent(request: &SentRequest<'_>, first: &str, second: &str) -> bool {
    let pairs = request.messages.iter().zip(request.messages.iter().skip(1));
    pairs.into_iter().any(|(a, b)| a.role == first && b.role == second)
}

/// Roles do not alternate: two adjacent messages of one role, or a system message where the template allows none.
fn alternate_roles(request: &SentRequest<'_>, message: &str) -> Option<Adaptation> {
    if has_adjacent(request, "user", "user") || has_adjacent(request, "assistant", "assistant") {
        return Some(Adaptation::MergeSameRole);
    }
    if has_later_system(request) {
        return Some(Adaptation::MergeSystem);
    }
    let has_tools = request.has_calls() || request.has_role("tool");
    let first_role = request.messages.iter().map(|m| m.role.as_str()).find(|role| !is_system(role));
    // Templates without a system role raise the same error.
    (!has_tools && first_role == Some("user") && !message.contains("optional"))
        .then(|| rename_role("system", "user", request))
        .flatten()
}
