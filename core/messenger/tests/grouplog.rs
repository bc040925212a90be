//! The log of a group's members, beside its model in Python (`grouplog/model.py`) and rule by rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde::Deserialize;
use sotto_messenger::grouplog::{
    Act, Admitted, Entry, EntryId, Leaf, LeafId, Log, MAX_LIVE, MEMBER, Refused, Setting, Signer, State, WHO_ADDS,
    WHO_SETS,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

/// One run of the model.
#[derive(Deserialize)]
struct Run {
    entries: Vec<Row>,
    valid: BTreeSet<String>,
    members: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    author: String,
    leaf: Option<String>,
    signer: String,
    kind: String,
    seat: u32,
    depth: u32,
    own: Option<String>,
    parents: Vec<String>,
    target: Option<String>,
    value: Option<serde_json::Value>,
}

/// The model's names as ids; they sort as the names do.
fn id<const N: usize>(name: &str) -> [u8; N] {
    let mut id = [0; N];
    id[..name.len()].copy_from_slice(name.as_bytes());
    id
}

fn root(member: &str) -> LeafId {
    id(&format!("{member}.0"))
}

fn leaf(name: &str) -> Leaf {
    Leaf { id: id(name), owner: id(name.split('.').next().unwrap()) }
}

impl Row {
    fn entry(&self) -> Entry {
        let target = || self.target.clone().unwrap();
        let number = || u32::try_from(self.value.as_ref().unwrap().as_u64().unwrap()).unwrap();
        let act = match self.kind.as_str() {
            "genesis" => Act::Genesis(leaf("c.0"), vec![Setting { field: WHO_ADDS, value: vec![1] }]),
            "add" => Act::Add(leaf(&format!("{}.0", target()))),
            "remove" => Act::Remove(root(&target())),
            "leave" => Act::Leave,
            "leaf" => Act::Leaf(leaf(self.value.as_ref().unwrap().as_str().unwrap()), None),
            "unleaf" | "unleaf-by-admin" => Act::Unleaf(vec![id(&target())]),
            "grant" => Act::Grant(root(&target()), number()),
            "set" => Act::Set(Setting { field: 1, value: self.id.clone().into_bytes() }),
            "rekey" => Act::Rekey([0; 32]),
            "revoke-b" => Act::DeputyOff(id("b")),
            other => panic!("{other}"),
        };
        let signer = match self.signer.as_str() {
            "A" => Signer::Authority,
            "B" => Signer::Deputy(id("b")),
            _ => Signer::Leaf,
        };
        Entry {
            id: id(&self.id),
            signer,
            author: self.leaf.as_deref().map_or(root(&self.author), id),
            seat: self.seat,
            depth: self.depth,
            date_s: u64::from(self.depth),
            own: self.own.as_deref().map_or([0; 16], id),
            parents: self.parents.iter().map(|parent| id(parent)).collect(),
            act,
        }
    }
}

/// A running model, which prints as many runs.
fn model(runs: u32, seed: u32) -> Child {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/grouplog/model.py");
    let args = [model, "--dump", &runs.to_string(), &seed.to_string()];
    Command::new("python3").args(args).stdout(Stdio::piped()).spawn().unwrap()
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Admits entries in a random order; one whose parents are missing comes again later.
fn admit(entries: &[Entry], dice: &mut Dice) -> Log {
    let mut log = Log::default();
    let mut left: Vec<_> = entries.iter().collect();
    while !left.is_empty() {
        let entry = left.swap_remove(dice.below(left.len()));
        match log.admit(entry).unwrap() {
            Admitted::Waits(missing) => {
                assert!(!missing.is_empty());
                left.push(entry);
            }
            other => assert_eq!(other, Admitted::New),
        }
    }
    log
}

/// G1: 10⁵ entries of random logs with attackers, as the model judges them, in any order of arrival.
#[test]
fn the_log_and_its_model_agree_in_every_order_of_arrival() {
    let halves = [1, 10_001].map(|seed| thread::spawn(move || compare(model(1_050, seed))));
    let counts = halves.map(|half| half.join().unwrap());
    let (entries, void) = counts.iter().fold((0, 0), |sum, (all, void)| (sum.0 + all, sum.1 + void));
    assert!(entries > 95_000 && void > 9_000, "{entries} {void}");
}

/// How many entries the model's runs had, and how many of them were void.
fn compare(mut model: Child) -> (usize, usize) {
    let mut dice = Dice(1);
    let (mut entries, mut void) = (0, 0);
    for line in BufReader::new(model.stdout.take().unwrap()).lines() {
        let run: Run = serde_json::from_str(&line.unwrap()).unwrap();
        let all: Vec<_> = run.entries.iter().map(Row::entry).collect();
        let state = admit(&all, &mut dice).state();
        assert_eq!(state, admit(&all, &mut dice).state());
        let valid: BTreeSet<EntryId> = run.valid.iter().map(|name| id(name)).collect();
        let differs = all.iter().find(|entry| state.valid.contains(&entry.id) != valid.contains(&entry.id));
        assert!(differs.is_none(), "{differs:?}");
        let members: BTreeMap<_, _> = state.members.iter().map(|member| (member.root, member.seat)).collect();
        // The model lets a grant make somebody a member whom no entry adds, so who has no leaf.
        let added: BTreeSet<_> = all.iter().filter_map(brings_root).collect();
        let expected = run.members.iter().map(|(name, seat)| (root(name), *seat));
        assert_eq!(members, expected.filter(|(root, _)| added.contains(root)).collect());
        entries += all.len();
        void += all.len() - valid.len();
    }
    assert!(model.wait().unwrap().success());
    (entries, void)
}

fn brings_root(entry: &Entry) -> Option<LeafId> {
    match &entry.act {
        Act::Genesis(leaf, _) | Act::Add(leaf) => Some(leaf.id),
        _ => None,
    }
}

/// A log, and names for its entries. Members are "a", "b", …; their root leaves "a.0", …; "c" made the group.
struct Group {
    log: Log,
    entries: HashMap<EntryId, Entry>,
    written: u32,
}

impl Group {
    /// A group of "c" and these members without rights.
    fn new(members: &[&str]) -> Self {
        let mut group = Self { log: Log::default(), entries: HashMap::new(), written: 0 };
        group.by("c.0", 0, Act::Genesis(leaf("c.0"), Vec::new()));
        for member in members {
            group.by("c.0", 0, Act::Add(leaf(&format!("{member}.0"))));
        }
        group
    }

    /// Writes on top of all entries.
    fn by(&mut self, author: &str, seat: u32, act: Act) -> EntryId {
        let heads: Vec<_> = self.log.heads().copied().collect();
        self.after(&heads, author, seat, act)
    }

    /// Writes on top of these entries, as a phone that had no others.
    fn after(&mut self, parents: &[EntryId], author: &str, seat: u32, act: Act) -> EntryId {
        self.signed(parents, Signer::Leaf, author, seat, act)
    }

    fn signed(&mut self, parents: &[EntryId], signer: Signer, author: &str, seat: u32, act: Act) -> EntryId {
        let entry = self.make(parents, signer, author, seat, act);
        assert_eq!(self.log.admit(&entry), Ok(Admitted::New));
        self.entries.insert(entry.id, entry.clone());
        entry.id
    }

    fn make(&mut self, parents: &[EntryId], signer: Signer, author: &str, seat: u32, act: Act) -> Entry {
        self.written += 1;
        let had = |e: &Entry| parents.iter().any(|p| *p == e.id || self.log.follows(&e.id, p));
        let past: Vec<_> = self.entries.values().filter(|e| had(e)).collect();
        let mine = past.iter().filter(|e| e.author == id(author) && e.signer == Signer::Leaf);
        let newest = mine.min_by_key(|e| (std::cmp::Reverse(e.depth), e.id));
        let own = newest.filter(|_| signer == Signer::Leaf).map_or([0; 16], |e| *e.id.first_chunk().unwrap());
        let depth = parents.iter().map(|p| self.entries[p].depth + 1).max().unwrap_or(0);
        let name = id(&format!("{:06}", self.written * 7_919 % 1_000_003));
        let date_s = u64::from(depth);
        Entry { id: name, signer, author: id(author), seat, depth, date_s, own, parents: parents.to_vec(), act }
    }

    fn state(&self) -> State {
        let state = self.log.state();
        let all: Vec<_> = self.entries.values().cloned().collect();
        assert_eq!(state, admit(&all, &mut Dice(u64::from(self.written))).state());
        state
    }

    fn valid(&self, entry: &EntryId) -> bool {
        self.state().valid.contains(entry)
    }

    /// Names of the members, in order, with their seats where they have a right.
    fn members(&self) -> String {
        let name = |member: &sotto_messenger::grouplog::Member| {
            let name = char::from(member.root[0]);
            if member.seat == MEMBER { name.to_string() } else { format!("{name}{}", member.seat) }
        };
        self.state().members.iter().map(name).collect::<Vec<_>>().join(" ")
    }
}

fn grant(member: &str, seat: u32) -> Act {
    Act::Grant(root(member), seat)
}

fn remove(member: &str) -> Act {
    Act::Remove(root(member))
}

fn name(value: &str) -> Act {
    Act::Set(Setting { field: 1, value: value.as_bytes().to_vec() })
}

/// G2: what a removed admin writes later is void however it is dated, and what the remover had seen stays.
#[test]
fn backdated_entries_of_a_removed_admin_are_void() {
    let mut group = Group::new(&["a", "b", "d"]);
    let seat = group.by("c.0", 0, grant("a", 5));
    let seen = group.by("a.0", 5, remove("d"));
    group.by("c.0", 0, remove("a"));
    let backdated = [remove("b"), grant("b", 9), name("mine"), Act::Add(leaf("e.0")), Act::Rekey([0; 32]), Act::Leave];
    for act in backdated {
        let entry = group.after(&[seat], "a.0", 5, act);
        assert!(!group.valid(&entry));
    }
    assert!(group.valid(&seen));
    assert_eq!(group.members(), "b c0");
    group.by("c.0", 0, Act::Add(leaf("a.0")));
    assert_eq!(group.members(), "a b c0");
}

/// G3: of two admins who remove each other the higher one stays; of equal ones neither.
#[test]
fn of_two_who_remove_each_other_the_higher_stays() {
    for (seat_b, left) in [(9, "a5 c0"), (5, "a5 b5 c0")] {
        let mut group = Group::new(&["a", "b"]);
        group.by("c.0", 0, grant("a", 5));
        let start = group.by("c.0", 0, grant("b", seat_b));
        group.after(&[start], "b.0", seat_b, remove("a"));
        group.after(&[start], "a.0", 5, remove("b"));
        assert_eq!(group.members(), left);
    }
}

/// G4: nobody removes or demotes the creator, and nobody acts with his seat.
#[test]
fn nobody_removes_the_creator() {
    let mut group = Group::new(&["a", "b"]);
    group.by("c.0", 0, grant("a", 1));
    group.by("a.0", 1, remove("c"));
    group.by("a.0", 1, grant("c", MEMBER));
    let claimed = group.by("a.0", 0, remove("b"));
    assert!(!group.valid(&claimed));
    assert_eq!(group.members(), "a1 b c0");
    let later = group.by("c.0", 0, remove("a"));
    assert!(group.valid(&later));
    group.by("c.0", 0, Act::Leave);
    assert_eq!(group.members(), "b");
}

/// G6: a stolen leaf, then a stolen deputy key, against the owner's own key, in each order.
#[test]
fn a_stolen_device_loses_to_the_owner() {
    let deputy = Signer::Deputy([7; 32]);
    let mut group = Group::new(&["a", "b"]);
    let start = group.by("c.0", 0, grant("a", 5));
    let with = |group: &mut Group, parents: &[EntryId], signer, act| group.signed(parents, signer, "a.0", MEMBER, act);
    let brought = with(&mut group, &[start], deputy, Act::Leaf(leaf("a.1"), None));
    let honest = group.after(&[brought], "a.1", 5, name("ours"));
    // The thief of "a.0" writes beside and after the owner's unleaf.
    let out = with(&mut group, &[honest], Signer::Authority, Act::Unleaf(vec![id("a.0")]));
    let beside = group.after(&[honest], "a.0", 5, remove("b"));
    let after = group.after(&[out], "a.0", 5, remove("b"));
    assert!(group.valid(&honest) && !group.valid(&beside) && !group.valid(&after));
    assert_eq!(group.state().member(&root("a")).unwrap().leaves, [id::<16>("a.1")]);
    // The thief of the deputy key puts the honest leaf out, and the owner ends the key: all it signed is void.
    let theft = with(&mut group, &[out], deputy, Act::Unleaf(vec![id("a.1")]));
    let later = group.by("a.1", 5, name("later"));
    assert!(group.valid(&theft) && group.valid(&honest) && !group.valid(&later));
    let off = with(&mut group, &[start], Signer::Authority, Act::DeputyOff([7; 32]));
    assert!(group.valid(&off) && !group.valid(&theft) && !group.valid(&brought) && !group.valid(&honest));
    // Another member's keys do nothing to these leaves.
    let foreign = group.signed(&[start], Signer::Authority, "b.0", MEMBER, Act::Unleaf(vec![root("a")]));
    let mine = group.after(&[start], "a.0", MEMBER, Act::Rekey([0; 32]));
    assert!(group.valid(&foreign) && !group.valid(&mine));
}

/// The keys of one member put no leaf of another one out.
#[test]
fn foreign_keys_put_no_leaf_out() {
    let mut group = Group::new(&["a", "b"]);
    let heads: Vec<_> = group.log.heads().copied().collect();
    group.signed(&heads, Signer::Authority, "b.0", MEMBER, Act::Unleaf(vec![root("a")]));
    let mine = group.by("a.0", MEMBER, Act::Rekey([0; 32]));
    assert!(group.valid(&mine));
    assert_eq!(group.state().member(&root("a")).unwrap().leaves, [root("a")]);
}

/// G7: who forks loses his rights; what he removed before stays removed; a grant that knows of the fork gives them
/// back.
#[test]
fn a_fork_takes_rights_and_gives_nothing_back() {
    let mut group = Group::new(&["a", "b", "d", "e"]);
    let start = group.by("c.0", 0, grant("a", 5));
    let removal = group.after(&[start], "a.0", 5, remove("b"));
    let fork = group.after(&[start], "a.0", 5, name("other"));
    assert!(group.valid(&removal) && group.valid(&fork));
    assert_eq!(group.state().forked, BTreeSet::from([root("a")]));
    let after = group.by("a.0", 5, remove("d"));
    assert!(!group.valid(&after) && group.valid(&removal));
    // On a stale branch the leaf acts on until a smaller seat that saw the fork writes.
    let stale = group.after(&[removal], "a.0", 5, remove("e"));
    assert!(group.valid(&stale));
    group.after(&[removal, fork], "c.0", 0, name("seen"));
    assert!(!group.valid(&stale) && group.valid(&removal));
    group.by("c.0", 0, grant("a", 5));
    let again = group.by("a.0", 5, remove("d"));
    assert!(group.valid(&again));
    assert_eq!(group.members(), "a5 c0 e");
}

/// Members add where the setting says so, from the entry on that says so.
#[test]
fn members_add_only_where_they_may() {
    let on = |on: u8| Act::Set(Setting { field: WHO_ADDS, value: vec![on] });
    let mut group = Group::new(&["a"]);
    let before = group.by("a.0", MEMBER, Act::Add(leaf("b.0")));
    group.by("c.0", 0, on(1));
    let during = group.by("a.0", MEMBER, Act::Add(leaf("d.0")));
    group.by("c.0", 0, on(0));
    let after = group.by("a.0", MEMBER, Act::Add(leaf("e.0")));
    assert_eq!([before, during, after].map(|entry| group.valid(&entry)), [false, true, false]);
    assert_eq!(group.members(), "a c0 d");
}

/// Of the newest settings the smaller seat's holds.
#[test]
fn settings_are_one_on_all_phones() {
    let mut group = Group::new(&["a", "b", "d"]);
    group.by("c.0", 0, grant("a", 5));
    let start = group.by("c.0", 0, grant("b", 6));
    group.after(&[start], "b.0", 6, name("b"));
    group.after(&[start], "a.0", 5, name("a"));
    assert_eq!(group.state().setting(1), Some(b"a".as_slice()));
    group.by("b.0", 6, name("later"));
    assert_eq!(group.state().setting(1), Some(b"later".as_slice()));
    // Members set where they may; who may is never theirs to say.
    let void = group.by("d.0", MEMBER, name("d"));
    group.by("c.0", 0, Act::Set(Setting { field: WHO_SETS, value: vec![1] }));
    let counts = group.by("d.0", MEMBER, name("d"));
    assert!(!group.valid(&void) && group.valid(&counts));
    assert_eq!(group.state().setting(1), Some(b"d".as_slice()));
    let heads: Vec<_> = group.log.heads().copied().collect();
    let policy = Act::Set(Setting { field: WHO_ADDS, value: vec![1] });
    let wrong = group.make(&heads, Signer::Leaf, "d.0", MEMBER, policy);
    assert_eq!(group.log.admit(&wrong), Err(Refused::Right));
}

/// What can never count is refused, and a missing parent is named.
#[test]
fn what_can_never_count_is_refused() {
    let mut group = Group::new(&["a"]);
    let head = group.by("c.0", 0, grant("a", 5));
    let early = group.entries.values().find(|entry| entry.depth == 0).unwrap().id;
    let mut refused = |parents: &[EntryId], signer, author: &str, seat, act: Act, change: fn(&mut Entry), why| {
        let mut entry = group.make(parents, signer, author, seat, act);
        change(&mut entry);
        assert_eq!(group.log.admit(&entry), Err(why));
    };
    let keep = |_: &mut Entry| {};
    let by = Signer::Leaf;
    refused(&[head], by, "c.0", 0, Act::Rekey([0; 32]), |entry| entry.depth += 1, Refused::Depth);
    refused(&[head], by, "c.0", 0, Act::Rekey([0; 32]), |entry| entry.date_s = 1, Refused::Date);
    refused(&[head], by, "c.0", 0, Act::Rekey([0; 32]), |entry| entry.own = [9; 16], Refused::Own);
    refused(&[], by, "c.0", 0, Act::Genesis(leaf("c.0"), Vec::new()), keep, Refused::Genesis);
    refused(&[head], by, "z.0", MEMBER, Act::Rekey([0; 32]), keep, Refused::Author);
    refused(&[early], by, "a.0", MEMBER, Act::Rekey([0; 32]), keep, Refused::Author);
    refused(&[head], by, "a.0", MEMBER, remove("c"), keep, Refused::Right);
    refused(&[head], by, "a.0", 5, grant("a", 5), keep, Refused::Right);
    refused(&[head], by, "a.0", 5, Act::Close, keep, Refused::Right);
    refused(&[head], Signer::Deputy([1; 32]), "a.0", MEMBER, Act::DeputyOff([2; 32]), keep, Refused::Right);
    refused(&[head], Signer::Authority, "a.0", MEMBER, Act::Rekey([0; 32]), keep, Refused::Right);
    refused(&[head], by, "a.0", MEMBER, Act::Leaf(leaf("z.1"), None), keep, Refused::Leaf);
    let lost = group.make(&[head], by, "c.0", 0, Act::Rekey([0; 32]));
    let waits = Entry { parents: vec![[9; 32]], ..lost };
    assert_eq!(group.log.admit(&waits), Ok(Admitted::Waits(vec![[9; 32]])));
    assert_eq!(group.log.admit(&group.entries[&head]), Ok(Admitted::Known));
}

/// A member has at most five live leaves, the newest ones, and brings at most 64 in.
#[test]
fn leaves_of_a_member_are_bounded() {
    let mut group = Group::new(&["a"]);
    for n in 1..=64 {
        group.by("a.0", MEMBER, Act::Leaf(leaf(&format!("a.{n}")), None));
    }
    let leaves = group.state().member(&root("a")).unwrap().leaves.clone();
    assert_eq!(leaves.len(), MAX_LIVE);
    assert_eq!(leaves[0], id::<16>("a.64"));
    let heads: Vec<_> = group.log.heads().copied().collect();
    let more = group.make(&heads, Signer::Leaf, "a.0", MEMBER, Act::Leaf(leaf("a.65"), None));
    assert_eq!(group.log.admit(&more), Err(Refused::Leaf));
}

/// An epoch is used until somebody who has its chains is removed or put out, not until somebody leaves or joins.
#[test]
fn an_epoch_ends_with_a_removal_and_not_with_a_leave() {
    let mut group = Group::new(&["a", "b", "d"]);
    let first = group.by("c.0", 0, Act::Rekey([0; 32]));
    group.by("c.0", 0, Act::Add(leaf("e.0")));
    group.by("b.0", MEMBER, Act::Leave);
    assert_eq!(group.state().epochs, [first]);
    group.by("c.0", 0, remove("e"));
    assert_eq!(group.state().epochs, [] as [EntryId; 0]);
    let second = group.by("c.0", 0, Act::Rekey([0; 32]));
    assert_eq!(group.state().epochs, [second]);
    // G29: of two that know nothing of each other the smaller seat's is used, then the lower id.
    group.by("c.0", 0, grant("a", 5));
    let start = group.by("c.0", 0, name("start"));
    let low = group.after(&[start], "a.0", 5, Act::Rekey([0; 32]));
    let high = group.after(&[start], "c.0", 0, Act::Rekey([0; 32]));
    assert_eq!(group.state().epochs, [high, low]);
    assert_eq!(group.log.state_before(&second).unwrap().leaves().count(), 3);
    // A joiner whose add a concurrent demotion of the adder voids had chains too.
    let add = group.after(&[high, low], "a.0", 5, Act::Add(leaf("f.0")));
    assert_eq!(group.state().epochs, [high, low]);
    group.after(&[high, low], "c.0", 0, grant("a", MEMBER));
    assert!(!group.valid(&add));
    assert_eq!(group.state().epochs, [] as [EntryId; 0]);
}

/// Junk that a member without rights writes ends no epoch.
#[test]
fn a_member_cannot_end_an_epoch() {
    let mut group = Group::new(&["a", "b"]);
    let epoch = group.by("c.0", 0, Act::Rekey([0; 32]));
    group.by("a.0", MEMBER, Act::Add(leaf("z.0")));
    group.by("a.0", 3, remove("b"));
    group.by("a.0", 3, Act::Add(leaf("y.0")));
    group.by("a.0", MEMBER, Act::Leaf(leaf("a.1"), None));
    assert_eq!(group.state().epochs, [epoch]);
}
