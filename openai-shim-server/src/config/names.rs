//! Looks up profiles and dialects by name: the name in, the profile or dialect or an error with a suggestion out.

use super::suggest;
use openai_shim_core::Profile;
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::profile::profiles;

/// The built-in profile of that name.
pub(crate) fn find_profile(name: &str) -> Result<Profile, String> {
    profiles().iter().find(|profile| profile.name == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = profiles().iter().map(|profile| profile.name.as_str()).collect();
        format!("there is no profile {name:?}; {}", suggest::instead(name, &known))
    })
}

/// The dialect of that name.
pub(crate) fn find_dialect(name: &str) -> Result<String, String> {
    let known: Vec<&str> = DIALECTS.iter().map(|d| d.name()).collect();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("there is no dialect {name:?}; {}", suggest::instead(name, &known)))
}
