//! `docs/losses.toml`: every loss between dialects, and every difference that a way through the canonical model may leave.

use serde::Deserialize;
use std::path::{Path, PathBuf};

pub fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// The document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    pub loss: Vec<Loss>,
    pub round_trip: Vec<RoundTrip>,
    pub captured: Vec<Captured>,
}

/// Why something does not arrive as it was said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The name in the matrix.
    pub name: String,
    /// The dialects that it is said in.
    pub to: Vec<String>,
    /// Only from these; empty: from all others.
    #[serde(default)]
    pub from: Vec<String>,
    pub direction: Direction,
    /// The names of the matrix's tables.
    pub features: Vec<String>,
    /// Only cells of these words; empty: any.
    #[serde(default)]
    pub cells: Vec<String>,
    /// One sentence.
    pub reason: String,
    /// The provider's documentation, where the reason is its API.
    #[serde(default)]
    pub link: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Request,
    Answer,
    Both,
}

impl Direction {
    pub fn covers(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

/// What may differ in a dialect's own JSON after a way through the canonical model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTrip {
    pub dialects: Vec<String>,
    /// `request` or `answer`.
    pub direction: Direction,
    /// Where: member names, `*` for every item or member, `**` for any depth.
    pub at: Vec<String>,
    /// What is the same there: see `common/round_trip.rs`.
    pub same: serde_json::Value,
    pub reason: String,
}

/// What a real client's request loses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// The upstreams' dialects; empty: all.
    #[serde(default)]
    pub to: Vec<String>,
    /// The diagnostic.
    pub code: String,
    /// Where, with `#` for numbers.
    pub at: Vec<String>,
    pub reason: String,
}

pub fn losses() -> Losses {
    let path = docs("losses.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
