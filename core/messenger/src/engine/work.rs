//! Events of the network.

use sotto_net::{Connectivity, Event as NetEvent, Evidence, FailReason, PublishOutcome, Published, Received};

use crate::engine::carry::{Fact, outcome};
use crate::engine::file::up;
use crate::engine::hear::bucket::{self, Meter};
use crate::engine::hear::query::What;
use crate::engine::hear::{book, incoming};
use crate::engine::input::Effect;
use crate::engine::people::news;
use crate::engine::post::parcel;
use crate::engine::probe::FIRST_ID;
use crate::engine::talk::state;
use crate::engine::{Engine, Step, receive};
use crate::error::{Code, Error, Kind};
use crate::event::Event;

impl Engine {
    pub(crate) fn net(&mut self, event: NetEvent) {
        let done = match event {
            NetEvent::Message(received) => self.pushed(received),
            NetEvent::Published(published) => self.published(&published),
            NetEvent::Page { id, messages, last, more } => self.page(id, messages, last, more),
            NetEvent::Uploaded { id, node, taken, failed } => self.uploaded(id, node, &taken, failed),
            NetEvent::QueryFailed { id, .. } => self.query_failed(id),
            NetEvent::Checked { id, node, present } if id >= FIRST_ID => {
                self.probe_checked(id, Some((node, !present.is_empty())))
            }
            NetEvent::CheckFailed { id, .. } if id >= FIRST_ID => self.probe_checked(id, None),
            NetEvent::Checked { id, present, .. } => {
                if present.is_empty() {
                    self.live.probe.doubt(self.now_ms, None);
                }
                let said = |step: &mut Step<'_>, id| outcome::checked(step, id, !present.is_empty());
                self.checked(id, said)
            }
            NetEvent::CheckFailed { id, reason: FailReason::NoOther } => {
                self.checked(id, |step, id| outcome::unchecked(step, id))
            }
            NetEvent::CheckFailed { id, .. } => self.checked(id, |_, _| Ok(Vec::new())),
            NetEvent::Lost { node } => self.run(|step| parcel::lost(step, node)),
            NetEvent::OtherNetwork => {
                if !std::mem::replace(&mut self.live.other_network, true) {
                    self.notice(Code::NetworkOther);
                }
                Ok(())
            }
            NetEvent::Connectivity(now) => self.connectivity(now),
            NetEvent::Book { changed, gone } => {
                let network = &self.config.network;
                self.db.transaction_unsynced(|mut tx| book::keep(&mut tx.nodes, network, changed, &gone))
            }
            NetEvent::Serving { .. } | NetEvent::Closed => Ok(()),
        };
        if let Err(error) = done {
            self.background_error(&error);
        }
    }

    fn pushed(&mut self, received: Received) -> Result<(), Error> {
        let stamp_ms = received.timestamp_ns / 1_000_000;
        self.live.clock.hear(received.node, stamp_ms, self.now_ms);
        if self.live.probe.is_in_vain() {
            self.live.clock.follow();
        }
        if self.live.clock.is_contradicted(stamp_ms, self.now_ms) {
            let hint_ms = stamp_ms.saturating_sub(self.now_ms);
            self.live.probe.doubt(self.now_ms, Some(hint_ms));
        }
        if self.own.is_none() || !self.live.hear.topics.contains(&received.topic) {
            return Ok(());
        }
        match self.live.hear.held.take(self.now_ms, received) {
            Some(received) => self.heard(&received),
            None => Ok(()),
        }
    }

    pub(crate) fn heard(&mut self, received: &Received) -> Result<(), Error> {
        // A push may arrive before the network reports that earlier pushes were lost.
        let caught_up = self.live.hear.caught_up && self.live.connectivity.subscribed;
        let proven = self.live.clock.is_proven();
        let stamp_ms = received.timestamp_ns / 1_000_000;
        self.live.hear.meter.add(self.now_ms, received.payload.len());
        self.live.hear.quiet_since_ms = self.now_ms;
        self.weigh_bucket()?;
        self.run(|step| {
            all(step, std::slice::from_ref(received))?;
            // A live push proves that the subscription was alive until now.
            if caught_up && step.fx.unmatched.is_empty() {
                let covered = step.tx.coverage.until_ms()?;
                let until = if proven { step.clock_ms } else { stamp_ms.min(step.clock_ms).max(covered) };
                incoming::covered(step, until)?;
            }
            Ok(())
        })
    }

    /// Leaves the own bucket when it is too busy, or subscribes to it again.
    pub(crate) fn weigh_bucket(&mut self) -> Result<(), Error> {
        let turn = self.live.hear.meter.turn(self.now_ms, self.has_left());
        let Some(left) = turn.filter(|left| !left || !self.live.relaying) else {
            return Ok(());
        };
        self.with_meter(|step, meter| bucket::leave(step, meter, left))
    }

    pub(crate) fn with_meter(
        &mut self,
        work: impl FnOnce(&mut Step<'_>, &Meter) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let meter = std::mem::take(&mut self.live.hear.meter);
        let done = self.run(|step| work(step, &meter));
        self.live.hear.meter = meter;
        done
    }

    fn published(&mut self, said: &Published) -> Result<(), Error> {
        if said.id >= FIRST_ID {
            self.probe_published(said.id, said.node, said.is_taken());
            return Ok(());
        }
        if said.is_taken() {
            self.witness(said.hash, said.node);
        }
        let id = i64::try_from(said.id).unwrap_or(0);
        self.live.post.in_flight.remove(&id);
        let tries = match said.outcome {
            PublishOutcome::Failed(reason) => {
                if reason == FailReason::NoNode {
                    self.live.post.failed(self.now_ms);
                }
                self.live.post.unrelayed |= reason == FailReason::NoRelayPeers;
                let tries = self.live.post.tries.entry(id).or_default();
                tries.failed = tries.failed.saturating_add(1);
                *tries
            }
            PublishOutcome::Refused => {
                let tries = self.live.post.tries.entry(id).or_default();
                tries.refused = tries.refused.saturating_add(1);
                *tries
            }
            _ => self.live.post.tries.remove(&id).unwrap_or_default(),
        };
        self.run(|step| {
            let facts = outcome::published(step, said, tries)?;
            news::refused(step, &facts)?;
            state::facts(step, facts)
        })?;
        // Nodes have relay peers again, so other parcels that wait for that need not find out by themselves.
        if matches!(said.outcome, PublishOutcome::Relayed { .. }) && self.live.post.unrelayed {
            self.live.post.unrelayed = false;
            self.publish_all_anew()?;
        }
        Ok(())
    }

    /// Retries everything that failed, except what is in progress.
    fn publish_all_anew(&mut self) -> Result<(), Error> {
        self.live.post.tries.clear();
        let in_flight: Vec<i64> = self.live.post.in_flight.iter().copied().collect();
        self.run(|step| {
            parcel::rewind(step, &in_flight)?;
            up::anew(step)
        })
    }

    fn checked(
        &mut self,
        id: u64,
        said: impl FnOnce(&mut Step<'_>, i64) -> Result<Vec<Fact>, Error>,
    ) -> Result<(), Error> {
        let id = i64::try_from(id).unwrap_or(0);
        self.live.post.checking.remove(&id);
        self.run(|step| {
            let facts = said(step, id)?;
            state::facts(step, facts)
        })
    }

    fn connectivity(&mut self, now: Connectivity) -> Result<(), Error> {
        let before = self.live.connected(now, self.now_ms);
        if now.gap || (now.subscribed && !before.subscribed) {
            self.live.hear.ask_now();
        }
        if !before.store && now.store {
            self.live.hear.catch_up_after_ms = 0;
        }
        let shown = |c: &Connectivity| crate::records::Connectivity {
            publish_nodes: c.publish_nodes,
            receive_nodes: c.receive_nodes,
            store: c.store,
            subscribed: c.subscribed,
            relay_peers: c.relay_peers,
        };
        if shown(&before) != shown(&now) {
            self.out.push(Effect::Emit(Event::Connectivity(shown(&now))));
        }
        if before.publish_nodes == 0 && now.publish_nodes > 0 {
            self.live.publish_anew();
            self.live.hear.catch_up_after_ms = 0;
            self.publish_all_anew()?;
        }
        Ok(())
    }
}

pub(crate) fn all(step: &mut Step<'_>, messages: &[Received]) -> Result<(), Error> {
    for message in messages {
        let before = step.fx.opened;
        receive::payload(step, &message.payload, message.timestamp_ns / 1_000_000_000)?;
        if step.fx.opened > before {
            step.evidence.push(Evidence::Opened(message.node, message.live));
        }
    }
    Ok(())
}

impl Engine {
    /// Takes messages in one step; after a bug each in its own one, so that one message stops no other.
    pub(crate) fn take_all(&mut self, messages: &[Received]) -> Result<(), Error> {
        let is_bug = |done: &Result<(), Error>| done.is_err_and(|error| error.kind() != Kind::Storage);
        let done = self.run(|step| all(step, messages));
        if !is_bug(&done) {
            return done;
        }
        for one in messages {
            let done = self.run(|step| all(step, std::slice::from_ref(one)));
            if !is_bug(&done) {
                done?;
            }
        }
        Ok(())
    }

    /// Whether the phrase was restored elsewhere.
    pub(crate) fn is_replaced(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.replaced)
    }

    /// A store was asked for the time before the start, or none can be: held pushes are released.
    pub(crate) fn release(&mut self) -> Result<(), Error> {
        let (pushes, dropped) = self.live.hear.held.release();
        if dropped {
            self.live.hear.missed();
        }
        for received in pushes {
            let done = self.heard(&received);
            if done.is_err() {
                self.live.hear.missed(); // a store is asked for the rest
                return done;
            }
        }
        Ok(())
    }

    /// When held pushes are released although no store was asked. `None`: one is being asked, or nothing is held.
    pub(crate) fn release_at(&self) -> Option<i64> {
        let asked = self.live.hear.asks(|what| matches!(what, What::CatchUp { .. }));
        self.live.hear.held.until_ms().filter(|_| !asked)
    }
}
