//! Transports to upstreams: HTTP, directly or through a proxy, and the embedded `echo`.

pub mod echo;
pub mod http;
mod proxied;

use crate::cassettes;
use crate::config::{Config, UpstreamConfig, UpstreamLocation};
use openai_shim_core::Upstream;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An upstream whose transport could not be built.
#[derive(Debug)]
pub(crate) struct UnusableUpstream {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// Builds the transport of every configured upstream; returns a lookup by upstream.
pub(crate) fn connect(
    config: &Config,
) -> Result<impl Fn(&UpstreamConfig) -> Arc<dyn Upstream> + use<>, UnusableUpstream> {
    let mut transports: BTreeMap<String, Arc<dyn Upstream>> = BTreeMap::new();
    for upstream in &config.upstreams {
        let transport: Arc<dyn Upstream> = match &upstream.target {
            UpstreamLocation::Echo => Arc::new(echo::Echo),
            UpstreamLocation::Replay(folder) => {
                let opened = cassettes::replay(folder, &upstream.profile.dialect);
                Arc::new(opened.map_err(|reason| UnusableUpstream { name: upstream.name.clone(), reason })?)
            }
            UpstreamLocation::Http(base) => {
                let transport = http::HttpUpstream::new(base, upstream, config.timeouts);
                Arc::new(
                    transport.map_err(|reason| UnusableUpstream { name: upstream.name.clone(), reason })?,
                )
            }
        };
        transports.insert(upstream.name.clone(), transport);
    }
    Ok(move |upstream: &UpstreamConfig| {
        transports.get(&upstream.name).cloned().unwrap_or_else(|| Arc::new(echo::Echo) as Arc<dyn Upstream>)
    })
}
