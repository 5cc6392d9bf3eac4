//! Opaque things that an upstream wants back and a client of another kind would drop, carried in the one thing that every
//! client sends back: the id of the tool call that they belong to.
//!
//! What is too long for an id is among the state that the exchange hands out instead.

use super::{BlockKind, Event, ExtraFields, REASONING_DETAILS};
use crate::json::{encode_string, raw};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// What stands between an id and what it carries: letters that every API allows in ids.
const MARK: &str = "__shim_";

/// The longest id that carries something.
const MAX_ID_BYTES: usize = 512;

/// An id that carries `opaque`; `None` if it would be too long.
///
/// ```
/// use openai_shim_core::canonical::carry;
/// let id = carry::pack("call_1", "signature").unwrap();
/// assert_eq!(carry::unpack(&id), Some(("call_1", String::from("signature"))));
/// assert_eq!(carry::unpack("call_1"), None);
/// ```
pub fn attach(id: &str, opaque: &str) -> Option<String> {
    if opaque.len() > MAX_ID_BYTES {
        return None;
    }
    let packed = format!("{id}{MARK}{}", URL_SAFE_NO_PAD.encode(opaque));
    (packed.len() <= MAX_ID_BYTES && !id.contains(MARK)).then_some(packed)
}

/// Puts the signature of a call that begins into its id; whether it fits there.
pub fn attach_to(event: &mut Event) -> bool {
    let Event::Open { kind: BlockKind::ToolCall { id, signature: Some(signature), .. }, .. } = event else {
        return false;
    };
    let packed = attach(id, signature);
    packed.is_some_and(|packed| {
        *id = packed;
        true
    })
}

/// Whether an id carries this already.
pub fn holds(id: &str, opaque: &str) -> bool {
    detach(id).is_some_and(|(_, held)| held == opaque)
}

/// The id itself, and what it carries.
pub fn detach(id: &str) -> Option<(&str, String)> {
    let (own, packed) = split(id)?;
    let opaque = URL_SAFE_NO_PAD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some((own, opaque))
}

/// The id itself, and what it carries as it is written.
pub(super) fn split(id: &str) -> Option<(&str, &str)> {
    id.split_once(MARK)
}

/// An opaque thing for a client whose own API would have made it in the format `own`: with who made it before it, where that
/// is somebody else, so that it is known again and never sent to who cannot read it. `extra` says who made it.
///
/// ```
/// use openai_shim_core::canonical::{Extra, REASONING_DETAILS, carry};
/// let made = |by: &str| Extra::new(REASONING_DETAILS, vec![("format".into(), openai_shim_core::json::raw(format!("\"{by}\"")))]);
/// let sealed = carry::seal("abc", &made("google-gemini-v1"), "anthropic-claude-v1");
/// assert_eq!(sealed, "google-gemini-v1:abc");
/// assert_eq!(carry::unseal(&sealed).map(|(opaque, _)| opaque), Some("abc"));
/// assert_eq!(carry::seal("abc", &made("anthropic-claude-v1"), "anthropic-claude-v1"), "abc");
/// ```
pub fn tag_issuer<'s>(opaque: &'s str, extra: &ExtraFields, own: &str) -> Cow<'s, str> {
    match extra.detail("format").filter(|format| is_format(format) && !same_format_family(format, own)) {
        Some(format) => {
            let id = extra.detail("id").filter(|id| !id.contains([':', ';']));
            let id = id.map(|id| format!(";{id}")).unwrap_or_default();
            Cow::Owned(format!("{format}{id}:{opaque}"))
        }
        None => Cow::Borrowed(opaque),
    }
}

/// What a seal holds, and what is known of it; `None` if it is none.
pub fn split_issuer(sealed: &str) -> Option<(&str, ExtraFields)> {
    let (made, opaque) = sealed.split_once(':')?;
    let (format, id) = made.split_once(';').map_or((made, None), |(format, id)| (format, Some(id)));
    if !is_format(format) {
        return None;
    }
    let members = [("format", Some(format)), ("id", id)];
    let members =
        members.into_iter().filter_map(|(key, said)| Some((key.to_owned(), raw(encode_string(said?)))));
    Some((opaque, ExtraFields::new(REASONING_DETAILS, members.collect())))
}

/// Whether two formats are of one kind, whoever signs in them: the same API made them.
pub fn same_format_family(a: &str, b: &str) -> bool {
    let kind = |format: &str| format.rsplitn(3, '-').take(2).map(str::to_owned).collect::<Vec<_>>();
    kind(a) == kind(b)
}

/// Whether a word names a format as `reasoning_details` do: plain words, and a version.
fn is_format(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let version =
        word.rsplit_once("-v").is_some_and(|(_, v)| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
    version && word.chars().all(plain)
}

/// Words in the names of models, and what a format that such models sign in begins with (nothing, where they sign in none).
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

/// Whether a model of this name may have signed in this format, as far as the name tells.
pub fn may_have_signed(model: &str, format: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let maker = format.split('-').next().unwrap_or_default();
    if !FAMILIES.iter().any(|(_, makers)| makers.split(' ').any(|known| known == maker)) {
        return true;
    }
    let mut named = FAMILIES.iter().filter(|(word, _)| model.contains(word)).peekable();
    named.peek().is_none() || named.any(|(_, makers)| makers.split(' ').any(|known| known == maker))
}
