//! Ollama's embeddings, new (`/api/embed`) and old (`/api/embeddings`), to OpenAI's and back.
//!
//! <https://docs.ollama.com/api/embed>

use super::embeddings::{Wish, mend};
use crate::canonical::{Code, Diagnostics};
use crate::error::{ClientError, UpstreamError};
use crate::json::{Kind, Object, peek, quote};

/// Which of the two routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST /api/embed`: `input` is a text or several, the answer has `embeddings`.
    Embed,
    /// `POST /api/embeddings`: one `prompt`, one `embedding`.
    Embeddings,
}

/// What Ollama's client asks, as OpenAI's API is asked.
///
/// ```
/// use openai_shim_core::{Diagnostics, fallback::ollama_embed::{Route, to_openai}};
/// let mut notes = Diagnostics::default();
/// let body = to_openai(br#"{"model":"m","input":["a","b"],"keep_alive":"5m"}"#, Route::Embed, &mut notes)?;
/// assert_eq!(body, r#"{"model":"m","input":["a","b"],"encoding_format":"float"}"#);
/// assert_eq!(notes.len(), 1);
/// # Ok::<(), openai_shim_core::error::ClientError>(())
/// ```
///
/// # Errors
/// The body names no model or nothing to embed.
pub fn to_openai(body: &[u8], route: Route, notes: &mut Diagnostics) -> Result<String, ClientError> {
    let given = Object::parse(body)
        .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
    let model = given.str("model").filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| ClientError::invalid("`model` is missing.").at("model"))?;
    let key = if route == Route::Embed { "input" } else { "prompt" };
    let input = given.non_null(key).filter(|input| match peek(input) {
        Kind::String => true,
        Kind::Array => route == Route::Embed,
        _ => false,
    });
    let input = input.ok_or_else(|| {
        let kinds = if route == Route::Embed { "a text or a list of texts" } else { "a text" };
        ClientError::invalid(format!("`{key}` must be {kinds}.")).at(key)
    })?;
    let mut out = Object::new();
    out.set("model", quote(&model));
    out.set("input", input);
    if let Some(dimensions) = given.non_null("dimensions") {
        out.set("dimensions", dimensions);
    }
    out.set("encoding_format", "\"float\"");
    for (name, value) in given.iter() {
        let says = !matches!(value.trim(), "null" | "{}" | "\"\"" | "true");
        if says && !["model", "dimensions", key].contains(&name) {
            notes.note(Code::ParamDropped, name, "");
        }
    }
    Ok(out.to_json())
}

/// OpenAI's answer as Ollama's client gets it.
///
/// # Errors
/// It is no answer with embeddings.
pub fn from_openai(
    body: &[u8],
    route: Route,
    model: &str,
    notes: &mut Diagnostics,
) -> Result<String, UpstreamError> {
    let malformed = || UpstreamError::malformed("The upstream sent something that holds no embeddings.");
    let mut wish = Wish::default();
    model.clone_into(&mut wish.model);
    let mut found = Diagnostics::default();
    let mended = mend(body, &wish, &mut found);
    let answer = Object::parse(mended.as_deref().unwrap_or(body.trim_ascii())).map_err(|_| malformed())?;
    let mut vectors: Vec<(u64, String)> = Vec::new();
    for item in answer.array("data").ok_or_else(malformed)? {
        let item = Object::parse(item.as_bytes()).map_err(|_| malformed())?;
        let vector = item.get("embedding").filter(|v| peek(v) == Kind::Array).ok_or_else(malformed)?;
        vectors.push((item.u64("index").unwrap_or(0), vector.to_owned()));
    }
    vectors.sort_by_key(|(index, _)| *index);
    let vectors: Vec<String> = vectors.into_iter().map(|(_, vector)| vector).collect();
    let mut out = Object::new();
    if route == Route::Embeddings {
        out.set("embedding", vectors.into_iter().next().ok_or_else(malformed)?);
        notes.extend(&found);
        return Ok(out.to_json());
    }
    out.set("model", quote(model));
    out.set("embeddings", format!("[{}]", vectors.join(",")));
    // What was not counted is not said.
    if !found.has(Code::UsageMissing) {
        let count = answer.object("usage").and_then(|usage| usage.u64("prompt_tokens"));
        if let Some(count) = count {
            out.set("prompt_eval_count", count.to_string());
        }
    }
    notes.extend(&found);
    Ok(out.to_json())
}

/// What OpenAI's client asks, as Ollama's `/api/embed` is asked.
///
/// # Errors
/// There is nothing to embed, or only token ids.
pub fn to_ollama(body: &[u8], notes: &mut Diagnostics) -> Result<String, ClientError> {
    let given = Object::parse(body)
        .map_err(|e| ClientError::invalid(format!("The request body is not a JSON object: {e}.")))?;
    let input = given.non_null("input").filter(|input| match peek(input) {
        Kind::String => true,
        Kind::Array => serde_json::from_str::<Vec<std::borrow::Cow<'_, str>>>(input).is_ok(),
        _ => false,
    });
    let input = input.ok_or_else(|| {
        let text = "`input` must be a text or a list of texts; token ids cannot be sent to Ollama.";
        ClientError::invalid(text).at("input")
    })?;
    let mut out = Object::new();
    out.set("model", given.get("model").unwrap_or("\"\""));
    out.set("input", input);
    if let Some(dimensions) = given.non_null("dimensions") {
        out.set("dimensions", dimensions);
    }
    for (name, _) in given.iter().filter(|(_, value)| value.trim() != "null") {
        // The encoding is the answer's, and made here.
        if !["model", "input", "dimensions", "encoding_format"].contains(&name) {
            notes.note(Code::ParamDropped, name, "");
        }
    }
    Ok(out.to_json())
}

/// Ollama's answer, of either route, as OpenAI's client gets it.
///
/// # Errors
/// It is no answer with embeddings.
pub fn from_ollama(body: &[u8], wish: &Wish, notes: &mut Diagnostics) -> Result<Vec<u8>, UpstreamError> {
    let malformed = || UpstreamError::malformed("The upstream sent something that holds no embeddings.");
    let answer = Object::parse(body.trim_ascii()).map_err(|_| malformed())?;
    let vectors: Vec<&str> = match (answer.array("embeddings"), answer.get("embedding")) {
        (Some(vectors), _) => vectors,
        (None, Some(vector)) => vec![vector],
        (None, None) => return Err(malformed()),
    };
    if vectors.iter().any(|vector| peek(vector) != Kind::Array) {
        return Err(malformed());
    }
    let items: Vec<_> = vectors
        .iter()
        .enumerate()
        .map(|(index, v)| format!(r#"{{"object":"embedding","index":{index},"embedding":{v}}}"#))
        .collect();
    let mut out = Object::new();
    out.set("object", "\"list\"");
    out.set("data", format!("[{}]", items.join(",")));
    out.set("model", answer.get("model").map_or_else(|| quote(&wish.model), str::to_owned));
    if let Some(count) = answer.u64("prompt_eval_count") {
        out.set("usage", format!(r#"{{"prompt_tokens":{count},"total_tokens":{count}}}"#));
    }
    let written = out.to_json().into_bytes();
    Ok(mend(&written, wish, notes).unwrap_or(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut notes = Diagnostics::default();
        let openai = br#"{"object":"list","data":[{"index":1,"embedding":[3e-1,4],"object":"embedding"},{"index":0,"embedding":[1,2.50],"object":"embedding"}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        let ollama = from_openai(openai, Route::Embed, "alias", &mut notes).unwrap();
        assert_eq!(ollama, r#"{"model":"alias","embeddings":[[1,2.50],[3e-1,4]],"prompt_eval_count":5}"#);
        let old = from_openai(openai, Route::Embeddings, "m", &mut notes).unwrap();
        assert_eq!(old, r#"{"embedding":[1,2.50]}"#);
        let back = from_ollama(ollama.as_bytes(), &Wish::default(), &mut notes).unwrap();
        assert_eq!(
            String::from_utf8(back).unwrap(),
            r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2.50]},{"object":"embedding","index":1,"embedding":[3e-1,4]}],"model":"alias","usage":{"prompt_tokens":5,"total_tokens":5}}"#
        );
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn encodings_are_put_right_and_counts_are_not_invented() {
        let mut notes = Diagnostics::default();
        let packed = br#"{"data":[{"embedding":"AACAPwAAAMA="}]}"#;
        let answer = from_openai(packed, Route::Embed, "m", &mut notes).unwrap();
        assert_eq!(answer, r#"{"model":"m","embeddings":[[1,-2]]}"#);
        let wish = Wish::read(br#"{"model":"m","encoding_format":"base64"}"#);
        let answer = from_ollama(br#"{"embedding":[1,-2]}"#, &wish, &mut notes).unwrap();
        assert!(String::from_utf8(answer).unwrap().contains(r#""embedding":"AACAPwAAAMA=""#));
        for body in [&b"{}"[..], b"[]", b"", br#"{"data":[{}]}"#, br#"{"embeddings":[1]}"#] {
            assert!(from_openai(body, Route::Embed, "m", &mut notes).is_err());
            assert!(from_ollama(body, &wish, &mut notes).is_err());
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let mut notes = Diagnostics::default();
        for (body, route) in [
            (r#"{"input":"a"}"#, Route::Embed),
            (r#"{"model":"m"}"#, Route::Embed),
            (r#"{"model":"m","prompt":["a"]}"#, Route::Embeddings),
            ("[]", Route::Embed),
        ] {
            assert!(to_openai(body.as_bytes(), route, &mut notes).is_err(), "{body}");
        }
        let body =
            br#"{"model":"m","prompt":"a","options":{"num_ctx":9},"truncate":false,"keep_alive":null}"#;
        let sent = to_openai(body, Route::Embeddings, &mut notes).unwrap();
        assert_eq!(sent, r#"{"model":"m","input":"a","encoding_format":"float"}"#);
        let told: Vec<_> = notes.iter().map(|n| n.path.clone()).collect();
        assert_eq!(told, ["options", "truncate"]);
        assert!(to_ollama(br#"{"model":"m","input":[1,2]}"#, &mut notes).is_err());
        let sent =
            to_ollama(br#"{"model":"m","input":["a"],"user":"u","dimensions":3}"#, &mut notes).unwrap();
        assert_eq!(sent, r#"{"model":"m","input":["a"],"dimensions":3}"#);
        assert_eq!(notes.len(), 3);
    }
}
