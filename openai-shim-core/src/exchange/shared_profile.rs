//! [`SharedProfile`]: the profile of an upstream for many requests, and what follows from it for a model, computed once.

use crate::accepts::Accepts;
use crate::canonical::Request;
use crate::dialect::{Dialect, dialect};
use crate::error::ClientError;
use crate::profile::{Adaptation, Profile};
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// How many combinations of a client's dialect and of overrides are kept. What does not fit is computed for each request.
const MAX_RESOLVED: usize = 32;

/// A profile that many exchanges share: what it says about a model in a dialect is computed at the first request and kept. It
/// cannot be changed; a changed profile is another one.
///
/// ```
/// use openai_shim_core::exchange::SharedProfile;
/// let shared = SharedProfile::from(openai_shim_core::profile("openai")?);
/// assert_eq!(shared.name, "openai");
/// # Ok::<(), openai_shim_core::profile::ProfileError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedProfile(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    profile: Arc<Profile>,
    /// Filled from the first to the last, and never emptied: reading takes no lock.
    resolved: [OnceLock<Box<Resolved>>; MAX_RESOLVED],
}

/// What a profile says about the models that the same overrides match, for clients of one dialect.
#[derive(Debug)]
struct Resolved {
    client: &'static str,
    /// Which of the profile's overrides match.
    overrides: u128,
    /// The profile with these overrides; `None`: none of them match.
    profile: Option<Profile>,
    dialect: Dialect,
    accepts: Accepts,
}

/// What the upstream's request is prepared for.
pub(super) struct UpstreamSide<'p> {
    /// The profile for the request's model, with all known adaptations.
    pub(super) profile: Cow<'p, Profile>,
    /// The client's own dialect where the upstream has it, else the profile's.
    pub(super) dialect: Dialect,
    /// What the upstream accepts in that dialect.
    pub(super) accepts: Cow<'p, Accepts>,
}

impl UpstreamSide<'static> {
    /// For a profile with all known adaptations.
    pub(super) fn of(profile: Profile, dialect: Dialect) -> Self {
        let accepts = profile.accepts(dialect.accepts());
        Self { profile: Cow::Owned(profile), dialect, accepts: Cow::Owned(accepts) }
    }
}

impl<'p> UpstreamSide<'p> {
    /// For a model and a client's dialect. Adaptations differ from request to request: nothing is kept of them.
    pub(super) fn new(
        profile: &'p SharedProfile,
        client: Dialect,
        model: &str,
        adaptations: &[Adaptation],
    ) -> Result<Self, ClientError> {
        let side = profile.side(client, model)?;
        if adaptations.is_empty() {
            return Ok(side);
        }
        let mut profile = side.profile.into_owned();
        for adaptation in adaptations {
            adaptation.apply(&mut profile);
        }
        Ok(UpstreamSide::of(profile, side.dialect))
    }
}

impl SharedProfile {
    /// What the profile says about a model, for clients of a dialect.
    fn side(&self, client: Dialect, model: &str) -> Result<UpstreamSide<'_>, ClientError> {
        let overrides = self.matching_overrides(model);
        for slot in &self.0.resolved {
            let Some(overrides) = overrides else { break };
            if slot.get().is_none() {
                // Another thread may fill it meanwhile.
                drop(slot.set(Box::new(self.resolve(client, model, overrides)?)));
            }
            let fits = |known: &&Resolved| known.client == client.name() && known.overrides == overrides;
            if let Some(Resolved { profile, dialect, accepts, .. }) =
                slot.get().map(|known| &**known).filter(fits)
            {
                let profile = Cow::Borrowed(profile.as_ref().unwrap_or(&self.0.profile));
                return Ok(UpstreamSide { profile, dialect: *dialect, accepts: Cow::Borrowed(accepts) });
            }
        }
        let Resolved { profile, dialect, accepts, .. } = self.resolve(client, model, 0)?;
        let profile = profile.map_or(Cow::Borrowed(&*self.0.profile), Cow::Owned);
        Ok(UpstreamSide { profile, dialect, accepts: Cow::Owned(accepts) })
    }

    /// The dialect to prefer for a request: the client's own, or for a gap in a text one that can fill it.
    pub(super) fn preferred_dialect(&self, client: Dialect, request: &Request, model: &str) -> Dialect {
        if request.suffix.is_none() {
            return client;
        }
        let profile = self.0.profile.for_model(model);
        let names = || std::iter::once(&profile.dialect).chain(&profile.extra_dialects);
        let fills_gaps = |name: &String| dialect(name).ok().filter(|d| d.params().path("suffix").is_some());
        let has_own = names().any(|name| name == client.name());
        if has_own { client } else { names().find_map(fills_gaps).unwrap_or(client) }
    }

    /// The overrides that match a model, as bits; `None` if there are more overrides than bits.
    fn matching_overrides(&self, model: &str) -> Option<u128> {
        let rules = &self.0.profile.model_overrides;
        let bits = rules.iter().enumerate().filter(|(_, rules)| rules.applies_to(model));
        (rules.len() <= 128).then(|| bits.fold(0, |bits, (i, _)| bits | 1 << i))
    }

    fn resolve(&self, client: Dialect, model: &str, overrides: u128) -> Result<Resolved, ClientError> {
        let profile = self.0.profile.for_model(model);
        let has_client_dialect = profile.extra_dialects.iter().any(|name| name == client.name());
        let dialect = if has_client_dialect { client } else { dialect(&profile.dialect)? };
        let accepts = profile.accepts(dialect.accepts());
        let profile = match profile {
            Cow::Borrowed(_) => None,
            Cow::Owned(profile) => Some(profile),
        };
        Ok(Resolved { client: client.name(), overrides, profile, dialect, accepts })
    }
}

impl Deref for SharedProfile {
    type Target = Profile;
    fn deref(&self) -> &Profile {
        &self.0.profile
    }
}

impl From<Arc<Profile>> for SharedProfile {
    fn from(profile: Arc<Profile>) -> Self {
        Self(Arc::new(Shared { profile, resolved: [const { OnceLock::new() }; MAX_RESOLVED] }))
    }
}

impl From<Profile> for SharedProfile {
    fn from(profile: Profile) -> Self {
        Self::from(Arc::new(profile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ModelOverride, profile};

    fn dropped(shared: &SharedProfile, client: &str, model: &str) -> Vec<String> {
        let side = UpstreamSide::new(shared, dialect(client).unwrap(), model, &[]).unwrap();
        side.accepts.params.drop.clone()
    }

    #[test]
    fn what_is_kept_is_what_would_be_computed() {
        for built_in in crate::profile::profiles() {
            let shared = SharedProfile::from(built_in.clone());
            for model in ["gpt-5", "o3-mini", "claude-opus-5", "m", "llama", "gpt-5"] {
                for client in crate::dialect::DIALECTS {
                    for _ in 0..2 {
                        let side = UpstreamSide::new(&shared, *client, model, &[]).unwrap();
                        let profile = built_in.for_model(model);
                        assert_eq!(*side.profile, *profile);
                        assert_eq!(*side.accepts, profile.accepts(side.dialect.accepts()));
                    }
                }
            }
        }
    }

    #[test]
    fn more_combinations_than_fit_are_computed_each_time() {
        let mut many = profile("compatible").unwrap();
        for i in 0..200 {
            let mut rules = ModelOverride::default();
            rules.matches = vec![format!("model-{i}")];
            rules.params.drop = Some(vec![format!("p{i}")]);
            many.model_overrides.push(rules);
        }
        for length in [200, 100] {
            many.model_overrides.truncate(length);
            let shared = SharedProfile::from(many.clone());
            for _ in 0..2 {
                for i in 0..100 {
                    assert_eq!(dropped(&shared, "openai-chat", &format!("model-{i}")), [format!("p{i}")]);
                }
            }
        }
    }

    #[test]
    fn adaptations_are_applied_and_not_kept() {
        let shared = SharedProfile::from(profile("compatible").unwrap());
        let client = dialect("openai-chat").unwrap();
        let adaptations = [Adaptation::DropParam(String::from("seed"))];
        let side = UpstreamSide::new(&shared, client, "m", &adaptations).unwrap();
        assert!(side.accepts.params.drop.contains(&String::from("seed")));
        assert!(!dropped(&shared, "openai-chat", "m").contains(&String::from("seed")));
    }
}
