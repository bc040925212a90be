"""Model of the group log of docs/protocol.md: is its validity rule free of cycles, and does every replica get one state?

    python3 model.py [runs] [first seed]          checks the model itself (Python 3.9 or later, no other package)
    python3 model.py --dump RUNS SEED             one line of JSON a run: the entries, which are valid, who is a member

A run lets five replicas with different parts of the log write about 60 entries at random, exchange them at random, and merge
in the end. One entry in eight is written by an attacker: backdated to an old point of the log, by anybody who ever had a
leaf, with any seat. That forks the attacker's own chain of entries (rule V3). Some own devices are stolen: their leaf
keys, and sometimes the deputy key B, write on after the owner put them out with the authority key A (rule V0).

Modelled: rules V0 to V3. A signature is modelled by "who may write it": only an owner makes an entry signed by A.
Not modelled: bytes, signatures, settings, epochs, proofs, the bounds on sizes.

Checked in each run:
  one state   five replicas that evaluate the entries in different orders agree on every entry, member and seat
  no cycle    evaluating an entry never asks for the entry itself
  V2          what a removed or demoted admin wrote and the remover had not seen is void
  V0          what a leaf wrote that an unleaf by its owner's key A does not have in its past is void; after A revoked
              B everything signed by B is void; an entry signed by A is never void
  V3          a leaf that forked its own chain does no admin act in entries that have the fork in their past,
              until a grant that has it too; nor unseen by a higher rank that has seen the fork
  removals    a valid remove stays valid whatever entries are added later at the same or a lower rank, forks of its own
              author included (amendment 4); only a higher rank or the owner's key A ends it
"""
import hashlib, json, random, sys, time

sys.setrecursionlimit(100_000)
M = 2**32 - 1                                     # seat of a member; a lower number ranks higher; the creator has 0
RIGHTS = ('add', 'remove', 'grant', 'set', 'unleaf-by-admin')     # what V3 takes from a leaf that forked


class Entry:
    """author: lineage (a member); leaf: the device that signs, or None where key A or B signs (signer 'A', 'B').
    target: a lineage, a leaf or None. value: seat granted, or leaf introduced. own: last entry of the same leaf."""
    __slots__ = ('id', 'author', 'leaf', 'signer', 'kind', 'seat', 'parents', 'target', 'value', 'own', 'depth', 'past')


def last_own(log, leaf, past):
    """The newest entry of a leaf in a past: greatest depth, then lowest id. This is what `own` must name."""
    mine = [log[i] for i in past if log[i].leaf == leaf]
    return min(mine, key=lambda e: (-e.depth, e.id)).id if leaf and mine else None


def write(log, author, leaf, signer, kind, seat, parents, target=None, value=None):
    e = Entry()
    e.author, e.leaf, e.signer, e.kind, e.seat = author, leaf, signer, kind, seat
    e.parents, e.target, e.value = tuple(sorted(parents)), target, value
    e.id = hashlib.sha256(repr((author, leaf, signer, kind, seat, e.parents, target, value, random.random())).encode()).hexdigest()[:12]
    e.depth = 1 + max((log[p].depth for p in parents), default=-1)
    e.past = frozenset(set(parents).union(*(log[p].past for p in parents)))
    e.own = last_own(log, leaf, e.past)
    log[e.id] = e
    return e


class View:
    """Validity and state of one set of entries. Nothing in it depends on the order in which entries came."""

    def __init__(self, log, ids):
        self.log = {i: log[i] for i in ids}
        self.known, self.open, self.by = {}, set(), {}
        siblings = {}
        for e in self.log.values():
            self.by.setdefault((e.kind, e.target), []).append(e)
            if e.leaf:
                siblings.setdefault((e.leaf, e.own), []).append(e.id)
        # Two entries of one leaf with one `own`: an honest device never writes them. Per leaf: groups of such entries.
        self.forks = {}
        for (leaf, _), ids_ in siblings.items():
            if len(ids_) > 1:
                self.forks.setdefault(leaf, []).append(frozenset(ids_))
        self.b_revoked = {e.author for e in self.log.values() if e.kind == 'revoke-b' and e.signer == 'A'}

    def about(self, kind, target):
        return self.by.get((kind, target), ())

    # V0: the leaf, apart from seats. Refers only to the entry's past and to entries signed by A or B.
    def leaf_ok(self, x):
        if x.kind == 'genesis':
            return True
        rooted = x.author == 'c' or any(y.id in x.past for y in self.about('add', x.author))
        if x.signer == 'A':
            return rooted
        if x.signer == 'B':
            return rooted and x.author not in self.b_revoked
        root = x.leaf == x.author + '.0'
        if not (rooted if root else any(y.id in x.past and self.leaf_ok(y) for y in self.by_leaf(x.leaf))):
            return False
        return not any(x.id not in u.past and self.leaf_ok(u) for u in self.about('unleaf', x.leaf))

    def by_leaf(self, leaf):
        return [y for y in self.about('leaf', leaf.split('.')[0]) if y.value == leaf]

    def forked_in(self, leaf, past):
        """The entries in a past that prove a fork of this leaf: all members of groups of which the past has two or more."""
        seen = [group & past for group in self.forks.get(leaf, ())]
        return frozenset().union(*(g for g in seen if len(g) > 1))

    def v3(self, x, held):
        """held: the grants x acts under. (a) looks at the past alone, (b) at smaller seats, so neither is circular."""
        proof = self.forked_in(x.leaf, x.past)
        if proof and not any(proof <= g.past for g in held):                           # (a) x knows of the fork
            return False
        if x.leaf in self.forks:                                                       # (b) a higher rank does, and not of x
            for z in self.log.values():
                if z.seat < x.seat and x.id not in z.past and z.id not in x.past and self.forked_in(x.leaf, z.past) and self.valid(z):
                    return False
        return True

    def ends(self, hold, target, within, seat):
        """Does a valid entry that `hold` (an add or a grant) does not have in its past end it? within: a past, or all."""
        for kind in ('remove', 'leave', 'grant'):
            for y in self.about(kind, target):
                if y.id == hold.id or y.id in hold.past or (within is not None and y.id not in within):
                    continue
                if kind == 'leave':
                    hit = y.seat <= seat
                elif kind == 'grant':             # a later grant by a higher rank replaces an earlier one
                    hit = hold.kind == 'grant' and y.seat < seat and hold.id in y.past
                else:
                    hit = y.seat < seat
                if hit and self.valid(y):
                    return True
        return False

    def grants(self, target, within, seat=None):
        """Standing grants of one seat, or of any. The seat is compared first: asking for the validity of grants of other
        seats, which V1 does not need, lets entries of equal rank depend on each other (a cycle in one of 1,000 runs)."""
        return [g for g in self.about('grant', target) if (seat is None or g.value == seat)
                and (within is None or g.id in within) and self.valid(g) and not self.ends(g, target, within, g.value)]

    def valid(self, x):
        if x.id not in self.known:
            assert x.id not in self.open, 'cycle'
            self.open.add(x.id)
            self.known[x.id] = self._valid(x)
            self.open.discard(x.id)
        return self.known[x.id]

    def _valid(self, x):
        if x.kind == 'genesis':
            return True
        if not self.leaf_ok(x):                                                        # V0
            return False
        if x.signer in 'AB':
            return x.kind in ('leaf', 'unleaf', 'revoke-b')
        past = x.past
        if x.kind == 'grant' and not x.value > x.seat:
            return False
        if x.seat == 0:                                                                # V1
            if x.author != 'c':
                return False
        elif x.seat < M:
            held = self.grants(x.author, past, x.seat)
            if not held:
                return False
            if x.kind in RIGHTS and not self.v3(x, held):                              # V3
                return False
        else:
            if x.kind not in ('leaf', 'leave', 'rekey', 'add'):
                return False
            if not (x.author == 'c' or self.grants(x.author, past) or
                    any(h.id in past and self.valid(h) and not self.ends(h, x.author, past, M) for h in self.about('add', x.author))):
                return False
        for kind in ('remove', 'grant'):                                               # V2
            for y in self.about(kind, x.author):
                if y.id == x.id or y.id in past or x.id in y.past:
                    continue
                if y.seat < x.seat and (kind == 'remove' or y.value > x.seat) and self.valid(y):
                    return False
        for y in self.about('unleaf-by-admin', x.leaf):                                # V2 for one leaf
            if x.id not in y.past and y.seat < x.seat and self.valid(y):
                return False
        return True

    def members(self):
        out = {} if any(self.valid(y) for y in self.about('leave', 'c') if y.seat == 0) else {'c': 0}
        for t in sorted({x.target for x in self.log.values() if x.kind in ('add', 'grant')} - set(out)):
            seats = [g.value for g in self.grants(t, None)]
            if seats:
                out[t] = min(seats)
            elif any(self.valid(h) and not self.ends(h, t, None, M) for h in self.about('add', t)):
                out[t] = M
        return out

    def all_valid(self, order):
        for x in order:
            self.valid(x)
        return frozenset(i for i, v in self.known.items() if v)


def home(leaf, replicas):
    """A device is in one place: an honest leaf writes on one replica only, so it never forks its own chain."""
    return hashlib.sha256(leaf.encode()).digest()[0] % replicas


def alive_leaves(view, author):
    leaves = {author + '.0'} | {y.value for y in view.about('leaf', author) if view.leaf_ok(y)}
    return sorted(l for l in leaves if not any(view.leaf_ok(u) for u in view.about('unleaf', l))
                  and not any(view.valid(u) for u in view.about('unleaf-by-admin', l)))


def random_entry(log, ids, people, evil, floor=None, replica=0, replicas=1):
    """One more entry on top of the entries `ids`, or None. floor: the attacker claims this seat or a lower rank."""
    view = View(log, ids)
    seats = view.members()
    if evil:
        parents, author = [random.choice(sorted(ids))], random.choice(people)          # backdated, by anybody
    else:
        parents = [i for i in ids if not any(i in log[j].past for j in ids)][:8]
        here = [a for a in sorted(seats) if any(home(l, replicas) == replica for l in alive_leaves(view, a))]
        if not here:
            return None
        author = random.choice(here + [a for a in here if seats[a] < M] * 3)
    leaves = [author + '.0'] + sorted({y.value for y in view.about('leaf', author)})
    leaf = random.choice(leaves if evil else [l for l in alive_leaves(view, author) if home(l, replicas) == replica])
    seat = seats.get(author, M)
    if floor is not None:
        seat = random.choice([s for s in (floor, floor + 100, M - 1, M) if floor <= s <= M])
    kinds = ['add', 'leaf', 'rekey'] if seat == M and not evil else ['add', 'add', 'add', 'remove', 'grant', 'grant', 'set', 'leaf']
    kind = random.choice(kinds)
    if random.random() < .12:
        kind = random.choice(['leave', 'unleaf', 'unleaf', 'unleaf-by-admin' if seat < M or evil else 'rekey'])
    target, value, signer = random.choice(people[1:]), None, 'leaf'
    if kind == 'grant':
        value = min(M, seat + random.choice([100, 1000])) if seat < M - 2000 else M
        if random.random() < .2:
            value = M                                                                  # revoke
    forked = sorted({l.split('.')[0] for l in view.forks if seats.get(l.split('.')[0], M) > seat})
    if kind == 'grant' and forked and not evil:   # an honest higher rank gives a seat again
        target = random.choice(forked)
        value = seats[target] if seats.get(target, M) < M else value
    if kind in ('leaf', 'leave', 'rekey', 'set'):
        target = author
    if kind in ('leaf', 'rekey'):
        seat = M
    if kind == 'leaf':
        value = author + '.' + str(random.randrange(1, 4))
    if kind == 'unleaf-by-admin':
        target = target + '.' + str(random.randrange(0, 2))
    if kind == 'unleaf':                          # owner: key A or, sometimes, deputy B; attacker: stolen deputy key B at most
        signer, leaf, seat, target = ('B' if evil or random.random() < .4 else 'A'), None, M, random.choice(leaves)
        if signer == 'A' and random.random() < .3:
            kind, target = 'revoke-b', author
    return write(log, author, leaf, signer, kind, seat, parents, target, value)


def refused(log, x):
    """What every phone refuses by the entry and its past alone, so that it is in no log: a leaf or an account that does
    not come in before the entry, and a kind that its seat can never do."""
    past = [log[i] for i in x.past]
    rooted = x.author == 'c' or any(y.kind == 'add' and y.target == x.author for y in past)
    brought = x.leaf in (None, x.author + '.0') or any(y.kind == 'leaf' and y.value == x.leaf for y in past)
    low = x.kind in ('remove', 'set', 'unleaf-by-admin') and x.seat == M or x.kind == 'grant' and not x.value > x.seat
    return not rooted or not brought or low


def run(seed, replicas=5, steps=220, dump=None):
    random.seed(seed)
    log, people = {}, ['c'] + ['p%d' % i for i in range(12)]
    first = write(log, 'c', 'c.0', 'leaf', 'genesis', 0, ())
    reps = [{first.id} for _ in range(replicas)]
    for _ in range(steps):
        r = random.randrange(replicas)
        if random.random() < .35:
            reps[r] |= reps[random.randrange(replicas)]
            continue
        x = random_entry(log, reps[r], people, random.random() < 1 / 8, replica=r, replicas=replicas)
        if x is not None and not (dump and refused(log, x)):
            reps[r] |= {x.id} | x.past
    full = set().union(*reps)

    states = set()
    for _ in range(replicas):
        view, order = View(log, full), [log[i] for i in full]
        random.shuffle(order)
        valid = view.all_valid(order)
        states.add((tuple(sorted(view.members().items())), valid))
    assert len(states) == 1, 'replicas differ'

    if dump:
        members, valid = states.pop()
        keys = ('id', 'author', 'leaf', 'signer', 'kind', 'seat', 'depth', 'own', 'parents', 'target', 'value')
        entries = [{k: getattr(e, k) for k in keys} for e in (log[i] for i in sorted(full, key=lambda i: (log[i].depth, i)))]
        dump(json.dumps(dict(entries=entries, valid=sorted(valid), members=dict(members))))
        return
    view, count = View(log, full), dict(forked=0, rights_lost=0, restored=0, removes=0)
    valid = view.all_valid(list(view.log.values()))
    for y in view.log.values():
        unseen = [x for x in view.log.values() if x.id != y.id and x.id not in y.past]
        if y.kind == 'remove' and y.id in valid:
            assert not any(x.id in valid for x in unseen if x.author == y.target and x.signer == 'leaf' and x.seat > y.seat and y.id not in x.past), 'V2'
        if y.signer == 'A' and y.kind == 'unleaf' and view.leaf_ok(y):
            assert not any(x.id in valid for x in unseen if x.leaf == y.target), 'V0 unleaf'
        if y.signer == 'A':
            assert y.id in valid or not view.leaf_ok(y), 'V0 A'
        if y.signer == 'B' and y.author in view.b_revoked:
            assert y.id not in valid, 'V0 B'
        if y.leaf and y.kind in RIGHTS and 0 < y.seat < M:
            proof = view.forked_in(y.leaf, y.past)
            again = any(proof <= log[g].past for g in y.past if log[g].kind == 'grant' and log[g].target == y.author and g in valid)
            above = any(z.id in valid and z.seat < y.seat and view.forked_in(y.leaf, z.past) for z in unseen if z.id not in y.past and y.id not in z.past)
            count['rights_lost'] += bool(proof and not again) or above
            count['restored'] += bool(proof) and y.id in valid
            assert y.id not in valid or not above and (again or not proof), 'V3'
    count['forked'] = len(view.forks)

    # Removals: for some valid removes, add entries of the same or a lower rank, backdated, also a fork by the same leaf.
    removes = [y for y in view.log.values() if y.kind == 'remove' and y.id in valid and y.leaf]
    for y in random.sample(removes, min(2, len(removes))):
        more = dict(log)
        ids = set(full)
        fork = write(more, y.author, y.leaf, 'leaf', random.choice(['set', 'add', 'remove']), y.seat, y.parents, random.choice(people[1:]))
        ids.add(fork.id)
        for _ in range(6):
            x = random_entry(more, ids, people, True, floor=y.seat)
            if x.signer == 'leaf':                # a stolen deputy key of the remover's own account is a matter of V0
                ids |= {x.id} | x.past
        assert View(more, ids).valid(more[y.id]), 'a removal was voided from below'
        count['removes'] += 1
    return len(full), len(full) - len(valid), count


def main():
    if sys.argv[1:2] == ['--dump']:
        runs, seed = (int(a) for a in sys.argv[2:4])
        for s in range(seed, seed + runs):
            run(s, dump=print)
        return
    runs, seed = (int(a) for a in (sys.argv[1:] + ['400', '1'][len(sys.argv) - 1:])[:2])
    start, entries, void, total = time.time(), 0, 0, {}
    for s in range(seed, seed + runs):
        n, v, count = run(s)
        entries, void = entries + n, void + v
        for k, c in count.items():
            total[k] = total.get(k, 0) + c
    print('%d runs from seed %d: %d entries, %d void, one state each, no cycle (%.0f s)' % (runs, seed, entries, void, time.time() - start))
    print('leaves that forked %(forked)d, acts without right after it %(rights_lost)d, valid again after a new grant %(restored)d, removals attacked from below %(removes)d' % total)


if __name__ == '__main__':
    main()
