//! Floor 3: a request made such that one profile accepts it; every change is reported.
//!
//! First what is asked is changed (tools, the form of the answer, limits), then the messages, which by now hold the
//! sentences that stand for what the upstream cannot be told otherwise; last, on the wire, the parameters.

mod choices_and_stops;
mod conversation;
mod history;
mod identifiers;
mod messages;
mod opaque;
mod order;
mod output_schema;
mod params;
mod stored_turns;
mod thinking;
mod tools;

pub(crate) use opaque::OpaqueStateRule;
pub use params::params;
pub(crate) use stored_turns::{StateScope, StoredTurns, TurnLookup};

use crate::canonical::{
    Block, ChatTemplate, DiagnosticCode, Diagnostics, Message, Request, ResponseSpec, Role, Severity,
    TokenLimit,
};
use crate::error::{Error, Unsupported};
use crate::profile::Profile;

/// What the owner of the service decides about every request.
#[derive(Debug, Clone, Default)]
pub struct RequestDefaults {
    /// `max_tokens` for upstreams that want one.
    pub max_tokens: Option<u64>,
    /// A loss is an error.
    pub strict: bool,
}

/// Makes `request` one that `profile` accepts, and notes in `spec` what that means for the answer.
///
/// # Errors
/// When a message holds a kind of content that the upstream cannot read.
pub fn normalize(
    request: &mut Request,
    profile: &Profile,
    defaults: &RequestDefaults,
    spec: &mut ResponseSpec,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    tools::normalize(request, &profile.tools, diagnostics);
    output_schema::normalize(request, &profile.response_format, spec, diagnostics);
    template(request, &profile.messages.chat_template);
    request.reasoning.use_token_budget = profile.reasoning.use_token_budget;
    choices_and_stops::normalize(request, &profile.params, spec, diagnostics);
    history::normalize(request, &profile.messages, diagnostics);
    messages::normalize(request, profile, diagnostics)?;
    order::normalize(request, profile, diagnostics);
    identifiers::normalize(request, &profile.messages, diagnostics);
    if request.max_tokens.is_none()
        && profile.params.require_max_tokens
        && let Some(tokens) = defaults.max_tokens
    {
        request.max_tokens = Some(TokenLimit { tokens, completion: false });
        diagnostics.record(DiagnosticCode::ParamDefaulted, "max_tokens", "");
    }
    stream(request, profile, spec, diagnostics);
    Ok(())
}

/// How a conversation is to be written where it must be one prompt, and where the answer ends then.
fn template(request: &mut Request, template: &ChatTemplate) {
    if request.is_prompt || !template.is_set() {
        return;
    }
    let more: Vec<String> = template.stops().into_iter().filter(|s| !request.stop.contains(s)).collect();
    if !more.is_empty() {
        request.stop.edit().extend(more);
    }
    request.template = template.clone();
}

/// Whether a stream is asked for, which need not be what the client asked for.
fn stream(request: &mut Request, profile: &Profile, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    let formed = profile.response_format.disable_streaming && request.response_format.is_some();
    if request.stream && (!profile.stream.supported || formed || spec.sequential_choices > 0) {
        request.stream = false;
        diagnostics.record(
            DiagnosticCode::StreamSimulated,
            "stream",
            "the upstream is asked for a whole answer",
        );
    } else if !request.stream && profile.stream.required && spec.sequential_choices == 0 {
        request.stream = true;
        diagnostics.record(DiagnosticCode::StreamFolded, "stream", "the upstream only streams");
    }
    // Usage is always asked for, so that reports have it; the client gets it only if it asked.
    request.include_usage = request.stream && profile.stream.accepts_options;
}

/// In strict mode a loss is an error that names the field.
///
/// # Errors
/// The first loss among `diagnostics`.
pub fn ensure_lossless(profile: &Profile, diagnostics: &Diagnostics) -> Result<(), Unsupported> {
    let Some(loss) = diagnostics.iter().find(|d| d.severity() >= Severity::Warning) else { return Ok(()) };
    let detail = if loss.detail.is_empty() { String::new() } else { format!(" ({})", loss.detail) };
    let (name, path) = (&profile.name, &loss.path);
    let message = format!(
        "`{path}` cannot be sent to {name} as it is: {}{detail}. Change it, or use lenient mode.",
        loss.code.meaning().trim_end_matches('.')
    );
    Err(Unsupported::new(path.clone(), message))
}

/// Tells the model something, at the end of the instructions.
fn append_instruction(request: &mut Request, sentence: &str) {
    let is_system = |m: &&mut Message| matches!(m.role, Role::System | Role::Developer);
    match request.messages.iter_mut().find(is_system) {
        Some(message) => {
            message.edit().blocks.push(Block::text(format!("\n\n{sentence}")));
            if !message.content_was_parts {
                message.join_texts();
            }
        }
        None => request.messages.edit().insert(0, Message::text(Role::System, sentence)),
    }
}
