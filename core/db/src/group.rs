//! Groups: what each has, its log, leaves, epochs, chains and boxes.

use crate::row::{numbers, row};
use crate::{Chat, Hash, Private};

mod query;

/// Id of a leaf.
pub type Leaf = [u8; 16];

numbers! {
    /// What this device is to a group.
    GroupState {
        /// Somebody invited it.
        Invited = 0,
        /// It said yes, and waits for the welcome.
        Answered = 1,
        /// The welcome is here, and the log is on its way.
        Fetching = 2,
        /// It reads, and does not write until others confirm the log.
        Joining = 3,
        /// It is a member.
        In = 4,
        /// It left.
        Left = 5,
        /// Somebody removed it.
        Removed = 6,
        /// The group ended.
        Closed = 7,
        /// It declined the invitation.
        Declined = 8,
    }
}

row! {
    /// One group.
    Group in "groups" (id: Hash) {
        /// Its id, and that of its conversation.
        id: Hash,
        /// What this device is to it.
        state: GroupState,
        /// Who invited this device; none if it made the group.
        inviter: Option<Chat>,
        /// The name, as the invitation or the log says.
        name: String,
        /// Number of members, as the invitation or the log says.
        members: u32,
        /// The root r.
        root: Private,
        /// The mask secret.
        mask: Private,
        /// The bucket value.
        bucket: [u8; 8],
        /// Id of the own leaf.
        leaf: Leaf,
        /// The own leaf.
        leaf_bytes: Vec<u8>,
        /// Private keys of the own leaf.
        keys: Private,
        /// Counter of the own boxes.
        boxes: u32,
        /// The welcome, until its handover is here.
        welcome: Option<Private>,
        /// Root leaves, 16 bytes each, that named the log after the own join.
        named: Vec<u8>,
        /// The epoch that this device last wrote in.
        epoch: Option<Hash>,
        /// When the welcome was written, Unix seconds: stores are asked from there on; 0 when that is done.
        since_s: i64,
        /// When a message without content is due, Unix milliseconds.
        say_ms: i64,
        /// How many of these left since the last message with content.
        said: u32,
        /// When a new epoch is due.
        rekey_ms: i64,
        /// When others are asked for what is missing.
        ask_ms: i64,
        /// How often they were asked since something came.
        asked: u32,
        /// When a store is asked for what was said since the welcome.
        past_ms: i64,
        /// When acks and heads leave without a message.
        ack_ms: i64,
    }
}

row! {
    /// An entry of a group's log.
    GroupEntry in "group_entries" (grp: Hash, n: u32) {
        /// Id of the group.
        grp: Hash,
        /// Its number in the order of arrival.
        n: u32,
        /// Its id.
        id: Hash,
        /// The entry.
        bytes: Vec<u8>,
    }
}

row! {
    /// What is known of a leaf.
    GroupLeaf in "group_leaves" (grp: Hash, leaf: Leaf) {
        /// Id of the group.
        grp: Hash,
        /// Id of the leaf.
        leaf: Leaf,
        /// Its newest X25519 key.
        exchange: [u8; 32],
        /// Its ML-KEM-768 key.
        ek: Option<Vec<u8>>,
        /// Our pair key to it, for our next box.
        pair_out: Option<Private>,
        /// Its pair key to us, for its next box.
        pair_in: Option<Private>,
        /// Whether its device proved itself to us.
        proved: bool,
        /// When it was first seen, Unix milliseconds.
        seen_ms: i64,
        /// The epoch that its last ack of our messages is in.
        acked_epoch: Option<Hash>,
        /// Number of our messages of that epoch that it has.
        acked: u32,
        /// The heads of the log that it last named, 16 bytes each.
        heads: Vec<u8>,
        /// Whether our device proved itself to it.
        bound: bool,
    }
}

row! {
    /// An own X25519 key.
    GroupExchange in "group_exchange" (grp: Hash, n: u32) {
        /// Id of the group.
        grp: Hash,
        /// Its number, rising.
        n: u32,
        /// The private key.
        secret: Private,
        /// When it is deleted, Unix milliseconds; [`crate::NEVER`] for the newest.
        until_ms: i64,
    }
}

row! {
    /// The pair key of a box that was passed by.
    GroupPassed in "group_passed" (grp: Hash, leaf: Leaf, k: u32) {
        /// Id of the group.
        grp: Hash,
        /// The issuer.
        leaf: Leaf,
        /// The box.
        k: u32,
        /// The pair key.
        pair: Private,
        /// When it is deleted, Unix milliseconds.
        until_ms: i64,
    }
}

row! {
    /// An epoch whose chains are here.
    GroupEpoch in "group_epochs" (grp: Hash, epoch: Hash) {
        /// Id of the group.
        grp: Hash,
        /// The epoch: id of its rekey.
        epoch: Hash,
        /// The own private epoch key, once this device wrote in it.
        secret_key: Option<Private>,
        /// When it came, Unix milliseconds.
        made_ms: i64,
        /// When it is deleted, Unix milliseconds; [`crate::NEVER`] while no later epoch is valid.
        until_ms: i64,
        /// When this device first wrote in a later epoch; [`crate::NEVER`] before.
        left_ms: i64,
        /// Whether its chains are gone.
        over: bool,
    }
}

row! {
    /// A leaf's chain in an epoch.
    GroupChain in "group_chains" (grp: Hash, epoch: Hash, leaf: Leaf) {
        /// Id of the group.
        grp: Hash,
        /// The epoch.
        epoch: Hash,
        /// The author.
        leaf: Leaf,
        /// The chain, at the message after the newest one.
        chain: Private,
        /// The author's epoch key.
        key: Option<[u8; 32]>,
        /// The author's opening; empty before it is here.
        opening: Vec<u8>,
        /// The run hash over all messages before `whole`.
        run: Hash,
        /// The first message that is missing.
        whole: u32,
        /// When the author last wrote, Unix milliseconds.
        active_ms: i64,
        /// When somebody is asked for missing messages; [`crate::NEVER`] if none is missing.
        hole_ms: i64,
        /// How often that was done.
        holes: u32,
        /// Number of its messages, once its author wrote in a later epoch.
        ends: Option<u32>,
        /// The run hash after them.
        end_run: Option<Hash>,
    }
}

row! {
    /// The key of a message that was skipped.
    GroupSkip in "group_skipped" (grp: Hash, epoch: Hash, leaf: Leaf, n: u32) {
        /// Id of the group.
        grp: Hash,
        /// The epoch.
        epoch: Hash,
        /// The author.
        leaf: Leaf,
        /// The message's number.
        n: u32,
        /// The tag that it will have.
        tag: [u8; 16],
        /// The key.
        key: Private,
        /// When it is deleted, Unix milliseconds.
        until_ms: i64,
    }
}

row! {
    /// A message of a group as its author signed it.
    GroupCopy in "group_copies" (grp: Hash, epoch: Hash, leaf: Leaf, n: u32) {
        /// Id of the group.
        grp: Hash,
        /// The epoch.
        epoch: Hash,
        /// The author.
        leaf: Leaf,
        /// Its number.
        n: u32,
        /// The run hash before it.
        run: Hash,
        /// The signature; empty if only the hash of the message is known, which is in `inner`.
        signature: Vec<u8>,
        /// The opening, with number 0.
        opening: Vec<u8>,
        /// What is signed, or its hash.
        inner: Vec<u8>,
        /// The shown message that it carries.
        message: Option<Hash>,
        /// When it is deleted, Unix milliseconds.
        until_ms: i64,
        /// When it was last given to somebody who lacked it, or heard given.
        given_ms: i64,
        /// When somebody first asked for it since then; 0 if nobody did.
        asked_ms: i64,
    }
}

row! {
    /// A part of a box.
    GroupPart in "group_parts" (grp: Hash, epoch: Hash, part: u32) {
        /// Id of the group.
        grp: Hash,
        /// The epoch.
        epoch: Hash,
        /// Its number.
        part: u32,
        /// The part, unmasked.
        bytes: Vec<u8>,
        /// When it is deleted, Unix milliseconds.
        until_ms: i64,
        /// When it was last published, here or by somebody else.
        given_ms: i64,
    }
}

row! {
    /// An own epoch key that is to be published.
    GroupOldKey in "group_old_keys" (grp: Hash, epoch: Hash) {
        /// Id of the group.
        grp: Hash,
        /// The epoch.
        epoch: Hash,
        /// The private key.
        key: Private,
        /// The earliest time, Unix milliseconds.
        due_ms: i64,
    }
}

row! {
    /// Somebody who was invited by this device.
    GroupInvite in "group_invites" (grp: Hash, chat: Chat) {
        /// Id of the group.
        grp: Hash,
        /// Whom.
        chat: Chat,
        /// When, Unix milliseconds.
        at_ms: i64,
        /// In place of a message, for the file of the handover.
        place: Hash,
        /// The handover that leaves for them.
        handover: Option<Private>,
    }
}
