//! Commands with an answer, as jobs: each waits for a node, asks it, tries others after a failure, and is given up.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use libp2p::PeerId;
use tokio::time::Instant;

use super::choose::{Choice, Wish};
use super::job::{Answer, Conduct, Job, Step, Task};
use super::links::Ready;
use super::nodes::{Kind, Node, Nodes, Service};
use super::store::{Query, StoreError};
use crate::config::NetConfig;
use crate::handle::{Command, Event, FailReason, NodeNumber};
use crate::trust::{Evidence, Trust};
use crate::turns::Turns;

/// Most jobs; further commands wait in their channel.
const MOST: usize = 512;
/// Most jobs that ask a node at a time.
const MAX_ASKING: usize = 32;
/// Most connections of their own at a time.
const MAX_ALONE: usize = 2;

#[derive(Debug)]
pub(super) enum Todo {
    Ask(u64, Ask),
    Tell(Event),
}

#[derive(Debug)]
pub(super) enum Ask {
    Ready(Ready, Task),
    /// Ask a node over a connection of its own.
    Alone(Node, Arc<Query>),
}

#[derive(Debug)]
pub(super) struct Jobs {
    config: Arc<NetConfig>,
    list: BTreeMap<u64, Job>,
    next: u64,
    /// Round-robin of store queries in the receive circle.
    stores: Turns,
    trust: Trust,
    /// The seed of the draws for spread messages.
    lots: RandomState,
    /// How many more jobs may ask a node now.
    free: usize,
    deadline: Option<Instant>,
}

impl Jobs {
    pub(super) fn new(config: Arc<NetConfig>, trust: Trust) -> Self {
        Self {
            config,
            list: BTreeMap::new(),
            next: 0,
            stores: Turns::default(),
            trust,
            lots: RandomState::new(),
            free: MAX_ASKING,
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

    /// Nodes that are being asked, with their circles.
    pub(super) fn asking(&self) -> impl Iterator<Item = (Kind, PeerId)> {
        self.list.values().filter_map(|job| Some((job.kind, job.asking?.0)))
    }

    /// Jobs that ask no node, in the order of their commands.
    pub(super) fn waiting(&mut self) -> Vec<u64> {
        self.deadline = None;
        self.free = MAX_ASKING.saturating_sub(self.asking().count());
        self.list.iter().filter(|(_, job)| job.asking.is_none()).map(|(number, _)| *number).collect()
    }

    /// The node that a job would ask; `None` if enough jobs are asking.
    pub(super) fn wish(&self, number: u64, nodes: &Nodes, now: Instant) -> Option<Wish> {
        let job = self.list.get(&number).filter(|_| self.free > 0)?;
        let (kind, service) = (job.kind, job.service);
        Some(Wish {
            kind,
            service,
            tried: job.tried.clone(),
            prefer: match job.spread {
                Some(key) => self.drawn(key, nodes, now).into_iter().collect(),
                None => self.preferred(kind, service),
            },
            avoid: if job.of_others { self.stores.last().to_vec() } else { job.not.clone() },
            repeat: job.may_repeat(&self.config),
            asked: true,
        })
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
        let alone = self.list.get(&number)?.kind == Kind::Alone;
        let crowded = alone && self.asking().filter(|(kind, _)| *kind == Kind::Alone).count() >= MAX_ALONE;
        let job = self.list.get_mut(&number)?;
        let until = *job.until.get_or_insert(now + self.config.timing.reach);
        let choice = match choice {
            _ if crowded => {
                job.until = None; // not started yet
                Choice::Wait(None)
            }
            Choice::Nobody if searching => Choice::Wait(None),
            choice => choice,
        };
        match (choice, &job.task) {
            (Choice::Ask(ready), task) => {
                self.free = self.free.saturating_sub(1);
                job.asking = Some((ready.peer, ready.node));
                if matches!(task, Task::Query(_)) {
                    self.stores.asked(ready.node);
                }
                Some(Todo::Ask(job.id, Ask::Ready(ready, task.clone())))
            }
            (Choice::Alone(node), Task::Query(query)) => {
                self.free = self.free.saturating_sub(1);
                job.asking = Some((node.peer, node.number));
                nodes.change(node.number, Node::meet); // such a query reports no progress
                Some(Todo::Ask(job.id, Ask::Alone(node, Arc::clone(query))))
            }
            (Choice::Wait(at), _) if until > now => {
                let at = at.unwrap_or(until).min(until);
                self.deadline = Some(self.deadline.map_or(at, |deadline| deadline.min(at)));
                None
            }
            _ => {
                let job = self.list.remove(&number)?;
                let fits = |node: &Node| node.may_offer(job.service) && !job.not.contains(&node.number);
                // Whether any node may answer except those that must not be asked.
                let other = job.may_repeat(&self.config) || nodes.of(job.kind).any(fits);
                Some(Todo::Tell(if other { job.failed() } else { job.failed_for(FailReason::NoOther) }))
            }
        }
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
        let (kind, service) = (job.kind, job.service);
        let (conduct, mut step) = job.answered(node, answer);
        match conduct {
            Conduct::Good => {
                match job.task {
                    Task::Query(_) => nodes.of_use(node),
                    // Whether its yes counts shows when messages arrive.
                    Task::Publish { .. } | Task::Check(_) => nodes.answered(node),
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

    /// All connections are gone: jobs start again, except running queries, which have failed.
    pub(super) fn restart(&mut self) -> Vec<Event> {
        let under_way = self.list.extract_if(.., |_, job| {
            job.until = None;
            job.asking.take().is_some() && matches!(job.task, Task::Query(_))
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
