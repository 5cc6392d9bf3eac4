//! A request of an exchange to one that an HTTP client can send: the URL, and the key where the upstream expects it.

use super::base_url::join_path;
use super::definition::Profile;
use crate::error::UpstreamError;
use http::Request;
use http::uri::PathAndQuery;

impl Profile {
    /// The request with an absolute URL below `base_url`, and with the key in the header that the upstream reads.
    ///
    /// An exchange writes requests whose URLs have only a path. This is what an [`Upstream`](crate::Upstream) over any HTTP
    /// client does with them first.
    ///
    /// ```
    /// let azure = openai_shim_core::profile("azure")?;
    /// let request = http::Request::post("/chat/completions").body("{}")?;
    /// let request = azure.address(request, "https://acme.openai.azure.com/openai/v1", Some("secret"))?;
    /// assert_eq!(request.uri(), "https://acme.openai.azure.com/openai/v1/chat/completions");
    /// assert_eq!(request.headers()["api-key"], "secret");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The base URL is none, or a header cannot have the key.
    pub fn address<B>(
        &self,
        mut request: Request<B>,
        base_url: &str,
        key: Option<&str>,
    ) -> Result<Request<B>, UpstreamError> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let url = join_path(base_url.trim_end_matches('/'), path);
        *request.uri_mut() = url.parse().map_err(|_| {
            UpstreamError::malformed("The request's URL is not valid: the upstream's base URL is none.")
        })?;
        if let Some(key) = key {
            let (name, value) = self.auth.header_for(key).map_err(|error| {
                UpstreamError::malformed(format!("The upstream's key cannot be sent: {error}."))
            })?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}
