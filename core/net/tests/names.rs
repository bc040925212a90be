//! Names are resolved by the given servers, as on Android, which has no others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sotto_net::{FailReason, PublishOutcome};
use support::tree::record_at;
use support::{Client, Node, TOPIC, alone, net_config, single};
use tokio::net::UdpSocket;

/// Answers every query for an IPv4 address with 127.0.0.1, and any other query with nothing.
async fn name_server() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buf = [0; 512];
        loop {
            let (len, from) = socket.recv_from(&mut buf).await.unwrap();
            let name_end = 12 + buf[12..len].iter().position(|&b| b == 0).unwrap();
            let question = &buf[12..name_end + 5];
            let is_a = buf[name_end + 1..name_end + 3] == [0, 1];
            let mut answer = buf[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
            answer.extend(question);
            if is_a {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_name_only_the_given_server_knows() {
    let node = Node::start(alone()).await;
    let named = node.tcp().replace("/ip4/127.0.0.1/", "/dns4/node.example.org/");
    let mut config = single(&named);
    config.dns_servers = vec![name_server().await];
    let mut client = Client::start(config);
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
}

/// Connections to a port of this device.
async fn lan() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

/// A stranger names a node whose host name leads into our own network. `inside`: the stranger is in it too.
async fn dialled(inside: bool) -> usize {
    let (port, count) = lan().await;
    let mut config = alone();
    let address = |text: &str| text.parse::<libp2p::Multiaddr>().unwrap().to_vec();
    let tcp = address(&format!("/dns4/evil.example.org/tcp/{port}"));
    let ws = address(&format!("/dns/evil.example.org/tcp/{port}/ws"));
    let literal = address(&format!("/ip4/127.0.0.1/tcp/{port}"));
    // One private address among public ones is not dialled either.
    config.records = vec![
        record_at(&[1; 32], std::slice::from_ref(&tcp)),
        record_at(&[2; 32], &[ws]),
        record_at(&[3; 32], &[literal, tcp]),
    ];
    let node = Node::start(config).await;
    let address = match inside {
        true => node.tcp().to_owned(),
        false => node.tcp().replace("/ip4/127.0.0.1/", "/dns4/node.example.org/"),
    };
    let mut config = net_config(&[&address]);
    config.dns_servers = vec![name_server().await];
    config.timing.reach = Duration::from_secs(3);
    config.timing.redial = Duration::from_millis(50);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    // One of the named nodes is the only publish node.
    for id in 0..3 {
        client.publish(id, vec![1; 512]).await;
        let (outcome, node, _) = client.published().await;
        assert_eq!(node, None);
        assert!(matches!(outcome, PublishOutcome::Failed(FailReason::NoNode | FailReason::Timeout)));
    }
    count.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_strangers_name_does_not_lead_into_our_own_network() {
    assert_eq!(dialled(false).await, 0);
}

#[tokio::test]
async fn who_is_in_our_network_may_name_others_there() {
    assert!(dialled(true).await > 0);
}
