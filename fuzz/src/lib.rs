//! Fuzz targets by name. Each list of entries is one file under `entries/`, shared with the test that replays the
//! corpora in the crate it is about.

#[path = "../entries/crypto.rs"]
mod crypto;
#[path = "../entries/wire.rs"]
mod wire;

/// Runs the entry of `target` on `data`; panics when the entry does, or when there is no such target.
pub fn run(target: &str, data: &[u8]) {
    let all = wire::TARGETS.iter().chain(crypto::TARGETS);
    let (_, entry) = all.into_iter().find(|(name, _)| *name == target).expect("no such target");
    entry(data);
}
