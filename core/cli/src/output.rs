//! The one place that writes to standard output (data) and standard error (everything else).

use std::io::{self, Write};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// Lines that may wait for a slow reader.
const DEPTH: usize = 64;

/// Writes one line and flushes it.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes to standard error; one that is closed is nobody's loss.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "sotto: {text}");
}

/// Standard output on a thread of its own, so that a slow reader holds up nothing but its own lines.
pub(crate) struct Lines {
    sender: mpsc::Sender<String>,
    thread: JoinHandle<io::Result<()>>,
}

impl Lines {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, mut receiver) = mpsc::channel::<String>(DEPTH);
        let thread = std::thread::Builder::new()
            .name("stdout".into())
            .spawn(move || {
                while let Some(text) = receiver.blocking_recv() {
                    line(&text)?;
                }
                Ok(())
            })?;
        Ok(Self { sender, thread })
    }

    /// Where to send lines; it fails once the reader has gone.
    pub(crate) fn sender(&self) -> mpsc::Sender<String> {
        self.sender.clone()
    }

    /// Waits until all is written. All other senders must be gone.
    pub(crate) fn finish(self) -> io::Result<()> {
        drop(self.sender);
        match self.thread.join() {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}
