//! Every fixture into every dialect: what goes out, and what is reported, as snapshots.

mod common;

use common::{fixtures, folder};
use openai_shim_core::PayloadKind;
use openai_shim_core::dialect::DIALECTS;

const KINDS: [PayloadKind; 4] =
    [PayloadKind::Request, PayloadKind::Response, PayloadKind::Stream, PayloadKind::Error];

#[test]
fn every_fixture_becomes_what_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for fixture in fixtures(&KINDS) {
        for to in DIALECTS {
            let path = format!("snapshots/{}/{}", folder(fixture.kind), fixture.dialect.name());
            settings.set_snapshot_path(path);
            settings.bind(|| {
                insta::assert_snapshot!(format!("{}.{}", fixture.name, to.name()), fixture.convert(*to));
            });
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // tests read files
fn every_snapshot_has_its_fixture() {
    let mut expected: Vec<String> = Vec::new();
    for fixture in fixtures(&KINDS) {
        for to in DIALECTS {
            expected.push(format!(
                "{}/{}/{}.{}.snap",
                folder(fixture.kind),
                fixture.dialect.name(),
                fixture.name,
                to.name()
            ));
        }
    }
    let root = common::root().join("../snapshots");
    for kind in std::fs::read_dir(&root).unwrap().flatten() {
        for dialect in std::fs::read_dir(kind.path()).unwrap().flatten() {
            for file in std::fs::read_dir(dialect.path()).unwrap().flatten() {
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
