//! `cors.origins`: origins of web pages, some with a `*` for what differs.

/// Checks an origin as browsers send it, or a pattern of some: `*` stands for a subdomain (`https://*.example.com`), for a port
/// (`http://localhost:*`), or for the name of an extension (`chrome-extension://*`). A `*` elsewhere would let pages of
/// strangers in.
pub(super) fn parse(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let plain = text.replace('*', "x").replace(":x", ":1");
    let uri = plain.parse::<http::Uri>().ok();
    if uri.as_ref().is_none_or(|uri| uri.scheme_str().is_none() || uri.authority().is_none()) {
        return Err(format!(
            "{text:?} is no origin; write one such as \"https://chat.example.com\" or \"chrome-extension://*\", or \"*\""
        ));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    if scheme.contains('*') || !is_safe(scheme, authority) {
        return Err(format!(
            "the * in {text:?} would allow pages of strangers; it may stand for a subdomain (\"https://*.example.com\"), a port \
             (\"http://localhost:*\") or an extension (\"chrome-extension://*\"); \"*\" alone allows every page"
        ));
    }
    let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
    let default_port = DEFAULT_PORTS.iter().find(|(scheme, _)| origin.starts_with(scheme));
    let origin = default_port.and_then(|(_, port)| origin.strip_suffix(port)).unwrap_or(&origin);
    if origin == text {
        return Ok(origin.to_owned());
    }
    Err(format!(
        "browsers send an origin in small letters, without a path and without the usual port; write {origin:?}"
    ))
}

/// The ports that browsers leave out.
const DEFAULT_PORTS: [(&str, &str); 2] = [("http:", ":80"), ("https:", ":443")];

/// Whether a pattern stands for the pages of one owner only.
fn is_safe(scheme: &str, authority: &str) -> bool {
    let is_web = matches!(scheme, "http" | "https");
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let host_is_safe = match host.strip_prefix("*.") {
        Some(domain) => domain.contains('.') && !domain.contains('*'),
        None if host == "*" => !is_web,
        None => !host.contains('*'),
    };
    host_is_safe && (port == "*" || !port.contains('*'))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_star_may_stand_for_a_subdomain_a_port_or_an_extension() {
        for origin in [
            "*",
            "https://chat.example.com",
            "https://*.example.com",
            "http://localhost:*",
            "chrome-extension://*",
            "moz-extension://*",
            "app://obsidian.md",
            "tauri://localhost",
        ] {
            assert_eq!(parse(origin).as_deref(), Ok(origin));
        }
    }

    #[test]
    fn a_star_that_lets_strangers_in_is_refused() {
        for origin in [
            "https://*",
            "http://*:80",
            "https://example.*",
            "https://*example.com",
            "*://a.com",
            "https://*.com",
            "https://a.*.com",
        ] {
            assert!(parse(origin).unwrap_err().contains("strangers"), "{origin}");
        }
        for origin in ["example.com", "", "https://"] {
            assert!(parse(origin).unwrap_err().contains("no origin"), "{origin}");
        }
        for origin in ["https://Chat.example.com/", "https://chat.example.com:443"] {
            assert!(parse(origin).unwrap_err().contains("\"https://chat.example.com\""), "{origin}");
        }
    }
}
