//! A handmade peer from Noise upwards. It frames freely, within a muxer's rules or not.

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::core::Transport as _;
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::upgrade::OutboundConnectionUpgrade as _;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{noise, tcp};

use super::soon;

pub(crate) const YAMUX: &str = "/yamux/1.0.0";
pub(crate) const MPLEX: &str = "/mplex/6.7.0";

// yamux frame types and flags.
pub(crate) const DATA: u8 = 0;
pub(crate) const WINDOW_UPDATE: u8 = 1;
pub(crate) const SYN: u16 = 1;
pub(crate) const RST: u16 = 8;

type Socket = noise::Output<tcp::tokio::TcpStream>;

pub(crate) struct Raw(Socket);

impl Raw {
    /// Dials a node and negotiates Noise and a muxer.
    pub(crate) async fn dial(address: &str, muxer: &str) -> Self {
        let mut address: Multiaddr = address.parse().unwrap();
        assert!(matches!(address.pop(), Some(Protocol::P2p(_))));
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let dial = tcp::tokio::Transport::default().dial(address, options);
        let mut socket = dial.unwrap().await.unwrap();
        agree(&mut socket, "/noise").await;
        let key = Keypair::generate_ed25519();
        let noise = noise::Config::new(&key).unwrap();
        let (_, mut socket) = noise.upgrade_outbound(socket, "/noise").await.unwrap();
        agree(&mut socket, muxer).await;
        Self(socket)
    }

    /// Writes bytes; false after the node has hung up.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        let write = async { self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok() };
        // A node that stops reading has not hung up, and that is fine too.
        tokio::time::timeout(std::time::Duration::from_secs(5), write).await.unwrap_or(false)
    }
}

async fn agree<S: futures::AsyncRead + futures::AsyncWrite + Unpin>(socket: &mut S, id: &str) {
    for line in ["/multistream/1.0.0", id] {
        let mut said = vec![u8::try_from(line.len() + 1).unwrap()];
        said.extend(line.as_bytes());
        said.push(b'\n');
        socket.write_all(&said).await.unwrap();
        socket.flush().await.unwrap();
        let mut echo = vec![0; said.len()];
        soon("agreement", socket.read_exact(&mut echo)).await.unwrap();
        assert_eq!(echo, said);
    }
}

/// A yamux frame; `len` is a length or a credit, by its type.
pub(crate) fn yamux(kind: u8, flags: u16, stream: u32, len: u32, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, kind];
    frame.extend(flags.to_be_bytes());
    frame.extend(stream.to_be_bytes());
    frame.extend(len.to_be_bytes());
    frame.extend(body);
    frame
}

/// Memory of this process, bytes.
pub(crate) fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * 1024
}
