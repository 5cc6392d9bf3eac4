//! The configuration of the server, read from defaults, a TOML file, environment and arguments.

mod display;
mod error;
mod known_keys;
mod load;
mod names;
mod origins;
mod otel;
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
pub use otel::Otel;
pub use overrides::Overrides;
pub use secret::Secret;
pub use settings::{Config, Limits, Log, LogFormat, ModelConfig, Timeouts, UpstreamConfig, UpstreamLocation};
