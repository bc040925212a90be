//! `sotto chat`: conversations in a terminal. On one that has a screen it fills that ([`full`]); else, and where input
//! or output is no terminal, it goes line by line ([`line`]).
//!
//! Everything shown is read from the database when an event hints at a change.

mod command;
mod full;
mod line;
mod lines;
mod people;

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

/// Can this terminal be drawn on? `TERM=dumb`, or none, means that it cannot.
fn has_screen() -> bool {
    let draws = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    draws && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Makes the texts of a page whole.
fn whole(messenger: &Messenger, page: &mut [Message]) -> Result<(), Error> {
    for message in page.iter_mut().filter(|message| message.more) {
        *message = messenger.message(&message.id)?;
    }
    Ok(())
}

/// What a file holds, without the newlines at its end; else why it is no text to send.
fn text_of(path: &str) -> Result<String, String> {
    let mut text = Vec::new();
    // One byte more than a text may have shows that it has too many.
    let limit = u64::try_from(TEXT_CAP).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text));
    read.map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|_| "this file is no text in UTF-8")?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
