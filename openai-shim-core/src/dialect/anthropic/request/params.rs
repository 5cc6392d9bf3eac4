//! Parameters that are said in another way elsewhere: thinking, the form of the answer, the user, and what is not said
//! here at all.

use super::super::NAME;
use crate::canonical::{DiagnosticCode, Diagnostics, Reasoning, Request, ResponseFormat, ToolChoice};
use crate::json::{Object, encode_string, raw};
use std::borrow::Cow;

/// The fewest tokens that thinking may be given.
const LEAST: u64 = 1024;

/// Takes what a parameter says into the request; what of it has no place there.
pub(super) fn read(key: &str, value: &str, request: &mut Request) -> Option<String> {
    if key == "tool_choice" {
        super::tools::read_choice(value, request);
        return None;
    }
    let Ok(mut object) = Object::parse(value.as_bytes()) else { return Some(value.to_owned()) };
    match key {
        "thinking" => read_thinking(&mut object, &mut request.reasoning),
        "output_config" => {
            request.reasoning.effort = object.str("effort").map(Cow::into_owned);
            if request.reasoning.effort.is_some() {
                object.remove("effort");
            }
            if let Some(format) = object.object("format").and_then(|format| read_format(&format, false)) {
                request.response_format.set_decoded(Some(format));
                object.remove("format");
            }
        }
        "output_format" => {
            request.response_format.set_decoded(read_format(&object, true));
            return request.response_format.is_none().then(|| value.to_owned());
        }
        "metadata" => {
            request.user = object.str("user_id").map(Cow::into_owned);
            if request.user.is_some() {
                object.remove("user_id");
            }
        }
        _ => return Some(value.to_owned()),
    }
    (!object.is_empty()).then(|| object.to_json())
}

fn read_thinking(thinking: &mut Object<'_>, reasoning: &mut Reasoning) {
    let word = thinking.str("type").map(Cow::into_owned);
    reasoning.enabled = word.as_ref().map(|word| word != "disabled");
    reasoning.budget = thinking.u64("budget_tokens").filter(|_| word.as_deref() == Some("enabled"));
    if reasoning.budget.is_some() {
        thinking.remove("budget_tokens");
    }
    if matches!(word.as_deref(), Some("adaptive" | "disabled")) || reasoning.budget.is_some() {
        thinking.remove("type");
    }
}

/// The member of a form that came under the older name for it.
const OLDER: &str = "output_format";

fn read_format(format: &Object<'_>, older: bool) -> Option<ResponseFormat> {
    if format.str("type").as_deref() != Some("json_schema") {
        return None;
    }
    let mut extra = super::super::content_block::leftovers(format, &["type", "schema"]);
    if older {
        extra.members.push((OLDER.to_owned(), raw("true")));
    }
    Some(ResponseFormat::JsonSchema {
        // Nobody sees the name, but elsewhere there must be one.
        name: String::from("output"),
        schema: format.non_null("schema").map(raw),
        strict: Some(true),
        extra,
    })
}

/// Writes what has no place in the canonical model, for who spoke this dialect.
pub(super) fn write_extra(request: &Request, body: &mut Object<'_>) {
    for (key, value) in request.extra.of(NAME) {
        body.set(key.clone(), value.get().to_owned());
    }
}

/// The members that a parameter has besides those of the canonical model.
fn rest(key: &'static str, body: &mut Object<'_>) -> Object<'static> {
    let rest = body.object(key).map(Object::into_owned).unwrap_or_default();
    if !rest.is_empty() {
        body.remove(key);
    }
    rest
}

/// Switches thinking off where it would be refused: the thinking that led to the calls is another model's, and was left out.
pub(super) fn spare_thinking(request: &Request, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let enabled = body.object("thinking").is_some_and(|said| said.str("type").as_deref() == Some("enabled"));
    // Some other models that are served in this dialect sign nothing.
    let theirs = !request.messages.is_changed()
        && !request.model.contains("claude")
        && request.messages.iter().any(super::is_unsigned);
    if enabled && !theirs && super::messages::calls_without_thinking(&request.messages) {
        body.set("thinking", r#"{"type":"disabled"}"#);
        diagnostics.record(DiagnosticCode::ParamDropped, "thinking", NOT_BACK);
    }
}

const NOT_BACK: &str = "the thinking before the last tool call did not come back";

/// What a client of this dialect says of thinking, the form and the user.
fn write_own(request: &Request, body: &mut Object<'_>) {
    let wish = &request.reasoning;
    let mut thinking = rest("thinking", body);
    if thinking.get("type").is_none() {
        match (wish.enabled, wish.budget) {
            (Some(false), _) => thinking.set_first("type", "\"disabled\""),
            (_, Some(budget)) => {
                thinking.set_first("budget_tokens", budget.to_string());
                thinking.set_first("type", "\"enabled\"");
            }
            (Some(true), None) => thinking.set_first("type", "\"adaptive\""),
            (None, None) => {}
        }
    }
    let mut config = rest("output_config", body);
    if let Some(effort) = &wish.effort {
        config.set("effort", encode_string(effort));
    }
    own_format(request, body, &mut config);
    let mut metadata = rest("metadata", body);
    if let Some(user) = &request.user {
        metadata.set("user_id", encode_string(user));
    }
    for (key, object) in [("thinking", thinking), ("output_config", config), ("metadata", metadata)] {
        if !object.is_empty() {
            body.set(key, object.to_json());
        }
    }
}

/// The form of an answer, under the name under which it came.
fn own_format(request: &Request, body: &mut Object<'_>, config: &mut Object<'_>) {
    let Some(ResponseFormat::JsonSchema { schema, extra, .. }) = &*request.response_format else { return };
    let mut format = Object::new();
    format.set("type", "\"json_schema\"");
    if let Some(schema) = schema {
        format.set("schema", schema.get());
    }
    for (key, value) in extra.of(NAME).iter().filter(|(key, _)| key != OLDER) {
        format.set(key.as_str(), value.get());
    }
    match extra.get(OLDER) {
        Some(_) => body.set(OLDER, format.to_json()),
        None => config.set("format", format.to_json()),
    }
}

/// Puts what was changed into a body that came in this dialect.
pub(super) fn rewrite(request: &Request, body: &mut Object<'_>) {
    if request.response_format.is_changed() {
        let mut config = body.object("output_config").map(Object::into_owned).unwrap_or_default();
        let said = config.remove("format").is_some();
        body.remove(OLDER);
        own_format(request, body, &mut config);
        if said || !config.is_empty() {
            body.set("output_config", config.to_json());
        }
    }
    if request.stop.is_changed() {
        let stops: Vec<_> = request.stop.iter().map(|s| encode_string(s)).collect();
        if stops.is_empty() {
            body.remove("stop_sequences");
        } else {
            body.set("stop_sequences", format!("[{}]", stops.join(",")));
        }
    }
}

/// Writes the parameters of a request that came without this dialect's own bytes.
pub(super) fn write(request: &Request, own: bool, body: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let stops: Vec<_> =
        request.stop.iter().filter(|stop| own || !stop.trim().is_empty()).map(|s| encode_string(s)).collect();
    if stops.len() < request.stop.len() {
        diagnostics.record(DiagnosticCode::ParamDropped, "stop", "a stop sequence of white space only");
    }
    if !stops.is_empty() {
        body.set("stop_sequences", format!("[{}]", stops.join(",")));
    }
    let mut temperature = request.temperature;
    if own {
        write_own(request, body);
        number("temperature", temperature, body);
        number("top_p", request.top_p, body);
        number("top_k", request.top_k, body);
        return;
    }
    if let Some(hot) = temperature.filter(|t| *t > 1.0) {
        temperature = Some(1.0);
        diagnostics.record(DiagnosticCode::ParamClamped, "temperature", &format!("{hot} to 1"));
    }
    if let Some(user) = &request.user {
        body.set("metadata", format!("{{\"user_id\":{}}}", encode_string(user)));
    }
    let mut config = Object::new();
    let thinks = write_thinking(request, body, &mut config, diagnostics);
    write_format(request.response_format.as_ref(), &mut config, diagnostics);
    if !config.is_empty() {
        body.set("output_config", config.to_json());
    }
    if thinks && temperature.is_some_and(|t| (t - 1.0).abs() > f64::EPSILON) {
        temperature = None;
        diagnostics.record(DiagnosticCode::ParamDropped, "temperature", "not while thinking");
    }
    number("temperature", temperature, body);
    number("top_p", request.top_p, body);
    if thinks && request.top_k.is_some() {
        diagnostics.record(DiagnosticCode::ParamDropped, "top_k", "not while thinking");
    } else {
        number("top_k", request.top_k, body);
    }
    unsaid(request, diagnostics);
}

fn number<T: std::fmt::Display>(key: &'static str, value: Option<T>, body: &mut Object<'_>) {
    if let Some(value) = value {
        body.set(key, value.to_string());
    }
}

/// What this dialect has no parameter for.
fn unsaid(request: &Request, diagnostics: &mut Diagnostics) {
    request.report_shared(diagnostics);
    let mut lost = |key: &str, said: bool| {
        if said {
            diagnostics.record(DiagnosticCode::ParamDropped, key, "");
        }
    };
    lost("n", request.n.is_some_and(|n| n != 1));
    lost("frequency_penalty", request.frequency_penalty.is_some_and(|p| p != 0.0));
    lost("presence_penalty", request.presence_penalty.is_some_and(|p| p != 0.0));
    lost("seed", request.seed.is_some());
    request.extra.dropped_keys(NAME).for_each(|key| lost(key, true));
}

/// Whether thinking is on; how much is said in the words of the model's generation.
fn write_thinking(
    request: &Request,
    body: &mut Object<'_>,
    config: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let wish = &request.reasoning;
    if wish.enabled == Some(false) || wish.effort.as_deref() == Some("none") {
        body.set("thinking", r#"{"type":"disabled"}"#);
        return false;
    }
    if *wish == (Reasoning { use_token_budget: wish.use_token_budget, ..Reasoning::default() }) {
        return false;
    }
    if matches!(*request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_))) {
        diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", "not while a tool is demanded");
        return false;
    }
    if !wish.use_token_budget {
        body.set("thinking", r#"{"type":"adaptive"}"#);
        match wish.as_effort() {
            Some("minimal") => {
                diagnostics.record(DiagnosticCode::ParamClamped, "reasoning", "minimal to low");
                config.set("effort", "\"low\"");
            }
            Some(effort) => config.set("effort", encode_string(effort)),
            None => {}
        }
        return true;
    }
    if super::messages::calls_without_thinking(&request.messages) {
        diagnostics.record(DiagnosticCode::ParamDropped, "reasoning", NOT_BACK);
        return false;
    }
    let longest = body.u64("max_tokens").unwrap_or_default();
    let budget = wish.as_budget(longest).unwrap_or(longest / 2).max(LEAST);
    let budget = budget.min(longest.saturating_sub(1));
    if budget < LEAST {
        diagnostics.record(
            DiagnosticCode::ParamDropped,
            "reasoning",
            "max_tokens leaves no room for thinking",
        );
        return false;
    }
    body.set("thinking", format!("{{\"type\":\"enabled\",\"budget_tokens\":{budget}}}"));
    true
}

fn write_format(format: Option<&ResponseFormat>, config: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    match format {
        Some(ResponseFormat::JsonSchema { schema: Some(schema), .. }) => {
            let schema = schema.get();
            config.set("format", format!("{{\"type\":\"json_schema\",\"schema\":{schema}}}"));
            diagnostics.record(DiagnosticCode::ParamRenamed, "response_format", "output_config.format");
        }
        Some(ResponseFormat::Native { dialect: NAME, .. } | ResponseFormat::Text) | None => {}
        Some(_) => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, "response_format", "JSON without a schema")
        }
    }
}
