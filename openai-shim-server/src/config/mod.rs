//! The configuration of the server, read from defaults, a TOML file, environment and arguments.

mod choice;
mod display;
mod display_routes;
mod error;
mod known_keys;
mod load;
mod model_routes;
mod names;
mod origins;
mod overrides;
mod profiles;
mod quirks;
mod secret;
mod settings;
mod suggest;
mod toml_tree;
mod units;
mod upstream;

pub use error::ConfigError;
pub use known_keys::keys;
pub use load::read;
pub use model_routes::{Affinity, ModelRoute, RouteTarget, Strategy};
pub use overrides::Overrides;
pub use secret::Secret;
pub use settings::{Config, Limits, Log, LogFormat, ModelConfig, Timeouts, UpstreamConfig, UpstreamLocation};
