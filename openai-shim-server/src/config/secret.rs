//! Secrets, and their references: `env:NAME`, `file:PATH`, `credential:NAME` or the text itself in, a [`Secret`] out.

use std::path::{Path, PathBuf};

/// A secret: never printed, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Holds a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret as text; callers must not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Resolves a reference. Relative paths start at `base`, the folder of the file that contains the reference.
///
/// The error names the reference, never the secret.
pub(crate) fn resolve(reference: &str, base: &Path) -> Result<Secret, String> {
    if let Some(name) = reference.strip_prefix("env:") {
        return from_env(name);
    }
    if let Some(path) = reference.strip_prefix("file:") {
        return from_file(&base.join(path), &format!("the file {path}"));
    }
    if let Some(name) = reference.strip_prefix("credential:") {
        return from_credential(name, credentials());
    }
    checked(reference, "the key", "write env:NAME, file:PATH, credential:NAME or the key itself")
}

fn from_env(name: &str) -> Result<Secret, String> {
    let remedy = "set it, or write file:PATH";
    match std::env::var(name) {
        Ok(value) => checked(&value, &format!("the environment variable {name}"), remedy),
        Err(_) => Err(format!("the environment variable {name} is not set; {remedy}")),
    }
}

fn from_file(path: &Path, what: &str) -> Result<Secret, String> {
    let remedy = "put the key into it, and nothing else";
    match std::fs::read_to_string(path) {
        Ok(text) => checked(&text, what, remedy),
        Err(error) => {
            Err(format!("{what} cannot be read ({error}); write the path of a file with the key in it"))
        }
    }
}

/// The path of a file that is written as such, or as a credential.
pub(crate) fn file_path(text: &str, base: &Path) -> Result<PathBuf, String> {
    match text.strip_prefix("credential:") {
        Some(name) => credential_path(name, credentials()),
        None => Ok(base.join(text)),
    }
}

/// The folder of the credentials that systemd provides.
fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Reads a credential from systemd (`LoadCredential=`).
fn from_credential(name: &str, folder: Option<PathBuf>) -> Result<Secret, String> {
    from_file(&credential_path(name, folder)?, &format!("the credential {name}"))
}

fn credential_path(name: &str, folder: Option<PathBuf>) -> Result<PathBuf, String> {
    if name.is_empty() || name.contains('/') {
        return Err(String::from(
            "a credential has a plain name; write credential:NAME as in LoadCredential=NAME:PATH",
        ));
    }
    folder.map(|folder| folder.join(name)).ok_or_else(|| {
        format!(
            "there are no credentials here, because $CREDENTIALS_DIRECTORY is not set; start under systemd with \
             LoadCredential={name}:PATH, or write env:NAME or file:PATH"
        )
    })
}

/// Checks that a secret fits into a header: one line of visible ASCII. Removes the newline at the end of files.
fn checked(text: &str, what: &str, remedy: &str) -> Result<Secret, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{what} is empty; {remedy}"));
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(format!("{what} holds a line break or a character that a header cannot carry; {remedy}"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_variable_is_named_in_the_error() {
        let fault = resolve("env:OPENAI_SHIM_NO_SUCH_VARIABLE", Path::new("")).unwrap_err();
        assert!(fault.contains("OPENAI_SHIM_NO_SUCH_VARIABLE") && fault.contains("not set"), "{fault}");
    }

    #[test]
    fn newline_at_the_end_of_a_key_file_is_removed() {
        let folder = std::env::temp_dir().join(format!("openai-shim-secret-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("key"), "sk-1\n").unwrap();
        std::fs::write(folder.join("two"), "sk-1\nsk-2\n").unwrap();
        assert_eq!(resolve("file:key", &folder).unwrap().expose(), "sk-1");
        assert_eq!(from_credential("key", Some(folder.clone())).unwrap().expose(), "sk-1");
        let fault = resolve("file:two", &folder).unwrap_err();
        assert!(!fault.contains("sk-"), "the fault shows the secret: {fault}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn credential_without_systemd_or_with_a_path_is_an_error() {
        assert!(from_credential("key", None).unwrap_err().contains("LoadCredential=key:PATH"));
        assert!(from_credential("../key", Some(PathBuf::from("/"))).is_err());
    }
}
