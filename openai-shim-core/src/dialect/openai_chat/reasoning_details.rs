//! `reasoning_details`, OpenRouter's field for reasoning that must come back unchanged: JSON to [`Block`]s and back.
//!
//! The same reasoning stands as plain text in `reasoning_content`. <https://openrouter.ai/docs/use-cases/reasoning-tokens>

use crate::canonical::{Block, ExtraFields, REASONING_DETAILS};
use crate::json::{Object, RawJson, encode_string, items, raw};
use std::borrow::Cow;

/// The field's name.
pub(super) const FIELD: &str = "reasoning_details";
/// The field's name as it stands in JSON.
pub(super) const QUOTED_FIELD: &str = "\"reasoning_details\"";

const ENCRYPTED: &str = "reasoning.encrypted";

/// Reads the details of a message. Returns nothing if none of them is signed or encrypted: `reasoning_content` has all of
/// them then. A signature without a text signs `reasoning_content`.
pub(super) fn read(details: &str, reasoning_content: Option<&str>) -> Vec<Block> {
    let items = items(details).unwrap_or_default();
    let mut blocks: Vec<Block> = Vec::new();
    let mut last_index = None;
    for item in items {
        let Ok(item) = Object::parse(item.as_bytes()) else { continue };
        let index = item.u64("index");
        let field = |key: &str| item.str(key).map(Cow::into_owned).filter(|value| !value.is_empty());
        let is_encrypted = item.str("type").as_deref() == Some(ENCRYPTED);
        let new_text = if is_encrypted { None } else { field("text").or_else(|| field("summary")) };
        let new_signature = if is_encrypted { field("data") } else { field("signature") };
        let new_extra =
            ExtraFields::new(REASONING_DETAILS, issuer_fields(is_encrypted, field("format"), field("id")));
        match blocks.last_mut() {
            // A client may send back the deltas in which a detail came.
            Some(Block::Reasoning { text, signature: signature @ None, extra })
                if !is_encrypted && index == last_index =>
            {
                text.push_str(&new_text.unwrap_or_default());
                *signature = new_signature.map(Into::into);
                if extra.detail("format").is_none() {
                    *extra = new_extra;
                }
            }
            _ => blocks.push(Block::Reasoning {
                text: new_text.unwrap_or_default().into(),
                signature: new_signature.map(Into::into),
                extra: new_extra,
            }),
        }
        last_index = index;
    }
    let is_opaque = blocks.iter().any(|block| matches!(block, Block::Reasoning { signature: Some(_), .. }));
    if !is_opaque {
        return Vec::new();
    }
    let has_no_text = |block: &Block| matches!(block, Block::Reasoning { text, .. } if text.is_empty());
    if let Some(reasoning) = reasoning_content.filter(|_| blocks.iter().all(has_no_text)) {
        let is_signed_text = |block: &&mut Block| matches!(block, Block::Reasoning { extra, .. } if extra.detail("type").is_none());
        match blocks.iter_mut().find(is_signed_text) {
            Some(Block::Reasoning { text, .. }) => *text = reasoning.into(),
            _ => blocks.insert(
                0,
                Block::Reasoning { text: reasoning.into(), signature: None, extra: ExtraFields::default() },
            ),
        }
    }
    blocks
}

/// Returns the fields that state who issued a signature, and for what.
fn issuer_fields(is_encrypted: bool, format: Option<String>, id: Option<String>) -> Vec<(String, RawJson)> {
    let mut fields = Vec::new();
    if is_encrypted {
        fields.push((String::from("type"), raw(encode_string(ENCRYPTED))));
    }
    for (key, value) in [("format", format), ("id", id)] {
        fields.extend(value.map(|value| (key.to_owned(), raw(encode_string(&value)))));
    }
    fields
}

/// Writes one detail, or a delta of it.
pub(super) fn write_detail(
    text: Option<&str>,
    signature: Option<&str>,
    extra: &ExtraFields,
    index: usize,
) -> String {
    let mut item = Object::new();
    let is_encrypted = extra.detail("type").as_deref() == Some(ENCRYPTED);
    item.set("type", encode_string(if is_encrypted { ENCRYPTED } else { "reasoning.text" }));
    if let Some(text) = text.filter(|_| !is_encrypted) {
        item.set("text", encode_string(text));
    }
    if let Some(signature) = signature {
        item.set(if is_encrypted { "data" } else { "signature" }, encode_string(signature));
    }
    for key in ["format", "id"] {
        if let Some(value) = extra.detail(key) {
            item.set(key, encode_string(&value));
        }
    }
    item.set("index", index.to_string());
    item.to_json()
}

/// Writes the details of a message; `None` if none of its blocks is signed.
pub(super) fn write<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Option<String> {
    let mut items = Vec::new();
    for block in blocks {
        if let Block::Reasoning { text, signature: Some(signature), extra } = block {
            items.push(write_detail(Some(text), Some(signature), extra, items.len()));
        }
    }
    (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
}
