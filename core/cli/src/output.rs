//! The one place that writes to standard output (data) and standard error (everything else).

use std::io::{self, Write};

/// Writes one line and flushes it; a reader that does not read is waited for.
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
