//! Watches files for changes of their content (`watch = true`).
//!
//! The folders are watched, not the files: editors and Kubernetes replace a file, or a link on the way to it, by renaming.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// How long nothing must happen before files are read: an editor replaces a file in several steps.
const SETTLE_PERIOD: Duration = Duration::from_millis(150);
/// How long reading is put off at most.
const MAX_SETTLE_PERIOD: Duration = Duration::from_secs(2);
/// How often files are read without an event: network file systems report none, and a folder may be replaced.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// The most links on the way to one file.
const MAX_LINKS: usize = 16;

/// Watches some files.
pub(crate) struct FileWatcher {
    files: Vec<PathBuf>,
    /// The content of the files when they were last read.
    fingerprint: Fingerprint,
    hasher: RandomState,
    events: Arc<Notify>,
    /// Absent where the system offers none: files are then only read at intervals.
    _system: Option<RecommendedWatcher>,
}

/// A hash of each file's content; `None` for a file that cannot be read.
type Fingerprint = Vec<Option<u64>>;

impl FileWatcher {
    /// Watches files whose content is that of this moment.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        let events = Arc::<Notify>::default();
        let system = watch_folders(&files, &events);
        let hasher = RandomState::new();
        Self { fingerprint: fingerprint(&files, &hasher), files, hasher, events, _system: system }
    }

    /// Waits until the content of a file has changed.
    pub(crate) async fn changed(&mut self) {
        loop {
            let _ = timeout(POLL_INTERVAL, self.events.notified()).await;
            let latest = Instant::now() + MAX_SETTLE_PERIOD;
            let settled = |now: Instant| (now + SETTLE_PERIOD).min(latest);
            while timeout_at(settled(Instant::now()), self.events.notified()).await.is_ok() {
                if Instant::now() >= latest {
                    break;
                }
            }
            let (files, hasher) = (self.files.clone(), self.hasher.clone());
            let read = tokio::task::spawn_blocking(move || fingerprint(&files, &hasher)).await;
            let Ok(fingerprint) = read else { continue };
            if fingerprint != self.fingerprint {
                self.fingerprint = fingerprint;
                return;
            }
        }
    }
}

fn fingerprint(files: &[PathBuf], hasher: &RandomState) -> Fingerprint {
    files.iter().map(|file| std::fs::read(file).ok().map(|bytes| hasher.hash_one(bytes))).collect()
}

fn watch_folders(files: &[PathBuf], events: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let reported = events.clone();
    let handler = move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(event.kind)) {
            reported.notify_one();
        }
    };
    let mut watcher = match notify::recommended_watcher(handler) {
        Ok(watcher) => watcher,
        Err(error) => {
            let seconds = POLL_INTERVAL.as_secs();
            tracing::warn!(
                "the system reports no changes of files, they are read every {seconds} s: {error}"
            );
            return None;
        }
    };
    for folder in files.iter().flat_map(|file| folders_of(file)).collect::<BTreeSet<_>>() {
        // A folder that is not there yet is found at the next interval.
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            tracing::debug!("{} cannot be watched: {error}", folder.display());
        }
    }
    Some(watcher)
}

/// Whether a file may have another content. Reading one is an event as well.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The folders in which something changes when a path leads to other content: the file's own, and those of all links on the
/// way.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let Ok(mut path) = std::path::absolute(file) else { return folders };
    for _ in 0..MAX_LINKS {
        folders.extend(path.parent().map(Path::to_owned));
        let link = path.ancestors().find_map(|part| Some((part, std::fs::read_link(part).ok()?)));
        let Some((link, target)) = link else { break };
        let Some(parent) = link.parent() else { break };
        folders.push(parent.to_owned());
        let rest = path.strip_prefix(link).unwrap_or(Path::new(""));
        let target = parent.join(target);
        path = if rest.as_os_str().is_empty() { target } else { target.join(rest) };
    }
    folders
}
