//! An upstream's model list in any of the known shapes to models in OpenAI's shape.

use super::time::seconds;
use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};

/// One model of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// The model's id.
    pub id: String,
    /// The model's JSON: `id`, `object`, `created`, `owned_by`, and the upstream's other fields.
    pub json: String,
}

impl ListedModel {
    /// A model of which only the id is known; `owner` becomes `owned_by`.
    pub fn new(id: &str, owner: &str) -> Self {
        let json = format!(
            r#"{{"id":{},"object":"model","created":0,"owned_by":{}}}"#,
            encode_string(id),
            encode_string(owner)
        );
        Self { id: id.to_owned(), json }
    }

    /// The fields of the model's JSON.
    pub fn fields(&self) -> Object<'_> {
        Object::parse(self.json.as_bytes()).unwrap_or_default()
    }

    /// The context length in tokens, under any of the names that servers use.
    pub fn context_length(&self) -> Option<u64> {
        const NAMES: [&str; 8] = [
            "context_length",
            "max_model_len",
            "context_window",
            "max_context_length",
            "max_context_window_tokens",
            "n_ctx_train",
            "max_input_tokens",
            "inputTokenLimit",
        ];
        let number = |object: &Object<'_>| NAMES.iter().find_map(|name| object.u64(name)).filter(|n| *n > 0);
        let (model, inner) = (self.fields(), ["meta", "limits", "top_provider"]);
        number(&model).or_else(|| inner.iter().find_map(|key| number(&model.object(key)?)))
    }

    /// A copy of the model with another id.
    pub fn renamed(&self, id: &str) -> Self {
        let mut object = self.fields();
        object.set("id", encode_string(id));
        Self { id: id.to_owned(), json: object.to_json() }
    }
}

/// Parses a model list: `{data:[…]}`, `{models:[…]}` or a bare array, of objects or names. `None` if it is no list. `owner` is the
/// `owned_by` of models without one.
///
/// ```
/// use openai_shim_core::canonical::parse_models;
/// let list = parse_models(br#"["a", {"name": "b"}]"#, "me").unwrap();
/// assert_eq!(list[1].json, r#"{"name":"b","id":"b","object":"model","created":0,"owned_by":"me"}"#);
/// ```
pub fn parse_models(body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
    let body = std::str::from_utf8(body).ok()?;
    let items = match value_kind(body) {
        ValueKind::Array => split_list(body)?,
        ValueKind::Object => {
            let object = Object::parse(body.as_bytes()).ok()?;
            let list = ["data", "models"]
                .iter()
                .find_map(|key| object.get(key).filter(|v| value_kind(v) == ValueKind::Array));
            split_list(list?)?
        }
        _ => return None,
    };
    Some(items.iter().filter_map(|item| parse_model(item, owner)).collect())
}

fn split_list(list: &str) -> Option<Vec<String>> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(list).ok()?;
    Some(items.into_iter().map(|item| item.get().to_owned()).collect())
}

fn parse_model(item: &str, owner: &str) -> Option<ListedModel> {
    if let Some(name) = decode_string(item) {
        return (!name.is_empty()).then(|| ListedModel::new(&name, owner));
    }
    let mut object = Object::parse(item.as_bytes()).ok()?;
    let id = ["id", "model", "name"]
        .iter()
        .find_map(|key| object.str(key).filter(|id| !id.is_empty()))?
        .into_owned();
    if object.str("id").as_deref() != Some(&id) {
        object.set("id", encode_string(&id));
    }
    if object.str("object").as_deref() != Some("model") {
        object.set("object", "\"model\"");
    }
    if object.u64("created").is_none() {
        let created = object.str("created_at").and_then(|date| parse_date(&date)).unwrap_or(0);
        object.set("created", created.to_string());
    }
    if object.str("owned_by").is_none() {
        object.set("owned_by", encode_string(owner));
    }
    Some(ListedModel { id, json: object.to_json() })
}

/// Parses a time, or a date without a time, to seconds since 1970.
fn parse_date(date: &str) -> Option<u64> {
    seconds(date).or_else(|| seconds(&format!("{date}T00:00:00Z")))
}
