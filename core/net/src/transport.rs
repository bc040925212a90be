//! TCP and WebSocket, DNS by given servers, Noise, yamux or mplex.
//!
//! `SwarmBuilder::with_websocket` would always build a system resolver, which an Android process does not have. Here
//! the first dial that needs a name builds the resolver, and the system's configuration is read only without configured
//! servers; if that fails, only this dial fails. A name may lead into a private network only for [`Insiders`], because
//! strangers can name anything.

use std::collections::HashSet;
use std::io;
use std::num::NonZeroU8;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt as _, TryFutureExt as _};
use hickory_resolver::config::NameServerConfig;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::core::upgrade::{SelectUpgrade, Version};
use libp2p::identity::{Keypair, PublicKey};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, Transport as _, dns, identify, noise, swarm, tcp, websocket, yamux};
use libp2p_mplex as mplex;

use crate::address::{is_private, needs_dns};
use crate::names;
use crate::traffic::{Counted, Traffic};

/// Time limit for TCP, WebSocket, Noise and muxer together.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest WebSocket message read; Noise frames have at most 64 KiB.
const WEBSOCKET_FRAME: usize = 1024 * 1024;

/// Interval of identify pushes: never, because the content does not change.
const IDENTIFY_EVERY: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

type Socket = Counted<tcp::tokio::TcpStream>;

#[derive(Debug, thiserror::Error)]
#[error("no Noise keys")]
pub(crate) struct TransportSetupError(#[source] noise::Error);

/// Peers whose names may lead into a private network or to this device: configured, or named inside such a network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Insiders(Arc<Mutex<HashSet<PeerId>>>);

impl Insiders {
    const MOST: usize = 4096;

    pub(crate) fn add(&self, peer: PeerId) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() < Self::MOST {
            peers.insert(peer);
        }
    }

    fn has(&self, address: &Multiaddr) -> bool {
        let peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(address.iter().last(), Some(Protocol::P2p(peer)) if peers.contains(&peer))
    }
}

/// The whole stack for one key. `streams` bounds the streams of a connection.
pub(crate) fn build(
    key: &Keypair,
    dns_servers: &[String],
    streams: usize,
    traffic: &Arc<Traffic>,
    insiders: &Insiders,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, TransportSetupError> {
    let servers = names::servers(dns_servers);
    let noise = noise::Config::new(key).map_err(TransportSetupError)?;
    let mut ws = websocket::Config::new(Tcp::new(servers.clone(), traffic, insiders));
    ws.set_max_data_size(WEBSOCKET_FRAME);
    let (mut yamux, mut mplex) = (yamux::Config::default(), mplex::Config::new());
    yamux.set_max_num_streams(streams);
    mplex.set_max_num_streams(streams);
    Ok(ws
        .or_transport(Tcp::new(servers, traffic, insiders))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(SelectUpgrade::new(yamux, mplex)) // js-waku supports only mplex
        .timeout(SETUP_TIMEOUT)
        .boxed())
}

/// Settings of all swarms. Lazy negotiation saves a round trip and its packets on every stream.
pub(crate) fn swarm_config() -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_substream_upgrade_protocol_override(Version::V1Lazy)
        .with_dial_concurrency_factor(NonZeroU8::MIN)
        .with_max_negotiating_inbound_streams(32)
}

/// Settings of identify: the same for every install, sent once a connection.
pub(crate) fn identify(key: PublicKey) -> identify::Config {
    identify::Config::new("waku/2.0.0".into(), key) // as Waku nodes announce it
        .with_agent_version("sotto".into())
        .with_interval(IDENTIFY_EVERY)
        .with_cache_size(0)
}

fn tcp_sockets(traffic: &Arc<Traffic>) -> Boxed<Socket> {
    let traffic = Arc::clone(traffic);
    tcp::tokio::Transport::new(tcp::Config::new().nodelay(true))
        .map(move |socket, _| Counted::new(socket, Arc::clone(&traffic)))
        .boxed()
}

/// TCP that resolves names as it dials, or that dials resolved addresses.
struct Tcp {
    sockets: Boxed<Socket>,
    /// Whether private addresses may be dialled.
    inside: bool,
    /// `None`: addresses are resolved already.
    names: Option<Names>,
}

struct Names {
    /// One transport for insiders, one for all others.
    resolving: [Option<Box<dns::tokio::Transport<Tcp>>>; 2],
    insiders: Insiders,
    servers: Vec<NameServerConfig>,
    traffic: Arc<Traffic>,
}

impl Tcp {
    fn new(servers: Vec<NameServerConfig>, traffic: &Arc<Traffic>, insiders: &Insiders) -> Self {
        let (insiders, traffic) = (insiders.clone(), Arc::clone(traffic));
        Self {
            sockets: tcp_sockets(&traffic),
            inside: true,
            names: Some(Names { resolving: [None, None], insiders, servers, traffic }),
        }
    }
}

impl Names {
    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> BoxFuture<'static, io::Result<Socket>> {
        let inside = self.insiders.has(&address);
        let [insiders, others] = &mut self.resolving;
        let resolving = if inside { insiders } else { others };
        if resolving.is_none() {
            match names::resolver(&self.servers) {
                Ok((config, opts)) => {
                    let tcp = Tcp { sockets: tcp_sockets(&self.traffic), inside, names: None };
                    *resolving = Some(Box::new(dns::tokio::Transport::custom(tcp, config, opts)));
                }
                Err(error) => return future::ready(Err(error)).boxed(),
            }
        }
        match resolving.as_mut().map(|dns| dns.dial(address, options)) {
            Some(Ok(dial)) => dial.map_err(io::Error::other).boxed(),
            _ => future::ready(Err(io::ErrorKind::Unsupported.into())).boxed(),
        }
    }
}

impl libp2p::Transport for Tcp {
    type Output = Socket;
    type Error = io::Error;
    type ListenerUpgrade = <Boxed<Socket> as libp2p::Transport>::ListenerUpgrade;
    type Dial = BoxFuture<'static, io::Result<Socket>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<Self::Error>> {
        self.sockets.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.sockets.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<Self::Error>> {
        match &mut self.names {
            Some(names) if needs_dns(&address) => Ok(names.dial(address, options)),
            None if !self.inside && is_private(&address) => {
                log::debug!("a stranger's name leads into a private network");
                Err(TransportError::Other(io::ErrorKind::PermissionDenied.into()))
            }
            _ => self.sockets.dial(address, options),
        }
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.sockets).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    use super::*;

    #[tokio::test]
    async fn what_a_strangers_name_may_turn_out_to_be() {
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::Reuse };
        let refused = |inside: bool, text: &str| {
            let mut resolved = Tcp { sockets: tcp_sockets(&Arc::default()), inside, names: None };
            let address = text.parse().unwrap();
            libp2p::Transport::dial(&mut resolved, address, options).is_err()
        };
        for text in ["/ip4/192.168.1.1/tcp/80", "/ip6/::ffff:127.0.0.1/tcp/80", "/ip6/fd00::1/tcp/80"] {
            assert!(refused(false, text) && !refused(true, text), "{text}");
        }
        assert!(!refused(false, "/ip4/64.225.80.192/tcp/80"));
    }

    #[test]
    fn insiders_are_known_by_the_end_of_the_address() {
        let (insiders, peer) = (Insiders::default(), PeerId::random());
        let at = |peer: PeerId| format!("/dns4/a.b/tcp/1/p2p/{peer}").parse().unwrap();
        assert!(!insiders.has(&at(peer)));
        insiders.add(peer);
        assert!(insiders.has(&at(peer)) && !insiders.has(&at(PeerId::random())));
        assert!(!insiders.has(&"/dns4/a.b/tcp/1".parse().unwrap()));
    }
}
