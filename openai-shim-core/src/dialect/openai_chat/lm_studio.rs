//! Model lists in the form of LM Studio's own API, by which programs that know LM Studio find models and what they can do.
//!
//! <https://lmstudio.ai/docs/developer/rest/endpoints>

use super::super::auxiliary::{AuxiliaryRequest, ModelApi, ModelListApi};
use crate::canonical::{ListedModel, ModelKind};
use crate::error::ClientError;
use crate::json::{Object, encode_string};

/// `GET /api/v0/models`. The form knows chats and embedders only: other models are not in it.
#[derive(Debug)]
pub(super) struct LmStudioModelList;

impl ModelListApi for LmStudioModelList {
    fn encode_list(&self, models: &[ListedModel], _query: &str) -> Result<String, ClientError> {
        let items: Vec<_> = models.iter().filter_map(encode).collect();
        Ok(format!(r#"{{"object":"list","data":[{}]}}"#, items.join(",")))
    }
}

/// `GET /api/v0/models/{model}`
#[derive(Debug)]
pub(super) struct LmStudioModel;

impl ModelApi for LmStudioModel {
    fn requested_ids(&self, request: &AuxiliaryRequest<'_>) -> Result<Vec<String>, ClientError> {
        Ok(vec![request.name.to_owned()])
    }

    fn encode_model(&self, model: &ListedModel) -> String {
        encode(model).unwrap_or_else(|| model.json.clone())
    }
}

/// Encodes one model: the fields of LM Studio's own list, or what follows from those of another one. `None` for kinds that the form
/// does not know.
fn encode(listed: &ListedModel) -> Option<String> {
    let (fields, found) = (listed.fields(), listed.capabilities());
    let kind = match found.kind {
        ModelKind::Chat if found.vision == Some(true) => "vlm",
        ModelKind::Chat => "llm",
        ModelKind::Embedding => "embeddings",
        _ => return None,
    };
    let text = |keys: &[&str], default: &str| {
        let own = keys.iter().find_map(|key| fields.str(key).filter(|text| !text.is_empty()));
        encode_string(own.as_deref().unwrap_or(default))
    };
    let mut item = Object::new();
    item.set("id", encode_string(&listed.id));
    item.set("object", "\"model\"");
    item.set("type", encode_string(kind));
    item.set("publisher", text(&["publisher", "owned_by"], "unknown"));
    item.set("arch", text(&["arch"], "unknown"));
    // Clients accept the names of LM Studio's two formats only.
    item.set("compatibility_type", text(&["compatibility_type"], "gguf"));
    item.set("quantization", text(&["quantization"], "unknown"));
    // A listed model can respond at once.
    item.set("state", text(&["state"], "loaded"));
    if let Some(length) = listed.context_length() {
        item.set("max_context_length", length.to_string());
        item.set("loaded_context_length", length.to_string());
    }
    if found.kind == ModelKind::Chat && found.tools != Some(false) {
        item.set("capabilities", r#"["tool_use"]"#);
    }
    Some(item.to_json())
}
