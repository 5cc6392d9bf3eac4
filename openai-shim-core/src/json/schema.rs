//! JSON schemas made to fit a server that knows fewer keywords.

use super::object::Object;
use super::value::{Kind, peek, quote, text};

/// What a server wants of a schema.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'w> {
    /// Keywords that it refuses.
    pub drop: &'w [String],
    /// The keywords that it knows, where all others are refused.
    pub keep: Option<&'w [&'w str]>,
    /// It knows no `const`: that is an `enum` of one value.
    pub enumerate: bool,
    /// It knows no `$ref`: what is referred to stands in its place.
    pub inline: bool,
    /// Every object names all its members as required, and allows no others.
    pub close: bool,
}

impl Wishes<'_> {
    /// Any schema fits.
    fn is_none(&self) -> bool {
        self.drop.is_empty() && self.keep.is_none() && !(self.enumerate || self.inline || self.close)
    }
}

/// A schema that was made to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The schema.
    pub json: String,
    /// The keywords that were taken out, each once.
    pub dropped: Vec<String>,
}

/// How deep schemas may stand in one another, and how large one may grow when its references are replaced.
const DEEPEST: usize = 32;
const LARGEST: usize = 1 << 18;

/// The schema as it fits; `None` if it fits as it is.
///
/// ```
/// use openai_shim_core::json::schema::{fit, Wishes};
/// let drop = [String::from("minLength")];
/// let wishes = Wishes { drop: &drop, ..Wishes::default() };
/// let fitted = fit(r#"{"type":"object","properties":{"minLength":{"type":"string","minLength":1}}}"#, &wishes).unwrap();
/// assert_eq!(fitted.json, r#"{"type":"object","properties":{"minLength":{"type":"string"}}}"#);
/// assert_eq!(fitted.dropped, ["minLength"]);
/// ```
pub fn fit(schema: &str, wishes: &Wishes<'_>) -> Option<Fitted> {
    if wishes.is_none() {
        return None;
    }
    let root = Object::parse(schema.as_bytes()).ok()?;
    let mut walk = Walk { wishes, root: &root, dropped: Vec::new(), inlined: 0, within: Vec::new() };
    let mut fitted = walk.schema(&root, 0);
    if wishes.inline {
        fitted.remove("$defs");
        fitted.remove("definitions");
    }
    fitted.is_changed().then(|| Fitted { json: fitted.to_json(), dropped: walk.dropped })
}

struct Walk<'w> {
    wishes: &'w Wishes<'w>,
    root: &'w Object<'w>,
    dropped: Vec<String>,
    /// How many bytes stand where references stood.
    inlined: usize,
    /// The references inside of which this is.
    within: Vec<String>,
}

/// Keywords whose value is a schema, a list of schemas, or schemas by name.
const ONE: [&str; 7] = ["items", "not", "if", "then", "else", "contains", "additionalProperties"];
const MANY: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

impl Walk<'_> {
    fn schema(&mut self, given: &Object<'_>, depth: usize) -> Object<'static> {
        let mut schema = given.clone().into_owned();
        if depth > DEEPEST {
            return schema;
        }
        if self.wishes.inline
            && let Some(target) = schema.str("$ref").map(std::borrow::Cow::into_owned)
        {
            return self.referred(&target, &schema, depth);
        }
        if self.wishes.enumerate
            && let Some(value) = schema.remove("const")
        {
            schema.set("enum", format!("[{value}]"));
        }
        if self.refuses("allOf") {
            merge_only(&mut schema);
            if self.wishes.inline && schema.get("$ref").is_some() {
                return self.schema(&schema, depth + 1);
            }
        }
        let refused: Vec<String> =
            schema.iter().filter(|(key, _)| self.refuses(key)).map(|(key, _)| key.to_owned()).collect();
        for keyword in refused {
            schema.remove(&keyword);
            if !self.dropped.contains(&keyword) {
                self.dropped.push(keyword);
            }
        }
        for keyword in ONE {
            let inner = schema.object(keyword).map(|inner| self.schema(&inner, depth + 1));
            if let Some(inner) = inner.filter(Object::is_changed) {
                schema.set(keyword, inner.to_json());
            }
        }
        for keyword in MANY {
            self.list(&mut schema, keyword, depth);
        }
        for keyword in NAMED {
            self.members(&mut schema, keyword, depth);
        }
        if self.wishes.close {
            close(&mut schema);
        }
        schema
    }

    fn refuses(&self, keyword: &str) -> bool {
        let definitions = self.wishes.inline && matches!(keyword, "$defs" | "definitions");
        self.wishes.drop.iter().any(|dropped| dropped == keyword)
            || self.wishes.keep.is_some_and(|keep| !keep.contains(&keyword)) && !definitions
    }

    fn list(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(items) = schema.array(keyword) else { return };
        let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let fitted = Object::parse(item.as_bytes()).ok().map(|inner| self.schema(&inner, depth + 1));
            match fitted.filter(Object::is_changed) {
                Some(fitted) => {
                    changed = true;
                    written.push(fitted.to_json());
                }
                None => written.push(item.to_owned()),
            }
        }
        if changed {
            schema.set(keyword, format!("[{}]", written.join(",")));
        }
    }

    fn members(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(mut members) = schema.object(keyword).map(Object::into_owned) else { return };
        let names: Vec<String> = members.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let fitted = members.object(&name).map(|inner| self.schema(&inner, depth + 1));
            if let Some(fitted) = fitted.filter(Object::is_changed) {
                members.set(name, fitted.to_json());
            }
        }
        if members.is_changed() {
            schema.set(keyword, members.to_json());
        }
    }

    /// What a reference refers to, with what stands beside the reference.
    fn referred(&mut self, target: &str, beside: &Object<'_>, depth: usize) -> Object<'static> {
        let circle = self.within.iter().any(|outer| outer == target);
        let found = self.find(target).filter(|found| {
            self.inlined = self.inlined.saturating_add(found.len());
            !circle && self.inlined <= LARGEST && depth < DEEPEST
        });
        let mut schema = match found.as_deref().and_then(|found| Object::parse(found.as_bytes()).ok()) {
            Some(found) => {
                self.within.push(target.to_owned());
                let schema = self.schema(&found, depth + 1);
                self.within.pop();
                schema
            }
            None => {
                // It refers to itself, or to what is not here: any object.
                let keyword = String::from("$ref");
                if !self.dropped.contains(&keyword) {
                    self.dropped.push(keyword);
                }
                let mut any = Object::new();
                any.set("type", quote("object"));
                any
            }
        };
        for (key, value) in beside.iter().filter(|(key, _)| *key != "$ref") {
            schema.set(key.to_owned(), value.to_owned());
        }
        schema.touch();
        schema
    }

    /// The text of a definition of the root schema (`#/$defs/name`).
    fn find(&self, target: &str) -> Option<String> {
        let mut steps =
            target.strip_prefix("#/")?.split('/').map(|s| s.replace("~1", "/").replace("~0", "~"));
        let mut found = self.root.get(&steps.next()?)?.to_owned();
        for step in steps {
            let inner = Object::parse(found.as_bytes()).ok()?.get(&step)?.to_owned();
            found = inner;
        }
        (peek(&found) == Kind::Object).then_some(found)
    }
}

/// A schema whose `allOf` has one item says what that item says.
fn merge_only(schema: &mut Object<'static>) {
    let only = match schema.array("allOf").as_deref() {
        Some([only]) => Object::parse(only.as_bytes()).ok().map(Object::into_owned),
        _ => None,
    };
    if let Some(only) = only.filter(|only| only.iter().all(|(key, _)| schema.get(key).is_none())) {
        schema.remove("allOf");
        for (key, value) in only.iter() {
            schema.set(key.to_owned(), value.to_owned());
        }
    }
}

fn close(schema: &mut Object<'static>) {
    let Some(properties) = schema.object("properties") else { return };
    let names: Vec<String> = properties.iter().map(|(name, _)| quote(name)).collect();
    let required = schema.array("required").unwrap_or_default();
    let all = properties.iter().all(|(name, _)| required.iter().any(|r| text(r).as_deref() == Some(name)));
    if !all {
        schema.set("required", format!("[{}]", names.join(",")));
    }
    if schema.bool("additionalProperties") != Some(false) {
        schema.set("additionalProperties", "false");
    }
}
