//! What OpenAI's chat completions accepts; a profile's rules lie over it.
//!
//! <https://platform.openai.com/docs/api-reference/chat/create>,
//! <https://platform.openai.com/docs/guides/structured-outputs> (strict schemas),
//! <https://github.com/sigoden/aichat/pull/1049>, <https://github.com/spring-projects/spring-ai/issues/4776> (`items`,
//! `properties`)
//!
//! Many vendors' APIs are nearly this one: what they take without OpenAI's restrictions stands in the rows of OpenAI's own APIs.

use crate::accepts::literals::layer;
use crate::accepts::{AcceptsLayer, ObjectSupport, ResponseFormatLayer, SchemaLayer, ToolLayer};
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(|| AcceptsLayer {
    tools: ToolLayer {
        schema: layer!(SchemaLayer { root_object: true, require_members: true }),
        strict_schema: layer!(SchemaLayer { objects: ObjectSupport::Required }),
        ..ToolLayer::default()
    },
    response_format: ResponseFormatLayer {
        strict_schema: layer!(SchemaLayer { require_members: true, objects: ObjectSupport::Required }),
        ..layer!(ResponseFormatLayer { restrict_names: true })
    },
    ..AcceptsLayer::default()
});
