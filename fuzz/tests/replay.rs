//! Checks every property with core's fixtures, with inputs found by fuzzing, and with mutations of both.

use openai_shim_fuzz::PROPERTIES;
use std::path::{Path, PathBuf};

fn collect_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect_files(&path, out) } else { out.push(path) }
    }
}

#[test]
fn properties_hold_for_all_fixtures_and_their_mutations() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect_files(&root.join("../openai-shim-core/tests/fixtures"), &mut paths);
    collect_files(&root.join("found"), &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "the fixtures of core are missing");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0)
    };
    for path in paths {
        let data = std::fs::read(&path).unwrap();
        for (_, property) in PROPERTIES {
            property(&data);
        }
        for _ in 0..8 {
            let mut mutated = data.clone();
            if mutated.is_empty() {
                continue;
            }
            let (at, len) = (random() % mutated.len(), random() % 24);
            match random() % 4 {
                0 => mutated.truncate(at),
                1 => mutated[at] = u8::try_from(random() % 256).unwrap_or(0),
                2 => drop(mutated.drain(at..(at + len).min(data.len()))),
                _ => {
                    let part = data[at..(at + len).min(data.len())].to_vec();
                    mutated.splice(at..at, part);
                }
            }
            for (name, property) in PROPERTIES {
                let result = std::panic::catch_unwind(|| property(&mutated));
                if result.is_err() {
                    let text = String::from_utf8_lossy(&mutated).into_owned();
                    panic!("{name} does not hold for a mutation of {}:\n{text}", path.display());
                }
            }
        }
    }
}
