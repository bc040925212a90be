#![allow(clippy::panic)]

use super::*;
use crate::config::Sharding;

const TOPIC: &str = "/sotto/1/h00-0000/proto";

/// A filter with one peer, and what it asks first.
fn subscribing(now: Instant) -> (Filter, PeerId, FilterAsk) {
    let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
    let mut filter = Filter::new(Arc::new(config));
    filter.want(vec![TOPIC.to_owned()]);
    let peer = PeerId::random();
    filter.join(peer, 1, false, now);
    let ask = asked(&mut filter, now);
    (filter, peer, ask)
}

fn asked(filter: &mut Filter, now: Instant) -> FilterAsk {
    match filter.next(now) {
        Some((_, Todo::Ask(ask))) => ask,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subscription_is_good_when_it_stood_for_long() {
    let begin = Instant::now();
    let (mut filter, peer, ask) = subscribing(begin);
    let answer = |filter: &mut Filter, ask, code, at| filter.answered(&peer, ask, Ok(code), at);
    assert_eq!(answer(&mut filter, ask, 200, begin), Verdict::Keep);
    let ping_after = |filter: &mut Filter, after| {
        filter.doubt(&peer, begin + after);
        asked(filter, begin + after)
    };
    let soon = Duration::from_secs(1);
    let ask = ping_after(&mut filter, soon);
    assert_eq!(answer(&mut filter, ask, 200, begin + soon), Verdict::Keep);
    let ask = ping_after(&mut filter, STANDS);
    assert_eq!(answer(&mut filter, ask, 200, begin + STANDS), Verdict::Good);
    // Forgotten, and taken anew: it begins again.
    let ask = ping_after(&mut filter, STANDS);
    assert_eq!(answer(&mut filter, ask, 404, begin + STANDS), Verdict::Wait);
    let again = begin + STANDS;
    let ask = asked(&mut filter, again);
    assert_eq!(ask.kind, FilterSubscribeType::Subscribe);
    assert_eq!(answer(&mut filter, ask, 200, again), Verdict::Keep);
    let ask = ping_after(&mut filter, STANDS + soon);
    assert_eq!(answer(&mut filter, ask, 200, again + soon), Verdict::Keep);
}

#[test]
fn who_puts_us_off_is_borne_with_for_a_while() {
    for code in [404, 429] {
        let mut now = Instant::now();
        let (mut filter, peer, mut ask) = subscribing(now);
        for _ in 0..PATIENCE {
            assert_eq!(filter.answered(&peer, ask, Ok(code), now), Verdict::Wait);
            now += Duration::from_secs(60);
            ask = asked(&mut filter, now);
        }
        assert_eq!(filter.answered(&peer, ask, Ok(code), now), Verdict::Refuses);
    }
    let now = Instant::now();
    let (mut filter, peer, ask) = subscribing(now);
    assert_eq!(filter.answered(&peer, ask, Ok(503), now), Verdict::Refuses);
}

/// Takes the answer "yes" to whatever is asked, until nothing is.
fn take_all(filter: &mut Filter, now: Instant) {
    while let Some((peer, todo)) = filter.next(now) {
        if let Todo::Ask(ask) = todo {
            filter.answered(&peer, ask, Ok(200), now);
        }
    }
}

#[test]
fn so_many_nodes_are_wanted_as_no_relay_makes_up_for() {
    let now = Instant::now();
    let (mut filter, peer, _) = subscribing(now);
    let target = |filter: &mut Filter, mesh, on| {
        filter.set_mesh(mesh);
        filter.set_foreground(on, now);
        filter.target()
    };
    assert_eq!([0, 1, 2].map(|mesh| target(&mut filter, mesh, false)), [1, 0, 0]);
    assert_eq!([0, 1, 2].map(|mesh| target(&mut filter, mesh, true)), [2, 2, 0]);
    assert_eq!(filter.surplus(&[peer]), None, "it is asked something else");
    assert_eq!(filter.surplus(&[]), Some(peer));
    assert_eq!(target(&mut filter, 0, true), 2);
    assert_eq!(filter.lacks(), Some(Vec::new()));
    filter.want(Vec::new());
    assert_eq!((filter.target(), filter.lacks()), (0, None));
}

#[test]
fn of_too_many_the_one_with_fewest_topics_goes() {
    let now = Instant::now();
    let (mut filter, first, ask) = subscribing(now);
    filter.answered(&first, ask, Ok(200), now);
    let second = PeerId::random();
    filter.join(second, 2, false, now);
    assert!(filter.covered());
    assert_eq!(filter.surplus(&[]), Some(second));
    assert_eq!(filter.surplus(&[]), None);
    assert_eq!(filter.tell(now), (true, false), "nothing was missed");
}

#[test]
fn a_node_that_is_lost_leaves_a_gap_if_it_had_a_subscription() {
    let now = Instant::now();
    let (mut filter, peer, ask) = subscribing(now);
    filter.lost(&peer);
    assert_eq!(filter.tell(now), (false, false));
    filter.join(peer, 1, false, now);
    take_all(&mut filter, now);
    assert_eq!(filter.tell(now), (true, false), "nobody had pushed before");
    filter.lost(&peer);
    assert_eq!(filter.tell(now), (false, false));
    filter.join(peer, 1, false, now);
    take_all(&mut filter, now);
    assert_eq!(filter.tell(now), (true, true));
    // An answer that comes after the end is nobody's.
    filter.lost_all();
    assert_eq!(filter.answered(&peer, ask, Ok(200), now), Verdict::Keep);
    assert!(!filter.covered());
}

#[test]
fn topics_are_asked_for_in_portions_and_given_back() {
    let now = Instant::now();
    let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
    let mut filter = Filter::new(Arc::new(config));
    let topics = |count: usize| (0..count).map(|n| format!("/sotto/1/h{n:02}-0000/proto")).collect::<Vec<_>>();
    filter.want(topics(TOPICS_PER_REQUEST + 1));
    let peer = PeerId::random();
    filter.join(peer, 1, false, now);
    let mut portions = Vec::new();
    for wanted in [TOPICS_PER_REQUEST + 1, 1] {
        filter.want(topics(wanted));
        while let Some((_, Todo::Ask(ask))) = filter.next(now) {
            assert!(filter.next(now).is_none(), "one at a time");
            portions.push((ask.kind, ask.topics.len()));
            filter.answered(&peer, ask, Ok(200), now);
        }
        assert!(filter.covered());
    }
    let (on, off) = (FilterSubscribeType::Subscribe, FilterSubscribeType::Unsubscribe);
    assert_eq!(portions, [(on, TOPICS_PER_REQUEST), (on, 1), (off, TOPICS_PER_REQUEST)]);
    filter.want(vec!["no topic".into()]);
    assert!(filter.shards().is_empty() && filter.target() == 0, "without a shard nothing is heard");
}

#[test]
fn a_subscription_is_pinged_often_on_screen_and_rarely_otherwise() {
    let now = Instant::now();
    let (mut filter, peer, ask) = subscribing(now);
    let timing = filter.config.timing;
    let expect = |filter: &Filter, kind| {
        let ask = FilterAsk { kind, shard: None, topics: Vec::new() };
        filter.limit(&Todo::Ask(ask))
    };
    filter.answered(&peer, ask, Ok(200), now);
    assert_eq!(filter.deadline(), Some(now + timing.background_ping));
    assert_eq!(expect(&filter, FilterSubscribeType::SubscriberPing), timing.request);
    filter.set_foreground(true, now);
    let ask = asked(&mut filter, now);
    assert_eq!(ask.kind, FilterSubscribeType::SubscriberPing);
    assert_eq!(filter.deadline(), None, "it is asked");
    assert_eq!(expect(&filter, FilterSubscribeType::SubscriberPing), timing.alive_within);
    assert_eq!(expect(&filter, FilterSubscribeType::Subscribe), timing.request);
    filter.answered(&peer, ask, Ok(200), now);
    assert_eq!(filter.deadline(), Some(now + timing.alive_every), "it does not answer libp2p pings");
}

#[test]
fn who_opens_ever_more_push_streams_is_left() {
    let now = Instant::now();
    let (mut filter, peer, ask) = subscribing(now);
    assert_eq!(filter.open_push(&PeerId::random()), Opened::Refuse, "a stranger");
    filter.answered(&peer, ask, Ok(200), now);
    assert_eq!(filter.tell(now), (true, false));
    (0..PUSH_STREAMS).for_each(|_| assert_eq!(filter.open_push(&peer), Opened::Read));
    assert_eq!(filter.open_push(&peer), Opened::Refuse);
    assert_eq!(filter.tell(now), (true, true), "something may have been on it");
    filter.close_push(&peer);
    assert_eq!(filter.open_push(&peer), Opened::Read);
    (0..PUSH_STREAMS).for_each(|_| assert_eq!(filter.open_push(&peer), Opened::Refuse));
    assert_eq!(filter.open_push(&peer), Opened::Leave);
}
