//! A list of models in the shapes of other APIs than OpenAI's.
//!
//! <https://docs.anthropic.com/en/api/models-list>, <https://ai.google.dev/api/models>

use super::models::ListedModel;
use crate::canonical::time::rfc3339;
use crate::json::{Object, quote};

/// What `GET /v1/models` answers a client of Anthropic's API.
///
/// ```
/// use openai_shim_core::fallback::{lists::anthropic, models::ListedModel};
/// let list = anthropic(&[ListedModel::new("m", "me")]);
/// assert_eq!(
///     list,
///     r#"{"data":[{"type":"model","id":"m","display_name":"m","created_at":"1970-01-01T00:00:00Z"}],"has_more":false,"first_id":"m","last_id":"m"}"#
/// );
/// ```
pub fn anthropic(models: &[ListedModel]) -> String {
    let items: Vec<_> = models.iter().map(anthropic_model).collect();
    let id = |model: Option<&ListedModel>| model.map_or_else(|| String::from("null"), |m| quote(&m.id));
    format!(
        r#"{{"data":[{}],"has_more":false,"first_id":{},"last_id":{}}}"#,
        items.join(","),
        id(models.first()),
        id(models.last())
    )
}

/// One model, as Anthropic's clients read it.
pub fn anthropic_model(listed: &ListedModel) -> String {
    let model = Object::parse(listed.json.as_bytes()).unwrap_or_default();
    let name = model.str("display_name").or_else(|| model.str("name")).filter(|name| !name.is_empty());
    let mut item = Object::new();
    item.set("type", "\"model\"");
    item.set("id", quote(&listed.id));
    item.set("display_name", quote(name.as_deref().unwrap_or(&listed.id)));
    item.set("created_at", quote(&rfc3339(model.u64("created").unwrap_or(0))));
    item.to_json()
}

/// What `GET /v1beta/models` answers a client of Gemini's API.
///
/// ```
/// use openai_shim_core::fallback::{lists::gemini, models::ListedModel};
/// let list = gemini(&[ListedModel::new("m", "me")]);
/// assert!(list.starts_with(r#"{"models":[{"name":"models/m","displayName":"m","#));
/// ```
pub fn gemini(models: &[ListedModel]) -> String {
    let items: Vec<_> = models.iter().map(gemini_model).collect();
    format!(r#"{{"models":[{}]}}"#, items.join(","))
}

/// One model, as Gemini's clients read it.
pub fn gemini_model(listed: &ListedModel) -> String {
    let mut item = Object::new();
    item.set("name", quote(&format!("models/{}", listed.id)));
    item.set("displayName", quote(&listed.id));
    item.set("supportedGenerationMethods", r#"["generateContent","streamGenerateContent"]"#);
    item.to_json()
}
