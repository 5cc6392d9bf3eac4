//! Media in answers: fields of the upstream's dialect to those of the client's, else to links in the text, with a warning.

use crate::canonical::{
    Block, BlockKind, Delta, DiagnosticCode, Diagnostics, Event, ExtraFields, MediaSource, NATIVE, Response,
    Text,
};
use crate::dialect::Dialect;
use crate::json::RawJson;

/// Translates the media of one response.
#[derive(Debug)]
pub(super) struct MediaTranslator {
    upstream: Dialect,
    client: Dialect,
    has_text: bool,
    /// The number of the first choice's next block.
    next_block: u32,
    /// Media that came outside of a block.
    waiting: Vec<Block>,
    /// Whether any media or transcript was passed on.
    pub(super) has_media: bool,
    pub(super) diagnostics: Diagnostics,
}

/// What stands for a block of media.
enum Written {
    /// A field of a text of the client's dialect.
    Field(String, RawJson),
    Text(String),
    Nothing,
}

impl Written {
    fn into_delta(self, client: &'static str) -> Option<Delta> {
        match self {
            Self::Field(key, raw) => Some(Delta::Native { dialect: client, key, raw }),
            Self::Text(text) => Some(Delta::Text(text)),
            Self::Nothing => None,
        }
    }
}

impl MediaTranslator {
    pub(super) fn new(upstream: Dialect, client: Dialect) -> Self {
        Self {
            upstream,
            client,
            has_text: false,
            next_block: 0,
            waiting: Vec::new(),
            has_media: false,
            diagnostics: Diagnostics::default(),
        }
    }

    /// Passes on an event, or what stands for the media in it.
    pub(super) fn event(&mut self, event: Event, next: &mut impl FnMut(Event)) {
        match &event {
            Event::Open { choice: 0, block, .. } => self.next_block = block + 1,
            Event::Extra { choice: Some(0), extra } => {
                let media: Vec<_> =
                    extra.members.iter().flat_map(|(key, raw)| self.read(extra.dialect, key, raw)).collect();
                if !media.is_empty() {
                    return self.waiting.extend(media);
                }
            }
            Event::Finish { choice: 0, .. } => self.write_waiting(next),
            _ => {}
        }
        let Event::Delta { choice, block, delta } = &event else { return next(event) };
        let (choice, block) = (*choice, *block);
        match delta {
            Delta::Text(_) => self.has_text = true,
            Delta::Native { dialect, key, raw } => {
                let media = self.read(dialect, key, raw);
                for block_of_media in &media {
                    if let Some(delta) = self.write(block_of_media).into_delta(self.client.name()) {
                        next(Event::Delta { choice, block, delta });
                    }
                }
                if !media.is_empty() {
                    return;
                }
            }
            Delta::Signature(_) => {}
        }
        next(event);
    }

    /// Writes the media that came outside of a block, in a block of their own at the end.
    fn write_waiting(&mut self, next: &mut impl FnMut(Event)) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return;
        }
        let block = self.next_block;
        next(Event::Open { choice: 0, block, kind: BlockKind::Text });
        for media in &waiting {
            if let Some(delta) = self.write(media).into_delta(self.client.name()) {
                next(Event::Delta { choice: 0, block, delta });
            }
        }
        next(Event::Close { choice: 0, block });
    }

    /// Replaces the media of a response.
    pub(super) fn response(&mut self, response: &mut Response) {
        for choice in &mut response.choices {
            if !choice.blocks.iter().any(|block| self.has_media_in(block)) {
                continue;
            }
            let mut blocks = Vec::with_capacity(choice.blocks.len());
            for block in std::mem::take(&mut choice.blocks) {
                self.block(block, &mut blocks);
            }
            choice.blocks = blocks;
        }
    }

    fn has_media_in(&self, block: &Block) -> bool {
        match block {
            Block::Image(_) | Block::Audio(_) | Block::File(_) => true,
            Block::Native { dialect, raw } => !self.read(dialect, NATIVE, raw).is_empty(),
            Block::Text { extra, .. } => {
                extra.members.iter().any(|(key, raw)| !self.read(extra.dialect, key, raw).is_empty())
            }
            _ => false,
        }
    }

    fn block(&mut self, block: Block, out: &mut Vec<Block>) {
        match block {
            Block::Image(_) | Block::Audio(_) | Block::File(_) => {
                let written = self.write(&block);
                self.append(written, out);
            }
            Block::Text { text, extra } => {
                self.has_text |= !text.is_empty();
                let dialect = extra.dialect;
                let (mut media, mut others) = (Vec::new(), Vec::new());
                for (key, raw) in extra.into_members() {
                    let found = self.read(dialect, &key, &raw);
                    if found.is_empty() {
                        others.push((key, raw));
                    }
                    media.extend(found);
                }
                if !text.is_empty() || !others.is_empty() {
                    let dialect = if others.is_empty() { "" } else { dialect };
                    out.push(Block::Text { text, extra: ExtraFields::new(dialect, others) });
                }
                for media in media {
                    let written = self.write(&media);
                    self.append(written, out);
                }
            }
            Block::Native { dialect, raw } => {
                let media = self.read(dialect, NATIVE, &raw);
                if media.is_empty() {
                    return out.push(Block::Native { dialect, raw });
                }
                for media in media {
                    let written = self.write(&media);
                    self.append(written, out);
                }
            }
            block => out.push(block),
        }
    }

    /// Adds what stands for media to the text in front of it.
    fn append(&self, written: Written, out: &mut Vec<Block>) {
        match (written, out.last_mut()) {
            (Written::Text(more), Some(Block::Text { text, .. })) => text.push_str(&more),
            (Written::Text(text), _) => out.push(Block::text(text)),
            (Written::Field(key, raw), _) => {
                let extra = ExtraFields::new(self.client.name(), vec![(key, raw)]);
                out.push(Block::Text { text: Text::default(), extra });
            }
            (Written::Nothing, _) => {}
        }
    }

    /// The media in a field, and the transcript of its sound.
    fn read(&self, dialect: &str, key: &str, raw: &RawJson) -> Vec<Block> {
        if dialect == self.upstream.name() && dialect != self.client.name() {
            self.upstream.media_in_field(key, raw.as_str())
        } else {
            Vec::new()
        }
    }

    fn write(&mut self, block: &Block) -> Written {
        let media = match block {
            Block::Image(media) | Block::Audio(media) | Block::File(media) => media,
            Block::Text { text, .. } => {
                (self.has_text, self.has_media) = (true, true);
                return Written::Text(text.to_string());
            }
            _ => return Written::Nothing,
        };
        let (name, detail) = match block {
            Block::Image(_) => ("image", "a picture, as a link in the text"),
            Block::Audio(_) => ("audio", "sound, as a link in the text"),
            _ => ("file", "a file, as a link in the text"),
        };
        // Sound without a type cannot be played.
        let is_typed =
            !matches!(&media.source, MediaSource::Base64 { media_type, .. } if media_type.is_empty());
        let is_link = is_typed && !matches!(media.source, MediaSource::FileId(_));
        if is_link && let Some((key, raw)) = self.client.media_field(block) {
            self.has_media = true;
            return Written::Field(key, raw);
        }
        if !is_link {
            self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "", &format!("{name} in an answer"));
            return Written::Nothing;
        }
        self.diagnostics.record(DiagnosticCode::FeatureUnsupported, "", detail);
        let mark = if matches!(block, Block::Image(_)) { "!" } else { "" };
        let break_before = if std::mem::replace(&mut self.has_text, true) { "\n\n" } else { "" };
        self.has_media = true;
        let name = media.name.as_deref().unwrap_or(name);
        Written::Text(format!("{break_before}{mark}[{name}]({})", media.source.to_url()))
    }
}
