//! A look over the text of a schema: whether any rule may have something to change in it. Most schemas are sent as they came.

use super::current_draft::may_be_older;
use crate::accepts::{AnyOfSiblings, ObjectSupport, RefSupport, SchemaRules};
use memchr::memmem;

/// How deep a text is followed; deeper ones are left to the reducer.
const MAX_NESTING: usize = 96;

/// Whether a rule may have to change the schema; false only if none has.
pub(super) fn may_change(json: &str, rules: &SchemaRules) -> bool {
    let has = |keyword: &str| memmem::find(json.as_bytes(), format!("\"{keyword}\"").as_bytes()).is_some();
    let is_any = [
        !rules.keywords.is_empty(),
        !rules.boolean_schemas,
        rules.omit_empty,
        rules.typed,
        rules.objects != ObjectSupport::Any,
    ];
    let keywords = [
        (rules.refs != RefSupport::Any, "$ref"),
        (rules.const_as_enum, "const"),
        (rules.one_of_as_any_of, "oneOf"),
        (rules.any_of_siblings != AnyOfSiblings::Any, "anyOf"),
        (rules.nullable_as_null, "nullable"),
        (rules.plain_patterns, "pattern"),
        (!rules.formats.is_empty() || !rules.number_formats, "format"),
        (rules.max_min_items.is_some(), "minItems"),
    ];
    is_any.contains(&true)
        || rules.current_draft && may_be_older(json)
        || keywords.iter().any(|(is_set, keyword)| *is_set && has(keyword))
        || rules.drop_keywords.iter().any(|keyword| has(keyword))
        || (rules.require_members || rules.root_object || rules.plain_root)
            && !has_usual_layout(json, rules)
            && Outline::of(json).is_none_or(|outline| outline.violates(rules))
}

/// Whether the members of each object schema and array schema directly follow its type, and no keyword occurs that must not be at
/// the root: so the schemas of most libraries are written.
fn has_usual_layout(json: &str, rules: &SchemaRules) -> bool {
    let bytes = json.as_bytes();
    let follows = |word: &str, members: &str| {
        memmem::find_iter(bytes, word.as_bytes())
            .all(|at| bytes.get(at + word.len()..).is_some_and(|rest| rest.starts_with(members.as_bytes())))
    };
    json.starts_with(r#"{"type":"object","properties":"#)
        && follows(r#""object""#, r#","properties":"#)
        && follows(r#""array""#, r#","items":"#)
        && (!rules.plain_root
            || ["Of\"", "\"enum\"", "\"const\"", "\"not\""]
                .iter()
                .all(|word| memmem::find(bytes, word.as_bytes()).is_none()))
}

/// What one pass over a schema finds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    /// An object schema has no `properties`, or an array schema no `items`.
    lacks_members: bool,
    root_is_object: bool,
    /// The type of the root is a list of types.
    root_has_types: bool,
    root_has_combinator: bool,
}

/// An object or array of the text that is not closed yet.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    is_array: bool,
    /// The current member is `type`, or the array is its value.
    is_type: bool,
    has_object_type: bool,
    has_array_type: bool,
    has_properties: bool,
    has_items: bool,
}

impl Level {
    fn lacks_members(self) -> bool {
        self.has_object_type && !self.has_properties || self.has_array_type && !self.has_items
    }

    fn add_type(&mut self, name: &[u8]) {
        self.has_object_type |= name == b"object";
        self.has_array_type |= name == b"array";
    }
}

impl Outline {
    fn violates(&self, rules: &SchemaRules) -> bool {
        rules.require_members && self.lacks_members
            || rules.root_object && !self.root_is_object
            || rules.plain_root && self.root_has_combinator
    }

    /// `None` if the text cannot be judged in one pass.
    fn of(json: &str) -> Option<Self> {
        let bytes = json.as_bytes();
        let mut outline = Self::default();
        let mut levels: Vec<Level> = Vec::with_capacity(16);
        let mut at = 0_usize;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    let string = string_at(bytes, at)?;
                    at += string.len() + 1;
                    let is_key = bytes.get(at..)?.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                    let depth = levels.len();
                    let level = levels.last_mut()?;
                    if is_key && !level.is_array {
                        if string.contains(&b'\\') {
                            return None;
                        }
                        level.is_type = string == b"type";
                        level.has_properties |= string == b"properties";
                        level.has_items |= string == b"items" || string == b"prefixItems";
                        let combinators: [&[u8]; 6] =
                            [b"anyOf", b"oneOf", b"allOf", b"enum", b"const", b"not"];
                        outline.root_has_combinator |= depth == 1 && combinators.contains(&string);
                    } else if level.is_type {
                        let in_list = usize::from(level.is_array);
                        outline.root_has_types |= level.is_array && depth == 2;
                        levels.get_mut(depth.checked_sub(1 + in_list)?)?.add_type(string);
                    }
                }
                b'{' | b'[' if levels.len() >= MAX_NESTING => return None,
                b'{' => levels.push(Level::default()),
                b'[' => {
                    let is_type = levels.last().is_some_and(|level| level.is_type && !level.is_array);
                    levels.push(Level { is_array: true, is_type, ..Level::default() });
                }
                b'}' | b']' => {
                    let level = levels.pop()?;
                    outline.lacks_members |= level.lacks_members();
                    if levels.is_empty() {
                        outline.root_is_object = level.has_object_type && !outline.root_has_types;
                    }
                }
                _ => {}
            }
        }
        Some(outline)
    }
}

/// The string whose first byte is at `start`, without its quotes.
fn string_at(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let mut at = start;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return bytes.get(start..at),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_a_schema_lacks() {
        let flags = |json: &str| {
            let outline = Outline::of(json).unwrap();
            (outline.lacks_members, outline.root_is_object, outline.root_has_combinator)
        };
        for (json, expected) in [
            (r#"{"type":"object","properties":{}}"#, (false, true, false)),
            (r#"{"properties":{"a":{"items":{},"type":"array"}},"type":"object"}"#, (false, true, false)),
            (r#"{"type": ["object", "null"]}"#, (true, false, false)),
            (r#"{"type":"object","properties":{"a":{"type":"array"}}}"#, (true, true, false)),
            (
                r#"{"properties":{"type":{"type":"string","description":"an \"object\""}}}"#,
                (false, false, false),
            ),
            (r#"{"type":"object","properties":{"a":{"enum":["object"]}}}"#, (false, true, false)),
            (r#"{"anyOf":[{"type":"object","properties":{}}]}"#, (false, false, true)),
            ("true", (false, false, false)),
        ] {
            assert_eq!(flags(json), expected, "{json}");
        }
        assert_eq!(Outline::of(&"[".repeat(200)), None);
        assert_eq!(Outline::of(r#"{"\u0074ype":"object"}"#), None);
    }
}
