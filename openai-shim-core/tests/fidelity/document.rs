//! `docs/fidelity.md`: one table for each feature, and the reasons.

use super::common::losses::{Direction, Loss};
use super::matrix::{Cell, Found, Side};
use openai_shim_core::dialect::DIALECTS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The document as it grows, and what is wrong with it.
pub struct Document<'l> {
    losses: &'l [Loss],
    pub text: String,
    /// Cells without a reason, or with more than one.
    pub problems: Vec<String>,
    /// What each entry was used for: the dialects, the features, the words.
    used: BTreeMap<&'l str, Uses>,
}

#[derive(Default)]
struct Uses {
    to: BTreeSet<String>,
    from: BTreeSet<String>,
    features: BTreeSet<String>,
    cells: BTreeSet<&'static str>,
    codes: BTreeSet<String>,
}

/// What becomes of an answer that comes whole, and of one that streams.
pub struct Pair(pub Found, pub Option<Found>);

impl<'l> Document<'l> {
    pub fn new(losses: &'l [Loss], text: &str) -> Self {
        Self { losses, text: text.to_owned(), problems: Vec::new(), used: BTreeMap::new() }
    }

    /// One table: clients down, upstreams across; rows that are the same stand together.
    pub fn table(&mut self, direction: Direction, feature: &str, find: &dyn Fn(Side, Side) -> Pair) {
        let mut rows: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
        for client in DIALECTS {
            let mut row = Vec::new();
            for upstream in DIALECTS {
                let (from, to) =
                    if direction == Direction::Request { (client, upstream) } else { (upstream, client) };
                let Pair(whole, streamed) = find(*client, *upstream);
                let whole_cell = self.cell(direction, feature, from.name(), to.name(), &whole);
                row.push(match streamed {
                    Some(streamed) if streamed.cell != whole.cell => {
                        let cell = self.cell(direction, feature, from.name(), to.name(), &streamed);
                        match (whole.cell, streamed.cell) {
                            (Cell::Unsayable, _) => format!("streamed {cell}"),
                            (_, Cell::Unsayable) => whole_cell,
                            _ => format!("{whole_cell}, streamed {cell}"),
                        }
                    }
                    _ => whole_cell,
                });
            }
            match rows.iter_mut().find(|(_, other)| *other == row) {
                Some((clients, _)) => clients.push(client.name()),
                None => rows.push((vec![client.name()], row)),
            }
        }
        self.write(feature, rows);
    }

    fn write(&mut self, feature: &str, mut rows: Vec<(Vec<&str>, Vec<String>)>) {
        let none = Cell::Unsayable.word();
        let silent: Vec<_> =
            rows.extract_if(.., |(_, cells)| cells.iter().all(|c| c == none)).flat_map(|row| row.0).collect();
        let spoken: Vec<usize> =
            (0..DIALECTS.len()).filter(|at| rows.iter().any(|(_, cells)| cells[*at] != none)).collect();
        let mut unsaid: Vec<_> = silent.iter().map(|name| format!("{name} clients")).collect();
        unsaid.extend(
            (0..DIALECTS.len())
                .filter(|at| !spoken.contains(at))
                .map(|at| format!("{} upstreams", DIALECTS[at].name())),
        );
        let text = &mut self.text;
        write!(text, "\n### {feature}\n\n").unwrap();
        let exact = rows.iter().flat_map(|(_, cells)| cells).all(|c| c == none || c == Cell::Exact.word());
        if exact && !rows.is_empty() {
            text.push_str("Exact between all that can say it.\n");
        } else if !rows.is_empty() {
            text.push_str("| client \\ upstream |");
            for at in &spoken {
                write!(text, " {} |", DIALECTS[*at].name()).unwrap();
            }
            write!(text, "\n|---|{}\n", "---|".repeat(spoken.len())).unwrap();
            for (clients, cells) in rows {
                write!(text, "| {} |", clients.join(", ")).unwrap();
                for at in &spoken {
                    write!(text, " {} |", cells[*at]).unwrap();
                }
                text.push('\n');
            }
        }
        if !unsaid.is_empty() {
            write!(text, "\nNothing of it in: {}.\n", unsaid.join(", ")).unwrap();
        }
    }

    fn cell(&mut self, direction: Direction, feature: &str, from: &str, to: &str, found: &Found) -> String {
        let word = found.cell.word();
        if matches!(found.cell, Cell::Exact | Cell::Unsayable) {
            return word.to_owned();
        }
        let is = |listed: &[String], name: &str| listed.iter().any(|other| other == name);
        let fits = |loss: &&Loss| {
            loss.direction.covers(direction)
                && is(&loss.features, feature)
                && is(&loss.to, to)
                && (loss.from.is_empty() || is(&loss.from, from))
                && (loss.cells.is_empty() || is(&loss.cells, word))
        };
        let entries: Vec<&'l Loss> = self.losses.iter().filter(fits).collect();
        let [entry] = entries[..] else {
            let names: Vec<_> = entries.iter().map(|loss| loss.name.as_str()).collect();
            let codes: Vec<_> = found.codes.iter().map(String::as_str).collect();
            self.problems.push(format!(
                "{direction:?} {feature:?}: {from} to {to}: {word} ({}): {} entries {names:?}",
                codes.join(" "),
                names.len()
            ));
            return word.to_owned();
        };
        let used = self.used.entry(&entry.name).or_default();
        used.to.insert(to.to_owned());
        used.from.insert(from.to_owned());
        used.features.insert(feature.to_owned());
        used.cells.insert(word);
        used.codes.extend(found.codes.iter().cloned());
        format!("{word} ([{0}](#{0}))", entry.name)
    }

    /// The reasons of all entries; what nothing used is a problem.
    pub fn reasons(&mut self) {
        let mut names = BTreeSet::new();
        for loss in self.losses {
            if !names.insert(&loss.name) {
                self.problems.push(format!("docs/losses.toml: two entries are called {}", loss.name));
            }
            let Some(used) = self.used.get(loss.name.as_str()) else {
                self.problems.push(format!("docs/losses.toml: nothing uses {}", loss.name));
                continue;
            };
            let cells: BTreeSet<String> = used.cells.iter().map(|&cell| cell.to_owned()).collect();
            for (listed, summary) in [
                (&loss.to, &used.to),
                (&loss.from, &used.from),
                (&loss.features, &used.features),
                (&loss.cells, &cells),
            ] {
                for word in listed.iter().filter(|word| !summary.contains(*word)) {
                    self.problems.push(format!("docs/losses.toml: {}: nothing uses {word:?}", loss.name));
                }
            }
            write!(self.text, "\n### {}\n\n{}", loss.name, loss.reason).unwrap();
            if !loss.link.is_empty() {
                write!(self.text, " <{}>", loss.link).unwrap();
            }
            if !used.codes.is_empty() {
                let codes: Vec<_> = used.codes.iter().map(|code| format!("`{code}`")).collect();
                write!(self.text, " Reported as {}.", codes.join(", ")).unwrap();
            }
            self.text.push('\n');
        }
    }
}
