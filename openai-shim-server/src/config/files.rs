//! The files that a configuration is read from: the file itself, and secrets and certificates that it names.

use super::overrides::Overrides;
use super::secret;
use super::toml_tree::Source;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// Keys whose values are paths of files.
const PATH_KEYS: [&str; 2] = ["cert", "key"];
/// The section of these keys.
const PATH_SECTION: &str = "tls";

/// The files of a configuration, as far as it can be read.
pub(crate) fn files(overrides: &Overrides) -> Vec<PathBuf> {
    let overrides = overrides.clone().without_blanks();
    let mut files = Vec::new();
    let references = overrides.client_keys.iter().chain(&overrides.api_key);
    files.extend(references.filter_map(|reference| secret_file(reference.trim(), Path::new(""))));
    let Some(path) = overrides.config else { return files };
    files.push(path.clone());
    let Ok(source) = Source::read(&path) else { return files };
    if let Ok(table) = source.parse() {
        for (key, value) in table.get_ref() {
            collect(value.get_ref(), key.get_ref() == PATH_SECTION, source.folder(), &mut files);
        }
    }
    files
}

/// Adds the files that a value names. A text that only looks like a reference does no harm here.
fn collect(value: &DeValue<'_>, holds_paths: bool, folder: &Path, files: &mut Vec<PathBuf>) {
    match value {
        DeValue::String(text) => files.extend(secret_file(text, folder)),
        DeValue::Array(items) => {
            items.iter().for_each(|item| collect(item.get_ref(), false, folder, files));
        }
        DeValue::Table(table) => {
            for (key, value) in table {
                match value.get_ref() {
                    DeValue::String(path) if holds_paths && PATH_KEYS.contains(&key.get_ref().as_ref()) => {
                        files.extend(secret::file_path(path, folder));
                    }
                    other => collect(other, false, folder, files),
                }
            }
        }
        _ => {}
    }
}

/// The file of a reference to a secret.
fn secret_file(reference: &str, folder: &Path) -> Option<PathBuf> {
    let path = reference.strip_prefix("file:").or(reference.starts_with("credential:").then_some(reference));
    secret::file_path(path?, folder).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_secrets_and_certificates_are_found_in_every_section() {
        let folder = std::env::temp_dir().join(format!("openai-shim-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("shim.toml");
        let text = "client_keys = [\"file:keys/a\", \"env:B\"]\ntls = { cert = \"c.pem\", key = \"/k.pem\" }\n\
                    [[upstream]]\nname = \"up\"\napi_key = \"file:/run/key\"\nmodels = [\"file\"]\n";
        std::fs::write(&config, text).unwrap();
        let overrides = Overrides { config: Some(config.clone()), ..Overrides::default() };
        let mut found = files(&overrides);
        found.sort();
        let mut expected =
            vec![folder.join("keys/a"), folder.join("c.pem"), "/k.pem".into(), "/run/key".into(), config];
        expected.sort();
        assert_eq!(found, expected);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
