//! js-waku and the js-libp2p service peer.

use std::path::Path;
use std::process::Command;

use crate::{CLUSTER, Peer, SHARD};

/// js-waku's light node.
pub fn light(cluster: u16) -> Peer {
    start("js-waku", "light.mjs", cluster)
}

/// The service peer on js-libp2p.
pub fn service() -> Peer {
    start("js service peer", "service.mjs", CLUSTER)
}

fn start(name: &str, script: &str, cluster: u16) -> Peer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    assert!(
        folder.join("node_modules").is_dir(),
        "tests/interop/js/node_modules is missing: ./scripts/setup installs it"
    );
    let mut node = Command::new("node");
    node.current_dir(folder)
        .args(["--import", "./polyfill.mjs", script])
        .args([cluster.to_string(), SHARD.to_string()]);
    Peer::start(name, node)
}
