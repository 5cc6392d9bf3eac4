//! The base URL of an upstream: what may be one, its normal form, and the paths below it.

const EXAMPLE: &str = "write one such as \"https://api.example.com/v1\"";

/// The normal form of a base URL: scheme and host in lower case, no slash at the end, and without the path of the chat
/// endpoint, which people paste along with it.
///
/// ```
/// use openai_shim_core::profile::normal_base_url;
/// assert_eq!(normal_base_url("HTTPS://Host/v1/chat/completions").as_deref(), Ok("https://host/v1"));
/// assert!(normal_base_url("host/v1").unwrap_err().contains("is no URL"));
/// ```
///
/// # Errors
/// What is wrong, and what to write instead. Credentials are not quoted.
pub fn normal_base_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    // Checked before any error quotes the text: the credentials may be secret.
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next();
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(String::from(
            "a base URL must not hold credentials, because it is logged; write the URL without them, and the key where keys \
             belong",
        ));
    }
    if let Some((base, _)) = text.split_once(['?', '#']) {
        return Err(format!(
            "a base URL cannot have a query; write {base:?}, and its parameters as paths.query_params"
        ));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("{text:?} is no URL with http:// or https://; {EXAMPLE}"));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(format!("{text:?} is neither http nor https; {EXAMPLE}"));
    }
    let uri: http::Uri =
        format!("{scheme}://{rest}").parse().map_err(|_| format!("{text:?} is no URL; {EXAMPLE}"))?;
    let authority = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let segments = segments.strip_suffix(&["chat", "completions"]).unwrap_or(&segments);
    let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
    Ok(format!("{scheme}://{}{path}", authority.unwrap_or_default()))
}

/// Joins a base URL, or its path, and the path of a request. Each `/..` at the beginning of the path leads one segment up in
/// the base, and never above its root: some servers have routes beside the one that the base URL is for.
///
/// ```
/// use openai_shim_core::profile::join_path;
/// assert_eq!(join_path("https://host/v1", "/chat/completions"), "https://host/v1/chat/completions");
/// assert_eq!(join_path("https://host/v1", "/../rerank"), "https://host/rerank");
/// ```
pub fn join_path(base: &str, path: &str) -> String {
    let (mut base, mut path) = (base, path);
    let root = base
        .split_once("://")
        .map_or(0, |(scheme, rest)| scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()));
    while let Some(rest) = path.strip_prefix("/..").filter(|rest| rest.starts_with('/')) {
        base = base.rfind('/').filter(|last| *last >= root).and_then(|last| base.get(..last)).unwrap_or(base);
        path = rest;
    }
    format!("{base}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_normalized() {
        for (url, normal) in [
            ("https://api.example.com/v1/", "https://api.example.com/v1"),
            ("HTTPS://API.example.com//v1//", "https://api.example.com/v1"),
            ("http://localhost:11434", "http://localhost:11434"),
            ("http://localhost:8080/v1/chat/completions", "http://localhost:8080/v1"),
            ("http://[::1]:8080/V1", "http://[::1]:8080/V1"),
        ] {
            assert_eq!(normal_base_url(url).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn invalid_base_url_is_rejected_with_an_example() {
        for wrong in ["", "api.example.com/v1", "ftp://example.com", "http://", "https://exa mple.com"] {
            let problem = normal_base_url(wrong).unwrap_err();
            assert!(problem.contains("https://api.example.com/v1"), "{problem}");
        }
        assert!(normal_base_url("https://h/v1?key=sk-secret").is_err_and(|e| e.contains("\"https://h/v1\"")));
    }

    #[test]
    fn credentials_in_a_base_url_are_rejected_and_not_quoted() {
        for wrong in
            ["https://me:sk-secret@example.com/v1", "https://sk-secret@h?x=1", "sk-secret@example.com"]
        {
            let problem = normal_base_url(wrong).unwrap_err();
            assert!(problem.contains("credentials") && !problem.contains("sk-secret"), "{problem}");
        }
    }

    #[test]
    fn dots_lead_up_to_the_root_of_the_base() {
        for (base, path, joined) in [
            ("/v1", "/rerank", "/v1/rerank"),
            ("/v1", "/../rerank", "/rerank"),
            ("", "/../rerank", "/rerank"),
            ("/tei/v1", "/../rerank?a=b", "/tei/rerank?a=b"),
            ("/compatibility/v1", "/../../v2/rerank", "/v2/rerank"),
            ("https://host/v1", "/../../rerank", "https://host/rerank"),
            ("https://host", "/../rerank", "https://host/rerank"),
            ("/v1", "/..rerank", "/v1/..rerank"),
        ] {
            assert_eq!(join_path(base, path), joined, "{base} {path}");
        }
    }
}
