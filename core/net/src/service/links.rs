//! Links to relay peers: whom to dial, and whose connection is of no use.

use std::time::Duration;

use libp2p::swarm::dial_opts::DialOpts;
use tokio::time::Instant;

use super::actor::{Actor, Done};
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

    /// Ends the connections of relay peers that are dead or behave badly: a mesh full of them hears nothing.
    pub(super) fn look_after_relays(&mut self, now: Instant) {
        let relay = &self.swarm.behaviour().relay;
        let (mut bad, mut silent) = (Vec::new(), Vec::new());
        for peer in relay::relays(relay) {
            if relay::is_bad(relay, &peer) {
                bad.push(peer);
            } else if let Some(state) = self.peers.get_mut(&peer)
                && state.alive.ask(now)
            {
                silent.push(peer);
            }
        }
        for peer in bad {
            log::warn!("a relay peer behaves badly: its connection ends");
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        for peer in silent {
            let opener = self.opener.clone();
            self.work.push(Box::pin(async move {
                Done::Alive(peer, exchange::lives(&opener, peer, ALIVE_WITHIN).await)
            }));
        }
    }
}
