//! Which entries are valid. The names V0 to V3 are those of `docs/protocol.md`.
//!
//! An entry's validity refers to entries of a smaller (seat, depth) alone: V1 to smaller seats and to earlier entries
//! of the same one, V2 and V3(b) to smaller seats, V0 to no seat at all. Judging in that order needs no recursion, and
//! shows that there is no cycle.

use super::past::Past;
use super::{Deed, Index, LeafIndex, Log, MEMBER, Node, Setting, Signer, WHO_ADDS, WHO_SETS};
use std::collections::HashMap;

/// What holds in a log, or in the part of it that came before one entry.
pub(super) struct Verdict<'a> {
    log: &'a Log,
    within: Option<&'a Past>,
    /// V0 of each entry.
    rooted: Vec<bool>,
    /// V1 of each entry, where V0 holds.
    authorized: Vec<bool>,
    valid: Vec<bool>,
    /// Leaves that forked, each with the groups of entries that prove it.
    pub(super) forks: HashMap<LeafIndex, Vec<Vec<Index>>>,
    /// For each of them, the entries of leaves that have the proof in their past.
    informed: HashMap<LeafIndex, Vec<Index>>,
}

impl<'a> Verdict<'a> {
    /// Judges all entries, or those of one past.
    pub(super) fn new(log: &'a Log, within: Option<&'a Past>) -> Self {
        let blank = vec![false; log.nodes.len()];
        let (forks, informed) = (HashMap::new(), HashMap::new());
        let mut verdict =
            Self { log, within, rooted: blank.clone(), authorized: blank.clone(), valid: blank, forks, informed };
        verdict.find_forks();
        // Entries by A and B first: V0 of the others refers to them.
        for by_leaf in [false, true] {
            for at in 0..log.nodes.len() as Index {
                let Some(node) = verdict.get(at).filter(|node| (node.signer == Signer::Leaf) == by_leaf) else {
                    continue;
                };
                let rooted = verdict.v0(at, node);
                set(&mut verdict.rooted, at, rooted);
            }
        }
        let mut order: Vec<_> = (0..log.nodes.len() as Index).filter(|at| verdict.has(*at)).collect();
        order.sort_unstable_by_key(|at| log.node(*at).map(|node| (node.seat, node.depth)));
        for at in order {
            let Some(x) = verdict.get(at) else { continue };
            let held = if verdict.rooted(at) { verdict.v1(at, x) } else { None };
            set(&mut verdict.authorized, at, held.is_some());
            let valid =
                held.is_some_and(|held| x.signer != Signer::Leaf || verdict.v2(at, x) && verdict.v3(at, x, &held));
            set(&mut verdict.valid, at, valid);
        }
        verdict
    }

    pub(super) fn valid(&self, at: Index) -> bool {
        self.valid.get(at as usize).copied().unwrap_or(false)
    }

    pub(super) fn authorized(&self, at: Index) -> bool {
        self.authorized.get(at as usize).copied().unwrap_or(false)
    }

    fn rooted(&self, at: Index) -> bool {
        self.rooted.get(at as usize).copied().unwrap_or(false)
    }

    /// Whether an entry is in the judged part.
    pub(super) fn has(&self, at: Index) -> bool {
        self.within.is_none_or(|past| past.has(at))
    }

    pub(super) fn get(&self, at: Index) -> Option<&'a Node> {
        if self.has(at) { self.log.node(at) } else { None }
    }

    /// Those of a list that are in the judged part.
    pub(super) fn nodes<'b>(&'b self, list: &'b [Index]) -> impl Iterator<Item = (Index, &'a Node)> + use<'a, 'b> {
        list.iter().filter_map(|at| self.get(*at).map(|node| (*at, node)))
    }

    fn find_forks(&mut self) {
        for ((leaf, _), entries) in &self.log.chains {
            let group: Vec<_> = entries.iter().copied().filter(|at| self.has(*at)).collect();
            if group.len() > 1 {
                self.forks.entry(*leaf).or_default().push(group);
            }
        }
        for (leaf, groups) in &self.forks {
            let all = (0..self.log.nodes.len() as Index)
                .filter(|at| self.get(*at).is_some_and(|node| groups.iter().any(|group| proves(group, &node.past))));
            self.informed.insert(*leaf, all.collect());
        }
    }

    /// V0: the leaf, apart from seats.
    fn v0(&self, at: Index, x: &Node) -> bool {
        if at == 0 {
            return true;
        }
        let Some(root) = self.log.place(x.lineage) else { return false };
        let rooted = x.lineage == 0 || root.adds.iter().any(|add| x.past.has(*add));
        match x.signer {
            Signer::Authority => return rooted,
            Signer::Deputy(key) => {
                let off = self.log.deputies_off.get(&(x.lineage, key));
                return rooted && !off.is_some_and(|off| off.iter().any(|off| self.has(*off)));
            }
            Signer::Leaf => {}
        }
        let Some(leaf) = self.log.place(x.leaf) else { return false };
        let came_in = if x.leaf == x.lineage {
            rooted
        } else {
            leaf.brought.iter().any(|by| x.past.has(*by) && self.rooted(*by))
        };
        came_in && !self.put_out(x.leaf, |past| past.has(at))
    }

    /// Whether the owner's A or B puts a leaf out, by an entry whose past `spares` does not accept.
    pub(super) fn put_out(&self, leaf: LeafIndex, spares: impl Fn(&Past) -> bool) -> bool {
        let Some(place) = self.log.place(leaf) else { return false };
        self.nodes(&place.put_out)
            .any(|(at, by)| Some(by.lineage) == place.lineage && self.rooted(at) && !spares(&by.past))
    }

    /// V1, the authority: the grants that the author acts under, none for the creator and for members without rights.
    fn v1(&self, at: Index, x: &Node) -> Option<Vec<Index>> {
        if at == 0 || x.signer != Signer::Leaf {
            return Some(Vec::new());
        }
        match x.seat {
            0 => (x.lineage == 0).then(Vec::new),
            MEMBER => {
                let member = x.lineage == 0
                    || self.standing_grants(x.lineage, Some(&x.past), None).next().is_some()
                    || self.standing_add(x.lineage, Some(&x.past));
                let may = match x.act {
                    Deed::Add => self.is_on(WHO_ADDS, &x.past),
                    Deed::Set(_) => self.is_on(WHO_SETS, &x.past),
                    _ => true,
                };
                (member && may).then(Vec::new)
            }
            seat => {
                let held: Vec<_> = self.standing_grants(x.lineage, Some(&x.past), Some(seat)).collect();
                (!held.is_empty()).then_some(held)
            }
        }
    }

    /// V2: no smaller seat that did not see the entry removes or demotes its author, or puts its leaf out.
    fn v2(&self, at: Index, x: &Node) -> bool {
        let (Some(root), Some(leaf)) = (self.log.place(x.lineage), self.log.place(x.leaf)) else { return false };
        let strong = |by: Index, y: &Node| by != at && !y.past.has(at) && y.seat < x.seat && self.valid(by);
        let demotes = |y: &Node| !matches!(y.act, Deed::Grant { seat } if seat <= x.seat);
        let mut removed = self.nodes(&root.removes).chain(self.nodes(&root.grants));
        // A member can come back after it; a leaf that was put out never does.
        !removed.any(|(by, y)| demotes(y) && !x.past.has(by) && strong(by, y))
            && !self.nodes(&leaf.voted_out).any(|(by, y)| strong(by, y))
    }

    /// V3: a leaf that forked does no act that needs a right.
    fn v3(&self, at: Index, x: &Node, held: &[Index]) -> bool {
        let Some(groups) = self.forks.get(&x.leaf) else { return true };
        if x.seat == 0 || x.seat == MEMBER || !needs_right(&x.act) {
            return true;
        }
        // (a) The entry's author knew, and so did nobody who gave the right.
        let proof: Vec<_> = groups.iter().flat_map(|group| proof(group, &x.past)).collect();
        let again = |grant: &Index| self.log.node(*grant).is_some_and(|g| proof.iter().all(|at| g.past.has(*at)));
        if !proof.is_empty() && !held.iter().any(again) {
            return false;
        }
        // (b) A smaller seat knew, and did not have the entry.
        let informed = self.informed.get(&x.leaf).map_or(&[][..], Vec::as_slice);
        !self.nodes(informed).any(|(by, z)| {
            let apart = at != by && !z.past.has(at) && !x.past.has(by);
            z.seat < x.seat && apart && self.valid(by)
        })
    }

    /// The valid grants to a lineage that nothing ended: in one past or in all, of one seat or of any.
    ///
    /// The seat is compared before the validity: entries of equal rank would otherwise depend on each other.
    pub(super) fn standing_grants(
        &self,
        lineage: LeafIndex,
        within: Option<&Past>,
        seat: Option<u32>,
    ) -> impl Iterator<Item = Index> {
        let grants = self.log.place(lineage).map_or(&[][..], |place| &place.grants);
        self.nodes(grants).filter_map(move |(at, grant)| {
            let Deed::Grant { seat: given } = grant.act else { return None };
            let asked = seat.is_none_or(|seat| seat == given) && within.is_none_or(|past| past.has(at));
            (asked && self.valid(at) && !self.ends(at, grant, lineage, within, given)).then_some(at)
        })
    }

    /// Whether a valid add of a lineage stands, in one past or in all.
    pub(super) fn standing_add(&self, lineage: LeafIndex, within: Option<&Past>) -> bool {
        let adds = self.log.place(lineage).map_or(&[][..], |place| &place.adds);
        self.nodes(adds).any(|(at, add)| {
            within.is_none_or(|past| past.has(at)) && self.valid(at) && !self.ends(at, add, lineage, within, MEMBER)
        })
    }

    /// Whether a valid entry that `hold`, an add or a grant of this seat, does not have in its past ends it.
    fn ends(&self, hold: Index, held: &Node, lineage: LeafIndex, within: Option<&Past>, seat: u32) -> bool {
        let Some(place) = self.log.place(lineage) else { return true };
        let about = self.nodes(&place.removes).chain(self.nodes(&place.leaves)).chain(self.nodes(&place.grants));
        about
            .filter(|(at, _)| *at != hold && !held.past.has(*at) && within.is_none_or(|past| past.has(*at)))
            .filter(|(_, y)| match y.act {
                Deed::Leave => y.seat <= seat,
                Deed::Grant { .. } => matches!(held.act, Deed::Grant { .. }) && y.seat < seat && y.past.has(hold),
                _ => y.seat < seat,
            })
            .any(|(at, _)| self.valid(at))
    }

    /// Whether a setting that is on or off is on, at the end of a past.
    fn is_on(&self, field: u8, past: &Past) -> bool {
        self.setting(field, Some(past)) == Some(&[1])
    }

    /// The value of a field, in one past or in all: of the newest the one of the smaller seat, then id.
    pub(super) fn setting(&self, field: u8, within: Option<&Past>) -> Option<&'a [u8]> {
        let mut newest: Vec<(&Node, &Setting)> = Vec::new();
        for at in self.log.sets.iter().copied().rev().filter(|at| within.is_none_or(|past| past.has(*at))) {
            let Some((node, Deed::Set(setting))) = self.get(at).map(|node| (node, &node.act)) else { continue };
            let counts = setting.field == field && self.valid(at);
            if counts && !newest.iter().any(|(later, _)| later.past.has(at)) {
                newest.push((node, setting));
            }
        }
        let set = newest.into_iter().min_by_key(|(node, _)| (node.seat, node.id)).map(|(_, setting)| setting);
        let initial = || self.log.initial.iter().find(|setting| setting.field == field);
        set.or_else(initial).map(|setting| setting.value.as_slice())
    }
}

/// The entries of a fork in a past, if they prove it.
fn proof<'b>(group: &'b [Index], past: &'b Past) -> impl Iterator<Item = Index> + 'b {
    let proves = proves(group, past);
    group.iter().copied().filter(move |at| proves && past.has(*at))
}

fn proves(group: &[Index], past: &Past) -> bool {
    group.iter().filter(|at| past.has(**at)).nth(1).is_some()
}

/// Acts that V3 takes away.
fn needs_right(act: &Deed) -> bool {
    matches!(act, Deed::Add | Deed::Remove | Deed::Grant { .. } | Deed::Set(_) | Deed::Unleaf)
}

fn set(list: &mut [bool], at: Index, value: bool) {
    if let Some(slot) = list.get_mut(at as usize) {
        *slot = value;
    }
}
