//! Profiles: what one upstream accepts and how its responses deviate, as data.
//!
//! A [`Profile`] describes one upstream. The built-in profiles are in `table`; a user writes the same keys in TOML. No code
//! compares an upstream's name: it reads the profile's rules. Rules are set in layers, from what a dialect's vendor accepts
//! through the profile and the [`ModelOverride`]s that match a model to the [`Adaptation`]s derived from errors; each layer
//! can switch a rule on and off.

mod adapt;
mod definition;
mod glob;
mod lookup;
mod table;
mod validate;

pub use adapt::Adaptation;
pub use definition::{Auth, AuthLayer, EndpointPaths, ModelOverride, PathsLayer, Profile, ProfileLayer};
pub(crate) use lookup::native_reasoning;
pub use lookup::{profile, profile_for, profiles};
pub use validate::InvalidRule;

internals! {
    use glob::{matches as matches_pattern};
    use adapt::{RefusedRequest, adaptations_for, auxiliary_adaptations, omissions};
    use lookup::native_profile;
}
