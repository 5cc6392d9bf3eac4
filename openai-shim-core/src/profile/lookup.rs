//! A built-in profile by its name, its dialect, or the host of a base URL.

use super::definition::{DEFAULT_DIALECT, Profile};
use super::error::{ProfileError, instead};
use super::table;
use crate::accepts::ReasoningRules;
use crate::dialect::Dialect;
use std::str::FromStr;

/// The built-in profiles, in the table's order.
///
/// ```
/// use openai_shim_core::profile::profiles;
/// assert!(profiles().iter().any(|profile| profile.name == "groq"));
/// ```
pub fn profiles() -> &'static [Profile] {
    table::built_in()
}

/// A copy of the built-in profile of that name, as `"vllm".parse::<Profile>()` is.
///
/// ```
/// use openai_shim_core::profile::{Profile, profile};
/// assert_eq!(profile("vllm")?, "vllm".parse::<Profile>()?);
/// # Ok::<(), openai_shim_core::profile::ProfileError>(())
/// ```
///
/// # Errors
/// There is no such profile; the message lists all names.
pub fn profile(name: &str) -> Result<Profile, ProfileError> {
    profiles().iter().find(|profile| profile.name == name).cloned().ok_or_else(|| {
        let known: Vec<_> = Profile::builtin_names().collect();
        ProfileError::new("profile", format!("there is no profile {name:?}; {}", instead(name, &known)))
    })
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// The built-in profile of that name.
    fn from_str(name: &str) -> Result<Self, ProfileError> {
        profile(name)
    }
}

impl Profile {
    /// The names of the built-in profiles, in the table's order.
    ///
    /// ```
    /// use openai_shim_core::Profile;
    /// assert!(Profile::builtin_names().any(|name| name == "vllm"));
    /// ```
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        profiles().iter().map(|profile| profile.name.as_str())
    }

    /// The built-in profile of the API that the dialect belongs to; `None` for OpenAI's chat, which many APIs have, and for
    /// dialects without one.
    ///
    /// ```
    /// use openai_shim_core::Profile;
    /// assert_eq!(Profile::native("gemini".parse()?).unwrap().name, "gemini");
    /// assert!(Profile::native("openai-chat".parse()?).is_none());
    /// # Ok::<(), openai_shim_core::error::ClientError>(())
    /// ```
    pub fn native(dialect: Dialect) -> Option<Self> {
        native_row(dialect.name()).cloned()
    }

    /// The built-in profile whose hosts match the authority of a base URL (`host` or `host:port`), else `compatible`.
    ///
    /// ```
    /// use openai_shim_core::Profile;
    /// assert_eq!(Profile::for_authority("api.groq.com").name, "groq");
    /// assert_eq!(Profile::for_authority("llm.example.com:8443").name, "compatible");
    /// ```
    pub fn for_authority(authority: &str) -> Self {
        profiles()
            .iter()
            .find(|profile| profile.matches(authority))
            .or_else(|| profiles().iter().find(|profile| profile.name == "compatible"))
            .cloned()
            .unwrap_or_default()
    }
}

/// The row of the API that a dialect belongs to; `None` for the default dialect, which many APIs have.
fn native_row(dialect: &str) -> Option<&'static Profile> {
    profiles().iter().find(|profile| profile.dialect == dialect && dialect != DEFAULT_DIALECT)
}

/// What the vendor of a dialect accepts and does about reasoning, for one model; `None` for a dialect of many vendors.
pub(crate) fn native_reasoning(dialect: &str, model: &str) -> Option<ReasoningRules> {
    let profile = native_row(dialect)?;
    let mut rules = ReasoningRules::default();
    rules.overlay(&profile.reasoning);
    for layer in profile.model_overrides.iter().filter(|layer| layer.applies_to(model)) {
        rules.overlay(&layer.reasoning);
    }
    Some(rules)
}
