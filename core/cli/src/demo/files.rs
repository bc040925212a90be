//! A picture, a voice note, and a large file on whose way a node and the sender's phone are killed.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sotto_messenger::records::{ConversationId, File, FileState};
use sotto_wire::envelope::payload_hash;

use super::node::Node;
use super::phone::{Phone, View};
use super::screen::Screen;
use crate::exit::Failure;

const PICTURE: &str = "The sea this evening 🌅";
const PICTURE_BYTES: &[u8] = include_bytes!("picture.jpg");
const PREVIEW_BYTES: &[u8] = include_bytes!("preview.jpg");
/// The picture in 4 × 3 pixels: red, green, blue.
const TINY: [[u8; 3]; 12] = [
    [228, 154, 96],
    [237, 160, 96],
    [247, 167, 96],
    [236, 160, 96],
    [179, 118, 110],
    [193, 128, 110],
    [255, 235, 160],
    [192, 127, 110],
    [73, 83, 133],
    [48, 58, 108],
    [192, 172, 152],
    [46, 56, 106],
];
const VOICE: &str = "And what it sounds like 🎙️";
/// Samples a second of the voice note, of one byte each.
const RATE: u32 = 8000;
/// The tones of the voice note, Hz, each half a second long.
const TONES: [u32; 6] = [262, 330, 392, 523, 392, 330];
const LARGE: &str = "The whole film of it 🎞️";
const LARGE_BYTES: usize = 5_000_000;
/// Most bytes of one `file_read`.
const PART: usize = 1 << 20;

/// Alice and Bob, in their only conversation. Returns the sizes of the files that arrived.
pub(super) async fn tell(
    screen: &Screen,
    (alice, bob): (&mut Phone<'_>, &mut Phone<'_>),
    node: &Node,
    conversation: &ConversationId,
    folder: &Path,
) -> Result<Vec<u64>, Failure> {
    screen.say("They send each other files:")?;
    let mut sizes = Vec::new();
    let (path, preview) = (write(folder, "sea.jpg", PICTURE_BYTES)?, write(folder, "preview.jpg", PREVIEW_BYTES)?);
    let pixels: Vec<u8> = TINY.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 255]).collect();
    let tiny = json!({"width": 4, "height": 3, "pixels": URL_SAFE_NO_PAD.encode(pixels)});
    let picture = json!({"path": path, "mime": "image/jpeg", "width": 640, "height": 480, "preview_path": preview,
        "placeholder_rgba": tiny});
    send(alice, conversation, PICTURE, picture).await?;
    let seen = |view: &View| theirs(view, PICTURE).filter(|file| !file.preview.is_empty()).map(|file| file.preview);
    let seen = bob.until(alice, "the preview", seen).await?;
    screen.say(&format!("  Alice  {PICTURE}"))?;
    if seen != PREVIEW_BYTES {
        return Err(Failure::Failed("another preview arrived".into()));
    }
    let (size, _) = fetch(bob, alice, PICTURE, PICTURE_BYTES).await?;
    screen.more(&format!("a picture of {size} B; its preview of {} B was there first", seen.len()))?;
    sizes.push(size);

    let sound = sound();
    let path = write(folder, "sea.wav", &sound)?;
    let waveform: Vec<u8> = (0..64).map(|nth| 31 - nth % 10 * 3).collect();
    let voice = json!({"path": path, "kind": "voice", "mime": "audio/wav", "duration_ms": 3000, "waveform": waveform});
    send(alice, conversation, VOICE, voice).await?;
    let (size, _) = fetch(bob, alice, VOICE, &sound).await?;
    screen.say(&format!("  Alice  {VOICE}"))?;
    screen.more(&format!("a voice note of {size} B"))?;
    sizes.push(size);

    sizes.push(large(screen, (alice, bob), node, conversation, folder).await?);
    Ok(sizes)
}

async fn large(
    screen: &Screen,
    (alice, bob): (&mut Phone<'_>, &mut Phone<'_>),
    node: &Node,
    conversation: &ConversationId,
    folder: &Path,
) -> Result<u64, Failure> {
    let film = noise(LARGE_BYTES);
    let path = write(folder, "film.bin", &film)?;
    send(alice, conversation, LARGE, json!({"path": path})).await?;
    screen.say(&format!("  Alice  {LARGE}"))?;
    screen.more(&format!("{LARGE_BYTES} B, SHA-256 {}", hex(&payload_hash(&film))))?;
    let reached = |part: u64| move |view: &View| own(view, LARGE).map(|file| file.have).filter(|have| *have >= part);
    let size = u64::try_from(film.len()).unwrap_or(u64::MAX);
    let have = alice.until(bob, "a fifth of the file with nodes", reached(size / 5)).await?;
    node.kill();
    screen.say(&format!("Node 2 is killed (SIGKILL) when {have} B are with nodes."))?;
    let have = alice.until(bob, "half of the file with nodes", reached(size / 2)).await?;
    alice.kill_during("unread", json!({})).await?;
    screen.say(&format!("Alice's phone is killed (SIGKILL) when {have} B are with nodes, and starts again."))?;
    let again = own(&alice.view().await?, LARGE).map_or(0, |file| file.have);
    screen.more(&format!("her phone knows of {again} B and sends the rest."))?;
    let (size, hash) = fetch(bob, alice, LARGE, &film).await?;
    screen.say(&format!("Bob has the whole file: {size} B, SHA-256"))?;
    screen.more(&hex(&hash))?;
    Ok(size)
}

/// Writes a file that is to be sent; returns its absolute path.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<String, Failure> {
    let path = folder.canonicalize().map_err(Failure::io)?.join(name);
    std::fs::write(&path, bytes).map_err(Failure::io)?;
    Ok(path.to_string_lossy().into_owned())
}

/// Sends a file once, even if the phone is killed.
async fn send(phone: &mut Phone<'_>, conversation: &ConversationId, text: &str, file: Value) -> Result<(), Failure> {
    let params = json!({"conversation": conversation, "text": text, "files": [file]});
    phone.call_once("send", params, |view| own(view, text).is_some()).await
}

/// Waits for the message, fetches its file and compares it with what was sent. Returns its size and SHA-256.
async fn fetch(
    phone: &mut Phone<'_>,
    author: &mut Phone<'_>,
    text: &str,
    sent: &[u8],
) -> Result<(u64, [u8; 32]), Failure> {
    let file = phone.until(author, &format!("“{text}”"), |view| theirs(view, text)).await?;
    let _: Value = phone.call("file_fetch", json!({"file": file.id})).await?;
    let whole = |view: &View| theirs(view, text).filter(|file| file.state == FileState::Here);
    let file = phone.until(author, &format!("the file of “{text}”"), whole).await?;
    let mut bytes = Vec::new();
    loop {
        let params = json!({"file": file.id, "offset": bytes.len(), "length": PART});
        let part: Part = phone.call("file_read", params).await?;
        let part = URL_SAFE_NO_PAD.decode(part.data).map_err(|_| Failure::Failed("a part is no base64url".into()))?;
        if part.is_empty() {
            break;
        }
        bytes.extend(part);
    }
    let hash = payload_hash(&bytes);
    if hash != payload_hash(sent) {
        return Err(Failure::Failed(format!("the file of “{text}” differs from the one that was sent")));
    }
    Ok((file.total, hash))
}

#[derive(Deserialize)]
struct Part {
    data: String,
}

/// The file of an own message.
fn own(view: &View, text: &str) -> Option<File> {
    of(view, true, text)
}

/// The file of a message of the other phone.
fn theirs(view: &View, text: &str) -> Option<File> {
    of(view, false, text)
}

fn of(view: &View, mine: bool, text: &str) -> Option<File> {
    let message = view.messages.iter().find(|one| one.mine == mine && one.text.as_deref() == Some(text))?;
    message.files.first().cloned()
}

/// Bytes without a pattern (xorshift), the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

/// The tones as a WAV file: 8 bits, mono.
fn sound() -> Vec<u8> {
    let tone = |hz: u32| {
        (0..RATE / 2).map(move |nth| {
            let phase = u8::try_from(nth * hz * 256 / RATE % 256).unwrap_or(0);
            if phase < 128 { 64 + phase } else { 64 + (255 - phase) }
        })
    };
    let samples: Vec<u8> = TONES.into_iter().flat_map(tone).collect();
    let length = u32::try_from(samples.len()).unwrap_or(0);
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    // Bytes of a sample, bits of a sample.
    file.extend([1, 0, 8, 0]);
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voice_note_is_a_wav_file_of_three_seconds() {
        let sound = sound();
        assert_eq!(sound.len(), 44 + 3 * RATE as usize);
        assert_eq!(&sound[4..8], 24_036_u32.to_le_bytes());
        assert!(sound[44..].iter().any(|sample| *sample > 180) && sound[44..].iter().any(|sample| *sample < 70));
    }

    #[test]
    fn noise_has_its_length_and_hashes_are_hex() {
        assert_eq!(noise(13).len(), 13);
        assert_eq!(noise(16)[..13], noise(13));
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }
}
