//! From a row that fits to a lesson: only where it would change what was sent.

use super::Adaptation;
use super::error_text::{ErrorText, quoted};
use super::message_pattern::{Captures, find};
use super::refusals::{MatchScope, RefusalPattern, Remedy};
use super::sent_request::{ContentShape, FieldLocation, SentRequest, steps};

/// The lesson of a row, if its words are said and it would change anything.
pub(super) fn row(row: &RefusalPattern, said: &ErrorText, sent: &SentRequest<'_>) -> Option<Adaptation> {
    match row.place {
        MatchScope::Anywhere => find(row.says, &said.text, |found| {
            let name = match (found.at, found.param) {
                (Some(at), Some(param)) => Some(format!("{at}.{param}")),
                (_, Some(param)) => Some(param.to_owned()),
                _ => said.param.clone(),
            };
            let accepted: Vec<&str> = quoted(found.rest).collect();
            answer(
                row.ask,
                &RefusalMatch {
                    name: name.as_deref(),
                    found,
                    accepted: &accepted,
                    text: &said.text,
                    anchored: true,
                },
                sent,
            )
        }),
        MatchScope::DiagnosticCode => {
            let fits = said.codes.iter().any(|code| code == row.says);
            let point = RefusalMatch {
                name: said.param.as_deref(),
                found: &Captures::default(),
                accepted: &[],
                text: &said.text,
                anchored: true,
            };
            fits.then(|| answer(row.ask, &point, sent)).flatten()
        }
        MatchScope::At(first, last) => said.complaints.iter().find_map(|complaint| {
            let path = steps(&complaint.path);
            let fits = |wanted: &str, step: Option<&&str>| wanted.is_empty() || step == Some(&wanted);
            if !fits(first, path.first()) || !fits(last, path.last()) {
                return None;
            }
            // Where a server tries several shapes, each complains: what any of them accepts is accepted.
            let accepted: Vec<&str> = said
                .complaints
                .iter()
                .filter(|other| {
                    let other = steps(&other.path);
                    other.get(..2.min(path.len())) == path.get(..2.min(path.len()))
                        && other.last() == path.last()
                })
                .flat_map(|other| quoted(&other.words))
                .collect();
            // A shape that wants a list beside one that wants a text: neither is the cause.
            let several = said.complaints.iter().any(|other| {
                let near = steps(&other.path);
                near.first() == path.first()
                    && near.get(1) == path.get(1)
                    && (other.words.contains("list") || other.words.contains("iterable"))
            });
            find(row.says, &complaint.words, |found| {
                let name = Some(complaint.path.as_str());
                answer(
                    row.ask,
                    &RefusalMatch { name, found, accepted: &accepted, text: &said.text, anchored: !several },
                    sent,
                )
            })
        }),
    }
}

/// What a fitting row points to.
struct RefusalMatch<'p> {
    /// The name or path that the error gives.
    name: Option<&'p str>,
    /// What stood in the holes.
    found: &'p Captures<'p>,
    /// The words that the error says are accepted.
    accepted: &'p [&'p str],
    /// The whole message.
    text: &'p str,
    /// Nothing else near is complained about.
    anchored: bool,
}

fn answer(ask: Remedy, point: &RefusalMatch<'_>, sent: &SentRequest<'_>) -> Option<Adaptation> {
    match ask {
        Remedy::Drop => drop_at(&sent.place(point.name?)?, sent),
        Remedy::DropPlain => {
            // Outside quotes `user` or `stop` is mostly just a word.
            let name = point.name.filter(|n| n.contains('_') || matches!(*n, "logprobs" | "temperature"))?;
            drop_at(&sent.place(name)?, sent)
        }
        Remedy::Param(names) => {
            names.iter().find_map(|name| drop_at(&FieldLocation::Param(sent.key(name)?), sent))
        }
        Remedy::Range => range(point, sent),
        Remedy::Role => role(point, sent),
        Remedy::System => rename_role("system", "user", sent),
        Remedy::Developer => rename_role("developer", "system", sent),
        Remedy::Format => format(point.accepted, sent),
        Remedy::FormatRefused => match sent.format()?.as_str() {
            "json_schema" => Some(Adaptation::FormatJsonObject),
            "json_object" => Some(Adaptation::FormatInstruction("json_object".to_owned())),
            _ => None,
        },
        Remedy::Choice => choice(point.accepted, false, sent),
        Remedy::ChoiceAuto => choice(&["auto", "none"], true, sent),
        Remedy::Content => content(point, sent),
        Remedy::EmptyContent => no_content(sent).then_some(Adaptation::EmptyContent),
        Remedy::FlattenText => flatten(sent),
        Remedy::SingleSystem => scattered_system(sent).then_some(Adaptation::SingleSystem),
        Remedy::Alternate => alternate(sent, point.text),
        Remedy::BridgeToolUser => follows(sent, "tool", "user").then_some(Adaptation::BridgeToolUser),
        Remedy::PrefixAssistant => {
            let last = sent.messages.last()?;
            (last.role == "assistant" && last.object.bool("prefix") != Some(true))
                .then_some(Adaptation::PrefixAssistant)
        }
        Remedy::ToolIdsNine => {
            let nine = |id: &String| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            sent.call_ids().iter().any(|id| !nine(id)).then_some(Adaptation::ToolIdsNine)
        }
        Remedy::ToolIdsForty => {
            sent.call_ids().iter().any(|id| id.chars().count() > 40).then_some(Adaptation::ToolIdsForty)
        }
        Remedy::ReasoningRequired => sent
            .messages
            .iter()
            .any(|m| m.role == "assistant" && m.object.non_null("reasoning_content").is_none())
            .then_some(Adaptation::ReasoningRequired),
        Remedy::DropName => sent.has_field("name").then_some(Adaptation::DropName),
        Remedy::NoStream => (sent.body.bool("stream") == Some(true)).then_some(Adaptation::NoStream),
        Remedy::StreamOnly => (sent.body.bool("stream") != Some(true)).then_some(Adaptation::StreamOnly),
    }
}

/// Leaves out what can be left out, or says the same otherwise.
fn drop_at(place: &FieldLocation, sent: &SentRequest<'_>) -> Option<Adaptation> {
    let other_limit = |from: &str, to: &str| match sent.body.get(to) {
        Some(_) => Adaptation::DropParam(from.to_owned()),
        None => Adaptation::RenameParam { from: from.to_owned(), to: to.to_owned() },
    };
    match place {
        FieldLocation::Param(key) => match key.as_str() {
            // Without these it is another request.
            "model" | "messages" | "prompt" | "input" | "functions" | "stream" => None,
            "tools" => (sent.body.array(key)?.is_empty()).then(|| Adaptation::DropParam(key.clone())),
            "n" => (sent.number(key)? <= 1.0).then(|| Adaptation::DropParam(key.clone())),
            "stream_options" => Some(Adaptation::NoStreamOptions),
            "max_tokens" => Some(other_limit("max_tokens", "max_completion_tokens")),
            "max_completion_tokens" => Some(other_limit("max_completion_tokens", "max_tokens")),
            "response_format" => match sent.format()?.as_str() {
                format @ ("json_schema" | "json_object") => {
                    Some(Adaptation::FormatInstruction(format.to_owned()))
                }
                _ => Some(Adaptation::DropParam(key.clone())),
            },
            "tool_choice" => match sent.body.str(key).as_deref() {
                Some("auto") => Some(Adaptation::DropParam(key.clone())),
                Some("none") => None,
                _ => choice(&[], false, sent),
            },
            _ => Some(Adaptation::DropParam(key.clone())),
        },
        FieldLocation::Inside(key) => (key == "stream_options").then_some(Adaptation::NoStreamOptions),
        FieldLocation::Field(name) => match name.as_str() {
            "role" | "content" | "tool_calls" | "tool_call_id" | "function_call" => None,
            "reasoning_content" | "reasoning" | "reasoning_details" => {
                has_any_field(sent, name).then_some(Adaptation::ReasoningRefused)
            }
            "name" => has_any_field(sent, name).then_some(Adaptation::DropName),
            _ => has_any_field(sent, name).then(|| Adaptation::DropMessageField(name.clone())),
        },
        FieldLocation::Tool(name) => {
            (name == "strict" && sent.has_strict()).then_some(Adaptation::DropStrict)
        }
    }
}

fn has_any_field(sent: &SentRequest<'_>, name: &str) -> bool {
    sent.messages.iter().any(|m| m.object.get(name).is_some())
}

/// What OpenAI itself accepts: beyond it the client is at fault, and where an error states one end this is the other.
const OPENAI: &[(&str, f64, f64)] = &[
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("top_logprobs", 0.0, 20.0),
    ("max_tokens", 1.0, f64::INFINITY),
    ("max_completion_tokens", 1.0, f64::INFINITY),
];

fn range(point: &RefusalMatch<'_>, sent: &SentRequest<'_>) -> Option<Adaptation> {
    let FieldLocation::Param(name) = sent.place(point.name?)? else { return None };
    let value = sent.number(&name)?;
    let own = OPENAI.iter().find(|(key, ..)| *key == name);
    if own.is_some_and(|(_, low, high)| value < *low || value > *high) || name == "n" {
        return None;
    }
    // An end that OpenAI includes and this one does not: there the parameter does nothing.
    if point.found.below == Some(value) && own.is_some_and(|(.., high)| value >= *high) {
        return Some(Adaptation::DropParam(name));
    }
    // Tokens are counted: below 10 means at most 9.
    let below = point.found.below.map(|below| if name.contains("tokens") { below - 1.0 } else { below });
    let low = point.found.low.or(own.map(|(_, low, _)| *low))?;
    let high = point.found.high.or(below).or(own.map(|(.., high)| *high))?;
    let sensible = low.is_finite() && high.is_finite() && low <= high;
    (sensible && (value < low || value > high)).then(|| Adaptation::ClampParam {
        name,
        low: format!("{low:?}"),
        high: format!("{high:?}"),
    })
}

fn role(point: &RefusalMatch<'_>, sent: &SentRequest<'_>) -> Option<Adaptation> {
    let at = point.name.and_then(|path| sent.message(path)).map(|m| m.role.as_str());
    let refused = point.found.role.map(|r| r.rsplit('.').next().unwrap_or(r)).or(at)?;
    let accepts = |role: &str| point.accepted.contains(&role);
    if accepts(refused) {
        return None;
    }
    let known = accepts("system") || accepts("user") || accepts("assistant");
    match refused {
        "developer" if !known || accepts("system") => rename_role("developer", "system", sent),
        "developer" if accepts("user") => rename_role("developer", "user", sent),
        "system" if !known || accepts("user") => rename_role("system", "user", sent),
        _ => None,
    }
}

fn rename_role(from: &str, to: &str, sent: &SentRequest<'_>) -> Option<Adaptation> {
    sent.has_role(from).then(|| Adaptation::Role { from: from.to_owned(), to: to.to_owned() })
}

fn format(accepted: &[&str], sent: &SentRequest<'_>) -> Option<Adaptation> {
    let format = sent.format()?;
    if accepted.is_empty() || accepted.contains(&format.as_str()) {
        return None;
    }
    match format.as_str() {
        "json_schema" if accepted.contains(&"json_object") => Some(Adaptation::FormatJsonObject),
        "json_object" if accepted.contains(&"json_schema") => Some(Adaptation::FormatJsonSchema),
        "json_schema" | "json_object" => Some(Adaptation::FormatInstruction(format)),
        "text" => Some(Adaptation::DropParam("response_format".to_owned())),
        _ => None,
    }
}

/// A demanded call that was refused; `only` when the words that are accepted are known to be all.
fn choice(accepted: &[&str], only: bool, sent: &SentRequest<'_>) -> Option<Adaptation> {
    let demands = accepted.contains(&"required") || accepted.contains(&"any");
    let auto = only || (accepted.contains(&"auto") && !demands);
    match sent.body.str("tool_choice").as_deref() {
        Some("required") if accepted.contains(&"required") => None,
        Some("required") if accepted.contains(&"any") => Some(Adaptation::RequiredAsAny),
        Some("required") => Some(Adaptation::RequiredAsAuto),
        Some(_) => None,
        None => {
            sent.body.object("tool_choice")?;
            Some(if auto { Adaptation::NamedAsAuto } else { Adaptation::NamedAsRequired })
        }
    }
}

/// A text was wanted for some message's content.
fn content(point: &RefusalMatch<'_>, sent: &SentRequest<'_>) -> Option<Adaptation> {
    match point.name.and_then(|path| sent.message(path)) {
        Some(message) => match message.content {
            ContentShape::None if message.role == "assistant" => Some(Adaptation::EmptyContent),
            ContentShape::TextParts if point.anchored => Some(Adaptation::FlattenText),
            _ => None,
        },
        // Not said which: only when there is one possible cause.
        None => match (no_content(sent), has_text_parts(sent)) {
            (true, false) => Some(Adaptation::EmptyContent),
            (false, true) => flatten(sent),
            _ => None,
        },
    }
}

fn no_content(sent: &SentRequest<'_>) -> bool {
    sent.messages.iter().any(|m| m.role == "assistant" && m.content == ContentShape::None)
}

fn has_text_parts(sent: &SentRequest<'_>) -> bool {
    sent.messages.iter().any(|m| m.content == ContentShape::TextParts)
}

/// Only where no message has parts that cannot be flattened, and no other list may be the cause.
fn flatten(sent: &SentRequest<'_>) -> Option<Adaptation> {
    let other =
        sent.messages.iter().any(|m| m.content == ContentShape::Other) || sent.body.array("stop").is_some();
    (has_text_parts(sent) && !other).then_some(Adaptation::FlattenText)
}

fn is_system(role: &str) -> bool {
    role == "system" || role == "developer"
}

fn scattered_system(sent: &SentRequest<'_>) -> bool {
    sent.messages.iter().skip(1).any(|m| is_system(&m.role))
}

fn follows(sent: &SentRequest<'_>, first: &str, second: &str) -> bool {
    sent.messages.iter().zip(sent.messages.iter().skip(1)).any(|(a, b)| a.role == first && b.role == second)
}

/// Roles do not alternate: neighbours, or a system message where there may be none.
fn alternate(sent: &SentRequest<'_>, text: &str) -> Option<Adaptation> {
    if follows(sent, "user", "user") || follows(sent, "assistant", "assistant") {
        return Some(Adaptation::Alternate);
    }
    if scattered_system(sent) {
        return Some(Adaptation::SingleSystem);
    }
    let tools = sent.has_calls() || sent.has_role("tool");
    let begins = sent.messages.iter().map(|m| m.role.as_str()).find(|role| !is_system(role));
    // Templates without a system role complain in the same words.
    (!tools && begins == Some("user") && !text.contains("optional"))
        .then(|| rename_role("system", "user", sent))
        .flatten()
}
