//! Transports: HTTP, and the embedded `echo`.

pub mod echo;
pub mod http;
pub(crate) mod query;

use crate::config::{Config, UpstreamConfig, UpstreamLocation};
use crate::http::listener::ServeError;
use openai_shim_core::Upstream;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Time that passes, for answers that state how long they took.
pub(crate) fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Builds the transport of every configured upstream.
pub(crate) fn connect(
    config: &Config,
) -> Result<impl Fn(&UpstreamConfig) -> Arc<dyn Upstream> + use<>, ServeError> {
    let mut transports: BTreeMap<String, Arc<dyn Upstream>> = BTreeMap::new();
    for upstream in &config.upstreams {
        let transport: Arc<dyn Upstream> = match &upstream.target {
            UpstreamLocation::Echo => Arc::new(echo::Echo),
            UpstreamLocation::Http(base) => {
                let transport = http::HttpUpstream::new(base, upstream, config.timeouts);
                Arc::new(
                    transport
                        .map_err(|reason| ServeError::Upstream { name: upstream.name.clone(), reason })?,
                )
            }
        };
        transports.insert(upstream.name.clone(), transport);
    }
    Ok(move |upstream: &UpstreamConfig| {
        transports.get(&upstream.name).cloned().unwrap_or_else(|| Arc::new(echo::Echo) as Arc<dyn Upstream>)
    })
}
