//! Golden files: each fixture converted to every dialect, with diagnostics. `tests/golden` has the folders of `tests/fixtures`;
//! a file has one section for each target dialect, below a line `==== <dialect> ====`. `INSTA_UPDATE=always` rewrites them.

mod common;

use common::{Fixture, fixtures, folder};
use openai_shim_core::PayloadKind;
use openai_shim_core::dialect::DIALECTS;
use std::collections::BTreeSet;

const KINDS: [PayloadKind; 4] =
    [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error];

/// The start of a line that starts a section. No line of a section starts with it.
const SECTION: &str = "==== ";

/// `<dialect>/<kind>`, below `tests/golden`.
fn golden_folder(fixture: &Fixture) -> String {
    format!("{}/{}", fixture.dialect.name(), folder(fixture.kind))
}

/// The content of a golden file. White space at the end of a section is dropped, as insta drops it at the end of a file.
fn golden(fixture: &Fixture) -> String {
    let mut sections = Vec::new();
    for to in DIALECTS {
        let text = fixture.convert(*to).to_string();
        assert!(
            !text.lines().any(|line| line.starts_with(SECTION)),
            "{fixture:?}: a line starts like a section"
        );
        sections.push(format!("{SECTION}{} ====\n{}\n", to.name(), text.trim_end()));
    }
    sections.join("\n")
}

/// The dialects whose sections are not the same in both texts.
fn differing_sections<'a>(old: &'a str, new: &'a str) -> BTreeSet<&'a str> {
    let sections = |text: &'a str| {
        let parts =
            text.split("\n==== ").filter_map(|part| part.trim_start_matches(SECTION).split_once(" ====\n"));
        parts.map(|(dialect, text)| (dialect, text.trim_end())).collect::<BTreeSet<_>>()
    };
    sections(old).symmetric_difference(&sections(new)).map(|(dialect, _)| *dialect).collect()
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_fixture_converts_to_its_golden_file() {
    let all: Vec<_> = fixtures(&KINDS).into_iter().map(|fixture| (golden(&fixture), fixture)).collect();
    // insta stops at the first file that differs: a failing test lists all of them, and their sections.
    for (text, fixture) in &all {
        let file = format!("{}/{}.snap", golden_folder(fixture), fixture.name);
        let stored =
            std::fs::read_to_string(common::root().join("../golden").join(&file)).unwrap_or_default();
        let differing = differing_sections(&stored, text);
        if !differing.is_empty() {
            println!("golden/{file} differs in: {}", differing.into_iter().collect::<Vec<_>>().join(", "));
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (text, fixture) in &all {
        settings.set_snapshot_path(format!("golden/{}", golden_folder(fixture)));
        settings.bind(|| insta::assert_snapshot!(fixture.name.as_str(), text));
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_golden_file_has_its_fixture() {
    let name = |fixture: &Fixture| format!("{}/{}.snap", golden_folder(fixture), fixture.name);
    let expected: BTreeSet<String> = fixtures(&KINDS).iter().map(name).collect();
    let root = common::root().join("../golden");
    for dialect in std::fs::read_dir(&root).unwrap().flatten() {
        for kind in std::fs::read_dir(dialect.path()).unwrap().flatten() {
            for file in std::fs::read_dir(kind.path()).unwrap().flatten() {
                let path = file.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                assert!(path.ends_with(".snap.new") || expected.contains(&path), "no fixture for {path}");
            }
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_side_file_has_its_payload_and_every_payload_one_name() {
    let all = fixtures(&KINDS);
    let mut names: Vec<_> = all.iter().map(|f| (f.dialect.name(), folder(f.kind), f.name.as_str())).collect();
    let before = names.len();
    names.dedup();
    assert_eq!(before, names.len(), "two payloads of one name");
    let mut side_files = 0;
    for to in DIALECTS {
        for kind in KINDS {
            let dir = common::root().join(to.name()).join(folder(kind));
            for file in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
                let file = file.file_name().to_string_lossy().into_owned();
                let (name, rest) = file.split_once('.').unwrap();
                if common::SIDE_FILES.contains(&rest) {
                    assert!(names.contains(&(to.name(), folder(kind), name)), "no payload for {file}");
                    side_files += 1;
                }
            }
        }
    }
    assert!(side_files > 30);
}
