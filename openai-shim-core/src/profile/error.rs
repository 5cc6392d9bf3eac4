//! The rules of a profile that cannot work.

use std::fmt;

/// A rule with a value that cannot work.
///
/// ```
/// use openai_shim_core::profile::InvalidRule;
/// use openai_shim_core::profile;
/// let mut profile = profile("vllm")?;
/// profile.auth.header = String::from("my key");
/// let invalid: Vec<InvalidRule> = profile.invalid_rules();
/// assert!(invalid[0].to_string().starts_with("auth.header: \"my key\" is not the name of a header"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidRule {
    /// The rule's key, such as `paths.generate`; `model_overrides[0].params.clamp` for a rule of an override.
    pub key: String,
    /// What is wrong with the value, and what to write instead.
    pub problem: String,
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

/// What to write instead of an unknown name: the known one that differs only in its case and its signs, or any of them.
pub(super) fn instead(unknown: &str, known: &[&str]) -> String {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    match known.iter().find(|name| plain(name) == plain(unknown)) {
        Some(name) => format!("write {name:?} instead"),
        None => format!("write one of {}", known.join(", ")),
    }
}

/// A profile cannot work: the keys of its rules, and what to write instead.
///
/// ```
/// use openai_shim_core::profile::{PathsLayer, ProfileLayer};
/// let layer = ProfileLayer::inherit("vllm").with_paths(PathsLayer::default().with_models("models"));
/// let error = layer.build().unwrap_err();
/// assert_eq!(error.rules()[0].key, "paths.models");
/// assert_eq!(error.to_string(), "paths.models: \"models\" is not a path; write one such as \"/models\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    rules: Vec<InvalidRule>,
}

impl ProfileError {
    /// One rule that cannot work.
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { rules: vec![InvalidRule { key: key.into(), problem: problem.into() }] }
    }

    /// The same about another key.
    pub(super) fn at(mut self, key: &str) -> Self {
        self.rules.iter_mut().for_each(|rule| key.clone_into(&mut rule.key));
        self
    }

    /// An error where there are rules that cannot work.
    pub(super) fn check(rules: Vec<InvalidRule>) -> Result<(), Self> {
        if rules.is_empty() { Ok(()) } else { Err(Self { rules }) }
    }

    /// The rules that cannot work, one at least.
    pub fn rules(&self) -> &[InvalidRule] {
        &self.rules
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rule) in self.rules.iter().enumerate() {
            write!(f, "{}{rule}", if i > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileError {}
