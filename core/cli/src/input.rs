//! Standard input: bounded lines from a thread of its own, and the end of input as a reason to stop.

use std::io::{self, BufRead, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use tokio::sync::{mpsc, oneshot};

/// Lines read ahead.
const DEPTH: usize = 64;
/// Bytes kept of a line that is too long.
const HEAD: usize = 4096;

/// A line without its line end.
#[derive(PartialEq, Eq)]
pub(crate) enum Line {
    Text(Vec<u8>),
    /// The beginning of a line longer than the cap; the rest was skipped.
    TooLong(Vec<u8>),
}

/// Lines of at most `cap` bytes. The channel ends with standard input.
pub(crate) fn lines(cap: usize) -> io::Result<mpsc::Receiver<Line>> {
    let (sender, receiver) = mpsc::channel(DEPTH);
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(line)) = read_line(&mut input, cap) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// The end of standard input, as a reason to stop.
pub(crate) struct End {
    ended: oneshot::Receiver<()>,
    /// A service started with `/dev/null` as input does not stop.
    _never: Option<oneshot::Sender<()>>,
}

impl End {
    /// Starts to read and discard standard input.
    pub(crate) fn watch() -> io::Result<Self> {
        let (sender, ended) = oneshot::channel();
        let stdin = io::stdin();
        let kind = std::fs::File::from(stdin.as_fd().try_clone_to_owned()?).metadata()?.file_type();
        if kind.is_char_device() && !stdin.is_terminal() {
            let _never = Some(sender);
            return Ok(Self { ended, _never });
        }
        std::thread::Builder::new().name("stdin".into()).spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = sender.send(());
        })?;
        Ok(Self { ended, _never: None })
    }

    /// Resolves at the end of input.
    pub(crate) async fn reached(&mut self) {
        let _ = (&mut self.ended).await;
    }
}

fn read_line(input: &mut impl BufRead, cap: usize) -> io::Result<Option<Line>> {
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        return Ok(Some(Line::Text(line)));
    }
    if line.len() <= cap {
        return Ok(Some(Line::Text(line)));
    }
    input.skip_until(b'\n')?;
    line.truncate(HEAD);
    line.shrink_to_fit();
    Ok(Some(Line::TooLong(line)))
}

sotto_messenger::closed_debug!(Line);

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8], cap: usize) -> Vec<Line> {
        let mut found = Vec::new();
        while let Some(line) = read_line(&mut bytes, cap).unwrap() {
            found.push(line);
        }
        found
    }

    fn text(text: &str) -> Line {
        Line::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_end_with_any_newline_or_the_end() {
        assert_eq!(all(b"a\r\n\nbc", 8), [text("a"), text(""), text("bc")]);
        assert_eq!(all(b"", 8), []);
    }

    #[test]
    fn a_line_over_the_cap_is_skipped_and_the_next_one_read() {
        assert_eq!(all(b"12345\n123456\nok\n", 5), [text("12345"), Line::TooLong(b"123456".into()), text("ok")]);
        assert_eq!(all(b"123456789", 5), [Line::TooLong(b"123456".into())]);
    }
}
