//! Reads one upstream's configuration from its `[[upstream]]` section or from arguments, with its profile.

use super::names::find_dialect;
use super::overrides::Overrides;
use super::profiles::Profiles;
use super::quirks;
use super::secret::{self, Secret};
use super::settings::{ModelConfig, UpstreamConfig, UpstreamLocation};
use super::toml_tree::{ConfigErrors, Located, Section};
use crate::cassettes;
use openai_shim_core::profile::{normal_base_url, profiles};
use openai_shim_core::{Dialect, Profile};
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// The upstreams of the file.
pub(crate) fn from_file(top: &Section<'_>, folder: &Path, profiles: &Profiles) -> Vec<UpstreamConfig> {
    let mut upstreams: Vec<UpstreamConfig> = Vec::new();
    for section in top.sections("upstream") {
        let Some((name, upstream)) = read_section(&section, folder, profiles) else { continue };
        if upstreams.iter().any(|u| u.name == upstream.name) {
            let what = format!("two upstreams are called {:?}; write another name", upstream.name);
            section.fault("name", &name.span, what);
        }
        upstreams.push(upstream);
    }
    upstreams
}

fn read_section(
    section: &Section<'_>,
    folder: &Path,
    profiles: &Profiles,
) -> Option<(Located<String>, UpstreamConfig)> {
    let name = section.text("name", parse_name);
    let target = section.text("base_url", |text| Ok(parse_target(text)?.relative_to(folder)));
    let chosen = section.text("profile", |name| profiles.find(name));
    let dialect = section.text("dialect", find_dialect);
    let api_keys = api_keys(section, folder);
    let models = models(section);
    if section.get("name").is_none() {
        section.missing("name", "\"…\" with a name of your choice");
    }
    if section.get("base_url").is_none() {
        section.missing("base_url", "\"https://api.example.com/v1\", or \"echo\"");
    }
    let by_host = || {
        let Some(target) = &target else { return Profile::default() };
        profile_for_target(&target.value).unwrap_or_else(|what| {
            section.fault("base_url", &target.span, what);
            Profile::default()
        })
    };
    let is_profile_chosen = chosen.is_some();
    let mut profile = chosen.map_or_else(by_host, |profile| profile.value);
    if let Some(dialect) = dialect {
        profile = with_dialect(profile, dialect.value, is_profile_chosen);
    }
    let profile = quirks::overlay_section(section, profile);
    let (name, target) = (name?, target?);
    let upstream = UpstreamConfig {
        name: name.value.clone(),
        target: target.value,
        profile: profile.into(),
        api_keys,
        models,
    };
    Some((name, upstream))
}

/// The names of the file's upstreams, also of those that have faults.
pub(crate) fn names_in_file(top: &Section<'_>) -> Vec<String> {
    let sections = top.get("upstream").and_then(|upstreams| upstreams.get_ref().as_array());
    let names =
        sections.into_iter().flatten().filter_map(|section| section.get_ref().as_table()?.get("name"));
    names.filter_map(|name| Some(name.get_ref().as_str()?.to_owned())).collect()
}

/// `api_keys`, or the only one of `api_key`.
fn api_keys(section: &Section<'_>, folder: &Path) -> Vec<Secret> {
    let resolve = |reference: &str| secret::resolve(reference, folder);
    let single = section.text("api_key", resolve);
    let several = section.texts("api_keys", "[\"env:KEY_1\", \"env:KEY_2\"]", resolve);
    if let (Some(_), Some(item)) = (section.get("api_key"), section.get("api_keys")) {
        let what = "api_key is there as well; write all keys into api_keys";
        section.fault("api_keys", &item.span(), what);
    }
    single.map(|key| key.value).into_iter().chain(several).collect()
}

/// The upstream that arguments name.
pub(crate) fn from_arguments(
    target: &str,
    overrides: &Overrides,
    profiles: &Profiles,
    faults: &ConfigErrors,
) -> Option<UpstreamConfig> {
    let target = parse_target(target).map_err(|what| faults.outside("--upstream", what)).ok()?;
    let profile = profile_for_target(&target).map_err(|what| faults.outside("--upstream", what)).ok()?;
    let name = match (&target, profile.name.as_str()) {
        (UpstreamLocation::Echo, _) => String::from("echo"),
        (UpstreamLocation::Replay(_), _) => String::from("replay"),
        (UpstreamLocation::Http(base), "compatible") => host(base),
        (UpstreamLocation::Http(_), profile) => profile.to_owned(),
    };
    let mut upstream =
        UpstreamConfig { name, target, profile: profile.into(), api_keys: Vec::new(), models: Vec::new() };
    let named = overrides.profile.as_deref().and_then(|name| profiles.find(name).ok());
    if let Some(profile) = named.filter(|_| matches!(upstream.target, UpstreamLocation::Http(_))) {
        upstream.name = profile.name;
    }
    apply_overrides(&mut upstream, overrides, profiles, faults);
    Some(upstream)
}

/// Applies `--profile`, `--dialect` and `--api-key` to an upstream.
pub(crate) fn apply_overrides(
    upstream: &mut UpstreamConfig,
    overrides: &Overrides,
    profiles: &Profiles,
    faults: &ConfigErrors,
) {
    if let Some(name) = &overrides.profile {
        match profiles.find(name) {
            Ok(profile) => upstream.profile = profile.into(),
            Err(what) => faults.outside("--profile", what),
        }
    }
    if let Some(name) = &overrides.dialect {
        match find_dialect(name) {
            Ok(dialect) => {
                let profile = Arc::unwrap_or_clone(upstream.profile.clone());
                upstream.profile = with_dialect(profile, dialect, overrides.profile.is_some()).into();
            }
            Err(what) => faults.outside("--dialect", what),
        }
    }
    if let Some(reference) = &overrides.api_key {
        upstream.api_keys = from_reference("--api-key", reference, faults).into_iter().collect();
    }
}

/// A profile with another dialect. If the profile was not chosen explicitly, it becomes that of the dialect's own API.
fn with_dialect(profile: Profile, dialect: Dialect, is_profile_chosen: bool) -> Profile {
    if profile.dialect == dialect.name() {
        return profile;
    }
    let native = if is_profile_chosen { None } else { Profile::native(dialect) };
    let mut profile = native.unwrap_or(profile);
    dialect.name().clone_into(&mut profile.dialect);
    profile
}

/// The secret of a reference in an argument or a variable.
pub(crate) fn from_reference(option: &str, reference: &str, faults: &ConfigErrors) -> Option<Secret> {
    secret::resolve(reference, Path::new("")).map_err(|what| faults.outside(option, what)).ok()
}

/// How `models` is written, for faults.
const MODELS_EXAMPLE: &str = "[\"gpt-4o\", { id = \"gpt-4o\", upstream = \"its-own-name\" }]";

fn models(section: &Section<'_>) -> Vec<ModelConfig> {
    let mut models: Vec<ModelConfig> = Vec::new();
    for item in section.list("models", MODELS_EXAMPLE) {
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
    let parse_model = |text: &str| match text.trim() {
        "" => Err(String::from("is empty; write the name of a model")),
        _ => Ok(text.to_owned()),
    };
    if let DeValue::String(id) = item.get_ref() {
        let id = parse_model(id).map_err(|what| section.fault("models", &item.span(), what)).ok()?;
        return Some(ModelConfig { upstream: id.clone(), id });
    }
    let Some(alias) = section.inline("upstream.models", item) else {
        section.fault(
            "models",
            &item.span(),
            format!("a model is a text or a pair of names; write models = {MODELS_EXAMPLE}"),
        );
        return None;
    };
    if alias.get("id").is_none() {
        alias.missing("id", "\"…\" with the name that clients use");
    }
    let upstream = alias.text("upstream", |text| match parse_model(text)? {
        name if name.contains('*') => Err(format!(
            "{name:?} is no name of a model; write one, or leave upstream out to pass on the client's own name"
        )),
        name => Ok(name),
    });
    let id = alias.text("id", parse_model)?.value;
    Some(ModelConfig { upstream: upstream.map_or_else(|| id.clone(), |u| u.value), id })
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(is_allowed) {
        return Ok(name.to_owned());
    }
    let suggestion: String = name.chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
    let suggestion = if name.is_empty() { "my-upstream" } else { suggestion.as_str() };
    Err(format!(
        "{name:?} cannot be a name, because clients write name/model; write letters, digits, -, _ and . only, such as \
         {suggestion:?}"
    ))
}

/// Parses a base URL into its normal form, `echo`, or `replay:` with a folder.
pub(crate) fn parse_target(text: &str) -> Result<UpstreamLocation, String> {
    let text = text.trim();
    if text == "echo" {
        return Ok(UpstreamLocation::Echo);
    }
    if let Some(folder) = text.strip_prefix("replay:") {
        return match folder.trim() {
            "" => Err(String::from(
                "replay: needs a folder of cassettes; write one such as \"replay:cassettes\"",
            )),
            folder => Ok(UpstreamLocation::Replay(folder.into())),
        };
    }
    normal_base_url(text).map(UpstreamLocation::Http).map_err(|problem| {
        format!("{problem} (keys are written as api_key = \"env:NAME\"; \"echo\" needs no URL)")
    })
}

impl UpstreamLocation {
    /// A folder's path is relative to that of the file that it stands in.
    fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::Replay(path) => Self::Replay(folder.join(path)),
            other => other,
        }
    }
}

/// The profile whose hosts match; for `echo`, OpenAI's; for cassettes, theirs.
fn profile_for_target(target: &UpstreamLocation) -> Result<Profile, String> {
    Ok(match target {
        UpstreamLocation::Echo => {
            // `echo` has the chat dialect only.
            let openai = profiles().iter().find(|profile| profile.name == "openai");
            openai.cloned().unwrap_or_default().with_only_dialect("openai-chat")
        }
        UpstreamLocation::Replay(folder) => cassettes::profile_of(folder)?,
        UpstreamLocation::Http(base) => Profile::for_authority(authority(base)),
    })
}

fn authority(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

/// The host of a base URL, in characters that an upstream's name may have.
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
    fn target_is_a_base_url_or_a_word() {
        let base = UpstreamLocation::Http(String::from("https://api.example.com/v1"));
        assert_eq!(parse_target("HTTPS://API.example.com//v1/"), Ok(base));
        assert_eq!(parse_target("echo"), Ok(UpstreamLocation::Echo));
        for wrong in ["", "api.example.com/v1", "https://me:sk-secret@example.com/v1"] {
            let fault = parse_target(wrong).unwrap_err();
            assert!(fault.contains("api_key") && !fault.contains("sk-secret"), "{fault}");
        }
    }

    #[test]
    fn upstream_without_own_profile_is_named_after_its_host() {
        assert_eq!(host("http://127.0.0.1:8080/v1"), "127.0.0.1");
        assert_eq!(host("http://[::1]:8080/v1"), "--1");
        assert_eq!(host("https://llm.example.com"), "llm.example.com");
    }
}
