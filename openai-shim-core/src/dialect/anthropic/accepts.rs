//! What Anthropic's Messages API accepts; a profile's rules lie over it.
//!
//! <https://docs.anthropic.com/en/api/messages>

use crate::accepts::AcceptsLayer;
use std::sync::LazyLock;

/// The rules of the vendor's own API.
pub(super) static ACCEPTS: LazyLock<AcceptsLayer> = LazyLock::new(AcceptsLayer::default);
