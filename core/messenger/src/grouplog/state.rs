//! What a log means: members, devices, settings, epochs.

use super::rules::Verdict;
use super::{Deed, EntryId, Index, LeafId, LeafIndex, Log, MAX_LIVE, MEMBER, Node};
use std::collections::{BTreeMap, BTreeSet};

/// A member's rekey gives way to an admin's for this long, seconds.
const DEFERS_S: u64 = 8 * 86_400;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// His root leaf, which names him.
    pub root: LeafId,
    /// His best seat.
    pub seat: u32,
    /// His live leaves, the newest first.
    pub leaves: Vec<LeafId>,
}

/// What a log, or the past of one entry, means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// By root leaf.
    pub members: Vec<Member>,
    /// Whether a valid entry ended the group.
    pub closed: bool,
    /// The valid entries.
    pub valid: BTreeSet<EntryId>,
    /// Leaves that signed two entries with one `own`.
    pub forked: BTreeSet<LeafId>,
    /// The values that hold, by field.
    pub settings: Vec<(u8, Vec<u8>)>,
    /// The epochs that messages may be sent in, the best first.
    pub epochs: Vec<EntryId>,
}

impl State {
    /// The member of this root leaf.
    pub fn member(&self, root: &LeafId) -> Option<&Member> {
        self.members.iter().find(|member| member.root == *root)
    }

    /// The value of a field.
    pub fn setting(&self, field: u8) -> Option<&[u8]> {
        self.settings.iter().find(|(number, _)| *number == field).map(|(_, value)| value.as_slice())
    }

    /// All live leaves.
    pub fn leaves(&self) -> impl Iterator<Item = &LeafId> {
        self.members.iter().flat_map(|member| &member.leaves)
    }
}

impl Log {
    /// What all entries mean.
    pub fn state(&self) -> State {
        let verdict = Verdict::new(self, None);
        let mut state = self.read(&verdict);
        state.epochs = self.epochs(&verdict);
        state
    }

    /// What the entries mean that this entry's author had. The leaves of an epoch are those of the past of its rekey.
    pub fn state_before(&self, id: &EntryId) -> Option<State> {
        let node = self.node(*self.by_id.get(id)?)?;
        Some(self.read(&Verdict::new(self, Some(&node.past))))
    }

    /// The entry whose id begins so.
    pub fn by_prefix(&self, prefix: &[u8; 16]) -> Option<EntryId> {
        self.nodes.iter().map(|node| node.id).find(|id| id.starts_with(prefix))
    }

    /// When an entry was written, Unix seconds, as its author says.
    pub fn date_s(&self, id: &EntryId) -> Option<u64> {
        self.by_id.get(id).and_then(|at| self.node(*at)).map(|node| node.date_s)
    }

    /// Whether an entry is the leave of this lineage.
    pub fn is_leave_of(&self, id: &EntryId, root: &LeafId) -> bool {
        let place = self.place_of.get(root).and_then(|at| self.place(*at));
        self.by_id.get(id).is_some_and(|at| place.is_some_and(|place| place.leaves.contains(at)))
    }

    /// Whether an entry is a rekey.
    pub fn is_rekey(&self, id: &EntryId) -> bool {
        self.by_id.get(id).is_some_and(|at| self.rekeys.contains(at))
    }

    /// The author leaf of a rekey, and what it says of its epoch's secret.
    pub fn rekey(&self, id: &EntryId) -> Option<(LeafId, [u8; 32])> {
        let node = self.node(*self.by_id.get(id)?)?;
        match node.act {
            Deed::Rekey(commit) => Some((self.place(node.leaf)?.id, commit)),
            _ => None,
        }
    }

    /// The entries that bring a leaf in, with their author leaves.
    pub fn brought_by(&self, leaf: &LeafId) -> impl Iterator<Item = (EntryId, LeafId)> {
        let place = self.place_of.get(leaf).and_then(|at| self.place(*at));
        let all = place.into_iter().flat_map(|place| place.adds.iter().chain(&place.brought));
        all.filter_map(|at| self.node(*at)).filter_map(|node| Some((node.id, self.place(node.leaf)?.id)))
    }

    /// The lineage of a leaf: the id of its root leaf.
    pub fn lineage(&self, leaf: &LeafId) -> Option<LeafId> {
        let place = self.place(*self.place_of.get(leaf)?)?;
        self.place(place.lineage?).map(|root| root.id)
    }

    fn read(&self, verdict: &Verdict<'_>) -> State {
        let roots =
            (0..self.places.len() as LeafIndex).filter(|at| self.place(*at).is_some_and(|p| p.lineage == Some(*at)));
        let mut members: Vec<_> = roots.filter_map(|root| self.member(verdict, root)).collect();
        members.sort_unstable_by_key(|member| member.root);
        let fields: BTreeSet<_> = self.initial.iter().map(|setting| setting.field).chain(self.set_fields()).collect();
        let value = |field: u8| verdict.setting(field, None).map(|value| (field, value.to_vec()));
        State {
            members,
            closed: verdict.nodes(&self.closes).any(|(at, _)| verdict.valid(at)),
            valid: self.ids(|at| verdict.has(at) && verdict.valid(at)),
            forked: verdict.forks.keys().filter_map(|leaf| self.place(*leaf)).map(|place| place.id).collect(),
            settings: fields.into_iter().filter_map(value).collect(),
            epochs: Vec::new(),
        }
    }

    fn ids(&self, among: impl Fn(Index) -> bool) -> BTreeSet<EntryId> {
        let all = (0..).zip(&self.nodes);
        all.filter(|(at, _)| among(*at)).map(|(_, node)| node.id).collect()
    }

    fn set_fields(&self) -> impl Iterator<Item = u8> {
        self.sets.iter().filter_map(|at| match &self.node(*at)?.act {
            Deed::Set(setting) => Some(setting.field),
            _ => None,
        })
    }

    /// A lineage as a member; `None` if it is none.
    fn member(&self, verdict: &Verdict<'_>, root: LeafIndex) -> Option<Member> {
        let seat = self.seat(verdict, root)?;
        let place = self.place(root)?;
        Some(Member { root: place.id, seat, leaves: self.live(verdict, root, seat) })
    }

    fn seat(&self, verdict: &Verdict<'_>, root: LeafIndex) -> Option<u32> {
        let place = self.place(root)?;
        let left = || verdict.nodes(&place.leaves).any(|(at, leave)| leave.seat == 0 && verdict.valid(at));
        if root == 0 && !left() {
            return Some(0);
        }
        let seats = verdict.standing_grants(root, None, None).filter_map(|at| match self.node(at)?.act {
            Deed::Grant { seat } => Some(seat),
            _ => None,
        });
        seats.min().or_else(|| verdict.standing_add(root, None).then_some(MEMBER))
    }

    /// The live leaves of a lineage with this seat, the newest first.
    fn live(&self, verdict: &Verdict<'_>, root: LeafIndex, seat: u32) -> Vec<LeafId> {
        let Some(place) = self.place(root) else { return Vec::new() };
        let mut age = BTreeMap::from([(root, None)]);
        let mut replaced = BTreeSet::new();
        for (_, node) in verdict.nodes(&place.devices).filter(|(at, _)| verdict.valid(*at)) {
            if let Deed::Leaf { new, replaces } = node.act {
                let first = age.entry(new).or_insert(Some((node.depth, node.id)));
                *first = (*first).min(Some((node.depth, node.id)));
                replaced.extend(replaces);
            }
        }
        let mut all: Vec<_> = age.into_iter().filter(|(leaf, _)| !replaced.contains(leaf)).collect();
        all.retain(|(leaf, _)| !self.is_out(verdict, *leaf, seat));
        all.sort_unstable_by_key(|(_, age)| std::cmp::Reverse(*age));
        all.truncate(MAX_LIVE);
        all.into_iter().filter_map(|(leaf, _)| self.place(leaf)).map(|place| place.id).collect()
    }

    /// Whether a leaf of a member with this seat was put out.
    fn is_out(&self, verdict: &Verdict<'_>, leaf: LeafIndex, seat: u32) -> bool {
        let Some(place) = self.place(leaf) else { return true };
        let voted = verdict.nodes(&place.voted_out).any(|(at, by)| by.seat < seat && verdict.valid(at));
        voted || verdict.put_out(leaf, |_| false)
    }

    /// The rekeys whose chains nobody has who was removed or put out, the best first: not in another one's past, then
    /// by seat and id.
    fn epochs(&self, verdict: &Verdict<'_>) -> Vec<EntryId> {
        let mut good: Vec<&Node> = Vec::new();
        for (at, node) in self.rekeys.iter().rev().filter_map(|at| self.node(*at).map(|node| (*at, node))) {
            let last = !good.iter().any(|later| later.past.has(at) && !defers(later, node));
            if last && verdict.valid(at) && self.is_clean(verdict, node) {
                good.push(node);
            }
        }
        let all = good.clone();
        good.retain(|node| !all.iter().any(|other| defers(node, other)));
        good.sort_unstable_by_key(|node| (node.seat, node.id));
        good.into_iter().map(|node| node.id).collect()
    }

    /// Whether every leaf that has chains of an epoch is in, or belongs to somebody who left.
    fn is_clean(&self, verdict: &Verdict<'_>, rekey: &Node) -> bool {
        let before = self.read(&Verdict::new(self, Some(&rekey.past)));
        let covered = before.leaves().filter_map(|leaf| self.place_of.get(leaf).copied());
        // A leaf of an add that only a demotion voids got chains from its adder too.
        let came = |at: &Index| verdict.authorized(*at) && !rekey.past.has(*at);
        let late = (0..).zip(&self.places).filter(|(_, place)| place.adds.iter().chain(&place.brought).any(came));
        covered.chain(late.map(|(leaf, _)| leaf)).all(|leaf| {
            let Some(root) = self.place(leaf).and_then(|place| place.lineage) else { return false };
            match self.seat(verdict, root) {
                Some(seat) => !self.is_out(verdict, leaf, seat),
                None => self.only_left(verdict, root),
            }
        })
    }

    /// Whether nobody removed a lineage that is out: it left.
    fn only_left(&self, verdict: &Verdict<'_>, root: LeafIndex) -> bool {
        let Some(place) = self.place(root) else { return false };
        let valid = |list: &[Index]| list.iter().any(|at| verdict.has(*at) && verdict.valid(*at));
        valid(&place.leaves) && !valid(&place.removes)
    }
}

/// Whether a rekey by a member without rights gives way to an admin's that is not eight days older by its date: nobody
/// ends an epoch for all by one that reaches nobody.
fn defers(member: &Node, admin: &Node) -> bool {
    member.seat == MEMBER && admin.seat < MEMBER && member.date_s < admin.date_s.saturating_add(DEFERS_S)
}
