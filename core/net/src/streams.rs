//! Raw streams for request protocols: opens streams to connected peers, and accepts streams of a fixed set of
//! protocols.
//!
//! libp2p-stream does not fit: it keeps a sender for every connection there ever was, and resets an inbound stream
//! whenever the accepting task is one stream behind. Here nothing outlives its connection, and every inbound stream
//! reaches the swarm's owner, within the muxer's limit.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt as _;
use futures::future::{Ready, ready};
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::core::{Endpoint, UpgradeInfo};
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{InboundUpgrade, Multiaddr, PeerId, Stream, StreamProtocol};
use tokio::sync::{mpsc, oneshot};

/// Most stream openings that wait for the swarm.
const OPENINGS: usize = 64;

#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) peer: PeerId,
    pub(crate) protocol: StreamProtocol,
    pub(crate) stream: Stream,
}

type Opening = (StreamProtocol, Reply);
type Reply = oneshot::Sender<(Stream, Turn)>;

/// While this is held, no other stream to the peer is opened. Held until a request is written, it keeps requests
/// roughly in order; the muxer alone prefers the latest.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "that it is dropped is what it says")] oneshot::Sender<()>);

/// Opens streams from outside of the task that owns the swarm.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    openings: mpsc::Sender<(PeerId, Opening)>,
}

impl Opener {
    /// Opens a stream to a connected peer. Negotiation is lazy: a missing protocol shows only at the first read.
    pub(crate) async fn open(&self, peer: PeerId, protocol: StreamProtocol) -> io::Result<(Stream, Turn)> {
        let (reply, stream) = oneshot::channel();
        self.openings.send((peer, (protocol, reply))).await.map_err(|_| io::ErrorKind::NotConnected)?;
        Ok(stream.await.map_err(|_| io::ErrorKind::NotConnected)?)
    }
}

/// The behaviour; its events are [`Inbound`] streams.
pub(crate) struct Behaviour {
    accepted: Arc<[StreamProtocol]>,
    keep: bool,
    connections: HashMap<PeerId, Vec<ConnectionId>>,
    wanted: mpsc::Receiver<(PeerId, Opening)>,
    opener: Opener,
    events: VecDeque<ToSwarm<Inbound, Opening>>,
}

impl Behaviour {
    /// A behaviour that accepts these protocols for its whole life. `keep`: connections stay without traffic.
    pub(crate) fn new(accepted: &[&'static str], keep: bool) -> Self {
        let (openings, wanted) = mpsc::channel(OPENINGS);
        Self {
            accepted: accepted.iter().map(|&protocol| StreamProtocol::new(protocol)).collect(),
            keep,
            connections: HashMap::new(),
            wanted,
            opener: Opener { openings },
            events: VecDeque::new(),
        }
    }

    pub(crate) fn opener(&self) -> Opener {
        self.opener.clone()
    }

    fn handler(&self) -> Handler {
        Handler {
            accepted: Arc::clone(&self.accepted),
            keep: self.keep,
            outbound: VecDeque::new(),
            opening: false,
            turn: None,
            inbound: VecDeque::new(),
            waker: None,
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Inbound;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished { peer_id, connection_id, .. }) => {
                self.connections.entry(peer_id).or_default().push(connection_id)
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                if let Some(ids) = self.connections.get_mut(&peer_id) {
                    ids.retain(|id| *id != connection_id);
                    if ids.is_empty() {
                        self.connections.remove(&peer_id);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _: ConnectionId,
        (protocol, stream): THandlerOutEvent<Self>,
    ) {
        self.events.push_back(ToSwarm::GenerateEvent(Inbound { peer, protocol, stream }));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(event);
        }
        while let Poll::Ready(Some((peer, opening))) = self.wanted.poll_recv(cx) {
            // The peer is not connected; dropping the reply reports it.
            if let Some(id) = self.connections.get(&peer).and_then(|ids| ids.last()) {
                return Poll::Ready(ToSwarm::NotifyHandler {
                    peer_id: peer,
                    handler: NotifyHandler::One(*id),
                    event: opening,
                });
            }
        }
        Poll::Pending
    }
}

pub(crate) struct Handler {
    accepted: Arc<[StreamProtocol]>,
    keep: bool,
    outbound: VecDeque<Opening>,
    /// Whether an opening is pending. Only one runs at a time, or the swarm opens the latest first. With lazy
    /// negotiation that costs nothing.
    opening: bool,
    /// The turn of the last opening.
    turn: Option<oneshot::Receiver<()>>,
    inbound: VecDeque<(StreamProtocol, Stream)>,
    waker: Option<Waker>,
}

impl Handler {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Opening;
    type ToBehaviour = (StreamProtocol, Stream);
    type InboundProtocol = Accept;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(Accept(Arc::clone(&self.accepted)), ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.keep
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Reply, Self::ToBehaviour>> {
        if let Some(inbound) = self.inbound.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(inbound));
        }
        if let Some(turn) = &mut self.turn
            && turn.poll_unpin(cx).is_ready()
        {
            self.turn = None;
        }
        if !self.opening
            && self.turn.is_none()
            && let Some((protocol, reply)) = self.outbound.pop_front()
        {
            self.opening = true;
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(ReadyUpgrade::new(protocol), reply),
            });
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, opening: Self::FromBehaviour) {
        self.outbound.push_back(opening);
        self.wake();
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Reply>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, .. }) => {
                self.inbound.push_back(protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol: stream, info: reply }) => {
                let (turn, over) = oneshot::channel();
                self.opening = false;
                self.turn = Some(over);
                let _ = reply.send((stream, Turn(turn))); // nobody waits any more, so the stream is reset
            }
            ConnectionEvent::DialUpgradeError(_) => self.opening = false,
            _ => return,
        }
        self.wake();
    }
}

pub(crate) struct Accept(Arc<[StreamProtocol]>);

impl UpgradeInfo for Accept {
    type Info = StreamProtocol;
    type InfoIter = Vec<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.to_vec()
    }
}

impl InboundUpgrade<Stream> for Accept {
    type Output = (StreamProtocol, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: Self::Info) -> Self::Future {
        ready(Ok((protocol, stream)))
    }
}
