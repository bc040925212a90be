//! Commands with an answer, as jobs: each waits for a node, asks it, tries others after a failure, and is given up.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::choose::{Choice, Wish};
use super::files::FileNodes;
use super::job::{Answer, Conduct, Job, Lane, Step, Task};
use super::links::Ready;
use super::nodes::{Kind, Node, Nodes, Service};
use super::store::{End, StoreError};
use crate::config::NetConfig;
use crate::handle::{Command, Event, FailReason, NodeNumber};
use crate::trust::{Evidence, Trust};
use crate::turns::Turns;

/// Most jobs; further commands wait in their channel.
const MOST: usize = 512;

#[derive(Debug)]
pub(super) enum Todo {
    /// Ask a node. The work ends when the receiver does.
    Ask(u64, Ask, oneshot::Receiver<()>),
    Tell(Event),
}

#[derive(Debug)]
pub(super) enum Ask {
    Ready(Ready, Task),
    /// Ask a node over a connection of its own.
    Alone(Box<Node>, Task),
}

#[derive(Debug)]
pub(super) struct Jobs {
    config: Arc<NetConfig>,
    list: BTreeMap<u64, Job>,
    next: u64,
    /// Round-robin of store queries in the receive circle.
    stores: Turns,
    files: FileNodes,
    trust: Trust,
    /// The seed of the draws for spread messages.
    lots: RandomState,
    /// How many jobs ask a node, by lane.
    busy: BTreeMap<Lane, usize>,
    deadline: Option<Instant>,
}

impl Jobs {
    pub(super) fn new(config: Arc<NetConfig>, trust: Trust) -> Self {
        Self {
            config,
            list: BTreeMap::new(),
            next: 0,
            stores: Turns::default(),
            files: FileNodes::default(),
            trust,
            lots: RandomState::new(),
            busy: BTreeMap::new(),
            deadline: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.list.len() < MOST
    }

    /// Takes a command; returns the event that refuses it, if it is refused.
    pub(super) fn add(&mut self, command: Command) -> Option<Event> {
        let job = match Job::new(command, &self.config, &self.trust) {
            Ok(job) => job?,
            Err(event) => return Some(event),
        };
        self.list.insert(self.next, job);
        self.next += 1;
        None
    }

    pub(super) fn learn(&mut self, evidence: Vec<Evidence>, nodes: &mut Nodes) {
        for (node, of_use) in self.trust.learn(evidence) {
            nodes.judge(node, of_use);
        }
    }

    pub(super) fn preferred(&self, kind: Kind, service: Service) -> Vec<NodeNumber> {
        match (kind, service) {
            (Kind::Publish, Service::LightPush) => self.trust.preferred(),
            (Kind::Receive, _) => self.trust.bringers().to_vec(),
            _ => Vec::new(),
        }
    }

    /// Nodes that are being asked over a circle's connections, with their circles.
    pub(super) fn asking(&self) -> impl Iterator<Item = (Kind, PeerId)> {
        let circle = self.list.values().filter(|job| job.lane == Lane::Circle);
        circle.filter_map(|job| Some((job.kind, job.asking?.0)))
    }

    /// Jobs that ask no node, in the order of their commands.
    pub(super) fn waiting(&mut self) -> Vec<u64> {
        self.deadline = None;
        self.busy.clear();
        for job in self.list.values().filter(|job| job.asking.is_some()) {
            *self.busy.entry(job.lane).or_default() += 1;
        }
        self.list.iter().filter(|(_, job)| job.asking.is_none()).map(|(number, _)| *number).collect()
    }

    /// The node that a job would ask; `None` if enough jobs of its lane are asking.
    pub(super) fn wish(&self, number: u64, nodes: &Nodes, now: Instant) -> Option<Wish> {
        let job = self.list.get(&number)?;
        let (kind, service) = (job.kind, job.service);
        let (prefer, avoid) = match (job.file(), job.spread) {
            _ if self.busy.get(&job.lane).is_some_and(|busy| *busy >= job.lane.most()) => return None,
            (Some(file), _) => self.files.plan(file, self.preferred(kind, service), &job.not),
            (_, Some(key)) => (self.drawn(key, nodes, now).into_iter().collect(), job.not.clone()),
            _ if job.of_others => (self.preferred(kind, service), self.stores.last().to_vec()),
            _ => (self.preferred(kind, service), job.not.clone()),
        };
        let (tried, repeat) = (job.tried.clone(), job.may_repeat(&self.config));
        let own_link = job.lane != Lane::Circle;
        Some(Wish { kind, service, own_link, tried, prefer, avoid, repeat, asked: true })
    }

    /// The node to publish through for this value in this run: random, but the same while the same nodes are healthy.
    fn drawn(&self, key: u64, nodes: &Nodes, now: Instant) -> Option<NodeNumber> {
        let service = Service::LightPush;
        let fits = |node: &&Node| node.may_offer(service) && node.healthy() && !node.last_resort(service, now);
        draw(&self.lots, key, nodes.of(Kind::Publish).filter(fits).map(|node| node.number))
    }

    /// Takes the choice for a job: it asks, waits, or is given up. `searching`: a node may be found soon.
    pub(super) fn chosen(
        &mut self,
        number: u64,
        choice: Choice,
        nodes: &mut Nodes,
        searching: bool,
        now: Instant,
    ) -> Option<Todo> {
        let job = self.list.get_mut(&number)?;
        let until = *job.until.get_or_insert(now + self.config.timing.reach);
        let choice = match choice {
            Choice::Nobody if searching => Choice::Wait(None),
            choice => choice,
        };
        let ask = match choice {
            Choice::Ask(ready) => {
                job.asking = Some((ready.peer, ready.node));
                if matches!(job.task, Task::Query(_)) {
                    self.stores.asked(ready.node);
                }
                Ask::Ready(ready, job.task.clone())
            }
            Choice::Alone(node) => {
                job.asking = Some((node.peer, node.number));
                nodes.change(node.number, Node::meet); // such a connection reports no progress
                if let Some(file) = job.file() {
                    self.files.asked(file, node.number);
                }
                Ask::Alone(Box::new(node), job.task.clone())
            }
            Choice::Wait(at) if until > now => {
                let at = at.unwrap_or(until).min(until);
                self.deadline = Some(self.deadline.map_or(at, |deadline| deadline.min(at)));
                return None;
            }
            _ => {
                let job = self.list.remove(&number)?;
                let fits = |node: &Node| node.may_offer(job.service) && !job.not.contains(&node.number);
                // Whether any node may answer except those that must not be asked.
                let other = job.may_repeat(&self.config) || nodes.of(job.kind).any(fits);
                return Some(Todo::Tell(if other { job.failed() } else { job.failed_for(FailReason::NoOther) }));
            }
        };
        *self.busy.entry(job.lane).or_default() += 1;
        let (work, ended) = oneshot::channel();
        job.work = Some(work);
        Some(Todo::Ask(job.id, ask, ended))
    }

    /// Ends an upload or a query without an event. Its work ends with it.
    pub(super) fn stop(&mut self, id: u64) {
        self.list.retain(|_, job| job.id != id || !matches!(job.task, Task::Upload(_) | Task::Query(_)));
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes an answer and judges the node, except for silence.
    pub(super) fn answered(
        &mut self,
        number: u64,
        node: NodeNumber,
        answer: Answer,
        nodes: &mut Nodes,
        (now, now_ms): (Instant, i64),
    ) -> Option<(Kind, Conduct, Step)> {
        let mut job = self.list.remove(&number)?;
        if matches!(answer, Answer::Queried(_, Err(StoreError::NotOffered))) {
            nodes.has_no_store(node);
        }
        let goes_on = match (&job.task, &answer) {
            (Task::Upload(batch), _) => batch.has_begun(),
            (_, answer) => matches!(answer, Answer::Queried(_, Ok(End::Full))),
        };
        if let Some(file) = job.file().filter(|_| !goes_on) {
            self.files.leave(file);
        }
        let (kind, service) = (job.kind, job.service);
        let (conduct, mut step) = job.answered(node, answer);
        match conduct {
            Conduct::Good => {
                match job.task {
                    Task::Query(_) => nodes.of_use(node),
                    // Whether its yes counts shows when messages arrive.
                    Task::Publish { .. } | Task::Upload(_) | Task::Check(_) => nodes.answered(node),
                }
                // This node accepts a message that others refused.
                for other in &job.refused {
                    nodes.doubt(*other, service, now);
                }
            }
            Conduct::Busy => nodes.too_busy(node, now),
            Conduct::Useless => nodes.doubt(node, service, now),
            Conduct::Lied => {
                log::warn!("a node broke the protocol");
                nodes.lied(node, now);
            }
            Conduct::Refused | Conduct::Silent => {}
        }
        match &mut step {
            Step::Again => drop(self.list.insert(number, job)),
            Step::Done(Some(Event::Published(published))) => self.trust.published(published, &job.purpose, now_ms),
            Step::Done(_) => {}
        }
        Some((kind, conduct, step))
    }

    /// All connections are gone: jobs start again, except those that have begun, which have failed.
    pub(super) fn restart(&mut self) -> Vec<Event> {
        let under_way = self.list.extract_if(.., |_, job| {
            let ends = job.has_begun();
            if !ends {
                (job.until, job.asking) = (None, None);
            }
            ends
        });
        under_way.map(|(_, job)| job.failed_for(FailReason::Timeout)).collect()
    }

    pub(super) fn close(&self) -> impl Iterator<Item = Event> {
        self.list.values().map(|job| job.failed_for(FailReason::Closing))
    }
}

/// One of the nodes, drawn for each value. A node that joins or leaves changes only the values drawn for it.
fn draw(lots: &RandomState, key: u64, nodes: impl Iterator<Item = NodeNumber>) -> Option<NodeNumber> {
    nodes.max_by_key(|node| lots.hash_one((key, node)))
}

#[cfg(test)]
mod tests;
