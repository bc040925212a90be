//! Who is asked: at random among the healthy, those that lied last, and jobs on their way to them.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use super::actor::{Actor, Done};
use super::circle::Ready;
use super::jobs::{self, Answer, Conduct, Job, Step, Task};
use super::nodes::{Kind, Node, Nodes, Service};
use super::store::StoreError;
use crate::handle::{Circle as Asking, Command, FailReason, NodeNumber};
use crate::random;
use crate::turns::tiers;

/// Jobs that are being asked.
const MAX_ASKING: usize = 32;
/// Connections of their own at a time.
const MAX_ALONE: usize = 2;
/// When a connection that is still being set up is no longer waited for alone.
const HEDGE: Duration = Duration::from_secs(3);

/// A node to ask, or none now.
pub(super) enum Choice {
    Ask(Ready),
    /// Something is under way, or may be tried at a later time.
    Wait(Option<Instant>),
    Nobody,
}

/// Which node is wanted.
struct Wish<'a> {
    tried: &'a [NodeNumber],
    prefer: &'a [NodeNumber],
    avoid: &'a [NodeNumber],
    /// Those to avoid may be used when there is no other.
    repeat: bool,
    /// The app waits for it.
    asked: bool,
}

/// One of the ready nodes, at random among those that behaved best.
fn best(ready: &[Ready], nodes: &[Node], now: Instant) -> Option<Ready> {
    let shunned = |ready: &Ready| {
        let node = nodes.iter().find(|node| node.number == ready.node);
        node.and_then(|node| node.rank(now).0)
    };
    let least = ready.iter().map(shunned).min()?;
    let best: Vec<Ready> = ready.iter().filter(|r| shunned(r) == least).copied().collect();
    random::choose(&best)
}

impl Actor {
    /// A ready node, else a connection to one is started.
    fn choose(&mut self, kind: Kind, service: Service, wish: &Wish<'_>, now: Instant) -> Choice {
        let mut later = None;
        let asked = wish.asked;
        let avoid: Vec<NodeNumber> = wish
            .avoid
            .iter()
            .copied()
            .filter(|number| self.nodes.of(kind).any(|node| node.number == *number))
            .collect();
        for tier in tiers(wish.prefer, &avoid, wish.repeat) {
            let fits = |node: &Node| {
                !wish.tried.contains(&node.number)
                    && tier.has(node.number, node.last_resort(service, now))
                    && node.may_offer(service)
            };
            let busy = self.nodes.of(kind).filter(|node| fits(node));
            let free_at = busy.filter_map(|node| node.busy(now)).min();
            let fits = |node: &Node| fits(node) && node.busy(now).is_none();
            let allowed: Vec<Node> = self.nodes.of(kind).filter(|n| fits(n)).cloned().collect();
            let number = |node: NodeNumber| allowed.iter().any(|one| one.number == node);
            let circle = self.circle(kind);
            let ready: Vec<Ready> = circle.ready(service).filter(|r| number(r.node)).collect();
            if let Some(ready) = best(&ready, &allowed, now) {
                return Choice::Ask(ready);
            }
            let coming = circle.coming().filter(|(node, _)| number(*node));
            if let Some(since) = coming.map(|(_, since)| since).max()
                && since + HEDGE > now
            {
                return Choice::Wait(Some(since + HEDGE));
            }
            if let Some(wait) = self.dial_one(kind, &allowed, asked, now) {
                return wait;
            }
            let unlinked = allowed.iter().filter(|n| !self.circle_ref(kind).has(&n.peer));
            later = Nodes::next_dial(unlinked, asked, now).into_iter().chain(free_at).min();
            if self.circle_ref(kind).coming().any(|(node, _)| number(node)) {
                return Choice::Wait(later);
            }
        }
        later.map_or(Choice::Nobody, |at| Choice::Wait(Some(at)))
    }

    fn dial_one(&mut self, kind: Kind, allowed: &[Node], asked: bool, now: Instant) -> Option<Choice> {
        let keep = self.in_use(kind);
        let circle = self.circle(kind);
        let mut dialable: Vec<&Node> =
            allowed.iter().filter(|node| !circle.has(&node.peer) && node.may_dial(asked, now)).collect();
        by_turns(&mut dialable, now);
        dialable.into_iter().any(|node| circle.dial(node, &keep, now)).then_some(Choice::Wait(Some(now + HEDGE)))
    }

    /// A ready node for a lasting purpose; wakes when there may be one.
    pub(super) fn find(
        &mut self,
        kind: Kind,
        service: Service,
        tried: &[NodeNumber],
        asked: bool,
        now: Instant,
    ) -> Option<Ready> {
        let prefer = self.preferred_for(kind, service);
        let wish = Wish { tried, prefer: &prefer, avoid: &[], repeat: false, asked };
        match self.choose(kind, service, &wish, now) {
            Choice::Ask(ready) => Some(ready),
            Choice::Wait(at) => {
                if let Some(at) = at {
                    self.wake_at(at);
                }
                None
            }
            Choice::Nobody => None,
        }
    }

    /// Nodes to use first.
    fn preferred_for(&self, kind: Kind, service: Service) -> Vec<NodeNumber> {
        match (kind, service) {
            (Kind::Publish, Service::LightPush) => self.preferred.0.clone(),
            (Kind::Receive, _) => self.preferred.1.clone(),
            _ => Vec::new(),
        }
    }

    /// The node to publish through for this value in this run: at random, the same each time while the same are healthy.
    fn drawn(&self, key: u64, now: Instant) -> Option<NodeNumber> {
        let service = Service::LightPush;
        let fits = |node: &&Node| {
            node.may_offer(service) && node.healthy() && node.rank(now).0.is_none() && !node.last_resort(service, now)
        };
        let nodes = self.nodes.of(Kind::Publish).filter(fits);
        draw(&self.lots, key, nodes.map(|node| node.number))
    }

    pub(super) fn add_job(&mut self, command: Command) {
        match Job::new(command, &self.config) {
            Ok(Some(job)) => {
                self.jobs.insert(self.next_job, job);
                self.next_job += 1;
            }
            Ok(None) => {}
            Err(event) => self.out.push_back(event),
        }
    }

    /// Starts the jobs that find a node, ends those that find none in time.
    pub(super) fn start_jobs(&mut self, now: Instant) {
        let asking = self.jobs.values().filter(|job| job.asking.is_some());
        let mut free = MAX_ASKING.saturating_sub(asking.count());
        let waiting = self.jobs.iter().filter(|(_, job)| job.asking.is_none());
        let waiting: Vec<u64> = waiting.map(|(number, _)| *number).collect();
        for number in waiting {
            if free == 0 {
                return;
            }
            let Some(mut job) = self.jobs.remove(&number) else {
                continue;
            };
            let until = *job.until.get_or_insert(now + self.config.timing.reach);
            let choice = match self.start_job(number, &mut job, now) {
                Choice::Nobody if self.discovery.searching() => Choice::Wait(None),
                choice => choice,
            };
            match choice {
                Choice::Ask(_) => free -= 1,
                Choice::Wait(at) if until > now => self.wake_at(at.unwrap_or(until).min(until)),
                Choice::Wait(_) | Choice::Nobody => {
                    let event = match self.has_other(&job) {
                        true => job.failed(),
                        false => job.failed_for(FailReason::NoOther),
                    };
                    self.out.push_back(event);
                    continue;
                }
            }
            self.jobs.insert(number, job);
        }
    }

    /// Whether anybody may answer but nodes that are not to be asked.
    fn has_other(&self, job: &Job) -> bool {
        let fits = |node: &Node| node.may_offer(job.service()) && !job.not.contains(&node.number);
        job.may_repeat(&self.config) || self.nodes.of(job.kind()).any(fits)
    }

    fn start_job(&mut self, number: u64, job: &mut Job, now: Instant) -> Choice {
        if job.kind() == Kind::Alone {
            return self.start_alone(number, job, now);
        }
        let avoid = match job.task {
            Task::Query { circle: Asking::Other, .. } => self.stores.last().to_vec(),
            _ => job.not.clone(),
        };
        let prefer = match job.spread {
            Some(key) => self.drawn(key, now).into_iter().collect(),
            None => self.preferred_for(job.kind(), job.service()),
        };
        let wish = Wish {
            tried: &job.tried,
            prefer: &prefer,
            avoid: &avoid,
            repeat: job.may_repeat(&self.config),
            asked: true,
        };
        let choice = self.choose(job.kind(), job.service(), &wish, now);
        if let Choice::Ask(ready) = choice {
            job.asking = Some((ready.peer, ready.node));
            if matches!(job.task, Task::Query { .. }) {
                self.stores.asked(ready.node);
            }
            let circle = self.circle(job.kind());
            circle.touch(&ready.peer, now);
            let opener = circle.opener();
            let (task, id) = (job.task.clone(), job.id);
            let (config, pages) = (Arc::clone(&self.config), self.pages.0.clone());
            self.work.push(Box::pin(async move {
                let answer = jobs::ask(opener, ready, task, id, config, pages).await;
                Done::Job(number, Some(ready.peer), ready.node, answer)
            }));
        }
        choice
    }

    fn start_alone(&mut self, number: u64, job: &mut Job, now: Instant) -> Choice {
        let Task::Query { query, .. } = &job.task else {
            return Choice::Nobody;
        };
        let alone = |other: &&Job| other.kind() == Kind::Alone && other.asking.is_some();
        if self.jobs.values().filter(alone).count() >= MAX_ALONE {
            job.until = None; // not yet begun
            return Choice::Wait(None);
        }
        let open = |node: &&Node| {
            !job.tried.contains(&node.number)
                && node.may_offer(Service::Store)
                && node.may_dial(true, now)
                && node.busy(now).is_none()
        };
        let candidates: Vec<Node> = self.nodes.of(Kind::Alone).filter(open).cloned().collect();
        // Rather one that has no connection of ours, rather one that never lied.
        let rank = |node: &Node| {
            let linked = self.publish.has(&node.peer) || self.receive.has(&node.peer);
            (node.shunned(now), !node.healthy(), linked)
        };
        let Some(best) = candidates.iter().map(rank).min() else {
            return Choice::Nobody;
        };
        let mut best: Vec<&Node> = candidates.iter().filter(|n| rank(n) == best).collect();
        random::shuffle(&mut best);
        let Some(node) = best.first().map(|node| Node::clone(node)) else {
            return Choice::Nobody;
        };
        job.asking = Some((node.peer, node.number));
        self.nodes.asked_alone(node.number);
        let ready = Ready { peer: node.peer, node: node.number, offers: node.offers.unwrap_or_default() };
        let (query, id) = (Arc::clone(query), job.id);
        let (config, pages) = (Arc::clone(&self.config), self.pages.0.clone());
        self.work.push(Box::pin(async move {
            let number_of_node = node.number;
            let answer = jobs::ask_alone(node, query, id, config, pages).await;
            Done::Job(number, None, number_of_node, answer)
        }));
        Choice::Ask(ready)
    }

    /// Takes in a job's answer. `peer` is none for a connection of its own, which is gone by now.
    pub(super) fn job_answered(
        &mut self,
        number: u64,
        peer: Option<PeerId>,
        node: NodeNumber,
        answer: Answer,
        now: Instant,
    ) {
        let Some(mut job) = self.jobs.remove(&number) else {
            return;
        };
        let kind = job.kind();
        if matches!(answer, Answer::Queried(_, Err(StoreError::NotOffered))) {
            self.nodes.has_no_store(node);
        }
        let (conduct, step) = job.answered(node, answer);
        match conduct {
            Conduct::Good => {
                match job.task {
                    Task::Query { .. } => self.nodes.of_use(node),
                    // What its yes is worth shows when messages come through.
                    Task::Publish { .. } | Task::Check { .. } => self.nodes.answered(node),
                }
                // It takes what they refuse.
                for other in &job.refused {
                    self.nodes.doubt(*other, job.service(), now);
                }
            }
            Conduct::Refused => {}
            Conduct::Busy => self.nodes.too_busy(node, now),
            Conduct::Useless => self.nodes.doubt(node, job.service(), now),
            Conduct::Silent => self.silent(kind, peer, node, now),
            Conduct::Lied => {
                log::warn!("a node broke the protocol");
                self.nodes.lied(node, now);
                if let Some(peer) = peer {
                    self.drop_link(kind, &peer, node, now);
                }
            }
        }
        if let Some(peer) = peer {
            self.circle(kind).touch(&peer, now);
        }
        match step {
            Step::Done(event) => {
                // Pages already read come before what ends the query.
                while let Ok(page) = self.pages.1.try_recv() {
                    self.page(page);
                }
                self.out.extend(event);
            }
            Step::Again => drop(self.jobs.insert(number, job)),
        }
    }

    /// No answer: the connection goes, unless the filter uses it, which has its own way to find out.
    fn silent(&mut self, kind: Kind, peer: Option<PeerId>, node: NodeNumber, now: Instant) {
        match peer {
            Some(peer) if kind == Kind::Receive && self.filter.has(&peer) => {
                self.filter.doubt(&peer, now);
            }
            Some(peer) => self.drop_link(kind, &peer, node, now),
            None => self.nodes.failed(node, self.online(), now),
        }
    }
}

/// One of the nodes, by lot for each value: who joins or leaves changes nothing for those that were drawn by others.
fn draw(lots: &RandomState, key: u64, nodes: impl Iterator<Item = NodeNumber>) -> Option<NodeNumber> {
    nodes.max_by_key(|node| lots.hash_one((key, node)))
}

/// Those that behaved first, and healthy ones; of them a source at random, then a node of it, so that many names out of
/// one source outweigh nobody. Nodes that proved themselves count as a source.
fn by_turns(nodes: &mut [&Node], now: Instant) {
    let mut order = [0, 1, 2, 3, 4];
    random::shuffle(&mut order);
    random::shuffle(nodes);
    nodes.sort_by_key(|node| {
        let group = match node.tried_and_good() {
            true => 0,
            false => 1 + node.source as usize,
        };
        let (shunned, failures) = node.rank(now);
        (shunned, !node.healthy(), failures, order.get(group).copied())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_goes_through_one_node_and_each_through_its_own() {
        let lots = RandomState::new();
        let mut used = [0_u32; 4];
        for key in 0..400 {
            let node = draw(&lots, key, 0..4).unwrap();
            assert_eq!(draw(&lots, key, 0..4), Some(node));
            // Another node leaves: nothing changes.
            let others = (0..4).filter(|one| *one == node || one % 2 == node % 2);
            assert_eq!(draw(&lots, key, others), Some(node));
            if let Some(count) = usize::try_from(node).ok().and_then(|node| used.get_mut(node)) {
                *count += 1;
            }
        }
        assert!(used.iter().all(|count| *count > 50), "{used:?}");
        assert_eq!(draw(&lots, 1, 0..0), None);
    }
}
