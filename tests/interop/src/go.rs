//! go-waku's nodes.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::{CLUSTER, Peer, SHARD};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A node in one of the harness's modes (`service`, `relay`, `light`), with further flags. With `SOTTO_CAPTURE` set,
/// what goes over its streams is written into that folder, for `docs/waku.md`; the flag `-capture` writes it into a
/// file.
pub fn start(mode: &str, flags: &[&str]) -> Peer {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/interop/sotto-go-peer");
    assert!(program.exists(), "{} is missing: ./scripts/test interop builds it", program.display());
    let mut command = Command::new(program);
    command.args(["-mode", mode, "-cluster", &CLUSTER.to_string()]).args(["-shards", &SHARD.to_string()]).args(flags);
    if let Some(folder) = std::env::var_os("SOTTO_CAPTURE")
        && !flags.contains(&"-capture")
    {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = Path::new(&folder).join(format!("go-{mode}-{number}.jsonl"));
        command.arg("-capture").arg(file);
    }
    Peer::start(&format!("go-waku {mode}"), command)
}

/// Bytes of streams that others opened to the go node, in the file's lines from `from` on.
pub fn captured(file: &Path, from: usize) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().skip(from);
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["opened_by_go"] == false)
        .map(|line| {
            let hex = line["in"].as_str().unwrap().as_bytes();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            hex.chunks(2).map(|pair| byte(pair).unwrap()).collect()
        })
        .collect()
}

/// The body of the frame that follows a protocol's name on a stream, without its length.
pub fn framed<'a>(stream: &'a [u8], id: &str) -> Option<&'a [u8]> {
    let name = format!("{id}\n");
    let mut parts = stream.windows(name.len());
    let at = parts.position(|part| part == name.as_bytes())?;
    let frame = &stream[at + name.len()..];
    let length = frame.iter().position(|byte| *byte < 0x80)?;
    let groups = frame[..=length].iter().rev();
    let size = groups.fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
    let body = &frame[length + 1..];
    assert!(body.len() <= size, "one request a stream");
    (body.len() == size).then_some(body)
}
