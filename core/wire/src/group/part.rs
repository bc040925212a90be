use super::{Epoch, GroupError, LeafId};
use crate::envelope::{Class, Form, room};
use crate::read::Reader;

/// Type byte of a box part.
pub const PART_TYPE: u8 = 1;
/// Bytes of a [`PartHead`].
pub const PART_HEAD_LEN: usize = 90;
/// Bytes of an [`Item`].
pub const ITEM_LEN: usize = 8 + 48;
/// Bytes of an [`Intro`].
pub const INTRO_LEN: usize = 16 + 1088 + 48;
/// A part of items holds a multiple of this.
pub const ITEM_STEP: u16 = 16;
/// Most items in a part, by class.
pub const ITEMS: [(Class, u16); 2] = [(Class::Medium, 32), (Class::Large, 128)];
/// Most intros in a part, by class.
pub const INTROS: [(Class, u16); 2] = [(Class::Medium, 1), (Class::Huge, 56)];

/// Whether the longest part of this form fits its class.
const fn fits((class, count): (Class, u16), len: usize) -> bool {
    PART_HEAD_LEN + count as usize * len <= room(class, Form::Sealed)
}
const _: () = assert!(fits(ITEMS[0], ITEM_LEN) && fits(ITEMS[1], ITEM_LEN));
const _: () = assert!(fits(INTROS[0], INTRO_LEN) && fits(INTROS[1], INTRO_LEN));

/// The secret of an epoch for a leaf that has a pair key with the issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Who the item is for finds it by this; random in filling.
    pub tag: [u8; 8],
    /// The sealed epoch secret; random in filling.
    pub sealed: [u8; 48],
}

/// The secret of an epoch for a leaf that gets its pair key by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Intro {
    /// The leaf.
    pub leaf: LeafId,
    /// ML-KEM-768 ciphertext to the leaf's key.
    pub ciphertext: Box<[u8; 1088]>,
    /// The sealed epoch secret.
    pub sealed: [u8; 48],
}

/// What a part holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Items {
    /// Form 0, with filling, in random order.
    Tagged(Vec<Item>),
    /// Form 1.
    Intros(Vec<Intro>),
}

/// What stands before the items, and is their associated data:
/// `01 ‖ E 32 ‖ issuer λ 16 ‖ K 4 ‖ part 1 ‖ parts 1 ‖ e 32 ‖ form 1 ‖ count 2`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PartHead {
    /// The epoch.
    pub epoch: Epoch,
    /// The leaf that re-keyed.
    pub issuer: LeafId,
    /// K: counter of the issuer's boxes.
    pub k: u32,
    /// Number of this part, from 0.
    pub part: u8,
    /// Number of parts, of both forms.
    pub parts: u8,
    /// e: the box's X25519 key.
    pub key: [u8; 32],
    /// Whether it holds intros (form 1).
    pub intros: bool,
    /// Number of items, with filling.
    pub count: u16,
}

/// A part of a box: one envelope. Anybody can publish it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// What stands before the items.
    pub head: PartHead,
    /// `head.count` items of the form in the head.
    pub items: Items,
}

crate::closed_debug!(Item, Intro, Items, PartHead, Part);

impl PartHead {
    fn read(r: &mut Reader<'_>) -> Result<Self, GroupError> {
        if r.u8()? != PART_TYPE {
            return Err(GroupError::Field);
        }
        let head = Self {
            epoch: r.array()?,
            issuer: r.array()?,
            k: r.u32()?,
            part: r.u8()?,
            parts: r.u8()?,
            key: r.array()?,
            intros: super::flag(r.u8()?)?,
            count: r.u16()?,
        };
        head.class().map(|_| head)
    }

    /// The 90 bytes, for the part and as associated data of its items.
    pub fn encode(&self) -> [u8; PART_HEAD_LEN] {
        let bytes = [
            [PART_TYPE].as_slice(),
            &self.epoch,
            &self.issuer,
            &self.k.to_be_bytes(),
            &[self.part, self.parts],
            &self.key,
            &[self.intros.into()],
            &self.count.to_be_bytes(),
        ]
        .concat();
        bytes.try_into().unwrap_or([0; PART_HEAD_LEN])
    }

    /// The class of the part's envelope; refuses a count or part number that no honest issuer makes.
    pub fn class(&self) -> Result<Class, GroupError> {
        let (classes, step) = if self.intros { (INTROS, 1) } else { (ITEMS, ITEM_STEP) };
        if self.part >= self.parts || self.count == 0 || !self.count.is_multiple_of(step) {
            return Err(GroupError::Field);
        }
        let class = classes.into_iter().find(|(_, most)| self.count <= *most);
        class.map(|(class, _)| class).ok_or(GroupError::TooMany)
    }
}

impl Part {
    /// Reads an unmasked part, with its type byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut r = Reader::new(bytes);
        let head = PartHead::read(&mut r)?;
        let count = usize::from(head.count);
        let items = if head.intros {
            let mut intros = Vec::with_capacity(count);
            for _ in 0..count {
                intros.push(Intro { leaf: r.array()?, ciphertext: Box::new(r.array()?), sealed: r.array()? });
            }
            Items::Intros(intros)
        } else {
            let mut items = Vec::with_capacity(count);
            for _ in 0..count {
                items.push(Item { tag: r.array()?, sealed: r.array()? });
            }
            Items::Tagged(items)
        };
        if r.left() == 0 { Ok(Self { head, items }) } else { Err(GroupError::Length) }
    }

    /// The bytes to mask; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.head.class()?;
        let (intros, count) = match &self.items {
            Items::Tagged(items) => (false, items.len()),
            Items::Intros(intros) => (true, intros.len()),
        };
        if intros != self.head.intros || count != usize::from(self.head.count) {
            return Err(GroupError::Field);
        }
        let mut bytes = self.head.encode().to_vec();
        match &self.items {
            Items::Tagged(items) => items.iter().for_each(|item| {
                bytes.extend_from_slice(&item.tag);
                bytes.extend_from_slice(&item.sealed);
            }),
            Items::Intros(intros) => intros.iter().for_each(|intro| {
                bytes.extend_from_slice(&intro.leaf);
                bytes.extend_from_slice(intro.ciphertext.as_slice());
                bytes.extend_from_slice(&intro.sealed);
            }),
        }
        Ok(bytes)
    }
}

/// Numbers of items, with filling, of the parts for so many leaves: full parts of 128, then the rest rounded up to 16.
pub fn item_counts(leaves: usize) -> Vec<u16> {
    let most = usize::from(ITEMS.last().map_or(ITEM_STEP, |(_, most)| *most));
    let full = std::iter::repeat_n(most, leaves / most);
    let rest = Some(leaves % most).filter(|rest| *rest > 0);
    let counts = full.chain(rest).map(|count| count.next_multiple_of(usize::from(ITEM_STEP)));
    counts.map(|count| u16::try_from(count).unwrap_or(u16::MAX)).collect()
}
