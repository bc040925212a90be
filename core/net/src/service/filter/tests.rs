#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const PUBSUB: &str = "/waku/2/rs/66/0";

fn request(kind: FilterSubscribeType, topics: &[String]) -> FilterSubscribeRequest {
    FilterSubscribeRequest {
        request_id: Some("1".into()),
        filter_subscribe_type: Some(kind.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: topics.to_vec(),
    }
}

fn topics(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("/t/1/{i}/proto")).collect()
}

fn limits() -> Limits {
    Limits { subscribers: 2, criteria: 150, subscription_life: Duration::from_secs(300), ..Limits::default() }
}

#[test]
fn subscribe_ping_unsubscribe() {
    use FilterSubscribeType::{Subscribe, SubscriberPing, Unsubscribe, UnsubscribeAll};
    let (peer, now) = (PeerId::random(), Instant::now());
    let mut all = Subscriptions::new(limits());
    let mut ask = |kind, topics: &[String]| all.request(peer, &request(kind, topics), now);
    assert_eq!(ask(SubscriberPing, &[]), FilterStatus::NotFound);
    assert_eq!(ask(Subscribe, &[]), FilterStatus::BadRequest);
    assert_eq!(ask(Subscribe, &topics(0..101)), FilterStatus::BadRequest);
    assert_eq!(ask(Subscribe, &topics(0..2)), FilterStatus::Ok);
    assert_eq!(ask(SubscriberPing, &[]), FilterStatus::Ok);
    assert_eq!(ask(Unsubscribe, &topics(5..6)), FilterStatus::NotFound);
    assert_eq!(ask(Unsubscribe, &topics(0..1)), FilterStatus::Ok);
    assert!(all.wanting(PUBSUB, "/t/1/0/proto").is_empty());
    assert_eq!(all.wanting(PUBSUB, "/t/1/1/proto"), vec![peer]);
    assert!(all.wanting("/waku/2/rs/66/1", "/t/1/1/proto").is_empty());
    let mut ask = |kind, topics: &[String]| all.request(peer, &request(kind, topics), now);
    assert_eq!(ask(UnsubscribeAll, &[]), FilterStatus::Ok);
    assert_eq!(ask(UnsubscribeAll, &[]), FilterStatus::NotFound);
    assert_eq!(ask(SubscriberPing, &[]), FilterStatus::NotFound);
    assert!(all.index.is_empty());
}

#[test]
fn bounds() {
    let now = Instant::now();
    let mut all = Subscriptions::new(limits());
    let mut subscribe = |peer, range| {
        let request = request(FilterSubscribeType::Subscribe, &topics(range));
        all.request(peer, &request, now)
    };
    let (a, b, c) = (PeerId::random(), PeerId::random(), PeerId::random());
    assert_eq!(subscribe(a, 0..100), FilterStatus::Ok);
    assert_eq!(subscribe(a, 100..200), FilterStatus::Unavailable);
    assert_eq!(subscribe(a, 50..150), FilterStatus::Ok);
    assert_eq!(subscribe(b, 0..1), FilterStatus::Ok);
    assert_eq!(subscribe(c, 0..1), FilterStatus::Unavailable);
    assert!(all.remove(&a));
    assert_eq!(all.index.len(), 1);
}

#[test]
fn forgets_after_its_time() {
    let (peer, now) = (PeerId::random(), Instant::now());
    let mut all = Subscriptions::new(limits());
    let subscribe = request(FilterSubscribeType::Subscribe, &topics(0..1));
    assert_eq!(all.request(peer, &subscribe, now), FilterStatus::Ok);
    let later = now + Duration::from_secs(200);
    let ping = request(FilterSubscribeType::SubscriberPing, &[]);
    assert_eq!(all.request(peer, &ping, later), FilterStatus::Ok);
    assert!(all.expire(now + Duration::from_secs(499)).is_empty());
    assert_eq!(all.expire(now + Duration::from_secs(500)), vec![peer]);
    assert!(!all.has(&peer));
}
