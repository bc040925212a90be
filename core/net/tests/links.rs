//! Relay links of service nodes: what keeps two that know each other from relaying to each other, and how that ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::future::pending;
use std::time::Duration;

use sotto_wire::waku::protocol;
use support::peer::{Muxer, Peer};
use support::{Node, node_config, soon};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A node that dialled from the port it listens on could dial nobody as long as anyone has that port at another address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_port_that_is_taken_at_another_address_stops_no_dial() {
    let mut a = Node::start(node_config()).await;
    let stranger = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let mut config = node_config();
    config.listen = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
    config.peers = vec![a.tcp().to_owned()];
    let mut b = Node::start(config).await;
    a.relays(1).await;
    b.relays(1).await;
}

/// A way to a node that can be closed: the near side hears of it, the far side does not.
async fn way_to(node: &Node) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port().to_string();
    let mut address: Vec<&str> = node.tcp().split('/').collect();
    let to = format!("127.0.0.1:{}", address[4]);
    let (open, way) = watch::channel(true);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, mut way) = (to.clone(), way.clone());
            if !*way.borrow() {
                continue;
            }
            tokio::spawn(async move {
                let mut far = TcpStream::connect(&to).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => return,
                    _ = way.wait_for(|open| !open) => drop(near),
                }
                pending::<()>().await;
            });
        }
    });
    address[4] = &own;
    (address.join("/"), open)
}

/// The network changed under a node and the other still holds the old connection, on which nothing comes any more.
#[tokio::test]
async fn who_comes_again_is_told_our_shards_again() {
    let mut config = node_config();
    config.limits.relay_within = Duration::from_secs(2);
    let mut a = Node::start(config.clone()).await;
    let (way, open) = way_to(&a).await;
    config.peers = vec![way];
    let mut b = Node::start(config).await;
    for _ in 0..2 {
        a.relays(1).await;
        b.relays(1).await;
        open.send_replace(false);
        b.connected(0).await;
        open.send_replace(true);
    }
    b.relays(1).await;
}

/// It says that it relays, takes what we say, and subscribes to nothing.
#[tokio::test]
async fn who_never_subscribes_is_dialled_again_and_gives_way() {
    let mut mute = Peer::start(Muxer::Yamux, vec![]).await;
    mute.hold(protocol::RELAY);
    let good = Node::start(node_config()).await;
    let (way, open) = way_to(&good).await;
    open.send_replace(false);
    let mut config = node_config();
    config.limits.relay_within = Duration::from_secs(1);
    config.peers = vec![mute.address.clone(), way];
    config.peers_at_once = 1;
    let mut node = Node::start(config).await;
    for _ in 0..2 {
        soon("a dial", mute.met.recv()).await.unwrap();
    }
    open.send_replace(true);
    node.relays(1).await;
}

/// Light clients and others who come by themselves need not relay, though they be known as relays.
#[tokio::test]
async fn who_dialled_us_stays_without_relaying() {
    let mut mute = Peer::start(Muxer::Yamux, vec![]).await;
    mute.hold(protocol::RELAY);
    let mut config = node_config();
    config.limits.relay_within = Duration::ZERO;
    config.peers = vec![mute.address.clone()];
    config.peers_at_once = 0;
    let mut node = Node::start(config).await;
    mute.dial(node.tcp()).await;
    node.connected(1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(node.peers.borrow().0, 1);
}
