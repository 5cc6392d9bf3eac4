//! Reads the keys of clients: `client_keys` and the `[[key]]` sections in, checked keys with their models and limits out.

use super::overrides::Overrides;
use super::secret::{self, Secret};
use super::settings::ClientKey;
use super::toml_tree::{ConfigErrors, Section};
use super::upstream;
use openai_shim_core::profile::matches_pattern;
use std::net::SocketAddr;
use std::path::Path;

/// The fewest characters of a client key where other machines can try keys.
const MIN_CLIENT_KEY_CHARACTERS: usize = 16;
/// The section of keys with a name.
const SECTION: &str = "key";
/// The largest limit of a minute. Above it a single token would take less than a nanosecond.
const MAX_PER_MINUTE: u64 = 1_000_000_000;
/// The largest number of requests at once.
const MAX_CONCURRENT: u64 = 1_000_000;
/// The most characters of a name, which is a label of metrics.
const MAX_NAME_CHARACTERS: usize = 64;
const MODELS_EXAMPLE: &str = "[\"fast\", \"claude-*\"]";

/// The keys without a name: those of the environment, else those of the file.
pub(crate) fn read_client_keys(
    top: &Section<'_>,
    folder: &Path,
    overrides: &Overrides,
    faults: &ConfigErrors,
) -> Vec<Secret> {
    let resolve = |reference: &str| secret::resolve(reference, folder);
    let keys_of_file = top.texts("client_keys", "[\"env:SHIM_KEY\"]", resolve);
    if overrides.client_keys.is_empty() {
        return keys_of_file;
    }
    let references = overrides.client_keys.iter();
    references
        .filter_map(|key| upstream::from_reference("OPENAI_SHIM_CLIENT_KEYS", key.trim(), faults))
        .collect()
}

/// Checks the keys without a name: they must be too long to be guessed where other machines can try them.
pub(crate) fn check_lengths(
    top: &Section<'_>,
    listen: &SocketAddr,
    keys: &[Secret],
    overrides: &Overrides,
    faults: &ConfigErrors,
) {
    let short = keys.iter().position(|key| key.expose().len() < MIN_CLIENT_KEY_CHARACTERS);
    let Some(index) = short.filter(|_| !listen.ip().is_loopback()) else { return };
    let what = format!(
        "key number {} has fewer than {MIN_CLIENT_KEY_CHARACTERS} characters, and {listen} can be reached from other machines; \
         write a longer one, such as the output of `openssl rand -hex 16`",
        index + 1
    );
    match top.get("client_keys").filter(|_| overrides.client_keys.is_empty()) {
        Some(configured) => top.fault("client_keys", &configured.span(), what),
        None => faults.outside("OPENAI_SHIM_CLIENT_KEYS", what),
    }
}

/// A key, and the section that it was read from.
pub(crate) type ReadKey<'a> = (Section<'a>, ClientKey);

/// The keys of the file, in its order.
pub(crate) fn read_named_keys<'a>(top: &Section<'a>, folder: &Path) -> Vec<ReadKey<'a>> {
    let sections = top.sections(SECTION).into_iter();
    sections.filter_map(|section| Some((section, read_section(&section, folder)?))).collect()
}

fn read_section(section: &Section<'_>, folder: &Path) -> Option<ClientKey> {
    let name = section.text("name", parse_name);
    let key = section.text("key", |reference| secret::resolve(reference, folder));
    let models = models(section);
    let limit = |key: &str, max| section.number(key, 1..=max).map(|limit| limit.value);
    let requests_per_minute = limit("requests_per_minute", MAX_PER_MINUTE);
    let tokens_per_minute = limit("tokens_per_minute", MAX_PER_MINUTE);
    let concurrent = limit("concurrent", MAX_CONCURRENT);
    if section.get("name").is_none() {
        section.missing("name", "\"…\" with a name of your choice, such as \"team-a\"");
    }
    if section.get("key").is_none() {
        section.missing("key", "\"env:TEAM_A_KEY\", or \"file:PATH\"");
    }
    Some(ClientKey {
        name: name?.value,
        key: key?.value,
        models,
        requests_per_minute,
        tokens_per_minute,
        concurrent,
    })
}

/// The patterns of models. One that another covers, and a list without any, are faults.
fn models(section: &Section<'_>) -> Vec<String> {
    let models = section.texts("models", MODELS_EXAMPLE, |model| match model.trim() {
        "" => Err(String::from("is empty; write the name of a model, or \"*\" for all")),
        model => Ok(model.to_owned()),
    });
    let Some(item) = section.get("models") else { return models };
    if item.get_ref().as_array().is_some_and(|models| models.is_empty()) {
        let what = format!(
            "is empty, and the key could use no model; write models = {MODELS_EXAMPLE}, or leave it out for all models"
        );
        section.fault("models", &item.span(), what);
    }
    for (index, model) in models.iter().enumerate() {
        let covers = |(at, other): (usize, &String)| {
            // Of two equal ones the second is at fault.
            at != index && matches_pattern(other, model) && (at < index || !matches_pattern(model, other))
        };
        let by = models.iter().enumerate().find(|(at, other)| covers((*at, other)));
        if let Some((_, by)) = by {
            let what = format!(
                "{model:?} has no effect, because {by:?} stands for it as well; take one of them out"
            );
            section.fault("models", &item.span(), what);
        }
    }
    models
}

/// Checks the names and values of keys against each other, and their lengths. Faults name keys and never show one.
pub(crate) fn check_named_keys(listen: &SocketAddr, client_keys: &[Secret], named_keys: &[ReadKey<'_>]) {
    for (index, (section, key)) in named_keys.iter().enumerate() {
        let mut before = named_keys.iter().take(index).map(|(_, key)| key);
        let fault = |field: &str, what: String| {
            let span = section.get(field).map(toml::Spanned::span).unwrap_or_default();
            section.fault(field, &span, what);
        };
        if before.clone().any(|other| other.name == key.name) {
            fault("name", format!("two keys are called {:?}; write another name", key.name));
        }
        if let Some(other) = before.find(|other| other.key == key.key) {
            let what = format!(
                "{:?} and {:?} have the same key; write another one, such as `openssl rand -hex 16` prints",
                other.name, key.name
            );
            fault("key", what);
        }
        if let Some(number) = client_keys.iter().position(|other| *other == key.key) {
            let what = format!(
                "{:?} is also key number {} of client_keys, which have no limits; take it out there, or write another one \
                 here",
                key.name,
                number + 1
            );
            fault("key", what);
        }
        if key.key.expose().len() < MIN_CLIENT_KEY_CHARACTERS && !listen.ip().is_loopback() {
            let what = format!(
                "{:?} has fewer than {MIN_CLIENT_KEY_CHARACTERS} characters, and {listen} can be reached from other machines; \
                 write a longer one, such as the output of `openssl rand -hex 16`",
                key.name
            );
            fault("key", what);
        }
    }
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=MAX_NAME_CHARACTERS).contains(&name.len()) && name.chars().all(is_allowed) {
        return Ok(name.to_owned());
    }
    let kept = name.chars().map(|c| if is_allowed(c) { c } else { '-' });
    let suggestion: String = kept.take(MAX_NAME_CHARACTERS).collect();
    let suggestion = if name.is_empty() { "team-a" } else { suggestion.as_str() };
    Err(format!(
        "{name:?} cannot be the name of a key, which logs and metrics show; write at most {MAX_NAME_CHARACTERS} letters, \
         digits, -, _ and ., such as {suggestion:?}"
    ))
}
