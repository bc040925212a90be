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
use crate::disk::Done;
use crate::engine::Engine;
use crate::engine::input::{Answered, Effect, Input, Ticket};
use crate::error::{Code, Error, OrBug};
use crate::event::Event;
use crate::status::Status;
use crate::worker::Worker;

/// Most calls that wait for the engine; further callers wait for a place.
pub(crate) const INBOX_DEPTH: usize = 256;
/// Number of queued commands from which calls wait.
const NET_BACKLOG: usize = 256;
/// Longest time that closing waits for connections to end.
const NET_CLOSE: Duration = Duration::from_secs(5);
/// Longest sleep towards a deadline. So a wall clock that is set forward is noticed within an hour.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// How often the open counter moves while something happens, ms. So a copy made meanwhile is noticed as old.
const COUNT_MS: i64 = 3_600_000;

/// A call for the engine; it answers its own caller.
pub(crate) type Task = Box<dyn FnOnce(&mut Loop) + Send>;
pub(crate) type Caller<T> = oneshot::Sender<Result<T, Error>>;

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

/// The engine and its surroundings; calls get it as `&mut`.
pub(crate) struct Loop {
    engine: Engine,
    events: broadcast::Sender<Event>,
    status: Arc<Status>,
    clock: Clock,
    counter: Option<OpenCounter>,
    /// When the counter last moved, Unix milliseconds.
    counted_ms: i64,
    backlog: VecDeque<sotto_net::Command>,
    files: Worker,
    waiting: HashMap<Ticket, Waiting>,
    next_ticket: Ticket,
    closing: Option<Caller<()>>,
    wake_ms: Option<i64>,
}

impl Loop {
    pub(crate) fn new(
        engine: Engine,
        events: broadcast::Sender<Event>,
        status: Arc<Status>,
        (clock, opened_ms): (Clock, i64),
        (counter, files): (Option<OpenCounter>, Worker),
    ) -> Self {
        Self {
            engine,
            events,
            status,
            clock,
            counter,
            counted_ms: opened_ms,
            backlog: VecDeque::new(),
            files,
            waiting: HashMap::new(),
            next_ticket: 0,
            closing: None,
            wake_ms: None,
        }
    }

    /// Starts the engine's thread, which first carries out the effects of opening the engine.
    pub(crate) fn spawn(
        self,
        first: Vec<Effect>,
        (inbox, filed): (mpsc::Receiver<Task>, mpsc::UnboundedReceiver<Done>),
        net: NetHandle,
        net_thread: Option<NetThread>,
    ) -> Result<JoinHandle<()>, Error> {
        let run = move || match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(self.serve(first, (inbox, filed), net, net_thread)),
            Err(error) => log::error!("no timer: {error}"),
        };
        std::thread::Builder::new().name("sotto-engine".into()).spawn(run).or_bug("thread")
    }

    async fn serve(
        mut self,
        first: Vec<Effect>,
        (mut inbox, mut filed): (mpsc::Receiver<Task>, mpsc::UnboundedReceiver<Done>),
        mut net: NetHandle,
        net_thread: Option<NetThread>,
    ) {
        self.perform(first);
        let mut net_there = true;
        while self.closing.is_none() {
            let due = self.due();
            // Commands leave as the network takes them; network events are always received.
            let there = tokio::select! {
                permit = net.commands.reserve(), if net_there && !self.backlog.is_empty() => {
                    permit.is_ok_and(|permit| self.backlog.pop_front().map(|command| permit.send(command)).is_some())
                }
                event = net.events.recv(), if net_there => event.map(|event| self.event(event)).is_some(),
                call = inbox.recv(), if self.backlog.len() < NET_BACKLOG => match call {
                    Some(task) => { task(&mut self); true }
                    None => break,
                },
                Some(done) = filed.recv() => {
                    self.take(|engine, now_ms| engine.handle(now_ms, Input::Disk(done)));
                    true
                }
                () = tokio::time::sleep_until(due) => { self.tick(); true }
            };
            if !there {
                log::warn!("the network actor has stopped");
                net_there = false;
            }
            if !net_there {
                self.backlog.clear();
            }
        }
        drop(inbox);
        let result = self.close();
        let now_ms = (self.clock)();
        let book = |event| drop(self.engine.handle(now_ms, Input::Net(event)));
        end_net(self.backlog, net, net_thread, net_there, book).await;
        drop(self.files);
        drop(self.engine);
        drop(self.waiting); // these callers get `closed`
        if let Some(caller) = self.closing {
            let _ = caller.send(result);
        }
    }
}

/// Hands over the rest and waits for the actor's last event and its thread, at most [`NET_CLOSE`].
async fn end_net(
    backlog: VecDeque<sotto_net::Command>,
    net: NetHandle,
    thread: Option<NetThread>,
    there: bool,
    mut book: impl FnMut(sotto_net::Event),
) {
    let end = async {
        let NetHandle { commands, mut events, .. } = net;
        if there {
            let hand_over = async {
                for command in backlog {
                    if commands.send(command).await.is_err() {
                        break;
                    }
                }
            };
            let last = async {
                while let Some(event) = events.recv().await {
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
        drop((commands, events));
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
    fn event(&mut self, event: sotto_net::Event) {
        match event {
            sotto_net::Event::Serving { addresses } => self.status.now().serving = addresses,
            event => self.take(|engine, now_ms| engine.handle(now_ms, Input::Net(event))),
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

    /// Runs a call. A counter that must move at once moves before the answer: then the process may be stopped.
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
        let late = |_: &Ticket, waiting: &mut Waiting| waiting.deadline.is_some_and(|deadline| deadline <= now);
        for (_, waiting) in self.waiting.extract_if(late) {
            let _ = waiting.caller.send(Err(Code::Deadline.into()));
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
        self.status.now().bucket = self.engine.bucket(now_ms);
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
                Effect::Disk(order) => self.files.run(order),
                Effect::Synced(ticket, result) => {
                    let waiting = self.waiting.remove(&ticket);
                    let _ = waiting.map(|waiting| waiting.caller.send(result));
                }
                Effect::Emit(event) => self.emit(event),
                Effect::WakeAt(at) => self.wake_ms = at,
            }
        }
    }

    fn emit(&mut self, event: Event) {
        if let Event::Connectivity(connectivity) = &event {
            let mut now = self.status.now();
            now.reached |= connectivity.publish_nodes + connectivity.receive_nodes + connectivity.relay_peers > 0;
            now.connectivity = connectivity.clone();
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
