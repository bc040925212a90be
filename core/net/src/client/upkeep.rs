//! What the actor does by itself: keeps the filter subscribed, closes what is unused, says what changed.

use libp2p::PeerId;
use tokio::time::Instant;

use super::actor::{Actor, Done};
use super::circle::{Circle, Ready};
use super::filter::Todo;
use super::nodes::{Kind, Node, Service};
use super::pushes;
use crate::handle::{Connectivity, Event};

impl Actor {
    /// Starts whatever is due and says what changed.
    pub(super) fn settle(&mut self, now: Instant) {
        self.wake = None;
        for kind in [Kind::Publish, Kind::Receive] {
            for (peer, node) in self.circle(kind).expire(now) {
                self.nodes.failed(node, self.online(), now);
                self.filter.lost(&peer);
            }
        }
        let nodes = &self.nodes;
        for peer in self.filter.judge(now, |node| nodes.is_shunned(node, now)) {
            if let Some(node) = self.filter.node(&peer) {
                log::warn!("a filter node leaves messages out");
                self.nodes.doubt(node, Service::Filter, now);
                self.drop_link(Kind::Receive, &peer, node, now);
            }
        }
        self.discover(now);
        self.start_jobs(now);
        self.keep_relay(now);
        self.keep_filter(now);
        self.keep_publishing(now);
        self.close_unused(now);
        self.tell(now);
        let deadlines = [self.publish.deadline(), self.receive.deadline(), self.filter.deadline()];
        for deadline in deadlines.into_iter().flatten() {
            self.wake_at(deadline);
        }
    }

    pub(super) fn wake_at(&mut self, at: Instant) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Connections of a circle that must not be closed to make room.
    pub(super) fn in_use(&self, kind: Kind) -> Vec<PeerId> {
        let jobs = self.jobs.values().filter(|job| job.kind() == kind);
        let asked = jobs.filter_map(|job| job.asking).map(|(peer, _)| peer);
        let filter = self.filter.peers().filter(|_| kind == Kind::Receive);
        filter.chain(asked).collect()
    }

    fn close_unused(&mut self, now: Instant) {
        if self.foreground {
            return;
        }
        let unused = self.config.timing.unused;
        for kind in [Kind::Publish, Kind::Receive] {
            let keep = self.in_use(kind);
            let circle = self.circle(kind);
            if let Some(since) = now.checked_sub(unused) {
                circle.close_unused(since, &keep);
            }
            if let Some(used) = circle.oldest_use(&keep) {
                self.wake_at(used + unused);
            }
        }
    }

    /// Has as many filter nodes as wanted, subscribed to all that is wanted.
    fn keep_filter(&mut self, now: Instant) {
        // Who is being asked something else goes afterwards.
        let asked = self.jobs.values().filter_map(|job| job.asking);
        let asked: Vec<PeerId> = asked.map(|(peer, _)| peer).collect();
        while let Some(peer) = self.filter.surplus(&asked) {
            self.receive.close(&peer);
        }
        while self.filter.peers().count() < self.filter.target() {
            let taken = self.filter.nodes();
            // One that is to be relied on is better than two of which one is not.
            let fits = |node: &Node| !node.last_resort(Service::Filter, now) && !taken.contains(&node.number);
            if !taken.is_empty() && !self.nodes.of(Kind::Receive).any(fits) {
                break;
            }
            let found = self.find(Kind::Receive, Service::Filter, &taken, false, now);
            let Some(Ready { peer, node, offers }) = found else {
                break;
            };
            self.filter.join(peer, node, offers.ping, now);
        }
        while let Some((peer, todo)) = self.filter.next(now) {
            let opener = self.receive.opener();
            let timing = self.config.timing;
            self.work.push(match todo {
                Todo::Ask(ask) => {
                    let limit = self.filter.limit(&ask);
                    Box::pin(async move {
                        let answer = pushes::ask(opener, peer, &ask, limit).await;
                        Done::Filter(peer, ask, answer)
                    })
                }
                Todo::Alive(stream) => Box::pin(async move {
                    let answer = pushes::alive(opener, peer, stream, timing.alive_within).await;
                    Done::Alive(peer, answer)
                }),
            });
        }
    }

    /// With a conversation on screen, a node to publish to is at hand.
    fn keep_publishing(&mut self, now: Instant) {
        if self.foreground {
            let _ = self.find(Kind::Publish, Service::LightPush, &[], false, now);
        }
    }

    /// Has what is to be remembered stored. Called when there is something to say anyway, so that it costs no wake-up.
    pub(super) fn tell_book(&mut self) {
        let (changed, gone) = self.nodes.take_changes();
        if !changed.is_empty() || !gone.is_empty() {
            self.out.push_back(Event::Book { changed, gone });
        }
    }

    /// No connected node has a store, but one is known that may: the next query connects to it. Whether it answers is
    /// not tried without a reason; who asks in vain waits longer and longer.
    fn store_in_reach(&self) -> bool {
        let relayed = self.relay.as_ref().is_some_and(|relay| relay.mesh > 0);
        (relayed || self.online()) && self.nodes.may_have_store()
    }

    fn tell(&mut self, now: Instant) {
        let (subscribed, gap) = self.filter.tell(now);
        let count = |nodes: usize| u32::try_from(nodes).unwrap_or(u32::MAX);
        let connected = |circle: &Circle| circle.ready(Service::Store).next().is_some();
        let connectivity = Connectivity {
            publish_nodes: count(self.publish.ready(Service::LightPush).count()),
            receive_nodes: count(self.receive.ready(Service::Filter).count()),
            store: connected(&self.publish) || connected(&self.receive) || self.store_in_reach(),
            subscribed,
            gap: false,
            relay_peers: self.relay.as_ref().map_or(0, |relay| relay.mesh),
        };
        if gap || connectivity != self.told {
            self.told = connectivity;
            self.tell_book();
            self.out.push_back(Event::Connectivity(Connectivity { gap, ..connectivity }));
        }
    }
}
