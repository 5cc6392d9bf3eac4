//! An upstream's model list: the request, and the models in its response.

use super::queries::Queries;
use super::resources::Resources;
use crate::canonical::{Diagnostics, ListedModel, explain_unusable, trim_body};
use crate::dialect::{Dialect, failure_in_success};
use crate::error::UpstreamError;
use crate::profile::Profile;
use bytes::Bytes;
use http::Method;

/// The most bytes of a list.
const MAX_LIST_BYTES: usize = 16 << 20;

impl<R: Resources> Queries<'_, R> {
    /// Asks an upstream for its models. `owner` becomes `owned_by` where the list has none.
    ///
    /// # Errors
    /// The upstream has no list, or none came. `remedy` says how models are named without one.
    pub async fn models(
        &self,
        profile: &Profile,
        dialect: Dialect,
        owner: &str,
        remedy: &'static str,
    ) -> Result<Vec<ListedModel>, UpstreamError> {
        if !profile.has_model_list {
            return Err(UpstreamError::malformed(format!("The upstream has no model list. {remedy}")));
        }
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = Method::GET;
        let paths = &profile.paths;
        *request.uri_mut() = paths.url(&paths.models).parse().map_err(|_| {
            UpstreamError::malformed(
                "The upstream has no valid path of models: correct paths.models of its profile.",
            )
        })?;
        let (head, body) = self.upstream.send(request).await?.into_parts();
        let body = self.collect(body, 0, MAX_LIST_BYTES.min(self.max_body_bytes)).await?;
        if !head.status.is_success() {
            return Err(dialect.decode_error(head.status, &head.headers, &body, &mut Diagnostics::default()));
        }
        let (owner, length) = (owner.to_owned(), body.len());
        let decode = move || {
            if let Some(models) = dialect.decode_models(trim_body(&body), &owner) {
                return Ok(models);
            }
            let diagnostics = &mut Diagnostics::default();
            if let Some(error) =
                failure_in_success(dialect, &head.headers, &body, &["data", "models"], diagnostics)
            {
                return Err(error);
            }
            let error = explain_unusable(&body, "a model list");
            Err(UpstreamError::malformed(format!("{} {remedy}", error.message())))
        };
        self.resources.run(length, decode).await
    }
}
