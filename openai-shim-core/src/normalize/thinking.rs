//! How much to think, said under the upstream's own name for it.

use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, encode_string};
use crate::profile::{ReasoningParam, ReasoningRules};

/// OpenAI's words, from least to most, and those of others.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

const EFFORT: &str = "reasoning_effort";

/// Puts `reasoning_effort` of a request body under the upstream's name.
pub(super) fn write_effort(body: &mut Object<'_>, rules: &ReasoningRules, diagnostics: &mut Diagnostics) {
    let Some(given) = body.str(EFFORT).map(std::borrow::Cow::into_owned) else { return };
    let effort = nearest_effort(&given, &rules.efforts);
    if effort != given {
        diagnostics.record(DiagnosticCode::ParamClamped, EFFORT, &format!("{given} to {effort}"));
    }
    let off = matches!(effort, "none" | "minimal") || given == "none";
    let (name, value) = match rules.param {
        ReasoningParam::ReasoningEffort => {
            if effort != given {
                body.set(EFFORT, encode_string(effort));
            }
            return;
        }
        ReasoningParam::None => {
            body.remove(EFFORT);
            diagnostics.record(DiagnosticCode::ParamDropped, EFFORT, "");
            return;
        }
        ReasoningParam::Reasoning => ("reasoning", format!(r#"{{"effort":{}}}"#, encode_string(effort))),
        ReasoningParam::Thinking => {
            // One that knows efforts, too, is told both.
            if !off && !rules.efforts.is_empty() {
                body.set(EFFORT, encode_string(effort));
                if body.non_null("thinking").is_none() {
                    body.set("thinking", r#"{"type":"enabled"}"#);
                }
                return;
            }
            ("thinking", format!(r#"{{"type":"{}"}}"#, if off { "disabled" } else { "enabled" }))
        }
        ReasoningParam::EnableThinking => ("enable_thinking", (!off).to_string()),
        ReasoningParam::ChatTemplateKwargs => {
            let mut kwargs = body.object("chat_template_kwargs").map(Object::into_owned).unwrap_or_default();
            if kwargs.get("enable_thinking").is_none() {
                kwargs.set("enable_thinking", (!off).to_string());
            }
            ("chat_template_kwargs", kwargs.to_json())
        }
    };
    body.remove(EFFORT);
    diagnostics.record(DiagnosticCode::ParamRenamed, EFFORT, name);
    // Where the client said it in the upstream's own words these hold.
    if body.non_null(name).is_none() || name == "chat_template_kwargs" {
        body.set(name, value);
    }
}

/// The effort among those that the upstream knows that is nearest to a wish; of two the greater.
fn nearest_effort<'e>(given: &'e str, known: &'e [String]) -> &'e str {
    let rank = |word: &str| EFFORTS.iter().position(|effort| *effort == word);
    let Some(wish) = rank(given).filter(|_| !known.is_empty() && !known.iter().any(|k| k == given)) else {
        return given;
    };
    let distance =
        |word: &&String| rank(word).map_or((usize::MAX, true), |rank| (rank.abs_diff(wish), rank < wish));
    known.iter().min_by_key(distance).map_or(given, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::nearest_effort;

    #[test]
    fn the_nearest_known_effort_is_sent() {
        let known = ["low", "medium", "high"].map(String::from);
        for (given, sent) in [("minimal", "low"), ("xhigh", "high"), ("medium", "medium"), ("odd", "odd")] {
            assert_eq!(nearest_effort(given, &known), sent);
        }
        assert_eq!(nearest_effort("low", &["none", "high"].map(String::from)), "high");
        assert_eq!(nearest_effort("low", &[]), "low");
    }
}
