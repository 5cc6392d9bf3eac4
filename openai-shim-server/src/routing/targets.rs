//! Selects the upstream for a model: by the configuration, by `name/model`, by the upstreams' model lists.

use crate::app_state::AppState;
use crate::routing::configured_models::{LATEST, SelectedUpstream, find_model, other_spelling};
use crate::routing::model_lists::model_lists;
use crate::routing::order::{Placement, order};
use crate::routing::routes::ModelTargets;
use openai_shim_core::error::ClientError;
use openai_shim_core::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

/// What serves a model.
pub(crate) enum RoutedModel {
    /// One upstream.
    Upstream(SelectedUpstream),
    /// One of several targets.
    Targets(Arc<ModelTargets>),
}

impl AppState {
    /// Finds what serves a model; fetches model lists if they are needed.
    pub(crate) async fn routed(self: &Arc<Self>, model: &str) -> Result<RoutedModel, Error> {
        match self.routed_at_once(model) {
            Some(routed) => routed,
            None => self.route_by_lists(model).await.map(RoutedModel::Upstream),
        }
    }

    /// Finds what serves a model without fetching model lists; `None` if they are needed.
    pub(crate) fn routed_at_once(&self, model: &str) -> Option<Result<RoutedModel, Error>> {
        if let Some(targets) = self.routes.find(model, &self.config.upstreams) {
            return Some(Ok(RoutedModel::Targets(targets)));
        }
        self.route_at_once(model).map(|route| route.map(RoutedModel::Upstream))
    }

    /// Selects the upstream for a request that is sent to one only: of several targets the first in their order.
    /// `is_recorded`: what comes of the request is recorded for the target.
    pub(crate) async fn route(
        self: &Arc<Self>,
        model: &str,
        is_recorded: bool,
    ) -> Result<SelectedUpstream, Error> {
        if let Some(targets) = self.routes.find(model, &self.config.upstreams) {
            let random = self.process.random();
            let placement = Placement { request: None, random, is_recorded, now: Instant::now() };
            let first = order(&targets, &placement).into_iter().next();
            let target = first.and_then(|first| targets.targets.get(first)).ok_or_else(no_upstream)?;
            return Ok(target.select(model));
        }
        match self.route_at_once(model) {
            Some(route) => route,
            None => self.route_by_lists(model).await,
        }
    }

    /// Selects the upstream without fetching model lists; `None` if they are needed.
    fn route_at_once(&self, model: &str) -> Option<Result<SelectedUpstream, Error>> {
        if let Some(route) = self.route_by_config(model) {
            return Some(Ok(route));
        }
        if let Some((route, is_configured)) = self.route_by_prefix(model) {
            // Which of the two names the upstream has is in its list.
            let is_known = is_configured || !model.ends_with(LATEST);
            return is_known.then_some(Ok(route));
        }
        if let Some(other) = other_spelling(model)
            && let Some(route) = self.route_by_config(&other)
        {
            let model = route.model.unwrap_or(other);
            return Some(Ok(SelectedUpstream { model: Some(model), ..route }));
        }
        match self.upstreams.len() {
            0 => Some(Err(Error::Client(no_upstream()))),
            // Which of the two names the upstream has is in its list.
            1 if model.ends_with(LATEST) => None,
            // With one upstream there is no choice: it decides whether it has the model.
            1 => Some(Ok(SelectedUpstream::new(0, self.default_model(model)))),
            _ if model.is_empty() => {
                let text = "`model` is missing. GET /v1/models lists the models that there are.";
                Some(Err(Error::Client(ClientError::invalid(text).at("model"))))
            }
            _ => None,
        }
    }

    /// Selects the upstream whose list has the model, under either spelling of its name.
    async fn route_by_lists(self: &Arc<Self>, model: &str) -> Result<SelectedUpstream, Error> {
        let lists = Box::pin(model_lists(self)).await;
        if let Some((upstream, id)) = self.split_upstream(model) {
            let has = |name: &str| {
                let list = lists.get(upstream).and_then(|list| list.as_ref().ok());
                list.is_some_and(|list| list.iter().any(|model| model.id == name))
            };
            let other = other_spelling(id).filter(|other| !has(id) && has(other));
            let model = Some(other.unwrap_or_else(|| id.to_owned()));
            return Ok(SelectedUpstream::new(upstream, model));
        }
        let listed = |name: &str| {
            lists.iter().position(|list| list.as_ref().is_ok_and(|list| list.iter().any(|m| m.id == name)))
        };
        if let Some(upstream) = listed(model) {
            return Ok(SelectedUpstream::new(upstream, None));
        }
        if let Some((upstream, name)) = other_spelling(model).and_then(|name| Some((listed(&name)?, name))) {
            return Ok(SelectedUpstream::new(upstream, Some(name)));
        }
        // An upstream without a list may serve the model nevertheless, and a single one decides itself.
        match lists.iter().position(|list| list.is_err() || lists.len() == 1) {
            Some(upstream) => Ok(SelectedUpstream::new(upstream, None)),
            None => Err(Error::Client(ClientError::unknown_model(model))),
        }
    }

    /// Selects the first upstream for a request that needs no model.
    pub(crate) fn route_without_model(&self) -> SelectedUpstream {
        self.route_without_model_to(0)
    }

    /// Selects an upstream for a request that needs no model.
    pub(crate) fn route_without_model_to(&self, upstream: usize) -> SelectedUpstream {
        SelectedUpstream::new(upstream, self.only_model_of(upstream))
    }

    /// Selects the upstream for which the configuration names the model.
    fn route_by_config(&self, model: &str) -> Option<SelectedUpstream> {
        let served = self.upstreams.iter().enumerate();
        let configured = served.flat_map(|(i, served)| served.config.models.iter().map(move |m| (i, m)));
        let (upstream, configured) = find_model(configured, model)?;
        Some(SelectedUpstream::new(upstream, configured.upstream_name(model)))
    }

    /// Selects the upstream that `name/model` names; also returns whether the configuration names the model.
    fn route_by_prefix(&self, model: &str) -> Option<(SelectedUpstream, bool)> {
        let (upstream, id) = self.split_upstream(model)?;
        let models = &self.upstreams.get(upstream)?.config.models;
        let configured = |id: &str| {
            let (_, configured) = find_model(models.iter().map(|m| (upstream, m)), id)?;
            Some(configured.upstream_name(id).unwrap_or_else(|| id.to_owned()))
        };
        let model = configured(id).or_else(|| configured(&other_spelling(id)?));
        let is_configured = model.is_some();
        let model = model.unwrap_or_else(|| id.to_owned());
        Some((SelectedUpstream::new(upstream, Some(model)), is_configured))
    }

    /// Splits `name/model` into the upstream's index and the model; `None` without an upstream of that name.
    pub(crate) fn split_upstream<'m>(&self, model: &'m str) -> Option<(usize, &'m str)> {
        let (name, id) = model.split_once('/')?;
        Some((self.upstreams.iter().position(|served| served.config.name == name)?, id))
    }

    /// The first upstream's model, if the request names none and the configuration names exactly one.
    fn default_model(&self, model: &str) -> Option<String> {
        if model.is_empty() { self.only_model_of(0) } else { None }
    }

    /// The only model that the configuration names for an upstream.
    fn only_model_of(&self, upstream: usize) -> Option<String> {
        match self.upstreams.get(upstream).map(|served| served.config.models.as_slice()) {
            Some([only]) if !only.is_pattern() => Some(only.upstream.clone()),
            _ => None,
        }
    }
}

/// The error when no upstream is configured.
pub(crate) fn no_upstream() -> ClientError {
    ClientError::new(ErrorKind::Overloaded, "No upstream is configured.")
}
