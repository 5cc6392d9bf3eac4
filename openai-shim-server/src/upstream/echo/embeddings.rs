//! Embeddings of `echo`: an embeddings request in, small vectors out that depend on the text alone.

use super::error::EchoError;
use super::writer;
use http::{Response, StatusCode};
use openai_shim_core::json::{Object, ValueKind, encode_string, string_or_json, value_kind};
use openai_shim_core::upstream::UpstreamBody;

/// The default number of dimensions.
const DEFAULT_DIMENSIONS: u64 = 8;

pub(super) fn embed(request: &Object<'_>) -> Result<Response<UpstreamBody>, EchoError> {
    let inputs = inputs(request)?;
    let dimensions = match request.non_null("dimensions") {
        None => DEFAULT_DIMENSIONS,
        Some(_) => request.u64("dimensions").filter(|n| (1..=4096).contains(n)).ok_or_else(|| {
            EchoError::invalid("dimensions", "`dimensions` must be a number from 1 to 4096.")
        })?,
    };
    let base64 = match request.str("encoding_format").as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            let text = "`encoding_format` must be \"float\" or \"base64\".";
            return Err(EchoError::invalid("encoding_format", text));
        }
    };
    let items = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(input, dimensions);
        let embedding = if base64 {
            encode_string(&to_base64(&vector.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()))
        } else {
            format!("[{}]", vector.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
        };
        format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#)
    });
    let items = items.collect::<Vec<_>>().join(",");
    let tokens: usize = inputs.iter().map(|input| input.split_whitespace().count()).sum();
    let model = request.str("model").filter(|model| !model.is_empty());
    let model = encode_string(model.as_deref().unwrap_or("echo"));
    let usage = format!(r#"{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}"#);
    Ok(writer::json(
        StatusCode::OK,
        format!(r#"{{"object":"list","data":[{items}],"model":{model},"usage":{usage}}}"#),
    ))
}

/// The inputs: a text, several texts, or tokens, where one list of numbers is one input.
fn inputs(request: &Object<'_>) -> Result<Vec<String>, EchoError> {
    let invalid =
        || EchoError::invalid("input", "`input` must be a text, a list of texts, or tokens; and not empty.");
    let input = request.non_null("input").ok_or_else(invalid)?;
    match value_kind(input) {
        ValueKind::String => Ok(vec![string_or_json(input).into_owned()]),
        ValueKind::Array => {
            let items = request.array("input").filter(|items| !items.is_empty()).ok_or_else(invalid)?;
            match items.first().map(|first| value_kind(first)) {
                Some(ValueKind::Number) => Ok(vec![input.to_owned()]),
                Some(ValueKind::String | ValueKind::Array) => {
                    Ok(items.into_iter().map(|i| string_or_json(i).into_owned()).collect())
                }
                _ => Err(invalid()),
            }
        }
        _ => Err(invalid()),
    }
}

/// Derives a vector of length 1 from a hash of the text.
fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    // FNV-1a: the standard library's hasher may change between releases.
    let seed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let raw: Vec<f32> = (1..=dimensions)
        .map(|dimension| {
            let mixed =
                (seed ^ dimension.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let [high, low, ..] = mixed.to_be_bytes();
            f32::from(u16::from_be_bytes([high, low])) / 32_768.0 - 1.0
        })
        .collect();
    let length = raw.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::EPSILON);
    raw.into_iter().map(|v| v / length).collect()
}

fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            let digit = ((bits >> (18 - 6 * position)) & 63) as usize;
            let digit = DIGITS.get(digit).copied().unwrap_or(b'A');
            out.push(if position <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_standard_encoding() {
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("\u{ff}>", "w78+")]
        {
            assert_eq!(to_base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn vectors_have_length_one_and_differ_by_text() {
        let (a, b) = (vector("a", 8), vector("b", 8));
        assert!((a.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_ne!(a, b);
        assert_eq!(a, vector("a", 8));
        assert_ne!(a, vector("aaaaaaaaa", 8));
    }
}
