//! [`Shim::serve`]: which route a request has.

use super::auxiliary_routes::AuxiliaryMatch;
use super::response_body::ResponseBody;
use super::shim::{Shim, unknown_path, wrong_method};
use crate::dialect::DEFAULT_DIALECT;
use crate::dialect::route_lookup::{auxiliary_route, closest_dialect, generation_route};
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

impl Shim {
    /// Serves one request; returns the client's response once that begins. The path tells the dialect and what is requested: a
    /// response of a model, or anything else that clients of the dialects request.
    ///
    /// | request | what answers it |
    /// |---|---|
    /// | generation | the upstream, in its own dialect |
    /// | model lists, one model | [`models`](super::ShimBuilder::models) of the builder, else the upstream |
    /// | token counts | the upstream, in any dialect in which it counts; else an estimate |
    /// | embeddings, rankings | the upstream, in its own form |
    /// | speech, transcripts, pictures | the upstream, in its own form if it has another one; else they are forwarded |
    /// | stored responses | the store of [`state`](super::ShimBuilder::state), unless the upstream stores them itself |
    /// | files, batches and the like | forwarded, if the profile says that the upstream has them (`paths.forward`) |
    ///
    /// A failure is a response in the client's dialect; a path that no dialect has is a 404 in that of the dialect with the most
    /// similar paths. `HEAD` gets what `GET` gets, without the body.
    pub fn serve(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = http::Response<ResponseBody>> + Send + use<> {
        let shim = self.clone();
        // The future of an auxiliary request is large.
        async move { Box::pin(shim.serve_request(request)).await }
    }

    async fn serve_request(self, request: http::Request<Bytes>) -> http::Response<ResponseBody> {
        let path = request.uri().path();
        let (client, allowed) = match generation_route(path) {
            Some((client, endpoint)) => (client, endpoint.method),
            None => match auxiliary_route(request.method().as_str(), path, request.headers()) {
                Some((client, route)) => {
                    let method = request.method();
                    if route.allows(method.as_str()) || method == Method::HEAD && route.allows("GET") {
                        return self.serve_auxiliary(AuxiliaryMatch { client, route }, request).await;
                    }
                    (client, route.methods)
                }
                None => {
                    let client = closest_dialect(path, request.headers()).unwrap_or(DEFAULT_DIALECT);
                    return self.refuse(client, &unknown_path(path));
                }
            },
        };
        if request.method().as_str() != allowed {
            let mut response = self.refuse(client, &wrong_method(request.method(), allowed));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            return response;
        }
        match self.read(request) {
            Ok(client_request) => self.run(client_request).await,
            Err(error) => self.refuse(client, &error),
        }
    }
}
