//! Parameters of an encoded body that get a value of the profile: where the client sent none, or whatever it sent.

use super::additions::may_add;
use super::body_path;
use super::recipient::Recipient;
use crate::canonical::{Addition, DiagnosticCode, Diagnostics};
use crate::json::Object;
use serde_json::Value;

pub(super) fn set(
    body: &mut Object<'_>,
    recipient: &Recipient<'_>,
    additions: &mut Vec<Addition>,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.params;
    if !rules.force_with_tools.is_empty() && body.non_null("tools").is_some() {
        for (path, value) in &rules.force_with_tools {
            // An upstream may have several dialects: the rule is for the one that has the parameter.
            if recipient.dialect.params().name(path).is_some() {
                force(body, path, value, |replaces| {
                    let code =
                        if replaces { DiagnosticCode::ParamClamped } else { DiagnosticCode::ParamDefaulted };
                    diagnostics.record(
                        code,
                        recipient.client_name_of(path),
                        &format!("{value} beside tools"),
                    );
                });
            }
        }
    }
    for (path, value) in &rules.set {
        if body_path::non_null(body, path).is_none() && may_add(path, &rules.client_only) {
            body_path::set(body, path, value.to_string());
            additions.push(Addition::member(path.clone()));
            diagnostics.record(DiagnosticCode::ParamDefaulted, recipient.client_name_of(path), "");
        }
    }
    for (path, value) in &rules.force {
        force(body, path, value, |_| {
            diagnostics.record(DiagnosticCode::ParamForced, recipient.client_name_of(path), "");
        });
    }
}

/// Sets a value, and tells whether it replaces another one.
fn force(body: &mut Object<'_>, path: &str, value: &Value, report: impl FnOnce(bool)) {
    let current = body_path::non_null(body, path);
    let is_same = current.as_ref().and_then(|json| serde_json::from_str::<Value>(json).ok());
    if is_same.as_ref() == Some(value) {
        return;
    }
    report(current.is_some());
    body_path::set(body, path, value.to_string());
}
