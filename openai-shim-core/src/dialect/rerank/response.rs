//! Responses with rankings: an upstream's to our model, or repaired for a client of the same form, and our model to a client's.

use super::form::{DocumentForm, RerankForm};
use super::other_forms::with_results;
use super::results::{RankedResult, SCORES, read_results};
use crate::canonical::{
    DiagnosticCode, Diagnostics, RankedDocument, Ranking, RerankRequest, explain_unusable, order_results,
};
use crate::error::UpstreamError;
use crate::json::{
    Object, ValueKind, decode_string, encode_array, encode_string, reported_count, value_kind,
};
use std::borrow::Cow;

/// The members with results, in all forms.
const RESULTS: [&str; 2] = ["results", "data"];

const NO_USAGE: &str = r#"{"total_tokens":0}"#;

/// A response and its list of results.
struct Response<'a> {
    /// All of it, if it is no list itself.
    object: Option<Object<'a>>,
    /// The member with the list.
    key: Option<&'static str>,
    results: Vec<RankedResult<'a>>,
    /// Repeated results were left out.
    is_shortened: bool,
}

impl<'a> Response<'a> {
    fn read(
        body: &'a [u8],
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, UpstreamError> {
        let invalid = || explain_unusable(body, "a ranking");
        let object = Object::parse(body).ok();
        let (key, list) = match &object {
            Some(object) => {
                let key =
                    RESULTS.into_iter().find(|key| object.non_null(key).is_some()).ok_or_else(invalid)?;
                (Some(key), object.original(key).ok_or_else(invalid)?)
            }
            None => (None, std::str::from_utf8(body).map_err(|_| invalid())?),
        };
        let results = read_results(list, request, diagnostics);
        let (results, is_shortened) = results.map_err(|error| error.unwrap_or_else(invalid))?;
        if results.is_empty() && request.expected() != Some(0) {
            return Err(UpstreamError::Empty);
        }
        Ok(Self { object, key, results, is_shortened })
    }

    /// The number of input tokens.
    fn tokens(&self) -> Option<u64> {
        let object = self.object.as_ref()?;
        let usage = object.object("usage").and_then(|usage| {
            ["total_tokens", "prompt_tokens"].iter().find_map(|key| usage.get(key).and_then(reported_count))
        });
        usage
            .or_else(|| object.object("meta")?.object("tokens")?.get("input_tokens").and_then(reported_count))
    }

    fn search_units(&self) -> Option<u64> {
        let object = self.object.as_ref()?;
        let of = |object: Object<'_>| object.get("search_units").and_then(reported_count);
        let meta = object.object("meta").and_then(|meta| meta.object("billed_units").and_then(of));
        meta.or_else(|| object.object("usage").and_then(of))
    }
}

/// Rewrites a response that has no results under any usual name; `None` if it stays what it is.
fn read_other_form(body: &[u8], request: &RerankRequest, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let rewritten = with_results(body, request)
        .filter(|rewritten| Response::read(rewritten, request, &mut Diagnostics::default()).is_ok())?;
    diagnostics.record(DiagnosticCode::RankingRepaired, "results", "read from another form");
    Some(rewritten)
}

/// Decodes an upstream's response in any form. The results are in its order.
///
/// # Errors
/// It is no ranking of the request's documents.
pub fn decode_ranking(
    body: &[u8],
    request: &RerankRequest,
    diagnostics: &mut Diagnostics,
) -> Result<Ranking, UpstreamError> {
    let response = match Response::read(body, request, diagnostics) {
        Ok(response) => response,
        Err(error) => {
            let Some(body) = read_other_form(body, request, diagnostics) else { return Err(error) };
            return decode_ranking(&body, request, diagnostics);
        }
    };
    let mut ranking = Ranking::default();
    (ranking.tokens, ranking.search_units) = (response.tokens(), response.search_units());
    if let Some(object) = &response.object {
        let text = |key: &str| object.str(key).filter(|text| !text.is_empty()).map(Cow::into_owned);
        (ranking.id, ranking.model) = (text("id"), text("model"));
    }
    ranking.results = response.results.into_iter().map(|result| result.document).collect();
    Ok(ranking)
}

impl RerankForm {
    /// Repairs an upstream's response for a client of the same form; `None` if it stays as it is. Returns the number of input
    /// tokens, too.
    ///
    /// # Errors
    /// It is no ranking of the request's documents.
    pub fn repair_response(
        &self,
        body: &[u8],
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) -> Result<(Option<Vec<u8>>, Option<u64>), UpstreamError> {
        let mut response = match Response::read(body, request, diagnostics) {
            Ok(response) => response,
            Err(error) => {
                let Some(body) = read_other_form(body, request, diagnostics) else { return Err(error) };
                let (repaired, tokens) = self.repair_response(&body, request, diagnostics)?;
                return Ok((repaired.or(Some(body)), tokens));
            }
        };
        let tokens = response.tokens();
        let mut is_changed = response.is_shortened;
        is_changed |= order_results(&mut response.results, |r| &r.document, request, diagnostics);
        self.check_bounds(response.results.iter().map(|result| &result.document), request, diagnostics);
        for result in &mut response.results {
            self.repair_result(result, request, diagnostics);
            is_changed |= result.object.is_changed();
        }
        if response.key != self.results {
            diagnostics.record(DiagnosticCode::FieldFilled, self.results.unwrap_or("results"), "");
            is_changed = true;
        }
        let list: Vec<String> = if is_changed {
            response.results.iter().map(|result| result.object.to_json()).collect()
        } else {
            Vec::new()
        };
        let Some(own) = self.results else {
            return Ok((is_changed.then(|| encode_array(&list).into_bytes()), tokens));
        };
        let mut object = response.object.unwrap_or_default();
        if is_changed {
            if let Some(other) = response.key.filter(|key| *key != own) {
                object.remove(other);
            }
            object.set(own, encode_array(&list));
        }
        repair_usage(&mut object, diagnostics);
        if self.requires_usage && tokens.is_none() {
            diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
            object.set("usage", NO_USAGE);
        }
        Ok((object.is_changed().then(|| object.to_json().into_bytes()), tokens))
    }

    /// Puts a result into this form.
    fn repair_result(
        &self,
        result: &mut RankedResult<'_>,
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) {
        let RankedResult { object, document } = result;
        if object.u64("index") != u64::try_from(document.index).ok() {
            object.set("index", document.index.to_string());
        }
        if object.get(self.score).map(str::trim) != Some(document.score.as_str()) {
            for other in SCORES.into_iter().filter(|other| *other != self.score) {
                if object.remove(other).is_some() {
                    diagnostics.record(DiagnosticCode::FieldFilled, "results[].score", self.score);
                }
            }
            object.set(self.score, document.score.clone());
        }
        let key = self.document.key();
        let sent = object.non_null(key).map(str::to_owned);
        let repaired = match (request.return_documents, sent) {
            (Some(false), Some(_)) => None,
            (Some(true), None) => self.document_of(document, request),
            (_, Some(sent)) => {
                let repaired = self.document_json(&sent, request).filter(|repaired| *repaired != sent);
                if repaired.is_none() {
                    return;
                }
                repaired
            }
            (_, None) => return,
        };
        diagnostics.record(DiagnosticCode::RankingRepaired, &format!("results[].{key}"), "");
        match repaired {
            Some(repaired) => object.set(key, repaired),
            None => drop(object.remove(key)),
        }
    }

    /// Encodes a response for a client.
    pub fn encode_response(
        &self,
        mut ranking: Ranking,
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) -> String {
        order_results(&mut ranking.results, |document| document, request, diagnostics);
        self.check_bounds(ranking.results.iter(), request, diagnostics);
        let returns_documents = request.return_documents.unwrap_or(self.returns_documents);
        let results: Vec<String> = ranking
            .results
            .iter()
            .map(|ranked| {
                let mut result = Object::new();
                result.set("index", ranked.index.to_string());
                result.set(self.score, ranked.score.as_str());
                if let Some(document) = self.document_of(ranked, request).filter(|_| returns_documents) {
                    result.set(self.document.key(), document);
                }
                result.to_json()
            })
            .collect();
        let results = encode_array(&results);
        let Some(key) = self.results else {
            report_lost_units(&ranking, diagnostics);
            return results;
        };
        let mut body = Object::new();
        if let Some(id) = &ranking.id {
            body.set("id", encode_string(id));
        }
        self.encode_metadata(&mut body, &ranking, request, diagnostics);
        body.set(key, results);
        body.to_json()
    }

    /// Encodes what a response has beside its results: the model and usage, or Cohere's `meta`.
    fn encode_metadata(
        &self,
        body: &mut Object<'_>,
        ranking: &Ranking,
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(version) = self.api_version {
            let mut meta = Object::new();
            meta.set("api_version", format!(r#"{{"version":"{version}"}}"#));
            if let Some(units) = ranking.search_units {
                meta.set("billed_units", format!(r#"{{"search_units":{units}}}"#));
            }
            if let Some(tokens) = ranking.tokens {
                meta.set("tokens", format!(r#"{{"input_tokens":{tokens}}}"#));
            }
            body.set("meta", meta.to_json());
            return;
        }
        body.set("object", "\"list\"");
        body.set("model", encode_string(ranking.model.as_deref().unwrap_or(&request.model)));
        let mut usage = Object::new();
        match ranking.tokens {
            Some(tokens) => usage.set("total_tokens", tokens.to_string()),
            None => {
                diagnostics.record(DiagnosticCode::UsageMissing, "usage", "");
                usage.set("total_tokens", "0");
            }
        }
        // OpenRouter has it there, too: <https://openrouter.ai/docs/api/api-reference/rerank/submit-a-rerank-request>.
        if let Some(units) = ranking.search_units {
            usage.set("search_units", units.to_string());
        }
        body.set("usage", usage.to_json());
    }

    /// The document of a result as this form has it, from the request.
    fn document_of(&self, ranked: &RankedDocument, request: &RerankRequest) -> Option<String> {
        self.document_json(request.documents.as_ref()?.get(ranked.index)?, request)
    }

    fn document_json(&self, document: &str, request: &RerankRequest) -> Option<String> {
        match (self.document, value_kind(document)) {
            (DocumentForm::Object, ValueKind::String) => Some(format!(r#"{{"text":{document}}}"#)),
            (DocumentForm::Object, _) => Some(document.to_owned()),
            (DocumentForm::Text | DocumentForm::Inline, _) => {
                request.text_of(document).ok().map(Cow::into_owned)
            }
        }
    }

    /// Reports scores out of the bounds that the form promises: they are still in the right order.
    fn check_bounds<'d>(
        &self,
        mut results: impl Iterator<Item = &'d RankedDocument>,
        request: &RerankRequest,
        diagnostics: &mut Diagnostics,
    ) {
        let is_outside = |document: &RankedDocument| !(0.0..=1.0).contains(&document.relevance);
        if self.scores_are_bounded && !request.raw_scores && results.any(is_outside) {
            diagnostics.record(DiagnosticCode::ScoresUnbounded, "results[].score", "");
        }
    }
}

/// Puts counters that came as text right.
fn repair_usage(response: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(mut usage) = response.object("usage").map(Object::into_owned) else { return };
    for key in ["prompt_tokens", "total_tokens"] {
        let text = usage.get(key).filter(|value| decode_string(value).is_some());
        if let Some(count) = text.and_then(reported_count) {
            usage.set(key, count.to_string());
            diagnostics.record(DiagnosticCode::UsageShaped, "usage", key);
        }
    }
    if usage.is_changed() {
        response.set("usage", usage.to_json());
    }
}

fn report_lost_units(ranking: &Ranking, diagnostics: &mut Diagnostics) {
    if ranking.search_units.is_some() {
        diagnostics.record(DiagnosticCode::FeatureUnsupported, "meta.billed_units", "");
    }
}
