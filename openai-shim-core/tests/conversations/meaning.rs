//! Reads what a canonical request means, and names the differences between two meanings.

use crate::script::{Author, Item};
use openai_shim_core::canonical::{Block, Media, MediaSource, Message, Request, Role, call_id};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The items of a request that an upstream of this dialect has read.
pub fn read(request: &Request) -> Vec<Item> {
    let (mut items, mut open, mut calls) = (Vec::new(), BTreeMap::<String, Vec<usize>>::new(), 0);
    for message in &request.messages {
        for block in &message.blocks {
            match block {
                Block::Text { text, .. } | Block::Refusal(text) => {
                    // An empty text stands for no text beside calls in some dialects.
                    items.extend((!text.is_empty()).then(|| text_item(message, text)));
                }
                Block::Image(media) | Block::File(media) => items.push(picture(media, None)),
                Block::Reasoning { text, signature, .. } => {
                    if !text.is_empty() {
                        items.push(Item::Reasoning { text: text.to_string() });
                    }
                    if let Some(signature) = signature {
                        items.push(Item::Sealed { data: signature.to_string() });
                    }
                }
                Block::ToolCall { id, name, arguments, signature, .. } => {
                    open.entry(id.clone()).or_default().push(calls);
                    calls += 1;
                    let arguments = serde_json::from_str(arguments).unwrap_or(Value::Null);
                    items.push(Item::Call { name: name.clone(), arguments });
                    let carried = call_id::detach(id).map(|(_, signature)| signature.clone());
                    if let Some(data) = signature.as_deref().map(str::to_owned).or(carried) {
                        items.push(Item::Sealed { data });
                    }
                }
                Block::ToolResult { id, blocks, is_error, .. } => {
                    let waiting = open.get_mut(id).filter(|waiting| !waiting.is_empty());
                    // A result without its call belongs to none.
                    let call = waiting.map_or(usize::MAX, |waiting| waiting.remove(0));
                    let texts: Vec<&str> = blocks.iter().filter_map(Block::as_text).collect();
                    items.push(Item::Result { call, text: unwrapped(&texts.join(" ")), failed: *is_error });
                    items.extend(blocks.iter().filter_map(|block| match block {
                        Block::Image(media) | Block::File(media) => Some(picture(media, Some(call))),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
    }
    items
}

/// Google's functions answer with an object: its only text is the result.
fn unwrapped(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let only = value
        .as_object()
        .filter(|members| members.len() == 1)
        .and_then(|members| members.values().next())
        .and_then(Value::as_str);
    only.unwrap_or(text).to_owned()
}

fn text_item(message: &Message, text: &str) -> Item {
    let author = match message.role {
        Role::System | Role::Developer => Author::System,
        Role::Assistant => Author::Assistant,
        _ => Author::User,
    };
    Item::Text { author, text: text.to_owned() }
}

fn picture(media: &Media, of: Option<usize>) -> Item {
    let data = match &media.source {
        MediaSource::Base64 { data, .. } => data.clone(),
        MediaSource::Url(url) | MediaSource::FileId(url) => url.clone(),
        _ => String::new(),
    };
    Item::Picture { data, of }
}

/// Texts of one author behind each other as one, without white space: dialects join and split texts.
fn joined(items: &[Item]) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for item in items {
        match (out.last_mut(), item) {
            (Some(Item::Text { author: last, text }), Item::Text { author, text: more })
                if last == author =>
            {
                text.extend(more.chars().filter(|c| !c.is_whitespace()));
            }
            (_, Item::Text { author, text }) => {
                let text = text.chars().filter(|c| !c.is_whitespace()).collect();
                out.push(Item::Text { author: *author, text });
            }
            (_, Item::Result { call, text, failed }) => {
                let text = text.chars().filter(|c| !c.is_whitespace()).collect();
                out.push(Item::Result { call: *call, text, failed: *failed });
            }
            (_, item) => out.push(item.clone()),
        }
    }
    out
}

/// The names of the differences, each with the items that differ.
pub fn differences(before: &[Item], after: &[Item]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    let mut note = |name: String, what: &Item| found.entry(name).or_default().push(format!("{what:?}"));
    let system = |items: &[Item]| -> String {
        let texts = items.iter().filter_map(|item| match item {
            Item::Text { author: Author::System, text } => Some(text.as_str()),
            _ => None,
        });
        texts.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
    };
    let is_system = |item: &&Item| matches!(item, Item::Text { author: Author::System, .. });
    for item in before.iter().filter(is_system) {
        let Item::Text { text, .. } = item else { continue };
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if !system(after).contains(&bare) {
            let content = after
                .iter()
                .any(|item| matches!(item, Item::Text { text: other, .. } if other.contains(text.as_str())));
            note(
                if content { "system text in another role".into() } else { "lost system text".into() },
                item,
            );
        }
    }
    let others = |items: &[Item]| -> Vec<Item> {
        joined(&items.iter().filter(|item| !is_system(item)).cloned().collect::<Vec<_>>())
    };
    let (before, after) = (others(before), rename(&others(after), before, &mut found));
    let mut note = |name: String, what: &Item| found.entry(name).or_default().push(format!("{what:?}"));
    let (common, missing, new) = align(&before, &after);
    for (one, other) in common {
        match (one, other) {
            (Item::Result { failed: true, .. }, Item::Result { failed: false, .. }) => {
                note("a failure that is not marked".into(), one);
            }
            (Item::Picture { of: Some(_), .. }, Item::Picture { of: None, .. }) => {
                note("moved picture".into(), one);
            }
            _ => {}
        }
    }
    let mut new: Vec<&Item> = new;
    for item in missing {
        let same = new.iter().position(|other| same(item, other));
        match same {
            Some(at) => {
                new.remove(at);
                note(format!("moved {}", item.kind()), item);
            }
            None => note(format!("lost {}", item.kind()), item),
        }
    }
    for item in new {
        note(format!("added {}", item.kind()), item);
    }
    found
}

/// Gives the calls of `after` the names that the same calls have in `before`, if one name stands for one name.
fn rename(after: &[Item], before: &[Item], found: &mut BTreeMap<String, Vec<String>>) -> Vec<Item> {
    let names = |items: &[Item]| -> Vec<String> {
        let name = |item: &Item| match item {
            Item::Call { name, .. } => Some(name.clone()),
            _ => None,
        };
        items.iter().filter_map(name).collect()
    };
    let (old, new) = (names(before), names(after));
    let pairs: BTreeSet<(&String, &String)> = old.iter().zip(&new).collect();
    let one_to_one = pairs.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len() == pairs.len()
        && pairs.iter().map(|(_, name)| name).collect::<BTreeSet<_>>().len() == pairs.len();
    if old.len() != new.len() || !one_to_one {
        if old.len() == new.len() {
            found.entry("names are mixed up".into()).or_default().push(format!("{pairs:?}"));
        }
        return after.to_vec();
    }
    let back: BTreeMap<String, String> =
        pairs.into_iter().map(|(name, mapped)| (mapped.clone(), name.clone())).collect();
    let named = |item: &Item| match item {
        Item::Call { name, arguments } => {
            Item::Call { name: back[name].clone(), arguments: arguments.clone() }
        }
        other => other.clone(),
    };
    after.iter().map(named).collect()
}

fn same(one: &Item, other: &Item) -> bool {
    match (one, other) {
        (Item::Text { text: a, .. }, Item::Text { text: b, .. })
        | (Item::Picture { data: a, .. }, Item::Picture { data: b, .. }) => a == b,
        (Item::Result { call: a, text: x, .. }, Item::Result { call: b, text: y, .. }) => a == b && x == y,
        // A tag of the issuer may stand before it.
        (Item::Sealed { data: a }, Item::Sealed { data: b }) => b.ends_with(a.as_str()),
        (one, other) => one == other,
    }
}

/// The longest list of items that both have in order, and what is in one of them only.
fn align<'i>(
    before: &'i [Item],
    after: &'i [Item],
) -> (Vec<(&'i Item, &'i Item)>, Vec<&'i Item>, Vec<&'i Item>) {
    let width = after.len() + 1;
    let mut longest = vec![0_usize; (before.len() + 1) * width];
    for (i, one) in before.iter().enumerate().rev() {
        for (j, other) in after.iter().enumerate().rev() {
            longest[i * width + j] = if same(one, other) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut common, mut missing, mut new) = (0, 0, Vec::new(), Vec::new(), Vec::new());
    while let (Some(one), Some(other)) = (before.get(i), after.get(j)) {
        if same(one, other) {
            common.push((one, other));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            missing.push(one);
            i += 1;
        } else {
            new.push(other);
            j += 1;
        }
    }
    missing.extend(&before[i..]);
    new.extend(&after[j..]);
    (common, missing, new)
}

/// The differences of a conversation that became one text: what the text does not contain, in order.
pub fn differences_of_prompt(before: &[Item], after: &[Item]) -> BTreeMap<String, Vec<String>> {
    let bare = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let texts = after.iter().filter_map(|item| match item {
        Item::Text { text, .. } => Some(bare(text)),
        _ => None,
    });
    let (prompt, mut at) = (texts.collect::<String>(), 0);
    let pictures: Vec<&Item> = after.iter().filter(|item| matches!(item, Item::Picture { .. })).collect();
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for item in before {
        let content = match item {
            Item::Text { text, .. } | Item::Result { text, .. } | Item::Reasoning { text } => {
                vec![bare(text)]
            }
            Item::Call { name, arguments } => {
                let value = arguments.as_object().and_then(|members| members.values().next());
                vec![bare(name), bare(&value.unwrap_or(&Value::Null).to_string())]
            }
            Item::Picture { .. } => {
                if !pictures.iter().any(|other| same(item, other)) {
                    found.entry("lost picture".into()).or_default().push(format!("{item:?}"));
                }
                continue;
            }
            Item::Sealed { .. } => {
                found.entry("lost signature".into()).or_default().push(format!("{item:?}"));
                continue;
            }
        };
        // System text may stand before all turns.
        let is_system = matches!(item, Item::Text { author: Author::System, .. });
        for part in content {
            if is_system && prompt.contains(&part) {
                continue;
            }
            match prompt[at..].find(&part) {
                Some(found) => at += found + part.len(),
                None => found.entry(format!("lost {}", item.kind())).or_default().push(format!("{item:?}")),
            }
        }
    }
    found
}
