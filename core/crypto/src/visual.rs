//! Values that people compare: emoji hash and colour ring as in Status, and the safety number.

use crate::bytes::join;
use crate::kdf::tagged;
use crate::{ChatPublic, DeviceId};
use std::sync::OnceLock;

const EMOJI: &str = include_str!("../data/status-emoji-alphabet.txt");
const EMOJI_BASE: u32 = 2757;
const EMOJI_DIGITS: usize = 14;
const RING_BASE: u32 = 160;
const COLORS: u32 = 32;
/// Rounds that make searching for a similar number costly, as in Signal's fingerprints.
const SAFETY_ROUNDS: u32 = 5200;

fn alphabet() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    LINES.get_or_init(|| EMOJI.lines().take(EMOJI_BASE as usize).collect())
}

/// Bytes `from..` of the key without its first and last nibble.
fn nibbles<const N: usize>(chat: &ChatPublic, from: usize) -> [u8; N] {
    let mut out = [0u8; N];
    for (o, (a, b)) in out.iter_mut().zip(chat.iter().skip(from).zip(chat.iter().skip(from + 1))) {
        *o = a << 4 | b >> 4;
    }
    out
}

/// Digits of a big-endian number, least significant first.
fn digits(number: &mut [u8], base: u32) -> Vec<u32> {
    let mut out = Vec::new();
    while number.iter().any(|b| *b != 0) {
        let mut rest = 0u32;
        for byte in number.iter_mut() {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / base).unwrap_or(u8::MAX);
            rest = value % base;
        }
        out.push(rest);
    }
    out
}

/// 14 emoji over 20 bytes of the key, in base 2,757.
pub fn emoji_hash(chat: &ChatPublic) -> Vec<&'static str> {
    let mut places = digits(&mut nibbles::<20>(chat, 1), EMOJI_BASE);
    places.resize(EMOJI_DIGITS, 0);
    let lines = alphabet();
    places.iter().rev().filter_map(|d| lines.get(*d as usize).copied()).collect()
}

/// Segments (length 1..=5, colour 0..=31) over 10 bytes of the key, in base 160.
pub fn color_ring(chat: &ChatPublic) -> Vec<(u8, u8)> {
    let mut ring: Vec<(u8, u8)> = Vec::new();
    for digit in digits(&mut nibbles::<10>(chat, 21), RING_BASE).into_iter().rev() {
        let length = u8::try_from(digit / COLORS + 1).unwrap_or(1);
        let mut color = u8::try_from(digit % COLORS).unwrap_or(0);
        if ring.last().is_some_and(|(_, c)| *c == color) {
            color = (color + 1) % 32;
        }
        ring.push((length, color));
    }
    ring
}

fn fingerprint(chat: &ChatPublic) -> [u8; 32] {
    let mut hash = tagged("sotto/safety/1", &[chat]);
    for _ in 1..SAFETY_ROUNDS {
        hash = tagged("sotto/safety/1", &[&hash, chat]);
    }
    hash
}

fn both(a: &ChatPublic, b: &ChatPublic) -> [[u8; 32]; 2] {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    [fingerprint(low), fingerprint(high)]
}

/// 60 digits in 12 groups of 5, equal on both sides.
pub fn safety_number(a: &ChatPublic, b: &ChatPublic) -> String {
    let groups: Vec<String> = both(a, b)
        .iter()
        .flat_map(|hash| hash.chunks_exact(5).take(6).map(|c| c.iter().fold(0u64, |n, b| n << 8 | u64::from(*b))))
        .map(|n| format!("{:05}", n % 100_000))
        .collect();
    groups.join(" ")
}

/// The hash of devices in any order. Each is (id, X25519 identity key, Ed25519 device key).
pub fn devices_hash(devices: &[(DeviceId, [u8; 32], [u8; 32])]) -> [u8; 32] {
    let mut sorted = devices.to_vec();
    sorted.sort_unstable();
    let parts = sorted.iter().flat_map(|(id, identity, signing)| [id.0.as_slice(), identity, signing]);
    tagged("sotto/devices/1", &parts.collect::<Vec<_>>())
}

/// Bytes of a [`SafetyQr`].
pub const SAFETY_QR_LEN: usize = 129;
const QR_VERSION: u8 = 2;

/// The code that one phone shows and the other scans: version 2 ‖ the shower's fingerprint 32 ‖ the scanner's 32 ‖ hash
/// of the shower's devices 32 ‖ hash of the scanner's devices, as the shower knows them, 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyQr {
    shower: [u8; 32],
    scanner: [u8; 32],
    /// [`devices_hash`] of the shower's devices.
    pub own_devices: [u8; 32],
    /// [`devices_hash`] of the scanner's devices that the shower writes to.
    pub scanner_devices: [u8; 32],
}

impl SafetyQr {
    /// The code that `shower` shows to `scanner`.
    pub fn new(shower: &ChatPublic, own_devices: [u8; 32], scanner: &ChatPublic, scanner_devices: [u8; 32]) -> Self {
        Self { shower: fingerprint(shower), scanner: fingerprint(scanner), own_devices, scanner_devices }
    }

    /// The [`SAFETY_QR_LEN`] bytes to show.
    pub fn encode(&self) -> [u8; SAFETY_QR_LEN] {
        join(&[&[QR_VERSION], &self.shower, &self.scanner, &self.own_devices, &self.scanner_devices])
    }

    /// Reads exactly [`SAFETY_QR_LEN`] bytes of version 2.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let ([QR_VERSION], rest) = bytes.split_first_chunk::<1>()? else {
            return None;
        };
        match rest.as_chunks::<32>() {
            ([shower, scanner, own_devices, scanner_devices], []) => Some(Self {
                shower: *shower,
                scanner: *scanner,
                own_devices: *own_devices,
                scanner_devices: *scanner_devices,
            }),
            _ => None,
        }
    }

    /// Whether `shower` shows this code to `scanner`.
    pub fn is_of(&self, shower: &ChatPublic, scanner: &ChatPublic) -> bool {
        self.shower == fingerprint(shower) && self.scanner == fingerprint(scanner)
    }
}
