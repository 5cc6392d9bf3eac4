//! Transports to upstreams: HTTP, directly or through a proxy, and the embedded `echo`.

pub mod echo;
pub mod http;
mod proxied;

use crate::cassettes;
use crate::config::{Config, UpstreamConfig, UpstreamLocation};
use crate::routing::key_rests::KeyRests;
use openai_shim_core::Upstream;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An upstream whose transport could not be built.
#[derive(Debug)]
pub(crate) struct UnusableUpstream {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// An upstream's transport, and which of its keys rest, if it has several.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) transport: Arc<dyn Upstream>,
    pub(crate) key_rests: Option<Arc<KeyRests>>,
}

impl From<Arc<dyn Upstream>> for Connected {
    fn from(transport: Arc<dyn Upstream>) -> Self {
        Self { transport, key_rests: None }
    }
}

/// Builds the transport of every configured upstream; returns a lookup by upstream.
pub(crate) fn connect(
    config: &Config,
) -> Result<impl Fn(&UpstreamConfig) -> Connected + use<>, UnusableUpstream> {
    let mut transports: BTreeMap<String, Connected> = BTreeMap::new();
    for upstream in &config.upstreams {
        let mut key_rests = None;
        let transport: Arc<dyn Upstream> = match &upstream.target {
            UpstreamLocation::Echo => Arc::new(echo::Echo),
            UpstreamLocation::Replay(folder) => {
                let opened = cassettes::replay(folder, &upstream.profile.dialect);
                Arc::new(opened.map_err(|reason| UnusableUpstream { name: upstream.name.clone(), reason })?)
            }
            UpstreamLocation::Http(base) => {
                let transport = http::HttpUpstream::new(base, upstream, config.timeouts)
                    .map_err(|reason| UnusableUpstream { name: upstream.name.clone(), reason })?;
                key_rests = transport.key_rests().cloned();
                Arc::new(transport)
            }
        };
        transports.insert(upstream.name.clone(), Connected { transport, key_rests });
    }
    Ok(move |upstream: &UpstreamConfig| {
        let echo = || Connected::from(Arc::new(echo::Echo) as Arc<dyn Upstream>);
        transports.get(&upstream.name).cloned().unwrap_or_else(echo)
    })
}
