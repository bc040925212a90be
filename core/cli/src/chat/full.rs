//! `sotto chat` on a whole screen. [`app`] is the state, [`draw`] shows it, [`desk`] does what it wants; here they
//! meet. Nothing wakes up by itself: a screen is drawn when a key or an event came.

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

/// Events taken at once.
const BATCH: usize = 256;

/// Runs until /quit, Ctrl-C, a signal or the end of the terminal.
pub(super) async fn run(args: &PhoneArgs) -> Result<(), Failure> {
    // Log lines would be written over the screen: they need a place of their own, `2>FILE`.
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

/// Takes one input and does all that follows from it, before the next key is taken. False if that is to quit.
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

/// Waits for a key or an event, and takes the keys that are there already. `None` at the end of either.
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
