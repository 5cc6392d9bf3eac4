//! Layer 2: a text to the same text without API keys, file paths and addresses of private networks.
//!
//! The scanner recognizes the patterns that servers are known to leak; it does not guarantee that a text has no secrets. Keys that
//! are masked already, public URLs and API paths remain.

use crate::json::{decode_string, encode_string};
use std::ops::Range;

/// Replaces the secrets of a text; `None` if it has none.
///
/// ```
/// use openai_shim_core::redact::redact;
/// assert_eq!(redact("bad key sk-abcdef0123456789").unwrap(), "bad key [key]");
/// assert_eq!(redact("File \"/home/ann/app.py\", line 3").unwrap(), "File \"[path]\", line 3");
/// assert_eq!(redact("see https://example.com/docs, GET /v1/models"), None);
/// ```
pub fn redact(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    scan(text, RULES, |found| {
        out.push_str(text.get(copied..found.start).unwrap_or_default());
        out.push_str(found.replacement);
        copied = found.end;
    });
    (copied > 0).then(|| out + text.get(copied..).unwrap_or_default())
}

/// The places of API keys and passwords in a text, in order; paths and addresses are no secrets here.
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    scan(text, KEY_RULES, |redaction| found.push(redaction.start..redaction.end));
    found
}

/// Calls `found` for everything in a text that one of the rules recognizes, in order.
fn scan(text: &str, rules: &[Rule], mut found: impl FnMut(Redaction)) {
    let mut position = 0;
    let mut before = ' ';
    while let Some(rest) = text.get(position..).filter(|rest| !rest.is_empty()) {
        match rules.iter().find_map(|rule| rule(rest, before).filter(|found| found.end > found.start)) {
            Some(Redaction { start, end, replacement }) => {
                found(Redaction { start: position + start, end: position + end, replacement });
                position += end;
                before = ' ';
            }
            None => {
                before = rest.chars().next().unwrap_or(' ');
                position += before.len_utf8();
            }
        }
    }
}

/// Replaces the secrets in every string of a JSON text; all other bytes remain. `None` if there are none.
pub fn redact_json(json: &str) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut position) = (0, 0);
    while let Some(start) = json.get(position..).and_then(|rest| rest.find('"')).map(|found| position + found)
    {
        let end = start + string_end(json.get(start..).unwrap_or_default());
        let literal = json.get(start..end).unwrap_or_default();
        if let Some(redacted) = decode_string(literal).and_then(|text| redact(&text)) {
            out.push_str(json.get(copied..start).unwrap_or_default());
            out.push_str(&encode_string(&redacted));
            copied = end;
        }
        position = end;
    }
    (copied > 0).then(|| out + json.get(copied..).unwrap_or_default())
}

/// The length of the string at the beginning of a JSON text.
fn string_end(json: &str) -> usize {
    let mut escaped = false;
    for (position, c) in json.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return position + 1,
            _ => {}
        }
    }
    json.len()
}

/// A byte range of a text, and its replacement.
#[derive(Debug)]
struct Redaction {
    start: usize,
    end: usize,
    replacement: &'static str,
}

/// Finds a secret at the beginning of a text; the second argument is the character before it.
type Rule = fn(&str, char) -> Option<Redaction>;

const RULES: &[Rule] = &[bearer, key, query, url, address, path, windows_path];
const KEY_RULES: &[Rule] = &[bearer, key, query];

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~+/=".contains(c)
}

/// The number of bytes at the beginning of a text whose characters all match.
fn prefix_len(text: &str, matches: fn(char) -> bool) -> usize {
    text.find(|c| !matches(c)).unwrap_or(text.len())
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// `Bearer …`, `Authorization: Basic …`
fn bearer(text: &str, before: char) -> Option<Redaction> {
    let start =
        ["bearer ", "authorization: basic "].iter().find(|p| starts_with_ignoring_case(text, p))?.len();
    let token = text.get(start..)?;
    let length = prefix_len(token, is_token);
    let secret = token.get(..length)?;
    let is_secret = length >= 8 && secret.bytes().any(|b| b.is_ascii_digit());
    // `Bearer` is removed too: `[key]` is clear without it.
    (is_secret && !before.is_alphanumeric()).then_some(Redaction {
        start: 0,
        end: start + length,
        replacement: "[key]",
    })
}

/// Prefixes of API keys and account names, the minimum length of what follows, and whether that must contain a digit.
const KEYS: &[(&str, usize, bool)] = &[
    ("sk-", 8, false),  // OpenAI, Anthropic, OpenRouter, DeepSeek and many others
    ("sk_", 16, true),  // ElevenLabs and others
    ("gsk_", 8, false), // Groq
    ("csk-", 8, false), // Cerebras
    ("xai-", 16, true),
    ("hf_", 16, true),
    ("pplx-", 16, true),
    ("nvapi-", 16, true),
    ("fw_", 16, true),      // Fireworks
    ("tgp_v1_", 16, false), // Together
    ("r8_", 16, true),      // Replicate
    ("AIza", 20, false),    // Google
    ("ya29.", 16, false),
    ("AKIA", 12, false), // AWS
    ("ASIA", 12, true),
    ("ghp_", 16, false),
    ("gho_", 16, false),
    ("ghu_", 16, false),
    ("ghs_", 16, false),
    ("github_pat_", 16, false),
    ("glpat-", 12, false),
    ("dapi", 24, true), // Databricks
    ("eyJ", 24, false), // JSON web tokens
    ("org-", 16, true), // account names of OpenAI and Groq
    ("org_", 16, true),
    ("proj_", 16, true),
];

fn key(text: &str, before: char) -> Option<Redaction> {
    if before.is_alphanumeric() || before == '_' {
        return None;
    }
    KEYS.iter().find_map(|(prefix, min_len, needs_digit)| {
        let rest = text.strip_prefix(prefix)?;
        let length = prefix_len(rest, |c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let secret = rest.get(..length)?.trim_end_matches('.');
        let is_masked = rest.get(secret.len()..)?.starts_with(['*', '…', '•']) || secret.ends_with("...");
        let is_secret =
            secret.len() >= *min_len && (!needs_digit || secret.bytes().any(|b| b.is_ascii_digit()));
        (is_secret && !is_masked).then(|| Redaction {
            start: 0,
            end: prefix.len() + secret.len(),
            replacement: "[key]",
        })
    })
}

/// Names of secrets in queries and settings, such as `api_key=…`, and whether they count in a query only: `key=` may be ordinary text.
const SECRETS: [(&str, bool); 10] = [
    ("api_key=", false),
    ("apikey=", false),
    ("api-key=", false),
    ("access_token=", false),
    ("auth_token=", false),
    ("password=", false),
    ("secret=", false),
    ("token=", true),
    ("key=", true),
    ("sig=", true),
];

fn query(text: &str, before: char) -> Option<Redaction> {
    if before.is_alphanumeric() || before == '_' || before == '-' {
        return None;
    }
    let is_match = |(name, in_query_only): &&(&str, bool)| {
        starts_with_ignoring_case(text, name) && (!in_query_only || before == '?' || before == '&')
    };
    let start = SECRETS.iter().find(is_match)?.0.len();
    let value = text.get(start..)?;
    let length = prefix_len(value, |c| !c.is_whitespace() && !"&'\"),;]}*".contains(c));
    (length >= 6 && !value.get(length..)?.starts_with('*')).then_some(Redaction {
        start,
        end: start + length,
        replacement: "[key]",
    })
}

/// A URL of a private network, or with a password.
fn url(text: &str, before: char) -> Option<Redaction> {
    let scheme =
        ["http://", "https://", "ws://", "grpc://", "tcp://", "redis://", "postgres://", "postgresql://"]
            .iter()
            .find(|scheme| starts_with_ignoring_case(text, scheme))?
            .len();
    let rest = text.get(scheme..)?;
    // `http://[::1]:80/`
    let v6 = rest.strip_prefix('[').and_then(|v6| v6.find(']')).map_or(0, |end| end + 2);
    let length = v6 + prefix_len(rest.get(v6..)?, |c| !c.is_whitespace() && !"'\"<>()[]{},`\\".contains(c));
    let all = rest.get(..length)?.trim_end_matches(['.', ':', ';']);
    let authority = all.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    if authority.is_empty() {
        return None;
    }
    let is_secret = authority.contains('@') || !host.contains('.') || is_private(host);
    (is_secret && !before.is_alphanumeric()).then_some(Redaction {
        start: 0,
        end: scheme + all.len(),
        replacement: "[address]",
    })
}

/// Whether a host belongs to a private network.
fn is_private(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let suffixes =
        [".local", ".internal", ".lan", ".intranet", ".localdomain", ".svc", ".localhost", ".corp"];
    let octets: Vec<u8> = host.split('.').filter_map(|part| part.parse().ok()).collect();
    let is_ip_address = octets.len() == 4 && host.split('.').count() == 4;
    let is_in_private_range = matches!(
        octets.as_slice(),
        [10 | 127, ..] | [192, 168, ..] | [169, 254, ..] | [172, 16..=31, ..] | [100, 64..=127, ..]
    );
    (is_ip_address && is_in_private_range)
        || suffixes.iter().any(|suffix| host.ends_with(suffix))
        || host.contains(".svc.")
}

/// An address of a private network without a scheme, with its port: `10.1.2.3:8000`, `localhost:8000`, `node-1.internal:80`.
fn address(text: &str, before: char) -> Option<Redaction> {
    if before.is_alphanumeric() || "._-/@".contains(before) {
        return None;
    }
    let length = prefix_len(text, |c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let host = text.get(..length)?.trim_end_matches(['.', '-']);
    let rest = text.get(host.len()..)?;
    let port = rest.strip_prefix(':').map_or(0, |port| prefix_len(port, |c| c.is_ascii_digit()));
    let end = host.len() + if port > 0 { port + 1 } else { 0 };
    let is_secret = is_private(host) || (port > 0 && host.eq_ignore_ascii_case("localhost"));
    is_secret.then_some(Redaction { start: 0, end, replacement: "[address]" })
}

/// Top-level folders of a machine's files. `/models` is not among them, because it is a route.
const ROOTS: [&str; 19] = [
    "home",
    "Users",
    "root",
    "usr",
    "opt",
    "srv",
    "var",
    "etc",
    "tmp",
    "mnt",
    "media",
    "proc",
    "lib",
    "lib64",
    "app",
    "workspace",
    "data",
    "site-packages",
    "dist-packages",
];

fn path(text: &str, before: char) -> Option<Redaction> {
    let rest = text.strip_prefix("file://").unwrap_or(text).strip_prefix('/')?;
    let start = text.len() - rest.len();
    if before.is_alphanumeric() || "./_-~%".contains(before) {
        return None;
    }
    let first = rest.split('/').next()?;
    let length = prefix_len(rest, |c| c.is_alphanumeric() || "/._-+@~%=".contains(c));
    let all = rest.get(..length)?.trim_end_matches('.');
    let is_nested = all.len() > first.len() + 1;
    (ROOTS.contains(&first) && is_nested).then_some(Redaction {
        start: 0,
        end: start + all.len(),
        replacement: "[path]",
    })
}

/// `C:\Users\…`
fn windows_path(text: &str, before: char) -> Option<Redaction> {
    let rest = text.strip_prefix(|c: char| c.is_ascii_alphabetic())?.strip_prefix(":\\")?;
    let length = prefix_len(rest, |c| c.is_alphanumeric() || "\\._-+()~".contains(c));
    let all = rest.get(..length)?.trim_end_matches(['.', ' ']);
    (!before.is_alphanumeric() && all.contains('\\')).then_some(Redaction {
        start: 0,
        end: 3 + all.len(),
        replacement: "[path]",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_paths_and_addresses_are_replaced() {
        for (text, redacted) in [
            ("Authorization: Bearer abc.def0123", "Authorization: [key]"),
            ("key sk-live-0123456789 is bad.", "key [key] is bad."),
            ("sk-ant-REDACTED1", "[key]"),
            ("in organization `org_01hrsvc1b8ey0anvbgha0xckf2` on", "in organization `[key]` on"),
            ("GET /x?api_key=abcdefgh&n=1", "GET /x?api_key=[key]&n=1"),
            ("File \"/usr/lib/python3/x.py\", line 3", "File \"[path]\", line 3"),
            ("at file:///opt/agent/x.mjs:283:13", "at [path]:283:13"),
            ("C:\\Users\\ann\\x.py failed", "[path] failed"),
            ("connect to http://10.0.0.3:8000/v1: refused", "connect to [address]: refused"),
            ("dial tcp 192.168.1.7:5432: refused", "dial tcp [address]: refused"),
            ("http://user:pass@example.com/x", "[address]"),
            ("http://vllm:8000/v1", "[address]"),
            ("[http://[::1]:8000/v1]", "[[address]]"),
            ("lookup model.ns.svc.cluster.local:80", "lookup [address]"),
        ] {
            assert_eq!(redact(text).as_deref(), Some(redacted), "{text}");
        }
    }

    #[test]
    fn public_and_masked_texts_remain() {
        for text in [
            "Incorrect API key provided: sk-inval**************-key. See https://platform.openai.com/account/api-keys.",
            "Your api key: ****-key is invalid",
            "The model `org/model` does not exist",
            "POST /v1/chat/completions, GET /models/x",
            "bearer token is missing",
            "'messages[0].role' does not support 'system'",
            "version 1.10.0.3, 7/8 of a/b",
            "scikit sk-learn, task-force-of-one",
            "max_tokens=1000000 and top_p=2.0, key=parallel_tool_calls",
            "the basic gpt-4o-mini model, hf_inference_endpoints",
            "ünïcödé 🙂 \u{0}",
            "",
        ] {
            assert_eq!(redact(text), None, "{text}");
        }
    }

    #[test]
    fn strings_in_json_are_redacted_and_other_bytes_remain() {
        let json =
            r#"{ "a" : "C:\\Users\\ann\\x", "n":12345678901234567890123, "b":["\"sk-live-0123456789\""] }"#;
        let redacted = r#"{ "a" : "[path]", "n":12345678901234567890123, "b":["\"[key]\""] }"#;
        assert_eq!(redact_json(json).as_deref(), Some(redacted));
        assert_eq!(redact_json(r#"{"a":"b\\"}"#), None);
        assert_eq!(redact_json("\"cut /home/ann/x"), None);
    }
}
