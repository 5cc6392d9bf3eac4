//! Results of the probes to `docs/fidelity.md`: one table for each feature, and the reasons of losses.

use super::common::losses::{Direction, Loss};
use super::matrix::{Cell, Found, Side};
use openai_shim_core::dialect::DIALECTS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The document so far, and the problems found.
pub struct Document<'l> {
    losses: &'l [Loss],
    pub text: String,
    /// Cells without a reason, or with more than one.
    pub problems: Vec<String>,
    /// The uses of each entry of `docs/losses.toml`.
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

/// The result without streaming, and with streaming where that is tested.
pub struct Pair(pub Found, pub Option<Found>);

impl<'l> Document<'l> {
    pub fn new(losses: &'l [Loss], text: &str) -> Self {
        Self { losses, text: text.to_owned(), problems: Vec::new(), used: BTreeMap::new() }
    }

    /// Appends one table: a row for each client, a column for each upstream; equal rows are merged.
    pub fn table(&mut self, direction: Direction, feature: &str, find: &dyn Fn(Side, Side) -> Pair) {
        let mut rows: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
        for client in DIALECTS {
            let mut row = Vec::new();
            for upstream in DIALECTS {
                let (from, to) =
                    if direction == Direction::Request { (client, upstream) } else { (upstream, client) };
                let Pair(unstreamed, streamed) = find(*client, *upstream);
                let unstreamed_cell = self.cell(direction, feature, from.name(), to.name(), &unstreamed);
                row.push(match streamed {
                    Some(streamed) if streamed.cell != unstreamed.cell => {
                        let cell = self.cell(direction, feature, from.name(), to.name(), &streamed);
                        match (unstreamed.cell, streamed.cell) {
                            (Cell::Inexpressible, _) => format!("streamed {cell}"),
                            (_, Cell::Inexpressible) => unstreamed_cell,
                            _ => format!("{unstreamed_cell}, streamed {cell}"),
                        }
                    }
                    _ => unstreamed_cell,
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
        let none = Cell::Inexpressible.label();
        let empty_clients: Vec<_> =
            rows.extract_if(.., |(_, cells)| cells.iter().all(|c| c == none)).flat_map(|row| row.0).collect();
        let columns: Vec<usize> =
            (0..DIALECTS.len()).filter(|at| rows.iter().any(|(_, cells)| cells[*at] != none)).collect();
        let mut inexpressible: Vec<_> = empty_clients.iter().map(|name| format!("{name} clients")).collect();
        inexpressible.extend(
            (0..DIALECTS.len())
                .filter(|at| !columns.contains(at))
                .map(|at| format!("{} upstreams", DIALECTS[at].name())),
        );
        let text = &mut self.text;
        write!(text, "\n### {feature}\n\n").unwrap();
        let exact = rows.iter().flat_map(|(_, cells)| cells).all(|c| c == none || c == Cell::Exact.label());
        if exact && !rows.is_empty() {
            text.push_str("Exact between all that can say it.\n");
        } else if !rows.is_empty() {
            text.push_str("| client \\ upstream |");
            for at in &columns {
                write!(text, " {} |", DIALECTS[*at].name()).unwrap();
            }
            write!(text, "\n|---|{}\n", "---|".repeat(columns.len())).unwrap();
            for (clients, cells) in rows {
                write!(text, "| {} |", clients.join(", ")).unwrap();
                for at in &columns {
                    write!(text, " {} |", cells[*at]).unwrap();
                }
                text.push('\n');
            }
        }
        if !inexpressible.is_empty() {
            write!(text, "\nNothing of it in: {}.\n", inexpressible.join(", ")).unwrap();
        }
    }

    fn cell(&mut self, direction: Direction, feature: &str, from: &str, to: &str, found: &Found) -> String {
        let label = found.cell.label();
        if matches!(found.cell, Cell::Exact | Cell::Inexpressible) {
            return label.to_owned();
        }
        let is = |listed: &[String], name: &str| listed.iter().any(|other| other == name);
        let fits = |loss: &&Loss| {
            loss.direction.covers(direction)
                && is(&loss.features, feature)
                && is(&loss.to, to)
                && (loss.from.is_empty() || is(&loss.from, from))
                && (loss.cells.is_empty() || is(&loss.cells, label))
        };
        let entries: Vec<&'l Loss> = self.losses.iter().filter(fits).collect();
        let [entry] = entries[..] else {
            let names: Vec<_> = entries.iter().map(|loss| loss.name.as_str()).collect();
            let codes: Vec<_> = found.codes.iter().map(String::as_str).collect();
            self.problems.push(format!(
                "{direction:?} {feature:?}: {from} to {to}: {label} ({}): {} entries {names:?}",
                codes.join(" "),
                names.len()
            ));
            return label.to_owned();
        };
        let used = self.used.entry(&entry.name).or_default();
        used.to.insert(to.to_owned());
        used.from.insert(from.to_owned());
        used.features.insert(feature.to_owned());
        used.cells.insert(label);
        used.codes.extend(found.codes.iter().cloned());
        format!("{label} ([{0}](#{0}))", entry.name)
    }

    /// Appends the reasons of all entries; an unused entry is a problem.
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
                for label in listed.iter().filter(|label| !summary.contains(*label)) {
                    self.problems.push(format!("docs/losses.toml: {}: nothing uses {label:?}", loss.name));
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
