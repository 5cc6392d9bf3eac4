//! The cache of a stream that is decoded: a frame in, its events out.

use super::cache::TemplateCache;
use super::event_template::{EventTemplate, emit_events, learn_events};
use crate::canonical::Event;
use crate::dialect::openai_chat::chunk_events::EventSink;
use crate::dialect::openai_chat::repair::StreamState;
use crate::framing::Frame;

/// The last template of a stream.
#[derive(Debug, Default)]
pub(in super::super) struct DecodeTemplates {
    cache: TemplateCache<Vec<EventTemplate>>,
}

impl DecodeTemplates {
    /// Handles a frame that matches the template; returns false, and changes nothing but the cache, for any other frame.
    pub(in super::super) fn try_replay(
        &mut self,
        frame: Frame<'_>,
        stream: &mut StreamState,
        sink: &mut EventSink<'_>,
    ) -> bool {
        self.cache.try_replay(frame, stream, |events, values| emit_events(events, values, sink))
    }

    /// Stores the events of a frame that did not match.
    pub(in super::super) fn store(&mut self, frame: Frame<'_>, stream: &StreamState, events: &[Event]) {
        self.cache.store(frame, stream, |chunk, slots| learn_events(events.iter(), chunk, slots));
    }

    /// A cache that never stores a template.
    #[cfg(test)]
    pub(in super::super) fn disabled() -> Self {
        Self { cache: TemplateCache::disabled() }
    }

    /// Whether the last frame was replayed.
    #[cfg(test)]
    pub(in super::super) fn has_replayed(&self) -> bool {
        self.cache.has_replayed()
    }
}
