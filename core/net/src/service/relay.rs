//! Gossipsub as Waku nodes run it.

use std::time::Duration;

use libp2p::gossipsub::{
    AllowAllSubscriptionFilter, Behaviour, Config, ConfigBuilder, IdentTopic, IdentityTransform,
    MaxCountSubscriptionFilter, Message, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode, Version,
};
use sotto_wire::waku::{self, Shard, protocol};

/// Room above the largest message: the frame around it, and what follows it in the read buffer, which gossipsub counts.
const HEADROOM: usize = 64 * 1024;
/// Longest control message: 5000 ids of 32 bytes and what is around them, as nim nodes send.
const CONTROL: usize = 512 * 1024;

/// Subscriptions are counted: as many as a cluster has shards.
pub(crate) type Relay =
    Behaviour<IdentityTransform, MaxCountSubscriptionFilter<AllowAllSubscriptionFilter>>;

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
#[error("gossipsub refuses its configuration")]
pub(crate) struct RelayError;

/// A relay subscribed to these shards.
pub(crate) fn build(cluster: u16, shards: &[u16], max_message: usize) -> Result<Relay, RelayError> {
    let config = config(max_message)?;
    let topics = usize::from(Shard::MAX) + 1;
    let filter = MaxCountSubscriptionFilter {
        filter: AllowAllSubscriptionFilter {},
        max_subscribed_topics: topics,
        max_subscriptions_per_request: topics,
    };
    let anonymous = MessageAuthenticity::Anonymous;
    let mut relay = Behaviour::new_with_subscription_filter(anonymous, config, filter)
        .map_err(|_| RelayError)?;
    let topics: Vec<IdentTopic> = shards
        .iter()
        .map(|&shard| IdentTopic::new(Shard { cluster, shard }.to_string()))
        .collect();
    relay
        .with_peer_score(score(&topics), thresholds())
        .map_err(|_| RelayError)?;
    for topic in &topics {
        relay.subscribe(topic).map_err(|_| RelayError)?;
    }
    Ok(relay)
}

/// How many peers listen to a topic: those a message is sent to.
pub(crate) fn peers(relay: &Relay, topic: &TopicHash) -> u32 {
    let count = relay
        .all_peers()
        .filter(|(_, topics)| topics.contains(&topic))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn config(max_message: usize) -> Result<Config, RelayError> {
    ConfigBuilder::default()
        .protocol_id(protocol::RELAY, Version::V1_1)
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message: &Message| MessageId::from(waku::gossip_id(&message.data)))
        .max_transmit_size(max_message.saturating_add(HEADROOM))
        .max_control_message_size(CONTROL)
        .max_publish_messages(5000)
        .mesh_n(6)
        .mesh_n_low(4)
        .mesh_n_high(8)
        .mesh_outbound_min(3)
        .retain_scores(6)
        .gossip_lazy(6)
        .gossip_factor(0.25)
        .history_length(6)
        .history_gossip(3)
        .heartbeat_interval(Duration::from_secs(1))
        .fanout_ttl(Duration::from_secs(60))
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(60))
        .unsubscribe_backoff(Duration::from_secs(5))
        .flood_publish(true)
        .build()
        .map_err(|_| RelayError)
}

/// Addresses are not counted here: behind one of them may be many, and in a test all.
fn score(topics: &[IdentTopic]) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 10.0,
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: 0.5,
        first_message_deliveries_cap: 10.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -100.0,
        invalid_message_deliveries_decay: 0.5,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics
            .iter()
            .map(|name| (name.hash(), topic.clone()))
            .collect(),
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_decay: 0.986,
        decay_interval: Duration::from_secs(12),
        decay_to_zero: 0.01,
        retain_score: Duration::from_secs(600),
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -100.0,
        publish_threshold: -1000.0,
        graylist_threshold: -10_000.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 0.0,
    }
}
