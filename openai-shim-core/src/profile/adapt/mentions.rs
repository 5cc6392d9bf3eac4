//! An error that names a part of the request, in whatever words and language, to the adaptations that leave it out.
//!
//! How certain that must be depends on the part. What the shim added may go at once. A field that says nothing about the answer
//! may go when an error names it; any other field of the client only when the error says that the field itself is refused, and
//! does not complain of its value.

use super::adaptation::Adaptation;
use super::error_text::ErrorText;
use super::leave_out::{leave_out, leave_tools_out};
use super::refusals::UNADAPTABLE;
use super::sent_request::{FieldPath, SentRequest, path_segments};
use super::vocabulary::{
    ABOUT_SCHEMAS, ABOUT_VALUES, BEFORE_ACCEPTED_NAMES, FIELD_NOUNS, FORMATS, HOPELESS, LACKING,
    NOT_ABOUT_TOOLS, REFUSING, TOOLS,
};
use crate::error::StatusError;
use crate::json::member_path::is_same_name;

/// Fields that say nothing about the answer: they count, store, cache or label requests.
const SIDE_FIELDS: [&str; 13] = [
    "stream_options",
    "include_usage",
    "include_obfuscation",
    "store",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "cache_control",
    "defer_loading",
    "eager_input_streaming",
];

/// The most adaptations that one error gives.
const MAX_ADAPTATIONS: usize = 6;

/// Whether a status says that the request is not as the upstream takes it, and not that the client may not send any.
pub(super) fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status)
        && !matches!(
            status,
            401 | 402 | 403 | 407 | 408 | 409 | 413 | 423 | 425 | 426 | 428 | 429 | 431 | 451 | 499
        )
}

/// Whether a text has one of some words.
pub(super) fn has_any(text: &str, terms: &[&str]) -> bool {
    terms.iter().any(|term| text.contains(term))
}

pub(super) fn adaptations_by_mention(
    error: &StatusError,
    text: &ErrorText,
    request: &SentRequest<'_>,
) -> Vec<Adaptation> {
    let is_refusal = is_refusal(error.status);
    if !(is_refusal || matches!(error.status, 500..=502)) || has_any(&text.message, HOPELESS) {
        return Vec::new();
    }
    let mentions = mentions(text, request);
    let added = mentions.iter().filter(|mention| mention.is_addition(request));
    let added = distinct(added.filter_map(|mention| leave_out(&mention.path, request)));
    if !added.is_empty() {
        return added;
    }
    if let Some(header) = named_header(&text.message, request) {
        return vec![Adaptation::OmitAddition(header.to_owned())];
    }
    let is_adaptable = !has_any(&text.message, UNADAPTABLE);
    if is_adaptable && let Some(adaptation) = lacking_feature(&text.message, request) {
        return vec![adaptation];
    }
    let side = mentions.iter().filter(|mention| mention.is_side_field());
    let side = distinct(side.filter_map(|mention| leave_out(&mention.path, request)));
    if !side.is_empty() || !is_adaptable || !is_refusal {
        return side;
    }
    let refused = mentions.iter().filter(|mention| mention.is_refused);
    distinct(refused.filter_map(|mention| leave_out(&mention.path, request)))
}

fn distinct(adaptations: impl Iterator<Item = Adaptation>) -> Vec<Adaptation> {
    let mut list = Vec::new();
    for adaptation in adaptations {
        if !list.contains(&adaptation) && list.len() < MAX_ADAPTATIONS {
            list.push(adaptation);
        }
    }
    list
}

/// A header that the shim added and the message names.
fn named_header<'r>(message: &str, request: &'r SentRequest<'_>) -> Option<&'r str> {
    let headers = request.additions.iter().filter(|addition| addition.is_header);
    headers.map(|addition| &*addition.name).find(|name| message.contains(name))
}

/// The adaptation to a model that lacks tools or structured output, if an error says that.
fn lacking_feature(message: &str, request: &SentRequest<'_>) -> Option<Adaptation> {
    let lacks = |clause: &&str| has_any(clause, LACKING);
    let of_tools = |clause: &str| has_any(clause, TOOLS) && !has_any(clause, NOT_ABOUT_TOOLS);
    if clauses(message).filter(lacks).any(of_tools)
        && let Some(adaptation) = leave_tools_out(request)
    {
        return Some(adaptation);
    }
    let of_formats = |clause: &str| has_any(clause, FORMATS);
    if has_any(message, ABOUT_SCHEMAS) || !clauses(message).filter(lacks).any(of_formats) {
        return None;
    }
    let format = request.response_format().filter(|format| *format != "text")?;
    Some(Adaptation::FormatAsInstruction(format.to_owned()))
}

/// The parts of a message that say one thing each.
pub(super) fn clauses(message: &str) -> impl Iterator<Item = &str> {
    message.split([';', '。', '\n']).flat_map(|part| part.split(". "))
}

/// A field of the request that an error names.
struct Mention {
    path: FieldPath,
    /// The error says that the field itself is refused.
    is_refused: bool,
}

impl Mention {
    fn is_addition(&self, request: &SentRequest<'_>) -> bool {
        let name = self.path.join(".");
        let is_part = |addition: &str| {
            name.strip_prefix(addition).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        request.additions.iter().any(|addition| !addition.is_header && is_part(&addition.name))
    }

    fn is_side_field(&self) -> bool {
        self.path.iter().any(|name| SIDE_FIELDS.iter().any(|field| is_same_name(field, name)))
    }
}

/// The fields that an error names as such, by its own `param` and in its message.
fn mentions(text: &ErrorText, request: &SentRequest<'_>) -> Vec<Mention> {
    let mut found = Vec::new();
    let says_refused = |clause: &str| {
        has_any(clause, REFUSING) && !has_any(clause, ABOUT_VALUES) && !has_any(clause, ABOUT_SCHEMAS)
    };
    if let Some(param) = &text.param {
        let is_refused = says_refused(&text.message);
        found.extend(request.locate(param).into_iter().map(|path| Mention { path, is_refused }));
    }
    for clause in clauses(&text.message) {
        let is_refused = says_refused(clause);
        let named = clause.find_first_of(BEFORE_ACCEPTED_NAMES);
        for word in tokens(clause.get(..named).unwrap_or(clause)) {
            let paths = request.locate(word.text).into_iter().filter(|path| word.names(path));
            found.extend(paths.map(|path| Mention { path, is_refused }));
        }
    }
    found
}

trait FindFirst {
    /// Where the first of some words begins that is not the end of another word or negated; else the end.
    fn find_first_of(&self, terms: &[&str]) -> usize;
}

impl FindFirst for str {
    fn find_first_of(&self, terms: &[&str]) -> usize {
        let begins = |at: &usize| {
            let before = self.get(..*at).unwrap_or_default();
            !before.ends_with(char::is_alphanumeric) && !before.trim_end().ends_with("not")
        };
        let first = |term: &&str| self.match_indices(term).map(|(at, _)| at).find(begins);
        terms.iter().filter_map(first).min().unwrap_or(self.len())
    }
}

/// A word that may be the name or the path of a field.
struct Word<'t> {
    text: &'t str,
    is_quoted: bool,
    /// It stands beside a noun such as `parameter`.
    has_noun: bool,
}

impl Word<'_> {
    /// Whether it is meant as the name of the field at `path`, and not as an ordinary word.
    fn names(&self, path: &[String]) -> bool {
        let is_code = |name: &String| name.contains(|c: char| c == '_' || c.is_ascii_uppercase());
        self.is_quoted
            || self.has_noun
            || path_segments(self.text).len() > 1
            || path.last().is_some_and(is_code)
    }
}

fn tokens(text: &str) -> impl Iterator<Item = Word<'_>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-[]/#$".contains(c);
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text.get(at..)?.find(is_part)?;
            let rest = text.get(start..)?;
            at = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let word =
                text.get(start..at)?.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !"_$]".contains(c));
            if word.is_empty() {
                continue;
            }
            let (before, after) = (text.get(..start)?, text.get(at..)?);
            let is_layout = |c: char| !c.is_alphanumeric();
            let (near_before, near_after) =
                (before.trim_end_matches(is_layout), after.trim_start_matches(is_layout));
            let ends = |noun: &&str| {
                near_before
                    .strip_suffix(*noun)
                    .is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
            };
            let begins = |noun: &&str| {
                near_after
                    .strip_prefix(*noun)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
            };
            return Some(Word {
                text: word,
                is_quoted: before.ends_with('\'') && after.starts_with('\''),
                has_noun: FIELD_NOUNS.iter().any(|noun| ends(noun) || begins(noun)),
            });
        }
    })
}
