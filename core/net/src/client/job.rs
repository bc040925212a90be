//! A command with an answer: what it asks for, which nodes it tried, and what an answer means for it.

use std::sync::Arc;

use libp2p::PeerId;
use sotto_wire::waku::{self, Shard, WakuMessage};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::nodes::{Kind, Service};
use super::store::{End, Query, StoreError};
use super::upload::Batch;
use crate::config::NetConfig;
use crate::exchange::ExchangeError;
use crate::handle::{Circle as Asking, Command, Event, FailReason, NodeNumber, PublishOutcome, Published};
use crate::trust::{Purpose, Trust};

/// Most nodes tried for one job.
const ATTEMPTS: usize = 3;
/// Most further nodes that refuse a message which others may accept.
const REFUSALS: usize = 10;
/// Most payload bytes of one query over a connection of its own (cards, chunks), from the newest or the oldest message.
const ALONE_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) enum Task {
    Publish { shard: Shard, message: WakuMessage },
    Upload(Arc<Batch>),
    Query(Arc<Query>),
    Check(Vec<[u8; 32]>),
}

/// Jobs of one lane take no place from those of another: messages never wait behind files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Requests over the connections of a circle.
    Circle,
    /// Queries over a connection of their own (cards).
    Alone,
    /// Uploads, each over a connection of its own.
    Upload,
    /// Queries for files, each over a connection of its own.
    Download,
}

impl Lane {
    /// Most jobs that ask a node at a time. Two uploads and four downloads of files leave a place for a text.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::Circle => 32,
            Self::Alone => 2,
            Self::Upload => 3,
            Self::Download => 5,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) lane: Lane,
    pub(crate) kind: Kind,
    pub(crate) service: Service,
    pub(crate) task: Task,
    /// Hash and timestamp of the message to publish, else zeros.
    hash: [u8; 32],
    timestamp_ns: i64,
    pub(crate) purpose: Purpose,
    /// Whether a store query must avoid the nodes asked last.
    pub(crate) of_others: bool,
    /// Nodes to use only if there is no other.
    pub(crate) not: Vec<NodeNumber>,
    /// Jobs with the same value go to one node, drawn at random.
    pub(crate) spread: Option<u64>,
    pub(crate) tried: Vec<NodeNumber>,
    /// Tried nodes that refused the message.
    pub(crate) refused: Vec<NodeNumber>,
    /// Time limit for reaching a node; set at the first try.
    pub(crate) until: Option<Instant>,
    pub(crate) asking: Option<(PeerId, NodeNumber)>,
    /// Dropping it ends the work.
    pub(crate) work: Option<oneshot::Sender<()>>,
    /// Why the last node failed, except for refusals.
    reason: Option<FailReason>,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Published(Result<PublishOutcome, ExchangeError>),
    /// Being asked; with the number of pages handed over.
    Queried(usize, Result<End, StoreError>),
    Checked(Result<Vec<[u8; 32]>, StoreError>),
    Uploaded(Result<(), FailReason>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    Good,
    Busy,
    /// The node says that it cannot do it.
    Useless,
    /// The node refuses the message; the message may be at fault.
    Refused,
    /// The node did not answer.
    Silent,
    /// The node broke the protocol.
    Lied,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// The job is done; its event, unless the last page was the event.
    Done(Option<Event>),
    /// Try another node, if there is one.
    Again,
}

impl Job {
    /// The job of a command, or the event that refuses it.
    pub(crate) fn new(command: Command, config: &NetConfig, trust: &Trust) -> Result<Option<Self>, Event> {
        let mut job = Self {
            id: 0,
            lane: Lane::Circle,
            kind: Kind::Publish,
            service: Service::Store,
            task: Task::Check(Vec::new()),
            hash: [0; 32],
            timestamp_ns: 0,
            purpose: Purpose::Message(None),
            of_others: false,
            not: Vec::new(),
            spread: None,
            tried: Vec::new(),
            refused: Vec::new(),
            until: None,
            asking: None,
            work: None,
            reason: None,
        };
        match command {
            Command::Publish { id, topic, payload, timestamp_ns, other_ns, purpose, spread } => {
                let (not, other) = trust.plan(id, &purpose);
                (job.id, job.service, job.not, job.spread) = (id, Service::LightPush, not, spread);
                (job.timestamp_ns, job.purpose) = (other_ns.filter(|_| other).unwrap_or(timestamp_ns), purpose);
                let message = WakuMessage::new(topic, payload, job.timestamp_ns);
                let shard = config.shard(&message.content_topic);
                let shard = shard.filter(|_| message.validate(config.max_message).is_ok());
                let shard = shard.ok_or_else(|| job.published(None, PublishOutcome::Refused))?;
                job.hash = waku::message_hash(&shard.to_string(), &message);
                job.task = Task::Publish { shard, message };
            }
            Command::Query { id, circle, topics, start_ns, end_ns, newest_first, most_bytes } => {
                let reason = FailReason::Unsupported;
                let shard = one_shard(&topics, config).ok_or(Event::QueryFailed { id, reason })?;
                let alone = circle == Asking::Alone;
                let small_pages = most_bytes.is_some();
                let most_bytes = most_bytes.unwrap_or(if alone { ALONE_BYTES } else { usize::MAX });
                let query = Query { shard, topics, start_ns, end_ns, newest_first, most_bytes, small_pages };
                (job.id, job.task, job.of_others) = (id, Task::Query(Arc::new(query)), circle == Asking::Other);
                (job.kind, job.lane) = match (alone, small_pages) {
                    (true, true) => (Kind::Alone, Lane::Download),
                    (true, false) => (Kind::Alone, Lane::Alone),
                    (false, _) => (Kind::Receive, Lane::Circle),
                };
            }
            Command::Check { id, hashes, not } => {
                (job.id, job.task, job.not) = (id, Task::Check(hashes), not.into_iter().collect());
            }
            Command::Upload { id, topic, payloads, timestamp_ns, not } => {
                (job.id, job.service, job.lane, job.not) = (id, Service::LightPush, Lane::Upload, not);
                let (taken, failed) = (vec![false; payloads.len()], Some(FailReason::Refused));
                let batch = Batch::new(topic, payloads, timestamp_ns, config);
                let batch = batch.ok_or(Event::Uploaded { id, node: None, taken, failed })?;
                job.task = Task::Upload(Arc::new(batch));
            }
            _ => return Ok(None),
        }
        Ok(Some(job))
    }

    /// Whether the node to avoid may be used if it is the only one. A node's own word that it stores a message counts
    /// only in a network with a single node.
    pub(crate) fn may_repeat(&self, config: &NetConfig) -> bool {
        config.single_circle || !matches!(self.task, Task::Check(_))
    }

    pub(crate) fn answered(&mut self, node: NodeNumber, answer: Answer) -> (Conduct, Step) {
        let id = self.id;
        let (reason, done) = match answer {
            Answer::Published(Ok(PublishOutcome::Refused)) => {
                self.refused.push(node);
                (None, None)
            }
            Answer::Published(Ok(PublishOutcome::Failed(reason))) => (Some(reason), None),
            Answer::Published(Ok(outcome)) => {
                return (Conduct::Good, Step::Done(Some(self.published(Some(node), outcome))));
            }
            Answer::Published(Err(error)) => (Some(error.reason()), None),
            Answer::Queried(_, Ok(_)) => return (Conduct::Good, Step::Done(None)),
            Answer::Queried(sent, Err(error)) => {
                let reason = error.reason();
                // Pages were handed over. Another node would start again, which the engine must decide.
                (Some(reason), (sent > 0).then_some(Event::QueryFailed { id, reason }))
            }
            Answer::Checked(Ok(present)) => {
                return (Conduct::Good, Step::Done(Some(Event::Checked { id, node, present })));
            }
            Answer::Checked(Err(error)) => (Some(error.reason()), None),
            Answer::Uploaded(Ok(())) => return (Conduct::Good, Step::Done(self.uploaded(node, None))),
            // Only a lie counts against a node that took chunks; any other end may be due to a slow way to it. And a
            // node that takes no more chunks may take messages.
            Answer::Uploaded(Err(reason)) if self.has_begun() || reason == FailReason::Busy => {
                let conduct = if reason == FailReason::Lied { Conduct::Lied } else { Conduct::Good };
                return (conduct, Step::Done(self.uploaded(node, Some(reason))));
            }
            Answer::Uploaded(Err(FailReason::Refused)) => {
                self.refused.push(node);
                (None, None)
            }
            Answer::Uploaded(Err(reason)) => (Some(reason), None),
        };
        let conduct = reason.map_or(Conduct::Refused, conduct);
        self.reason = reason.or(self.reason);
        self.asking = None;
        if conduct != Conduct::Busy {
            self.tried.push(node);
        }
        let failed = self.tried.len() - self.refused.len();
        let enough = failed >= ATTEMPTS || self.refused.len() >= REFUSALS;
        let step = match done {
            Some(event) => Step::Done(Some(event)),
            None if enough => Step::Done(Some(self.failed())),
            None => Step::Again,
        };
        (conduct, step)
    }

    /// The event that ends the job without success, with the last known reason. A message counts as refused if every
    /// reachable node refused it.
    pub(crate) fn failed(&self) -> Event {
        match (self.reason, self.refused.last()) {
            (None, Some(_)) if self.lane == Lane::Upload => self.failed_for(FailReason::Refused),
            (None, Some(node)) => self.published(Some(*node), PublishOutcome::Refused),
            (reason, _) => self.failed_for(reason.unwrap_or(FailReason::NoNode)),
        }
    }

    pub(crate) fn failed_for(&self, reason: FailReason) -> Event {
        let id = self.id;
        match &self.task {
            Task::Publish { .. } => self.published(self.tried.last().copied(), PublishOutcome::Failed(reason)),
            Task::Query(_) => Event::QueryFailed { id, reason },
            Task::Check(_) => Event::CheckFailed { id, reason },
            Task::Upload(batch) => {
                let node = self.asking.map(|(_, node)| node).or(self.tried.last().copied());
                Event::Uploaded { id, node, taken: batch.taken(), failed: Some(reason) }
            }
        }
    }

    /// Whether a node gave a part of the answer, which another node would give again.
    pub(crate) fn has_begun(&self) -> bool {
        match &self.task {
            Task::Query(_) => self.asking.is_some(),
            Task::Upload(batch) => batch.has_begun(),
            Task::Publish { .. } | Task::Check(_) => false,
        }
    }

    /// The topic of the file that it carries.
    pub(crate) fn file(&self) -> Option<&str> {
        match &self.task {
            Task::Upload(batch) => Some(&batch.topic),
            Task::Query(query) if self.lane == Lane::Download => query.topics.first().map(String::as_str),
            _ => None,
        }
    }

    fn uploaded(&self, node: NodeNumber, failed: Option<FailReason>) -> Option<Event> {
        let Task::Upload(batch) = &self.task else {
            return None;
        };
        Some(Event::Uploaded { id: self.id, node: Some(node), taken: batch.taken(), failed })
    }

    fn published(&self, node: Option<NodeNumber>, outcome: PublishOutcome) -> Event {
        Event::Published(Published::new(self.id, self.hash, self.timestamp_ns, node, outcome))
    }
}

fn conduct(reason: FailReason) -> Conduct {
    match reason {
        FailReason::Busy => Conduct::Busy,
        FailReason::Lied => Conduct::Lied,
        FailReason::Timeout => Conduct::Silent,
        FailReason::Unsupported | FailReason::NoRelayPeers => Conduct::Useless,
        FailReason::Refused => Conduct::Refused,
        FailReason::Closing | FailReason::NoNode | FailReason::NoOther => Conduct::Good,
    }
}

/// The shard of all these topics.
fn one_shard(topics: &[String], config: &NetConfig) -> Option<Shard> {
    let mut shards = topics.iter().map(|topic| config.shard(topic));
    let first = shards.next()??;
    shards.all(|shard| shard == Some(first)).then_some(first)
}
