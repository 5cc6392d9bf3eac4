//! The response object: its state and the echoed parameters to JSON.
//!
//! <https://platform.openai.com/docs/api-reference/responses/object>

use super::echoed_params::{ECHOED_PARAMS, echoed_param};
use super::usage;
use crate::canonical::{ResponseSpec, Usage};
use crate::json::{Object, encode_string};

/// A response object without what changes during generation.
#[derive(Debug, Clone)]
pub(super) struct ResponseSkeleton {
    pub(super) id: String,
    pub(super) model: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// JSON.
    pub(super) service_tier: Option<String>,
    /// The echoed parameters as keys and JSON.
    echoed: Vec<(&'static str, String)>,
}

/// The fields of a response that change during generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseState<'s> {
    pub(super) status: ResponseStatus<'s>,
    /// The items so far, as a JSON array.
    pub(super) output: &'s str,
    pub(super) usage: Option<&'s Usage>,
}

/// The status of a response, with its reason.
#[derive(Debug, Clone, Copy)]
pub(super) enum ResponseStatus<'s> {
    InProgress,
    Completed,
    Incomplete {
        /// `incomplete_details.reason`
        reason: &'s str,
    },
    Failed {
        /// `error.code`
        code: &'s str,
        /// `error.message`
        message: &'s str,
    },
}

impl ResponseStatus<'_> {
    fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete { .. } => "incomplete",
            Self::Failed { .. } => "failed",
        }
    }
}

impl ResponseState<'_> {
    /// The state at the beginning.
    pub(super) const STARTED: Self = Self { status: ResponseStatus::InProgress, output: "[]", usage: None };
}

impl ResponseSkeleton {
    pub(super) fn new(spec: &ResponseSpec) -> Self {
        let echoed =
            ECHOED_PARAMS.iter().filter_map(|(key, _)| Some((*key, echoed_param(spec, key)?))).collect();
        Self {
            id: String::new(),
            model: spec.model.clone(),
            created: spec.created,
            service_tier: None,
            echoed,
        }
    }

    /// Encodes the response object in a state.
    pub(super) fn encode(&self, state: ResponseState<'_>) -> String {
        const NULL: &str = "null";
        let mut object = Object::new();
        object.set("id", encode_string(&self.id));
        object.set("object", "\"response\"");
        object.set("created_at", self.created.to_string());
        object.set("status", encode_string(state.status.as_str()));
        let error = match state.status {
            ResponseStatus::Failed { code, message } => {
                format!(r#"{{"code":{},"message":{}}}"#, encode_string(code), encode_string(message))
            }
            _ => String::from(NULL),
        };
        object.set("error", error);
        let incomplete_details = match state.status {
            ResponseStatus::Incomplete { reason } => format!(r#"{{"reason":{}}}"#, encode_string(reason)),
            _ => String::from(NULL),
        };
        object.set("incomplete_details", incomplete_details);
        object.set("model", encode_string(&self.model));
        object.set("output", state.output);
        for (key, value) in &self.echoed {
            object.set(*key, value.as_str());
        }
        if let Some(tier) = &self.service_tier {
            object.set("service_tier", tier.as_str());
        }
        object.set("usage", state.usage.map_or_else(|| String::from(NULL), usage::encode));
        object.to_json()
    }
}
