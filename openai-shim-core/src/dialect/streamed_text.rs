//! Where the text of an answer stands in the frames of a dialect's stream, as data.

use crate::json::{Object, encode_array, encode_string};

/// The members that number the texts of a stream.
const INDEX_KEYS: [&str; 4] = ["index", "output_index", "content_index", "item_id"];

/// Where the text of an answer stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamedText {
    /// Where its parts stand.
    pub deltas: &'static [TextPlace],
    /// Where all of it stands again.
    pub wholes: &'static [TextPlace],
    /// The member, in a frame with a part, that is neither missing nor `null` nor `false` if the text ends with this part.
    pub end: &'static [&'static str],
}

/// A string in a frame.
#[derive(Debug, Clone, Copy)]
pub struct TextPlace {
    /// The keys that lead to it; one that ends with `[]` leads to each item of a list.
    pub path: &'static [&'static str],
    /// The `type` of the object that it stands in, where objects of other types have a string of that name, too.
    pub holder: Option<&'static str>,
}

impl StreamedText {
    /// Whether the text ends with this frame's part.
    pub fn ends_in(&self, frame: &Object<'_>) -> bool {
        has_value(frame, self.end)
    }
}

impl TextPlace {
    /// A string that stands in one kind of object only.
    pub const fn of(path: &'static [&'static str]) -> Self {
        Self { path, holder: None }
    }

    /// A string in an object of this `type`.
    pub const fn in_type(path: &'static [&'static str], holder: &'static str) -> Self {
        Self { path, holder: Some(holder) }
    }

    /// Calls `edit` with the strings at this place that are the answer's text, and what numbers each; replaces those for which it
    /// returns another text.
    pub fn edit(&self, frame: &mut Object<'_>, edit: &mut dyn FnMut(&str, &str) -> Option<String>) {
        edit_below(frame, self.path, self.holder, "", edit);
    }
}

fn has_value(object: &Object<'_>, path: &[&str]) -> bool {
    match path {
        [] => false,
        [key] => object.non_null(key).is_some_and(|value| !matches!(value.trim(), "false" | "\"\"")),
        [key, rest @ ..] => match key.strip_suffix("[]") {
            Some(key) => object
                .array(key)
                .unwrap_or_default()
                .into_iter()
                .any(|item| Object::parse(item.as_bytes()).is_ok_and(|item| has_value(&item, rest))),
            None => object.object(key).is_some_and(|inner| has_value(&inner, rest)),
        },
    }
}

fn edit_below(
    object: &mut Object<'_>,
    path: &[&'static str],
    holder: Option<&str>,
    number: &str,
    edit: &mut dyn FnMut(&str, &str) -> Option<String>,
) {
    let Some((key, rest)) = path.split_first() else { return };
    let mut number = number.to_owned();
    for member in INDEX_KEYS {
        object.get(member).into_iter().for_each(|value| number.extend(["#", value]));
    }
    if rest.is_empty() {
        let is_other = holder.is_some_and(|holder| object.str("type").as_deref() != Some(holder));
        // Google marks its reasoning so.
        if is_other || object.bool("thought") == Some(true) {
            return;
        }
        let edited = object.str(key).and_then(|text| edit(&number, &text));
        if let Some(text) = edited {
            object.set(*key, encode_string(&text));
        }
    } else if let Some(key) = key.strip_suffix("[]") {
        let Some(items) = object.array(key) else { return };
        let mut items: Vec<String> = items.into_iter().map(str::to_owned).collect();
        let mut is_changed = false;
        for item in &mut items {
            if let Some(edited) = edit_json(item, rest, holder, &number, edit) {
                *item = edited;
                is_changed = true;
            }
        }
        if is_changed {
            object.set(key, encode_array(&items));
        }
    } else if let Some(inner) = object.get(key)
        && let Some(edited) = edit_json(inner, rest, holder, &number, edit)
    {
        object.set(*key, edited);
    }
}

/// Edits an object as JSON; `None` if nothing changes.
fn edit_json(
    json: &str,
    path: &[&'static str],
    holder: Option<&str>,
    number: &str,
    edit: &mut dyn FnMut(&str, &str) -> Option<String>,
) -> Option<String> {
    let mut object = Object::parse(json.as_bytes()).ok()?;
    edit_below(&mut object, path, holder, number, edit);
    object.is_changed().then(|| object.to_json())
}
