//! Reasoning that must come back unchanged: `reasoning_details`, as OpenRouter has them, beside `reasoning_content`.
//!
//! <https://openrouter.ai/docs/use-cases/reasoning-tokens>

use crate::canonical::{Block, ExtraFields, REASONING_DETAILS};
use crate::json::{Object, encode_string, items, raw};
use std::borrow::Cow;

const ENCRYPTED: &str = "reasoning.encrypted";

/// Reads details; nothing, if none of them is signed or encrypted: then the text beside them says it all. A signature that
/// came without its text signs that one.
pub(super) fn read(details: &str, beside: Option<&str>) -> Vec<Block> {
    let items = items(details).unwrap_or_default();
    let mut blocks: Vec<Block> = Vec::new();
    let mut last = None;
    for item in items {
        let Ok(item) = Object::parse(item.as_bytes()) else { continue };
        let index = item.u64("index");
        let of = |key: &str| item.str(key).map(Cow::into_owned).filter(|said| !said.is_empty());
        let encrypted = item.str("type").as_deref() == Some(ENCRYPTED);
        let words = if encrypted { None } else { of("text").or_else(|| of("summary")) };
        let sign = if encrypted { of("data") } else { of("signature") };
        let extra = ExtraFields::new(REASONING_DETAILS, marks(encrypted, of("format"), of("id")));
        match blocks.last_mut() {
            // A client may hand back the pieces in which it came.
            Some(Block::Reasoning { text, signature: signature @ None, extra: known })
                if !encrypted && index == last =>
            {
                text.push_str(&words.unwrap_or_default());
                *signature = sign.map(Into::into);
                if known.detail("format").is_none() {
                    *known = extra;
                }
            }
            _ => blocks.push(Block::Reasoning {
                text: words.unwrap_or_default().into(),
                signature: sign.map(Into::into),
                extra,
            }),
        }
        last = index;
    }
    let opaque = blocks.iter().any(|block| matches!(block, Block::Reasoning { signature: Some(_), .. }));
    if !opaque {
        return Vec::new();
    }
    let silent = |block: &Block| matches!(block, Block::Reasoning { text, .. } if text.is_empty());
    if let Some(beside) = beside.filter(|_| blocks.iter().all(silent)) {
        let signs = |block: &&mut Block| matches!(block, Block::Reasoning { extra, .. } if extra.detail("type").is_none());
        match blocks.iter_mut().find(signs) {
            Some(Block::Reasoning { text, .. }) => *text = beside.into(),
            _ => blocks.insert(
                0,
                Block::Reasoning { text: beside.into(), signature: None, extra: ExtraFields::default() },
            ),
        }
    }
    blocks
}

/// What is known of a signature besides itself.
fn marks(
    encrypted: bool,
    format: Option<String>,
    id: Option<String>,
) -> Vec<(String, Box<serde_json::value::RawValue>)> {
    let mut marks = Vec::new();
    if encrypted {
        marks.push((String::from("type"), raw(encode_string(ENCRYPTED))));
    }
    for (key, said) in [("format", format), ("id", id)] {
        marks.extend(said.map(|said| (key.to_owned(), raw(encode_string(&said)))));
    }
    marks
}

/// Writes one of the details, or a piece of it.
pub(super) fn write(
    text: Option<&str>,
    signature: Option<&str>,
    extra: &ExtraFields,
    index: usize,
) -> String {
    let mut item = Object::new();
    let encrypted = extra.detail("type").as_deref() == Some(ENCRYPTED);
    item.set("type", encode_string(if encrypted { ENCRYPTED } else { "reasoning.text" }));
    if let Some(text) = text.filter(|_| !encrypted) {
        item.set("text", encode_string(text));
    }
    if let Some(signature) = signature {
        item.set(if encrypted { "data" } else { "signature" }, encode_string(signature));
    }
    for key in ["format", "id"] {
        if let Some(said) = extra.detail(key) {
            item.set(key, encode_string(&said));
        }
    }
    item.set("index", index.to_string());
    item.to_json()
}

/// Writes the details of a message; `None` if nothing in it is signed.
pub(super) fn details<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Option<String> {
    let mut items = Vec::new();
    for block in blocks {
        if let Block::Reasoning { text, signature: Some(signature), extra } = block {
            items.push(write(Some(text), Some(signature), extra, items.len()));
        }
    }
    (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
}
