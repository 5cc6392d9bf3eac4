//! The head of a form's part: which field it is, and how its value is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the head of a part says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartHead {
    /// The name of the field.
    pub name: Option<String>,
    /// The name of the file; `None`: the part is text.
    pub file_name: Option<String>,
    /// The declared media type.
    pub content_type: Option<String>,
    /// How the value is written; `None`: in a way that is not known.
    pub coding: Option<TransferCoding>,
}

/// How a part's bytes are written (`Content-Transfer-Encoding`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransferCoding {
    /// As they are.
    #[default]
    Identity,
    /// In base64.
    Base64,
    /// With `=` and two hexadecimal digits for some bytes.
    QuotedPrintable,
}

impl PartHead {
    /// Reads header lines. A line that begins with a space continues the one before it.
    pub fn parse(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let mut lines: Vec<String> = Vec::new();
        for line in head.lines() {
            match lines.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
                _ => lines.push(line.to_owned()),
            }
        }
        let header = |name: &str| {
            lines.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then_some(value)
            })
        };
        let disposition = header("content-disposition").unwrap_or_default();
        let parameter = |name: &str| header_parameter(disposition, name);
        // A file whose name cannot be read is a file all the same.
        let extended_name = || parameter("filename*").map(|value| extended(&value).unwrap_or(value));
        Self {
            name: parameter("name").or_else(|| extended(&parameter("name*")?)),
            file_name: parameter("filename").or_else(extended_name),
            content_type: header("content-type").map(|value| value.trim().to_owned()),
            coding: TransferCoding::parse(header("content-transfer-encoding").unwrap_or_default()),
        }
    }

    /// Whether the part is a field of this name and no file.
    pub fn is_text_field(&self, name: &str) -> bool {
        self.file_name.is_none() && self.name.as_deref() == Some(name)
    }
}

impl TransferCoding {
    fn parse(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Some(Self::Identity),
            "base64" => Some(Self::Base64),
            "quoted-printable" => Some(Self::QuotedPrintable),
            _ => None,
        }
    }

    /// The text of a value, without spaces around it.
    pub fn decode(self, value: &[u8]) -> Option<String> {
        let bytes = match self {
            Self::Identity => value.to_vec(),
            Self::Base64 => {
                let digits: Vec<u8> =
                    value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                STANDARD.decode(digits).ok()?
            }
            Self::QuotedPrintable => {
                let text = String::from_utf8_lossy(value).replace("=\r\n", "").replace("=\n", "");
                unescape(&text, '=')?
            }
        };
        Some(String::from_utf8(bytes).ok()?.trim().to_owned())
    }

    /// Writes a text as the value.
    pub fn encode(self, text: &str) -> String {
        match self {
            Self::Identity => text.to_owned(),
            Self::Base64 => STANDARD.encode(text),
            Self::QuotedPrintable => text
                .bytes()
                .map(|byte| match byte {
                    b'!'..=b'<' | b'>'..=b'~' => char::from(byte).to_string(),
                    byte => format!("={byte:02X}"),
                })
                .collect(),
        }
    }
}

/// The value of a parameter of a header's value, with or without quotes.
pub fn header_parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (text, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value.get(..end)?.trim().to_owned(), value.get(end..)?)
            }
        };
        // A parameter without a value may stand before the key.
        if key.rsplit(';').next()?.trim().eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = after.split_once(';')?.1;
    }
}

/// A quoted text up to its closing quote, and what is behind it.
fn unquoted(quoted: &str) -> (String, &str) {
    let (mut text, mut is_escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return (text, quoted.get(at + 1..).unwrap_or_default()),
            _ => {
                text.push(character);
                is_escaped = false;
            }
        }
    }
    (text, "")
}

/// The text of an extended parameter, `UTF-8'en'a%20b`.
fn extended(value: &str) -> Option<String> {
    let text = value.splitn(3, '\'').nth(2)?;
    String::from_utf8(unescape(text, '%')?).ok()
}

/// Replaces an escape character and two hexadecimal digits by their byte.
fn unescape(text: &str, escape: char) -> Option<Vec<u8>> {
    let mut chunks = text.split(escape);
    let mut out = chunks.next()?.as_bytes().to_vec();
    for chunk in chunks {
        out.push(u8::from_str_radix(chunk.get(..2)?, 16).ok()?);
        out.extend_from_slice(chunk.get(2..)?.as_bytes());
    }
    Some(out)
}
