//! What is said in a turn, until it is written. Most turns are one text: such a one needs no list and no copy.

use crate::canonical::Text;

/// A piece of what is said.
pub(super) enum Piece<'m> {
    /// Plain text, where it stands in its message.
    Words(&'m Text),
    /// The same without white space at its end.
    Trimmed(Box<Text>),
    /// Anything else, as the JSON of its block.
    Json(String),
}

impl Piece<'_> {
    fn words(&self) -> Option<&Text> {
        match self {
            Self::Words(text) => Some(text),
            Self::Trimmed(text) => Some(text),
            Self::Json(_) => None,
        }
    }

    /// As a content block.
    fn to_json(&self) -> String {
        match self {
            Self::Words(text) => block(text),
            Self::Trimmed(text) => block(text),
            Self::Json(json) => json.clone(),
        }
    }
}

fn block(text: &Text) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, text.to_json())
}

/// The pieces of a turn, in order.
#[derive(Default)]
pub(super) enum Said<'m> {
    /// None.
    #[default]
    Nothing,
    /// One.
    One(Piece<'m>),
    /// More than one.
    Many(Box<Several<'m>>),
}

/// A list of pieces.
pub(super) struct Several<'m>(Vec<Piece<'m>>);

impl<'m> Said<'m> {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces().is_empty()
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, piece: Piece<'m>) {
        match std::mem::take(self) {
            Self::Nothing => *self = Self::One(piece),
            Self::One(first) => *self = Self::Many(Box::new(Several(vec![first, piece]))),
            Self::Many(mut pieces) => {
                pieces.0.push(piece);
                *self = Self::Many(pieces);
            }
        }
    }

    /// Adds all pieces of another.
    pub(super) fn append(&mut self, other: Self) {
        match other {
            Self::Nothing => {}
            Self::One(piece) => self.push(piece),
            Self::Many(pieces) => pieces.0.into_iter().for_each(|piece| self.push(piece)),
        }
    }

    /// The last piece.
    pub(super) fn last(&self) -> Option<&Piece<'m>> {
        self.pieces().last()
    }

    /// Takes the last piece out.
    pub(super) fn pop(&mut self) {
        match self {
            Self::Many(pieces) => drop(pieces.0.pop()),
            _ => *self = Self::Nothing,
        }
    }

    /// About how long its JSON is.
    pub(super) fn size(&self) -> usize {
        let size = |piece: &Piece<'_>| match piece {
            Piece::Json(json) => json.len() + 1,
            words => words.words().map_or(0, |text| text.bytes().len() + 2),
        };
        self.pieces().iter().map(size).sum()
    }

    /// As a content: a string where one plain text is all there is.
    pub(super) fn content(&self) -> String {
        match self.pieces() {
            [piece] if piece.words().is_some() => piece.words().map(Text::to_json).unwrap_or_default(),
            pieces => format!("[{}]", pieces.iter().map(Piece::to_json).collect::<Vec<_>>().join(",")),
        }
    }

    fn pieces(&self) -> &[Piece<'m>] {
        match self {
            Self::Nothing => &[],
            Self::One(piece) => std::slice::from_ref(piece),
            Self::Many(pieces) => &pieces.0,
        }
    }
}
