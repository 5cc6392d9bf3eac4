//! Writes log lines to standard error: a bounded buffer and one thread that writes it, so that logging neither waits nor
//! fails.
//!
//! A line that does not fit into the buffer or cannot be written is lost and counted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// The most bytes of lines that wait to be written.
const MAX_PENDING_BYTES: usize = 1 << 20;
/// How long the program waits at its end for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a panic on the main thread waits for its line.
const PANIC_FLUSH_TIMEOUT: Duration = Duration::from_millis(100);
/// How long the thread waits after a full non-blocking pipe refused a write.
const WRITE_RETRY_DELAY: Duration = Duration::from_millis(10);
/// The stack of the thread: it only calls `write(2)`.
const STACK_BYTES: usize = 128 << 10;

static LOST_LINES: AtomicU64 = AtomicU64::new(0);
static BUFFER: OnceLock<&'static LogBuffer> = OnceLock::new();

/// The number of log lines lost since the start.
pub(crate) fn lost_lines() -> u64 {
    LOST_LINES.load(Ordering::Relaxed)
}

/// Waits until all lines are written, a second at most.
pub fn flush() {
    if let Some(buffer) = BUFFER.get() {
        buffer.flush(FLUSH_TIMEOUT);
    }
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct LogBuffer {
    pending: Mutex<Pending>,
    /// Lines were added.
    filled: Condvar,
    /// All lines are written.
    drained: Condvar,
    /// Lines are coloured and may hold escape characters.
    coloured: AtomicBool,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    /// The thread waits for lines.
    is_writer_idle: bool,
}

impl LogBuffer {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a line.
    fn push(&self, line: &[u8]) {
        let line = escape(line, self.coloured.load(Ordering::Relaxed));
        let mut pending = self.lock();
        if pending.lines.len() + line.len() > MAX_PENDING_BYTES {
            drop(pending);
            LOST_LINES.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pending.lines.extend_from_slice(&line);
        let wake_writer = std::mem::take(&mut pending.is_writer_idle);
        drop(pending);
        if wake_writer {
            self.filled.notify_one();
        }
    }

    /// Writes lines forever.
    fn run(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut pending = self.lock();
            while pending.lines.is_empty() {
                pending.is_writer_idle = true;
                self.drained.notify_all();
                pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            pending.is_writer_idle = false;
            std::mem::swap(&mut lines, &mut pending.lines);
            drop(pending);
            LOST_LINES.fetch_add(write_lines(&mut out, &lines), Ordering::Relaxed);
            lines.clear();
            // A burst's memory is released.
            lines.shrink_to(16 << 10);
        }
    }

    fn flush(&self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut pending = self.lock();
        while !(pending.is_writer_idle && pending.lines.is_empty()) {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return;
            }
            pending = self.drained.wait_timeout(pending, remaining).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Writes lines; returns how many of them could not be written.
fn write_lines(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(0) => break,
            Ok(written) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another program made the pipe non-blocking. Lines that do not fit into the buffer meanwhile are lost.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(WRITE_RETRY_DELAY),
            Err(_) => break,
        }
    }
    lines.split(|byte| *byte == b'\n').skip(1).count() as u64
}

/// Escapes characters that control a terminal or break the line, except the line break at the end.
fn escape(line: &[u8], coloured: bool) -> Cow<'_, [u8]> {
    let (text, end) = match line {
        [text @ .., b'\n'] => (text, "\n"),
        text => (text, ""),
    };
    // UTF-8 of the characters in question begins with one of these bytes; most lines have none.
    if !text.iter().any(|byte| *byte < b' ' || matches!(byte, 0x7f | 0xc2 | 0xe2)) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for char in String::from_utf8_lossy(text).chars() {
        match char {
            '\x1b' if coloured => out.push(char),
            '\t' => out.push(char),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            // This form is valid in JSON strings, too, and means the same character.
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push_str(end);
    Cow::Owned(out.into_bytes())
}

/// The subscriber's writer: each call is one line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter(&'static LogBuffer);

impl LogWriter {
    /// The writer of this process; the first call starts its thread.
    pub(crate) fn start(coloured: bool) -> Self {
        let buffer = BUFFER.get_or_init(|| {
            let buffer: &'static LogBuffer = Box::leak(Box::default());
            let thread = std::thread::Builder::new().name(String::from("log")).stack_size(STACK_BYTES);
            // Without a thread the buffer fills, and lines are lost and counted.
            let _ = thread.spawn(|| buffer.run(io::stderr()));
            buffer
        });
        buffer.coloured.store(coloured, Ordering::Relaxed);
        Self(buffer)
    }

    /// Makes panics log through this writer instead of printing to standard error.
    pub(crate) fn install_panic_hook(self, json: bool) {
        std::panic::set_hook(Box::new(move |info| {
            self.0.push(panic_line(info, json).as_bytes());
            // After a panic on the main thread the process may end before the line is written.
            if std::thread::current().name() == Some("main") {
                self.0.flush(PANIC_FLUSH_TIMEOUT);
            }
        }));
    }
}

fn panic_line(info: &PanicHookInfo<'_>, json: bool) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let backtrace = std::backtrace::Backtrace::capture();
    let trace = match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => format!(" {backtrace}"),
        _ => String::new(),
    };
    let line = format!("thread {name:?} {}{trace}", info.to_string().replace('\n', " "));
    if json { format!("{}\n", serde_json::json!({"level": "ERROR", "message": line})) } else { line + "\n" }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Accepts so many bytes, then fails.
    struct FullDisk(usize);

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.min(bytes.len());
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        assert_eq!(write_lines(&mut FullDisk(100), b"one\ntwo\n"), 0);
        assert_eq!(write_lines(&mut FullDisk(6), b"one\ntwo\nthree\n"), 2);
        assert_eq!(write_lines(&mut FullDisk(0), b"one\n"), 1);
    }

    #[test]
    fn full_non_blocking_pipe_is_retried() {
        struct NonBlockingPipe(Vec<u8>, bool);
        impl Write for NonBlockingPipe {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                self.0.push(bytes[0]);
                Ok(1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = NonBlockingPipe(Vec::new(), false);
        assert_eq!((write_lines(&mut out, b"one\n"), out.0.as_slice()), (0, b"one\n".as_slice()));
    }

    #[test]
    fn pending_lines_of_a_slow_reader_are_bounded() {
        let buffer = LogBuffer::default();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let before = lost_lines();
        for _ in 0..1024 + 7 {
            buffer.push(&line);
        }
        assert_eq!(buffer.lock().lines.len(), MAX_PENDING_BYTES);
        assert!(lost_lines() - before >= 7);
        buffer.flush(Duration::from_millis(1));
    }

    #[test]
    fn flush_waits_until_all_lines_are_written() {
        struct SlowWriter(Arc<Mutex<Vec<u8>>>);
        impl Write for SlowWriter {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                std::thread::sleep(Duration::from_millis(20));
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let buffer: &'static LogBuffer = Box::leak(Box::default());
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let out = SlowWriter(written.clone());
        std::thread::spawn(move || buffer.run(out));
        for i in 0..5 {
            buffer.push(format!("line {i}\n").as_bytes());
        }
        buffer.flush(Duration::from_secs(9));
        assert_eq!(String::from_utf8_lossy(&written.lock().unwrap()).lines().count(), 5);
    }

    #[test]
    fn control_characters_are_escaped() {
        let text =
            |line: &str, coloured| String::from_utf8(escape(line.as_bytes(), coloured).into()).unwrap();
        assert_eq!(text("pläin “quotes” ✓\n", false), "pläin “quotes” ✓\n");
        assert_eq!(text("a\u{9b}31m\u{85}b\u{7f}\n", false), "a\\u009b31m\\u0085b\\u007f\n");
        assert_eq!(text("a\nlevel=ERROR forged\r\n", false), "a\\nlevel=ERROR forged\\r\n");
        assert_eq!(text("\u{202e}abc\u{2028}\u{2066}\n", false), "\\u202eabc\\u2028\\u2066\n");
        assert_eq!(text("\x1b[31mred\n", false), "\\u001b[31mred\n");
        assert_eq!(text("\x1b[31mred\u{9b}\n", true), "\x1b[31mred\\u009b\n");
        let json = serde_json::json!({"model": "a\u{9b}\u{2028}"}).to_string() + "\n";
        let parsed: serde_json::Value = serde_json::from_str(&text(&json, false)).unwrap();
        assert_eq!(parsed["model"], "a\u{9b}\u{2028}");
    }
}
