//! The one place that writes to standard output (data) and standard error (everything else).

use std::io::{self, Write};

/// Writes one line and flushes it. Waits for a slow reader.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes to standard error; a closed one is ignored.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "sotto: {text}");
}
