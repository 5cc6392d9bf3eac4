//! Requests that are forwarded: the upstream's request, and the check that its response is what the route promises.

use super::first_bytes::{EXPECTED, SUCCESS_FIELDS, check_beginning, has_subtitles};
use super::queries::{Queries, decode_failure, returned_headers};
use super::resources::Resources;
use crate::canonical::{Diagnostics, explain_unusable, is_document, trim_body};
use crate::dialect::auxiliary::ResponseCheck;
use crate::dialect::named_model::is_json;
use crate::dialect::{Dialect, failure_in_success};
use crate::error::{ClientError, Error};
use crate::profile::Profile;
use crate::upstream::transport::UpstreamBody;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// Client headers that every upstream gets.
const FORWARDED_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, ACCEPT];
/// The most bytes of an error response that are read.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// A request that is forwarded, apart from its body.
#[derive(Debug, Clone, Copy)]
pub struct ForwardedRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path at the upstream.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: &'a str,
    /// The upstream's name for the model, which may be part of the address; may be empty.
    pub model: &'a str,
    /// The client's headers.
    pub headers: &'a HeaderMap,
}

impl ForwardedRequest<'_> {
    /// The upstream's request.
    ///
    /// # Errors
    /// The path cannot be sent.
    pub fn to_upstream(self, profile: &Profile) -> Result<http::Request<()>, ClientError> {
        let target = match self.query {
            "" => self.path.to_owned(),
            query => format!("{}?{query}", self.path),
        };
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() =
            profile.paths.auxiliary_url(&target, self.model).parse().map_err(|_| {
                ClientError::invalid("The path of the request cannot be sent to the upstream.")
            })?;
        for name in FORWARDED_HEADERS {
            if let Some(value) = self.headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        profile.pass_headers(self.headers, request.headers_mut());
        Ok(request)
    }
}

/// A response that was checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct ForwardedResponse {
    /// The upstream's status.
    pub status: StatusCode,
    /// The headers that the client gets.
    pub headers: HeaderMap,
    /// JSON is complete, everything else may still arrive.
    pub body: UpstreamBody,
}

/// What is expected of a response.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// The check of a route whose responses have a known form.
    pub check: Option<&'static dyn ResponseCheck>,
}

impl std::fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expected").field("method", &self.method).finish_non_exhaustive()
    }
}

impl<R: Resources> Queries<'_, R> {
    /// Checks that a response is what its route promises: JSON is read whole, other content up to its first bytes. `request`: the
    /// client's body.
    ///
    /// # Errors
    /// The response is an error, or not what was requested.
    pub async fn forwarded_response(
        &self,
        upstream: Dialect,
        response: http::Response<UpstreamBody>,
        expected: Expected<'_>,
        request: Bytes,
    ) -> Result<ForwardedResponse, Error> {
        let (head, answer) = response.into_parts();
        if !head.status.is_success() {
            let answer = self.collect(answer, 0, MAX_ERROR_BYTES).await.unwrap_or_default();
            return Err(decode_failure(upstream, &head, &answer));
        }
        let mut headers = returned_headers(&head.headers);
        let (body, content_type) = self.checked_body(upstream, &head, answer, expected, request).await?;
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Ok(ForwardedResponse { status: head.status, headers, body })
    }

    /// The body, and its content type if that is another than the upstream states.
    async fn checked_body(
        &self,
        upstream: Dialect,
        head: &Parts,
        answer: UpstreamBody,
        Expected { method, check }: Expected<'_>,
        request: Bytes,
    ) -> Result<(UpstreamBody, Option<&'static str>), Error> {
        if method == Method::HEAD || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        {
            return Ok((UpstreamBody::Complete(Bytes::new()), None));
        }
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if check.is_none() && kind != "application/json" {
            let checked =
                check_beginning(answer.into_stream(), upstream, &head.headers, kind == "text/html").await;
            return Ok((UpstreamBody::Stream(checked.map_err(Error::Upstream)?), None));
        }
        let body = self.collect(answer, 0, self.max_body_bytes).await.map_err(Error::Upstream)?;
        let (headers, length) = (head.headers.clone(), body.len());
        let json = (check.is_some() && !is_json(&head.headers)).then_some("application/json");
        let check_body = move || {
            if check.is_none() && has_subtitles(&body) {
                return Ok((body, Some("text/plain; charset=utf-8")));
            }
            if !is_document(&body) {
                return Err(explain_unusable(&body, EXPECTED));
            }
            let diagnostics = &mut Diagnostics::default();
            if let Some(error) = failure_in_success(upstream, &headers, &body, &SUCCESS_FIELDS, diagnostics) {
                return Err(error);
            }
            if let Some(check) = check {
                check.check(&request, trim_body(&body))?;
            }
            Ok((body, json))
        };
        let (body, content_type) = self.resources.run(length, check_body).await.map_err(Error::Upstream)?;
        Ok((UpstreamBody::Complete(Bytes::from(body)), content_type))
    }
}
