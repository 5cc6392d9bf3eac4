//! Parameters of the client's request that the upstream's dialect lacks: each is reported by the client's name for it, and
//! cleared.

use super::recipient::Recipient;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, ResponseFormat, is_default, report_lost_field};
use crate::json::{Object, ValueKind, decode_string, encode_string, value_kind};
use std::borrow::Cow;

/// A parameter that the canonical request has a field for.
struct Field {
    /// Its name in OpenAI's chat.
    name: &'static str,
    /// Its value as JSON; `None`: the client did not send it.
    value: fn(&Request) -> Option<String>,
    clear: fn(&mut Request),
}

macro_rules! fields {
    ($($name:ident: $value:expr, $clear:expr;)*) => {
        [$(Field { name: stringify!($name), value: $value, clear: $clear },)*]
    };
}

/// The parameters, apart from those that have a rule of their own.
static FIELDS: [Field; 13] = fields! {
    temperature: |r| r.temperature.map(|v| v.to_string()), |r| r.temperature = None;
    top_p: |r| r.top_p.map(|v| v.to_string()), |r| r.top_p = None;
    top_k: |r| r.top_k.map(|v| v.to_string()), |r| r.top_k = None;
    min_p: |r| r.min_p.map(|v| v.to_string()), |r| r.min_p = None;
    repetition_penalty: |r| r.repetition_penalty.map(|v| v.to_string()), |r| r.repetition_penalty = None;
    frequency_penalty: |r| r.frequency_penalty.map(|v| v.to_string()), |r| r.frequency_penalty = None;
    presence_penalty: |r| r.presence_penalty.map(|v| v.to_string()), |r| r.presence_penalty = None;
    seed: |r| r.seed.map(|v| v.to_string()), |r| r.seed = None;
    n: |r| r.n.map(|v| v.to_string()), |r| r.n.set(None);
    stop: |r| (!r.stop.is_empty()).then(|| r.stop.len().to_string()), |r| r.stop.set(Vec::new());
    logprobs: |r| r.logprobs.map(|_| String::from("true")), |r| r.logprobs = None;
    suffix: |r| r.suffix.as_deref().map(encode_string), |r| r.suffix = None;
    logit_bias: |r| r.logit_bias.as_ref().map(|v| v.as_str().to_owned()), |r| r.logit_bias = None;
};

/// Extra fields whose value is an object, of which our model has a part: each other field is reported by itself.
const OBJECTS: [&str; 5] = ["metadata", "output_config", "reasoning", "text", "thinking"];

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    if recipient.client.extra_fields_name() == recipient.dialect.extra_fields_name() {
        return;
    }
    name_user(request, recipient, diagnostics);
    shorten_user(request, recipient, diagnostics);
    for field in &FIELDS {
        if recipient.dialect.params().path(field.name).is_some() {
            continue;
        }
        if let Some(value) = (field.value)(request) {
            if !is_default(field.name, &value) {
                report(recipient.client_name(field.name), &value, diagnostics);
            }
            (field.clear)(request);
        }
    }
    drop_user(request, recipient, diagnostics);
    drop_shared(request, recipient, diagnostics);
    drop_response_format(request, recipient, diagnostics);
    report_extra(request, recipient, diagnostics);
}

fn report(name: &str, value: &str, diagnostics: &mut Diagnostics) {
    report_lost_field(DiagnosticCode::ParamDropped, name, value, "", diagnostics);
}

/// Sends OpenAI's newer name of an end user under the older one, which the other APIs have a field for.
fn name_user(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let params = recipient.dialect.params();
    if request.user.is_some() || params.path("safety_identifier").is_some() || params.path("user").is_none() {
        return;
    }
    let Some(at) = request.shared.iter().position(|(key, _)| key == "safety_identifier") else { return };
    let (_, value) = request.shared.remove(at);
    request.user = decode_string(value.as_str()).map(Cow::into_owned);
    diagnostics.record(
        DiagnosticCode::ParamRenamed,
        recipient.client_name("safety_identifier"),
        params.path("user").unwrap_or_default(),
    );
}

/// Cuts an end user's identifier that is too long for the upstream.
fn shorten_user(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let Some(max_length) = recipient.accepts.params.max_user_length else { return };
    let Some(user) = &mut request.user else { return };
    if let Some((end, _)) = user.char_indices().nth(max_length as usize) {
        user.truncate(end);
        let detail = format!("to {max_length} characters");
        diagnostics.record(DiagnosticCode::ParamClamped, recipient.client_name("user"), &detail);
    }
}

fn drop_user(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    if recipient.dialect.params().path("user").is_none()
        && let Some(user) = request.user.take()
    {
        report(recipient.client_name("user"), &encode_string(&user), diagnostics);
    }
}

/// Drops those of OpenAI's parameters that the upstream's dialect lacks, or has another value for.
fn drop_shared(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let params = recipient.dialect.params();
    request.shared.retain(|(key, value)| {
        let is_kept = params.has_value(key, value.as_str());
        if !is_kept {
            report(recipient.client_name(key), value.as_str(), diagnostics);
        }
        is_kept
    });
}

/// Drops a response format that only the client's dialect has.
fn drop_response_format(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    if let Some(ResponseFormat::Native { dialect, .. }) = &*request.response_format
        && *dialect != recipient.dialect.extra_fields_name()
    {
        diagnostics.record(
            DiagnosticCode::FeatureUnsupported,
            "response_format",
            "a form that only the client's API has",
        );
        request.response_format.set(None);
    }
}

/// Reports the parameters that only the client's dialect has. Encoders of other dialects do not write them.
fn report_extra(request: &Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    if request.extra.dialect == recipient.dialect.extra_fields_name() {
        return;
    }
    // A key with a dot in front records how something was written.
    for (key, value) in request.extra.members.iter().filter(|(key, _)| !key.starts_with('.')) {
        if OBJECTS.contains(&key.as_str()) && value_kind(value.as_str()) == ValueKind::Object {
            let object = Object::parse(value.as_str().as_bytes()).unwrap_or_default();
            for (inner, value) in object.iter() {
                report(&format!("{key}.{inner}"), value, diagnostics);
            }
        } else {
            report(key, value.as_str(), diagnostics);
        }
    }
}
