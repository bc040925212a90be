//! Events of the network.

use sotto_net::{Connectivity, Event as NetEvent, Evidence, FailReason, PublishOutcome, Published, Received};

use crate::engine::carry::{Fact, outcome};
use crate::engine::hear::bucket::{self, Meter};
use crate::engine::hear::query::What;
use crate::engine::hear::{book, incoming};
use crate::engine::input::Effect;
use crate::engine::post::parcel;
use crate::engine::probe::FIRST_ID;
use crate::engine::talk::state;
use crate::engine::{Engine, Step, receive};
use crate::error::{Code, Error};
use crate::event::Event;

impl Engine {
    /// Takes an event of the network.
    pub(crate) fn net(&mut self, now_ms: i64, event: NetEvent, out: &mut Vec<Effect>) {
        let done = match event {
            NetEvent::Message(received) => self.pushed(now_ms, received, out),
            NetEvent::Published(published) => self.published(now_ms, &published, out),
            NetEvent::Page { id, messages, last } => self.page(now_ms, id, messages, last, out),
            NetEvent::QueryFailed { id, .. } => self.query_failed(now_ms, id, out),
            NetEvent::Checked { id, node, present } if id >= FIRST_ID => {
                self.probe_checked(now_ms, id, Some((node, !present.is_empty())), out)
            }
            NetEvent::CheckFailed { id, .. } if id >= FIRST_ID => self.probe_checked(now_ms, id, None, out),
            NetEvent::Checked { id, present, .. } => {
                if present.is_empty() {
                    self.live.probe.doubt(now_ms, None);
                }
                let said = |step: &mut Step<'_>, id| outcome::checked(step, id, !present.is_empty());
                self.checked(now_ms, id, said, out)
            }
            NetEvent::CheckFailed { id, reason: FailReason::NoOther } => {
                self.checked(now_ms, id, |step, id| outcome::unchecked(step, id), out)
            }
            NetEvent::CheckFailed { id, .. } => self.checked(now_ms, id, |_, _| Ok(Vec::new()), out),
            NetEvent::Lost { node } => self.run(now_ms, out, |step| parcel::lost(step, node)),
            NetEvent::OtherNetwork => {
                if !std::mem::replace(&mut self.live.other_network, true) {
                    out.push(notice(Code::NetworkOther));
                }
                Ok(())
            }
            NetEvent::Connectivity(now) => self.connectivity(now_ms, now, out),
            NetEvent::Book { changed, gone } => {
                let network = &self.config.network;
                self.db.transaction_unsynced(|mut tx| book::keep(&mut tx.nodes, network, changed, &gone))
            }
            NetEvent::Serving { .. } | NetEvent::Closed => Ok(()),
        };
        if let Err(error) = done {
            self.background_error(now_ms, &error, out);
        }
    }

    fn pushed(&mut self, now_ms: i64, received: Received, out: &mut Vec<Effect>) -> Result<(), Error> {
        let stamp_ms = received.timestamp_ns / 1_000_000;
        self.live.clock.hear(received.node, stamp_ms, now_ms);
        if self.live.probe.is_in_vain() {
            self.live.clock.follow();
        }
        if self.live.clock.is_contradicted(stamp_ms, now_ms) {
            let hint_ms = stamp_ms.saturating_sub(now_ms);
            self.live.probe.doubt(now_ms, Some(hint_ms));
        }
        if self.own.is_none() || !self.live.hear.topics.contains(&received.topic) {
            return Ok(());
        }
        match self.live.hear.held.take(now_ms, received) {
            Some(received) => self.heard(now_ms, &received, out),
            None => Ok(()),
        }
    }

    pub(crate) fn heard(&mut self, now_ms: i64, received: &Received, out: &mut Vec<Effect>) -> Result<(), Error> {
        // A push may arrive before the network reports that earlier pushes were lost.
        let caught_up = self.live.hear.caught_up && self.live.connectivity.subscribed;
        let proven = self.live.clock.is_proven();
        let stamp_ms = received.timestamp_ns / 1_000_000;
        self.live.hear.meter.add(now_ms, received.payload.len());
        self.live.hear.quiet_since_ms = now_ms;
        self.weigh_bucket(now_ms, out)?;
        self.run(now_ms, out, |step| {
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
    pub(crate) fn weigh_bucket(&mut self, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        let turn = self.live.hear.meter.turn(now_ms, self.has_left());
        let Some(left) = turn.filter(|left| !left || !self.live.relaying) else {
            return Ok(());
        };
        self.with_meter(now_ms, out, |step, meter| bucket::leave(step, meter, left))
    }

    pub(crate) fn with_meter(
        &mut self,
        now_ms: i64,
        out: &mut Vec<Effect>,
        work: impl FnOnce(&mut Step<'_>, &Meter) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let meter = std::mem::take(&mut self.live.hear.meter);
        let done = self.run(now_ms, out, |step| work(step, &meter));
        self.live.hear.meter = meter;
        done
    }

    fn published(&mut self, now_ms: i64, said: &Published, out: &mut Vec<Effect>) -> Result<(), Error> {
        if said.id >= FIRST_ID {
            self.probe_published(now_ms, said.id, said.node, said.is_taken());
            return Ok(());
        }
        if said.is_taken() {
            self.witness(now_ms, said.hash, said.node);
        }
        let id = i64::try_from(said.id).unwrap_or(0);
        self.live.post.in_flight.remove(&id);
        let tries = match said.outcome {
            PublishOutcome::Failed(reason) => {
                if reason == FailReason::NoNode {
                    self.live.post.failed(now_ms);
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
        self.run(now_ms, out, |step| {
            let facts = outcome::published(step, said, tries)?;
            state::facts(step, facts)
        })?;
        // Nodes have relay peers again, so other parcels that wait for that need not find out by themselves.
        if matches!(said.outcome, PublishOutcome::Relayed { .. }) && self.live.post.unrelayed {
            self.live.post.unrelayed = false;
            self.publish_all_anew(now_ms, out)?;
        }
        Ok(())
    }

    /// Retries everything that failed, except what is in progress.
    fn publish_all_anew(&mut self, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        self.live.post.tries.clear();
        let in_flight: Vec<i64> = self.live.post.in_flight.iter().copied().collect();
        self.run(now_ms, out, |step| parcel::rewind(step, &in_flight))
    }

    /// Ends the check of a parcel.
    fn checked(
        &mut self,
        now_ms: i64,
        id: u64,
        said: impl FnOnce(&mut Step<'_>, i64) -> Result<Vec<Fact>, Error>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let id = i64::try_from(id).unwrap_or(0);
        self.live.post.checking.remove(&id);
        self.run(now_ms, out, |step| {
            let facts = said(step, id)?;
            state::facts(step, facts)
        })
    }

    fn connectivity(&mut self, now_ms: i64, now: Connectivity, out: &mut Vec<Effect>) -> Result<(), Error> {
        let before = self.live.connected(now, now_ms);
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
            out.push(Effect::Emit(Event::Connectivity(shown(&now))));
        }
        if before.publish_nodes == 0 && now.publish_nodes > 0 {
            self.live.publish_anew();
            self.live.hear.catch_up_after_ms = 0;
            self.publish_all_anew(now_ms, out)?;
        }
        Ok(())
    }
}

pub(crate) fn notice(code: Code) -> Effect {
    Effect::Emit(Event::Notice { code })
}

fn seconds(received: &Received) -> i64 {
    received.timestamp_ns / 1_000_000_000
}

pub(crate) fn all(step: &mut Step<'_>, messages: &[Received]) -> Result<(), Error> {
    for message in messages {
        let before = step.fx.opened;
        receive::payload(step, &message.payload, seconds(message))?;
        if step.fx.opened > before {
            step.evidence.push(Evidence::Opened(message.node, message.live));
        }
    }
    Ok(())
}

impl Engine {
    /// Whether the phrase was restored elsewhere.
    pub(crate) fn is_replaced(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.replaced)
    }

    /// A store was asked for the time before the start, or none can be: held pushes are released.
    pub(crate) fn release(&mut self, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        let (pushes, dropped) = self.live.hear.held.release();
        if dropped {
            self.live.hear.missed();
        }
        for received in pushes {
            let done = self.heard(now_ms, &received, out);
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
