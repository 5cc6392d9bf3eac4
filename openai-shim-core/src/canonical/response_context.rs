//! What changes while a response is read and written: the ids that were given out, and the time that has elapsed.

use super::{Block, Context, Request, call_id};
use std::collections::BTreeSet;
use std::time::Duration;

/// New ids, the ids of earlier tool calls, and the elapsed time, for one response.
///
/// ```
/// use openai_shim_core::Context;
/// use openai_shim_core::canonical::{Request, ResponseContext};
/// let mut context = ResponseContext::new(&Request::default(), Context::fixed());
/// assert_eq!(context.replace_repeated_id("call_0"), None);
/// assert!(context.replace_repeated_id("call_0").is_some());
/// ```
#[derive(Debug, Clone)]
pub struct ResponseContext {
    ids: Context,
    /// The ids of the calls so far, without what is attached to them.
    used_call_ids: BTreeSet<String>,
    elapsed: Option<Duration>,
}

impl ResponseContext {
    /// The context of the first response to `request`.
    pub fn new(request: &Request, ids: Context) -> Self {
        let blocks = request.messages.iter().flat_map(|message| &message.blocks);
        let used_call_ids = blocks.filter_map(|block| match block {
            Block::ToolCall { id, .. } => Some(call_id::detach(id).map_or(id.as_str(), |(base, _)| base)),
            _ => None,
        });
        Self { ids, used_call_ids: used_call_ids.map(str::to_owned).collect(), elapsed: None }
    }

    /// Makes a new id that begins with `prefix`.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.ids.new_id(prefix)
    }

    /// Returns a new id for a call whose id an earlier call has, and `None` for one whose id is unique: some upstreams count
    /// their calls from zero in every response, and clients would mix up the results.
    ///
    /// The new id does not begin with the old one: Claude Code takes `call_0_1` for a part of `call_0`.
    pub fn replace_repeated_id(&mut self, id: &str) -> Option<String> {
        let is_repeated = !id.is_empty() && !self.used_call_ids.insert(id.to_owned());
        is_repeated.then(|| self.ids.new_id("call_"))
    }

    /// How long the response took by the caller's clock, if that is known.
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Sets how long the response took by the caller's clock.
    pub fn set_elapsed(&mut self, elapsed: Duration) {
        self.elapsed = Some(elapsed);
    }

    /// The source of ids in its present state, for a request that replaces this one.
    pub fn ids(&self) -> &Context {
        &self.ids
    }
}
