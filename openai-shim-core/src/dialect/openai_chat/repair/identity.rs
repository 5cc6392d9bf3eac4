//! Who answered, and when: `id`, `object`, `created`, `model` and their like.

use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec};
use crate::json::{Object, ValueKind, encode_string, value_kind};

/// The first values, which hold for the whole answer.
#[derive(Debug)]
pub(super) struct Identity {
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

    /// Puts the identity of a chunk or an answer right.
    pub(super) fn mend(
        &mut self,
        answer: &mut Object<'_>,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        let same =
            |pinned: &Option<String>, key: &str| pinned.is_some() && answer.get(key) == pinned.as_deref();
        let (id, created, model) =
            (same(&self.id, "id"), same(&self.created, "created"), same(&self.model, "model"));
        if !id {
            self.mend_id(answer, context, diagnostics);
        }
        if answer.str("object").as_deref() != Some(self.object) {
            diagnostics.record(DiagnosticCode::ObjectFilled, "object", "");
            answer.set("object", encode_string(self.object));
        }
        if !created {
            self.mend_created(answer, spec, diagnostics);
        }
        if !model || spec.restore_alias {
            self.mend_model(answer, spec, diagnostics);
        }
        mend_rest(answer, diagnostics);
    }

    /// Puts the identity of a whole answer right: nothing follows that would have to have the same one.
    pub(super) fn mend_whole(
        answer: &mut Object<'_>,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        const OBJECT: &str = "chat.completion";
        let says =
            |key: &str| answer.get(key).is_some_and(|v| value_kind(v) == ValueKind::String && v != "\"\"");
        let right = says("id") && says("model") && answer.u64("created").is_some();
        if right && !spec.restore_alias && answer.str("object").as_deref() == Some(OBJECT) {
            mend_rest(answer, diagnostics);
        } else {
            Self::new(OBJECT).mend(answer, spec, context, diagnostics);
        }
    }

    /// Whether all of it is known, so that every chunk is held against the same.
    pub(super) fn is_settled(&self, spec: &ResponseSpec) -> bool {
        self.id.is_some() && self.created.is_some() && (self.model.is_some() || spec.restore_alias)
    }

    /// An answer or chunk that has nothing but its identity.
    pub(super) fn blank(&mut self, spec: &ResponseSpec, context: &mut ResponseContext) -> Object<'static> {
        let mut blank = Object::new();
        self.mend(&mut blank, spec, context, &mut Diagnostics::default());
        blank
    }

    fn mend_id(
        &mut self,
        answer: &mut Object<'_>,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        let given = match answer.get("id").map(|id| (value_kind(id), id.trim())) {
            Some((ValueKind::String, id)) if id != "\"\"" => Some((id.to_owned(), false)),
            Some((ValueKind::Number, id)) => Some((format!("\"{id}\""), true)),
            _ => None,
        };
        match (&self.id, given) {
            (None, Some((id, reshaped))) => {
                if reshaped {
                    diagnostics.record(DiagnosticCode::IdSynthesized, "id", "a number became a text");
                    answer.set("id", id.clone());
                }
                self.id = Some(id);
            }
            (Some(pinned), Some((id, false))) if *pinned == id => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "id", "");
                answer.set("id", pinned.clone());
            }
            (pinned, None) => {
                self.id_was_missing = true;
                diagnostics.record(DiagnosticCode::IdSynthesized, "id", "");
                let id = pinned.clone().unwrap_or_else(|| encode_string(&context.new_id("chatcmpl-")));
                answer.set_first("id", id.clone());
                self.id = Some(id);
            }
        }
    }

    fn mend_created(&mut self, answer: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
        let given = answer.get("created").map(str::trim);
        // 0 beside an id is somebody's clock; 0 beside none is a placeholder.
        let placeholder = self.id_was_missing && given == Some("0");
        let whole = given.and_then(|c| c.parse::<u64>().ok()).filter(|_| !placeholder);
        match (&self.created, whole) {
            (None, Some(created)) => self.created = Some(created.to_string()),
            (Some(pinned), Some(created)) if *pinned == created.to_string() => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "created", "");
                answer.set("created", pinned.clone());
            }
            (pinned, None) => {
                diagnostics.record(DiagnosticCode::CreatedFilled, "created", "");
                // A time with a fraction, or as a text, is a time all the same.
                let text = given.map(|g| g.trim_matches('"'));
                let read = text.and_then(|g| g.parse::<f64>().ok()).filter(|c| *c >= 1.0 && *c < 1e12);
                let created = pinned.clone().unwrap_or_else(|| match read {
                    Some(seconds) => format!("{:.0}", seconds.trunc()),
                    None => spec.created.to_string(),
                });
                answer.set("created", created.clone());
                self.created = Some(created);
            }
        }
    }

    fn mend_model(&mut self, answer: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
        let asked_for = || encode_string(&spec.model);
        let given = answer
            .get("model")
            .filter(|m| value_kind(m) == ValueKind::String && m.trim() != "\"\"")
            .map(str::to_owned);
        if spec.restore_alias {
            if given.as_deref() != Some(&asked_for()) {
                answer.set("model", asked_for());
            }
            return;
        }
        match (&self.model, given) {
            (None, Some(model)) => self.model = Some(model),
            (Some(pinned), Some(model)) if *pinned == model => {}
            (Some(pinned), Some(_)) => {
                diagnostics.record(DiagnosticCode::IdPinned, "model", "");
                answer.set("model", pinned.clone());
            }
            (pinned, None) => {
                diagnostics.record(DiagnosticCode::ModelFilled, "model", "");
                let model = pinned.clone().unwrap_or_else(asked_for);
                answer.set("model", model.clone());
                self.model = Some(model);
            }
        }
    }
}

/// What else may stand beside it.
fn mend_rest(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    keep_known(answer, "service_tier", &["auto", "default", "flex", "scale", "priority"], diagnostics);
    if answer
        .get("system_fingerprint")
        .is_some_and(|v| !matches!(value_kind(v), ValueKind::String | ValueKind::Null))
    {
        diagnostics.record(DiagnosticCode::FieldDropped, "system_fingerprint", "");
        answer.remove("system_fingerprint");
    }
    if answer.get("error").is_some_and(|e| value_kind(e) == ValueKind::Null) {
        diagnostics.record(DiagnosticCode::NullDropped, "error", "");
        answer.remove("error");
    }
}

/// A member that may only be one of some words (or null) is left out if it is not.
fn keep_known(answer: &mut Object<'_>, key: &str, words: &[&str], diagnostics: &mut Diagnostics) {
    let Some(value) = answer.get(key) else { return };
    let known = value_kind(value) == ValueKind::Null
        || answer.str(key).is_some_and(|word| words.contains(&word.as_ref()));
    if !known {
        let detail = answer.str(key).unwrap_or_default().chars().take(40).collect::<String>();
        diagnostics.record(DiagnosticCode::FieldDropped, key, &detail);
        answer.remove(key);
    }
}
