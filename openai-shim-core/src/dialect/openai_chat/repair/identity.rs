//! The fields `id`, `object`, `created` and `model`: as the upstream sent them in, complete and the same in every chunk out.

use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, time};
use crate::json::{Object, ValueKind, encode_string, value_kind};

/// The first values that came, which hold for the whole response; each is JSON.
#[derive(Debug)]
pub(in super::super) struct Identity {
    object: &'static str,
    id: Option<String>,
    created: Option<String>,
    model: Option<String>,
    id_was_missing: bool,
}

impl Identity {
    pub(super) fn new(object: &'static str) -> Self {
        Self { object, id: None, created: None, model: None, id_was_missing: false }
    }

    /// Repairs the identity of a chunk or a response, and keeps the values that came first.
    pub(super) fn repair(
        &mut self,
        response: &mut Object<'_>,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        let is_pinned =
            |pinned: &Option<String>, key: &str| pinned.is_some() && response.get(key) == pinned.as_deref();
        let has_id = is_pinned(&self.id, "id");
        let has_created = is_pinned(&self.created, "created");
        let has_model = is_pinned(&self.model, "model");
        if !has_id {
            self.repair_id(response, context, diagnostics);
        }
        if response.str("object").as_deref() != Some(self.object) {
            diagnostics.record(DiagnosticCode::ObjectFilled, "object", "");
            response.set("object", encode_string(self.object));
        }
        if !has_created {
            self.repair_created(response, spec, diagnostics);
        }
        if !has_model || spec.restore_alias {
            self.repair_model(response, spec, diagnostics);
        }
        repair_optional_fields(response, diagnostics);
    }

    /// Repairs the identity of a non-streaming response.
    pub(super) fn repair_completion(
        response: &mut Object<'_>,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        const OBJECT: &str = "chat.completion";
        let has_text =
            |key: &str| response.get(key).is_some_and(|v| value_kind(v) == ValueKind::String && v != "\"\"");
        let has_seconds = response.u64("created").is_some_and(|time| time::to_seconds(time) == time);
        let is_complete = has_text("id") && has_text("model") && has_seconds;
        if is_complete && !spec.restore_alias && response.str("object").as_deref() == Some(OBJECT) {
            repair_optional_fields(response, diagnostics);
        } else {
            Self::new(OBJECT).repair(response, spec, context, diagnostics);
        }
    }

    /// Whether all values are known, so that every chunk is compared with the same ones.
    pub(in super::super) fn is_complete(&self, spec: &ResponseSpec) -> bool {
        self.id.is_some() && self.created.is_some() && (self.model.is_some() || spec.restore_alias)
    }

    /// Returns a chunk that has nothing but the identity.
    pub(super) fn empty_chunk(
        &mut self,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
    ) -> Object<'static> {
        let mut chunk = Object::new();
        self.repair(&mut chunk, spec, context, &mut Diagnostics::default());
        chunk
    }

    fn repair_id(
        &mut self,
        response: &mut Object<'_>,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        let upstream_id = match response.get("id").map(|id| (value_kind(id), id.trim())) {
            Some((ValueKind::String, id)) if id != "\"\"" => Some((id.to_owned(), false)),
            Some((ValueKind::Number, id)) => Some((format!("\"{id}\""), true)),
            _ => None,
        };
        match (&self.id, upstream_id) {
            (None, Some((id, reshaped))) => {
                if reshaped {
                    diagnostics.record(DiagnosticCode::IdSynthesized, "id", "a number became a text");
                    response.set("id", id.clone());
                }
                self.id = Some(id);
            }
            (Some(pinned), Some((id, false))) if *pinned == id => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "id", "");
                response.set("id", pinned.clone());
            }
            (pinned, None) => {
                self.id_was_missing = true;
                diagnostics.record(DiagnosticCode::IdSynthesized, "id", "");
                let id = pinned.clone().unwrap_or_else(|| encode_string(&context.new_id("chatcmpl-")));
                response.set_first("id", id.clone());
                self.id = Some(id);
            }
        }
    }

    fn repair_created(
        &mut self,
        response: &mut Object<'_>,
        spec: &ResponseSpec,
        diagnostics: &mut Diagnostics,
    ) {
        let upstream_created = response.get("created").map(str::trim);
        // 0 next to an id may be a server's clock; 0 without an id is a placeholder.
        let is_placeholder = self.id_was_missing && upstream_created == Some("0");
        let in_seconds = upstream_created.and_then(|c| c.parse::<u64>().ok());
        let in_seconds = in_seconds.filter(|time| !is_placeholder && time::to_seconds(*time) == *time);
        match (&self.created, in_seconds) {
            (None, Some(created)) => self.created = Some(created.to_string()),
            (Some(pinned), Some(created)) if *pinned == created.to_string() => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "created", "");
                response.set("created", pinned.clone());
            }
            (pinned, None) => {
                // A time in another unit or another form is still a time.
                let time = upstream_created.filter(|_| !is_placeholder).and_then(time::read_seconds);
                let detail = if time.is_some() { "not in seconds" } else { "" };
                diagnostics.record(DiagnosticCode::CreatedFilled, "created", detail);
                let created = pinned.clone().unwrap_or_else(|| time.unwrap_or(spec.created).to_string());
                response.set("created", created.clone());
                self.created = Some(created);
            }
        }
    }

    fn repair_model(
        &mut self,
        response: &mut Object<'_>,
        spec: &ResponseSpec,
        diagnostics: &mut Diagnostics,
    ) {
        let requested = || encode_string(&spec.model);
        let upstream_model = response
            .get("model")
            .filter(|m| value_kind(m) == ValueKind::String && m.trim() != "\"\"")
            .map(str::to_owned);
        if spec.restore_alias {
            if upstream_model.as_deref() != Some(&requested()) {
                response.set("model", requested());
            }
            return;
        }
        match (&self.model, upstream_model) {
            (None, Some(model)) => self.model = Some(model),
            (Some(pinned), Some(model)) if *pinned == model => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "model", "");
                response.set("model", pinned.clone());
            }
            (pinned, None) => {
                diagnostics.record(DiagnosticCode::ModelFilled, "model", "");
                let model = pinned.clone().unwrap_or_else(requested);
                response.set("model", model.clone());
                self.model = Some(model);
            }
        }
    }
}

/// Drops optional fields whose values OpenAI's types do not allow.
fn repair_optional_fields(response: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    drop_unknown_value(
        response,
        "service_tier",
        &["auto", "default", "flex", "scale", "priority"],
        diagnostics,
    );
    if response
        .get("system_fingerprint")
        .is_some_and(|v| !matches!(value_kind(v), ValueKind::String | ValueKind::Null))
    {
        diagnostics.record(DiagnosticCode::FieldDropped, "system_fingerprint", "");
        response.remove("system_fingerprint");
    }
    if response.get("error").is_some_and(|e| value_kind(e) == ValueKind::Null) {
        diagnostics.record(DiagnosticCode::NullDropped, "error", "");
        response.remove("error");
    }
}

/// Drops a field whose value is neither null nor one of `allowed`.
fn drop_unknown_value(response: &mut Object<'_>, key: &str, allowed: &[&str], diagnostics: &mut Diagnostics) {
    let Some(value) = response.get(key) else { return };
    let is_allowed = value_kind(value) == ValueKind::Null
        || response.str(key).is_some_and(|value| allowed.contains(&value.as_ref()));
    if !is_allowed {
        let detail = response.str(key).unwrap_or_default().chars().take(40).collect::<String>();
        diagnostics.record(DiagnosticCode::FieldDropped, key, &detail);
        response.remove(key);
    }
}
