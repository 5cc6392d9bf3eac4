//! Reads `docs/losses.toml`: every loss between dialects, and every difference that a round trip through the canonical model may
//! leave.

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

/// A loss between dialects, with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The name in the matrix.
    pub name: String,
    /// The receiving dialects.
    pub to: Vec<String>,
    /// The sending dialects; empty: all.
    #[serde(default)]
    pub from: Vec<String>,
    pub direction: Direction,
    /// The names of the matrix's tables.
    pub features: Vec<String>,
    /// The cells with these texts; empty: any.
    #[serde(default)]
    pub cells: Vec<String>,
    /// One sentence.
    pub reason: String,
    /// The vendor's documentation, if the reason is its API.
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

/// A difference that a dialect's JSON may have after a round trip through the canonical model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTrip {
    pub dialects: Vec<String>,
    /// `request` or `answer`.
    pub direction: Direction,
    /// The paths: member names, `*` for every item or member, `**` for any depth.
    pub at: Vec<String>,
    /// The equivalence at these paths: see `common/round_trip.rs`.
    pub same: serde_json::Value,
    pub reason: String,
}

/// A loss of a captured client request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// The upstreams' dialects; empty: all.
    #[serde(default)]
    pub to: Vec<String>,
    /// The diagnostic.
    pub code: String,
    /// The paths, with `#` for numbers.
    pub at: Vec<String>,
    pub reason: String,
}

pub fn losses() -> Losses {
    let path = docs("losses.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
