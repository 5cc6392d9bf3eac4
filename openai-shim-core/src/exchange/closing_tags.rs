//! Frames of a stream whose both sides have the same dialect, without a closing tag of reasoning that no tag opened.
//!
//! A frame whose text may end in a tag waits for the next one. If the tag is text, all frames pass as they are.

use super::reasoning_probe::HeldFrame;
use crate::canonical::Diagnostics;
use crate::dialect::reasoning_tags::record_unopened_tag;
use crate::dialect::{Dialect, StreamedText};
use crate::extract::{UnopenedTagRemover, unopened_tag_remover};
use crate::framing::Frame;
use crate::json::Object;

/// How many frames may wait.
const MAX_HELD_FRAMES: usize = 32;
/// The types of frames that say nothing.
const KEEP_ALIVES: [&str; 2] = ["ping", "keepalive"];

/// Takes unopened closing tags out of frames.
pub(super) struct ClosingTagFilter {
    places: StreamedText,
    /// The current text, and what numbers it.
    text: Option<(String, UnopenedTagRemover)>,
    held: Vec<Held>,
    diagnostics: Diagnostics,
}

/// A frame that waits, and its JSON without the tag.
struct Held {
    frame: HeldFrame,
    without_tag: Option<String>,
}

impl ClosingTagFilter {
    /// Returns `None` where the dialect names no place of the text.
    pub(super) fn new(dialect: Dialect) -> Option<Self> {
        let places = dialect.streamed_text();
        let filter = Self { places, text: None, held: Vec::new(), diagnostics: Diagnostics::default() };
        (!places.deltas.is_empty()).then_some(filter)
    }

    pub(super) fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Takes a frame, and gives out those that wait for nothing.
    pub(super) fn frame(&mut self, frame: Frame<'_>, next: &mut dyn FnMut(Frame<'_>)) {
        let is_idle = self.text.as_ref().is_none_or(|(_, remover)| remover.is_idle());
        if is_idle && !may_have_tag(frame.data()) {
            return next(frame);
        }
        let Ok(mut object) = Object::parse(frame.data()) else {
            self.release(next);
            return next(frame);
        };
        if !self.held.is_empty() && object.str("type").is_some_and(|kind| KEEP_ALIVES.contains(&&*kind)) {
            return self.hold(frame, None, next);
        }
        let is_last = self.places.ends_in(&object);
        let mut has_text = false;
        for place in self.places.deltas {
            place.edit(&mut object, &mut |number, text| {
                has_text |= !text.is_empty();
                self.delta(number, text, is_last, next)
            });
        }
        if !has_text {
            // Nothing continues the text that waits.
            self.release(next);
            return self.whole(frame, object, next);
        }
        let edited = object.is_changed().then(|| object.to_json());
        let has_removed = self.text.as_mut().is_some_and(|(_, remover)| remover.take_removed());
        if has_removed {
            record_unopened_tag("text", &mut self.diagnostics);
            self.held.drain(..).for_each(|held| held.pass_to(true, next));
        }
        if self.text.as_ref().is_some_and(|(_, remover)| remover.is_withholding()) {
            return self.hold(frame, edited, next);
        }
        self.release(next);
        match edited.filter(|_| has_removed) {
            Some(edited) => next(frame.with_data(edited.as_bytes())),
            None => next(frame),
        }
    }

    /// Gives out a frame that has no part of a text, but may have all of it.
    fn whole(&mut self, frame: Frame<'_>, mut object: Object<'_>, next: &mut dyn FnMut(Frame<'_>)) {
        if object.is_changed() {
            return next(frame);
        }
        for place in self.places.wholes {
            place.edit(&mut object, &mut |_, text| without_tag(text));
        }
        if object.is_changed() {
            record_unopened_tag("text", &mut self.diagnostics);
            next(frame.with_data(object.to_json().as_bytes()));
        } else {
            next(frame);
        }
    }

    /// Takes the next part of a text; returns it without the tag and what waits.
    fn delta(
        &mut self,
        number: &str,
        text: &str,
        is_last: bool,
        next: &mut dyn FnMut(Frame<'_>),
    ) -> Option<String> {
        if self.text.as_ref().is_none_or(|(current, _)| current != number) {
            self.release(next);
            self.text = Some((number.to_owned(), unopened_tag_remover()));
        }
        let (_, remover) = self.text.as_mut()?;
        let mut out = String::new();
        remover.push(text, &mut |text| out.push_str(text));
        if is_last {
            remover.finish(&mut |text| out.push_str(text));
        }
        (out != text).then_some(out)
    }

    fn hold(&mut self, frame: Frame<'_>, without_tag: Option<String>, next: &mut dyn FnMut(Frame<'_>)) {
        self.held.push(Held { frame: HeldFrame::from(frame), without_tag });
        if self.held.len() > MAX_HELD_FRAMES {
            self.release(next);
        }
    }

    /// Gives out all frames that wait: what they hold is text.
    pub(super) fn release(&mut self, next: &mut dyn FnMut(Frame<'_>)) {
        if let Some((_, remover)) = self.text.as_mut().filter(|(_, remover)| remover.is_withholding()) {
            remover.finish(&mut |_| {});
        }
        self.held.drain(..).for_each(|held| held.pass_to(false, next));
    }
}

impl Held {
    fn pass_to(self, is_edited: bool, next: &mut dyn FnMut(Frame<'_>)) {
        let frame = self.frame.as_frame();
        match self.without_tag.filter(|_| is_edited) {
            Some(edited) => next(frame.with_data(edited.as_bytes())),
            None => next(frame),
        }
    }
}

/// Returns a complete text without an unopened closing tag; `None` if it has none.
fn without_tag(text: &str) -> Option<String> {
    let (mut remover, mut out) = (unopened_tag_remover(), String::new());
    remover.push(text, &mut |text| out.push_str(text));
    remover.finish(&mut |text| out.push_str(text));
    remover.take_removed().then_some(out)
}

/// Whether JSON has a character with which tags or code begin, as itself or escaped.
fn may_have_tag(json: &[u8]) -> bool {
    memchr::memchr3(b'<', b'`', 0xe2, json).is_some()
        || memchr::memchr2_iter(b'\\', b'[', json).any(|at| match json.get(at + 1..).unwrap_or_default() {
            [b'/' | b'"', ..] => json.get(at) == Some(&b'['),
            [b'u', code @ ..] => {
                code.starts_with(b"003") || code.starts_with(b"25") || code.starts_with(b"006")
            }
            _ => false,
        })
}
