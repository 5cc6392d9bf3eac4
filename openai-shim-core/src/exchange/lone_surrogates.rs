//! Payloads with halves of surrogate pairs to payloads without them: whole bodies at once, streams across their frames.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::framing::Frame;
use crate::json::lone_surrogates::{
    Fault, Half, PathStep, REPLACEMENT, Refused, is_clean, repair, visit_strings, write_path,
};
use crate::json::{Object, items, utf8};
use std::collections::VecDeque;
use std::ops::Range;

/// How many frames may wait for the second half of a pair.
const MAX_HELD_FRAMES: usize = 8;
/// How many strings a frame may have whose halves are put together with those of other frames.
const MAX_DELTA_STRINGS: usize = 64;

const REPLACED: &str = "replaced by U+FFFD";
const JOINED: &str = "two halves were put together";

/// Replaces in a whole payload what is no text; `None` if it has nothing of that kind.
pub(super) fn repair_body(body: &[u8], refused: Refused, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let repaired = repair(body, refused)?;
    for (path, is_joined) in &repaired.repairs {
        let detail = if *is_joined { JOINED } else { REPLACED };
        diagnostics.record(DiagnosticCode::LoneSurrogate, path, detail);
    }
    Some(repaired.json.into_bytes())
}

/// Puts halves of pairs together that stand in two frames of a stream, and replaces halves that stand alone.
///
/// A frame that ends a text with the first half waits for the next frame of that text.
#[derive(Debug, Default)]
pub(super) struct StreamTextRepairer {
    held: VecDeque<HeldFrame>,
    diagnostics: Diagnostics,
}

/// A frame with a first half that waits for its second, or a frame behind such a frame.
#[derive(Debug)]
struct HeldFrame {
    kind: FrameKind,
    parts: Vec<DataPart>,
}

#[derive(Debug)]
enum FrameKind {
    Event(Option<String>),
    Line,
    Body,
}

/// A part of a frame's data.
#[derive(Debug)]
enum DataPart {
    Json(String),
    /// The escape of a first half, at the end of a text.
    Open {
        text_key: String,
        path: String,
        escape: String,
    },
}

impl StreamTextRepairer {
    /// Whether a frame can be passed on as it is.
    pub(super) fn passes(&self, frame: &Frame<'_>) -> bool {
        self.held.is_empty() && is_clean(frame.data(), Refused::Halves)
    }

    /// Takes a frame that [does not pass](Self::passes), and gives out those that wait for nothing.
    pub(super) fn frame(&mut self, frame: Frame<'_>, next: &mut dyn FnMut(Frame<'_>)) {
        let json = utf8(frame.data()).filter(|data| data.trim_start().starts_with('{'));
        let held = json.and_then(|json| self.read(&frame, json));
        match held {
            Some(held) => self.held.push_back(held),
            None => {
                self.finish(next);
                return next(frame);
            }
        }
        if self.held.len() > MAX_HELD_FRAMES {
            self.replace_open(|_| true);
        }
        while self.held.front().is_some_and(|frame| !frame.is_open()) {
            if let Some(frame) = self.held.pop_front() {
                frame.pass_to(next);
            }
        }
    }

    /// Gives out all frames that wait: no second half follows.
    pub(super) fn finish(&mut self, next: &mut dyn FnMut(Frame<'_>)) {
        self.replace_open(|_| true);
        self.held.drain(..).for_each(|frame| frame.pass_to(next));
    }

    pub(super) fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Reads a frame's data, and puts the second halves in it to the first halves that wait; `None` if it is not JSON.
    fn read(&mut self, frame: &Frame<'_>, json: &str) -> Option<HeldFrame> {
        let has_open = !self.held.is_empty();
        let mut strings: Vec<(Vec<PathStep<'_>>, Vec<Fault<'_>>)> = Vec::new();
        visit_strings(json, Refused::Halves, &mut |path, is_key, faults| {
            if !faults.is_empty() || (has_open && !is_key) {
                strings.push((path.to_vec(), faults));
            }
        })?;
        let can_wait = strings.len() <= MAX_DELTA_STRINGS;
        if !can_wait {
            self.replace_open(|_| true);
        }
        let mut data = FrameData { json, parts: Vec::new(), end: 0 };
        for (path, faults) in strings {
            let text_key = if can_wait { text_key(json, &path) } else { String::new() };
            let first = faults.first().filter(|fault| can_wait && fault.half == Half::SecondAtStart);
            let second = first.and_then(|fault| json.get(fault.range.clone()));
            let is_joined = second.is_some_and(|second| self.join(&text_key, second));
            self.replace_open(|key| key == text_key);
            let path = write_path(&path);
            for (position, fault) in faults.into_iter().enumerate() {
                let part = match fault.half {
                    Half::SecondAtStart if is_joined && position == 0 => DataPart::Json(String::new()),
                    Half::FirstAtEnd if can_wait => DataPart::Open {
                        text_key: text_key.clone(),
                        path: path.clone(),
                        escape: json.get(fault.range.clone())?.to_owned(),
                    },
                    _ => {
                        self.diagnostics.record(DiagnosticCode::LoneSurrogate, &path, REPLACED);
                        DataPart::Json(fault.replacement.into_owned())
                    }
                };
                data.push(fault.range, part)?;
            }
        }
        Some(HeldFrame { kind: FrameKind::of(frame), parts: data.finish()? })
    }

    /// Completes the first half that waits for the next delta of this text. Returns whether there is one.
    fn join(&mut self, text_key: &str, second: &str) -> bool {
        let parts = self.held.iter_mut().flat_map(|frame| &mut frame.parts);
        for part in parts {
            if let DataPart::Open { text_key: key, path, escape } = part
                && key == text_key
            {
                self.diagnostics.record(DiagnosticCode::LoneSurrogate, path, JOINED);
                *part = DataPart::Json(format!("{escape}{second}"));
                return true;
            }
        }
        false
    }

    /// Replaces the first halves that wait for the texts that `is_over` selects: these have no second half.
    fn replace_open(&mut self, is_over: impl Fn(&str) -> bool) {
        for part in self.held.iter_mut().flat_map(|frame| &mut frame.parts) {
            if let DataPart::Open { text_key, path, .. } = part
                && is_over(text_key)
            {
                self.diagnostics.record(DiagnosticCode::LoneSurrogate, path, REPLACED);
                *part = DataPart::Json(REPLACEMENT.to_owned());
            }
        }
    }
}

/// The data of a frame while it is taken apart.
struct FrameData<'j> {
    json: &'j str,
    parts: Vec<DataPart>,
    /// Up to where the data stands in `parts`.
    end: usize,
}

impl FrameData<'_> {
    /// Adds a part in place of some bytes.
    fn push(&mut self, range: Range<usize>, part: DataPart) -> Option<()> {
        self.parts.push(DataPart::Json(self.json.get(self.end..range.start)?.to_owned()));
        self.parts.push(part);
        self.end = range.end;
        Some(())
    }

    fn finish(mut self) -> Option<Vec<DataPart>> {
        self.parts.push(DataPart::Json(self.json.get(self.end..)?.to_owned()));
        Some(self.parts)
    }
}

impl FrameKind {
    fn of(frame: &Frame<'_>) -> Self {
        match frame {
            Frame::Event { event, .. } => Self::Event(event.map(str::to_owned)),
            Frame::Line(_) => Self::Line,
            Frame::Body(_) => Self::Body,
        }
    }
}

impl HeldFrame {
    fn is_open(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, DataPart::Open { .. }))
    }

    fn pass_to(self, next: &mut dyn FnMut(Frame<'_>)) {
        let data: String = self
            .parts
            .into_iter()
            .map(|part| match part {
                DataPart::Json(json) => json,
                DataPart::Open { .. } => REPLACEMENT.to_owned(),
            })
            .collect();
        let data = data.as_bytes();
        next(match &self.kind {
            FrameKind::Event(event) => Frame::Event { event: event.as_deref(), data },
            FrameKind::Line => Frame::Line(data),
            FrameKind::Body => Frame::Body(data),
        });
    }
}

/// The members that tell which of several texts a delta belongs to, in the dialects' streams.
const INDEX_KEYS: [&str; 5] = ["index", "output_index", "content_index", "summary_index", "item_id"];

/// What the deltas of one text have in common: the path to the string, with the members that number what is on the path.
fn text_key(json: &str, path: &[PathStep<'_>]) -> String {
    let mut key = Object::parse(json.as_bytes()).ok().and_then(|frame| frame.str("type").map(Into::into));
    let key: &mut String = key.get_or_insert_default();
    let mut value = json;
    for step in path {
        let next = match step {
            PathStep::Key(name) => {
                let object = Object::parse(value.as_bytes()).unwrap_or_default();
                for member in INDEX_KEYS {
                    object.get(member).into_iter().for_each(|value| key.extend(["#", value]));
                }
                key.extend([".", name]);
                object.original(name)
            }
            PathStep::Item(i) => {
                let item = items(value).and_then(|items| items.get(*i).copied());
                let has_index = item
                    .and_then(|item| Object::parse(item.as_bytes()).ok())
                    .is_some_and(|item| item.get("index").is_some());
                if !has_index {
                    key.extend(["[", &i.to_string(), "]"]);
                }
                item
            }
        };
        value = next.unwrap_or("null");
    }
    std::mem::take(key)
}
