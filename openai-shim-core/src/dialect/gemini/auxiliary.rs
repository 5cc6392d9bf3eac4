//! Routes beside the answers': models, the counting of tokens, and vectors.
//!
//! <https://ai.google.dev/api/models>, <https://ai.google.dev/api/tokens>, <https://ai.google.dev/api/embeddings>

use super::super::auxiliary::{
    AuxiliaryKind, AuxiliaryRequest, AuxiliaryRoute, DialectHeaders, GET, ModelApi, TokenCountApi, parameter,
};
use super::embeddings::{MANY, ONE};
use super::request_path::bare;
use super::{camelized, read, shape};
use crate::canonical::{Diagnostics, ListedModel};
use crate::error::ClientError;
use crate::json::{Object, encode_string};

pub(super) static ROUTES: [AuxiliaryRoute; 5] = [
    at("POST", "/models/{model}:countTokens", AuxiliaryKind::Count(&COUNTING)),
    at("POST", "/models/{model}:batchEmbedContents", AuxiliaryKind::Embed(&MANY)),
    at("POST", "/models/{model}:embedContent", AuxiliaryKind::Embed(&ONE)),
    at(GET, "/models", AuxiliaryKind::Models(list)),
    at(GET, "/models/{model}", AuxiliaryKind::Model(&MODEL)),
];

const fn at(methods: &'static str, path: &'static str, side: AuxiliaryKind) -> AuxiliaryRoute {
    AuxiliaryRoute { prefixes: &["/v1beta", "/v1"], path, methods, side }
}

pub(super) static HEADERS: DialectHeaders = DialectHeaders {
    marks: &["x-goog-api-key", "x-goog-api-client"],
    feature_headers: &[],
    key_parameter: Some("key"),
    request_id: None,
    limits: "x-ratelimit-",
    common_limits: &[],
};

static COUNTING: TokenCountApi = TokenCountApi {
    counted: |asking: &AuxiliaryRequest<'_>| {
        let (resource, _) = asking.path.rsplit_once(':').unwrap_or((asking.path, ""));
        let text = std::str::from_utf8(asking.body).unwrap_or_default();
        let mut whole = None;
        if let Ok(body) = Object::parse(text.as_bytes()) {
            shape::COUNT.check(&body, &mut Diagnostics::default())?;
            whole = camelized(body).non_null("generateContentRequest").map(str::to_owned);
        }
        let body = whole.map_or_else(|| asking.body.to_vec(), String::into_bytes);
        Ok((format!("{resource}:generateContent"), body))
    },
    ask,
    read: |body| read(std::str::from_utf8(body).ok()?)?.u64("totalTokens"),
    write: |tokens| format!(r#"{{"totalTokens":{tokens}}}"#),
};

fn ask(path: &str, body: &[u8]) -> Option<(String, String)> {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let resource = path.strip_suffix(":generateContent")?;
    let mut whole = Object::parse(body).ok()?;
    whole.set_first(
        "model",
        encode_string(&super::super::auxiliary::decode(resource.trim_start_matches('/'))),
    );
    let body = format!(r#"{{"generateContentRequest":{}}}"#, whole.to_json());
    Some((format!("{resource}:countTokens{query}"), body))
}

static MODEL: ModelApi = ModelApi {
    names: |asking: &AuxiliaryRequest<'_>| Ok(vec![asking.name.to_owned(), bare(asking.name).to_owned()]),
    write: model,
    unknown: ClientError::unknown_model,
};

/// Pages are as long as the client asks, and their tokens say how far it has come.
fn list(models: &[ListedModel], query: &str) -> Result<String, ClientError> {
    let number = |key: &str, unsaid: usize| match parameter(query, key) {
        None => Ok(unsaid),
        Some(number) => {
            number.parse().map_err(|_| ClientError::invalid(format!("`{key}` is not valid.")).at(key))
        }
    };
    let start = number("pageToken", 0)?;
    let size = match number("pageSize", 0)? {
        0 => models.len(),
        size => size,
    };
    let rest = models.get(start..).unwrap_or_default();
    let page = rest.get(..size.min(rest.len())).unwrap_or_default();
    let items: Vec<_> = page.iter().map(model).collect();
    let mut out = Object::new();
    out.set("models", format!("[{}]", items.join(",")));
    if rest.len() > page.len() {
        out.set("nextPageToken", encode_string(&(start + page.len()).to_string()));
    }
    Ok(out.to_json())
}

/// What Google says of a model.
const SAID: [&str; 11] = [
    "baseModelId",
    "version",
    "description",
    "inputTokenLimit",
    "outputTokenLimit",
    "supportedGenerationMethods",
    "thinking",
    "temperature",
    "maxTemperature",
    "topP",
    "topK",
];

/// One model: what it says of itself in this dialect, else what can be told from what it says in others.
fn model(listed: &ListedModel) -> String {
    let said = listed.fields();
    let name = ["displayName", "display_name"].iter().find_map(|key| said.str(key));
    let mut item = Object::new();
    item.set("name", encode_string(&format!("models/{}", listed.id)));
    item.set(
        "displayName",
        encode_string(name.filter(|name| !name.is_empty()).as_deref().unwrap_or(&listed.id)),
    );
    let own = said.get("supportedGenerationMethods").is_some();
    for key in SAID {
        if let Some(value) = said.non_null(key).filter(|_| own) {
            item.set(key, value.to_owned());
        }
    }
    if !own {
        if let Some(length) = listed.context_length() {
            item.set("inputTokenLimit", length.to_string());
        }
        let methods = r#"["generateContent","streamGenerateContent","countTokens"]"#;
        item.set("supportedGenerationMethods", methods);
    }
    item.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_turned_by_their_tokens() {
        let models = ["a", "b", "c"].map(|id| ListedModel::new(id, "me"));
        let page = |query: &str| serde_json::from_str::<serde_json::Value>(&list(&models, query).unwrap());
        let first = page("pageSize=2").unwrap();
        assert_eq!((first["models"].as_array().unwrap().len(), &first["nextPageToken"]), (2, &"2".into()));
        let second = page("pageSize=2&pageToken=2").unwrap();
        assert_eq!(second["models"][0]["name"], "models/c");
        assert!(second["nextPageToken"].is_null() && page("").unwrap()["models"][2].is_object());
        assert!(list(&models, "pageToken=x").is_err());
    }

    #[test]
    fn a_count_is_asked_for_the_whole_request() {
        let (path, body) = ask("/models/a%3Ab:generateContent?x=1", br#"{"contents":[]}"#).unwrap();
        assert_eq!(path, "/models/a%3Ab:countTokens?x=1");
        assert_eq!(body, r#"{"generateContentRequest":{"model":"models/a:b","contents":[]}}"#);
    }
}
