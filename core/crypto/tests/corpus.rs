//! Replays every file of the fuzz corpora through the fuzz entries, and arbitrary bytes on top.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

#[path = "../../../fuzz/entries/crypto.rs"]
mod entries;

fn corpus(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../fuzz/corpus", target].iter().collect()
}

fn files(target: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(corpus(target)).unwrap_or_else(|_| panic!("no corpus for {target}"));
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_corpus_file_replays() {
    for (target, entry) in entries::TARGETS {
        let files = files(target);
        assert!(files.len() >= 2, "{target}: a whole and a broken seed at least");
        for file in files {
            entry(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_target_is_built_by_the_fuzz_crate() {
    let manifest = fs::read_to_string(corpus("../Cargo.toml")).unwrap();
    for (target, _) in entries::TARGETS {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
    }
}

/// A seed cut, with bytes changed, or with bytes in front of it: closer to the edges than noise is.
#[test]
fn no_target_panics_on_damaged_seeds() {
    for (target, entry) in entries::TARGETS {
        for file in files(target) {
            let seed = fs::read(file).unwrap();
            let step = (seed.len() / 64).max(1);
            for at in (0..seed.len()).step_by(step) {
                entry(&seed[..at]);
                entry(&seed[at..]);
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = seed.clone();
                    changed[at] = value;
                    entry(&changed);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_target_panics_on_noise(data in proptest::collection::vec(any::<u8>(), 0..2100)) {
        for (_, entry) in entries::TARGETS {
            entry(&data);
        }
    }
}
