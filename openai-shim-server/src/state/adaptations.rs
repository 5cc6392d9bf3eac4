//! What upstreams taught by refusing: remembered for each upstream and model, until the process ends or there is no room.

use crate::state::recency::Recency;
use openai_shim_core::error::short_name;
use openai_shim_core::profile::{Adaptation, ModelOverride};
use openai_shim_core::{Outcome, Report};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use toml::Table;

/// The most pairs of upstream and model that are remembered, and the most bytes of all of them.
const MAX_PAIRS: usize = 1024;
const MAX_BYTES: usize = 1 << 20;
/// The most lessons of one pair.
const MAX_LESSONS: usize = 32;
/// The longest name of a model, and the longest lesson as a line of TOML. What is longer holds for its own exchange only.
const MAX_NAME_BYTES: usize = 512;
const MAX_LESSON_BYTES: usize = 512;
/// About what a pair or a lesson takes besides its text.
const OVERHEAD_BYTES: usize = 64;

/// All lessons; what was not used for the longest time is forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Adaptations(Mutex<Pairs>);

#[derive(Debug, Default)]
struct Pairs {
    by_name: BTreeMap<(String, String), Pair>,
    recency: Recency<(String, String)>,
    bytes: usize,
}

/// What is known of one model of one upstream, the oldest lesson first.
#[derive(Debug, Default)]
struct Pair {
    lessons: Vec<Adaptation>,
    used: u64,
    bytes: usize,
}

impl Pairs {
    /// The pair, which is now the one that was used last.
    fn touch(&mut self, name: &(String, String)) -> Option<&mut Pair> {
        let pair = self.by_name.get_mut(name)?;
        self.recency.touch(&mut pair.used);
        Some(pair)
    }

    fn remove(&mut self, name: &(String, String)) {
        if let Some(pair) = self.by_name.remove(name) {
            self.recency.remove(pair.used);
            self.bytes = self.bytes.saturating_sub(pair.bytes);
        }
    }

    /// Adds a lesson that is not known yet to a pair, which may be new.
    fn add(&mut self, name: &(String, String), lesson: &Adaptation) {
        if !self.by_name.contains_key(name) {
            let bytes = 2 * (name.0.len() + name.1.len()) + OVERHEAD_BYTES;
            let used = self.recency.add(name.clone());
            self.by_name.insert(name.clone(), Pair { lessons: Vec::new(), used, bytes });
            self.bytes += bytes;
        }
        let Some(pair) = self.by_name.get_mut(name) else { return };
        pair.lessons.push(lesson.clone());
        let mut bytes = pair.bytes + size(lesson);
        if pair.lessons.len() > MAX_LESSONS {
            bytes = bytes.saturating_sub(size(&pair.lessons.remove(0)));
        }
        self.bytes = self.bytes.saturating_sub(pair.bytes) + bytes;
        pair.bytes = bytes;
        while self.by_name.len() > MAX_PAIRS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.recency.oldest().cloned() else { break };
            self.remove(&oldest);
        }
    }
}

/// About how many bytes a lesson takes.
fn size(lesson: &Adaptation) -> usize {
    lesson.toml().len() + OVERHEAD_BYTES
}

impl Adaptations {
    fn pairs(&self) -> MutexGuard<'_, Pairs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of this upstream and model.
    pub(crate) fn of(&self, upstream: &str, model: &str) -> Vec<Adaptation> {
        let mut pairs = self.pairs();
        if pairs.by_name.is_empty() || model.len() > MAX_NAME_BYTES {
            return Vec::new();
        }
        pairs
            .touch(&(upstream.to_owned(), model.to_owned()))
            .map(|pair| pair.lessons.clone())
            .unwrap_or_default()
    }

    /// Remembers what an exchange has learnt, and says so: if the model answered in the end. A name that no upstream ever
    /// answered to is no model.
    pub(crate) fn store_adaptations(&self, upstream: &str, model: &str, report: &Report) {
        let answered = matches!(
            report.outcome,
            Outcome::Complete | Outcome::Length | Outcome::Refused | Outcome::Filtered | Outcome::Truncated
        );
        if answered {
            self.add(upstream, model, &report.adaptations);
        }
    }

    fn add(&self, upstream: &str, model: &str, lessons: &[Adaptation]) {
        if lessons.is_empty() {
            return;
        }
        let is_kept =
            |lesson: &Adaptation| model.len() <= MAX_NAME_BYTES && lesson.toml().len() <= MAX_LESSON_BYTES;
        let mut pairs = self.pairs();
        for lesson in lessons {
            let kept = is_kept(lesson);
            if kept {
                let name = (upstream.to_owned(), model.to_owned());
                if pairs.touch(&name).is_some_and(|pair| pair.lessons.contains(lesson)) {
                    continue;
                }
                pairs.add(&name, lesson);
            }
            let (learnt, quirk) = (lesson.describe(), lesson.toml());
            tracing::warn!(
                upstream,
                model = &*short_name(model),
                learnt = &*short_name(&learnt),
                quirk = &*short_name(&quirk),
                kept,
                "learned"
            );
        }
    }

    /// How many lessons each upstream has taught.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for ((upstream, _), pair) in &self.pairs().by_name {
            *counts.entry(upstream.clone()).or_default() += pair.lessons.len();
        }
        counts
    }

    /// The rows that make it all permanent, in the words of the configuration file.
    pub(crate) fn rows(&self) -> String {
        let mut text = String::from("# What upstreams refused, and what is done about it since.\n");
        let pairs = self.pairs();
        if pairs.by_name.is_empty() {
            text.push_str("# Nothing has been learnt yet.\n");
            return text;
        }
        text.push_str(
            "# It is forgotten when the server ends; put it below the upstream's section to keep it.\n",
        );
        for ((upstream, model), Pair { lessons, .. }) in &pairs.by_name {
            let model = serde_json::Value::from(model.as_str());
            // Writing into a string cannot fail.
            let _ = write!(text, "\n# {upstream}\n[[upstream.quirks.model_overrides]]\nmatch = [{model}]\n");
            for lesson in lessons {
                let _ = writeln!(text, "# {}", lesson.describe());
            }
            text.push_str(&rules(lessons));
        }
        text
    }
}

/// The rules that the adaptations set together, one a line.
fn rules(adaptations: &[Adaptation]) -> String {
    let mut layer = ModelOverride::default();
    for adaptation in adaptations {
        layer.merge(&adaptation.layer());
    }
    let mut text = String::new();
    for (section, rules) in Table::try_from(&layer).unwrap_or_default() {
        for (key, value) in rules.as_table().into_iter().flatten() {
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
    fn lessons_are_kept_apart_and_printed_as_rows() {
        let learned = Adaptations::default();
        assert!(learned.rows().contains("Nothing"));
        let lesson = drop_param("logit_bias");
        learned.add("up", "m", std::slice::from_ref(&lesson));
        learned.add("up", "m", &[lesson.clone(), Adaptation::ContentAsString]);
        assert_eq!(learned.of("up", "m"), [lesson, Adaptation::ContentAsString]);
        assert!(learned.of("up", "other").is_empty());
        let rows = learned.rows();
        let expected = "match = [\"m\"]\n# leave logit_bias out\n# send text parts as one string\nmessages.content = \"string\"\nparams.drop = [\"...\", \"logit_bias\"]\n";
        assert!(rows.contains(expected), "{rows}");
        assert_eq!(learned.counts(), BTreeMap::from([(String::from("up"), 2)]));
    }

    #[test]
    fn invented_names_push_out_what_was_not_used_and_learning_goes_on() {
        let learned = Adaptations::default();
        learned.add("up", "real", &[Adaptation::MergeSameRole]);
        learned.add("up", "old", &[Adaptation::MergeSameRole]);
        for n in 0..1100 {
            learned.add("up", &format!("invented {n}"), &[Adaptation::MergeSameRole]);
            assert_eq!(learned.of("up", "real"), [Adaptation::MergeSameRole], "{n}");
        }
        assert!(learned.of("up", "old").is_empty());
        assert_eq!(learned.pairs().by_name.len(), MAX_PAIRS);
        learned.add("up", "new", &[Adaptation::ContentAsString]);
        assert_eq!(learned.of("up", "new"), [Adaptation::ContentAsString]);
    }

    #[test]
    fn the_oldest_lesson_of_a_model_goes_first() {
        let learned = Adaptations::default();
        for n in 0..=MAX_LESSONS {
            learned.add("up", "m", &[drop_param(n)]);
        }
        let known = learned.of("up", "m");
        assert_eq!(known.len(), MAX_LESSONS);
        assert!(!known.contains(&drop_param(0)) && known.contains(&drop_param(MAX_LESSONS)));
    }

    #[test]
    fn long_names_and_long_lessons_are_not_kept_and_all_bytes_together_are_bounded() {
        let learned = Adaptations::default();
        for n in 0..60 {
            learned.add("up", &format!("{n}{}", "x".repeat(4 << 20)), &[Adaptation::MergeSameRole]);
        }
        learned.add("up", "m", &[drop_param("y".repeat(4 << 20))]);
        assert!(learned.rows().len() < 200, "{}", learned.rows().len());
        for n in 0..MAX_PAIRS {
            let name = format!("{n:0>MAX_NAME_BYTES$}");
            let lessons: Vec<_> = (0..8).map(|k| drop_param(format!("{k}{}", "z".repeat(400)))).collect();
            learned.add("up", &name, &lessons);
        }
        let pairs = learned.pairs();
        assert!(pairs.bytes <= MAX_BYTES && pairs.bytes > MAX_BYTES / 2, "{}", pairs.bytes);
        let counted: usize = pairs.by_name.values().map(|pair| pair.bytes).sum();
        assert_eq!((counted, pairs.recency.len()), (pairs.bytes, pairs.by_name.len()));
    }
}
