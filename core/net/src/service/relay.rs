//! Gossipsub with the settings of Waku nodes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::gossipsub::{
    Behaviour, Config, ConfigBuilder, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, Message,
    MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
    Version, WhitelistSubscriptionFilter,
};
use sotto_wire::waku::{self, Shard, protocol};

/// Room above the largest message: its frame, and further bytes in the read buffer, which gossipsub counts.
const HEADROOM: usize = 64 * 1024;
/// Longest control message: 5,000 ids of 32 bytes and their frames, as nim nodes send.
const CONTROL: usize = 512 * 1024;

/// Most messages queued for a peer, as in nim nodes; gossipsub counts no bytes, and its default would hold 750 MB.
const QUEUE: usize = 1024;

/// Peers with a lower score are ignored and disconnected.
const GRAYLIST: f64 = -10_000.0;

/// Counts a peer's subscriptions, and remembers only those to our shards: peers choose names of any length.
pub(crate) type Relay = Behaviour<IdentityTransform, MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>>;

#[derive(Debug, thiserror::Error)]
#[error("gossipsub refuses its configuration")]
pub(crate) struct RelayError;

/// A relay subscribed to these shards. `relays_per_ip`: peers at one IP address before scores drop; 0: any number.
pub(crate) fn build(cluster: u16, shards: &[u16], max_message: usize, relays_per_ip: u32) -> Result<Relay, RelayError> {
    let config = config(max_message)?;
    let topics: Vec<IdentTopic> =
        shards.iter().map(|&shard| IdentTopic::new(Shard { cluster, shard }.to_string())).collect();
    let most = usize::from(Shard::MAX) + 1;
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(topics.iter().map(IdentTopic::hash).collect()),
        max_subscribed_topics: most,
        max_subscriptions_per_request: most,
    };
    let anonymous = MessageAuthenticity::Anonymous;
    let mut relay = Behaviour::new_with_subscription_filter(anonymous, config, filter).map_err(|_| RelayError)?;
    relay.with_peer_score(score(&topics, relays_per_ip), thresholds()).map_err(|_| RelayError)?;
    for topic in &topics {
        relay.subscribe(topic).map_err(|_| RelayError)?;
    }
    Ok(relay)
}

/// Number of peers subscribed to a topic: a message is sent to these.
pub(crate) fn peers(relay: &Relay, topic: &TopicHash) -> u32 {
    let count = relay.all_peers().filter(|(_, topics)| topics.contains(&topic)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Mesh peers of the shard with the fewest.
pub(crate) fn mesh(relay: &Relay) -> u32 {
    let sizes = relay.topics().map(|topic| relay.mesh_peers(topic).count());
    u32::try_from(sizes.min().unwrap_or_default()).unwrap_or(u32::MAX)
}

/// Peers that relay one of our shards.
pub(crate) fn relays(relay: &Relay) -> impl Iterator<Item = PeerId> {
    relay.all_peers().filter(|(_, topics)| !topics.is_empty()).map(|(peer, _)| *peer)
}

/// Whether a peer's score is so bad that its connection ends, as in nim nodes.
pub(crate) fn is_bad(relay: &Relay, peer: &PeerId) -> bool {
    relay.peer_score(peer).is_some_and(|score| score < GRAYLIST)
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
        .connection_handler_queue_len(QUEUE)
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

/// Loopback addresses are not counted, because only this machine uses them.
fn score(topics: &[IdentTopic], relays_per_ip: u32) -> PeerScoreParams {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
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
        topics: topics.iter().map(|name| (name.hash(), topic.clone())).collect(),
        ip_colocation_factor_weight: if relays_per_ip == 0 { 0.0 } else { -50.0 },
        ip_colocation_factor_threshold: f64::from(relays_per_ip.max(1)),
        ip_colocation_factor_whitelist: loopback.into(),
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
        graylist_threshold: GRAYLIST,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 0.0,
    }
}
