//! What an upstream generated: audio, pictures or text, with its counts of tokens.

use super::Usage;

/// An answer to a request for media, or for the text in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaAnswer {
    /// Audio or pictures.
    pub files: Vec<GeneratedFile>,
    /// The text.
    pub text: String,
    /// The counts of tokens; `None`: the upstream reported none.
    pub usage: Option<MediaUsage>,
}

/// A file that a model made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Its media type, as the upstream states it.
    pub media_type: String,
    /// Its content in base64.
    pub base64: String,
}

/// The counts of tokens of an answer, with those of each kind of content as far as the upstream tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaUsage {
    /// All tokens of the input.
    pub input: u64,
    /// Those of text in the input.
    pub input_text: u64,
    /// Those of pictures in the input.
    pub input_image: u64,
    /// Those of audio in the input.
    pub input_audio: u64,
    /// All tokens of the output.
    pub output: u64,
    /// Those of pictures in the output.
    pub output_image: u64,
}

impl MediaUsage {
    /// Input and output together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// The counts of two answers.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = u64::saturating_add;
        Self {
            input: sum(self.input, other.input),
            input_text: sum(self.input_text, other.input_text),
            input_image: sum(self.input_image, other.input_image),
            input_audio: sum(self.input_audio, other.input_audio),
            output: sum(self.output, other.output),
            output_image: sum(self.output_image, other.output_image),
        }
    }
}

impl From<MediaUsage> for Usage {
    fn from(counts: MediaUsage) -> Self {
        Self { input: Some(counts.input), output: Some(counts.output), ..Self::default() }
    }
}

impl MediaAnswer {
    /// Adds the answer to another request for the same. A sum without a part of it would be no count.
    pub fn append(&mut self, other: Self) {
        let is_first = self.files.is_empty() && self.text.is_empty() && self.usage.is_none();
        self.usage = if is_first {
            other.usage
        } else {
            self.usage.zip(other.usage).map(|(sum, next)| sum.plus(next))
        };
        self.files.extend(other.files);
        self.text.push_str(&other.text);
    }
}
