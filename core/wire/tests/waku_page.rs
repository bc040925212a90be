//! Every frame of `docs/waku.md` is what the page calls it, byte by byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use sotto_wire::waku::{
    FilterSubscribeRequest, FilterSubscribeResponse, LightPushRequest, LightPushResponse, Message, MessagePush,
    PeerExchangeRpc, PushRpc, StoreQueryRequest, StoreQueryResponse, WakuMetadata, decode_framed, message_hash,
};

/// The frames: name of the message and bytes.
fn frames(page: &str) -> Vec<(&str, Vec<u8>)> {
    let blocks = page.split("```frame ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            let (lines, _) = rest.split_once("```").unwrap();
            let digits: String =
                lines.lines().flat_map(|line| line.split(';').next().unwrap().split_whitespace()).collect();
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            (name, (0..digits.len()).step_by(2).map(byte).collect())
        })
        .collect()
}

/// One message without trailing bytes.
fn whole<M: Message + Default>(frame: &[u8]) -> M {
    let message: M = decode_framed(frame, frame.len()).unwrap();
    // Written by others in other ways, but never shorter than what was understood of it.
    assert!(message.encoded_len() <= frame.len());
    message
}

#[test]
fn every_frame_decodes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/waku.md");
    let page = fs::read_to_string(path).unwrap();
    let frames = frames(&page);
    assert!(frames.len() >= 15);
    for (name, frame) in frames {
        match name {
            "WakuMetadata" => assert_eq!(whole::<WakuMetadata>(&frame).cluster(), Some(66)),
            "FilterSubscribeRequest" => drop(whole::<FilterSubscribeRequest>(&frame)),
            "FilterSubscribeResponse" => drop(whole::<FilterSubscribeResponse>(&frame)),
            "MessagePush" => assert!(whole::<MessagePush>(&frame).waku_message.is_some()),
            "PushRpc" => drop(whole::<PushRpc>(&frame)),
            "LightPushRequest" => drop(whole::<LightPushRequest>(&frame)),
            "LightPushResponse" => drop(whole::<LightPushResponse>(&frame)),
            "StoreQueryRequest" => drop(whole::<StoreQueryRequest>(&frame)),
            "StoreQueryResponse" => {
                for entry in whole::<StoreQueryResponse>(&frame).messages {
                    let hash = entry.message_hash.unwrap();
                    if let Some(message) = &entry.message {
                        let shard = entry.pubsub_topic.as_deref().unwrap();
                        assert_eq!(hash, message_hash(shard, message));
                    }
                }
            }
            "PeerExchangeRpc" => drop(whole::<PeerExchangeRpc>(&frame)),
            other => panic!("no message {other}"),
        }
    }
}

/// With each peer the page has the metadata, filter and store exchanges, and a request to publish.
#[test]
fn every_peer_has_its_exchanges() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/waku.md");
    let page = fs::read_to_string(path).unwrap();
    let peers: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert_eq!(peers.len(), 3);
    for section in peers {
        let names: Vec<&str> = frames(section).into_iter().map(|(name, _)| name).collect();
        for (name, least) in [
            ("WakuMetadata", 2),
            ("FilterSubscribeRequest", 1),
            ("FilterSubscribeResponse", 1),
            ("MessagePush", 1),
            ("StoreQueryRequest", 2),
            ("StoreQueryResponse", 2),
        ] {
            let found = names.iter().filter(|one| **one == name).count();
            assert!(found >= least, "{name}: {}", section.lines().next().unwrap());
        }
        assert!(names.iter().any(|one| matches!(*one, "PushRpc" | "LightPushRequest")));
    }
}
