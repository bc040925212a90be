//! `sotto chat`: conversations in a terminal. On a terminal with a screen it fills the screen ([`full`]). Otherwise,
//! and without a terminal at either end, it works line by line ([`mod@line`]).
//!
//! Everything shown is read from the database after an event hints at a change.

mod command;
mod deed;
mod files;
mod full;
mod groups;
mod keep;
mod line;
mod lines;
mod people;
mod posts;

use std::io::{self, IsTerminal, Read};

use sotto_messenger::records::Message;
use sotto_messenger::{Error, Messenger};

use crate::args::PhoneArgs;
use crate::exit::Failure;

/// Longest text, bytes.
const TEXT_CAP: usize = 1 << 20;

/// Runs until /quit, a signal or the end of input.
pub(crate) async fn run(args: &PhoneArgs) -> Result<(), Failure> {
    if has_screen() { full::run(args).await } else { line::run(args).await }
}

/// Whether this terminal can be drawn on; not with `TERM=dumb` or without `TERM`.
fn has_screen() -> bool {
    let draws = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    draws && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Replaces cut texts of a page by the whole texts.
fn whole(messenger: &Messenger, page: &mut [Message]) -> Result<(), Error> {
    for message in page.iter_mut().filter(|message| message.more) {
        *message = messenger.message(&message.id)?;
    }
    Ok(())
}

/// The text of a file, without newlines at its end; or why it is no text to send.
fn text_of(path: &str) -> Result<String, String> {
    let mut text = Vec::new();
    // One byte more than a text may have shows that the file is too long.
    let limit = u64::try_from(TEXT_CAP).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text));
    read.map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|_| "this file is no text in UTF-8")?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
