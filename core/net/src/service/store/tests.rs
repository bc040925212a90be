#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_wire::waku::WakuMessage;

use super::*;

const PUBSUB: &str = "/waku/2/rs/66/0";

fn encode(request: &StoreQueryRequest) -> Vec<u8> {
    request.encode_to_vec()
}

fn archived(number: u8, len: usize) -> Archived {
    Archived {
        hash: [number; 32],
        pubsub_topic: PUBSUB.into(),
        message: WakuMessage::new("/t/1/a/proto".into(), vec![number; len], i64::from(number)),
    }
}

fn asked(forward: bool) -> Asked {
    Asked { id: "7".into(), include_data: true, forward }
}

fn decoded(frame: &[u8]) -> StoreQueryResponse {
    waku::decode_framed(frame, usize::MAX).unwrap()
}

#[test]
fn reads_ranges_and_hashes_but_no_mixture() {
    let range = StoreQueryRequest {
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec!["/t/1/a/proto".into()],
        time_start: Some(5),
        ..StoreQueryRequest::default()
    };
    let (_, query) = read(&encode(&range)).unwrap();
    assert!(!query.forward);
    assert_eq!(query.limit, 20);
    let hashes = StoreQueryRequest {
        message_hashes: vec![vec![1; 32]],
        pagination_limit: Some(5000),
        ..StoreQueryRequest::default()
    };
    let (_, query) = read(&encode(&hashes)).unwrap();
    assert_eq!(query.filter, ArchiveFilter::Hashes(vec![[1; 32]]));
    assert_eq!(query.limit, 100);
    // js-waku names the shard beside the hashes.
    let js = StoreQueryRequest { pubsub_topic: Some(PUBSUB.into()), ..hashes };
    let (_, query) = read(&encode(&js)).unwrap();
    assert_eq!(query.filter, ArchiveFilter::Hashes(vec![[1; 32]]));
    let refused = [
        StoreQueryRequest { message_hashes: vec![vec![1; 32]], ..range.clone() },
        StoreQueryRequest { message_hashes: vec![vec![1; 31]], ..StoreQueryRequest::default() },
        StoreQueryRequest { pubsub_topic: None, ..range.clone() },
        StoreQueryRequest { content_topics: vec!["/t/1/a/proto".into(); 11], ..range.clone() },
        StoreQueryRequest { pagination_cursor: Some(vec![1; 33]), ..range },
    ];
    for request in refused {
        assert!(read(&encode(&request)).is_none(), "{request:?}");
    }
}

#[test]
fn long_pages_are_cut_at_the_far_end() {
    let page = || ArchivePage { messages: (1..=40).map(|n| archived(n, 100_000)).collect(), more: false };
    let forward = decoded(&answer(&asked(true), Ok(page())));
    assert_eq!(forward.messages.len(), 20);
    assert_eq!(forward.pagination_cursor, Some(vec![20; 32]));
    let backward = decoded(&answer(&asked(false), Ok(page())));
    assert_eq!(backward.messages.len(), 20);
    assert_eq!(backward.messages[0].message_hash, Some(vec![21; 32]));
    assert_eq!(backward.pagination_cursor, Some(vec![21; 32]));
}

#[test]
fn one_long_message_is_still_given() {
    let page = ArchivePage { messages: vec![archived(1, 3 << 20), archived(2, 10)], more: false };
    let answer = decoded(&answer(&asked(true), Ok(page)));
    assert_eq!(answer.messages.len(), 1);
    assert_eq!(answer.pagination_cursor, Some(vec![1; 32]));
}

#[test]
fn the_last_page_has_no_cursor_and_presence_no_data() {
    let page = ArchivePage { messages: vec![archived(1, 10)], more: false };
    let presence = Asked { include_data: false, ..asked(true) };
    let answer = decoded(&answer(&presence, Ok(page)));
    assert_eq!(answer.pagination_cursor, None);
    assert_eq!(answer.messages[0].message, None);
    assert_eq!(answer.status_code, Some(200));
}

#[test]
fn what_gets_its_answer_at_once() {
    let range = |shard: &str| {
        let pubsub_topic = Some(shard.to_owned());
        encode(&StoreQueryRequest { pubsub_topic, include_data: Some(true), ..StoreQueryRequest::default() })
    };
    let status = |body: Option<&[u8]>, allowed| {
        let answer = query(body, allowed, |topic| topic == PUBSUB).err()?;
        let answer = decoded(&answer);
        Some((answer.status_code.unwrap(), answer.messages.len()))
    };
    let own = range(PUBSUB);
    assert_eq!(status(Some(&own), true), None, "the archive is asked");
    assert_eq!(status(Some(&range("/waku/2/rs/66/1")), true), Some((200, 0)));
    assert_eq!(status(Some(b"\xff"), true), Some((400, 0)));
    assert_eq!(status(Some(b"\xff"), false), Some((429, 0)));
    assert_eq!(status(None, false), Some((400, 0)), "too long");
}
