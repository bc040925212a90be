//! `sotto rpc`: JSON-RPC 2.0 over standard input and output.
//!
//! Each request runs in its own task, started in the order of the lines. So changing calls reach the engine in that
//! order, and a read sees the effect of all earlier calls. Calls that wait for the network or copy files run beside the
//! others, and no call waits for them. Bounds: the length of a line, running requests, and such long calls.

mod account;
mod chat;
mod contacts;
mod files;
mod frame;
mod groups;
mod host;
mod methods;
mod page;
mod posts;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sotto_messenger::{Error, Event, Messenger, Subscription};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinSet;

use crate::args::PhoneArgs;
use crate::exit::Failure;
use crate::input::{self, Line};
use crate::stop::Stop;
use crate::{exit, logger, open, output};

/// Longest line, bytes: a text of 1 MiB with every byte escaped, and room around it.
const LINE_CAP: usize = 8 << 20;
/// Most running requests; the next line is read when one ends. A read takes all places, so every earlier request has
/// ended then.
const AT_WORK: u32 = 256;
/// Most calls that take long and run beside the others at a time.
const WAITING: usize = 16;
/// How long requests may continue after the end of input, and after a signal.
const AFTER_END: Duration = Duration::from_secs(30);
const AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// State that every request needs.
pub(crate) struct Session {
    pub(crate) messenger: Messenger,
    pub(crate) subscription: Subscription,
    /// An event that was taken but did not fit the answer.
    pub(crate) held: Mutex<Option<Event>>,
    /// Set by the method `close`, and when nobody reads the answers any more.
    closed: Notify,
    /// Whether parcels waited in the outbox at the close.
    stranded: OnceLock<Result<(), Failure>>,
    at_work: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Runs until `close`, a signal or the end of input.
pub(crate) async fn run(args: &PhoneArgs) -> Result<(), Failure> {
    logger::start(args.log.unwrap_or(log::LevelFilter::Warn));
    let mut stop = Stop::catch().map_err(Failure::io)?;
    let messenger = open::open(args, true)?;
    let session = Arc::new(Session {
        subscription: messenger.subscribe(),
        messenger,
        held: Mutex::default(),
        closed: Notify::new(),
        stranded: OnceLock::new(),
        at_work: Arc::new(Semaphore::new(AT_WORK as usize)),
        waiting: Arc::new(Semaphore::new(WAITING)),
    });
    let mut tasks = JoinSet::new();
    let patience = serve(&session, &mut tasks, &mut stop).await?;
    session.subscription.end();
    let rest = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(patience, rest).await;
    tasks.shutdown().await;
    session.close().await?;
    match session.stranded.get() {
        Some(Err(left)) => Err(left.clone()),
        _ => Ok(()),
    }
}

impl Session {
    /// Closes the messenger after a check of its outbox.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.stranded.get_or_init(|| exit::stranded(&self.messenger));
        self.subscription.end();
        self.messenger.close().await
    }

    /// Deletes the account, without first sending what waits, and ends the subscription.
    pub(crate) async fn wipe(&self) -> Result<(), Error> {
        self.messenger.account_wipe().await?;
        self.stranded.get_or_init(|| Ok(()));
        self.subscription.end();
        Ok(())
    }
}

/// Reads lines until there is a reason to end; returns how long running requests may continue.
async fn serve(session: &Arc<Session>, tasks: &mut JoinSet<()>, stop: &mut Stop) -> Result<Duration, Failure> {
    let mut lines = input::lines(LINE_CAP).map_err(Failure::io)?;
    loop {
        while tasks.try_join_next().is_some() {}
        let line = tokio::select! {
            line = lines.recv() => line,
            () = stop.asked() => return Ok(AFTER_SIGNAL),
            () = session.closed.notified() => return Ok(AFTER_SIGNAL),
        };
        let request = match line {
            None => return Ok(AFTER_END),
            Some(Line::TooLong(head)) => Err(frame::too_long(&head)),
            Some(Line::Text(text)) if text.iter().all(u8::is_ascii_whitespace) => continue,
            Some(Line::Text(text)) => frame::parse(&text),
        };
        let places = match &request {
            Ok(request) if methods::READS.contains(&request.method.as_str()) => AT_WORK,
            _ => 1,
        };
        let permit = tokio::select! {
            permit = session.at_work.clone().acquire_many_owned(places) =>
                permit.map_err(|_| Failure::Failed("closing".into()))?,
            () = stop.asked() => return Ok(AFTER_SIGNAL),
            () = session.closed.notified() => return Ok(AFTER_SIGNAL),
        };
        let session = session.clone();
        tasks.spawn(async move {
            let answer = match request {
                Ok(request) => answer(&session, request, permit).await,
                Err(wrong) => Some(frame::failure(&wrong.id, &wrong.fault)),
            };
            // A client that has gone asks for nothing more.
            if answer.is_some_and(|answer| output::line(&answer).is_err()) {
                session.closed.notify_one();
            }
        });
    }
}

/// Whether a call waits for the network or copies files: no other call waits for it.
fn takes_long(request: &frame::Request) -> bool {
    match request.method.as_str() {
        "next_events" | "sync_once" | "file_export" => true,
        "send" => files::are_in(&request.params),
        _ => false,
    }
}

/// Runs one request; a notification gets no answer.
async fn answer(
    session: &Session,
    request: frame::Request,
    permit: tokio::sync::OwnedSemaphorePermit,
) -> Option<String> {
    let result = if takes_long(&request) {
        drop(permit);
        match session.waiting.try_acquire() {
            Ok(_place) => methods::call(session, &request.method, &request.params).await,
            Err(_) => Err(frame::too_many_waiting()),
        }
    } else {
        let _at_work = permit;
        methods::call(session, &request.method, &request.params).await
    };
    let closed = matches!(request.method.as_str(), "close" | "account_wipe") && result.is_ok();
    let id = request.id?;
    let answer = match result {
        Ok(value) => frame::success(&id, &value),
        Err(error) => frame::failure(&id, &error),
    };
    if closed {
        session.closed.notify_one();
    }
    Some(answer)
}
