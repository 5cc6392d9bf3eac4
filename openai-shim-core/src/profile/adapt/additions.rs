//! A refusal that says nothing certain to the adaptations that leave out all that the shim added.

use super::adaptation::Adaptation;
use super::error_text::ErrorText;
use super::leave_out::leave_out;
use super::mentions::{has_any, is_refusal};
use super::refused_request::RefusedRequest;
use super::sent_request::SentRequest;
use super::vocabulary::{FIELD_NOUNS, HOPELESS};
use crate::error::{ErrorKind, StatusError};

/// The adaptations that leave out everything of a refused request that the client did not send, and its request for token
/// counts, which asks for nothing of the answer itself. None if the error has a cause that is the client's or the operator's to
/// remove. `refused_with_500`: the upstream answers requests with an unknown parameter as its own failure.
pub fn omissions(
    error: &StatusError,
    refused: &RefusedRequest<'_>,
    refused_with_500: bool,
) -> Vec<Adaptation> {
    let text = ErrorText::new(error);
    let may_be_caused = match error.kind {
        ErrorKind::InvalidRequest | ErrorKind::Unsupported => is_refusal(error.status),
        // A wrong URL or model, unless parameters are the reason.
        ErrorKind::NotFound => has_any(&text.message, FIELD_NOUNS),
        ErrorKind::Upstream => is_refusal(error.status) || (refused_with_500 && error.status == 500),
        _ => false,
    };
    let request = SentRequest::new(refused);
    let is_clients_field = |param: &String| {
        let paths = request.locate(param);
        let is_ours = |name: &str| name.starts_with("stream_options") || request.is_addition(name);
        !paths.is_empty() && !paths.iter().any(|path| is_ours(&path.join(".")))
    };
    if !may_be_caused || has_any(&text.message, HOPELESS) || text.param.as_ref().is_some_and(is_clients_field)
    {
        return Vec::new();
    }
    let mut omissions = Vec::new();
    if refused.body.non_null("stream_options").is_some() {
        omissions.push(Adaptation::DropStreamOptions);
    }
    for addition in refused.additions {
        let omission = if addition.is_header {
            Some(Adaptation::OmitAddition(addition.name.clone().into_owned()))
        } else {
            leave_out(&addition.name.split('.').map(str::to_owned).collect::<Vec<_>>(), &request)
        };
        omissions.extend(omission.filter(|omission| !omissions.contains(omission)));
    }
    omissions
}
