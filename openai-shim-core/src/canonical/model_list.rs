//! An upstream's model list in any of the known shapes to models in OpenAI's shape.

use super::model_capabilities::{self, ModelCapabilities};
use super::time::{read_seconds, seconds};
use super::unusable_response::trim_body;
use crate::json::{Object, ValueKind, decode_string, encode_string, items, reported_count, value_kind};

/// One model of a list.
///
/// ```
/// use openai_shim_core::canonical::{ListedModel, ModelKind};
/// let model = ListedModel::new("nomic-embed-text", "nomic");
/// assert_eq!(model.id, "nomic-embed-text");
/// let capabilities = model.capabilities();
/// assert_eq!(capabilities.kind, ModelKind::Embedding);
/// assert_eq!(capabilities.tools, None); // nothing is said of it
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// The model's id.
    pub id: String,
    /// The model's JSON: `id`, `object`, `created`, `owned_by`, and the upstream's other fields.
    pub json: String,
}

impl From<&str> for ListedModel {
    fn from(id: &str) -> Self {
        Self::new(id, "openai-shim")
    }
}

impl From<String> for ListedModel {
    fn from(id: String) -> Self {
        Self::from(id.as_str())
    }
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

    /// What the model is for and can do.
    pub fn capabilities(&self) -> ModelCapabilities {
        model_capabilities::read(&self.id, &self.fields())
    }

    /// The context length in tokens, under any of the names that servers use.
    pub fn context_length(&self) -> Option<u64> {
        const NAMES: [&str; 20] = [
            "context_length",
            "max_model_len",
            "context_window",
            "max_context_length",
            "max_context_window_tokens",
            "n_ctx_train",
            "max_input_tokens",
            "inputTokenLimit",
            "input_token_limit",
            "contextLength",
            "contextWindow",
            "context_size",
            "context_window_size",
            "max_context_tokens",
            "availableContextTokens",
            "max_sequence_length",
            "max_seq_len",
            "max_prompt_tokens",
            "context",
            "n_ctx",
        ];
        let fields = self.fields();
        // Ollama: `model_info: {"llama.context_length": 131072}`.
        let in_model_info = || {
            let info = fields.object("model_info")?;
            let found = info.iter().find(|(key, _)| key.ends_with(".context_length"));
            found.and_then(|(_, value)| reported_count(value))
        };
        limit(&fields, &NAMES).or_else(in_model_info)
    }

    /// The most tokens of an answer, under any of the names that servers use.
    pub fn max_output_tokens(&self) -> Option<u64> {
        const NAMES: [&str; 7] = [
            "max_output_tokens",
            "max_output_token_length",
            "max_completion_tokens",
            "outputTokenLimit",
            "output_token_limit",
            "maxOutputTokens",
            "output",
        ];
        let fields = self.fields();
        // Elsewhere `max_tokens` is a context length, or a default.
        let of_anthropic = || (fields.str("type")? == "model").then(|| fields.u64("max_tokens")).flatten();
        limit(&fields, &NAMES).or_else(of_anthropic)
    }

    /// A copy of the model with another id.
    pub fn renamed(&self, id: &str) -> Self {
        let mut object = self.fields();
        object.set("id", encode_string(id));
        Self { id: id.to_owned(), json: object.to_json() }
    }
}

/// A number above zero, in a model or in an object of it that has limits.
fn limit(model: &Object<'_>, names: &[&str]) -> Option<u64> {
    const INNER: [&str; 13] = [
        "meta",
        "limits",
        "top_provider",
        "limit",
        "metadata",
        "model_spec",
        "model_info",
        "model_limits",
        "config",
        "details",
        "spec",
        "token_limits",
        "info",
    ];
    let number = |object: &Object<'_>| {
        names.iter().find_map(|name| object.get(name).and_then(reported_count).filter(|n| *n > 0))
    };
    // GitHub Copilot has them in its capabilities.
    let in_capabilities = || number(model.object("capabilities")?.object("limits").as_ref()?);
    // llama-swap: `meta: {"llamaswap": {…}}`.
    let in_inner = |key: &&str| {
        let inner = model.object(key)?;
        let below = || inner.iter().find_map(|(_, value)| number(&Object::parse(value.as_bytes()).ok()?));
        number(&inner).or_else(below)
    };
    // Hugging Face: the model has what its largest provider has.
    let of_providers = || {
        let providers = model.array("providers")?;
        providers.into_iter().filter_map(|value| number(&Object::parse(value.as_bytes()).ok()?)).max()
    };
    number(model).or_else(|| INNER.iter().find_map(in_inner)).or_else(in_capabilities).or_else(of_providers)
}

/// Parses a model list: `{data:[…]}`, `{models:[…]}`, `{result:[…]}`, one inside the other, or a bare array, of objects or names; or
/// a map from names to objects. `None` if it is no list. `owner` is the `owned_by` of models without one.
///
/// ```
/// use openai_shim_core::canonical::parse_models;
/// let list = parse_models(br#"["a", {"name": "b"}]"#, "me").unwrap();
/// assert_eq!(list[1].json, r#"{"name":"b","id":"b","object":"model","created":0,"owned_by":"me"}"#);
/// ```
pub fn parse_models(body: &[u8], owner: &str) -> Option<Vec<ListedModel>> {
    let body = std::str::from_utf8(trim_body(body)).ok()?;
    find_list(body, MAX_NESTED_LISTS, owner)
}

/// How deep a list may be in objects.
const MAX_NESTED_LISTS: usize = 3;

/// The fields that have a list, or an object with one.
const LIST_FIELDS: [&str; 6] = ["data", "models", "result", "results", "items", "value"];

fn find_list(json: &str, depth: usize, owner: &str) -> Option<Vec<ListedModel>> {
    match value_kind(json) {
        ValueKind::Array => {
            Some(items(json)?.into_iter().filter_map(|item| parse_model(item, owner)).collect())
        }
        ValueKind::Object if depth > 0 => {
            let object = Object::parse(json.as_bytes()).ok()?;
            let fields = || LIST_FIELDS.iter().filter_map(|key| object.get(key));
            let list = fields().find(|value| value_kind(value) == ValueKind::Array);
            match list.or_else(|| fields().find(|value| value_kind(value) == ValueKind::Object)) {
                Some(inner) => find_list(inner, depth - 1, owner),
                None => find_other_list(&object, depth, owner).or_else(|| parse_map(&object, owner)),
            }
        }
        _ => None,
    }
}

/// Fields that have no models.
const NO_MODELS: [&str; 5] = ["error", "errors", "detail", "message", "status"];

/// Finds a list in a field of any name: the only one that has objects with names of models (Bedrock: `modelSummaries`), or an
/// object with a list.
fn find_other_list(object: &Object<'_>, depth: usize, owner: &str) -> Option<Vec<ListedModel>> {
    let mut values = object.iter().filter(|(key, _)| !NO_MODELS.contains(key)).filter_map(|(_, value)| {
        let found = match value_kind(value) {
            ValueKind::Array if items(value)?.iter().all(|item| value_kind(item) == ValueKind::Object) => {
                find_list(value, 0, owner)
            }
            ValueKind::Object => {
                let inner = Object::parse(value.as_bytes()).ok()?;
                let has_list = LIST_FIELDS.iter().any(|key| inner.array(key).is_some());
                if has_list { find_list(value, depth - 1, owner) } else { None }
            }
            _ => None,
        };
        found.filter(|list| !list.is_empty())
    });
    values.next().filter(|_| values.next().is_none())
}

/// Parses a map from names to objects, or to names of them.
fn parse_map(object: &Object<'_>, owner: &str) -> Option<Vec<ListedModel>> {
    let is_model =
        |(key, value): (&str, &str)| value_kind(value) == ValueKind::Object && !NO_MODELS.contains(&key);
    let is_map = object.iter().all(is_model);
    (is_map && !object.is_empty()).then(|| {
        let entries = object.iter().filter_map(|(name, value)| {
            let mut model = Object::parse(value.as_bytes()).ok()?;
            // The key is the name by which requests find the model.
            if model.str("id").is_none() {
                model.set("id", encode_string(name));
            }
            parse_model(&model.to_json(), owner)
        });
        entries.collect()
    })
}

/// The fields that may have the id, the likeliest first.
const ID_FIELDS: [&str; 8] = ["id", "model", "name", "key", "slug", "model_id", "modelId", "model_name"];

fn parse_model(item: &str, owner: &str) -> Option<ListedModel> {
    if let Some(name) = decode_string(item) {
        return (!name.is_empty()).then(|| ListedModel::new(&name, owner));
    }
    let mut object = Object::parse(item.as_bytes()).ok()?;
    let named = |key: &str| object.str(key).filter(|id| !id.is_empty());
    // Cloudflare: requests have the name, not the number.
    let by_name =
        || named("id").filter(|id| is_uuid(id)).and(named("name")).filter(|name| !name.contains(' '));
    let id = by_name().or_else(|| ID_FIELDS.iter().find_map(|key| named(key)));
    let id = id?.into_owned();
    if object.str("id").as_deref() != Some(&id) {
        object.set("id", encode_string(&id));
    }
    if object.str("object").as_deref() != Some("model") {
        object.set("object", "\"model\"");
    }
    let created = object.get("created").and_then(read_time).filter(|seconds| i64::try_from(*seconds).is_ok());
    if created.is_none() || created != object.u64("created") {
        let dates = ["created_at", "createdAt", "modified_at"];
        let created = created.or_else(|| dates.iter().find_map(|key| object.get(key).and_then(read_time)));
        object.set("created", created.unwrap_or(0).to_string());
    }
    if object.str("owned_by").is_none() {
        object.set("owned_by", encode_string(owner));
    }
    Some(ListedModel { id, json: object.to_json() })
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Reads a time since 1970, in any unit and as a number or text, or a date without a time, as seconds.
fn read_time(raw: &str) -> Option<u64> {
    let date = || decode_string(raw).and_then(|date| seconds(&format!("{date}T00:00:00Z")));
    if raw.trim() == "0" { Some(0) } else { read_seconds(raw).or_else(date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Option<Vec<String>> {
        let models = parse_models(body.as_bytes(), "me")?;
        Some(models.into_iter().map(|model| model.id).collect())
    }

    #[test]
    fn a_list_is_found_wherever_it_stands() {
        for body in [
            r#"["a","b"]"#,
            r#"{"data":[{"id":"a"},{"id":"b"}]}"#,
            "\u{feff}{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\n",
            r#"{"models":[{"name":"a"},{"model":"b"}]}"#,
            r#"{"success":true,"result":[{"id":"a"},{"id":"b"}]}"#,
            r#"{"code":0,"data":{"models":[{"id":"a"},{"id":"b"}]}}"#,
            r#"{"data":{"object":"list","data":["a","b"]}}"#,
            r#"{"data":{"a":{"created":1},"b":{}}}"#,
            r#"{"models":{"a":{"name":"A"},"b":{"name":"B"}}}"#,
            r#"{"a":{"object":"model"},"b":{"object":"model"}}"#,
            r#"{"models":[{"key":"a","display_name":"A"},{"slug":"b"}]}"#,
            r#"{"modelSummaries":[{"modelId":"a","modelArn":"arn:a"},{"modelId":"b"}]}"#,
            r#"{"total_count":2,"limit":100,"first":{"href":"x"},"resources":[{"model_id":"a"},{"model_id":"b"}]}"#,
            r#"{"request_id":"r","output":{"total":2,"models":[{"model":"a"},{"model":"b"}]}}"#,
            r#"{"data":[{"model_name":"a","model_info":{"id":"0"}},{"model_name":"b"}]}"#,
            r#"{"result":[{"id":"31097538-a3ff-4e6e-bb56-ad0e1f428b61","name":"a"},{"id":"b"}]}"#,
        ] {
            assert_eq!(ids(body), Some(vec![String::from("a"), String::from("b")]), "{body}");
        }
        for body in [
            "{}",
            r#"{"error":{"message":"no"}}"#,
            r#"{"errors":[{"name":"no"}]}"#,
            r#"{"detail":[{"loc":["a"],"type":"missing"}]}"#,
            r#"{"ok":true}"#,
            "null",
            "x",
            r#"{"data":null}"#,
        ] {
            assert_eq!(ids(body), None, "{body}");
        }
    }

    #[test]
    fn times_are_read_in_every_unit_and_as_text() {
        for created in [
            "1700000000",
            "1700000000000",
            "1700000000.5",
            "\"1700000000\"",
            "\"1700000000000\"",
            "\"2023-11-14T22:13:20Z\"",
        ] {
            for key in ["created", "created_at", "createdAt"] {
                let models =
                    parse_models(format!(r#"[{{"id":"a","{key}":{created}}}]"#).as_bytes(), "me").unwrap();
                assert_eq!(models[0].fields().u64("created"), Some(1_700_000_000), "{key}: {created}");
            }
        }
        for created in ["null", "0", "-1", "\"soon\"", "{}"] {
            let models =
                parse_models(format!(r#"[{{"id":"a","created":{created}}}]"#).as_bytes(), "me").unwrap();
            assert_eq!(models[0].fields().u64("created"), Some(0), "{created}");
        }
    }

    #[test]
    fn limits_have_many_names_and_places() {
        for (json, context, output) in [
            (r#"{"id":"m","max_model_len":"8192"}"#, Some(8192), None),
            (
                r#"{"id":"m","context_window":131072,"max_completion_tokens":32768}"#,
                Some(131_072),
                Some(32_768),
            ),
            (r#"{"id":"m","meta":{"n_ctx_train":4096}}"#, Some(4096), None),
            (
                r#"{"id":"m","capabilities":{"limits":{"max_context_window_tokens":144000,"max_output_tokens":16000}}}"#,
                Some(144_000),
                Some(16_000),
            ),
            (r#"{"id":"m","model_info":{"llama.context_length":2048}}"#, Some(2048), None),
            (
                r#"{"name":"m","inputTokenLimit":1048576,"outputTokenLimit":65536}"#,
                Some(1_048_576),
                Some(65_536),
            ),
            (
                r#"{"id":"m","type":"model","max_input_tokens":200000,"max_tokens":64000}"#,
                Some(200_000),
                Some(64_000),
            ),
            (r#"{"id":"m","limit":{"context":400000,"output":128000}}"#, Some(400_000), Some(128_000)),
            (r#"{"id":"m","model_spec":{"availableContextTokens":32768}}"#, Some(32_768), None),
            (r#"{"id":"m","meta":{"llamaswap":{"context_length":32768}}}"#, Some(32_768), None),
            (
                r#"{"model_id":"m","model_limits":{"max_sequence_length":512,"max_output_tokens":64}}"#,
                Some(512),
                Some(64),
            ),
            (r#"{"id":"m","providers":[{"context_length":10},{"context_length":"20"},{}]}"#, Some(20), None),
            (
                r#"{"id":"m","token_limits":{"context_window":262144,"max_output_token_length":32768}}"#,
                Some(262_144),
                Some(32_768),
            ),
            (r#"{"id":"m","info":{"contextLength":128000}}"#, Some(128_000), None),
            (r#"{"id":"m","max_tokens":5,"context_length":0}"#, None, None),
        ] {
            let models = parse_models(format!("[{json}]").as_bytes(), "me").unwrap();
            assert_eq!(
                (models[0].context_length(), models[0].max_output_tokens()),
                (context, output),
                "{json}"
            );
        }
    }
}
