//! A running program whose configuration changes.

use super::process::Process;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("shim-reload-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Replaces a file as editors do: another one is written beside it and renamed.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let (file, new) = (self.0.join(name), self.0.join(format!(".{name}.new")));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &file).unwrap();
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A configuration with a free port.
pub fn with_listen(config: &str) -> String {
    format!("listen = \"127.0.0.1:0\"\n{config}")
}

/// Starts the program with a configuration file.
pub fn run(file: &Path) -> Process {
    Process::with_file(file, &[], Stdio::piped(), "")
}

/// How many times the configuration was read, with and without success.
pub async fn reloads(process: &Process) -> [u64; 2] {
    let metrics = process.fetch("/metrics").await;
    ["success", "failure"].map(|result| {
        let name = format!("openai_shim_config_reloads_total{{result=\"{result}\"}} ");
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(&name))
            .unwrap_or_else(|| panic!("{metrics}"))
            .parse()
            .unwrap()
    })
}

/// Waits until the configuration is read once more.
pub async fn until_reloaded(process: &Process, before: [u64; 2]) {
    for _ in 0..1000 {
        if reloads(process).await != before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not reloaded: {}", process.log());
}

/// An `[[upstream]]`.
pub fn upstream_at(name: &str, url: &str, more: &str) -> String {
    format!("[[upstream]]\nname = \"{name}\"\nbase_url = \"{url}\"\n{more}\n")
}
