//! `sotto chat` on a full screen. [`app`] is the state, [`draw`] draws it, [`desk`] carries out its actions; this file
//! connects them. Nothing runs on a timer: a key or an event causes each drawing.

mod app;
mod desk;
mod draw;
mod editor;
mod layout;
mod rows;
mod status;
mod tty;
mod view;

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::app::{Action, App, Input};
use self::desk::Desk;
use self::tty::Tty;
use crate::args::PhoneArgs;
use crate::exit::{self, Failure};
use crate::stop::Stop;
use crate::{logger, open};

/// Most events taken at once.
const BATCH: usize = 256;

/// Runs until /quit, Ctrl-C, a signal or the end of the terminal.
pub(super) async fn run(args: &PhoneArgs) -> Result<(), Failure> {
    // Log lines would overwrite the screen; they need a redirect, `2>FILE`.
    if !io::stderr().is_terminal() {
        logger::start(args.log.unwrap_or(log::LevelFilter::Warn));
    }
    let mut stop = Stop::catch().map_err(Failure::io)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::io)?;
    let mut desk = Desk::new(args, open::open(args, true)?);
    let mut tty = Tty::enter().map_err(Failure::io)?;
    let mut app = App::new(args.mode, tty.size().map_err(Failure::io)?);
    let result = tokio::select! {
        result = talk(&mut app, &mut desk, &mut tty) => result,
        () = stop.asked() => Ok(()),
        _ = hangup.recv() => Ok(()),
    };
    for action in app.end() {
        desk.perform(action).await?;
    }
    drop(tty);
    let stranded = exit::stranded(&desk.messenger);
    desk.messenger.close().await?;
    result?;
    stranded
}

async fn talk(app: &mut App, desk: &mut Desk<'_>, tty: &mut Tty) -> Result<(), Failure> {
    let mut keys = tty::inputs().map_err(Failure::io)?;
    let mut inputs = desk.begin().await?;
    loop {
        for input in inputs.drain(..) {
            if !take(app, desk, input).await? {
                return Ok(());
            }
        }
        tty.draw(app).map_err(Failure::io)?;
        if !take(app, desk, Input::Drawn).await? {
            return Ok(());
        }
        match wait(&mut keys, desk).await {
            Some(happened) => inputs = happened,
            None => return Ok(()),
        }
    }
}

/// Takes one input and carries out all that follows, before the next key. False ends the chat.
async fn take(app: &mut App, desk: &mut Desk<'_>, input: Input) -> Result<bool, Failure> {
    let mut inputs = VecDeque::from([input]);
    while let Some(input) = inputs.pop_front() {
        for action in app.handle(now_ms(), input) {
            if action == Action::Quit {
                return Ok(false);
            }
            inputs.extend(desk.perform(action).await?);
        }
    }
    Ok(true)
}

/// Waits for a key or an event, and takes all keys that are ready. `None` at the end of either channel.
async fn wait(keys: &mut mpsc::Receiver<Input>, desk: &Desk<'_>) -> Option<Vec<Input>> {
    let first = tokio::select! {
        key = keys.recv() => key?,
        batch = desk.events.next_batch(BATCH) => Input::News(batch?),
    };
    let mut inputs = vec![first];
    while let Ok(key) = keys.try_recv() {
        inputs.push(key);
    }
    Some(inputs)
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
