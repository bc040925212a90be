//! The swarm of a service node.

use libp2p::swarm::NetworkBehaviour;
use libp2p::{Multiaddr, Swarm, connection_limits, identify};
use sotto_wire::waku::protocol;

use super::config::{Limits, NodeConfig, NodeKey};
use super::relay::{self, Relay};
use super::{StartError, per_ip};
use crate::exchange::PING;
use crate::streams::{self, Opener};
use crate::transport::{self, Insiders};

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    per_ip: per_ip::Behaviour,
    identify: identify::Behaviour,
    pub(super) relay: Relay,
    streams: streams::Behaviour,
}

/// A swarm without listeners, and the handle that opens streams in it.
pub(super) fn build(
    config: &NodeConfig,
    key: &NodeKey,
    announced: &[Multiaddr],
    insiders: &Insiders,
) -> Result<(Swarm<Behaviour>, Opener), StartError> {
    let key = key.keypair();
    let stack = |error: Box<dyn std::error::Error + Send + Sync>| StartError::Stack(error);
    let Limits { streams, relays_per_ip, connections, connections_per_ip, idle, .. } = config.limits;
    let (servers, traffic) = (&config.dns_servers, &config.traffic);
    let transport =
        transport::build(&key, servers, streams, traffic, insiders).map_err(|error| stack(Box::new(error)))?;
    let relay = relay::build(config.cluster, &config.sharding.list(), config.max_message, relays_per_ip)
        .map_err(|error| stack(Box::new(error)))?;
    let mut accepted = vec![PING, protocol::METADATA, protocol::FILTER_SUBSCRIBE];
    accepted.extend([protocol::LIGHTPUSH_V3, protocol::LIGHTPUSH_V2, protocol::PEER_EXCHANGE]);
    accepted.extend(config.store.then_some(protocol::STORE));
    let streams = streams::Behaviour::new(&accepted, false);
    let opener = streams.opener();
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established(Some(connections))
        .with_max_pending_incoming(Some(per_ip::PENDING))
        .with_max_established_per_peer(Some(2)); // both sides may dial at once
    let identify = transport::identify(key.public()).with_hide_listen_addrs(!announced.is_empty());
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        per_ip: per_ip::Behaviour::new(connections_per_ip),
        identify: identify::Behaviour::new(identify),
        relay,
        streams,
    };
    let swarm_config = transport::swarm_config().with_idle_connection_timeout(idle);
    let mut swarm = Swarm::new(transport, behaviour, key.public().to_peer_id(), swarm_config);
    for address in announced {
        swarm.add_external_address(address.clone());
    }
    Ok((swarm, opener))
}
