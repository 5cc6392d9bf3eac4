//! Profiles: what one upstream accepts and how its responses deviate, as data.
//!
//! A [`Profile`] describes one upstream. The built-in profiles are in `table`; a user writes the same keys in TOML. No code
//! compares an upstream's name: it reads the profile's rules. Rules are set in layers, from what a dialect's vendor accepts
//! through the profile and the [`ModelOverride`]s that match a model to the [`Adaptation`]s derived from errors; each layer
//! can switch a rule on and off.
//!
//! A vendor that no built-in profile fits is a [`ProfileLayer`] over the nearest one; the guide
//! [`profiles`](crate::guide::profiles) shows it.

mod adapt;
mod address;
mod auth;
mod base_url;
mod definition;
mod error;
mod glob;
mod layered;
mod lookup;
mod paths;
mod table;
mod validate;

pub use adapt::Adaptation;
pub use definition::{Auth, AuthLayer, EndpointPaths, ModelOverride, PathsLayer, Profile, ProfileLayer};
pub use error::{InvalidRule, ProfileError};
pub(crate) use lookup::native_reasoning;
pub use lookup::{profile, profiles};

internals! {
    use adapt::{RefusedRequest, adaptations_for, auxiliary_adaptations, omissions};
    use base_url::{join_path, normal_base_url};
    use glob::{matches as matches_pattern};
}
