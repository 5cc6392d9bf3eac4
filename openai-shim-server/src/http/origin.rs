//! Refuses requests of foreign web pages to a server without client keys: `Host`, `Origin` and `Sec-Fetch-Site` in, an error
//! out. With client keys a page needs one, and nothing is checked here.
//!
//! A browser on the owner's machine reaches a loopback server for any page that is open in it. A page of another site is
//! recognized by its `Origin` or `Sec-Fetch-Site`. For the browser, a page whose name resolves to this machine (DNS rebinding)
//! has the same origin as the server; it is recognized by its `Host`. Other programs send neither `Origin` nor `Sec-Fetch-Site`.

use crate::config::Config;
use crate::http::cors;
use crate::observe::text::shorten;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use openai_shim_core::ErrorKind;
use openai_shim_core::error::ClientError;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Suffixes of names that public DNS does not resolve.
const PRIVATE_SUFFIXES: [&str; 3] = [".localhost", ".local", ".internal"];

/// The most characters of a header that an error quotes.
const MAX_QUOTED_CHARS: usize = 100;

static HOSTNAME: LazyLock<String> =
    LazyLock::new(|| gethostname::gethostname().to_string_lossy().to_lowercase());

/// Refuses a request that a browser sends for a page that is not this server's own.
///
/// Health checks always pass: they reveal nothing and cost nothing.
pub(crate) fn check(
    config: &Config,
    method: &Method,
    path: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), ClientError> {
    if config.needs_key() || matches!(path, "/healthz" | "/readyz") {
        return Ok(());
    }
    check_host(config, uri, headers)?;
    if is_page_navigation(method, path, headers) {
        return Ok(());
    }
    check_origin(config, headers)
}

fn check_host(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<(), ClientError> {
    if !config.listen.ip().is_loopback() && config.hosts.is_empty() {
        return Ok(());
    }
    let header_hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?"));
    for host in header_hosts.chain(uri.authority().map(http::uri::Authority::as_str)) {
        if !is_own_name(config, without_port(host)) {
            let host = shorten(host, MAX_QUOTED_CHARS);
            let text = format!(
                "This server needs no key, and so it answers only to addresses, to localhost and to names that are its \
                 own: {host:?} is none of them. If it is, write hosts = [{host:?}] at the top of the configuration file, \
                 or set client_keys."
            );
            return Err(ClientError::new(ErrorKind::Permission, text).with_code("host_not_allowed"));
        }
    }
    Ok(())
}

/// A host without its port.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        },
    }
}

fn is_own_name(config: &Config, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    // HTTP/1.0 clients may send no host; browsers always send one.
    if name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || name.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
    {
        return true;
    }
    let name = name.to_ascii_lowercase();
    PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || name == *HOSTNAME
        || config.hosts.contains(&name)
}

/// Whether a person follows a link to one of this server's pages: the page with the link cannot read the response.
fn is_page_navigation(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    method == Method::GET
        && crate::http::routes::PAGES.contains(&path)
        && !headers.contains_key(ORIGIN)
        && headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate")
}

fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), ClientError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    if let Some(foreign) =
        origins.find(|origin| !cors::is_allowed(config, origin) && !is_own_origin(origin, headers))
    {
        let foreign = shorten(foreign.to_str().unwrap_or("?"), MAX_QUOTED_CHARS);
        return Err(foreign_page(&format!("of the origin {foreign:?}"), foreign));
    }
    let is_foreign = headers.get_all(FETCH_SITE).iter().any(|site| site != "same-origin" && site != "none");
    // An allowed origin is another site, too.
    let mut origins = headers.get_all(ORIGIN).iter();
    if is_foreign && !origins.any(|origin| cors::is_allowed(config, origin)) && !cors::allows_all(config) {
        return Err(foreign_page("of another site", "https://chat.example.com"));
    }
    Ok(())
}

/// Whether an origin is this server's own: it equals the `Host` that the client used, also behind a reverse proxy.
fn is_own_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let without_default_port = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        authority.strip_suffix(default_port).map(str::to_owned).unwrap_or(authority)
    };
    headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| without_default_port(host) == without_default_port(authority))
}

fn foreign_page(which: &str, origin: &str) -> ClientError {
    let text = format!(
        "A web page {which} may not use this server, which needs no key. If it may, write origins = [{origin:?}] under \
         [cors] in the configuration file, or set client_keys."
    );
    ClientError::new(ErrorKind::Permission, text).with_code("origin_not_allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_of_a_host_is_removed() {
        for (host, name) in [
            ("localhost:8000", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8000", "::1"),
            ("[::1]", "::1"),
            ("127.0.0.1:8000", "127.0.0.1"),
            ("evil.example:80", "evil.example"),
            ("localhost:x", "localhost:x"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name, "{host}");
        }
    }
}
