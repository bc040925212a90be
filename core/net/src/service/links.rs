//! Links to relay peers: whom to dial, and whose connection is of no use.

use std::time::Duration;

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::DialOpts;
use tokio::time::Instant;

use super::actor::{Actor, Done, Peer};
use super::relay;
use crate::exchange;

/// For a relay peer to give a sign of life.
const ALIVE_WITHIN: Duration = Duration::from_secs(15);

impl Actor {
    pub(super) fn dial_neighbours(&mut self, now: Instant) {
        for (peer, addresses) in self.neighbours.due(now) {
            let options = DialOpts::peer_id(peer)
                .addresses(addresses)
                .allocate_new_port() // ours at another address may be somebody's for a long time: then no dial goes out
                .build();
            if self.swarm.dial(options).is_err() && !self.peers.contains_key(&peer) {
                self.neighbours.lost(&peer, now);
            }
        }
    }

    /// A relay peer comes although it has been connected for a while: its other connections are dead and we have not heard
    /// of it, as when its network changed.
    pub(super) fn met_again(&mut self, peer: &PeerId, now: Instant) {
        let within = self.config.limits.relay_within;
        let again = |state: &Peer| now.saturating_duration_since(state.since) > within;
        if self.peers.get(peer).is_some_and(again) {
            self.begin_anew(peer);
        }
    }

    /// One of several connections of a peer is closed: if it was the first, the peer may have been restarted, and have come
    /// back before that was closed.
    pub(super) fn lost_first(&mut self, peer: &PeerId, connection: ConnectionId) {
        let state = self.peers.get_mut(peer);
        if state.is_some_and(|state| state.first.take_if(|first| *first == connection).is_some()) {
            self.begin_anew(peer);
        }
    }

    /// Gossipsub says on the first connection only to which shards it subscribes, and whoever has forgotten that one never
    /// hears it. So all connections of a relay peer end, and it comes again.
    pub(super) fn begin_anew(&mut self, peer: &PeerId) {
        if self.peers.get(peer).is_some_and(|state| state.relays) {
            log::debug!("a relay peer has come again");
            let _ = self.swarm.disconnect_peer_id(*peer);
        }
    }

    /// Ends the connections of relay peers that are dead or behave badly, and of those that were dialled and do not relay: a
    /// mesh full of them hears nothing.
    pub(super) fn look_after_relays(&mut self, now: Instant) {
        let relay = &self.swarm.behaviour().relay;
        let (mut bad, mut silent) = (Vec::new(), Vec::new());
        for peer in relay::relays(relay) {
            if relay::is_bad(relay, &peer) {
                bad.push(peer);
                continue;
            }
            self.neighbours.relays(&peer, now);
            if let Some(state) = self.peers.get_mut(&peer)
                && state.alive.ask(now)
            {
                silent.push(peer);
            }
        }
        for peer in self.neighbours.useless(now) {
            log::debug!("a peer that was dialled does not relay");
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        for peer in bad {
            log::warn!("a relay peer behaves badly: its connection ends");
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        for peer in silent {
            let opener = self.opener.clone();
            self.work
                .push(Box::pin(async move { Done::Alive(peer, exchange::lives(&opener, peer, ALIVE_WITHIN).await) }));
        }
    }
}
