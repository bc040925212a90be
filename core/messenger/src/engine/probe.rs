//! Probes of the time, sent when the device's clock is in doubt: a store lacks a message that was published a moment
//! ago, or envelopes are dated far off.
//!
//! A probe is an envelope of random bytes without a timestamp, on its own topic: the accepting node sets its own time.
//! A store keeps only messages within 20 s of its clock, so two nodes agree on the stored timestamp. The store alone
//! could invent it, so a third node has to have the same message hash. See `docs/adr/0002-what-time-it-is.md`.

use std::mem;

use rand_core::Rng as _;
use sotto_db::{Hash, NEVER};
use sotto_net::{Circle, Command, NodeNumber, Purpose, Received};
use sotto_wire::envelope::{Class, Envelope};
use sotto_wire::topic::ContentTopic;

use crate::engine::base::own;
use crate::engine::base::schedule::{self, DAY, SECOND};
use crate::engine::carry::{link, send};
use crate::engine::hear::query::{Query, What};
use crate::engine::input::Effect;
use crate::engine::keys::{device, invite};
use crate::engine::people::contact;
use crate::engine::post::parcel;
use crate::engine::{Engine, Step};
use crate::error::Error;

/// First id of probes; ids of parcels are lower.
pub(crate) const FIRST_ID: u64 = 1 << 63;
const WITNESS_ID: u64 = u64::MAX;
/// Failed probes after which live pushes may move the clock.
const IN_VAIN: u32 = 3;
/// Most nodes remembered that accepted a failed probe.
const TAKERS: usize = 8;
/// Others may refuse a start number or record this far ahead.
const AHEAD_MS: i64 = DAY / 2;

#[derive(Debug, Clone, Copy, Default)]
enum Stage {
    #[default]
    Idle,
    Sent,
    /// A node accepted it; a store is asked next.
    Taken,
    Asked,
    /// A store has it. Another node is asked for the hash.
    Found {
        skew_ms: i64,
        node: NodeNumber,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Probe {
    doubt: bool,
    stage: Stage,
    /// When the stage ends, device's clock.
    due_ms: i64,
    /// No new probe before this time, device's clock.
    rest_until_ms: i64,
    /// Probes since one that moved the clock.
    rests: u32,
    tries: u32,
    id: u64,
    payload: Vec<u8>,
    topic: String,
    /// The accepting node dated it between these times, device's clock.
    sent_ms: i64,
    taken_ms: i64,
    takers: Vec<NodeNumber>,
    /// The error that received messages suggest; tried in turn with a probe that the node dates.
    hint_ms: Option<i64>,
    /// The first envelope of this run: a store that has it proves the clock.
    witness: Option<Witness>,
}

#[derive(Debug)]
struct Witness {
    hash: Hash,
    taker: Option<NodeNumber>,
    /// When a store is asked; [`NEVER`] once it was asked.
    check_ms: i64,
}

impl Probe {
    pub(crate) fn doubt(&mut self, now_ms: i64, hint_ms: Option<i64>) {
        self.hint_ms = hint_ms.or(self.hint_ms);
        if !self.doubt {
            self.doubt = true;
            self.due_ms = now_ms.max(self.rest_until_ms);
            self.tries = 0;
            self.witness = None;
        }
    }

    /// A node may be reachable again.
    pub(crate) fn anew(&mut self) {
        if self.doubt && matches!(self.stage, Stage::Idle) {
            self.due_ms = self.rest_until_ms;
            self.tries = 0;
        }
    }

    pub(crate) fn wake_ms(&self) -> Option<i64> {
        let witness = self.witness.as_ref().map(|witness| witness.check_ms);
        let witness = witness.filter(|at| *at < NEVER);
        self.doubt.then_some(self.due_ms).into_iter().chain(witness).min()
    }

    /// Whether several probes failed; then live pushes decide.
    pub(crate) fn is_in_vain(&self) -> bool {
        self.doubt && self.tries >= IN_VAIN
    }

    fn failed(&mut self, now_ms: i64) {
        self.due_ms = now_ms.saturating_add(schedule::PROBE_FAILED.plain(self.tries));
        self.tries = self.tries.saturating_add(1);
        self.stage = Stage::Idle;
    }

    fn settled(&mut self, now_ms: i64, moved: bool) {
        self.doubt = false;
        self.stage = Stage::Idle;
        self.hint_ms = None;
        self.takers.clear();
        let rests = if moved { 0 } else { self.rests };
        self.rests = rests.saturating_add(1);
        self.rest_until_ms = now_ms.saturating_add(schedule::PROBE_REST.plain(rests));
    }
}

impl Engine {
    /// An envelope left by the current clock, which nothing in this run has proved yet.
    pub(crate) fn witness(&mut self, hash: Hash, taker: Option<NodeNumber>) {
        let probe = &mut self.live.probe;
        if self.live.clock.is_proven() || probe.doubt || probe.witness.is_some() {
            return;
        }
        let wait = schedule::WITNESS.wait(0, &mut self.rng);
        probe.witness = Some(Witness { hash, taker, check_ms: self.now_ms.saturating_add(wait) });
    }

    pub(crate) fn probe(&mut self) {
        let probe = &mut self.live.probe;
        if let Some(witness) = &mut probe.witness
            && witness.check_ms <= self.now_ms
        {
            witness.check_ms = NEVER;
            self.out.push(Effect::Net(Command::Check {
                id: WITNESS_ID,
                hashes: vec![witness.hash],
                not: witness.taker,
            }));
        }
        if !probe.doubt || probe.due_ms > self.now_ms {
            return;
        }
        match probe.stage {
            Stage::Idle => self.probe_publish(),
            Stage::Taken => {
                probe.stage = Stage::Asked;
                probe.due_ms = self.now_ms.saturating_add(schedule::PROBE_ANSWER);
                let query = Query {
                    what: What::Probe { id: probe.id },
                    circle: Circle::Alone,
                    topics: vec![probe.topic.clone()],
                    start_ms: 0,
                    end_ms: None,
                    newest_first: true,
                    most_bytes: None,
                    from_ns: None,
                };
                self.out.push(Effect::Net(self.live.ask(query, None)));
            }
            Stage::Sent | Stage::Asked | Stage::Found { .. } => probe.failed(self.now_ms),
        }
    }

    fn probe_publish(&mut self) {
        let probe = &mut self.live.probe;
        let (mut tag, mut random, mut topic) = ([0; 16], [0; 16], [0; 8]);
        let mut body = vec![0; Class::Large.size().saturating_sub(33)];
        for bytes in [&mut tag[..], &mut random, &mut topic, &mut body] {
            self.rng.fill_bytes(bytes);
        }
        let envelope = Envelope { tag, random, body: &body };
        let Ok(payload) = envelope.encode() else {
            return probe.failed(self.now_ms);
        };
        probe.payload = payload;
        probe.topic = ContentTopic::Blob(topic).to_string();
        probe.id = FIRST_ID | (probe.id.wrapping_add(1) & u64::from(u32::MAX));
        probe.sent_ms = self.now_ms;
        probe.stage = Stage::Sent;
        probe.due_ms = self.now_ms.saturating_add(schedule::PROBE_ANSWER);
        // Some nodes date nothing; then received messages suggest the time.
        let hint_ms = probe.hint_ms.filter(|_| probe.tries % 2 == 1);
        let stamp_ms = hint_ms.map_or(0, |hint_ms| self.now_ms.saturating_add(hint_ms));
        self.out.push(Effect::Net(Command::Publish {
            id: probe.id,
            topic: probe.topic.clone(),
            payload: probe.payload.clone(),
            timestamp_ns: stamp_ms.div_euclid(SECOND).saturating_mul(1_000_000_000),
            other_ns: None,
            purpose: Purpose::Probe(probe.takers.clone()),
            spread: None,
        }));
    }

    /// A node accepted the probe, or none did.
    pub(crate) fn probe_published(&mut self, id: u64, node: Option<NodeNumber>, took: bool) {
        let probe = &mut self.live.probe;
        if id != probe.id || !matches!(probe.stage, Stage::Sent) {
            return;
        }
        if !took {
            return probe.failed(self.now_ms);
        }
        probe.takers.extend(node);
        if probe.takers.len() > TAKERS {
            probe.takers.clear();
        }
        probe.stage = Stage::Taken;
        probe.taken_ms = self.now_ms;
        probe.due_ms = self.now_ms.saturating_add(schedule::PROBE_ASK);
    }

    /// A store's messages on the probe's topic; `None` if it could not be asked.
    pub(crate) fn probe_page(&mut self, id: u64, page: Option<(&[Received], bool)>) -> Result<(), Error> {
        let single_circle = self.config.single_circle;
        let probe = &mut self.live.probe;
        if id != probe.id || !matches!(probe.stage, Stage::Asked) {
            return Ok(());
        }
        let (messages, last) = page.unwrap_or((&[], true));
        let dated = |one: &&Received| one.payload == probe.payload && one.timestamp_ns > 0;
        match messages.iter().find(dated) {
            Some(one) => {
                // Nodes without an answer may have been asked before, so the time of the timestamp is known only to an
                // interval. The correction moves into that interval and no further.
                let stamp_ms = one.timestamp_ns / 1_000_000;
                let least_ms = stamp_ms.saturating_sub(probe.taken_ms);
                let most_ms = stamp_ms.saturating_sub(probe.sent_ms).max(least_ms);
                let skew_ms = self.live.clock.correction_ms().clamp(least_ms, most_ms);
                if single_circle {
                    return self.probed(skew_ms); // there is no other node
                }
                let node = one.node;
                probe.stage = Stage::Found { skew_ms, node };
                probe.due_ms = self.now_ms.saturating_add(schedule::PROBE_ANSWER);
                self.out.push(Effect::Net(Command::Check { id, hashes: vec![one.hash], not: Some(node) }));
            }
            None if last => probe.failed(self.now_ms),
            None => {}
        }
        Ok(())
    }

    /// A node said whether it has the witness or the probe; `None` if none answered.
    pub(crate) fn probe_checked(&mut self, id: u64, said: Option<(NodeNumber, bool)>) -> Result<(), Error> {
        let probe = &mut self.live.probe;
        if id == WITNESS_ID {
            let asked = mem::take(&mut probe.witness).is_some();
            match said.filter(|_| asked) {
                Some((_, true)) => self.live.clock.confirm(),
                Some((_, false)) => probe.doubt(self.now_ms, None),
                None => {}
            }
            return Ok(());
        }
        match (probe.stage, said) {
            (Stage::Found { skew_ms, node }, Some((other, true))) if id == probe.id && other != node => {
                self.probed(skew_ms)
            }
            (Stage::Found { .. }, _) if id == probe.id => {
                probe.failed(self.now_ms);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Two nodes agree on the time.
    fn probed(&mut self, skew_ms: i64) -> Result<(), Error> {
        let moved = self.live.clock.prove(skew_ms);
        self.live.probe.settled(self.now_ms, moved);
        if !moved {
            return Ok(());
        }
        // Queries and messages of the wrong clock are repeated.
        self.live.hear.ask_now();
        self.subscribe();
        self.run(corrected)
    }
}

/// The clock was corrected: stores lack messages that left by the wrong clock, and others refuse what was signed by it.
fn corrected(step: &mut Step<'_>) -> Result<(), Error> {
    parcel::all_due(step)?;
    if !step.may_sign {
        return Ok(());
    }
    step.kv.set_time(own::KEY_PUBLISHED, 0)?;
    let now_ms = step.now_ms;
    step.kv.set_time(own::KEY_NEXT_SELF, now_ms)?;
    own::own_cards_changed(step)?;
    invite::show_now(step)?;
    let furthest_ms = step.clock_ms.saturating_add(AHEAD_MS);
    let furthest = u32::try_from(furthest_ms / SECOND).unwrap_or(u32::MAX);
    for person in step.tx.persons.all()? {
        let chat = &person.chat;
        let mut anew = person.cards_due_ms.is_some();
        for row in step.tx.sessions.of(chat)? {
            if row.initiator && !row.answered && row.start > furthest {
                send::unseal(step, &row)?;
                link::remove(step, &row)?;
                anew = true;
            }
        }
        if anew {
            contact::look_for_cards(step, chat)?;
        }
        for device in step.tx.devices.of(chat)?.iter().filter(|device| device.start_out > furthest) {
            device::set_start(step, chat, &device.device, 0)?;
        }
        send::seal_waiting(step, chat)?;
    }
    Ok(())
}
