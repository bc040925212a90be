//! Relay links of service nodes: conditions that keep two known nodes from relaying to each other, and how they end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use sotto_wire::waku::protocol;
use support::peer::{Muxer, Peer};
use support::{Node, node_config, soon};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A node that dialled from its listening port could dial nobody while another address of the machine held a connection
/// on that port.
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

/// State of a path to a node.
#[derive(Clone, Copy)]
enum Way {
    Open,
    /// The near side learns of a cut, the far side does not.
    Closed,
    /// Open again, and the far side still does not learn of closed connections.
    Reopened,
}

async fn way_to(node: &Node) -> (String, watch::Sender<Way>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port().to_string();
    let mut address: Vec<&str> = node.tcp().split('/').collect();
    let to = format!("127.0.0.1:{}", address[4]);
    let (sets, way) = watch::channel(Way::Open);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, mut way) = (to.clone(), way.clone());
            if matches!(*way.borrow(), Way::Closed) {
                continue;
            }
            tokio::spawn(async move {
                let mut far = TcpStream::connect(&to).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => return,
                    _ = way.wait_for(|now| matches!(now, Way::Closed)) => drop(near),
                }
                let _ = way.wait_for(|now| matches!(now, Way::Open)).await;
            });
        }
    });
    address[4] = &own;
    (address.join("/"), sets)
}

/// A node's network changed, and the other side still holds the dead connection.
#[tokio::test]
async fn who_comes_again_is_told_our_shards_again() {
    let mut config = node_config();
    config.limits.relay_within = Duration::from_secs(2);
    let mut a = Node::start(config.clone()).await;
    let (address, way) = way_to(&a).await;
    config.peers = vec![address];
    let mut b = Node::start(config).await;
    for _ in 0..2 {
        a.relays(1).await;
        b.relays(1).await;
        way.send_replace(Way::Closed);
        b.connected(0).await;
        way.send_replace(Way::Reopened);
    }
    b.relays(1).await;
}

/// A node was restarted and is back before the other side noticed.
#[tokio::test]
async fn who_comes_again_at_once_is_told_too() {
    let mut config = node_config();
    config.limits.relay_within = Duration::from_secs(3600);
    let mut a = Node::start(config.clone()).await;
    let (address, way) = way_to(&a).await;
    config.peers = vec![address];
    let mut b = Node::start(config).await;
    a.relays(1).await;
    b.relays(1).await;
    way.send_replace(Way::Closed);
    b.connected(0).await;
    way.send_replace(Way::Reopened);
    b.connected(1).await;
    way.send_replace(Way::Open);
    b.relays(1).await;
    a.relays(1).await;
}

/// The peer claims to relay, accepts our messages, and subscribes to nothing.
#[tokio::test]
async fn who_never_subscribes_is_dialled_again_and_gives_way() {
    let mut mute = Peer::start(Muxer::Yamux, vec![]).await;
    mute.hold(protocol::RELAY);
    let good = Node::start(node_config()).await;
    let (address, way) = way_to(&good).await;
    way.send_replace(Way::Closed);
    let mut config = node_config();
    config.limits.relay_within = Duration::from_secs(1);
    config.peers = vec![mute.address.clone(), address];
    config.peers_at_once = 1;
    let mut node = Node::start(config).await;
    for _ in 0..2 {
        soon("a dial", mute.met.recv()).await.unwrap();
    }
    way.send_replace(Way::Open);
    node.relays(1).await;
}

/// Light clients, and peers that dialled us, need not relay, even if they are known as relays.
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
