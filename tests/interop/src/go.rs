//! go-waku's nodes.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{CLUSTER, Peer, SHARD};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A node in one of the harness's modes (`service`, `relay`, `light`), with further flags. With `SOTTO_CAPTURE` set, what
/// goes over its streams is written into that folder, for `docs/waku.md`; the flag `-capture` writes it into a file.
pub fn start(mode: &str, flags: &[&str]) -> Peer {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/interop/sotto-go-peer");
    assert!(
        program.exists(),
        "{} is missing: ./scripts/test interop builds it",
        program.display()
    );
    let mut command = Command::new(program);
    command
        .args(["-mode", mode, "-cluster", &CLUSTER.to_string()])
        .args(["-shards", &SHARD.to_string()])
        .args(flags);
    if let Some(folder) = std::env::var_os("SOTTO_CAPTURE")
        && !flags.contains(&"-capture")
    {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = Path::new(&folder).join(format!("go-{mode}-{number}.jsonl"));
        command.arg("-capture").arg(file);
    }
    Peer::start(&format!("go-waku {mode}"), command)
}
