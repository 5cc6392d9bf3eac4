//! How much the model reasons: efforts to token budgets, and each to the nearest one that is accepted.

use crate::accepts::ReasoningRules;

/// The efforts of all vendors, from least to most.
const EFFORTS: [&str; 8] = ["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"];

fn rank(effort: &str) -> Option<usize> {
    EFFORTS.iter().position(|known| *known == effort)
}

/// Whether an effort is one that vendors use.
pub(super) fn is_known(effort: &str) -> bool {
    rank(effort).is_some()
}

/// Whether an effort is greater than another one.
pub(super) fn is_greater(effort: &str, other: &str) -> bool {
    rank(effort) > rank(other)
}

/// The accepted effort that is nearest to the requested one; of two the greater. `none` is not the nearest to any other.
pub(super) fn nearest_effort<'e>(requested: &'e str, accepted: &'e [String]) -> &'e str {
    let must_change = !accepted.is_empty() && !accepted.iter().any(|effort| effort == requested);
    let Some(wanted) = rank(requested).filter(|_| must_change) else { return requested };
    let distance = |effort: &&String| {
        rank(effort).map_or((usize::MAX, true), |rank| (rank.abs_diff(wanted), rank < wanted))
    };
    let reasoning = accepted.iter().filter(|effort| *effort != "none");
    reasoning.min_by_key(distance).map_or(requested, String::as_str)
}

/// The least effort with which a model reasons.
pub(super) fn least_effort(accepted: &[String]) -> Option<&str> {
    accepted.iter().map(String::as_str).find(|effort| *effort != "none")
}

/// The effort that is nearest to a token budget.
pub(super) fn effort_of_budget(budget: u64) -> &'static str {
    match budget {
        0..=2_048 => "low",
        2_049..=8_192 => "medium",
        _ => "high",
    }
}

/// The token budget of an effort: that of the rules, else a share of `max_tokens`; `None` for an effort that no vendor uses.
pub(super) fn budget_of_effort(effort: &str, rules: &ReasoningRules, max_tokens: u64) -> Option<u64> {
    if !rules.budgets.is_empty() {
        return rules.budgets.get(effort).map(|budget| u64::from(*budget));
    }
    let percent = match effort {
        "minimal" => 10,
        "low" => 20,
        "high" => 80,
        "xhigh" | "max" | "ultra" => 95,
        _ => 50,
    };
    Some(max_tokens / 100 * percent + max_tokens % 100 * percent / 100)
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
        assert_eq!(nearest_effort("minimal", &["none", "high"].map(String::from)), "high");
        assert_eq!(nearest_effort("low", &[]), "low");
    }
}
