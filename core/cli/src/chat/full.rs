//! `sotto chat` on a whole screen. [`app`] is the state, [`draw`] shows it, [`desk`] does what it wants; here they
//! meet. Nothing wakes up by itself: a screen is drawn when a key or an event came.

mod app;
mod desk;
mod draw;
mod editor;
mod layout;
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
    let mut inputs = VecDeque::from(desk.begin().await?);
    loop {
        while let Some(input) = inputs.pop_front() {
            for action in app.handle(now_ms(), input) {
                if action == Action::Quit {
                    return Ok(());
                }
                inputs.extend(desk.perform(action).await?);
            }
        }
        tty.draw(app).map_err(Failure::io)?;
        for action in app.handle(now_ms(), Input::Drawn) {
            inputs.extend(desk.perform(action).await?);
        }
        if inputs.is_empty() && !wait(&mut keys, desk, &mut inputs).await {
            return Ok(());
        }
    }
}

/// Waits for a key or an event, and takes the keys that are there already. False at the end of either.
async fn wait(keys: &mut mpsc::Receiver<Input>, desk: &Desk<'_>, inputs: &mut VecDeque<Input>) -> bool {
    tokio::select! {
        key = keys.recv() => match key {
            Some(key) => inputs.push_back(key),
            None => return false,
        },
        batch = desk.events.next_batch(BATCH) => match batch {
            Some(batch) => inputs.push_back(Input::News(batch)),
            None => return false,
        },
    }
    while let Ok(key) = keys.try_recv() {
        inputs.push_back(key);
    }
    true
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
