//! Parity of the largest file and its restoration from 229 lost data chunks, column by column: speed and memory.
//! `scripts/bench` runs it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a measuring program")]

use std::time::Instant;

use sotto_wire::file::{Layout, MAX_FILE};

const COLUMNS: u64 = 16;

fn slice(chunk: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(chunk) << 32 | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn main() {
    if cfg!(debug_assertions) {
        panic!("figures of a debug build mean nothing");
    }
    let layout = Layout::new(MAX_FILE).unwrap();
    let len = layout.slice_len();
    let data: Vec<Vec<u8>> = (0..layout.data_chunks()).map(|chunk| slice(chunk, len)).collect();
    let megabytes = (COLUMNS * u64::from(layout.data_chunks())) as f64 * len as f64 / 1e6;
    let before = peak_kb();
    let start = Instant::now();
    let mut parity = Vec::new();
    for _ in 0..COLUMNS {
        parity = layout.parity(&data).unwrap();
    }
    println!("parity of {:.1} MB/s", megabytes / start.elapsed().as_secs_f64());
    let kept = || (0..).zip(data.iter().chain(&parity)).skip(parity.len());
    let start = Instant::now();
    for _ in 0..COLUMNS {
        let restored = layout.restore(kept()).unwrap();
        assert!((0..).zip(&data).zip(&restored).all(|((chunk, slice), one)| (chunk, slice) == (one.0, &one.1)));
        assert_eq!(restored.len(), parity.len());
    }
    println!("restored {:.1} MB/s", megabytes / start.elapsed().as_secs_f64());
    println!("memory beside the slices {:.1} MB", (peak_kb() - before) as f64 / 1000.0);
}
