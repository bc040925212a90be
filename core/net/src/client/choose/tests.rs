#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::client::nodes::Offers;
use crate::config::Timing;
use crate::handle::Source;

const SECOND: Duration = Duration::from_secs(1);
const STORE: Offers = Offers {
    lightpush_v3: false,
    lightpush_v2: false,
    filter: false,
    store: true,
    metadata: false,
    peer_exchange: false,
    ping: false,
};

/// Nodes that both circles may use, and the peer of each.
fn nodes(count: u64) -> (Nodes, Vec<PeerId>) {
    let mut nodes = Nodes::new(true, Timing::default());
    let found = (0..count).map(|_| (PeerId::random(), vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()]));
    nodes.add(found.collect(), Source::Static, None);
    let peers = (0..count).map(|number| nodes.get(number).unwrap().peer).collect();
    (nodes, peers)
}

fn wish() -> Wish {
    Wish {
        kind: Kind::Receive,
        service: Service::Store,
        own_link: false,
        tried: Vec::new(),
        prefer: Vec::new(),
        avoid: Vec::new(),
        repeat: false,
        asked: true,
    }
}

fn connect(links: &mut Links, peer: PeerId, node: NodeNumber, now: Instant) {
    links.dialled(peer, node, now);
    links.identified(peer, STORE);
    links.admit(&peer);
}

fn dialled(choice: Choice) -> NodeNumber {
    match choice {
        Choice::Dial(node, _) => node.number,
        other => panic!("{other:?}"),
    }
}

fn asked(choice: Choice) -> NodeNumber {
    match choice {
        Choice::Ask(ready) => ready.node,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_is_dialled_and_another_when_it_stays_away() {
    let (nodes, peers) = nodes(2);
    let (mut links, now) = (Links::default(), Instant::now());
    let wish = wish();
    let first = dialled(wish.choose(&nodes, &links, &[], now));
    assert_ne!(first, dialled(wish.choose(&nodes, &links, &[first], now)), "it could not be dialled");
    links.dialled(peers[first as usize], first, now);
    let Choice::Wait(Some(until)) = wish.choose(&nodes, &links, &[], now) else {
        panic!("it has some time for itself");
    };
    assert_eq!(until, now + HEDGE);
    assert_ne!(first, dialled(wish.choose(&nodes, &links, &[], until)));
    // Whoever comes first is asked.
    connect(&mut links, peers[1], 1, now);
    assert_eq!(asked(wish.choose(&nodes, &links, &[], until)), 1);
}

#[test]
fn who_was_tried_or_has_no_store_is_asked_no_more() {
    let (mut nodes, peers) = nodes(3);
    let (mut links, now) = (Links::default(), Instant::now());
    for (number, peer) in (0..).zip(&peers) {
        connect(&mut links, *peer, number, now);
    }
    nodes.has_no_store(0);
    let mut wish = Wish { tried: vec![1], ..wish() };
    for _ in 0..20 {
        assert_eq!(asked(wish.choose(&nodes, &links, &[], now)), 2);
    }
    wish.tried.push(2);
    assert!(matches!(wish.choose(&nodes, &links, &[], now), Choice::Nobody));
}

#[test]
fn the_preferred_first_those_to_avoid_last_and_liars_only_if_there_is_nobody() {
    let (mut nodes, peers) = nodes(4);
    let (mut links, now) = (Links::default(), Instant::now());
    for (number, peer) in (0..).zip(&peers) {
        connect(&mut links, *peer, number, now);
    }
    nodes.lied(0, now);
    let mut wish = Wish { prefer: vec![3], avoid: vec![1, 2], repeat: true, ..wish() };
    let mut order = Vec::new();
    for _ in 0..4 {
        let node = asked(wish.choose(&nodes, &links, &[], now));
        order.push(node);
        wish.tried.push(node);
    }
    assert_eq!(order, [3, 2, 1, 0]);
    // Those to avoid are not asked at all, though there be nobody else.
    let wish = Wish { avoid: vec![1, 2, 3], ..self::wish() };
    assert_eq!(asked(wish.choose(&nodes, &links, &[], now)), 0, "a liar is");
}

#[test]
fn who_is_busy_or_failed_is_waited_for() {
    let (mut nodes, peers) = nodes(1);
    let (mut links, now) = (Links::default(), Instant::now());
    nodes.failed(0, true, now);
    let Choice::Wait(Some(at)) = wish().choose(&nodes, &links, &[], now) else {
        panic!("it failed just now");
    };
    assert!(at > now && at <= now + 5 * SECOND);
    assert_eq!(dialled(wish().choose(&nodes, &links, &[], at)), 0);
    connect(&mut links, peers[0], 0, now);
    nodes.too_busy(0, now);
    let Choice::Wait(Some(at)) = wish().choose(&nodes, &links, &[], now) else {
        panic!("it has too much to do");
    };
    assert_eq!(asked(wish().choose(&nodes, &links, &[], at)), 0);
}

#[test]
fn a_connection_of_its_own_goes_rather_to_whom_we_are_not_connected_with() {
    let (mut nodes, peers) = nodes(3);
    let now = Instant::now();
    let wish = Wish { kind: Kind::Alone, ..wish() };
    let chosen = |nodes: &Nodes, wish: &Wish| match wish.alone(nodes, |peer| *peer != peers[1], now) {
        Choice::Alone(node) => Some(node.number),
        Choice::Nobody => None,
        other => panic!("{other:?}"),
    };
    for _ in 0..20 {
        assert_eq!(chosen(&nodes, &wish), Some(1));
    }
    nodes.lied(1, now);
    for _ in 0..20 {
        assert_ne!(chosen(&nodes, &wish), Some(1));
    }
    assert_eq!(chosen(&nodes, &Wish { tried: vec![0, 1, 2], ..self::wish() }), None);
}

#[test]
fn a_connection_of_its_own_follows_preferences_and_waits_for_who_is_busy_or_failed() {
    let (mut nodes, _) = nodes(4);
    let now = Instant::now();
    nodes.lied(0, now);
    let mut wish = Wish { own_link: true, prefer: vec![3], avoid: vec![1, 2], repeat: true, ..wish() };
    let mut order = Vec::new();
    while let Choice::Alone(node) = wish.alone(&nodes, |_| false, now) {
        order.push(node.number);
        wish.tried.push(node.number);
    }
    assert_eq!(order, [3, 2, 1, 0]);
    assert!(matches!(wish.alone(&nodes, |_| false, now), Choice::Nobody), "all were tried");
    (0..4).for_each(|number| nodes.failed(number, true, now));
    nodes.too_busy(2, now);
    wish.tried = vec![0, 1, 3];
    let Choice::Wait(Some(at)) = wish.alone(&nodes, |_| false, now) else {
        panic!("it failed just now, and is busy");
    };
    assert!(at > now && at <= now + 5 * SECOND);
    assert!(matches!(wish.alone(&nodes, |_| false, at), Choice::Alone(node) if node.number == 2));
}
