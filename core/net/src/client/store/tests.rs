#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_wire::waku::WakuMessage;

use super::*;

const TOPIC: &str = "/sotto/1/h00-0000/proto";

fn query() -> Query {
    Query {
        shard: Shard { cluster: 66, shard: 0 },
        topics: vec![TOPIC.into()],
        start_ns: 0,
        end_ns: Some(i64::MAX),
        newest_first: false,
        most_bytes: usize::MAX,
        small_pages: false,
    }
}

/// A page of `count` good messages of `size` bytes, from number `from` on, with a page behind it.
fn page(query: &Query, from: i64, count: i64, size: usize) -> StoreQueryResponse {
    let shard = query.shard.to_string();
    let entry = |number| {
        let message = WakuMessage::new(TOPIC.into(), vec![1; size], number);
        WakuMessageKeyValue {
            message_hash: Some(waku::message_hash(&shard, &message).to_vec()),
            message: Some(message),
            pubsub_topic: Some(shard.clone()),
        }
    };
    StoreQueryResponse {
        messages: (from..from + count).map(entry).collect(),
        pagination_cursor: Some(vec![1; 32]),
        ..StoreQueryResponse::default()
    }
}

/// Good pages until the walk has enough of them.
fn pages_taken(walk: &mut Walk<'_>, count: i64, size: usize) -> usize {
    let mut taken = 0;
    loop {
        let answer = page(walk.query, 1 + taken as i64 * count, count, size);
        match walk.take(answer, PAGE, 1) {
            Ok((messages, None)) => assert_eq!(messages.len(), count as usize),
            Ok((_, Some(_))) => panic!("the last page"),
            Err(error) => {
                assert_eq!(error.reason(), FailReason::Lied);
                return taken;
            }
        }
        taken += 1;
        assert!(taken < 2 * MAX_PAGES, "endless");
    }
}

#[test]
fn pages_cut_short_for_no_reason_are_few() {
    let query = query();
    assert_eq!(pages_taken(&mut Walk::new(&query), 1, 10), MAX_THIN - 1);
    // Large messages are a reason.
    let most = pages_taken(&mut Walk::new(&query), 1, FAT);
    assert!(most > MAX_THIN, "{most}");
}

#[test]
fn a_flood_of_cards_ends_a_query_and_what_was_read_counts() {
    let query = Query { most_bytes: 1_000_000, ..query() };
    let mut walk = Walk::new(&query);
    for taken in 0..4 {
        let answer = page(&query, 1 + taken * 100, 100, 2048);
        assert_eq!(walk.take(answer, PAGE, 1).unwrap().1, None);
    }
    let answer = page(&query, 401, 100, 2048);
    let (messages, end) = walk.take(answer, PAGE, 1).unwrap();
    assert_eq!((messages.len(), end), (100, Some(End::Full)));
}

#[test]
fn a_query_ends_at_so_many_bytes() {
    let query = query();
    let mut walk = Walk::new(&query);
    walk.bytes = MAX_BYTES - 100_000;
    assert_eq!(pages_taken(&mut walk, 100, 512), 1);
}
