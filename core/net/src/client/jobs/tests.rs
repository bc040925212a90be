#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use super::*;
use crate::client::nodes::Offers;
use crate::config::Sharding;
use crate::exchange::ExchangeError;
use crate::handle::{Circle as Asking, PublishOutcome, Published, Source};
use crate::trust::Purpose;

const TOPIC: &str = "/sotto/1/h00-0000/proto";

struct Scene {
    jobs: Jobs,
    nodes: Nodes,
    now: Instant,
    id: u64,
}

impl Scene {
    /// With one node for each circle, two for queries of their own.
    fn new() -> Self {
        let config = Arc::new(NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0])));
        let mut nodes = Nodes::new(false, config.timing);
        let found = (0..20).map(|_| (PeerId::random(), vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()]));
        nodes.add(found.collect(), Source::Static, None);
        Self { jobs: Jobs::new(config, Trust::default()), nodes, now: Instant::now(), id: 0 }
    }

    fn publish(&mut self, not: Vec<NodeNumber>) {
        self.id += 1;
        let (id, topic, payload) = (self.id, TOPIC.into(), vec![1]);
        let (timestamp_ns, other_ns, purpose, spread) = (1, None, Purpose::Probe(not), None);
        let command = Command::Publish { id, topic, payload, timestamp_ns, other_ns, purpose, spread };
        assert!(self.jobs.add(command).is_none());
    }

    fn query(&mut self, circle: Asking) {
        self.id += 1;
        let (id, topics) = (self.id, vec![TOPIC.into()]);
        let (end_ns, newest_first, most_bytes) = (None, false, None);
        let command = Command::Query { id, circle, topics, start_ns: 0, end_ns, newest_first, most_bytes };
        assert!(self.jobs.add(command).is_none());
    }

    fn upload(&mut self, topic: &str, chunks: usize, not: Vec<NodeNumber>) {
        self.id += 1;
        let (topic, payloads) = (topic.into(), vec![vec![1]; chunks]);
        let command = Command::Upload { id: self.id, topic, payloads, timestamp_ns: 1, not };
        assert!(self.jobs.add(command).is_none());
    }

    fn download(&mut self) {
        self.id += 1;
        let (id, topics, circle, most_bytes) = (self.id, vec![TOPIC.into()], Asking::Alone, Some(1));
        let (start_ns, end_ns, newest_first) = (0, None, false);
        let command = Command::Query { id, circle, topics, start_ns, end_ns, newest_first, most_bytes };
        assert!(self.jobs.add(command).is_none());
    }

    fn ready(&self, kind: Kind) -> Ready {
        let node = self.nodes.of(kind).next().unwrap();
        Ready { peer: node.peer, node: node.number, offers: Offers::default() }
    }

    fn chosen(&mut self, number: u64, choice: Choice) -> Option<Todo> {
        self.jobs.chosen(number, choice, &mut self.nodes, false, self.now)
    }

    /// The job goes to a connected node.
    fn ask(&mut self, number: u64, kind: Kind) -> Ready {
        let ready = self.ready(kind);
        assert!(matches!(self.chosen(number, Choice::Ask(ready)), Some(Todo::Ask(_, Ask::Ready(..), _))));
        ready
    }

    /// All jobs that may go to this node now, over connections of their own.
    fn start_alone(&mut self, node: &Node) -> Vec<u64> {
        let mut started = self.jobs.waiting();
        started.retain(|number| {
            let wish = self.jobs.wish(*number, &self.nodes, self.now);
            let own = wish.is_some_and(|wish| wish.own_link);
            own && matches!(self.chosen(*number, Choice::Alone(node.clone())), Some(Todo::Ask(_, Ask::Alone(..), _)))
        });
        started
    }

    fn answered(&mut self, number: u64, node: NodeNumber, answer: Answer) -> Option<(Kind, Conduct, Step)> {
        self.jobs.answered(number, node, answer, &mut self.nodes, (self.now, 0))
    }
}

impl Job {
    /// The node takes this chunk.
    fn take(&self, chunk: usize) {
        match &self.task {
            Task::Upload(batch) => batch.take(chunk),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_belongs_together_goes_through_one_node_and_each_through_its_own() {
    let lots = RandomState::new();
    let mut used = [0_u32; 4];
    for key in 0..400 {
        let node = draw(&lots, key, 0..4).unwrap();
        assert_eq!(draw(&lots, key, 0..4), Some(node));
        // Another node leaves: nothing changes.
        let others = (0..4).filter(|one| *one == node || one % 2 == node % 2);
        assert_eq!(draw(&lots, key, others), Some(node));
        if let Some(count) = usize::try_from(node).ok().and_then(|node| used.get_mut(node)) {
            *count += 1;
        }
    }
    assert!(used.iter().all(|count| *count > 50), "{used:?}");
    assert_eq!(draw(&lots, 1, 0..0), None);
}

#[test]
fn a_job_waits_for_a_node_so_long_and_no_longer() {
    let mut scene = Scene::new();
    scene.publish(Vec::new());
    let (begin, reach) = (scene.now, Duration::from_secs(15));
    assert_eq!(scene.jobs.waiting(), [0]);
    assert!(scene.chosen(0, Choice::Wait(None)).is_none());
    assert_eq!(scene.jobs.deadline(), Some(begin + reach));
    let soon = begin + Duration::from_secs(3);
    assert!(scene.chosen(0, Choice::Wait(Some(soon))).is_none());
    assert_eq!(scene.jobs.deadline(), Some(soon));
    assert_eq!(scene.jobs.waiting(), [0]);
    assert_eq!(scene.jobs.deadline(), None, "looked at anew");
    scene.now = begin + reach;
    let Some(Todo::Tell(event)) = scene.chosen(0, Choice::Wait(Some(soon))) else {
        panic!("it has waited long enough");
    };
    assert!(matches!(event, Event::Published(Published { outcome: PublishOutcome::Failed(FailReason::NoNode), .. })));
    assert!(scene.jobs.is_empty());
}

#[test]
fn who_is_searched_for_is_waited_for() {
    let mut scene = Scene::new();
    scene.publish(Vec::new());
    let mut nobody = |searching| {
        let todo = scene.jobs.chosen(0, Choice::Nobody, &mut scene.nodes, searching, scene.now);
        todo.map(|todo| matches!(todo, Todo::Tell(_)))
    };
    assert_eq!((nobody(true), nobody(false)), (None, Some(true)));
}

#[test]
fn nobody_but_those_not_to_ask_is_another_reason() {
    let mut scene = Scene::new();
    let others: Vec<NodeNumber> = scene.nodes.of(Kind::Publish).map(|node| node.number).collect();
    scene.jobs.add(Command::Check { id: 1, hashes: vec![[1; 32]], not: others.first().copied() });
    assert!(matches!(scene.jobs.wish(0, &scene.nodes, scene.now), Some(Wish { repeat: false, .. })));
    let reason = |todo| match todo {
        Some(Todo::Tell(Event::CheckFailed { reason, .. })) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(scene.chosen(0, Choice::Nobody)), FailReason::NoNode);
    others.iter().skip(1).for_each(|node| scene.nodes.has_no_store(*node));
    scene.jobs.add(Command::Check { id: 2, hashes: vec![[1; 32]], not: others.first().copied() });
    assert_eq!(reason(scene.chosen(1, Choice::Nobody)), FailReason::NoOther);
}

#[test]
fn few_are_asked_at_a_time_and_two_alone() {
    let mut scene = Scene::new();
    let most = Lane::Circle.most();
    (0..=most).for_each(|_| scene.publish(Vec::new()));
    for number in scene.jobs.waiting() {
        if scene.jobs.wish(number, &scene.nodes, scene.now).is_some() {
            scene.ask(number, Kind::Publish);
        }
    }
    assert_eq!(scene.jobs.asking().count(), most);
    assert_eq!(scene.jobs.waiting().len(), 1);
    let mut scene = Scene::new();
    (0..3).for_each(|_| scene.query(Asking::Alone));
    let node = scene.nodes.of(Kind::Alone).next().unwrap().clone();
    assert_eq!(scene.start_alone(&node), [0, 1]);
    scene.now += Duration::from_secs(60);
    let failed = Err(StoreError::Exchange(ExchangeError::Timeout));
    let (.., step) = scene.answered(0, node.number, Answer::Queried(1, failed)).unwrap();
    assert!(matches!(step, Step::Done(Some(Event::QueryFailed { .. }))), "pages were out");
    assert_eq!(scene.start_alone(&node), [2], "its time had not begun");
}

#[test]
fn files_have_places_of_their_own() {
    let mut scene = Scene::new();
    (0..6).for_each(|_| scene.download());
    (0..4).for_each(|_| scene.upload(TOPIC, 1, Vec::new()));
    (0..3).for_each(|_| scene.query(Asking::Alone));
    scene.publish(Vec::new());
    let node = scene.nodes.of(Kind::Alone).next().unwrap().clone();
    assert_eq!(scene.start_alone(&node), [0, 1, 2, 3, 4, 6, 7, 8, 10, 11]);
    assert_eq!(scene.jobs.asking().count(), 0, "they hold no connection of a circle");
    assert!(scene.jobs.wish(13, &scene.nodes, scene.now).is_some(), "messages do not wait");
    (0..Lane::Circle.most()).for_each(|_| scene.publish(Vec::new()));
    (13..13 + Lane::Circle.most() as u64).for_each(|number| {
        scene.ask(number, Kind::Publish);
    });
    let (_, conduct, step) = scene.answered(0, node.number, Answer::Queried(1, Ok(End::Whole))).unwrap();
    assert!(conduct == Conduct::Good && matches!(step, Step::Done(None)));
    assert_eq!(scene.start_alone(&node), [5], "nor do files wait for messages");
}

/// A job's upload is over: the node, what it took, why it ended.
fn uploaded(step: Step) -> (Option<NodeNumber>, Vec<bool>, Option<FailReason>) {
    match step {
        Step::Done(Some(Event::Uploaded { node, taken, failed, .. })) => (node, taken, failed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upload_tries_others_until_a_chunk_is_taken() {
    let mut scene = Scene::new();
    scene.upload(TOPIC, 2, vec![7]);
    assert_eq!(scene.jobs.wish(0, &scene.nodes, scene.now).unwrap().avoid, [7]);
    let nodes: Vec<Node> = scene.nodes.of(Kind::Publish).cloned().collect();
    let [first, second, third, ..] = &nodes[..] else { panic!("too few") };
    let ask = |scene: &mut Scene, node: &Node, answer| {
        assert_eq!(scene.start_alone(node), [0]);
        scene.answered(0, node.number, Answer::Uploaded(answer)).unwrap()
    };
    let (kind, conduct, step) = ask(&mut scene, first, Err(FailReason::Timeout));
    assert!((kind, conduct) == (Kind::Publish, Conduct::Silent) && matches!(step, Step::Again));
    let (_, conduct, step) = ask(&mut scene, second, Err(FailReason::Refused));
    assert!(conduct == Conduct::Refused && matches!(step, Step::Again));
    let wish = scene.jobs.wish(0, &scene.nodes, scene.now).unwrap();
    assert_eq!(wish.tried, [first.number, second.number]);
    assert_eq!((wish.prefer, wish.avoid), (vec![], vec![7, second.number, first.number]), "who took nothing");
    scene.jobs.list.values().for_each(|job| job.take(0));
    let (_, conduct, step) = ask(&mut scene, third, Err(FailReason::Timeout));
    assert_eq!(conduct, Conduct::Good, "it took one");
    assert_eq!(uploaded(step), (Some(third.number), vec![true, false], Some(FailReason::Timeout)));
    assert!(scene.nodes.get(second.number).unwrap().last_resort(Service::LightPush, scene.now), "it refused in vain");
    scene.upload(TOPIC, 1, Vec::new());
    scene.upload("/sotto/1/b01-0000000000000001/proto", 1, Vec::new());
    let wish = |number| scene.jobs.wish(number, &scene.nodes, scene.now).unwrap();
    assert_eq!((wish(1).prefer, wish(1).avoid), (vec![third.number], vec![second.number, first.number]));
    assert_eq!((wish(2).prefer, wish(2).avoid), (vec![], [third, second, first].map(|node| node.number).to_vec()));
}

#[test]
fn a_download_stays_where_there_is_more_and_goes_on_elsewhere() {
    let mut scene = Scene::new();
    let nodes: Vec<Node> = scene.nodes.of(Kind::Alone).cloned().collect();
    let [first, second, ..] = &nodes[..] else { panic!("too few") };
    let mut next = 0;
    let mut then = |node: &Node, answer| {
        scene.download();
        assert_eq!(scene.start_alone(node), [next]);
        scene.answered(next, node.number, answer).unwrap();
        scene.download();
        let wish = scene.jobs.wish(next + 1, &scene.nodes, scene.now).unwrap();
        scene.jobs.stop(next + 2);
        next += 2;
        (wish.prefer, wish.avoid)
    };
    assert_eq!(then(first, Answer::Queried(1, Ok(End::Full))), (vec![first.number], vec![]));
    assert_eq!(then(first, Answer::Queried(1, Ok(End::Whole))), (vec![], vec![first.number]));
    let failed = Err(StoreError::Exchange(ExchangeError::Timeout));
    assert_eq!(then(second, Answer::Queried(1, failed)), (vec![], vec![second.number, first.number]));
}

#[test]
fn too_many_requests_end_an_upload_and_hold_up_no_message() {
    let mut scene = Scene::new();
    scene.upload(TOPIC, 2, Vec::new());
    let node = scene.nodes.of(Kind::Publish).next().unwrap().clone();
    scene.start_alone(&node);
    let (_, conduct, step) = scene.answered(0, node.number, Answer::Uploaded(Err(FailReason::Busy))).unwrap();
    assert_eq!(uploaded(step), (Some(node.number), vec![false; 2], Some(FailReason::Busy)));
    assert_eq!((conduct, scene.nodes.get(node.number).unwrap().busy(scene.now)), (Conduct::Good, None));
}

#[test]
fn who_refuses_a_chunk_for_all_refuses_the_upload() {
    let mut scene = Scene::new();
    scene.upload(TOPIC, 1, Vec::new());
    let node = scene.nodes.of(Kind::Publish).next().unwrap().clone();
    scene.start_alone(&node);
    scene.answered(0, node.number, Answer::Uploaded(Err(FailReason::Refused))).unwrap();
    let Some(Todo::Tell(event)) = scene.chosen(0, Choice::Nobody) else { panic!("nobody is left") };
    let (node, failed) = (Some(node.number), Some(FailReason::Refused));
    assert_eq!(event, Event::Uploaded { id: 1, node, taken: vec![false], failed });
    let large =
        Command::Upload { id: 2, topic: TOPIC.into(), payloads: vec![vec![1]; 17], timestamp_ns: 1, not: vec![] };
    let taken = vec![false; 17];
    let refused = Event::Uploaded { id: 2, node: None, taken, failed: Some(FailReason::Refused) };
    assert_eq!(scene.jobs.add(large), Some(refused));
}

#[test]
fn what_is_stopped_ends_its_work_and_no_answer_comes() {
    let mut scene = Scene::new();
    scene.upload(TOPIC, 1, Vec::new());
    scene.download();
    scene.publish(Vec::new());
    let node = scene.nodes.of(Kind::Publish).next().unwrap().clone();
    let mut ends: Vec<_> = (0..2)
        .map(|number| match scene.chosen(number, Choice::Alone(node.clone())) {
            Some(Todo::Ask(_, _, ended)) => ended,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ends.iter_mut().all(|end| end.try_recv() == Err(oneshot::error::TryRecvError::Empty)));
    (1..=3).for_each(|id| scene.jobs.stop(id));
    assert!(ends.iter_mut().all(|end| end.try_recv() == Err(oneshot::error::TryRecvError::Closed)));
    assert!(scene.answered(0, node.number, Answer::Uploaded(Ok(()))).is_none());
    assert_eq!(scene.jobs.waiting(), [2], "a message is not stopped");
}

#[test]
fn another_query_goes_to_others_than_the_last() {
    let mut scene = Scene::new();
    let avoid = |scene: &mut Scene| {
        scene.query(Asking::Other);
        let wish = scene.jobs.wish(scene.id - 1, &scene.nodes, scene.now).unwrap();
        assert!(wish.repeat);
        wish.avoid
    };
    assert_eq!(avoid(&mut scene), []);
    let ready = scene.ask(0, Kind::Receive);
    assert_eq!(avoid(&mut scene), [ready.node]);
    scene.publish(vec![7]);
    assert_eq!(scene.jobs.wish(scene.id - 1, &scene.nodes, scene.now).unwrap().avoid, [7]);
}

#[test]
fn a_preference_holds_for_its_circle() {
    let mut scene = Scene::new();
    let mut taken = Published::new(7, [0; 32], 0, Some(1), PublishOutcome::Accepted);
    scene.jobs.trust.published(&mut taken, &Purpose::Message(None), 0);
    let arrived = Evidence::Arrived(vec![(1, 0)], None);
    scene.jobs.learn(vec![arrived, Evidence::Opened(2, true)], &mut scene.nodes);
    scene.publish(Vec::new());
    scene.query(Asking::Receive);
    scene.query(Asking::Alone);
    scene.jobs.add(Command::Check { id: 9, hashes: vec![[1; 32]], not: None });
    let prefer = |number| scene.jobs.wish(number, &scene.nodes, scene.now).unwrap().prefer;
    assert_eq!([prefer(0), prefer(1), prefer(2), prefer(3)], [vec![1], vec![2], Vec::new(), Vec::new()]);
}

#[test]
fn a_refusal_goes_to_another_and_a_yes_casts_doubt_on_who_refused() {
    let mut scene = Scene::new();
    scene.publish(Vec::new());
    let first = scene.ask(0, Kind::Publish).node;
    let refused = Answer::Published(Ok(PublishOutcome::Refused));
    let (_, conduct, step) = scene.answered(0, first, refused).unwrap();
    assert!(conduct == Conduct::Refused && matches!(step, Step::Again));
    let doubted = |scene: &Scene| scene.nodes.get(first).unwrap().last_resort(Service::LightPush, scene.now);
    assert!(!doubted(&scene));
    assert_eq!(scene.jobs.wish(0, &scene.nodes, scene.now).unwrap().tried, [first]);
    let second = scene.nodes.of(Kind::Publish).map(|node| node.number).find(|node| *node != first).unwrap();
    let taken = Answer::Published(Ok(PublishOutcome::Relayed { peers: 1 }));
    let (.., step) = scene.answered(0, second, taken).unwrap();
    assert!(matches!(step, Step::Done(Some(Event::Published(Published { .. })))));
    assert!(doubted(&scene) && scene.jobs.is_empty());
}

#[test]
fn after_a_change_of_network_all_begin_again_but_queries_under_way() {
    let mut scene = Scene::new();
    scene.publish(Vec::new());
    scene.query(Asking::Receive);
    scene.query(Asking::Receive);
    scene.upload(TOPIC, 2, Vec::new());
    scene.upload(TOPIC, 2, Vec::new());
    let node = scene.nodes.of(Kind::Publish).next().unwrap().clone();
    scene.ask(0, Kind::Publish);
    scene.ask(1, Kind::Receive);
    assert!([3, 4].map(|number| scene.chosen(number, Choice::Alone(node.clone()))).iter().all(Option::is_some));
    scene.jobs.list.get(&4).unwrap().take(1);
    let failed = scene.jobs.restart();
    let reason = FailReason::Timeout;
    let cut = Event::Uploaded { id: 5, node: Some(node.number), taken: vec![false, true], failed: Some(reason) };
    assert_eq!(failed, [Event::QueryFailed { id: 2, reason }, cut]);
    assert_eq!(scene.jobs.waiting(), [0, 2, 3]);
    assert_eq!(scene.jobs.close().count(), 3);
    assert!(scene.answered(1, 0, Answer::Queried(0, Ok(End::Whole))).is_none(), "nobody waits for it");
}

#[test]
fn what_does_not_fit_the_network_is_refused_at_once() {
    let mut scene = Scene::new();
    let (topic, payload) = ("no topic".into(), vec![1]);
    let (timestamp_ns, other_ns, purpose, spread) = (1, None, Purpose::Message(None), None);
    let publish = Command::Publish { id: 1, topic, payload, timestamp_ns, other_ns, purpose, spread };
    let refused = scene.jobs.add(publish);
    assert!(matches!(refused, Some(Event::Published(Published { node: None, outcome: PublishOutcome::Refused, .. }))));
    assert!(scene.jobs.is_empty());
}

#[test]
fn a_message_is_for_another_node_than_took_it_and_by_the_other_clock() {
    let mut scene = Scene::new();
    let mut published = |number: u64| {
        let (topic, payload, purpose) = (TOPIC.into(), vec![1], Purpose::Message(None));
        let (timestamp_ns, other_ns, spread) = (1, Some(2), None);
        scene.jobs.add(Command::Publish { id: 7, topic, payload, timestamp_ns, other_ns, purpose, spread });
        let avoid = scene.jobs.wish(number, &scene.nodes, scene.now).unwrap().avoid;
        let node = scene.ask(number, Kind::Publish).node;
        let taken = Answer::Published(Ok(PublishOutcome::Relayed { peers: 1 }));
        let (.., step) = scene.answered(number, node, taken).unwrap();
        match step {
            Step::Done(Some(Event::Published(published))) => (avoid, node, published),
            other => panic!("{other:?}"),
        }
    };
    let (avoid, node, first) = published(0);
    assert_eq!((avoid, first.timestamp_ns), (Vec::new(), 1));
    let (avoid, _, second) = published(1);
    assert_eq!((avoid, second.timestamp_ns), (vec![node], 2));
    assert_ne!(first.hash, second.hash, "each time has its own");
}
