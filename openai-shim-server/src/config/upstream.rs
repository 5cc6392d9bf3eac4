//! One upstream: from its section, or from arguments.

use super::load::Overrides;
use super::names::{find_dialect, find_profile};
use super::toml_tree::{ConfigErrors, Located, Section};
use super::{ModelConfig, Secret, UpstreamConfig, UpstreamLocation, quirks, secret};
use openai_shim_core::Profile;
use openai_shim_core::profile::{native_profile, profile_for, profiles};
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// The upstreams of the file.
pub(crate) fn from_file(top: &Section<'_>, folder: &Path) -> Vec<UpstreamConfig> {
    let mut upstreams: Vec<UpstreamConfig> = Vec::new();
    for section in top.sections("upstream") {
        let Some((name, upstream)) = one(&section, folder) else { continue };
        if upstreams.iter().any(|u| u.name == upstream.name) {
            let what = format!("two upstreams are called {:?}; write another name", upstream.name);
            section.fault("name", &name.span, what);
        }
        upstreams.push(upstream);
    }
    upstreams
}

fn one(section: &Section<'_>, folder: &Path) -> Option<(Located<String>, UpstreamConfig)> {
    let name = section.text("name", parse_name);
    let target = section.text("base_url", parse_target);
    let chosen = section.text("profile", find_profile);
    let dialect = section.text("dialect", find_dialect);
    let api_key = section.text("api_key", |reference| secret::resolve(reference, folder));
    let models = models(section);
    if section.get("name").is_none() {
        section.missing("name", "\"…\" with a name of your choice");
    }
    if section.get("base_url").is_none() {
        section.missing("base_url", "\"https://api.example.com/v1\", or \"echo\"");
    }
    let by_host = || target.as_ref().map(|target| row_for(&target.value)).unwrap_or_default();
    let named = chosen.is_some();
    let mut profile = chosen.map_or_else(by_host, |row| row.value);
    if let Some(dialect) = dialect {
        profile = spoken(profile, dialect.value, !named);
    }
    let profile = quirks::overlay(section, profile);
    let (name, target) = (name?, target?);
    let upstream = UpstreamConfig {
        name: name.value.clone(),
        target: target.value,
        profile: profile.into(),
        api_key: api_key.map(|key| key.value),
        models,
    };
    Some((name, upstream))
}

/// The upstream that arguments name.
pub(crate) fn from_arguments(
    target: &str,
    overrides: &Overrides,
    faults: &ConfigErrors,
) -> Option<UpstreamConfig> {
    let target = parse_target(target).map_err(|what| faults.outside("--upstream", what)).ok()?;
    let profile = row_for(&target);
    let name = match (&target, profile.name.as_str()) {
        (UpstreamLocation::Echo, _) => String::from("echo"),
        (UpstreamLocation::Http(base), "compatible") => host(base),
        (UpstreamLocation::Http(_), row) => row.to_owned(),
    };
    let mut upstream =
        UpstreamConfig { name, target, profile: profile.into(), api_key: None, models: Vec::new() };
    let named = overrides.profile.as_deref().and_then(|name| find_profile(name).ok());
    if let Some(row) = named.filter(|_| upstream.target != UpstreamLocation::Echo) {
        upstream.name = row.name;
    }
    change(&mut upstream, overrides, faults);
    Some(upstream)
}

/// Changes an upstream as `--profile`, `--dialect` and `--api-key` say.
pub(crate) fn change(upstream: &mut UpstreamConfig, overrides: &Overrides, faults: &ConfigErrors) {
    if let Some(name) = &overrides.profile {
        match find_profile(name) {
            Ok(row) => upstream.profile = row.into(),
            Err(what) => faults.outside("--profile", what),
        }
    }
    if let Some(name) = &overrides.dialect {
        match find_dialect(name) {
            Ok(dialect) => {
                let row = Arc::unwrap_or_clone(upstream.profile.clone());
                upstream.profile = spoken(row, dialect, overrides.profile.is_none()).into();
            }
            Err(what) => faults.outside("--dialect", what),
        }
    }
    if let Some(reference) = &overrides.api_key {
        upstream.api_key = from_reference("--api-key", reference, faults);
    }
}

/// A row that speaks another dialect. Where only the dialect was chosen, the row of its own API is meant.
fn spoken(row: Profile, dialect: String, free: bool) -> Profile {
    if row.dialect == dialect {
        return row;
    }
    let native = if free { native_profile(&dialect) } else { None };
    let mut row = native.unwrap_or(row);
    row.dialect = dialect;
    row
}

/// A secret that an argument or a variable refers to.
pub(crate) fn from_reference(option: &str, reference: &str, faults: &ConfigErrors) -> Option<Secret> {
    secret::resolve(reference, Path::new("")).map_err(|what| faults.outside(option, what)).ok()
}

const MODELS: &str = "[\"gpt-4o\", { id = \"gpt-4o\", upstream = \"its-own-name\" }]";

fn models(section: &Section<'_>) -> Vec<ModelConfig> {
    let mut models: Vec<ModelConfig> = Vec::new();
    for item in section.list("models", MODELS) {
        let Some(model) = model(section, item) else { continue };
        if models.iter().any(|m| m.id == model.id) {
            let what = format!("the model {:?} is there twice; write each id once", model.id);
            section.fault("models", &item.span(), what);
        } else {
            models.push(model);
        }
    }
    models
}

fn model<'a>(section: &Section<'a>, item: &'a Spanned<DeValue<'a>>) -> Option<ModelConfig> {
    let named = |text: &str| match text.trim() {
        "" => Err(String::from("is empty; write the name of a model")),
        _ => Ok(text.to_owned()),
    };
    if let DeValue::String(id) = item.get_ref() {
        let id = named(id).map_err(|what| section.fault("models", &item.span(), what)).ok()?;
        return Some(ModelConfig { upstream: id.clone(), id });
    }
    let Some(alias) = section.inline("upstream.models", item) else {
        section.fault(
            "models",
            &item.span(),
            format!("a model is a text or a pair of names; write models = {MODELS}"),
        );
        return None;
    };
    if alias.get("id").is_none() {
        alias.missing("id", "\"…\" with the name that clients use");
    }
    let upstream = alias.text("upstream", named);
    let id = alias.text("id", named)?.value;
    Some(ModelConfig { upstream: upstream.map_or_else(|| id.clone(), |u| u.value), id })
}

fn parse_name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    let tidy: String = name.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    let tidy = if name.is_empty() { "my-upstream" } else { tidy.as_str() };
    Err(format!(
        "{name:?} cannot be a name, because clients write name/model; write letters, digits, -, _ and . only, such as \
         {tidy:?}"
    ))
}

/// A base URL in its plainest form, or `echo`.
pub(crate) fn parse_target(text: &str) -> Result<UpstreamLocation, String> {
    const EXAMPLE: &str = "write one such as \"https://api.example.com/v1\", or \"echo\"";
    let text = text.trim();
    if text == "echo" {
        return Ok(UpstreamLocation::Echo);
    }
    // Before anything is quoted: what stands here may be a secret.
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next();
    if authority.is_some_and(|a| a.contains('@')) {
        return Err(String::from(
            "a base URL must not hold credentials, because it is logged; write the URL without them and api_key = \
             \"env:NAME\"",
        ));
    }
    if let Some((base, _)) = text.split_once(['?', '#']) {
        return Err(format!(
            "a base URL cannot have a query; write {base:?}, and the key as api_key = \"env:NAME\""
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
    let authority = uri.authority().map(|a| a.as_str().to_ascii_lowercase()).unwrap_or_default();
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    // People paste the URL of the one call that they know.
    let segments = segments.strip_suffix(&["chat", "completions"]).unwrap_or(&segments);
    let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
    Ok(UpstreamLocation::Http(format!("{scheme}://{authority}{path}")))
}

/// The row whose hosts match. `echo` answers as OpenAI does.
fn row_for(target: &UpstreamLocation) -> Profile {
    match target {
        UpstreamLocation::Echo => {
            let openai = profiles().iter().find(|row| row.name == "openai");
            let mut row = openai.cloned().unwrap_or_default();
            // It knows chats only.
            row.extra_dialects.clear();
            row.model_overrides.iter_mut().for_each(|rules| rules.extra_dialects = None);
            row
        }
        UpstreamLocation::Http(base) => profile_for(authority(base)),
    }
}

fn authority(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

/// The host of a base URL, as far as it can be part of a name.
fn host(base: &str) -> String {
    let authority = authority(base);
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host);
    host.trim_matches(['[', ']']).replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_brought_to_their_plainest_form() {
        let plain = |text: &str| match parse_target(text) {
            Ok(UpstreamLocation::Http(base)) => base,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(plain("https://api.example.com/v1/"), "https://api.example.com/v1");
        assert_eq!(plain("HTTPS://API.example.com//v1//"), "https://api.example.com/v1");
        assert_eq!(plain("http://localhost:11434"), "http://localhost:11434");
        assert_eq!(plain("http://localhost:8080/v1/chat/completions"), "http://localhost:8080/v1");
        assert_eq!(plain("http://[::1]:8080/V1"), "http://[::1]:8080/V1");
        assert_eq!(parse_target("echo"), Ok(UpstreamLocation::Echo));
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_advice() {
        for wrong in ["", "api.example.com/v1", "ftp://example.com", "http://", "https://exa mple.com"] {
            assert!(
                parse_target(wrong).is_err_and(|e| e.contains("https://api.example.com/v1")),
                "{wrong:?}"
            );
        }
        assert!(parse_target("https://h/v1?key=sk-secret").is_err_and(|e| e.contains("\"https://h/v1\"")));
    }

    #[test]
    fn credentials_in_a_base_url_are_refused_and_not_repeated() {
        for wrong in
            ["https://me:sk-secret@example.com/v1", "https://sk-secret@h?x=1", "sk-secret@example.com"]
        {
            let fault = parse_target(wrong).unwrap_err();
            assert!(fault.contains("api_key") && !fault.contains("sk-secret"), "{fault}");
        }
    }

    #[test]
    fn an_upstream_without_a_row_of_its_own_is_named_after_its_host() {
        assert_eq!(host("http://127.0.0.1:8080/v1"), "127.0.0.1");
        assert_eq!(host("http://[::1]:8080/v1"), "--1");
        assert_eq!(host("https://llm.example.com"), "llm.example.com");
    }
}
