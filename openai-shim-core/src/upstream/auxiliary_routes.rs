//! Routes for anything but generation, as a [`Shim`] serves them.

use super::auxiliary::{Expected, ForwardedRequest, Queries, TokenCount, Unlimited};
use super::response_body::{Forwarded, ForwardedEnd, ResponseBody};
use super::responses::{error_response, json_response};
use super::shim::Shim;
use super::stored_responses::{StoredAnswer, stores_responses};
use super::targets::{ChosenUpstream, NamedUpstream};
use crate::accepts::RerankFormat;
use crate::canonical::{Diagnostics, ListedModel, Outcome};
use crate::dialect::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, ModelApi, ResponseCheck, StoredResponsePart,
    TokenCountApi,
};
use crate::dialect::media::MediaApi;
use crate::dialect::named_model::NamedModel;
use crate::dialect::rerank::{RerankForm, client_form, rerank_form};
use crate::dialect::route_lookup::upstream_embeddings_api;
use crate::dialect::{Dialect, dialect};
use crate::error::{ClientError, Error, ErrorKind, UpstreamError};
use crate::exchange::{
    AttemptReport, AuxiliaryCall, AuxiliaryExchange, ClientRequest, EmbeddingsCall, MediaCall, ReadTexts,
    Report, RerankCall, TextsForm,
};
use crate::state::Owner;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of the limit on collected responses, for error messages.
const LIMIT_NAME: &str = "max_body_bytes";
/// What to do about an upstream without a model list.
const NAME_THEM: &str = "Its models can be named with `ShimBuilder::models`.";

/// The route of a request.
pub(super) struct AuxiliaryMatch {
    pub(super) client: Dialect,
    pub(super) route: &'static AuxiliaryRoute,
}

/// A request for anything but generation.
struct AuxiliaryCase {
    client: Dialect,
    kind: AuxiliaryKind,
    /// The path at the upstream.
    path: String,
    /// The path's variable part, such as a model.
    name: String,
    parts: Parts,
    body: Bytes,
    owner: Option<Owner>,
    id: String,
}

type Response = http::Response<ResponseBody>;

impl AuxiliaryCase {
    fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    fn request(&self) -> AuxiliaryRequest<'_> {
        AuxiliaryRequest {
            name: &self.name,
            path: self.parts.uri.path(),
            query: self.query(),
            body: &self.body,
        }
    }

    fn client_path(&self) -> &str {
        self.parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str)
    }

    /// An error in the client's form, which for rankings is that of an API.
    fn encode_error(&self, error: &Error) -> (StatusCode, Bytes) {
        match self.kind {
            AuxiliaryKind::Rerank => client_form(&self.request()).encode_error(error),
            _ => self.client.encode_error(error),
        }
    }

    /// A request that hooks read, with what it needs besides its texts.
    fn completed(&self, request: ClientRequest) -> ClientRequest {
        let request = request.with_id(self.id.clone()).with_headers(self.parts.headers.clone());
        match &self.owner {
            Some(owner) => request.with_owner(owner.clone()),
            None => request,
        }
    }
}

impl NamedUpstream {
    fn dialect(&self) -> Result<Dialect, ClientError> {
        dialect(&self.profile.dialect)
    }

    /// The form in which the upstream ranks documents for a model.
    fn ranking_form(&self, model: &str) -> Result<&'static RerankForm, Error> {
        let profile = self.profile.for_model(model);
        let format = dialect(&profile.dialect)
            .map_or(RerankFormat::None, |dialect| profile.accepts(dialect.accepts()).rerank.format);
        rerank_form(format).ok_or_else(|| {
            let text = "The upstream ranks no documents. If it does, rerank.format of its profile says in which form.";
            ClientError::new(ErrorKind::Unsupported, text).at("model").with_code("unknown_url").into()
        })
    }
}

impl Shim {
    /// Serves a request on an auxiliary route.
    pub(super) async fn serve_auxiliary(
        self,
        AuxiliaryMatch { client, route }: AuxiliaryMatch,
        request: http::Request<Bytes>,
    ) -> Response {
        let (parts, body) = request.into_parts();
        let (path, name) = route.matches(parts.uri.path()).unwrap_or_default();
        let (path, id, owner) = (path.to_owned(), self.0.new_id(), self.0.owner(&parts));
        let is_head = parts.method == Method::HEAD;
        let case = AuxiliaryCase { client, kind: route.kind, path, name, parts, body, owner, id };
        let response = self.answer(&case).await.unwrap_or_else(|error| {
            let response = error_response(case.encode_error(&error), &error);
            self.reported(response, Report::refused(&self.0.first.profile, error), case.id.clone())
        });
        if is_head {
            let (head, body) = response.into_parts();
            return http::Response::from_parts(head, body.without_bytes());
        }
        response
    }

    async fn answer(&self, case: &AuxiliaryCase) -> Result<Response, Error> {
        match case.kind {
            AuxiliaryKind::Constant(document) => Ok(self.answered(case, document)),
            AuxiliaryKind::Greeting(text) => {
                let mut response = self.answered(case, text);
                let kind = HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                Ok(response)
            }
            AuxiliaryKind::Unsupported(reason) => {
                Err(ClientError::new(ErrorKind::Unsupported, reason).into())
            }
            AuxiliaryKind::ModelList(list) => {
                let models = self.models().await?;
                Ok(self.answered(case, list.encode_list(&models, case.query())?))
            }
            AuxiliaryKind::Model(api) => self.one_model(case, api).await,
            AuxiliaryKind::TokenCount(api) => self.count_tokens(case, api).await,
            AuxiliaryKind::Embeddings(api) => {
                let form = TextsForm::Embeddings { api, name: case.name.clone() };
                self.answer_texts(case, form).await
            }
            AuxiliaryKind::Rerank => {
                self.answer_texts(case, TextsForm::Ranking(client_form(&case.request()))).await
            }
            AuxiliaryKind::Media(api) => self.make_media(case, api).await,
            AuxiliaryKind::StoredResponse(_, part) => self.stored_response(case, part).await,
            AuxiliaryKind::ForwardIfServed(what) if !self.0.first.profile.paths.forwards(&case.path) => {
                let text = format!("There are no {what} here: the upstream is not known to have them.");
                Err(ClientError::new(ErrorKind::NotFound, text).with_code("unknown_url").into())
            }
            AuxiliaryKind::ForwardChecked(check) => self.forward(case, Some(check)).await,
            AuxiliaryKind::Forward | AuxiliaryKind::ForwardIfServed(_) => self.forward(case, None).await,
        }
    }

    fn queries<'u>(&self, served: &'u NamedUpstream) -> Queries<'u, Unlimited> {
        let max_body_bytes = self.0.settings.max_body_bytes;
        Queries { upstream: &*served.upstream, resources: &Unlimited, max_body_bytes, limit_name: LIMIT_NAME }
    }

    /// A successful response that is complete.
    fn answered(&self, case: &AuxiliaryCase, body: impl Into<Vec<u8>>) -> Response {
        let report = Report::answered("", &self.0.first.profile, Diagnostics::default());
        self.reported(json_response(StatusCode::OK, body), report, case.id.clone())
    }

    /// All models of all upstreams, each name once.
    async fn models(&self) -> Result<Vec<ListedModel>, Error> {
        if !self.0.models.is_empty() {
            return Ok(self.0.models.clone());
        }
        let (mut models, mut known, mut failure) = (Vec::new(), BTreeSet::new(), None);
        for served in self.0.upstreams() {
            let (profile, dialect) = (&served.profile, served.dialect()?);
            match self.queries(served).models(profile, dialect, &profile.name, NAME_THEM).await {
                Ok(listed) => {
                    models.extend(listed.into_iter().filter(|model| known.insert(model.id.clone())));
                }
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        if models.is_empty() {
            let empty = || UpstreamError::malformed(format!("The upstream lists no models. {NAME_THEM}"));
            return Err(failure.unwrap_or_else(empty).into());
        }
        Ok(models)
    }

    async fn one_model(&self, case: &AuxiliaryCase, api: &dyn ModelApi) -> Result<Response, Error> {
        let names = api.requested_ids(&case.request())?;
        let models = self.models().await?;
        let found = names.iter().find_map(|name| models.iter().find(|model| model.id == *name));
        match found {
            Some(model) => Ok(self.answered(case, api.encode_model(model))),
            None => Err(api.unknown_model(names.first().map_or("", String::as_str)).into()),
        }
    }

    async fn count_tokens(
        &self,
        case: &AuxiliaryCase,
        api: &'static dyn TokenCountApi,
    ) -> Result<Response, Error> {
        let generation = api.generation_request(&case.request())?;
        let read = ClientRequest::read(case.client, &generation.path, Bytes::from(generation.body))?;
        let mut client_request = case.completed(read.for_token_count());
        self.0.edit(&mut client_request)?;
        let model = client_request.model().to_owned();
        let ChosenUpstream { served, target } = self.0.first_chosen(&client_request)?;
        let settings = self.0.settings.clone();
        let (context, store) = (self.0.context(), self.0.state.as_deref());
        let TokenCount { body, diagnostics, .. } =
            self.queries(served).count_tokens(api, client_request, target, settings, context, store).await?;
        let report = Report::answered(&model, &served.profile, diagnostics);
        Ok(self.reported(json_response(StatusCode::OK, body), report, case.id.clone()))
    }

    /// Answers a request for embeddings or a ranking.
    async fn answer_texts(&self, case: &AuxiliaryCase, form: TextsForm) -> Result<Response, Error> {
        let read = ClientRequest::read_texts(case.client, case.client_path(), case.body.clone(), form)?;
        let mut client_request = case.completed(read);
        self.0.edit(&mut client_request)?;
        let chosen = self.0.first_chosen(&client_request)?;
        let (source, upstream_model) = (client_request.body_bytes(), chosen.target.model.clone());
        let (mut lost, mut decoded) = (client_request.diagnostics().clone(), Diagnostics::default());
        let (Some(texts), Some(form)) = (client_request.texts(&mut decoded)?, client_request.texts_form())
        else {
            return Err(ClientError::invalid("The request has no texts.").into());
        };
        // What only the client's form has is lost only in another one.
        let (call, is_translated): (Box<dyn AuxiliaryCall>, bool) = match (texts, form) {
            (ReadTexts::Embeddings(request), TextsForm::Embeddings { api, .. }) => {
                let upstream_api = upstream_embeddings_api(chosen.served.dialect()?, *api);
                let is_translated = upstream_api.format() != api.format();
                let call = EmbeddingsCall::new(*api, upstream_api, request, upstream_model, source);
                (Box::new(call), is_translated)
            }
            (ReadTexts::Ranking(request), TextsForm::Ranking(form)) => {
                let upstream_form =
                    chosen.served.ranking_form(upstream_model.as_deref().unwrap_or(&request.model))?;
                let is_translated = upstream_form.format != form.format;
                (
                    Box::new(RerankCall::new(form, upstream_form, request, upstream_model, source)),
                    is_translated,
                )
            }
            _ => return Err(ClientError::invalid("The request has no texts.").into()),
        };
        if is_translated {
            lost.extend(&decoded);
        }
        self.run_call(case, &chosen, call, lost).await
    }

    async fn make_media(&self, case: &AuxiliaryCase, api: &'static dyn MediaApi) -> Result<Response, Error> {
        self.refuse_unread(case)?;
        // They are forwarded like everything else where the upstream has no other form for them.
        let upstream_api = self.0.first.dialect()?.media().filter(|_| case.parts.method == Method::POST);
        let Some(upstream_api) = upstream_api else { return self.forward(case, None).await };
        let headers = &case.parts.headers;
        let content_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let mut lost = Diagnostics::default();
        let request = api.decode_request(content_type, &case.body, &mut lost)?;
        // The query may name it.
        let model = NamedModel::in_query(case.query()).map(|model| model.name);
        let call = MediaCall::new(api, upstream_api, request, model, self.0.context().created());
        self.run_call(case, &self.0.first.chosen(None), Box::new(call), lost).await
    }

    /// Runs the exchange of a call. The error is one that there was before it.
    async fn run_call(
        &self,
        case: &AuxiliaryCase,
        ChosenUpstream { served, target }: &ChosenUpstream<'_>,
        call: Box<dyn AuxiliaryCall>,
        lost: Diagnostics,
    ) -> Result<Response, Error> {
        let settings = self.0.settings.clone();
        let exchange = AuxiliaryExchange::start(call, served.dialect()?, target, settings, lost)?;
        let mut headers = HeaderMap::new();
        served.profile.pass_headers(&case.parts.headers, &mut headers);
        let answer = self.queries(served).run(Box::new(exchange), headers, case.body.len()).await;
        let response = match answer.result {
            Ok(body) => {
                let mut response = json_response(StatusCode::OK, body.bytes);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
                response.headers_mut().extend(answer.headers);
                response
            }
            Err(error) => error_response(case.encode_error(&error), &error),
        };
        Ok(self.reported(response, answer.report, case.id.clone()))
    }

    async fn stored_response(
        &self,
        case: &AuxiliaryCase,
        part: StoredResponsePart,
    ) -> Result<Response, Error> {
        let is_deletion = part == StoredResponsePart::Response && case.parts.method == Method::DELETE;
        if let Some(stored) = self.stored_responses(case.client, case.owner.as_ref()) {
            let part = (!is_deletion).then_some(part);
            match stored.answer(part, &case.name, case.query()).await? {
                Some(StoredAnswer::Document(document)) => return Ok(self.answered(case, document)),
                Some(StoredAnswer::Events(events)) => {
                    let mut response = self.answered(case, events);
                    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
                    response.headers_mut().insert(CONTENT_TYPE, kind);
                    return Ok(response);
                }
                None => {}
            }
        }
        let AuxiliaryKind::StoredResponse(api, _) = case.kind else { return self.forward(case, None).await };
        if case.name.contains('/') || !stores_responses(&self.0.first.profile, case.client, "") {
            return Err(api.unknown_response(&case.name).into());
        }
        self.forward(case, None).await
    }

    /// Refuses a request whose body no hook can read, if there is a hook: what it removes from requests would be in this one.
    fn refuse_unread(&self, case: &AuxiliaryCase) -> Result<(), Error> {
        // A stored response is requested by its id alone.
        let is_reference = matches!(case.kind, AuxiliaryKind::StoredResponse(..)) && case.body.is_empty();
        if self.0.on_request.is_empty() || is_reference {
            return Ok(());
        }
        let text = format!(
            "Requests to {} are not served here: this server reads each request before it is sent, and it cannot read these.",
            case.path
        );
        Err(ClientError::new(ErrorKind::Unsupported, text).with_code("unreadable_request").into())
    }

    /// Forwards a request as it is.
    async fn forward(
        &self,
        case: &AuxiliaryCase,
        check: Option<&'static dyn ResponseCheck>,
    ) -> Result<Response, Error> {
        self.refuse_unread(case)?;
        let first = &self.0.first;
        let (method, path, query) = (&case.parts.method, &*case.path, case.query());
        let headers = &case.parts.headers;
        let model = NamedModel::find(headers, query, &case.body).map(|model| model.name).unwrap_or_default();
        let request = ForwardedRequest { method, path, query, model: &model, headers };
        let request = request.to_upstream(&first.profile)?.map(|()| case.body.clone());
        let sent = first.upstream.send(request).await.map_err(Error::Upstream)?;
        let expected = Expected { method, check };
        let answer = self
            .queries(first)
            .forwarded_response(first.dialect()?, sent, expected, case.body.clone())
            .await?;
        let mut report = Report::answered(&model, &first.profile, Diagnostics::default());
        report.upstream_status = Some(answer.status.as_u16());
        report.attempts = vec![AttemptReport { status: report.upstream_status, ..AttemptReport::default() }];
        report.request_id.clone_from(&case.id);
        let parts = Arc::clone(&self.0);
        let on_end = Box::new(move |end: ForwardedEnd| {
            report.outcome = match end {
                Some(Ok(())) => Outcome::Complete,
                Some(Err(_)) => Outcome::Errored,
                None => Outcome::Cancelled,
            };
            report.error = end.and_then(Result::err).map(Error::Upstream);
            parts.report(&report);
        });
        let forwarded = Forwarded { stream: answer.body.into_stream(), on_end };
        let mut response = http::Response::new(ResponseBody::forwarded(forwarded));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
