//! Parameters of an encoded body to those that the upstream accepts: renamed, moved into a range, dropped, and set.

use super::body_path;
use super::recipient::{Recipient, RequestDefaults};
use super::strict::ensure_lossless;
use super::{additions, param_conditions, param_ranges, param_values};
use crate::accepts::{Accepts, ToolChoiceSupport};
use crate::canonical::{DiagnosticCode, Diagnostics, is_default};
use crate::dialect::{Encoded, is_param_place};
use crate::error::Unsupported;
use crate::json::{Object, encode_string, is_empty_list};
use std::collections::BTreeSet;

/// Parameters that are never dropped as unlisted: without them there is no request.
const ALWAYS_ALLOWED: [&str; 4] = ["model", "messages", "stream", "stream_options"];

/// Applies the upstream's rules for parameters to an encoded request.
///
/// # Errors
/// In strict mode, when anything of the request was lost so far.
pub fn params(
    encoded: &mut Encoded<'_>,
    recipient: &Recipient<'_>,
    defaults: &RequestDefaults,
    diagnostics: &mut Diagnostics,
) -> Result<(), Unsupported> {
    let accepts = recipient.accepts;
    additions::leave_out(encoded, &accepts.params.client_only);
    let Encoded { body, additions, .. } = encoded;
    drop_empty_tools(body, diagnostics);
    write_required_choice(body, accepts, diagnostics);
    rename(body, recipient, diagnostics);
    param_values::force_with_tools(body, recipient, diagnostics);
    param_values::count_logprobs(body, recipient, diagnostics);
    param_conditions::apply(body, recipient, diagnostics);
    param_ranges::clamp(body, &accepts.params.clamp, recipient, diagnostics);
    param_ranges::limit_output(body, recipient, diagnostics);
    drop_refused(body, recipient, diagnostics);
    param_values::set(body, recipient, additions, diagnostics);
    if defaults.strict { ensure_lossless(recipient.name, diagnostics) } else { Ok(()) }
}

/// Drops an empty list of tools: most APIs refuse it.
fn drop_empty_tools(body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    for key in ["tools", "functions"] {
        if body.get(key).is_some_and(is_empty_list) {
            body.remove(key);
            diagnostics.record(DiagnosticCode::NullDropped, key, "an empty list");
        }
    }
}

/// Writes `tool_choice: "required"` as `any`, for upstreams that name it so, and `any`, which others do not know, as `required`.
fn write_required_choice(body: &mut Object<'_>, accepts: &Accepts, diagnostics: &mut Diagnostics) {
    let choice = body.str("tool_choice");
    let (from, to) = match accepts.tools.required_choice {
        ToolChoiceSupport::Any => ("required", "any"),
        _ => ("any", "required"),
    };
    if choice.as_deref() == Some(from) {
        body.set("tool_choice", encode_string(to));
        diagnostics.record(DiagnosticCode::ParamRenamed, "tool_choice", to);
    }
}

fn rename(body: &mut Object<'_>, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    for (from, to) in &recipient.accepts.params.rename {
        if from == to || is_of_other_dialect(to, recipient) {
            continue;
        }
        // If the client sent both, the upstream's own name wins.
        if body_path::rename(body, from, to) {
            diagnostics.record(DiagnosticCode::ParamRenamed, recipient.client_name_of(from), to);
        }
    }
}

/// Whether a name is a parameter of other dialects only: an upstream that has several has rules for each.
fn is_of_other_dialect(path: &str, recipient: &Recipient<'_>) -> bool {
    recipient.dialect.params().name(path).is_none() && is_param_place(path)
}

fn drop_refused(body: &mut Object<'_>, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let rules = &recipient.accepts.params;
    for path in &rules.drop {
        param_conditions::drop(body, path, recipient, "", diagnostics);
    }
    if rules.allow.is_empty() {
        return;
    }
    let is_refused = |key: &str| {
        !ALWAYS_ALLOWED.contains(&key) && !rules.allow.iter().any(|allowed| is_or_leads_to(key, allowed))
    };
    let mut reported = BTreeSet::new();
    for (key, value) in body.iter().filter(|(key, _)| is_refused(key)) {
        if reported.insert(key) && !is_default(key, value) {
            diagnostics.record(DiagnosticCode::ParamDropped, recipient.client_name_of(key), "");
        }
    }
    body.retain(|key, _| !is_refused(key));
}

/// Whether a key is a place, or holds the object that a place leads into.
fn is_or_leads_to(key: &str, path: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
