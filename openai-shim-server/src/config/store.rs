//! Reads `[store]`: where the state between requests is kept, and the secrets that protect it.

use super::secret::{self, Secret};
use super::toml_tree::{Section, Source};
use super::units;
use std::fmt;
use std::time::Duration;
use url::Url;

/// Where the state between requests is kept.
#[derive(Debug, Clone, Default)]
pub struct StoreConfig {
    /// Derives the owners of state from client keys, and encrypts values in Redis; absent: owners are random, so that state does
    /// not outlive the process, and values are not encrypted.
    pub secret: Option<Secret>,
    /// Earlier secrets, under which entries are still found.
    pub old_secrets: Vec<Secret>,
    /// The server that keeps the state; absent: it is kept in memory.
    pub redis: Option<RedisConfig>,
}

/// A server with the protocol of Redis: Redis itself, Valkey, and others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// The host name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The user, for servers with access control lists.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u16,
    /// The text before every key.
    pub prefix: String,
    /// How long an operation may take before the request goes on without it.
    pub timeout: Duration,
}

/// The default of `store.timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(50);
/// The longest `store.timeout`: requests wait for it.
const MAX_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of `store.prefix`.
const MAX_PREFIX_BYTES: usize = 64;
/// The fewest characters of the secret from which owners are derived.
const MIN_SECRET_CHARACTERS: usize = 32;
/// The port of a URL without one.
const DEFAULT_PORT: u16 = 6379;
/// The schemes of URLs, and whether the connection is encrypted.
const SCHEMES: [(&str, bool); 4] = [("redis", false), ("rediss", true), ("valkey", false), ("valkeys", true)];

impl StoreConfig {
    pub(crate) fn read(section: &Section<'_>, source: &Source) -> Self {
        let long = |reference: &str| long_secret(reference, source);
        let secret = section.text("secret", long).map(|secret| secret.value);
        let old_secrets = section.texts("old_secrets", "[\"env:OLD_SHIM_STATE_SECRET\"]", long);
        if let Some(old) = section.get("old_secrets").filter(|_| section.get("secret").is_none()) {
            let what = "there is no present one; write secret = \"env:SHIM_STATE_SECRET\" beside it";
            section.fault("old_secrets", &old.span(), what);
        }
        Self { secret, old_secrets, redis: redis(section, source) }
    }
}

fn redis(section: &Section<'_>, source: &Source) -> Option<RedisConfig> {
    let resolve = |reference: &str| secret::resolve(reference, source.folder());
    let password = section.text("password", resolve).map(|password| password.value);
    let prefix = section.text("prefix", parse_prefix).map(|prefix| prefix.value);
    let timeout = section.text("timeout", parse_timeout).map(|timeout| timeout.value);
    if section.get("url").is_none() {
        for key in ["password", "prefix", "timeout"] {
            if let Some(value) = section.get(key) {
                let what =
                    "is for a server, and there is none; write url = \"redis://127.0.0.1:6379\" beside it";
                section.fault(key, &value.span(), what);
            }
        }
    }
    let url = section.text("url", |reference| parse_url(resolve(reference)?.expose()))?;
    Some(RedisConfig {
        password: password.or(url.value.password),
        prefix: prefix.unwrap_or(url.value.prefix),
        timeout: timeout.unwrap_or(url.value.timeout),
        ..url.value
    })
}

fn long_secret(reference: &str, source: &Source) -> Result<Secret, String> {
    let secret = secret::resolve(reference, source.folder())?;
    match secret.expose().len() {
        MIN_SECRET_CHARACTERS.. => Ok(secret),
        n => Err(format!(
            "the secret has {n} characters, and can be guessed; write one of at least {MIN_SECRET_CHARACTERS}, such \
             as `openssl rand -hex 32` prints"
        )),
    }
}

/// Parses a URL. Errors do not contain it, since it may hold a password.
fn parse_url(text: &str) -> Result<RedisConfig, String> {
    const EXAMPLE: &str = "write one such as \"redis://127.0.0.1:6379\", \"rediss://user:password@redis.example.com:6380/0\", or env:NAME";
    let url = Url::parse(text).map_err(|_| format!("is no URL; {EXAMPLE}"))?;
    let Some((_, tls)) = SCHEMES.iter().find(|(scheme, _)| *scheme == url.scheme()) else {
        return Err(format!(
            "has the scheme {:?}, and must begin with redis:// or rediss://; {EXAMPLE}",
            url.scheme()
        ));
    };
    let host =
        url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| format!("has no host; {EXAMPLE}"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has something behind `?` or `#`, which has no meaning here; {EXAMPLE}"));
    }
    let database = match url.path().trim_matches('/') {
        "" => 0,
        number => number.parse().map_err(|_| {
            String::from("has a path that is no number of a database; write /0, or leave it out")
        })?,
    };
    Ok(RedisConfig {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(DEFAULT_PORT),
        tls: *tls,
        user: Some(decode(url.username())?).filter(|user| !user.is_empty()),
        password: url.password().map(decode).transpose()?.map(Secret::new),
        database,
        prefix: String::new(),
        timeout: DEFAULT_TIMEOUT,
    })
}

/// Decodes the percent-encoding of a user or a password.
fn decode(text: &str) -> Result<String, String> {
    // A form's value differs in `+`, which stands for itself here.
    let form = format!("v={}", text.replace('+', "%2B"));
    let (_, value) = url::form_urlencoded::parse(form.as_bytes()).next().unwrap_or_default();
    if value.contains('\u{fffd}') {
        return Err(String::from(
            "has a user or password whose percent-encoding is not UTF-8; encode it as UTF-8",
        ));
    }
    Ok(value.into_owned())
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let fits =
        text.len() <= MAX_PREFIX_BYTES && text.bytes().all(|b| b.is_ascii_graphic() && !b"{}".contains(&b));
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} cannot begin a key; write at most {MAX_PREFIX_BYTES} visible ASCII characters without braces, such as \
         \"team-a:\""
    ))
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    match units::wait(text)? {
        timeout if timeout <= MAX_TIMEOUT => Ok(timeout),
        _ => Err(format!(
            "{text:?} is too long, since requests wait for it; write at most {:?}",
            units::show_duration(MAX_TIMEOUT)
        )),
    }
}

impl fmt::Display for RedisConfig {
    /// The URL without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss://" } else { "redis://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}/{}", self.host, self.port, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_taken_apart_and_printed_without_its_password() {
        let url = parse_url("rediss://me:p%40ss+w%3Ard@redis.example.com/3").unwrap();
        assert_eq!((&*url.host, url.port, url.tls, url.database), ("redis.example.com", 6379, true, 3));
        assert_eq!(
            (url.user.as_deref(), url.password.as_ref().map(Secret::expose)),
            (Some("me"), Some("p@ss+w:rd"))
        );
        assert_eq!(url.to_string(), "rediss://me@redis.example.com:6379/3");
        assert!(!format!("{url:?}").contains("p@ss"));
        assert_eq!(parse_url("valkey://[::1]:7").unwrap().to_string(), "redis://[::1]:7/0");
        assert_eq!(parse_url("redis://:only@h").unwrap().user, None);
    }

    #[test]
    fn faults_of_a_url_do_not_contain_it() {
        for (url, says) in [
            ("127.0.0.1:6379", "is no URL"),
            ("http://:hunter2@h", "must begin with redis://"),
            ("redis://:hunter2@", "is no URL"),
            ("redis://:hunter2@h/zero", "no number of a database"),
            ("redis://:hunter2@h/?x=1", "behind `?`"),
            ("redis://:hunter2%ff@h", "not UTF-8"),
        ] {
            let fault = parse_url(url).unwrap_err();
            assert!(fault.contains(says) && !fault.contains("hunter2"), "{url}: {fault}");
        }
    }
}
