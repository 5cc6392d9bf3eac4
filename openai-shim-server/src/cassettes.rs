//! A folder of cassettes: recorded exchanges as files.

use openai_shim_core::Profile;
use openai_shim_core::cassette::{Cassette, ReplayUpstream};
use openai_shim_core::dialect::dialect;
use openai_shim_core::profile::profile;
use std::path::{Path, PathBuf};

/// The extension of a cassette's file.
pub const EXTENSION: &str = "cassette";

/// The cassettes of a folder by the names of their files, in the order of the names.
///
/// # Errors
/// The folder or a file cannot be read, a file is no cassette, or there is none; in one sentence that names it.
pub fn read_folder(folder: &Path) -> Result<Vec<(PathBuf, Cassette)>, String> {
    let unreadable =
        |path: &Path, error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(format!(
            "{} has no file *.{EXTENSION}; `openai-shim record {0}` makes them from live traffic",
            folder.display()
        ));
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        let cassette = text.parse().map_err(|error| format!("{}, {error}", path.display()))?;
        Ok((path, cassette))
    };
    paths.into_iter().map(read).collect()
}

/// The name of a cassette: that of its file, without the extension.
pub fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The profile of a folder's cassettes, with their dialect.
///
/// # Errors
/// The folder cannot be used, or its cassettes are of upstreams of several dialects.
pub(crate) fn profile_of(folder: &Path) -> Result<Profile, String> {
    let all = read_folder(folder)?;
    let Some((first, cassette)) = all.first() else { return Err(String::from("there is no cassette")) };
    let dialect = cassette.upstream.name();
    if let Some((other, stranger)) = all.iter().find(|(_, other)| other.upstream.name() != dialect) {
        return Err(format!(
            "{} is of an upstream of {dialect}, {} of {}; move the files of each dialect into a folder of its own",
            first.display(),
            other.display(),
            stranger.upstream.name()
        ));
    }
    let found = profile(&cassette.profile).or_else(|_| profile("compatible")).unwrap_or_default();
    Ok(found.with_only_dialect(dialect))
}

/// Plays the cassettes of a folder.
///
/// # Errors
/// The folder cannot be used.
pub(crate) fn replay(folder: &Path, dialect_name: &str) -> Result<ReplayUpstream, String> {
    let named = |(path, cassette): (PathBuf, Cassette)| (name_of(&path), cassette);
    let all = read_folder(folder)?.into_iter().map(named);
    let dialect = dialect(dialect_name).map_err(|error| error.to_string())?;
    Ok(ReplayUpstream::new(dialect, all))
}
