//! A model list in OpenAI's shape, from whatever an upstream calls its list.
//!
//! <https://platform.openai.com/docs/api-reference/models/list>

use crate::json::{Kind, Object, peek, quote, text};

/// One model of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// Its id.
    pub id: String,
    /// Its JSON, in OpenAI's shape, with whatever else the upstream said.
    pub json: String,
}

impl ListedModel {
    /// A model of which only the id is known.
    pub fn new(id: &str, owner: &str) -> Self {
        let json =
            format!(r#"{{"id":{},"object":"model","created":0,"owned_by":{}}}"#, quote(id), quote(owner));
        Self { id: id.to_owned(), json }
    }

    /// The same model under another id.
    pub fn renamed(&self, id: &str) -> Self {
        let mut object = Object::parse(self.json.as_bytes()).unwrap_or_default();
        object.set("id", quote(id));
        Self { id: id.to_owned(), json: object.to_json() }
    }
}

/// The models of a list: `{data:[…]}`, `{models:[…]}`, a bare array, objects or names. `None` if it is no list.
///
/// ```
/// use openai_shim_core::fallback::models::models;
/// let list = models(br#"["a", {"name": "b"}]"#, "me").unwrap();
/// assert_eq!(list[1].json, r#"{"name":"b","id":"b","object":"model","created":0,"owned_by":"me"}"#);
/// ```
pub fn models(body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
    let body = std::str::from_utf8(body).ok()?;
    let listed = match peek(body) {
        Kind::Array => items(body)?,
        Kind::Object => {
            let object = Object::parse(body.as_bytes()).ok()?;
            let list =
                ["data", "models"].iter().find_map(|key| object.get(key).filter(|v| peek(v) == Kind::Array));
            items(list?)?
        }
        _ => return None,
    };
    Some(listed.iter().filter_map(|item| model(item, owner)).collect())
}

fn items(list: &str) -> Option<Vec<String>> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(list).ok()?;
    Some(items.into_iter().map(|item| item.get().to_owned()).collect())
}

fn model(item: &str, owner: &str) -> Option<ListedModel> {
    if let Some(name) = text(item) {
        return (!name.is_empty()).then(|| ListedModel::new(&name, owner));
    }
    let mut object = Object::parse(item.as_bytes()).ok()?;
    let id = ["id", "model", "name"]
        .iter()
        .find_map(|key| object.str(key).filter(|id| !id.is_empty()))?
        .into_owned();
    if object.str("id").as_deref() != Some(&id) {
        object.set("id", quote(&id));
    }
    if object.str("object").as_deref() != Some("model") {
        object.set("object", "\"model\"");
    }
    if object.u64("created").is_none() {
        let made = object.str("created_at").and_then(|date| seconds(&date)).unwrap_or(0);
        object.set("created", made.to_string());
    }
    if object.str("owned_by").is_none() {
        object.set("owned_by", quote(owner));
    }
    Some(ListedModel { id, json: object.to_json() })
}

/// The seconds since 1970 of a date such as `2025-02-19T00:00:00Z`.
fn seconds(date: &str) -> Option<i64> {
    let part = |range: std::ops::Range<usize>| date.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March make February's length the last thing to know.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    let clock = [part(11..13), part(14..16), part(17..19)].map(|part| part.unwrap_or(0));
    Some(days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2])
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn dates_become_seconds() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:01.5Z"), Some(1_709_209_801));
        assert_eq!(seconds("2025-02-19"), Some(1_739_923_200));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("2025-13-01T00:00:00Z"), None);
    }
}
