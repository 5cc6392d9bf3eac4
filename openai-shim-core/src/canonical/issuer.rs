//! The issuer of opaque state: written in front of a signature, read back from it, and compared with a model's name.

use super::{ExtraFields, REASONING_DETAILS};
use crate::json::{encode_string, raw};
use std::borrow::Cow;

/// Writes the issuer in front of opaque state, unless a client of the format `client_format` expects the state from its own
/// issuer. `extra` names the issuer. State with a tag is recognized later and never sent to an upstream that cannot read it.
///
/// ```
/// use openai_shim_core::canonical::{ExtraFields, REASONING_DETAILS, issuer};
/// let issued_by = |format: &str| {
///     let format = openai_shim_core::json::raw(format!("\"{format}\""));
///     ExtraFields::new(REASONING_DETAILS, vec![("format".into(), format)])
/// };
/// let tagged = issuer::tag_issuer("abc", &issued_by("google-gemini-v1"), "anthropic-claude-v1");
/// assert_eq!(tagged, "google-gemini-v1:abc");
/// assert_eq!(issuer::split_issuer(&tagged).map(|(opaque, _)| opaque), Some("abc"));
/// assert_eq!(issuer::tag_issuer("abc", &issued_by("anthropic-claude-v1"), "anthropic-claude-v1"), "abc");
/// ```
pub fn tag_issuer<'s>(opaque: &'s str, extra: &ExtraFields, client_format: &str) -> Cow<'s, str> {
    let is_foreign = |format: &Cow<'_, str>| is_format(format) && !same_format_family(format, client_format);
    match extra.detail("format").filter(is_foreign) {
        Some(format) => {
            let id = extra.detail("id").filter(|id| !id.contains([':', ';']));
            let id = id.map(|id| format!(";{id}")).unwrap_or_default();
            Cow::Owned(format!("{format}{id}:{opaque}"))
        }
        None => Cow::Borrowed(opaque),
    }
}

/// Splits tagged state into the state itself and the fields that name its issuer; `None` if there is no tag.
pub fn split_issuer(tagged: &str) -> Option<(&str, ExtraFields)> {
    let (issuer, opaque) = tagged.split_once(':')?;
    let (format, id) = issuer.split_once(';').map_or((issuer, None), |(format, id)| (format, Some(id)));
    if !is_format(format) {
        return None;
    }
    let members = [("format", Some(format)), ("id", id)];
    let members =
        members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), raw(encode_string(value?)))));
    Some((opaque, ExtraFields::new(REASONING_DETAILS, members.collect())))
}

/// Whether two formats belong to one API, whatever vendor serves it: their last two components are equal.
pub fn same_format_family(a: &str, b: &str) -> bool {
    let family = |format: &str| format.rsplitn(3, '-').take(2).map(str::to_owned).collect::<Vec<_>>();
    family(a) == family(b)
}

/// Whether a text names a format the way `reasoning_details` do: lowercase words and a version.
fn is_format(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let has_version =
        text.rsplit_once("-v").is_some_and(|(_, v)| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
    has_version && text.chars().all(is_allowed)
}

/// Parts of models' names with the vendors in whose formats such models sign; no vendor if they do not sign.
const FAMILIES: &[(&str, &str)] = &[
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("gpt", "openai azure"),
    ("codex", "openai azure"),
    ("grok", "xai"),
    ("llama", ""),
    ("mistral", ""),
    ("qwen", ""),
    ("deepseek", ""),
    ("kimi", ""),
    ("glm", ""),
];

/// Whether a model of this name may have signed in this format, as far as its name shows.
pub fn may_have_signed(model: &str, format: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let vendor = format.split('-').next().unwrap_or_default();
    if !FAMILIES.iter().any(|(_, vendors)| vendors.split(' ').any(|known| known == vendor)) {
        return true;
    }
    let mut families = FAMILIES.iter().filter(|(part, _)| model.contains(part)).peekable();
    families.peek().is_none() || families.any(|(_, vendors)| vendors.split(' ').any(|known| known == vendor))
}
