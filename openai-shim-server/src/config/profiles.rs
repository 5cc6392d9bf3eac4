//! Profiles by name: the built-in ones, and those that the file defines in `[[profile]]` sections.

use super::quirks;
use super::suggest;
use super::toml_tree::Section;
use openai_shim_core::Profile;
use openai_shim_core::profile::profiles as built_in;

/// All profiles that an upstream can name.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    /// Those of the file, in its order.
    own: Vec<Profile>,
}

impl Profiles {
    /// Reads the `[[profile]]` sections. Each inherits from a built-in profile, or from one that stands above it.
    pub(crate) fn read(top: &Section<'_>) -> Self {
        let mut profiles = Self::default();
        for section in top.sections("profile") {
            let name = section.text("name", |name| profiles.new_name(name).map(|()| name.to_owned()));
            // Files of earlier versions say `base`.
            let is_older = section.get("base").is_some() && section.get("inherit").is_none();
            let inherit = if is_older { "base" } else { "inherit" };
            let below = section.text(inherit, |name| profiles.find(name));
            for (key, example) in [
                ("name", "\"…\" with a name of your choice"),
                (inherit, "\"…\" with the profile to build on"),
            ] {
                if section.get(key).is_none() {
                    section.missing(key, example);
                }
            }
            let Some(below) = below else { continue };
            let mut profile = quirks::overlay_profile(&section, below.value);
            // Only a name selects it.
            profile.hosts.clear();
            if let Some(name) = name {
                profile.name = name.value;
                profiles.own.push(profile);
            }
        }
        profiles
    }

    /// The profile of that name.
    pub(crate) fn find(&self, name: &str) -> Result<Profile, String> {
        let all = || self.own.iter().chain(built_in());
        all().find(|profile| profile.name == name).cloned().ok_or_else(|| {
            let known: Vec<&str> = all().map(|profile| profile.name.as_str()).collect();
            format!("there is no profile {name:?}; {}", suggest::instead(name, &known))
        })
    }

    fn new_name(&self, name: &str) -> Result<(), String> {
        if name.trim().is_empty() {
            return Err(String::from("is empty; write a name of your choice"));
        }
        match self.find(name) {
            Ok(_) => Err(format!("there is a profile {name:?} already; write another name")),
            Err(_) => Ok(()),
        }
    }
}
