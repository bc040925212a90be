//! A peer that follows a script, on a stack that shares no code with ours but libp2p.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, identify, noise, tcp, yamux};
use sotto_wire::waku::{self, Message, WakuMetadata, protocol};
use tokio::sync::mpsc;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    identify: identify::Behaviour,
    streams: libp2p_stream::Behaviour,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Muxer {
    Yamux,
    Mplex,
}

/// The answer to a request, as a frame.
pub(crate) type Script = Arc<dyn Fn(PeerId, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// A push in flight.
pub(crate) type Pushing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A scripted peer.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: String,
    /// Peers that connected.
    pub(crate) met: mpsc::UnboundedReceiver<PeerId>,
    /// Peers that asked for our metadata, unless a script answers that.
    pub(crate) asked: mpsc::UnboundedReceiver<PeerId>,
    /// Addresses of other peers, from their identify.
    pub(crate) told: mpsc::UnboundedReceiver<Vec<Multiaddr>>,
    control: libp2p_stream::Control,
    dials: mpsc::UnboundedSender<Multiaddr>,
}

fn swarm(muxer: Muxer, agent: &str) -> Swarm<Behaviour> {
    let builder = SwarmBuilder::with_existing_identity(Keypair::generate_ed25519()).with_tokio();
    let behaviour = |key: &Keypair| Behaviour {
        identify: identify::Behaviour::new(
            identify::Config::new("x/1".into(), key.public()).with_agent_version(agent.into()),
        ),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config = tcp::Config::new();
    let forever = Duration::from_secs(3600);
    match muxer {
        Muxer::Yamux => builder
            .with_tcp(config, noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(behaviour)
            .unwrap()
            .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(forever))
            .build(),
        Muxer::Mplex => builder
            .with_tcp(config, noise::Config::new, libp2p_mplex::Config::default)
            .unwrap()
            .with_behaviour(behaviour)
            .unwrap()
            .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(forever))
            .build(),
    }
}

impl Peer {
    /// A peer with metadata of the tests' cluster and these scripts.
    pub(crate) async fn start(muxer: Muxer, scripts: Vec<(&'static str, Script)>) -> Self {
        Self::start_as("scripted", muxer, scripts).await
    }

    /// The same with another agent.
    pub(crate) async fn start_as(agent: &str, muxer: Muxer, scripts: Vec<(&'static str, Script)>) -> Self {
        let mut swarm = swarm(muxer, agent);
        let id = *swarm.local_peer_id();
        let control = swarm.behaviour().streams.new_control();
        let mut all: HashMap<&str, Script> = scripts.into_iter().collect();
        let ours = waku::encode_framed(&WakuMetadata::new(super::CLUSTER, &[0]));
        let (asking, asked) = mpsc::unbounded_channel();
        all.entry(protocol::METADATA).or_insert_with(|| {
            Arc::new(move |peer, _| {
                let _ = asking.send(peer);
                ours.clone()
            })
        });
        for (protocol, script) in all {
            let mut control = control.clone();
            let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
            tokio::spawn(async move {
                while let Some((peer, stream)) = incoming.next().await {
                    tokio::spawn(serve(peer, stream, Arc::clone(&script)));
                }
            });
        }
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break format!("{address}/p2p/{id}");
            }
        };
        let (seen, met) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        let (dials, mut wanted) = mpsc::unbounded_channel::<Multiaddr>();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    dial = wanted.recv() => match dial {
                        Some(address) => {
                            // Another address of the machine may hold the port it listens on.
                            let to = DialOpts::unknown_peer_id().address(address);
                            swarm.dial(to.allocate_new_port().build()).unwrap();
                        }
                        None => return,
                    },
                    event = swarm.select_next_some() => match event {
                        SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                            let _ = seen.send(peer_id);
                        }
                        SwarmEvent::Behaviour(BehaviourEvent::Identify(
                            identify::Event::Received { info, .. },
                        )) => {
                            let _ = tell.send(info.listen_addrs);
                        }
                        _ => {}
                    }
                }
            }
        });
        Self { id, address, met, asked, told, control, dials }
    }

    /// Accepts streams of a protocol and reads nothing from them.
    pub(crate) fn hold(&self, protocol: &'static str) {
        let mut control = self.control.clone();
        let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Some((_, stream)) = incoming.next().await {
                held.push(stream);
            }
        });
    }

    /// Answers one byte at a time, `pace` apart, and counts requests.
    pub(crate) fn drip(&self, protocol: &'static str, pace: Duration, answer: Vec<u8>, counted: Arc<AtomicUsize>) {
        let mut control = self.control.clone();
        let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        tokio::spawn(async move {
            while let Some((_, mut stream)) = incoming.next().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    for byte in answer {
                        let written = stream.write_all(&[byte]).await;
                        if written.is_err() || stream.flush().await.is_err() {
                            return;
                        }
                        tokio::time::sleep(pace).await;
                    }
                });
            }
        });
    }

    /// Pushes a frame to a subscriber, on a stream of its own.
    pub(crate) fn pusher(&self) -> impl Fn(PeerId, Vec<u8>) -> Pushing + Send + 'static {
        let control = self.control.clone();
        move |peer, frame| {
            let mut control = control.clone();
            Box::pin(async move {
                let protocol = StreamProtocol::new(protocol::FILTER_PUSH);
                if let Ok(mut stream) = control.open_stream(peer, protocol).await {
                    let _ = stream.write_all(&frame).await;
                    let _ = stream.close().await;
                }
            })
        }
    }

    pub(crate) async fn dial(&mut self, address: &str) -> PeerId {
        self.dials.send(address.parse().unwrap()).unwrap();
        super::soon("a connection", self.met.recv()).await.unwrap()
    }

    /// A stream for arbitrary bytes.
    pub(crate) async fn open(&mut self, peer: PeerId, protocol: &'static str) -> Stream {
        let opened = self.control.open_stream(peer, StreamProtocol::new(protocol));
        super::soon("a stream", opened).await.unwrap()
    }

    /// The same to a peer that may refuse it or be gone.
    pub(crate) async fn try_open(&mut self, peer: PeerId, protocol: &'static str) -> Option<Stream> {
        let opened = self.control.open_stream(peer, StreamProtocol::new(protocol));
        super::soon("a stream, or none", opened).await.ok()
    }

    /// One request, one answer.
    pub(crate) async fn ask<A: Message + Default>(
        &mut self,
        peer: PeerId,
        protocol: &'static str,
        request: &impl Message,
    ) -> A {
        let opened = self.control.open_stream(peer, StreamProtocol::new(protocol));
        let mut stream = opened.await.unwrap();
        stream.write_all(&waku::encode_framed(request)).await.unwrap();
        stream.close().await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        super::soon("an answer", read).await.unwrap();
        waku::decode_framed(&answer, 1 << 24).unwrap()
    }

    /// Writes on a stream and reads until its end, which may be a reset.
    pub(crate) async fn say(&mut self, peer: PeerId, protocol: &'static str, bytes: &[u8]) -> Vec<u8> {
        let opened = self.control.open_stream(peer, StreamProtocol::new(protocol));
        let mut stream = opened.await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.close().await;
        let mut answer = Vec::new();
        let _ = super::soon("the end of a stream", stream.read_to_end(&mut answer)).await;
        answer
    }

    /// The first frame of each stream that others open for a protocol; further bytes are not read.
    pub(crate) fn first_frames(&self, protocol: &'static str) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (sender, frames) = mpsc::unbounded_channel();
        let mut control = self.control.clone();
        let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        tokio::spawn(async move {
            while let Some((_, mut stream)) = incoming.next().await {
                if let Some(body) = read_frame(&mut stream).await {
                    let _ = sender.send(body);
                }
                let _ = stream.close().await;
            }
        });
        frames
    }

    /// The same, except that the first stream is reset after its first frame.
    pub(crate) fn frames_after_a_reset(&self, protocol: &'static str) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (sender, frames) = mpsc::unbounded_channel();
        let mut control = self.control.clone();
        let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        tokio::spawn(async move {
            let (_, mut first) = incoming.next().await.unwrap();
            assert!(read_frame(&mut first).await.is_some());
            drop(first);
            while let Some((_, mut stream)) = incoming.next().await {
                while let Some(body) = read_frame(&mut stream).await {
                    let _ = sender.send(body);
                }
            }
        });
        frames
    }

    /// Frames of the streams that others open for a protocol.
    pub(crate) fn frames(&self, protocol: &'static str) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (sender, frames) = mpsc::unbounded_channel();
        let mut control = self.control.clone();
        let mut incoming = control.accept(StreamProtocol::new(protocol)).unwrap();
        tokio::spawn(async move {
            while let Some((_, mut stream)) = incoming.next().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    while let Some(body) = read_frame(&mut stream).await {
                        let _ = sender.send(body);
                    }
                });
            }
        });
        frames
    }
}

fn serve(peer: PeerId, mut stream: Stream, script: Script) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if let Some(body) = read_frame(&mut stream).await {
            let _ = stream.write_all(&script(peer, body)).await;
            let _ = stream.close().await;
        }
    })
}

async fn read_frame(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok()?;
        head.extend(byte);
        if let Some(header) = waku::frame_header(&head, 1 << 24).unwrap() {
            let mut body = vec![0; header.body];
            stream.read_exact(&mut body).await.ok()?;
            return Some(body);
        }
    }
}
