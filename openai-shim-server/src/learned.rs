//! What upstreams taught by refusing: remembered for each upstream and model, until the process ends.

use openai_shim_core::Profile;
use openai_shim_core::profile::Lesson;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use toml::Table;

/// The most pairs of upstream and model, and lessons of one pair, that are remembered.
const MOST: usize = 1024;
const MOST_EACH: usize = 32;

/// All lessons.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<BTreeMap<(String, String), Vec<Lesson>>>);

impl Learned {
    /// What is known of this upstream and model.
    pub(crate) fn of(&self, upstream: &str, model: &str) -> Vec<Lesson> {
        let Ok(all) = self.0.lock() else { return Vec::new() };
        if all.is_empty() {
            return Vec::new();
        }
        all.get(&(upstream.to_owned(), model.to_owned())).cloned().unwrap_or_default()
    }

    /// Remembers what an exchange has learnt, and says so.
    pub(crate) fn remember(&self, upstream: &str, model: &str, lessons: &[Lesson]) {
        if lessons.is_empty() {
            return;
        }
        let Ok(mut all) = self.0.lock() else { return };
        let key = (upstream.to_owned(), model.to_owned());
        if all.len() >= MOST && !all.contains_key(&key) {
            return;
        }
        let known = all.entry(key).or_default();
        for lesson in lessons {
            if !known.contains(lesson) && known.len() < MOST_EACH {
                tracing::warn!(upstream, model, learnt = lesson.describe(), quirk = lesson.toml(), "learned");
                known.push(lesson.clone());
            }
        }
    }

    /// How many lessons each upstream has taught.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        if let Ok(all) = self.0.lock() {
            for ((upstream, _), lessons) in all.iter() {
                *counts.entry(upstream.clone()).or_default() += lessons.len();
            }
        }
        counts
    }

    /// The rows that make it all permanent, in the words of the configuration file.
    pub(crate) fn rows(&self) -> String {
        let mut text = String::from("# What upstreams refused, and what is done about it since.\n");
        let Ok(all) = self.0.lock() else { return text };
        if all.is_empty() {
            text.push_str("# Nothing has been learnt yet.\n");
            return text;
        }
        text.push_str(
            "# It is forgotten when the server ends; put it below the upstream's section to keep it.\n",
        );
        for ((upstream, model), lessons) in all.iter() {
            let model = serde_json::Value::from(model.as_str());
            // Writing into a string cannot fail.
            let _ = write!(text, "\n# {upstream}\n[[upstream.quirks.models]]\nnames = [{model}]\n");
            for lesson in lessons {
                let _ = writeln!(text, "# {}", lesson.describe());
            }
            text.push_str(&row(lessons));
        }
        text
    }
}

/// What lessons say together, a line an entry.
fn row(lessons: &[Lesson]) -> String {
    let (usual, mut row) = (Profile::default(), Profile::default());
    for lesson in lessons {
        lesson.apply(&mut row);
    }
    let table = |row: &Profile| Table::try_from(row).unwrap_or_default();
    let (usual, row) = (table(&usual), table(&row));
    let mut text = String::new();
    for (section, entries) in &row {
        for (key, value) in entries.as_table().into_iter().flatten() {
            if usual.get(section).and_then(|usual| usual.get(key)) != Some(value) {
                let _ = writeln!(text, "{section}.{key} = {value}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_kept_apart_bounded_and_printed_as_rows() {
        let learned = Learned::default();
        assert!(learned.rows().contains("Nothing"));
        let lesson = Lesson::DropParam(String::from("logit_bias"));
        learned.remember("up", "m", std::slice::from_ref(&lesson));
        learned.remember("up", "m", &[lesson.clone(), Lesson::FlattenText]);
        assert_eq!(learned.of("up", "m"), [lesson, Lesson::FlattenText]);
        assert!(learned.of("up", "other").is_empty());
        let rows = learned.rows();
        let expected = "names = [\"m\"]\n# leave logit_bias out\n# send text parts as one string\nmessages.flatten_text = true\nparams.drop = [\"logit_bias\"]\n";
        assert!(rows.contains(expected), "{rows}");
        for n in 0..2 * MOST {
            learned.remember("up", &n.to_string(), &[Lesson::Alternate]);
        }
        assert_eq!(learned.0.lock().unwrap().len(), MOST);
        for n in 0..2 * MOST_EACH {
            learned.remember("up", "m", &[Lesson::DropParam(n.to_string())]);
        }
        assert_eq!(learned.of("up", "m").len(), MOST_EACH);
    }
}
