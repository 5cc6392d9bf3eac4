//! What a listed model can do → the `capabilities` of Ollama's `/api/show` and `/api/tags`.
//!
//! <https://docs.ollama.com/api-reference/show-model-details>

use crate::canonical::{ListedModel, ModelKind};
use crate::json::{encode_array, encode_string};

/// Returns the capabilities of a model. A chat model has tools and vision unless its list denies them: clients hide the features that
/// are missing here, and to use one that the model lacks does no harm.
pub(super) fn capabilities(model: &ListedModel) -> Vec<&'static str> {
    let found = model.capabilities();
    match found.kind {
        ModelKind::Chat => {}
        ModelKind::Embedding => return vec!["embedding"],
        _ => return Vec::new(),
    }
    let all = [
        ("completion", true),
        ("tools", found.tools.unwrap_or(true)),
        ("insert", found.insert.unwrap_or(false)),
        ("vision", found.vision.unwrap_or(true)),
        ("thinking", found.thinking.unwrap_or(false)),
    ];
    all.into_iter().filter(|(_, is_able)| *is_able).map(|(name, _)| name).collect()
}

/// Returns them as a JSON list.
pub(super) fn encoded(model: &ListedModel) -> String {
    encode_array(&capabilities(model).into_iter().map(encode_string).collect::<Vec<_>>())
}
