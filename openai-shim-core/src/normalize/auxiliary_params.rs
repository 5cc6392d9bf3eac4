//! The parameters of a request to an auxiliary API to those that the upstream accepts: renamed, dropped, set, and the word for
//! what vectors are for.

use super::body_path;
use crate::accepts::AuxiliaryRules;
use crate::canonical::{DiagnosticCode, Diagnostics, EmbeddingInputType};
use crate::json::{Object, decode_string, encode_string, member_path};

/// The parameters by which formats like OpenAI's say what vectors are for.
const INPUT_TYPE_PARAMS: [&str; 3] = ["input_type", "task", "task_type"];

/// Parameters that change nothing in what the client gets, with the values of which that holds (none: all), and what is done here
/// without them.
const CONVERTED_PARAMS: [(&str, &[&str], &str); 5] = [
    ("encoding_format", &["float", "base64"], "the vectors are converted here"),
    ("top_n", &[], CUT_HERE),
    ("top_k", &[], CUT_HERE),
    ("return_documents", &[], ADDED_HERE),
    ("return_text", &[], ADDED_HERE),
];

const CUT_HERE: &str = "the ranking is cut here";
const ADDED_HERE: &str = "the documents are added here";

/// Applies an upstream's rules to the body of a request. `is_translated`: the client's own request has another format.
/// `client_name` returns the client's name of a parameter.
pub fn auxiliary_params(
    body: &mut Object<'_>,
    rules: &AuxiliaryRules,
    is_translated: bool,
    client_name: &dyn Fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) {
    write_input_type(body, rules, is_translated, client_name, diagnostics);
    for (from, to) in &rules.rename {
        // If the client sent both, the upstream's own name wins.
        if from != to && body_path::rename(body, from, to) {
            diagnostics.record(DiagnosticCode::ParamRenamed, &client_name(from), to);
        }
    }
    for path in &rules.drop {
        drop(body, path, client_name, diagnostics);
    }
    for (path, value) in &rules.set {
        if body_path::non_null(body, path).is_none() {
            body_path::set(body, path, value.to_string());
            diagnostics.record(DiagnosticCode::ParamDefaulted, &client_name(path), "");
        }
    }
}

fn drop(
    body: &mut Object<'_>,
    path: &str,
    client_name: &dyn Fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) {
    let value = body_path::get(body, path);
    let value = value.as_deref().unwrap_or_default();
    let is_null = value.trim() == "null";
    let is_converted = |values: &[&str]| {
        values.is_empty() || decode_string(value).is_none_or(|value| values.contains(&value.as_ref()))
    };
    let converted = CONVERTED_PARAMS.iter().find(|(param, values, _)| *param == path && is_converted(values));
    let is_removed = body_path::remove(body, path)
        || (path.contains('.') && member_path::remove(body, &path.split('.').collect::<Vec<_>>()));
    if !is_removed || is_null {
        return;
    }
    match converted {
        Some((_, _, done)) => diagnostics.record(DiagnosticCode::DefaultDropped, &client_name(path), done),
        None => diagnostics.record(DiagnosticCode::ParamDropped, &client_name(path), ""),
    }
}

/// Writes what the vectors are for in the upstream's words.
fn write_input_type(
    body: &mut Object<'_>,
    rules: &AuxiliaryRules,
    is_translated: bool,
    client_name: &dyn Fn(&str) -> String,
    diagnostics: &mut Diagnostics,
) {
    // What the upstream has no rule for is between it and a client of its own format.
    if rules.input_type.is_empty() && !is_translated {
        return;
    }
    for param in INPUT_TYPE_PARAMS {
        let Some(word) = body.str(param).map(std::borrow::Cow::into_owned) else { continue };
        let is_own_word = rules.input_types.values().any(|own| *own == word);
        let own = if is_own_word {
            Some(&word)
        } else {
            EmbeddingInputType::parse(&word).and_then(|known| rules.input_types.get(known.as_str()))
        };
        match own {
            Some(_) if is_own_word && param == rules.input_type => {}
            Some(own) => {
                body.remove(param);
                body.set(rules.input_type.clone(), encode_string(own));
                let detail = format!("{}: {own}", rules.input_type);
                diagnostics.record(DiagnosticCode::ParamRenamed, &client_name(param), &detail);
            }
            None => {
                body.remove(param);
                diagnostics.record(DiagnosticCode::ParamDropped, &client_name(param), "");
            }
        }
    }
}
