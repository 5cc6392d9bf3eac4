//! Which upstream serves which model.

use crate::app_state::AppState;
use crate::handlers::models;
use openai_shim_core::error::ClientError;
use openai_shim_core::{Error, ErrorKind};
use std::sync::Arc;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SelectedUpstream {
    /// Which of the upstreams.
    pub(crate) upstream: usize,
    /// The upstream's name for the model, where it differs from the client's.
    pub(crate) model: Option<String>,
}

impl AppState {
    /// Where a request for this model goes.
    pub(crate) async fn route(self: &Arc<Self>, model: &str) -> Result<SelectedUpstream, Error> {
        match self.route_at_once(model) {
            Some(route) => route,
            None => self.route_by_lists(model).await,
        }
    }

    /// Where it goes, as far as that is known without asking.
    pub(crate) fn route_at_once(&self, model: &str) -> Option<Result<SelectedUpstream, Error>> {
        if let Some(route) = self.configured(model).or_else(|| self.addressed(model)) {
            return Some(Ok(route));
        }
        match self.upstreams.len() {
            0 => Some(Err(Error::Client(no_upstream()))),
            // There is no choice: the upstream judges.
            1 => Some(Ok(SelectedUpstream { upstream: 0, model: self.only_model(model) })),
            _ if model.is_empty() => {
                let text = "`model` is missing. GET /v1/models lists the models that there are.";
                Some(Err(Error::Client(ClientError::invalid(text).at("model"))))
            }
            _ => None,
        }
    }

    /// Where it goes by the upstreams' own lists.
    async fn route_by_lists(self: &Arc<Self>, model: &str) -> Result<SelectedUpstream, Error> {
        let lists = Box::pin(models::lists(self)).await;
        let listed =
            lists.iter().position(|list| list.as_ref().is_ok_and(|list| list.iter().any(|m| m.id == model)));
        // An upstream that cannot list its models may serve it all the same.
        let silent = || lists.iter().position(Result::is_err);
        match listed.or_else(silent) {
            Some(upstream) => Ok(SelectedUpstream { upstream, model: None }),
            None => Err(Error::Client(ClientError::unknown_model(model))),
        }
    }

    /// Where a request goes that names no model and needs none.
    pub(crate) fn route_without_model(&self) -> SelectedUpstream {
        SelectedUpstream { upstream: 0, model: self.only_model("") }
    }

    /// A model that the configuration names.
    fn configured(&self, model: &str) -> Option<SelectedUpstream> {
        self.upstreams.iter().enumerate().find_map(|(upstream, served)| {
            let known = served.config.models.iter().find(|m| m.id == model)?;
            Some(SelectedUpstream {
                upstream,
                model: (known.id != known.upstream).then(|| known.upstream.clone()),
            })
        })
    }

    /// `name/model`: that model of the upstream of that name.
    fn addressed(&self, model: &str) -> Option<SelectedUpstream> {
        let (upstream, rest) = self.split(model)?;
        let models = &self.upstreams.get(upstream)?.config.models;
        let known = models.iter().find(|m| m.id == rest).map_or(rest, |m| m.upstream.as_str());
        Some(SelectedUpstream { upstream, model: Some(known.to_owned()) })
    }

    /// The upstream that stands before the first slash, and the rest.
    pub(crate) fn split<'m>(&self, model: &'m str) -> Option<(usize, &'m str)> {
        let (name, rest) = model.split_once('/')?;
        Some((self.upstreams.iter().position(|served| served.config.name == name)?, rest))
    }

    /// Without a model the only one is meant.
    fn only_model(&self, model: &str) -> Option<String> {
        match self.upstreams.first().map(|served| served.config.models.as_slice()) {
            Some([only]) if model.is_empty() => Some(only.upstream.clone()),
            _ => None,
        }
    }
}

pub(crate) fn no_upstream() -> ClientError {
    ClientError::new(ErrorKind::Overloaded, "No upstream is configured.")
}
