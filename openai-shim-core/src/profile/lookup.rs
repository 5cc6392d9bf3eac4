//! A built-in profile by its name, its dialect, or the host of a base URL.

use super::definition::Profile;
use super::table;
use crate::accepts::ReasoningRules;
use crate::error::ClientError;

/// The built-in profiles, in the table's order.
pub fn profiles() -> &'static [Profile] {
    table::built_in()
}

/// A copy of the built-in profile of that name.
///
/// # Errors
/// If there is no such profile; the message lists all names.
pub fn profile(name: &str) -> Result<Profile, ClientError> {
    profiles().iter().find(|profile| profile.name == name).cloned().ok_or_else(|| {
        let known: Vec<_> = profiles().iter().map(|profile| profile.name.as_str()).collect();
        ClientError::invalid(format!("There is no profile {name:?}; there are: {}.", known.join(", ")))
    })
}

/// The profile of the API that the dialect belongs to; `None` for OpenAI's chat, which many APIs have, and for dialects
/// without one.
pub fn native_profile(dialect: &str) -> Option<Profile> {
    let default = Profile::default().dialect;
    profiles().iter().find(|profile| profile.dialect == dialect && profile.dialect != default).cloned()
}

/// What the vendor of a dialect accepts and does about reasoning, for one model; `None` for a dialect of many vendors.
pub(crate) fn native_reasoning(dialect: &str, model: &str) -> Option<ReasoningRules> {
    let default = "openai-chat";
    let profile = profiles().iter().find(|profile| profile.dialect == dialect && dialect != default)?;
    let mut rules = ReasoningRules::default();
    rules.overlay(&profile.reasoning);
    for layer in profile.model_overrides.iter().filter(|layer| layer.applies_to(model)) {
        rules.overlay(&layer.reasoning);
    }
    Some(rules)
}

/// The profile whose hosts match an authority (`host` or `host:port`), else `compatible`.
pub fn profile_for(authority: &str) -> Profile {
    profiles()
        .iter()
        .find(|profile| profile.matches(authority))
        .or_else(|| profiles().iter().find(|profile| profile.name == "compatible"))
        .cloned()
        .unwrap_or_default()
}
