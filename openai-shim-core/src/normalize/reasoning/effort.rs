//! `reasoning_effort` of an encoded body to the parameter and effort that the profile accepts.

use crate::accepts::{ReasoningParam, ReasoningRules};
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::json::{Object, encode_string};

/// OpenAI's efforts and those of others, from least to most.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

const REASONING_EFFORT: &str = "reasoning_effort";

/// Replaces `reasoning_effort` of a request body by the upstream's parameter.
pub(in crate::normalize) fn write_effort(
    body: &mut Object<'_>,
    rules: &ReasoningRules,
    diagnostics: &mut Diagnostics,
) {
    let Some(requested) = body.str(REASONING_EFFORT).map(std::borrow::Cow::into_owned) else { return };
    let effort = nearest_effort(&requested, &rules.efforts);
    if effort != requested {
        diagnostics.record(
            DiagnosticCode::ParamClamped,
            REASONING_EFFORT,
            &format!("{requested} to {effort}"),
        );
    }
    let is_off = matches!(effort, "none" | "minimal") || requested == "none";
    let (name, value) = match rules.param {
        ReasoningParam::ReasoningEffort => {
            if effort != requested {
                body.set(REASONING_EFFORT, encode_string(effort));
            }
            return;
        }
        ReasoningParam::Unsupported => {
            body.remove(REASONING_EFFORT);
            diagnostics.record(DiagnosticCode::ParamDropped, REASONING_EFFORT, "");
            return;
        }
        ReasoningParam::Reasoning => ("reasoning", format!(r#"{{"effort":{}}}"#, encode_string(effort))),
        ReasoningParam::Thinking => {
            // An upstream that accepts efforts, too, gets both.
            if !is_off && !rules.efforts.is_empty() {
                body.set(REASONING_EFFORT, encode_string(effort));
                if body.non_null("thinking").is_none() {
                    body.set("thinking", r#"{"type":"enabled"}"#);
                }
                return;
            }
            ("thinking", format!(r#"{{"type":"{}"}}"#, if is_off { "disabled" } else { "enabled" }))
        }
        ReasoningParam::EnableThinking => ("enable_thinking", (!is_off).to_string()),
        ReasoningParam::ChatTemplateKwargs => {
            let mut kwargs = body.object("chat_template_kwargs").map(Object::into_owned).unwrap_or_default();
            if kwargs.get("enable_thinking").is_none() {
                kwargs.set("enable_thinking", (!is_off).to_string());
            }
            ("chat_template_kwargs", kwargs.to_json())
        }
    };
    body.remove(REASONING_EFFORT);
    diagnostics.record(DiagnosticCode::ParamRenamed, REASONING_EFFORT, name);
    // If the client sent the upstream's own parameter, that one wins.
    if body.non_null(name).is_none() || name == "chat_template_kwargs" {
        body.set(name, value);
    }
}

/// The accepted effort that is nearest to the requested one; of two the greater.
fn nearest_effort<'e>(requested: &'e str, accepted: &'e [String]) -> &'e str {
    let rank = |effort: &str| EFFORTS.iter().position(|known| *known == effort);
    let must_change = !accepted.is_empty() && !accepted.iter().any(|effort| effort == requested);
    let Some(wanted) = rank(requested).filter(|_| must_change) else { return requested };
    let distance = |effort: &&String| {
        rank(effort).map_or((usize::MAX, true), |rank| (rank.abs_diff(wanted), rank < wanted))
    };
    accepted.iter().min_by_key(distance).map_or(requested, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::nearest_effort;

    #[test]
    fn the_nearest_accepted_effort_is_sent() {
        let accepted = ["low", "medium", "high"].map(String::from);
        for (requested, sent) in [("minimal", "low"), ("xhigh", "high"), ("medium", "medium"), ("odd", "odd")]
        {
            assert_eq!(nearest_effort(requested, &accepted), sent);
        }
        assert_eq!(nearest_effort("low", &["none", "high"].map(String::from)), "high");
        assert_eq!(nearest_effort("low", &[]), "low");
    }
}
