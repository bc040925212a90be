//! The engine's thread. It owns the engine and gets calls, network events and one deadline.
//!
//! The thread never waits for the network's channel, because the network may be waiting for the thread's channel.
//! Commands wait in a queue here and leave as the network takes them. While that queue is long, no further calls are
//! taken.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sotto_net::NetHandle;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::counter::OpenCounter;
use crate::engine::Engine;
use crate::engine::input::{Answered, Effect, Input, Ticket};
use crate::error::{Code, Error, OrBug};
use crate::event::Event;
use crate::status::Status;

/// Most calls that wait for the engine; further callers wait for a place.
pub(crate) const INBOX_DEPTH: usize = 256;
/// Number of queued commands from which calls wait.
const NET_BACKLOG: usize = 256;
/// Longest time that closing waits for connections to end.
const NET_CLOSE: Duration = Duration::from_secs(5);
/// Longest sleep towards a deadline. So a wall clock that is set forward is noticed within an hour.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// Interval at which the open counter moves while the engine is active, milliseconds. So a copy of the folder is
/// noticed as old even if it was made while the app ran.
const COUNT_MS: i64 = 3_600_000;

/// A call for the engine; it answers its own caller.
pub(crate) type Task = Box<dyn FnOnce(&mut Loop) + Send>;
/// The receiver of a call's answer.
pub(crate) type Caller<T> = oneshot::Sender<Result<T, Error>>;

/// The thread of a network that the messenger started.
pub(crate) struct NetThread {
    pub(crate) thread: JoinHandle<()>,
    /// Resolves at the end of the thread.
    pub(crate) ended: oneshot::Receiver<()>,
}

/// The caller of a sync. After the deadline it gets the error `deadline`, and the work goes on.
struct Waiting {
    caller: Caller<u32>,
    deadline: Option<Instant>,
}

/// State of the engine's thread.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) net: NetHandle,
    pub(crate) net_thread: Option<NetThread>,
    pub(crate) inbox: mpsc::Receiver<Task>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) status: Arc<Status>,
    pub(crate) clock: Clock,
    pub(crate) counter: Option<OpenCounter>,
    /// When the counter last moved, Unix milliseconds.
    pub(crate) counted_ms: i64,
    /// Effects of opening the engine.
    pub(crate) first: Vec<Effect>,
}

enum Happening {
    Call(Option<Task>),
    Net(Option<sotto_net::Event>),
    Sent,
    NetGone,
    Due,
}

/// The engine and its surroundings; calls get it as `&mut`.
pub(crate) struct Loop {
    engine: Engine,
    events: broadcast::Sender<Event>,
    status: Arc<Status>,
    clock: Clock,
    counter: Option<OpenCounter>,
    counted_ms: i64,
    backlog: VecDeque<sotto_net::Command>,
    waiting: HashMap<Ticket, Waiting>,
    next_ticket: Ticket,
    /// The callers of `close`.
    closing: Option<Caller<()>>,
    wake_ms: Option<i64>,
}

impl Runtime {
    /// Starts the engine's thread.
    pub(crate) fn spawn(self) -> Result<JoinHandle<()>, Error> {
        std::thread::Builder::new().name("sotto-engine".into()).spawn(move || self.run()).or_bug("thread")
    }

    fn run(self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => return log::error!("no timer: {error}"),
        };
        runtime.block_on(self.serve());
    }

    async fn serve(self) {
        let Self { engine, mut net, net_thread, mut inbox, events, status, clock, counter, counted_ms, first } = self;
        let mut state = Loop {
            engine,
            events,
            status,
            clock,
            counter,
            counted_ms,
            backlog: VecDeque::new(),
            waiting: HashMap::new(),
            next_ticket: 0,
            closing: None,
            wake_ms: None,
        };
        state.perform(first);
        let mut net_there = true;
        while state.closing.is_none() {
            match state.next(&mut net, &mut inbox, net_there).await {
                Happening::Sent => {}
                Happening::Net(Some(sotto_net::Event::Serving { addresses })) => {
                    state.status.set_serving(addresses);
                }
                Happening::Net(Some(event)) => {
                    state.take(|engine, now_ms| engine.handle(now_ms, Input::Net(event)));
                }
                Happening::Net(None) | Happening::NetGone => {
                    log::warn!("the network actor has stopped");
                    net_there = false;
                }
                Happening::Call(Some(task)) => task(&mut state),
                Happening::Call(None) => break,
                Happening::Due => state.tick(),
            }
            if !net_there {
                state.backlog.clear();
            }
        }
        drop(inbox);
        let result = state.close();
        let now_ms = (state.clock)();
        let book = |event| drop(state.engine.handle(now_ms, Input::Net(event)));
        end_net(state.backlog, net, net_thread, net_there, book).await;
        drop(state.engine);
        drop(state.waiting); // these callers get `closed`
        if let Some(caller) = state.closing {
            let _ = caller.send(result);
        }
    }
}

/// Sends the remaining commands and waits for the actor's last event and its thread, at most [`NET_CLOSE`]. Changes of
/// the peer book go into `book`.
async fn end_net(
    backlog: VecDeque<sotto_net::Command>,
    mut net: NetHandle,
    thread: Option<NetThread>,
    there: bool,
    mut book: impl FnMut(sotto_net::Event),
) {
    let end = async {
        if there {
            let commands = net.commands.clone();
            let hand_over = async move {
                for command in backlog {
                    if commands.send(command).await.is_err() {
                        break;
                    }
                }
            };
            let last = async {
                while let Some(event) = net.events.recv().await {
                    match event {
                        sotto_net::Event::Closed => break,
                        sotto_net::Event::Book { .. } => book(event),
                        _ => {} // a store has these messages
                    }
                }
            };
            tokio::join!(hand_over, last);
        }
        // Without its channels the actor ends by itself.
        drop(net);
        if let Some(NetThread { thread, ended }) = thread {
            let panicked = ended.await.is_err();
            // The thread has nothing left to do, so this returns at once.
            if thread.join().is_err() || panicked {
                log::error!("the network thread panicked");
            }
        }
    };
    if tokio::time::timeout(NET_CLOSE, end).await.is_err() {
        log::warn!("connections did not end in time");
    }
}

impl Loop {
    /// Waits for the next input. Commands leave as the network takes them; network events are always received.
    async fn next(&mut self, net: &mut NetHandle, inbox: &mut mpsc::Receiver<Task>, net_there: bool) -> Happening {
        let due = self.due();
        tokio::select! {
            permit = net.commands.reserve(), if net_there && !self.backlog.is_empty() => {
                match (permit, self.backlog.pop_front()) {
                    (Ok(permit), Some(command)) => { permit.send(command); Happening::Sent }
                    _ => Happening::NetGone,
                }
            }
            event = net.events.recv(), if net_there => Happening::Net(event),
            call = inbox.recv(), if self.backlog.len() < NET_BACKLOG => Happening::Call(call),
            () = tokio::time::sleep_until(due) => Happening::Due,
        }
    }

    fn now(&self) -> i64 {
        (self.clock)()
    }

    /// When the loop must run without an input.
    fn due(&self) -> Instant {
        let now = Instant::now();
        let farthest = now + LONGEST_SLEEP;
        let tick = self.wake_ms.map_or(farthest, |at| {
            let ms = u64::try_from(at.saturating_sub(self.now())).unwrap_or(0);
            now.checked_add(Duration::from_millis(ms)).unwrap_or(farthest)
        });
        let deadlines = self.waiting.values().filter_map(|waiting| waiting.deadline);
        deadlines.fold(tick.min(farthest), Instant::min)
    }

    /// Runs a call. The process may be stopped right after the answer, so a counter that must move at once moves before
    /// it.
    pub(crate) fn answer<T, A>(&mut self, at_once: bool, act: A, caller: Caller<T>)
    where
        A: FnOnce(&mut Engine, i64) -> Answered<T>,
    {
        let now_ms = self.now();
        let (answer, effects) = act(&mut self.engine, now_ms);
        self.count(now_ms, at_once);
        // A caller that went away undoes nothing.
        let _ = caller.send(answer);
        self.perform(effects);
    }

    /// Starts a sync for a caller with a time limit.
    pub(crate) fn sync(&mut self, deadline: Duration, caller: Caller<u32>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(ticket, Waiting { caller, deadline: Instant::now().checked_add(deadline) });
        self.take(|engine, now_ms| engine.sync(now_ms, ticket));
    }

    /// Ends the loop. The callers are answered when the folder is free.
    pub(crate) fn close_for(&mut self, caller: Caller<()>) {
        self.closing = Some(caller);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let late: Vec<Ticket> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(&ticket, _)| ticket)
            .collect();
        for ticket in late {
            self.synced(ticket, Err(Code::Deadline.into()));
        }
        if self.wake_ms.is_some_and(|at| at <= self.now()) {
            self.wake_ms = None;
            self.take(|engine, now_ms| engine.handle(now_ms, Input::Tick));
        }
    }

    fn take(&mut self, act: impl FnOnce(&mut Engine, i64) -> Vec<Effect>) {
        let now_ms = self.now();
        let effects = act(&mut self.engine, now_ms);
        self.count(now_ms, false);
        self.perform(effects);
    }

    /// The engine was active: moves the counter if its interval has passed.
    fn count(&mut self, now_ms: i64, at_once: bool) {
        self.status.set_bucket(self.engine.bucket(now_ms));
        // A clock that is set back counts as an hour too.
        if !at_once && (0..COUNT_MS).contains(&now_ms.saturating_sub(self.counted_ms)) {
            return;
        }
        let Some(counter) = &self.counter else {
            return;
        };
        self.counted_ms = now_ms;
        if let Err(error) = self.engine.count(counter) {
            log::warn!("the open counter: {error}");
            let code = error.code();
            self.emit(Event::Notice { code });
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Net(command) => self.backlog.push_back(command),
                Effect::Synced(ticket, result) => self.synced(ticket, result),
                Effect::Emit(event) => self.emit(event),
                Effect::WakeAt(at) => self.wake_ms = at,
            }
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<u32, Error>) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            let _ = waiting.caller.send(result);
        }
    }

    fn emit(&mut self, event: Event) {
        if let Event::Connectivity(connectivity) = &event {
            self.status.set_connectivity(connectivity.clone());
        }
        // A missing listener is no failure: the database is the truth.
        let _ = self.events.send(event);
    }

    /// The engine's last step. Its `Net(Close)` stays in the queue.
    fn close(&mut self) -> Result<(), Error> {
        let (result, effects) = self.engine.close(self.now());
        self.perform(effects);
        result
    }
}
