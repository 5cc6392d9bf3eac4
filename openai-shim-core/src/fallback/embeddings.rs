//! Embeddings in OpenAI's shape, in the encoding that the client asked for.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings/object>

use crate::canonical::{Code, Diagnostics};
use crate::json::{Kind, Object, peek, quote, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client asked for, as far as it decides the form of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wish {
    /// The model by the client's name for it.
    pub model: String,
    /// Vectors as base64 of little-endian 32-bit floats; otherwise as lists of numbers.
    pub base64: bool,
}

impl Wish {
    /// What a request body asks for.
    pub fn read(body: &[u8]) -> Self {
        let object = Object::parse(body).unwrap_or_default();
        Self {
            model: object.str("model").unwrap_or_default().into_owned(),
            base64: object.str("encoding_format").as_deref() == Some("base64"),
        }
    }
}

/// Puts an answer right. `None`: it is right as it came, or it is nothing that this can put right.
///
/// ```
/// use openai_shim_core::{Diagnostics, fallback::embeddings::{Wish, mend}};
/// let mut notes = Diagnostics::default();
/// let mended = mend(br#"{"data":[{"embedding":"AACAPwAAAMA="}],"model":"m"}"#, &Wish::default(), &mut notes).unwrap();
/// assert_eq!(
///     String::from_utf8(mended)?,
///     r#"{"data":[{"embedding":[1,-2],"object":"embedding","index":0}],"model":"m","object":"list","usage":{"prompt_tokens":0,"total_tokens":0}}"#
/// );
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
pub fn mend(body: &[u8], wish: &Wish, notes: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut answer = Object::parse(body.trim_ascii()).ok()?;
    if answer.get("data").is_none() && answer.array("embeddings").is_some() {
        notes.note(Code::FieldFilled, "data", "embeddings");
        answer.rename("embeddings", "data");
    }
    let items: Vec<String> = answer.array("data")?.into_iter().map(str::to_owned).collect();
    let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
    for (index, item) in items.iter().enumerate() {
        let mended = vector(item, index, wish, notes)?;
        changed |= mended.is_some();
        written.push(mended.unwrap_or_else(|| item.clone()));
    }
    if changed {
        answer.set("data", format!("[{}]", written.join(",")));
    }
    if answer.str("object").as_deref() != Some("list") {
        notes.note(Code::ObjectFilled, "object", "");
        answer.set("object", "\"list\"");
    }
    if answer.str("model").is_none_or(|model| model.is_empty()) {
        notes.note(Code::ModelFilled, "model", "");
        answer.set("model", quote(&wish.model));
    }
    usage(&mut answer, notes);
    answer.is_changed().then(|| answer.to_json().into_bytes())
}

/// One item; the outer `None` if it holds no vector at all.
#[allow(clippy::option_option)] // no vector, as it should be, mended
fn vector(item: &str, index: usize, wish: &Wish, notes: &mut Diagnostics) -> Option<Option<String>> {
    let mut object = match peek(item) {
        Kind::Array => {
            notes.note(Code::FieldFilled, "data[].embedding", "");
            let mut object = Object::new();
            object.set("embedding", item);
            object
        }
        _ => Object::parse(item.as_bytes()).ok()?,
    };
    let given = object.get("embedding")?;
    let other = match (peek(given), wish.base64) {
        (Kind::Array, true) => Some(pack(given)?),
        (Kind::String, false) => Some(unpack(&text(given)?)?),
        (Kind::Array | Kind::String, _) => None,
        _ => return None,
    };
    if let Some(other) = other {
        notes.note(
            Code::ContentRewritten,
            "data[].embedding",
            if wish.base64 { "base64" } else { "numbers" },
        );
        object.set("embedding", other);
    }
    if object.str("object").as_deref() != Some("embedding") {
        notes.note(Code::ObjectFilled, "data[].object", "");
        object.set("object", "\"embedding\"");
    }
    if object.u64("index").is_none() {
        notes.note(Code::FieldFilled, "data[].index", "");
        object.set("index", index.to_string());
    }
    Some(object.is_changed().then(|| object.to_json()))
}

fn pack(list: &str) -> Option<String> {
    let numbers: Vec<f32> = serde_json::from_str(list).ok()?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    Some(quote(&STANDARD.encode(bytes)))
}

fn unpack(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    let (groups, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = groups.iter().map(|group| f32::from_le_bytes(*group)).collect();
    if !rest.is_empty() || !numbers.iter().all(|n| n.is_finite()) {
        return None;
    }
    let written: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Some(format!("[{}]", written.join(",")))
}

fn usage(answer: &mut Object<'_>, notes: &mut Diagnostics) {
    let mut usage = answer.object("usage").map(Object::into_owned).unwrap_or_default();
    let known = usage.u64("prompt_tokens").or_else(|| usage.u64("total_tokens"));
    if known.is_none() {
        notes.note(Code::UsageMissing, "usage", "");
    }
    let count = known.unwrap_or(0).to_string();
    for key in ["prompt_tokens", "total_tokens"] {
        if usage.u64(key).is_none() {
            if known.is_some() {
                notes.note(Code::UsageShaped, "usage", key);
            }
            usage.set(key, count.clone());
        }
    }
    if usage.is_changed() {
        answer.set("usage", usage.to_json());
    }
}
