#![allow(clippy::panic)]

use super::*;

const TOPIC: &str = "/sotto/1/h00-0000/proto";

/// A filter with one peer, and what it asks first.
fn subscribing(now: Instant) -> (Filter, PeerId, FilterAsk) {
    let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
    let mut filter = Filter::new(&config);
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
