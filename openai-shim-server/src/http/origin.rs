//! Whether a request to a server without client keys may come from a web page: `Host`, `Origin` and `Sec-Fetch-Site` in,
//! an error out. With client keys a page needs one, and nothing is checked here.
//!
//! A browser on the owner's machine reaches a loopback server for any page that is open in it. A page of another site is
//! known by its `Origin` or `Sec-Fetch-Site`. A page whose name was pointed at this machine (DNS rebinding) counts as our own
//! for the browser, and is known by its `Host`. Programs that are no browsers send neither of the first two.

use crate::config::Config;
use crate::http::cors;
use crate::observe::access_log::shortened;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use openai_shim_core::ErrorKind;
use openai_shim_core::error::ClientError;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Names that no public name server answers for.
const PRIVATE_SUFFIXES: [&str; 3] = [".localhost", ".local", ".internal"];

/// The most characters of a header that an error repeats.
const SHOWN: usize = 100;

static HOSTNAME: LazyLock<String> =
    LazyLock::new(|| gethostname::gethostname().to_string_lossy().to_lowercase());

/// Refuses what only a browser can send, and only for a page that is not this server's own.
///
/// Probes of health are free: they tell nothing, and cost nothing.
pub(crate) fn check(
    config: &Config,
    method: &Method,
    path: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), ClientError> {
    if !config.client_keys.is_empty() || matches!(path, "/healthz" | "/readyz") {
        return Ok(());
    }
    check_host(config, uri, headers)?;
    if is_link_to_page(method, path, headers) {
        return Ok(());
    }
    check_origin(config, headers)
}

fn check_host(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<(), ClientError> {
    if !config.listen.ip().is_loopback() && config.hosts.is_empty() {
        return Ok(());
    }
    let of_header = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?"));
    for host in of_header.chain(uri.authority().map(http::uri::Authority::as_str)) {
        if !is_own_name(config, name_of(host)) {
            let host = shortened(host, SHOWN);
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
fn name_of(host: &str) -> &str {
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
    // Old clients of HTTP/1.0 name no host; a browser always does.
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

/// A person who follows a link to a page of ours: nothing of it can be read by the page with the link.
fn is_link_to_page(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    method == Method::GET
        && crate::handlers::pages::PAGES.contains(&path)
        && !headers.contains_key(ORIGIN)
        && headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate")
}

fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), ClientError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    if let Some(foreign) = origins.find(|origin| !cors::allows(config, origin) && !is_own(origin, headers)) {
        let foreign = shortened(foreign.to_str().unwrap_or("?"), SHOWN);
        return Err(foreign_page(&format!("of the origin {foreign:?}"), foreign));
    }
    let is_foreign = headers.get_all(FETCH_SITE).iter().any(|site| site != "same-origin" && site != "none");
    // An origin that may call comes from another site, too.
    let mut origins = headers.get_all(ORIGIN).iter();
    if is_foreign && !origins.any(|origin| cors::allows(config, origin)) && !cors::allows_all(config) {
        return Err(foreign_page("of another site", "https://chat.example.com"));
    }
    Ok(())
}

/// Whether a page is this server's own: it has the name under which the server was called, whatever stands in front of it.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        authority.strip_suffix(default_port).map(str::to_owned).unwrap_or(authority)
    };
    headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| bare(host) == bare(authority))
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
    fn a_host_is_read_without_its_port() {
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
            assert_eq!(name_of(host), name, "{host}");
        }
    }
}
