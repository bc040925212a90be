//! Messages in the relay: which are valid, which are new, and what a light client is told about its own.

use std::sync::Arc;

use libp2p::gossipsub::PublishError;
use sotto_wire::waku::{self, MessageError, Shard, WakuMessage};

use super::config::NodeConfig;
use super::lightpush::Taken;
use crate::recent::Recent;

/// Most message hashes remembered.
const REMEMBERED: usize = 16 * 1024;
/// Most hashes remembered of messages that could not be relayed.
const UNRELAYED: usize = 1024;
/// Messages further from our clock are relayed and not archived, nanoseconds.
const DRIFT_NS: u64 = 20_000_000_000;

#[derive(Debug)]
pub(super) struct Known {
    pub(super) topic: String,
    pub(super) hash: [u8; 32],
    pub(super) message: WakuMessage,
}

impl Known {
    fn new(topic: String, message: WakuMessage) -> Self {
        Self { hash: waku::message_hash(&topic, &message), topic, message }
    }
}

#[derive(Debug)]
pub(super) struct Gossip {
    config: Arc<NodeConfig>,
    recent: Recent,
    /// Messages of light clients that no relay peer got. gossipsub counts them as sent, for two minutes.
    unrelayed: Recent,
}

impl Gossip {
    pub(super) fn new(config: Arc<NodeConfig>) -> Self {
        Self { config, recent: Recent::new(REMEMBERED), unrelayed: Recent::new(UNRELAYED) }
    }

    /// A gossiped message, if Waku's rule holds: a WakuMessage within the network's limits, with any timestamp.
    pub(super) fn read(&self, topic: &str, data: &[u8]) -> Option<Known> {
        let message: WakuMessage = waku::decode(data).ok()?;
        message.validate(self.config.max_message).ok()?;
        Some(Known::new(topic.to_owned(), message))
    }

    /// A light client's message, to publish now.
    pub(super) fn take(
        &self,
        pubsub_topic: Option<String>,
        mut message: WakuMessage,
        now_ns: i64,
    ) -> Result<Known, Taken> {
        match message.validate(self.config.max_message) {
            Ok(()) => {}
            Err(MessageError::TooLarge) => return Err(Taken::TooLarge),
            Err(_) => return Err(Taken::Invalid),
        }
        let topic = self.served(pubsub_topic, &message.content_topic).ok_or(Taken::OtherShard)?;
        if message.timestamp.unwrap_or_default() == 0 {
            message.timestamp = Some(now_ns);
        }
        Ok(Known::new(topic, message))
    }

    /// The result of publishing it, with the given number of peers on its shard, and whether to deliver it here.
    pub(super) fn published(&mut self, hash: [u8; 32], result: Result<(), PublishError>, peers: u32) -> (Taken, bool) {
        match result {
            Ok(()) => {
                self.unrelayed.remove(&hash);
                (Taken::Relayed(peers), self.is_new(hash))
            }
            Err(PublishError::Duplicate) => {
                let new = self.is_new(hash);
                if new {
                    self.unrelayed.insert(hash); // the same bytes came on another shard before
                }
                match self.unrelayed.contains(&hash) {
                    true => (Taken::Overloaded, new),
                    false => (Taken::Seen(peers.max(1)), new),
                }
            }
            // The hash is remembered all the same: gossipsub does not report the message if another peer sends it now.
            Err(PublishError::AllQueuesFull(_)) => {
                self.unrelayed.insert(hash);
                (Taken::Overloaded, self.is_new(hash))
            }
            Err(PublishError::NoPeersSubscribedToTopic) if self.config.alone => match self.is_new(hash) {
                true => (Taken::Relayed(1), true),
                false => (Taken::Seen(1), false),
            },
            Err(PublishError::NoPeersSubscribedToTopic) => (Taken::NoPeers, false),
            Err(PublishError::MessageTooLarge) => (Taken::TooLarge, false),
            Err(_) => (Taken::Overloaded, false),
        }
    }

    /// Remembers a message; true the first time.
    pub(super) fn is_new(&mut self, hash: [u8; 32]) -> bool {
        self.recent.insert(hash)
    }

    /// Whether a message is to be archived.
    pub(super) fn is_kept(&self, message: &WakuMessage, now_ns: i64) -> bool {
        let fresh = message.timestamp.unwrap_or_default().abs_diff(now_ns) <= DRIFT_NS;
        self.config.store && message.ephemeral != Some(true) && fresh
    }

    /// The shard of a pubsub topic, if the node serves it.
    pub(super) fn served(&self, asked: Option<String>, content_topic: &str) -> Option<String> {
        let topic = match asked {
            Some(topic) => topic,
            None => self.config.sharding.shard(self.config.cluster, content_topic)?.to_string(),
        };
        let shard: Shard = topic.parse().ok()?;
        let ours = shard.cluster == self.config.cluster && self.config.sharding.list().contains(&shard.shard);
        ours.then_some(topic)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sotto_wire::waku::Message as _;

    use super::*;
    use crate::config::Sharding;

    const SHARD: &str = "/waku/2/rs/66/0";
    const HASH: [u8; 32] = [7; 32];

    fn gossip(alone: bool) -> Gossip {
        let mut config = NodeConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        config.alone = alone;
        Gossip::new(Arc::new(config))
    }

    fn message(bytes: usize, timestamp_ns: i64) -> WakuMessage {
        WakuMessage::new("/t/1/n/proto".into(), vec![1; bytes], timestamp_ns)
    }

    #[test]
    fn what_a_client_hands_in_is_checked_and_gets_a_time() {
        let gossip = gossip(false);
        let taken =
            |topic: Option<&str>, message| gossip.take(topic.map(str::to_owned), message, 9).map(|one| one.topic);
        assert_eq!(taken(None, message(1, 1)), Ok(SHARD.to_owned()));
        assert_eq!(taken(Some("/waku/2/rs/66/1"), message(1, 1)), Err(Taken::OtherShard));
        assert_eq!(taken(Some("nonsense"), message(1, 1)), Err(Taken::OtherShard));
        assert_eq!(taken(None, message(1 << 20, 1)), Err(Taken::TooLarge));
        assert_eq!(taken(None, WakuMessage::new(String::new(), vec![1], 1)), Err(Taken::Invalid));
        let timestamp = |ns| gossip.take(None, message(1, ns), 9).unwrap().message.timestamp;
        assert_eq!((timestamp(0), timestamp(5)), (Some(9), Some(5)));
    }

    #[test]
    fn what_is_gossiped_is_good_whatever_its_time() {
        let gossip = gossip(false);
        let good = gossip.read(SHARD, &message(1, i64::MIN).encode_to_vec()).unwrap();
        assert_eq!(good.hash, waku::message_hash(SHARD, &good.message));
        assert!(gossip.read(SHARD, &message(1 << 20, 1).encode_to_vec()).is_none());
        assert!(gossip.read(SHARD, b"\xff").is_none());
    }

    #[test]
    fn it_is_delivered_once() {
        let mut gossip = gossip(false);
        assert_eq!(gossip.published(HASH, Ok(()), 3), (Taken::Relayed(3), true));
        assert_eq!(gossip.published(HASH, Err(PublishError::Duplicate), 3), (Taken::Seen(3), false));
        assert_eq!(gossip.published(HASH, Err(PublishError::Duplicate), 0), (Taken::Seen(1), false));
        assert!(!gossip.is_new(HASH));
    }

    #[test]
    fn what_went_to_nobody_is_not_called_sent_until_it_was() {
        let mut gossip = gossip(false);
        let full = || Err(PublishError::AllQueuesFull(1));
        assert_eq!(gossip.published(HASH, full(), 1), (Taken::Overloaded, true));
        assert_eq!(gossip.published(HASH, Err(PublishError::Duplicate), 1), (Taken::Overloaded, false));
        assert_eq!(gossip.published(HASH, Ok(()), 1), (Taken::Relayed(1), false));
        assert_eq!(gossip.published(HASH, Err(PublishError::Duplicate), 1), (Taken::Seen(1), false));
        // gossipsub knows the bytes from another shard; on this shard no peer had them.
        assert_eq!(gossip.published([8; 32], Err(PublishError::Duplicate), 1), (Taken::Overloaded, true));
    }

    #[test]
    fn without_relay_peers_only_the_one_node_of_a_network_takes_it() {
        let nobody = || Err(PublishError::NoPeersSubscribedToTopic);
        let mut one = gossip(false);
        assert_eq!(one.published(HASH, nobody(), 0), (Taken::NoPeers, false));
        assert!(one.is_new(HASH), "it is not noted: the client tries again");
        let mut alone = gossip(true);
        assert_eq!(alone.published(HASH, nobody(), 0), (Taken::Relayed(1), true));
        assert_eq!(alone.published(HASH, nobody(), 0), (Taken::Seen(1), false));
    }

    #[test]
    fn what_is_ephemeral_or_of_another_time_is_not_archived() {
        let gossip = gossip(false);
        let now = i64::try_from(DRIFT_NS).unwrap() * 9;
        let drift = now / 9;
        assert!(gossip.is_kept(&message(1, now - drift), now) && gossip.is_kept(&message(1, now + drift), now));
        assert!(
            !gossip.is_kept(&message(1, now - drift - 1), now) && !gossip.is_kept(&message(1, now + drift + 1), now)
        );
        let ephemeral = WakuMessage { ephemeral: Some(true), ..message(1, now) };
        assert!(!gossip.is_kept(&ephemeral, now));
    }
}
