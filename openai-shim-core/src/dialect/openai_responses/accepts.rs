//! What OpenAI's Responses accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create>,
//! <https://platform.openai.com/docs/guides/structured-outputs> (strict schemas)

use crate::accepts::literals::layer;
use crate::accepts::{
    AcceptsLayer, ObjectSupport, ResponseFormatLayer, SchemaLayer, ToolChoiceSupport, ToolLayer,
};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: ToolLayer {
        schema: layer!(SchemaLayer { root_object: true, require_members: true }),
        strict_schema: layer!(SchemaLayer { objects: ObjectSupport::Required }),
        ..layer!(ToolLayer { allowed_choice: ToolChoiceSupport::Native })
    },
    response_format: ResponseFormatLayer {
        strict_schema: layer!(SchemaLayer { require_members: true, objects: ObjectSupport::Required }),
        ..layer!(ResponseFormatLayer { restrict_names: true })
    },
    ..AcceptsLayer::default()
});
