//! The body of an entry, by its kind.

use super::{EpochPrefix, GroupError, Leaf, LeafId, MEMBER, Root, flag};
use crate::content::TIMER;
use crate::file::FilePointer;
use crate::read::Reader;

/// Longest body of any kind, bytes; known kinds have at most 1,858.
pub const MAX_BODY: usize = 2048;
/// Longest name of a group, bytes.
pub const MAX_GROUP_NAME: usize = 60;
/// Longest description of a group, bytes.
pub const MAX_GROUP_TEXT: usize = 500;
/// Most positions that a remove or unleaf names.
pub const MAX_LAST: usize = 64;
/// Most leaves that one entry takes out.
pub const MAX_UNLEAF: usize = 4;

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Who {
    /// Leaves with a seat below [`MEMBER`].
    #[default]
    Admins,
    /// All members.
    Members,
}

impl Who {
    fn read(byte: u8) -> Result<Self, GroupError> {
        flag(byte).map(|all| if all { Self::Members } else { Self::Admins })
    }
}

/// The rights of members, and what joiners get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Who adds members.
    pub adds: Who,
    /// Who changes settings.
    pub sets: Who,
    /// Who writes.
    pub writes: Who,
    /// Whether members give a joiner what was written before.
    pub history: bool,
}

/// The first entry of a group.
#[derive(Clone, PartialEq, Eq)]
pub struct Genesis {
    /// r, 32 random bytes.
    pub root: Root,
    /// The creator's leaf.
    pub leaf: Leaf,
    /// At most [`MAX_GROUP_NAME`] bytes.
    pub name: String,
    /// Rights of members at the beginning.
    pub policy: Policy,
}

/// A new member.
#[derive(Clone, PartialEq, Eq)]
pub struct Add {
    /// Hash of the request that it answers; zeros if there was none.
    pub request: [u8; 32],
    /// Root leaf of the new lineage.
    pub leaf: Leaf,
}

/// A position in a chain: the messages of `leaf` in an epoch before number `n` stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Last {
    /// The leaf.
    pub leaf: LeafId,
    /// The first 8 bytes of the epoch.
    pub epoch: EpochPrefix,
    /// Number of messages, from 0.
    pub n: u32,
}

/// The end of a lineage.
#[derive(Clone, PartialEq, Eq)]
pub struct Remove {
    /// Root leaf of the lineage.
    pub root_leaf: LeafId,
    /// Whether links refuse the account from now on.
    pub ban: bool,
    /// Positions that the author had, rising by leaf and epoch, at most [`MAX_LAST`].
    pub last: Vec<Last>,
}

/// A further device of a member, or new keys of one.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLeaf {
    /// The leaf. Its chat key and authority key are the lineage's.
    pub leaf: Leaf,
    /// The leaf that it replaces.
    pub replaces: Option<LeafId>,
}

/// Leaves that end, while their lineage goes on.
#[derive(Clone, PartialEq, Eq)]
pub struct Unleaf {
    /// 1 to [`MAX_UNLEAF`] leaves, rising.
    pub leaves: Vec<LeafId>,
    /// As in [`Remove`].
    pub last: Vec<Last>,
}

/// A setting.
#[derive(Clone, PartialEq, Eq)]
pub enum Setting {
    /// Name, at most [`MAX_GROUP_NAME`] bytes.
    Name(String),
    /// Picture, or none.
    Picture(Option<FilePointer>),
    /// How long posts live, seconds: 0, or in [`TIMER`].
    Timer(u32),
    /// Description, at most [`MAX_GROUP_TEXT`] bytes.
    Text(String),
    /// Who adds.
    Adds(Who),
    /// Who sets.
    Sets(Who),
    /// Who writes.
    Writes(Who),
    /// The open link: its hash, and whether admins approve each request.
    Link([u8; 32], bool),
    /// Whether joiners get history.
    History(bool),
    /// A field of a newer version, with its number and value.
    Unknown(u8, Vec<u8>),
}

/// What an entry does.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// 0: the group begins.
    Genesis(Box<Genesis>),
    /// 1: a new member.
    Add(Box<Add>),
    /// 2: the end of a lineage.
    Remove(Remove),
    /// 3: the author's lineage leaves.
    Leave,
    /// 4: a further leaf of the author's lineage.
    Leaf(Box<NewLeaf>),
    /// 5: the end of leaves.
    Unleaf(Unleaf),
    /// 6: a seat for a lineage, named by its root leaf; [`MEMBER`] revokes.
    Grant(LeafId, u32),
    /// 7: a setting.
    Set(Setting),
    /// 8: a new epoch, with the commit to its secret.
    Rekey([u8; 32]),
    /// 9: a request, by its hash, is refused.
    Refuse([u8; 32]),
    /// 10: the group ends.
    Close,
    /// 11: a deputy key of the author's account ends.
    DeputyOff([u8; 32]),
    /// A kind of a newer version, with its number. It has no effect.
    Unknown(u8, Vec<u8>),
}

crate::closed_debug!(Genesis, Add, Remove, NewLeaf, Unleaf, Setting, Body);

impl Setting {
    /// The body of its entry: the field's number, then its value.
    pub fn bytes(&self) -> Vec<u8> {
        setting_bytes(self)
    }
}

impl Body {
    /// The number of the kind.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Genesis(_) => 0,
            Self::Add(_) => 1,
            Self::Remove(_) => 2,
            Self::Leave => 3,
            Self::Leaf(_) => 4,
            Self::Unleaf(_) => 5,
            Self::Grant(..) => 6,
            Self::Set(_) => 7,
            Self::Rekey(_) => 8,
            Self::Refuse(_) => 9,
            Self::Close => 10,
            Self::DeputyOff(_) => 11,
            Self::Unknown(kind, _) => *kind,
        }
    }

    pub(super) fn decode(kind: u8, bytes: &[u8]) -> Result<Self, GroupError> {
        if bytes.len() > MAX_BODY {
            return Err(GroupError::TooLong);
        }
        let mut r = Reader::new(bytes);
        let body = match kind {
            0 => Self::Genesis(Box::new(genesis(&mut r)?)),
            1 => Self::Add(Box::new(Add { request: r.array()?, leaf: Leaf::read(&mut r)? })),
            2 => Self::Remove(Remove { root_leaf: r.array()?, ban: flag(r.u8()?)?, last: last(&mut r)? }),
            3 => Self::Leave,
            4 => Self::Leaf(Box::new(NewLeaf { leaf: Leaf::read(&mut r)?, replaces: some(r.array()?) })),
            5 => Self::Unleaf(Unleaf { leaves: leaves(&mut r)?, last: last(&mut r)? }),
            6 => Self::Grant(r.array()?, r.u32()?),
            7 => Self::Set(setting(&mut r)?),
            8 => Self::Rekey(r.array()?),
            9 => Self::Refuse(r.array()?),
            10 => Self::Close,
            11 => Self::DeputyOff(r.array()?),
            _ => Self::Unknown(kind, r.bytes(r.left())?.to_vec()),
        };
        if r.left() == 0 { Ok(body) } else { Err(GroupError::Length) }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, GroupError> {
        let bytes = match self {
            Self::Genesis(g) => {
                let policy = [g.policy.adds as u8, g.policy.sets as u8, g.policy.writes as u8, g.policy.history.into()];
                [g.root.as_slice(), &g.leaf.encode()?, g.name.as_bytes(), &policy].concat()
            }
            Self::Add(add) => [add.request.as_slice(), &add.leaf.encode()?].concat(),
            Self::Remove(r) => [r.root_leaf.as_slice(), &[r.ban.into()], &last_bytes(&r.last)?].concat(),
            Self::Leave | Self::Close => Vec::new(),
            Self::Leaf(new) => [new.leaf.encode()?.as_slice(), &new.replaces.unwrap_or_default()].concat(),
            Self::Unleaf(u) => {
                let count = u8::try_from(u.leaves.len()).map_err(|_| GroupError::TooMany)?;
                [[count].as_slice(), u.leaves.as_flattened(), &last_bytes(&u.last)?].concat()
            }
            Self::Grant(root_leaf, seat) => [root_leaf.as_slice(), &seat.to_be_bytes()].concat(),
            Self::Set(setting) => setting_bytes(setting),
            Self::Rekey(hash) | Self::Refuse(hash) | Self::DeputyOff(hash) => hash.to_vec(),
            Self::Unknown(_, bytes) => bytes.clone(),
        };
        // What was made must read as itself: this refuses all that `decode` refuses.
        if Self::decode(self.kind(), &bytes)? == *self { Ok(bytes) } else { Err(GroupError::Field) }
    }

    /// Seats with which no valid entry of this kind acts, whatever the log says.
    pub(super) fn allows(&self, seat: u32) -> bool {
        match self {
            Self::Genesis(_) | Self::Close => seat == super::CREATOR,
            Self::Remove(_) | Self::Unleaf(_) | Self::Refuse(_) => seat < MEMBER,
            Self::Grant(_, given) => seat < *given,
            Self::Leaf(_) => seat == MEMBER,
            _ => true,
        }
    }
}

fn genesis(r: &mut Reader<'_>) -> Result<Genesis, GroupError> {
    let (root, leaf) = (r.array()?, Leaf::read(r)?);
    let len = r.left().checked_sub(4).ok_or(GroupError::Length)?;
    let name = text(r.bytes(len)?, MAX_GROUP_NAME)?;
    let [adds, sets, writes, history] = r.array::<4>()?;
    let policy =
        Policy { adds: Who::read(adds)?, sets: Who::read(sets)?, writes: Who::read(writes)?, history: flag(history)? };
    Ok(Genesis { root, leaf, name, policy })
}

fn text(bytes: &[u8], most: usize) -> Result<String, GroupError> {
    if bytes.len() > most {
        return Err(GroupError::TooLong);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| GroupError::Text)
}

/// Zeros stand for none.
fn some(leaf: LeafId) -> Option<LeafId> {
    (leaf != LeafId::default()).then_some(leaf)
}

fn leaves(r: &mut Reader<'_>) -> Result<Vec<LeafId>, GroupError> {
    let count = usize::from(r.u8()?);
    if !(1..=MAX_UNLEAF).contains(&count) {
        return Err(GroupError::TooMany);
    }
    let leaves = r.bytes(count * 16)?.as_chunks().0.to_vec();
    if leaves.is_sorted_by(|one, next| one < next) { Ok(leaves) } else { Err(GroupError::Order) }
}

fn last(r: &mut Reader<'_>) -> Result<Vec<Last>, GroupError> {
    let count = usize::from(r.u8()?);
    if count > MAX_LAST {
        return Err(GroupError::TooMany);
    }
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        all.push(Last { leaf: r.array()?, epoch: r.array()?, n: r.u32()? });
    }
    let place = |last: &Last| (last.leaf, last.epoch);
    if all.is_sorted_by(|one, next| place(one) < place(next)) { Ok(all) } else { Err(GroupError::Order) }
}

fn last_bytes(last: &[Last]) -> Result<Vec<u8>, GroupError> {
    let mut bytes = vec![u8::try_from(last.len()).map_err(|_| GroupError::TooMany)?];
    for one in last {
        bytes.extend_from_slice(&one.leaf);
        bytes.extend_from_slice(&one.epoch);
        bytes.extend_from_slice(&one.n.to_be_bytes());
    }
    Ok(bytes)
}

fn setting(r: &mut Reader<'_>) -> Result<Setting, GroupError> {
    Ok(match r.u8()? {
        0 => return Err(GroupError::Field),
        1 => Setting::Name(text(r.bytes(r.left())?, MAX_GROUP_NAME)?),
        2 if r.left() == 0 => Setting::Picture(None),
        2 => Setting::Picture(Some(FilePointer::decode(r.bytes(r.left())?).map_err(GroupError::Picture)?)),
        3 => match r.u32()? {
            seconds if seconds == 0 || TIMER.contains(&seconds) => Setting::Timer(seconds),
            _ => return Err(GroupError::Field),
        },
        4 => Setting::Text(text(r.bytes(r.left())?, MAX_GROUP_TEXT)?),
        5 => Setting::Adds(Who::read(r.u8()?)?),
        6 => Setting::Sets(Who::read(r.u8()?)?),
        7 => Setting::Writes(Who::read(r.u8()?)?),
        8 => Setting::Link(r.array()?, flag(r.u8()?)?),
        9 => Setting::History(flag(r.u8()?)?),
        field => Setting::Unknown(field, r.bytes(r.left())?.to_vec()),
    })
}

fn setting_bytes(setting: &Setting) -> Vec<u8> {
    let field = |number: u8, value: &[u8]| [&[number], value].concat();
    match setting {
        Setting::Name(name) => field(1, name.as_bytes()),
        Setting::Picture(None) => field(2, &[]),
        Setting::Picture(Some(pointer)) => field(2, &pointer.encode()),
        Setting::Timer(seconds) => field(3, &seconds.to_be_bytes()),
        Setting::Text(text) => field(4, text.as_bytes()),
        Setting::Adds(who) => field(5, &[*who as u8]),
        Setting::Sets(who) => field(6, &[*who as u8]),
        Setting::Writes(who) => field(7, &[*who as u8]),
        Setting::Link(hash, approval) => field(8, &[hash.as_slice(), &[u8::from(*approval)]].concat()),
        Setting::History(on) => field(9, &[u8::from(*on)]),
        Setting::Unknown(number, value) => field(*number, value),
    }
}
