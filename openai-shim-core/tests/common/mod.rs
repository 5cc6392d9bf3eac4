//! Shared by the tests: fixtures by kind, with their requests, profiles and statuses.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::disallowed_methods)] // each test file uses a part of it; tests read files

pub mod answer;
pub mod content;
pub mod conversation;
pub mod expected;
pub mod losses;
pub mod messages;
pub mod profile_description;
pub mod profile_keys;
pub mod round_trip;
pub mod route_description;
pub mod sdk_client;
pub mod state;
pub mod strict;
pub mod strict_responses;

use openai_shim_core::canonical::{Diagnostics, Message, ReasoningTags, Request, Role};
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::ClientRequest;
use openai_shim_core::{PayloadKind, Profile, dialect};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// One payload: `fixtures/<dialect>/<kind>s/<behaviour>.<ext>`, with optional `<behaviour>.request.json`, `.profile` and
/// `.status` in the same folder.
#[derive(Clone)]
pub struct Fixture {
    pub dialect: Dialect,
    pub kind: PayloadKind,
    pub name: String,
    pub body: Vec<u8>,
    pub request: Option<Vec<u8>>,
    pub profile: Profile,
    pub status: Option<u16>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}: {}", self.name, self.kind, String::from_utf8_lossy(&self.body))
    }
}

/// The extensions of the optional files of a payload.
pub const SIDE_FILES: [&str; 3] = ["request.json", "profile", "status"];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Returns all fixtures of these kinds, ordered by name.
pub fn fixtures(kinds: &[PayloadKind]) -> Vec<Fixture> {
    let mut all = Vec::new();
    for dialect in DIALECTS {
        for kind in kinds {
            let dir = root().join(dialect.name()).join(folder(*kind));
            let mut paths: Vec<PathBuf> =
                std::fs::read_dir(&dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            for path in paths {
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                let (name, extension) = file.split_once('.').unwrap();
                if SIDE_FILES.contains(&extension) {
                    continue;
                }
                let side_file = |ext: &str| std::fs::read(dir.join(format!("{name}.{ext}"))).ok();
                let text =
                    |ext: &str| side_file(ext).map(|b| String::from_utf8(b).unwrap().trim().to_owned());
                let mut profile = profile_named(&text("profile").unwrap_or_else(|| "compatible".to_owned()));
                dialect.name().clone_into(&mut profile.dialect);
                all.push(Fixture {
                    dialect: *dialect,
                    kind: *kind,
                    name: name.to_owned(),
                    body: std::fs::read(&path).unwrap(),
                    request: side_file("request.json"),
                    profile,
                    status: text("status").map(|s| s.parse().unwrap()),
                });
            }
        }
    }
    assert!(!all.is_empty());
    all
}

/// Returns a built-in profile, or one with a deviation that no built-in profile has.
fn profile_named(name: &str) -> Profile {
    let mut profile = openai_shim_core::profile::profile("compatible").unwrap();
    match name {
        "cumulative" => profile.responses.cumulative_deltas = true,
        "clamping" => {
            profile.params.clamp =
                Some([("temperature".to_owned(), [0.0, 1.5]), ("top_p".to_owned(), [0.0, 1.0])].into());
        }
        "inside" => profile.responses.reasoning_tags = ReasoningTags::Prefilled,
        "keeping" => {
            profile.responses.reasoning_tags = ReasoningTags::Ignore;
            profile.responses.keep_tool_markup = true;
        }
        "stopless" => profile.params.max_stop_sequences = Some(Some(0)),
        "alternating" => profile.messages.merge_same_role = Some(true),
        "unstreamed" => profile.stream.supported = Some(false),
        built_in => profile = openai_shim_core::profile::profile(built_in).unwrap(),
    }
    profile
}

pub fn folder(kind: PayloadKind) -> &'static str {
    match kind {
        PayloadKind::Request => "requests",
        PayloadKind::Response => "responses",
        PayloadKind::Stream => "streams",
        PayloadKind::Error => "errors",
    }
}

impl Fixture {
    pub fn convert(&self, to: Dialect) -> Conversion {
        let request = if self.kind == PayloadKind::Request { None } else { self.request_in(to) };
        convert(&{
            let mut input = ConversionInput::new(self.kind, self.dialect, &self.body)
                .to(to)
                .profile(self.profile.clone());
            input.request = request.as_deref();
            input.status = self.status;
            input
        })
    }

    /// The client's request as a client of this dialect sends it: path and body.
    fn sent_by(&self, client: Dialect) -> Option<(String, Vec<u8>)> {
        let own = self.request.clone()?;
        // Fixtures of dialects with the model in the path have OpenAI's requests.
        let from = if self
            .dialect
            .decode_request("", &bytes::Bytes::copy_from_slice(&own), &mut Diagnostics::default())
            .is_ok()
        {
            self.dialect
        } else {
            chat()
        };
        if client.name() == from.name() {
            return Some((String::new(), own));
        }
        let mut request = from
            .decode_request("", &bytes::Bytes::copy_from_slice(&own), &mut Diagnostics::default())
            .ok()?;
        if request.model.is_empty() {
            "model".clone_into(&mut request.model);
        }
        Some(encoded(&request, client))
    }

    /// The body of the client's request as a client of this dialect sends it.
    pub fn request_in(&self, client: Dialect) -> Option<Vec<u8>> {
        self.sent_by(client).map(|(_, body)| body)
    }

    /// The client's request, or a minimal one, streaming or not.
    pub fn incoming(&self, client: Dialect, stream: bool) -> ClientRequest {
        let plain = || {
            let mut request = Request::default();
            request.model = String::from("model");
            request.messages.push(Message::text(Role::User, "hi"));
            encoded(&request, client)
        };
        let (path, body) = self.sent_by(client).unwrap_or_else(plain);
        // Not every dialect can encode an empty request.
        let read = |path: &str, body: &[u8]| {
            client.decode_request(path, &bytes::Bytes::copy_from_slice(body), &mut Diagnostics::default())
        };
        let (body, mut request) = match read(&path, &body) {
            Ok(request) => (body, request),
            Err(_) => {
                let (path, body) = plain();
                let request = read(&path, &body).unwrap();
                (body, request)
            }
        };
        request.stream = stream;
        let encoded = client.encode_request(&request, Some(&body), &mut Diagnostics::default()).unwrap();
        ClientRequest::read(client, &encoded.path, encoded.body.to_json().into()).unwrap()
    }

    /// The client's request, or a minimal one, streaming or not.
    pub fn asking(&self, client: Dialect, stream: bool) -> Vec<u8> {
        let plain = || {
            let mut request = Request::default();
            request.model = String::from("model");
            request.messages.push(Message::text(Role::User, "hi"));
            encoded(&request, client).1
        };
        let text = String::from_utf8(self.request_in(client).unwrap_or_else(plain)).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["stream"] = stream.into();
        value.to_string().into_bytes()
    }
}

/// Encodes a request as a client of this dialect sends it.
fn encoded(request: &Request, client: Dialect) -> (String, Vec<u8>) {
    let encoded = client.encode_request(request, None, &mut Diagnostics::default()).unwrap();
    (encoded.path, encoded.body.to_json().into_bytes())
}

/// Returns the fixture of this kind and name.
pub fn fixture(kind: PayloadKind, name: &str) -> Fixture {
    fixtures(&[kind]).into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no fixture {name}"))
}

/// 64 cases by default; `PROPTEST_CASES` sets another number.
pub fn cases() -> proptest::test_runner::Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64);
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}

pub fn chat() -> Dialect {
    dialect("openai-chat").unwrap()
}

/// The folder `OPENAI_SHIM_CORPUS`, or `../shared`. If it does not exist, the test prints that it is skipped; in CI it fails.
pub fn shared(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let path = std::env::var_os("OPENAI_SHIM_CORPUS").map_or(default, PathBuf::from);
    if path.join("corpus").is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{test}: no recordings at {}",
        path.display()
    );
    println!("{test}: skipped, no recordings at {}", path.display());
    None
}

/// A lone surrogate is JSON but not text in Rust: tests that compare text skip this fixture.
pub const NO_TEXT: &str = "escaped_surrogates";

/// A response, streaming or not, with some lines or members dropped, duplicated or swapped, some values replaced, and its end cut
/// off.
pub fn mutilated() -> impl Strategy<Value = Fixture> {
    let all: Vec<Fixture> = fixtures(&[PayloadKind::Stream, PayloadKind::Response])
        .into_iter()
        .filter(|f| f.name != NO_TEXT)
        .collect();
    let edits = prop::collection::vec((0..6_u8, any::<u16>(), any::<u16>(), 0..VALUES.len()), 0..4);
    let cut = prop_oneof![3 => 0..1_usize, 1 => 0..100_usize];
    (prop::sample::select(all), edits, cut).prop_map(|(mut fixture, edits, cut)| {
        for (edit, a, b, value) in edits {
            let by_line = edit < 3;
            let split = |body: &[u8]| -> Vec<Vec<u8>> {
                body.split_inclusive(|c| if by_line { *c == b'\n' } else { b",{}[]:".contains(c) })
                    .map(<[u8]>::to_vec)
                    .collect()
            };
            let mut parts = split(&fixture.body);
            if parts.is_empty() {
                break;
            }
            let (a, b) = (usize::from(a) % parts.len(), usize::from(b) % parts.len());
            match edit {
                0 | 3 => drop(parts.remove(a)),
                1 => parts.insert(b, parts[a].clone()),
                2 => parts.swap(a, b),
                _ => {
                    // The separator at its end stays, so that the result is often still JSON.
                    let separator = parts[a].pop();
                    parts[a] = VALUES[value].as_bytes().to_vec();
                    parts[a].extend(separator);
                }
            }
            fixture.body = parts.concat();
        }
        let keep = fixture.body.len() * (100 - cut) / 100;
        fixture.body.truncate(keep.max(1));
        fixture
    })
}

/// Values that replace others.
const VALUES: [&str; 14] = [
    "null",
    "0",
    "1",
    "-1",
    "123456789012345678901",
    "true",
    "\"\"",
    "\"x\"",
    "\"stop\"",
    "\"tool_calls\"",
    "{}",
    "[]",
    "[{}]",
    "\"index\"",
];
