//! Messages of filter nodes, relays and stores: each counts once, and nodes that leave messages out are found.

use std::time::Duration;

use libp2p::PeerId;
use sotto_wire::waku::{self, MessagePush, WakuMessage};
use tokio::time::Instant;

use super::{Filter, SLIPS};
use crate::client::witness::Owed;
use crate::handle::{NodeNumber, Received};

impl Filter {
    /// Takes a store's messages; `clock_ns` is Unix time.
    pub(crate) fn stored(&mut self, messages: &[Received], clock_ns: i64, now: Instant) {
        for message in messages {
            let age = u64::try_from(clock_ns.saturating_sub(message.timestamp_ns));
            let sent = now.checked_sub(Duration::from_nanos(age.unwrap_or_default()));
            if let Some(sent) = sent.filter(|_| self.wanted.contains(&message.topic)) {
                let owed = Owed::new(message.hash, &message.topic, message.node, sent);
                self.witness.owe(owed, now);
            }
        }
    }

    /// Nodes that left out too many messages. Messages that only `liars` claim do not count.
    pub(crate) fn judge(&mut self, now: Instant, liars: impl Fn(NodeNumber) -> bool) -> Vec<PeerId> {
        while let Some(owed) = self.witness.next(now) {
            if liars(owed.by) {
                continue;
            }
            for peer in &mut self.peers {
                let subscribed = peer.known.contains(&owed.topic);
                if subscribed && self.witness.slipped(&owed, peer.node, peer.since) {
                    peer.slips += 1;
                }
            }
        }
        let silent = self.peers.iter().filter(|peer| peer.slips >= SLIPS);
        silent.map(|peer| peer.id).collect()
    }

    /// Checks a push of a node in use.
    pub(crate) fn push(&mut self, id: &PeerId, push: MessagePush, now: Instant) -> Option<Received> {
        let peer = self.peers.iter_mut().find(|peer| peer.id == *id)?;
        peer.alive_at = now + self.config.timing.alive_every;
        let node = peer.node;
        self.receive(push.pubsub_topic, push.waku_message?, node, now)
    }

    /// Checks a pushed or relayed message: a wanted topic, its shard, and not seen before.
    pub(crate) fn receive(
        &mut self,
        pubsub_topic: Option<String>,
        message: WakuMessage,
        node: NodeNumber,
        now: Instant,
    ) -> Option<Received> {
        message.validate(self.config.max_message).ok()?;
        if !self.wanted.contains(&message.content_topic) {
            return None;
        }
        let shard = self.config.shard(&message.content_topic)?;
        let shard = shard.to_string();
        if pubsub_topic.is_some_and(|topic| topic != shard) {
            return None;
        }
        let hash = waku::message_hash(&shard, &message);
        if !self.witness.pushed(hash, node, now) {
            return None; // another node was faster
        }
        if self.peers.len() > 1 {
            let owed = Owed::new(hash, &message.content_topic, node, now);
            self.witness.owe(owed, now);
        }
        Some(Received {
            topic: message.content_topic,
            payload: message.payload,
            timestamp_ns: message.timestamp.unwrap_or_default(),
            hash,
            node,
            live: true,
        })
    }
}
