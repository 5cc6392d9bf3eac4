//! Opaque state attached to the id of a tool call, and read back from it.
//!
//! An upstream requires signatures back that clients of another dialect would drop. The id of the call is the one field that
//! every client sends back. State that is too long for an id is stored by the driver of the exchange instead.

use super::{BlockKind, Event};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Separates an id from the state attached to it: every API allows these characters in ids.
const SEPARATOR: &str = "__shim_";

/// The maximum length of an id with state attached.
const MAX_ID_BYTES: usize = 512;

/// Attaches `opaque` to an id; `None` if the result would be too long, or the id has state attached already.
///
/// ```
/// use openai_shim_core::canonical::call_id;
/// let id = call_id::attach("call_1", "signature").unwrap();
/// assert_eq!(call_id::detach(&id), Some(("call_1", String::from("signature"))));
/// assert_eq!(call_id::detach("call_1"), None);
/// ```
pub fn attach(id: &str, opaque: &str) -> Option<String> {
    if opaque.len() > MAX_ID_BYTES {
        return None;
    }
    let attached = format!("{id}{SEPARATOR}{}", URL_SAFE_NO_PAD.encode(opaque));
    (attached.len() <= MAX_ID_BYTES && !id.contains(SEPARATOR)).then_some(attached)
}

/// Attaches the signature of a call that begins to the call's id. Returns whether it did.
pub fn attach_to(event: &mut Event) -> bool {
    let Event::Open { kind: BlockKind::ToolCall { id, signature: Some(signature), .. }, .. } = event else {
        return false;
    };
    let attached = attach(id, signature);
    attached.is_some_and(|attached| {
        *id = attached;
        true
    })
}

/// Whether exactly `opaque` is attached to an id.
pub fn holds(id: &str, opaque: &str) -> bool {
    detach(id).is_some_and(|(_, attached)| attached == opaque)
}

/// Splits an id into the base id and the state attached to it; `None` if there is none.
pub fn detach(id: &str) -> Option<(&str, String)> {
    let (base, encoded) = id.split_once(SEPARATOR)?;
    let opaque = URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some((base, opaque))
}

/// The id without the state attached to it, also if that state is malformed.
pub fn base_id(id: &str) -> &str {
    id.split_once(SEPARATOR).map_or(id, |(base, _)| base)
}
