//! An upstream error and the request that was refused to an adaptation: only one that changes this request.

use super::adaptation::Adaptation;
use super::error_text::{ErrorText, quoted_words};
use super::message_pattern::{Captures, find};
use super::refusals::{MatchScope, PATTERNS, RefusalPattern, Remedy, UNADAPTABLE};
use super::sent_request::{ContentShape, FieldLocation, SentRequest, path_segments};
use crate::error::{ErrorKind, StatusError};
use crate::json::Object;

/// The adaptation that follows from an error, if any. `sent` is the body that was refused.
///
/// ```
/// use openai_shim_core::error::{ErrorKind, StatusError};
/// use openai_shim_core::{json::Object, profile::adaptation_for};
/// let sent = Object::parse(br#"{"model":"m","store":true,"messages":[]}"#).unwrap();
/// let error = StatusError::new(400, ErrorKind::InvalidRequest, "property 'store' is unsupported");
/// assert_eq!(adaptation_for(&error, &sent).unwrap().describe(), "leave store out");
/// ```
pub fn adaptation_for(error: &StatusError, sent: &Object<'_>) -> Option<Adaptation> {
    let concerns_request = matches!(
        error.kind,
        ErrorKind::InvalidRequest | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Upstream
    );
    let is_client_error = matches!(error.status, 400 | 404 | 422);
    // Chat templates fail as server errors, and some servers report invalid requests so.
    let is_server_error = matches!(error.status, 424 | 500 | 501);
    if !concerns_request || !(is_client_error || is_server_error) {
        return None;
    }
    let error = ErrorText::new(error);
    if UNADAPTABLE.iter().any(|wording| error.message.contains(wording)) {
        return None;
    }
    let request = SentRequest::new(sent);
    PATTERNS
        .iter()
        .filter(|pattern| is_client_error || pattern.in_server_errors)
        .find_map(|pattern| adaptation_by(pattern, &error, &request))
}

/// The adaptation of one pattern, if it matches and its remedy changes the request.
fn adaptation_by(
    pattern: &RefusalPattern,
    error: &ErrorText,
    request: &SentRequest<'_>,
) -> Option<Adaptation> {
    match pattern.scope {
        MatchScope::Message => find(pattern.wording, &error.message, |captures| {
            let field = match (captures.path, captures.param) {
                (Some(path), Some(param)) => Some(format!("{path}.{param}")),
                (_, Some(param)) => Some(param.to_owned()),
                _ => error.param.clone(),
            };
            let accepted: Vec<&str> = quoted_words(captures.rest).collect();
            let refusal = RefusalMatch {
                field: field.as_deref(),
                captures,
                accepted: &accepted,
                message: &error.message,
                is_only_cause: true,
            };
            apply_remedy(pattern.remedy, &refusal, request)
        }),
        MatchScope::Code => {
            let matches = error.codes.iter().any(|code| code == pattern.wording);
            let refusal = RefusalMatch {
                field: error.param.as_deref(),
                captures: &Captures::default(),
                accepted: &[],
                message: &error.message,
                is_only_cause: true,
            };
            matches.then(|| apply_remedy(pattern.remedy, &refusal, request)).flatten()
        }
        MatchScope::Field(first, last) => error.field_errors.iter().find_map(|field_error| {
            let path = path_segments(&field_error.path);
            let fits = |wanted: &str, segment: Option<&&str>| wanted.is_empty() || segment == Some(&wanted);
            if !fits(first, path.first()) || !fits(last, path.last()) {
                return None;
            }
            // A server that tries several types reports an error of each: what any of them accepts is accepted.
            let accepted: Vec<&str> = error
                .field_errors
                .iter()
                .filter(|other| {
                    let other = path_segments(&other.path);
                    other.get(..2.min(path.len())) == path.get(..2.min(path.len()))
                        && other.last() == path.last()
                })
                .flat_map(|other| quoted_words(&other.message))
                .collect();
            // One type requires a list and another one a string: neither is the cause.
            let accepts_list = error.field_errors.iter().any(|other| {
                let other_path = path_segments(&other.path);
                other_path.first() == path.first()
                    && other_path.get(1) == path.get(1)
                    && (other.message.contains("list") || other.message.contains("iterable"))
            });
            find(pattern.wording, &field_error.message, |captures| {
                let refusal = RefusalMatch {
                    field: Some(&field_error.path),
                    captures,
                    accepted: &accepted,
                    message: &error.message,
                    is_only_cause: !accepts_list,
                };
                apply_remedy(pattern.remedy, &refusal, request)
            })
        }),
    }
}

/// What a matching pattern finds in an error.
struct RefusalMatch<'e> {
    /// The name or path of the refused field.
    field: Option<&'e str>,
    /// The values of the pattern's placeholders.
    captures: &'e Captures<'e>,
    /// The values that the error lists as accepted.
    accepted: &'e [&'e str],
    /// The whole message.
    message: &'e str,
    /// No other field error excludes this cause.
    is_only_cause: bool,
}

fn apply_remedy(remedy: Remedy, refusal: &RefusalMatch<'_>, request: &SentRequest<'_>) -> Option<Adaptation> {
    match remedy {
        Remedy::Drop => drop_field(&request.locate(refusal.field?)?, request),
        Remedy::DropUnquoted => {
            // Outside quotes `user` or `stop` is mostly an ordinary word.
            let is_param = |name: &&str| name.contains('_') || matches!(*name, "logprobs" | "temperature");
            drop_field(&request.locate(refusal.field.filter(is_param)?)?, request)
        }
        Remedy::DropFirstOf(names) => {
            names.iter().find_map(|name| drop_field(&FieldLocation::Param(request.key(name)?), request))
        }
        Remedy::Clamp => clamp(refusal, request),
        Remedy::RenameRole => rename_refused_role(refusal, request),
        Remedy::SystemRole => rename_role("system", "user", request),
        Remedy::DeveloperRole => rename_role("developer", "system", request),
        Remedy::AcceptedFormats => accepted_format(refusal.accepted, request),
        Remedy::RefusedFormat => match request.response_format()?.as_str() {
            "json_schema" => Some(Adaptation::SchemaAsJsonObject),
            "json_object" => Some(Adaptation::FormatAsInstruction("json_object".to_owned())),
            _ => None,
        },
        Remedy::AcceptedChoices => tool_choice(refusal.accepted, false, request),
        Remedy::ChoiceAuto => tool_choice(&["auto", "none"], true, request),
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
            let is_accepted = |id: &String| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            request.call_ids().iter().any(|id| !is_accepted(id)).then_some(Adaptation::ToolCallIdsAlnum9)
        }
        Remedy::ToolCallIdsMax40 => {
            let is_too_long = |id: &String| id.chars().count() > 40;
            request.call_ids().iter().any(is_too_long).then_some(Adaptation::ToolCallIdsMax40)
        }
        Remedy::RestoreReasoning => request
            .messages
            .iter()
            .any(|m| m.role == "assistant" && m.object.non_null("reasoning_content").is_none())
            .then_some(Adaptation::RestoreReasoning),
        Remedy::DropMessageNames => request.has_field("name").then_some(Adaptation::DropMessageNames),
        Remedy::DisableStreaming => {
            (request.body.bool("stream") == Some(true)).then_some(Adaptation::DisableStreaming)
        }
        Remedy::RequireStreaming => {
            (request.body.bool("stream") != Some(true)).then_some(Adaptation::RequireStreaming)
        }
    }
}

/// Drops what can be dropped, or sends it otherwise.
fn drop_field(location: &FieldLocation, request: &SentRequest<'_>) -> Option<Adaptation> {
    let other_limit = |from: &str, to: &str| match request.body.get(to) {
        Some(_) => Adaptation::DropParam(from.to_owned()),
        None => Adaptation::RenameParam { from: from.to_owned(), to: to.to_owned() },
    };
    match location {
        FieldLocation::Param(key) => match key.as_str() {
            // Without these it is another request.
            "model" | "messages" | "prompt" | "input" | "functions" | "stream" => None,
            "tools" => (request.body.array(key)?.is_empty()).then(|| Adaptation::DropParam(key.clone())),
            "n" => (request.number(key)? <= 1.0).then(|| Adaptation::DropParam(key.clone())),
            "stream_options" => Some(Adaptation::DropStreamOptions),
            "max_tokens" => Some(other_limit("max_tokens", "max_completion_tokens")),
            "max_completion_tokens" => Some(other_limit("max_completion_tokens", "max_tokens")),
            "response_format" => match request.response_format()?.as_str() {
                format @ ("json_schema" | "json_object") => {
                    Some(Adaptation::FormatAsInstruction(format.to_owned()))
                }
                _ => Some(Adaptation::DropParam(key.clone())),
            },
            "tool_choice" => match request.body.str(key).as_deref() {
                Some("auto") => Some(Adaptation::DropParam(key.clone())),
                Some("none") => None,
                _ => tool_choice(&[], false, request),
            },
            _ => Some(Adaptation::DropParam(key.clone())),
        },
        FieldLocation::InsideParam(key) => (key == "stream_options").then_some(Adaptation::DropStreamOptions),
        FieldLocation::Message(name) => match name.as_str() {
            "role" | "content" | "tool_calls" | "tool_call_id" | "function_call" => None,
            "reasoning_content" | "reasoning" | "reasoning_details" => {
                has_message_field(request, name).then_some(Adaptation::DropReasoning)
            }
            "name" => has_message_field(request, name).then_some(Adaptation::DropMessageNames),
            _ => has_message_field(request, name).then(|| Adaptation::DropMessageField(name.clone())),
        },
        FieldLocation::Tool(name) => {
            (name == "strict" && request.has_strict()).then_some(Adaptation::DropStrict)
        }
    }
}

/// Whether a message has the field, also as `null`.
fn has_message_field(request: &SentRequest<'_>, name: &str) -> bool {
    request.messages.iter().any(|m| m.object.get(name).is_some())
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
    let FieldLocation::Param(name) = request.locate(refusal.field?)? else { return None };
    let value = request.number(&name)?;
    let openai = OPENAI_RANGES.iter().find(|(key, ..)| *key == name);
    if openai.is_some_and(|(_, low, high)| value < *low || value > *high) || name == "n" {
        return None;
    }
    // An end that OpenAI accepts and this upstream does not: there the parameter has no effect.
    let captures = refusal.captures;
    if captures.below == Some(value) && openai.is_some_and(|(.., high)| value >= *high) {
        return Some(Adaptation::DropParam(name));
    }
    // Tokens are whole numbers: below 10 means at most 9.
    let below = captures.below.map(|below| if name.contains("tokens") { below - 1.0 } else { below });
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
    if accepted.is_empty() || accepted.contains(&format.as_str()) {
        return None;
    }
    match format.as_str() {
        "json_schema" if accepted.contains(&"json_object") => Some(Adaptation::SchemaAsJsonObject),
        "json_object" if accepted.contains(&"json_schema") => Some(Adaptation::JsonObjectAsSchema),
        "json_schema" | "json_object" => Some(Adaptation::FormatAsInstruction(format)),
        "text" => Some(Adaptation::DropParam("response_format".to_owned())),
        _ => None,
    }
}

/// Another tool choice than the forced one that was refused; `is_complete` if `accepted` is known to list all.
fn tool_choice(accepted: &[&str], is_complete: bool, request: &SentRequest<'_>) -> Option<Adaptation> {
    let can_force = accepted.contains(&"required") || accepted.contains(&"any");
    let only_auto = is_complete || (accepted.contains(&"auto") && !can_force);
    match request.body.str("tool_choice").as_deref() {
        Some("required") if accepted.contains(&"required") => None,
        Some("required") if accepted.contains(&"any") => Some(Adaptation::RequiredAsAny),
        Some("required") => Some(Adaptation::RequiredAsAuto),
        Some(_) => None,
        None => {
            request.body.object("tool_choice")?;
            Some(if only_auto { Adaptation::NamedAsAuto } else { Adaptation::NamedAsRequired })
        }
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
