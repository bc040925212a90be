//! How long the operator of all nodes takes to pair two people by time: a model, for docs/threat-model.md.
//!
//! The model has no engine. People write at random, and their phones answer with a receipt after the engine's delay.
//! The operator sees the address, the bucket and the time of each envelope. The operator watches one address and notes
//! who, among all listeners of the bucket it wrote into, writes into its bucket soon afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use sotto_testkit::Seeded;

/// Mean and longest delay of a receipt, seconds: on screen, and in the background (`engine/receipt.rs`).
const ON_SCREEN: (f64, f64) = (3.0, 15.0);
const BACKGROUND: (f64, f64) = (12.0, 60.0);
/// Envelopes that a person's phone sends in 16 waking hours: 50 texts, and a receipt for each of 50.
const A_DAY: f64 = 100.0;
const WAKING_S: f64 = 16.0 * 3600.0;

/// Number of texts from Alice to Bob until Bob, and nobody else, answered within the longest delay more often than
/// anyone. `k` phones share each of `buckets` buckets.
fn texts_until_paired(rng: &mut Seeded, k: u64, buckets: u64, (mean, cap): (f64, f64)) -> u32 {
    let mut unit = || (rng.below(1 << 32) as f64 + 1.0) / (1_u64 << 32) as f64;
    // A stranger writes into Alice's bucket by chance, for somebody else in it.
    let chance = 1.0 - (-A_DAY / WAKING_S * cap / buckets as f64).exp();
    let mut bob = 0;
    let mut others = vec![0; usize::try_from(k - 1).unwrap()];
    for text in 1..1000 {
        bob += u32::from(-unit().ln() * mean <= cap);
        for other in &mut others {
            *other += u32::from(unit() < chance);
        }
        // Ahead of everybody by two: one may be chance.
        if others.iter().all(|&other| bob >= other + 2) {
            return text;
        }
    }
    panic!("never");
}

/// Number of texts after which half of all pairs are named, and 19 of 20.
fn quantiles(k: u64, buckets: u64, delay: (f64, f64)) -> (u32, u32) {
    let mut rng = Seeded::new(1);
    let mut all: Vec<u32> = (0..200).map(|_| texts_until_paired(&mut rng, k, buckets, delay)).collect();
    all.sort_unstable();
    (all[100], all[190])
}

#[test]
fn a_handful_of_texts_names_a_pair() {
    for (what, k, buckets, delay, named) in [
        ("presets today, on screen", 1_000, 1, ON_SCREEN, (4, 5)),
        ("presets today, background", 1_000, 1, BACKGROUND, (5, 7)),
        ("32 a bucket, on screen", 32, 1_000, ON_SCREEN, (2, 2)),
        ("32 a bucket, background", 32, 1_000, BACKGROUND, (2, 2)),
    ] {
        assert_eq!(quantiles(k, buckets, delay), named, "{what}");
    }
}
