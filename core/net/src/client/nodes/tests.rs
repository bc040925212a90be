#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;

fn nodes(count: usize, single_circle: bool) -> Nodes {
    let mut nodes = Nodes::new(single_circle, Timing::default());
    let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let found = (0..count).map(|_| (PeerId::random(), vec![address.clone()]));
    nodes.add(found.collect(), Source::Static, None);
    nodes
}

fn numbers(nodes: &Nodes, kind: Kind) -> Vec<NodeNumber> {
    nodes.of(kind).map(|node| node.number).collect()
}

#[test]
fn circles_share_no_node() {
    for count in 0..30 {
        let nodes = nodes(count, false);
        let mut all = numbers(&nodes, Kind::Receive);
        all.extend(numbers(&nodes, Kind::Publish));
        if count >= 5 {
            all.extend(numbers(&nodes, Kind::Alone));
        }
        all.sort_unstable();
        let each: Vec<NodeNumber> = (0..count as u64).collect();
        let dealt = if count >= 5 { each } else { (0..count.min(4) as u64).collect() };
        assert_eq!(all, dealt);
    }
    let nodes = nodes(1, true);
    assert_eq!(numbers(&nodes, Kind::Receive), numbers(&nodes, Kind::Publish));
}

#[test]
fn failures_wait_longer_and_longer_and_are_forgiven() {
    let mut nodes = nodes(1, false);
    let now = Instant::now();
    let wait = |nodes: &mut Nodes| nodes.get_mut(0).unwrap().redial.next().unwrap() - now;
    for step in 0..12u32 {
        nodes.failed(0, false, now);
        let base = Duration::from_secs(1 << step).min(Duration::from_secs(300));
        let waited = wait(&mut nodes);
        assert!(waited >= base / 2 && waited <= base * 3 / 2, "{step}: {waited:?}");
    }
    assert!(!nodes.get_mut(0).unwrap().may_dial(false, now));
    assert!(nodes.get_mut(0).unwrap().may_dial(true, now + ASKED_AGAIN));
    nodes.forgive();
    assert!(nodes.get_mut(0).unwrap().may_dial(false, now));
}

#[test]
fn who_is_well_for_a_moment_only_waits_ever_longer() {
    let mut nodes = nodes(1, false);
    let mut now = Instant::now();
    let wait = |nodes: &mut Nodes, now| {
        nodes.failed(0, false, now);
        nodes.get_mut(0).unwrap().redial.next().unwrap() - now
    };
    let cap = Timing::default().background_redial;
    // It takes what it is asked, has something in its store, and hangs up.
    for step in 0..12 {
        let waited = wait(&mut nodes, now);
        assert!(waited >= Duration::from_secs(1 << step).min(cap) / 2);
        now += waited;
        nodes.of_use(0);
    }
    now += cap;
    assert!(wait(&mut nodes, now) < Duration::from_secs(2), "it was well");
    // Who cannot be reached for a while and then is well has but failed once.
    for _ in 0..12 {
        let waited = wait(&mut nodes, now);
        now += waited;
    }
    nodes.well(0);
    assert!(wait(&mut nodes, now) < Duration::from_secs(4));
}

#[test]
fn an_address_more_is_no_node_more() {
    let mut nodes = Nodes::new(false, Timing::default());
    let peer = PeerId::random();
    for port in [1, 2, 2] {
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        nodes.add(vec![(peer, vec![address])], Source::Invite, None);
    }
    assert_eq!(nodes.list.len(), 1);
    assert_eq!(nodes.get_mut(0).unwrap().addresses.len(), 2);
}

fn at(text: &str) -> Vec<Multiaddr> {
    vec![text.parse().unwrap()]
}

/// `count` nodes of one network each.
fn named(first: usize, count: usize) -> Vec<(PeerId, Vec<Multiaddr>)> {
    let address = |n: usize| at(&format!("/ip4/{}.{}.1.1/tcp/1", 20 + n / 256, n % 256));
    (first..first + count).map(|n| (PeerId::random(), address(n))).collect()
}

fn peers(nodes: &Nodes) -> Vec<PeerId> {
    nodes.list.iter().map(|node| node.peer).collect()
}

/// Strangers name nodes by the thousand, reachable or not: who proved himself stays, and the book stays small.
#[test]
fn floods_evict_nobody_who_proved_himself() {
    let now = Instant::now();
    for round in 0..20 {
        let mut nodes = Nodes::new(false, Timing::default());
        nodes.add(named(0, 3), Source::Static, None);
        nodes.add(named(10, 8), Source::PeerExchange, Some((Kind::Receive, 0)));
        nodes.add(named(20, 8), Source::Dns, None);
        let good = peers(&nodes);
        for number in 0..nodes.list.len() as u64 {
            nodes.of_use(number);
            // Even the proven are down for a while.
            for _ in 0..round {
                nodes.failed(number, true, now);
            }
        }
        for wave in 0..30 {
            let source = [Source::PeerExchange, Source::Dns, Source::Invite][wave % 3];
            nodes.add(named(100 + wave * 50, 60), source, Some((Kind::ALL[wave % 2], 0)));
            assert!(nodes.list.len() <= 200);
            let numbers: Vec<NodeNumber> = nodes.list.iter().map(|node| node.number).collect();
            for number in numbers.into_iter().filter(|n| *n >= good.len() as u64 && n % 3 != 0) {
                nodes.failed(number, true, now);
            }
        }
        let left = peers(&nodes);
        assert!(good.iter().all(|peer| left.contains(peer)), "{round}");
    }
}

#[test]
fn a_place_is_given_to_newcomers_by_those_that_failed_only() {
    let now = Instant::now();
    let mut nodes = Nodes::new(false, Timing::default());
    nodes.add(named(0, 200), Source::PeerExchange, None);
    let first = peers(&nodes);
    assert_eq!(first.len(), 50);
    nodes.add(named(300, 10), Source::PeerExchange, None);
    assert_eq!(peers(&nodes), first, "untried nodes stay");
    nodes.take_changes();
    nodes.failed(7, true, now);
    nodes.failed(8, false, now); // we were offline: nothing is held against it for long
    nodes.forgive();
    let newcomer = named(400, 1);
    nodes.add(newcomer.clone(), Source::PeerExchange, None);
    assert!(!peers(&nodes).contains(&first[7]) && peers(&nodes).contains(&newcomer[0].0));
    assert_eq!(nodes.take_changes().1, [first[7].to_string()]);
    nodes.add(named(401, 1), Source::PeerExchange, None);
    assert!(peers(&nodes).contains(&first[8]));
    // Other sources have places of their own.
    nodes.add(named(500, 1), Source::Dns, None);
    assert_eq!(nodes.list.len(), 51);
}

#[test]
fn one_network_takes_few_places() {
    let mut nodes = Nodes::new(false, Timing::default());
    for n in 0..40 {
        let ip = at(&format!("/ip4/99.7.{n}.1/tcp/1"));
        let name = at(&format!("/dns4/n{n}.evil.example/tcp/1"));
        let found = vec![(PeerId::random(), ip), (PeerId::random(), name)];
        nodes.add(found, Source::PeerExchange, None);
    }
    assert_eq!(nodes.list.len(), 8);
}

#[test]
fn what_a_node_names_stays_in_its_circle() {
    let mut nodes = nodes(5, false);
    nodes.add(named(0, 10), Source::PeerExchange, Some((Kind::Publish, 0)));
    let counts = Kind::ALL.map(|kind| numbers(&nodes, kind).len());
    assert_eq!(counts, [12, 2, 1]);
    // Unless somebody would go without.
    let mut nodes = self::nodes(1, false);
    nodes.add(named(0, 6), Source::PeerExchange, Some((Kind::Receive, 0)));
    let counts = Kind::ALL.map(|kind| numbers(&nodes, kind).len());
    assert_eq!(counts, [1, 5, 1]);
}

/// Records cost a liar nothing: whatever one node names, what others name finds a place.
#[test]
fn what_one_node_makes_up_crowds_out_nobody() {
    let mut nodes = nodes(2, false);
    let [liar, honest] = [Kind::Receive, Kind::Publish].map(|kind| numbers(&nodes, kind)[0]);
    let add = |nodes: &mut Nodes, kind, by, from, count| {
        nodes.add(named(from, count), Source::PeerExchange, Some((kind, by)))
    };
    for wave in 0..5 {
        add(&mut nodes, Kind::Receive, liar, wave * 60, 60);
    }
    assert_eq!(add(&mut nodes, Kind::Publish, honest, 500, 15), 15);
    // In the same circle they end up with half of the places.
    assert!(add(&mut nodes, Kind::Receive, 99, 600, 60) >= 9);
    let by_other = |nodes: &Nodes| {
        let by_other = nodes.list.iter().filter(|node| node.namer == Some(99));
        by_other.count()
    };
    let there = by_other(&nodes);
    assert!((9..=10).contains(&there), "{there}");
    assert_eq!(add(&mut nodes, Kind::Receive, liar, 700, 60), 0);
    assert_eq!(by_other(&nodes), there);
    // Who was met stays.
    let met = numbers(&nodes, Kind::Receive);
    met.iter().for_each(|number| nodes.of_use(*number));
    assert_eq!(add(&mut nodes, Kind::Receive, 98, 800, 60), 0);
    assert!(nodes.list.len() <= 200);
}

#[test]
fn a_book_comes_back_as_it_was() {
    let now = Instant::now();
    let configured = named(0, 2);
    let fixed = configured.clone();
    let mut nodes = Nodes::new(false, Timing::default());
    nodes.add(configured.clone(), Source::Static, None);
    nodes.add(named(5, 4), Source::Dns, None);
    nodes.of_use(3);
    nodes.failed(4, true, now);
    let (book, gone) = nodes.take_changes();
    assert_eq!((book.len(), gone.len()), (6, 0));
    assert_eq!(nodes.take_changes(), (Vec::new(), Vec::new()));
    assert!(book[3].successes == 1 && book[3].answered_s > 0 && book[4].failures == 1);

    let mut again = Nodes::new(false, Timing::default());
    again.restore(&book, &fixed);
    again.add(configured, Source::Static, None);
    for node in &nodes.list {
        let back = again.list.iter().find(|other| other.peer == node.peer).unwrap();
        assert_eq!(back.entry(), node.entry());
    }
    assert!(again.take_changes().0.iter().all(|entry| entry.source == Source::Static));

    // What is configured no longer, or makes no sense, is forgotten.
    let mut bad = book[5].clone();
    (bad.peer, bad.circle) = ("nobody".into(), 9);
    let mut other = Nodes::new(false, Timing::default());
    other.restore(&[book.clone(), vec![bad]].concat(), &fixed[..1]);
    assert_eq!(other.list.len(), 5);
    let (changed, mut gone) = other.take_changes();
    assert!(changed.is_empty(), "nobody who was met");
    gone.sort();
    let mut expected = vec!["nobody".to_owned(), fixed[1].0.to_string()];
    expected.sort();
    assert_eq!(gone, expected);
}

/// A process that runs for weeks: whoever answers now and then was not silent since it began.
#[test]
fn a_week_of_answers_is_no_week_of_silence() {
    let now = Instant::now();
    let mut nodes = Nodes::new(false, Timing::default());
    nodes.add(named(0, 1), Source::Dns, None);
    nodes.of_use(0);
    nodes.take_changes();
    nodes.of_use(0);
    assert!(nodes.take_changes().0.is_empty(), "not stored at every answer");
    nodes.get_mut(0).unwrap().answered_s -= 8 * 24 * 3600;
    nodes.of_use(0);
    assert_eq!(nodes.take_changes().0.len(), 1);
    for _ in 0..GIVEN_UP.0 {
        nodes.failed(0, true, now);
    }
    assert!(!nodes.get_mut(0).unwrap().may_go(clock::now_s()));
}

#[test]
fn of_a_node_that_is_configured_the_configured_addresses_count() {
    let mut nodes = Nodes::new(false, Timing::default());
    let peer = PeerId::random();
    let old = |n: usize| format!("/ip4/20.1.1.{n}/tcp/1").parse().unwrap();
    nodes.add(vec![(peer, (0..9).map(old).collect())], Source::Dns, None);
    let new = ["/ip4/30.1.1.1/tcp/1", "/ip4/30.1.1.2/tcp/1"];
    for text in new {
        nodes.add(vec![(peer, at(text))], Source::Static, None);
    }
    let known = nodes.get_mut(0).unwrap().addresses.iter();
    assert_eq!(known.map(ToString::to_string).collect::<Vec<_>>(), new);
}

#[test]
fn a_spare_node_without_a_store_keeps_nobody_from_the_others() {
    let mut nodes = nodes(5, false);
    let spare = numbers(&nodes, Kind::Alone);
    assert_eq!(spare.len(), 1);
    nodes.has_no_store(spare[0]);
    let others: Vec<&Node> = nodes.of(Kind::Alone).collect();
    let stores = others.iter().filter(|node| node.may_offer(Service::Store));
    assert_eq!(stores.count(), 4);
}

#[test]
fn a_spare_node_that_is_down_keeps_nobody_from_the_others() {
    let mut nodes = nodes(5, false);
    let spare = numbers(&nodes, Kind::Alone);
    let now = Instant::now();
    for _ in 0..PATIENCE {
        nodes.failed(spare[0], true, now);
    }
    assert_eq!(numbers(&nodes, Kind::Alone).len(), 5);
    nodes.of_use(spare[0]);
    assert_eq!(numbers(&nodes, Kind::Alone), spare);
}

fn homes(nodes: &Nodes) -> Vec<(PeerId, Kind)> {
    let mut homes: Vec<_> = nodes.list.iter().map(|one| (one.peer, one.home)).collect();
    homes.sort_by_key(|(peer, _)| *peer);
    homes
}

/// Another run: what is on disk, and this configuration.
fn rerun(
    disk: &mut std::collections::HashMap<String, KnownNode>,
    nodes: &mut Nodes,
    configured: &[(PeerId, Vec<Multiaddr>)],
) {
    let (changed, gone) = nodes.take_changes();
    for peer in gone {
        disk.remove(&peer);
    }
    disk.extend(changed.into_iter().map(|node| (node.peer.clone(), node)));
    let book: Vec<KnownNode> = disk.values().cloned().collect();
    *nodes = Nodes::new(false, Timing::default());
    nodes.restore(&book, configured);
    nodes.add(configured.to_vec(), Source::Static, None);
    nodes.deal_anew();
}

/// What was named inside a private network may lead there in later runs too, what a stranger named never.
#[test]
fn who_was_named_inside_stays_inside() {
    let (mut disk, mut nodes) = (Default::default(), Nodes::new(false, Timing::default()));
    rerun(&mut disk, &mut nodes, &[]);
    let name = at("/dns4/store.home/tcp/1");
    let all: Vec<PeerId> = (0..4).map(|_| PeerId::random()).collect();
    for (index, peer) in all.iter().enumerate() {
        let source = [Source::Dns, Source::PeerExchange][index % 2];
        nodes.add(vec![(*peer, name.clone())], source, None);
    }
    let known = nodes.take_changes().0.into_iter();
    disk.extend(known.map(|node| (node.peer.clone(), node)));
    all[..2].iter().for_each(|peer| nodes.named_inside(peer));
    for run in 0..3 {
        rerun(&mut disk, &mut nodes, &[]);
        for node in &nodes.list {
            assert_eq!(node.is_inside(), all[..2].contains(&node.peer), "{run}");
        }
        assert_eq!(nodes.list.len(), 4);
        meet_all(&mut nodes); // stored anew
    }
}

fn meet_all(nodes: &mut Nodes) {
    for number in nodes.list.iter().map(|node| node.number).collect::<Vec<_>>() {
        nodes.identified(number, Offers::default());
    }
}

/// A node that was met once and is configured again later serves the circle it served, however long it was away.
#[test]
fn who_leaves_the_configuration_comes_back_into_its_circle() {
    for _ in 0..20 {
        let (four, others) = (named(0, 4), named(10, 4));
        let (mut disk, mut nodes) = (Default::default(), Nodes::new(false, Timing::default()));
        rerun(&mut disk, &mut nodes, &four);
        meet_all(&mut nodes);
        let before = homes(&nodes);
        for between in [&four[..2], &others[..], &[]] {
            rerun(&mut disk, &mut nodes, between);
            rerun(&mut disk, &mut nodes, between);
        }
        rerun(&mut disk, &mut nodes, &four);
        assert_eq!(homes(&nodes), before);
    }
}

#[test]
fn who_is_evicted_comes_back_into_its_circle() {
    let now = Instant::now();
    for _ in 0..20 {
        let mut nodes = Nodes::new(false, Timing::default());
        let first = named(0, 50);
        nodes.add(first.clone(), Source::Dns, None);
        let bad = nodes.list[7].clone();
        // It takes what it is asked, answers nothing, and is back under another source.
        nodes.identified(bad.number, Offers::default());
        nodes.failed(bad.number, true, now);
        nodes.add(named(100, 1), Source::Dns, None);
        assert!(!peers(&nodes).contains(&bad.peer));
        let other = if bad.home == Kind::Receive { Kind::Publish } else { Kind::Receive };
        let (changed, _) = nodes.take_changes();
        let entry = changed.iter().find(|one| one.peer == bad.peer.to_string());
        let entry = entry.unwrap();
        assert_eq!((entry.source, entry.circle), (Source::Former, bad.home as u8));
        assert!(entry.addresses.is_empty() && entry.answered_s > 0);
        let found = vec![(bad.peer, bad.addresses.clone())];
        nodes.add(found, Source::PeerExchange, Some((other, 0)));
        assert!(homes(&nodes).contains(&(bad.peer, bad.home)));
    }
}

#[test]
fn circles_remembered_are_bounded_and_strangers_push_nobody_out() {
    let now = Instant::now();
    let mut nodes = Nodes::new(false, Timing::default());
    let former = |n: u64| KnownNode {
        peer: PeerId::random().to_string(),
        addresses: Vec::new(),
        source: Source::Former,
        circle: 0,
        successes: 0,
        failures: 0,
        answered_s: 10 + n,
    };
    let book: Vec<_> = (0..book::FORMERS as u64).map(former).collect();
    nodes.restore(&book, &[]);
    nodes.add(named(0, 50), Source::Dns, None);
    for number in 0..50 {
        nodes.failed(number, true, now);
    }
    meet_all(&mut nodes);
    nodes.take_changes();
    // Nobody goes whose circle would have to be forgotten, or another's for it.
    assert_eq!(nodes.add(named(100, 10), Source::Dns, None), 0);
    assert_eq!(nodes.take_changes(), (Vec::new(), Vec::new()));
    // Whoever configures comes first: who was not met for longest is forgotten.
    let dropped = KnownNode { source: Source::Static, ..former(1_000_000) };
    nodes.restore(std::slice::from_ref(&dropped), &[]);
    let (changed, gone) = nodes.take_changes();
    assert_eq!(gone, [book[0].peer.clone()]);
    assert_eq!(changed, [KnownNode { source: Source::Former, ..dropped }]);
}

/// Whatever the book is full of, an empty circle gets the next node that is found.
#[test]
fn an_empty_circle_is_filled_before_all() {
    let full_of = |kind: Kind, answered_s: u64| -> Vec<KnownNode> {
        let entry = |(peer, all): (PeerId, Vec<Multiaddr>)| KnownNode {
            peer: peer.to_string(),
            addresses: all.iter().map(ToString::to_string).collect(),
            source: Source::Dns,
            circle: kind as u8,
            successes: u32::from(answered_s > 0),
            failures: 0,
            answered_s,
        };
        named(0, 50).into_iter().map(entry).collect()
    };
    for (full, empty) in [(Kind::Receive, Kind::Publish), (Kind::Publish, Kind::Receive)] {
        let mut nodes = Nodes::new(false, Timing::default());
        nodes.restore(&full_of(full, clock::now_s()), &[]);
        nodes.deal_anew();
        assert!(numbers(&nodes, empty).is_empty(), "who was met stays");
        let fresh = named(100, 2);
        assert_eq!(nodes.add(fresh.clone(), Source::Dns, None), 1);
        let [one] = numbers(&nodes, empty)[..] else {
            panic!("one, and no more at the cost of others");
        };
        assert!(fresh.iter().any(|(peer, _)| *peer == nodes.get_mut(one).unwrap().peer));
        assert_eq!(nodes.list.len(), 50);

        // Who was never met may change over, at the start.
        let mut nodes = Nodes::new(false, Timing::default());
        nodes.restore(&full_of(full, 0), &[]);
        nodes.deal_anew();
        assert_eq!(numbers(&nodes, empty).len(), 1);
        assert_eq!(numbers(&nodes, full).len(), 49);
    }
}

/// What a node did well counts once a run, and half of it is gone once it was found to be of no use.
#[test]
fn who_is_of_no_use_does_not_come_back_as_good() {
    let now = Instant::now();
    let run = |book: &[KnownNode], conduct: fn(&mut Nodes, Instant)| {
        let mut nodes = Nodes::new(true, Timing::default());
        nodes.restore(book, &[]);
        conduct(&mut nodes, now);
        let (changed, _) = nodes.take_changes();
        changed.first().cloned().unwrap()
    };
    let mut nodes = nodes(1, true);
    nodes.list[0].source = Source::Dns;
    let (mut book, _) = nodes.take_changes();
    let took = |nodes: &mut Nodes, _| nodes.answered(0);
    let of_use = |nodes: &mut Nodes, _| (0..3).for_each(|_| nodes.of_use(0));
    let found_out = |nodes: &mut Nodes, now| {
        nodes.of_use(0);
        nodes.doubt(0, Service::LightPush, now);
        nodes.doubt(0, Service::LightPush, now);
        nodes.of_use(0);
    };
    let lied = |nodes: &mut Nodes, now| nodes.lied(0, now);
    book[0].answered_s = 1; // long ago
    let mut successes = Vec::new();
    for conduct in [took, of_use, of_use, of_use, of_use, found_out, lied, lied] as [fn(&mut Nodes, Instant); 8] {
        book = vec![run(&book, conduct)];
        successes.push(book[0].successes);
    }
    assert_eq!(successes, [0, 1, 2, 3, 4, 2, 1, 0]);
}
