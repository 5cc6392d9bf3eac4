//! Remembers the adaptations derived from refusals, for each upstream and model, until the process ends or memory is full.

use crate::state::recency::Recency;
use openai_shim_core::error::short_name;
use openai_shim_core::profile::{Adaptation, ModelOverride};
use openai_shim_core::{Outcome, Report};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use toml::Table;

/// The most pairs of upstream and model.
const MAX_PAIRS: usize = 1024;
/// The most bytes of all pairs.
const MAX_BYTES: usize = 1 << 20;
/// The most adaptations of one pair.
const MAX_ADAPTATIONS: usize = 32;
/// The most bytes of a model's name. Adaptations of longer ones apply to their own exchange only.
const MAX_NAME_BYTES: usize = 512;
/// The most bytes of an adaptation as TOML. Longer ones apply to their own exchange only.
const MAX_ADAPTATION_BYTES: usize = 512;
/// About how many bytes a pair or an adaptation takes besides its text.
const OVERHEAD_BYTES: usize = 64;

/// The adaptations of all pairs; when memory is full, the least recently used pair is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Adaptations(Mutex<Pairs>);

#[derive(Debug, Default)]
struct Pairs {
    by_name: BTreeMap<(String, String), Pair>,
    recency: Recency<(String, String)>,
    bytes: usize,
}

/// The adaptations of one model of one upstream, the oldest first.
#[derive(Debug, Default)]
struct Pair {
    adaptations: Vec<Adaptation>,
    /// The number of the last use, for [`Recency`].
    last_use: u64,
    bytes: usize,
}

impl Pairs {
    /// The pair, which becomes the most recently used.
    fn touch(&mut self, name: &(String, String)) -> Option<&mut Pair> {
        let pair = self.by_name.get_mut(name)?;
        self.recency.touch(&mut pair.last_use);
        Some(pair)
    }

    fn remove(&mut self, name: &(String, String)) {
        if let Some(pair) = self.by_name.remove(name) {
            self.recency.remove(pair.last_use);
            self.bytes = self.bytes.saturating_sub(pair.bytes);
        }
    }

    /// Adds a new adaptation to a pair, which may be new, too.
    fn add(&mut self, name: &(String, String), adaptation: &Adaptation) {
        if !self.by_name.contains_key(name) {
            let bytes = 2 * (name.0.len() + name.1.len()) + OVERHEAD_BYTES;
            let last_use = self.recency.add(name.clone());
            self.by_name.insert(name.clone(), Pair { adaptations: Vec::new(), last_use, bytes });
            self.bytes += bytes;
        }
        let Some(pair) = self.by_name.get_mut(name) else { return };
        pair.adaptations.push(adaptation.clone());
        let mut bytes = pair.bytes + size(adaptation);
        if pair.adaptations.len() > MAX_ADAPTATIONS {
            bytes = bytes.saturating_sub(size(&pair.adaptations.remove(0)));
        }
        self.bytes = self.bytes.saturating_sub(pair.bytes) + bytes;
        pair.bytes = bytes;
        while self.by_name.len() > MAX_PAIRS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.recency.oldest().cloned() else { break };
            self.remove(&oldest);
        }
    }
}

/// About how many bytes an adaptation takes.
fn size(adaptation: &Adaptation) -> usize {
    adaptation.to_string().len() + OVERHEAD_BYTES
}

impl Adaptations {
    fn pairs(&self) -> MutexGuard<'_, Pairs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The adaptations of this upstream and model.
    pub(crate) fn for_model(&self, upstream: &str, model: &str) -> Vec<Adaptation> {
        let mut pairs = self.pairs();
        if pairs.by_name.is_empty() || model.len() > MAX_NAME_BYTES {
            return Vec::new();
        }
        pairs
            .touch(&(upstream.to_owned(), model.to_owned()))
            .map(|pair| pair.adaptations.clone())
            .unwrap_or_default()
    }

    /// Forgets what an upstream taught whose configuration has changed.
    pub(crate) fn forget(&self, upstream: &str) {
        let mut pairs = self.pairs();
        let names: Vec<_> = pairs.by_name.keys().filter(|(name, _)| name == upstream).cloned().collect();
        for name in names {
            pairs.remove(&name);
        }
    }

    /// Remembers and logs an exchange's adaptations, if the model answered in the end: names that clients invent must not fill
    /// the memory. Returns whether any is new.
    pub(crate) fn store_adaptations(&self, upstream: &str, model: &str, report: &Report) -> bool {
        let answered = matches!(
            report.outcome,
            Outcome::Complete
                | Outcome::Length
                | Outcome::Refused
                | Outcome::Filtered
                | Outcome::Truncated
                | Outcome::Unknown
        );
        answered && self.add(upstream, model, &report.adaptations)
    }

    /// Remembers and logs adaptations; returns whether any is new.
    pub(super) fn add(&self, upstream: &str, model: &str, adaptations: &[Adaptation]) -> bool {
        if adaptations.is_empty() {
            return false;
        }
        let mut any_new = false;
        let fits = |adaptation: &Adaptation| {
            model.len() <= MAX_NAME_BYTES && adaptation.to_string().len() <= MAX_ADAPTATION_BYTES
        };
        let mut pairs = self.pairs();
        for adaptation in adaptations {
            let is_remembered = fits(adaptation);
            if is_remembered {
                let name = (upstream.to_owned(), model.to_owned());
                if pairs.touch(&name).is_some_and(|pair| pair.adaptations.contains(adaptation)) {
                    continue;
                }
                pairs.add(&name, adaptation);
                any_new = true;
            }
            let (learnt, quirk) = (adaptation.describe(), adaptation.to_string());
            tracing::warn!(
                upstream,
                model = &*short_name(model),
                learnt = &*short_name(&learnt),
                quirk = &*short_name(&quirk),
                kept = is_remembered,
                "learned"
            );
        }
        any_new
    }

    /// The number of adaptations of each upstream.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for ((upstream, _), pair) in &self.pairs().by_name {
            *counts.entry(upstream.clone()).or_default() += pair.adaptations.len();
        }
        counts
    }

    /// The adaptations as sections of the configuration file that make them permanent.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::from("# What upstreams refused, and what is done about it since.\n");
        let pairs = self.pairs();
        if pairs.by_name.is_empty() {
            text.push_str("# Nothing has been learnt yet.\n");
            return text;
        }
        text.push_str(
            "# It is forgotten when the server ends; put it below the upstream's section to keep it.\n",
        );
        for ((upstream, model), Pair { adaptations, .. }) in &pairs.by_name {
            let model = serde_json::Value::from(model.as_str());
            // Writing into a string cannot fail.
            let _ = write!(text, "\n# {upstream}\n[[upstream.quirks.model_overrides]]\nmatch = [{model}]\n");
            for adaptation in adaptations {
                let _ = writeln!(text, "# {}", adaptation.describe());
            }
            text.push_str(&rules(adaptations));
        }
        text
    }
}

/// The rules that the adaptations set together, one per line.
fn rules(adaptations: &[Adaptation]) -> String {
    let mut layer = ModelOverride::default();
    for adaptation in adaptations {
        layer.merge(&adaptation.layer());
    }
    let mut text = String::new();
    for (section, rules) in Table::try_from(&layer).unwrap_or_default() {
        for (key, value) in rules.as_table().into_iter().flatten() {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{section}.{key} = {value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop_param(name: impl ToString) -> Adaptation {
        Adaptation::DropParam(name.to_string())
    }

    #[test]
    fn adaptations_of_a_model_are_printed_as_toml() {
        let adaptations = Adaptations::default();
        assert!(adaptations.to_toml().contains("Nothing"));
        let adaptation = drop_param("logit_bias");
        adaptations.add("up", "m", std::slice::from_ref(&adaptation));
        adaptations.add("up", "m", &[adaptation.clone(), Adaptation::ContentAsString]);
        assert_eq!(adaptations.for_model("up", "m"), [adaptation, Adaptation::ContentAsString]);
        assert!(adaptations.for_model("up", "other").is_empty());
        let toml = adaptations.to_toml();
        let expected = "match = [\"m\"]\n# leave logit_bias out\n# send text parts as one string\nmessages.content = \"string\"\nparams.drop = [\"...\", \"logit_bias\"]\n";
        assert!(toml.contains(expected), "{toml}");
        assert_eq!(adaptations.counts(), BTreeMap::from([(String::from("up"), 2)]));
    }

    #[test]
    fn full_memory_forgets_the_least_recently_used_model() {
        let adaptations = Adaptations::default();
        adaptations.add("up", "real", &[Adaptation::MergeSameRole]);
        adaptations.add("up", "old", &[Adaptation::MergeSameRole]);
        for n in 0..1100 {
            adaptations.add("up", &format!("invented {n}"), &[Adaptation::MergeSameRole]);
            assert_eq!(adaptations.for_model("up", "real"), [Adaptation::MergeSameRole], "{n}");
        }
        assert!(adaptations.for_model("up", "old").is_empty());
        assert_eq!(adaptations.pairs().by_name.len(), MAX_PAIRS);
        adaptations.add("up", "new", &[Adaptation::ContentAsString]);
        assert_eq!(adaptations.for_model("up", "new"), [Adaptation::ContentAsString]);
    }

    #[test]
    fn oldest_adaptation_of_a_model_is_forgotten_first() {
        let adaptations = Adaptations::default();
        for n in 0..=MAX_ADAPTATIONS {
            adaptations.add("up", "m", &[drop_param(n)]);
        }
        let known = adaptations.for_model("up", "m");
        assert_eq!(known.len(), MAX_ADAPTATIONS);
        assert!(!known.contains(&drop_param(0)) && known.contains(&drop_param(MAX_ADAPTATIONS)));
    }

    #[test]
    fn long_names_and_adaptations_are_not_remembered_and_all_bytes_are_bounded() {
        let adaptations = Adaptations::default();
        for n in 0..60 {
            adaptations.add("up", &format!("{n}{}", "x".repeat(4 << 20)), &[Adaptation::MergeSameRole]);
        }
        adaptations.add("up", "m", &[drop_param("y".repeat(4 << 20))]);
        assert!(adaptations.to_toml().len() < 200, "{}", adaptations.to_toml().len());
        for n in 0..MAX_PAIRS {
            let name = format!("{n:0>MAX_NAME_BYTES$}");
            let many: Vec<_> = (0..8).map(|k| drop_param(format!("{k}{}", "z".repeat(400)))).collect();
            adaptations.add("up", &name, &many);
        }
        let pairs = adaptations.pairs();
        assert!(pairs.bytes <= MAX_BYTES && pairs.bytes > MAX_BYTES / 2, "{}", pairs.bytes);
        let counted: usize = pairs.by_name.values().map(|pair| pair.bytes).sum();
        assert_eq!((counted, pairs.recency.len()), (pairs.bytes, pairs.by_name.len()));
    }
}
