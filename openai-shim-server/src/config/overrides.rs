//! Values from the command line and the environment.

use std::path::PathBuf;

/// Values from the command line and the environment, which override the file. Empty text counts as absent.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`, `OPENAI_SHIM_LISTEN`
    pub listen: Option<String>,
    /// `--config`, `OPENAI_SHIM_CONFIG`
    pub config: Option<PathBuf>,
    /// `--upstream`, `OPENAI_SHIM_UPSTREAM`: a base URL, `echo` or `replay:FOLDER`, which becomes the only upstream.
    pub upstream: Option<String>,
    /// `--dialect`, `OPENAI_SHIM_DIALECT`
    pub dialect: Option<String>,
    /// `--profile`, `OPENAI_SHIM_PROFILE`
    pub profile: Option<String>,
    /// `--api-key`, `OPENAI_SHIM_API_KEY`: `env:NAME`, `file:PATH`, `credential:NAME` or the key itself.
    pub api_key: Option<String>,
    /// `OPENAI_SHIM_CLIENT_KEYS`, separated by commas; they replace the keys of the file.
    pub client_keys: Vec<String>,
    /// The folder of `openai-shim record`.
    pub record: Option<PathBuf>,
    /// `OPENAI_SHIM_LOG`: `text` or `json`, and a filter, separated by commas.
    pub log: Option<String>,
}

/// What a configuration was read from. Not printed: it may hold keys.
#[derive(Clone)]
pub(crate) struct Origin(pub(crate) Overrides);

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Origin(…)")
    }
}

impl Overrides {
    /// Removes empty values: `OPENAI_SHIM_UPSTREAM=` in a compose file means that it is not set.
    pub(super) fn without_blanks(mut self) -> Self {
        let Self { listen, upstream, dialect, profile, api_key, log, .. } = &mut self;
        for text in [listen, upstream, dialect, profile, api_key, log] {
            *text = text.take().filter(|text| !text.trim().is_empty());
        }
        self.config = self.config.filter(|path| !path.as_os_str().is_empty());
        self.client_keys.retain(|key| !key.trim().is_empty());
        self
    }
}
