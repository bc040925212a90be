//! Names are resolved by the servers given, as on Android, where there are no others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use sotto_net::PublishOutcome;
use support::{Client, Node, alone, single};
use tokio::net::UdpSocket;

/// Answers every query for an IPv4 address with 127.0.0.1, every other with nothing.
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
    let named = node
        .tcp()
        .replace("/ip4/127.0.0.1/", "/dns4/node.example.org/");
    let mut config = single(&named);
    config.dns_servers = vec![name_server().await];
    let mut client = Client::start(config);
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
}
