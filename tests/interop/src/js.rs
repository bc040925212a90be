//! js-waku and the js-libp2p service peer.

use std::path::Path;
use std::process::Command;

use crate::{CLUSTER, Peer, SHARD};

/// js-waku's light node.
pub fn light(cluster: u16) -> Peer {
    start("js-waku", "light.mjs", cluster, &[])
}

/// The service peer on js-libp2p.
pub fn service() -> Peer {
    start("js service peer", "service.mjs", CLUSTER, &[])
}

/// The same with a store that gives no more than so many messages a page, whatever is asked.
pub fn service_with_pages_of(largest: usize) -> Peer {
    let largest = largest.to_string();
    start("js service peer", "service.mjs", CLUSTER, &[&largest])
}

fn start(name: &str, script: &str, cluster: u16, more: &[&str]) -> Peer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    assert!(
        folder.join("node_modules").is_dir(),
        "tests/interop/js/node_modules is missing: ./scripts/setup installs it"
    );
    let mut node = Command::new("node");
    node.current_dir(folder)
        .args(["--import", "./polyfill.mjs", script])
        .args([cluster.to_string(), SHARD.to_string()])
        .args(more);
    Peer::start(name, node)
}
