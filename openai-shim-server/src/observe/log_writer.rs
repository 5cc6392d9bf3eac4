//! Log lines to standard error: a bounded buffer and one thread that writes it. Nobody who logs waits or fails.
//!
//! A line that finds no room, or that cannot be written, is lost and counted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// The most bytes of lines that wait for a slow reader.
const MAX_PENDING: usize = 1 << 20;
/// How long the end of the program waits for the last lines.
const FLUSH: Duration = Duration::from_secs(1);
/// The same after a panic, when others may go on.
const LAST_LINE: Duration = Duration::from_millis(100);
/// How long a pipe that is full and does not block is left alone.
const RETRY: Duration = Duration::from_millis(10);
/// Room for one call of `write(2)`, which needs no more.
const STACK: usize = 128 << 10;

static LOST: AtomicU64 = AtomicU64::new(0);
static LOG: OnceLock<&'static LogBuffer> = OnceLock::new();

/// How many log lines were lost since the start.
pub(crate) fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Waits until what was logged is written, for a second at most.
pub fn flush() {
    if let Some(buffer) = LOG.get() {
        buffer.flush(FLUSH);
    }
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct LogBuffer {
    pending: Mutex<Pending>,
    /// There is something to write.
    filled: Condvar,
    /// All of it is written.
    drained: Condvar,
    /// The escape character may stand in a line: it is coloured.
    coloured: AtomicBool,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    /// The thread waits for lines.
    idle: bool,
}

impl LogBuffer {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a line.
    fn push(&self, line: &[u8]) {
        let line = escaped(line, self.coloured.load(Ordering::Relaxed));
        let mut pending = self.lock();
        if pending.lines.len() + line.len() > MAX_PENDING {
            drop(pending);
            LOST.fetch_add(1, Ordering::Relaxed);
            return;
        }
        pending.lines.extend_from_slice(&line);
        let wake = std::mem::take(&mut pending.idle);
        drop(pending);
        if wake {
            self.filled.notify_one();
        }
    }

    /// Writes what comes, for ever.
    fn run(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut pending = self.lock();
            while pending.lines.is_empty() {
                pending.idle = true;
                self.drained.notify_all();
                pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            pending.idle = false;
            std::mem::swap(&mut lines, &mut pending.lines);
            drop(pending);
            LOST.fetch_add(write(&mut out, &lines), Ordering::Relaxed);
            lines.clear();
            // What one wave needed is not kept.
            lines.shrink_to(16 << 10);
        }
    }

    fn flush(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut pending = self.lock();
        while !(pending.idle && pending.lines.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            pending = self.drained.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Writes lines; how many of them could not be written.
fn write(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(0) => break,
            Ok(written) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A pipe that some other program has made non-blocking. What is lost meanwhile is what finds no room.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(RETRY),
            Err(_) => break,
        }
    }
    lines.split(|byte| *byte == b'\n').skip(1).count() as u64
}

/// A line without characters that a terminal obeys or that end a line, but for the break at its end.
fn escaped(line: &[u8], coloured: bool) -> Cow<'_, [u8]> {
    let (text, end) = match line {
        [text @ .., b'\n'] => (text, "\n"),
        text => (text, ""),
    };
    // Two-byte and three-byte forms begin with these; most lines have none.
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
            // Also valid in JSON, where it stands for the same character.
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

/// Where the subscriber writes its lines: each in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter(&'static LogBuffer);

impl LogWriter {
    /// The one of this process; the first call starts its thread.
    pub(crate) fn start(coloured: bool) -> Self {
        let buffer = LOG.get_or_init(|| {
            let buffer: &'static LogBuffer = Box::leak(Box::default());
            let thread = std::thread::Builder::new().name(String::from("log")).stack_size(STACK);
            // Without a thread the buffer fills, and lines are lost and counted.
            let _ = thread.spawn(|| buffer.run(io::stderr()));
            buffer
        });
        buffer.coloured.store(coloured, Ordering::Relaxed);
        Self(buffer)
    }

    /// Lets panics be logged in the same way, and not be printed by who panics.
    pub(crate) fn hook_panics(self, json: bool) {
        std::panic::set_hook(Box::new(move |info| {
            self.0.push(panic_line(info, json).as_bytes());
            // After one on the main thread nobody may be left who writes it.
            if std::thread::current().name() == Some("main") {
                self.0.flush(LAST_LINE);
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

    /// Takes so many bytes, and then nothing more.
    struct Full(usize);

    impl Write for Full {
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
        assert_eq!(write(&mut Full(100), b"one\ntwo\n"), 0);
        assert_eq!(write(&mut Full(6), b"one\ntwo\nthree\n"), 2);
        assert_eq!(write(&mut Full(0), b"one\n"), 1);
    }

    #[test]
    fn a_pipe_that_does_not_block_is_waited_for() {
        struct Hesitant(Vec<u8>, bool);
        impl Write for Hesitant {
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
        let mut out = Hesitant(Vec::new(), false);
        assert_eq!((write(&mut out, b"one\n"), out.0.as_slice()), (0, b"one\n".as_slice()));
    }

    #[test]
    fn lines_of_a_slow_reader_are_bounded() {
        let buffer = LogBuffer::default();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let before = lost_lines();
        for _ in 0..1024 + 7 {
            buffer.push(&line);
        }
        assert_eq!(buffer.lock().lines.len(), MAX_PENDING);
        assert!(lost_lines() - before >= 7);
        buffer.flush(Duration::from_millis(1));
    }

    #[test]
    fn what_was_logged_is_written_before_the_end() {
        struct Shared(Arc<Mutex<Vec<u8>>>);
        impl Write for Shared {
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
        let out = Shared(written.clone());
        std::thread::spawn(move || buffer.run(out));
        for i in 0..5 {
            buffer.push(format!("line {i}\n").as_bytes());
        }
        buffer.flush(Duration::from_secs(9));
        assert_eq!(String::from_utf8_lossy(&written.lock().unwrap()).lines().count(), 5);
    }

    #[test]
    fn characters_that_control_a_terminal_or_a_line_are_escaped() {
        let text =
            |line: &str, coloured| String::from_utf8(escaped(line.as_bytes(), coloured).into()).unwrap();
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
