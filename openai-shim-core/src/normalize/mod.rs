//! A canonical request to one that an upstream accepts; every change is reported.
//!
//! The order is fixed: first what the request asks for (tools, the response format, limits), then the messages, which by then
//! include the sentences for what the upstream has no parameter for; at last, in the encoded body, the parameters.

mod additions;
mod arguments;
mod auxiliary_params;
pub(crate) mod body_path;
mod change;
mod choices_and_stops;
mod conversation;
mod empty_text;
mod generated_media;
mod identifiers;
mod media;
mod media_placement;
mod media_source;
mod message_fields;
mod native;
mod noise;
mod order;
mod output_schema;
mod pairing;
mod param_conditions;
mod param_ranges;
mod param_values;
mod params;
mod property_names;
mod reasoning;
mod recipient;
mod roles;
mod schema;
mod short_digest;
mod stored_turns;
mod strict;
mod system_messages;
mod text;
mod tool_choice;
mod tool_names;
mod tool_schema;
mod unique_tools;
mod unsupported_params;

pub use auxiliary_params::auxiliary_params;
pub use generated_media::generated_media;
pub use params::params;
pub(crate) use reasoning::opaque::OpaqueStateRule;
pub use recipient::{Recipient, RequestDefaults};
pub(crate) use stored_turns::{StateScope, StoredTurns, TurnLookup};
pub use strict::ensure_lossless;

use crate::accepts::Accepts;
use crate::canonical::{ChatTemplate, DiagnosticCode, Diagnostics, Request, ResponseSpec, TokenLimit};
use crate::error::Error;

/// The limit for upstreams that require one, for models whose largest is unknown.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// Changes `request` so that `recipient` accepts it, and records in `spec` what that means for the response.
///
/// # Errors
/// When a message has content of a type that the upstream does not accept.
pub fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    defaults: &RequestDefaults,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let accepts = recipient.accepts;
    // Before native blocks become texts of their own.
    text::join_deltas(&mut request.messages, diagnostics);
    native::normalize(request, recipient, diagnostics);
    unique_tools::normalize(request, &accepts.tools, diagnostics);
    tool_names::normalize(request, recipient, spec, diagnostics);
    pairing::normalize(request, recipient, diagnostics);
    tool_choice::normalize(request, recipient, diagnostics);
    tool_schema::normalize(request, recipient, diagnostics);
    property_names::normalize(request, recipient, spec, diagnostics);
    output_schema::normalize(request, recipient, spec, diagnostics);
    set_chat_template(request, &accepts.messages.chat_template);
    choices_and_stops::normalize(request, recipient, spec, diagnostics);
    reasoning::history::normalize(request, &accepts.messages, diagnostics);
    reasoning::history::rename_field(request, recipient, diagnostics);
    reasoning::signed_calls::drop_unsigned(request, &accepts.messages, diagnostics);
    normalize_messages(request, recipient, diagnostics)?;
    order::normalize(request, recipient, diagnostics);
    identifiers::normalize(request, &accepts.messages, diagnostics);
    unsupported_params::normalize(request, recipient, diagnostics);
    set_max_tokens(request, recipient, defaults, diagnostics);
    // After the limit, of which budgets are a share.
    reasoning::request::normalize(request, recipient, &spec.model, diagnostics);
    reasoning::encrypted::normalize(request, recipient);
    set_streaming(request, accepts, spec, diagnostics);
    Ok(())
}

/// The rules that concern each message on its own, apart from its place among the others.
fn normalize_messages(
    request: &mut Request,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let rules = &recipient.accepts.messages;
    let is_translated = !recipient.is_own(request.extra.dialect);
    let messages = &mut request.messages;
    let were_blank = messages.is_empty() || (!is_translated && empty_text::are_blank(messages));
    noise::drop_system_lines(messages, rules, diagnostics);
    media::normalize(messages, request.extra.dialect, recipient, diagnostics)?;
    media_placement::normalize(messages, &recipient.accepts.media, diagnostics);
    if !were_blank {
        empty_text::drop_refused(messages, recipient, diagnostics);
    }
    if !request.is_prompt && !were_blank {
        empty_text::drop_leftover(messages, is_translated, recipient, diagnostics)?;
    }
    for (i, message) in messages.iter_mut().enumerate() {
        for rule in [
            arguments::normalize,
            text::parts_to_string,
            text::string_to_parts,
            message_fields::drop_refused,
            message_fields::drop_name,
        ] {
            rule(message, rules, i, diagnostics);
        }
    }
    roles::rename(messages, rules, diagnostics);
    message_fields::name_tool_results(messages, rules, diagnostics);
    text::drop_empty_assistant(messages, rules, diagnostics);
    for (i, message) in messages.iter_mut().enumerate() {
        text::fill_content(message, rules, i, diagnostics);
        empty_text::list_to_string(message, i, diagnostics);
    }
    Ok(())
}

/// Sets the template by which the messages become one prompt, and the stop sequences that belong to it.
fn set_chat_template(request: &mut Request, template: &ChatTemplate) {
    if request.is_prompt || !template.is_set() {
        return;
    }
    let added: Vec<String> =
        template.stop_sequences().into_iter().filter(|s| !request.stop.contains(s)).collect();
    if !added.is_empty() {
        request.stop.edit().extend(added);
    }
    request.template = template.clone();
}

/// Sets the limit on the output where the client sent none: the configured one, else one that the upstream requires.
fn set_max_tokens(
    request: &mut Request,
    recipient: &Recipient<'_>,
    defaults: &RequestDefaults,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.params;
    let required = || rules.require_max_tokens.then(|| rules.max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS));
    if request.max_tokens.is_none()
        && additions::may_add("max_tokens", &rules.client_only)
        && let Some(tokens) = defaults.max_tokens.or_else(required)
    {
        request.max_tokens = Some(TokenLimit { tokens, completion: false });
        let name = recipient.client_name("max_tokens");
        diagnostics.record(DiagnosticCode::ParamDefaulted, name, &tokens.to_string());
    }
}

/// Decides whether the upstream is asked for a stream, whatever the client asked for.
fn set_streaming(
    request: &mut Request,
    accepts: &Accepts,
    spec: &ResponseSpec,
    diagnostics: &mut Diagnostics,
) {
    let disabled_by_format = accepts.response_format.disable_streaming && request.response_format.is_some();
    if request.stream && (!accepts.stream.supported || disabled_by_format || spec.sequential_choices > 0) {
        request.stream = false;
        diagnostics.record(
            DiagnosticCode::StreamSimulated,
            "stream",
            "the upstream is asked for a whole answer",
        );
    } else if !request.stream && accepts.stream.required && spec.sequential_choices == 0 {
        request.stream = true;
        diagnostics.record(DiagnosticCode::StreamFolded, "stream", "the upstream only streams");
    }
    // Reports need the usage, so it is always requested; the client gets it only if it asked for it.
    request.include_usage = request.stream && accepts.stream.accepts_options;
}
