//! Which model a forwarded request names, and where: in its JSON, in a field of its form, or in its query. The name is replaced at
//! that place.

use super::url::{query_param, with_query_param};
use crate::framing::{FormField, text_field};
use crate::json::{Object, encode_string};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The member, field or parameter that names it.
pub const FIELD: &str = "model";

/// The model that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedModel {
    /// Its name.
    pub name: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Json,
    Form(FormField),
    Query,
}

/// Whether a body is JSON, by its type; a body without a type is taken for it.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
}

impl NamedModel {
    /// The model that a request names; `None`: it names none.
    pub fn find(headers: &HeaderMap, query: &str, body: &[u8]) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let in_body = || {
            if is_json(headers) {
                let name = Object::parse(body).ok()?.str(FIELD)?.into_owned();
                return Some(Self { name, place: Place::Json });
            }
            let field = text_field(kind, body, FIELD)?;
            let name = field.coding.decode(body.get(field.indexes()?)?)?;
            Some(Self { name, place: Place::Form(field) })
        };
        in_body().or_else(|| Self::in_query(query))
    }

    /// The model that a field of a form names.
    pub fn in_form(name: String, field: FormField) -> Self {
        Self { name, place: Place::Form(field) }
    }

    /// The model that a query names.
    pub fn in_query(query: &str) -> Option<Self> {
        Some(Self { name: query_param(query, FIELD)?, place: Place::Query })
    }

    /// Puts another name in its place.
    pub fn replace(&self, model: &str, query: &mut String, body: Bytes) -> Bytes {
        match &self.place {
            Place::Query => {
                *query = with_query_param(query, FIELD, model);
                body
            }
            Place::Json => {
                let Ok(mut object) = Object::parse(&body) else { return body };
                object.set(FIELD, encode_string(model));
                let mut out = Vec::with_capacity(body.len());
                object.write(&mut out);
                Bytes::from(out)
            }
            Place::Form(field) => field.replace(&body, model).map_or(body, Bytes::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(kind: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers
    }

    fn replaced(kind: &'static str, query: &str, body: &str) -> (String, String, String) {
        let found = NamedModel::find(&headers(kind), query, body.as_bytes()).unwrap();
        let mut query = query.to_owned();
        let body = found.replace("theirs", &mut query, Bytes::from(body.to_owned()));
        (found.name, query, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn a_model_is_found_and_replaced_in_json_form_and_query() {
        let text = String::from;
        assert_eq!(
            replaced("APPLICATION/JSON; charset=utf-8", "", r#"{"a":1,"model":"m"}"#),
            (text("m"), text(""), text(r#"{"a":1,"model":"theirs"}"#))
        );
        let form = "--X\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--X--\r\n";
        let (name, _, body) = replaced("multipart/form-data; boundary=X", "", form);
        assert_eq!((name.as_str(), body), ("m", form.replace("\r\nm\r\n", "\r\ntheirs\r\n")));
        assert_eq!(
            replaced("audio/wav", "a=1&model=m%2Fn&b", "RIFF"),
            (text("m/n"), text("a=1&model=theirs&b"), text("RIFF"))
        );
        assert_eq!(NamedModel::find(&headers("audio/wav"), "a=1", b"RIFF"), None);
    }
}
