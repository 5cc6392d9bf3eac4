//! The configuration of the server, read from defaults, a TOML file, environment and arguments.

mod choice;
mod display;
mod display_routes;
mod error;
mod files;
mod keys;
mod known_keys;
mod load;
mod model_routes;
mod names;
mod origins;
mod otel;
mod overrides;
mod profiles;
mod quirks;
mod secret;
mod settings;
mod store;
mod suggest;
mod tls;
mod toml_tree;
mod units;
mod upstream;

pub use error::ConfigError;
pub(crate) use files::files;
pub use known_keys::keys;
pub use load::read;
pub(crate) use load::read_again;
pub use model_routes::{Affinity, ModelRoute, RouteTarget, Strategy};
pub use otel::Otel;
pub use overrides::Overrides;
pub use secret::Secret;
pub use settings::{
    ClientKey, Config, Limits, Log, LogFormat, ModelConfig, Timeouts, UpstreamConfig, UpstreamLocation,
};
pub use store::{RedisConfig, StoreConfig};
pub use tls::Tls;
