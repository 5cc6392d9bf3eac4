//! Opaque things that an upstream wants back and a client of another kind would drop, carried in the one thing that every
//! client sends back: the id of the tool call that they belong to.
//!
//! What is too long for an id is kept in the memory of the exchange instead.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What stands between an id and what it carries: letters that every API allows in ids.
const MARK: &str = "__shim_";

/// The longest id that carries something.
const LONGEST: usize = 512;

/// An id that carries `opaque`; `None` if it would be too long.
///
/// ```
/// use openai_shim_core::canonical::carry;
/// let id = carry::pack("call_1", "signature").unwrap();
/// assert_eq!(carry::unpack(&id), Some(("call_1", String::from("signature"))));
/// assert_eq!(carry::unpack("call_1"), None);
/// ```
pub fn pack(id: &str, opaque: &str) -> Option<String> {
    if opaque.len() > LONGEST {
        return None;
    }
    let packed = format!("{id}{MARK}{}", URL_SAFE_NO_PAD.encode(opaque));
    (packed.len() <= LONGEST && !id.contains(MARK)).then_some(packed)
}

/// Whether an id carries this already.
pub fn holds(id: &str, opaque: &str) -> bool {
    unpack(id).is_some_and(|(_, held)| held == opaque)
}

/// The id itself, and what it carries.
pub fn unpack(id: &str) -> Option<(&str, String)> {
    let (own, packed) = id.split_once(MARK)?;
    let opaque = URL_SAFE_NO_PAD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    Some((own, opaque))
}
