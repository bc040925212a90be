//! Relay links of service nodes: what keeps two that know each other from relaying to each other, and how that ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::{Node, node_config};

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
