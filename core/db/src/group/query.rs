//! Queries over groups.

use rusqlite::params;

use super::{
    Group, GroupChain, GroupCopy, GroupEntry, GroupEpoch, GroupExchange, GroupInvite, GroupLeaf, GroupOldKey,
    GroupPart, GroupPassed, GroupSkip, Leaf,
};
use crate::row::{Table, all, count, least, one};
use crate::{Error, Hash, Reader};

/// Most skipped keys of one group.
const SKIPPED: u32 = 20_000;
/// Most box parts that wait for their epoch's entry, or are kept for others, in one group.
const PARTS: u32 = 256;

impl Table<'_, Group> {
    /// All groups.
    pub fn all(&self) -> Result<Vec<Group>, Error> {
        self.rows("SELECT * FROM groups ORDER BY id", [])
    }

    /// When something of a group is due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(min(say_ms, rekey_ms, ask_ms, ack_ms)) FROM groups")
    }

    /// When a store is asked for the past of a group, Unix milliseconds.
    pub fn past_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(past_ms) FROM groups")
    }

    /// Groups whose past a store is asked for.
    pub fn past(&self, now_ms: i64) -> Result<Vec<Hash>, Error> {
        all(self.conn, "SELECT id FROM groups WHERE past_ms<=? ORDER BY id LIMIT 16", [now_ms], |r| r.get(0))
    }

    /// Groups of which something is due.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT id FROM groups WHERE min(say_ms, rekey_ms, ask_ms, ack_ms)<=? ORDER BY id LIMIT 64";
        all(self.conn, sql, [now_ms], |r| r.get(0))
    }
}

impl Table<'_, GroupEntry> {
    /// The log of a group, parents first.
    pub fn of(&self, group: &Hash) -> Result<Vec<GroupEntry>, Error> {
        self.rows("SELECT * FROM group_entries WHERE grp=? ORDER BY n", [group])
    }

    /// Adds an entry to the end.
    pub fn append(&mut self, group: &Hash, id: &Hash, bytes: &[u8]) -> Result<(), Error> {
        let sql = "INSERT INTO group_entries SELECT ?1, coalesce(max(n)+1, 0), ?2, ?3 FROM group_entries WHERE grp=?1";
        self.exec(sql, params![group, id, bytes])
    }
}

impl Table<'_, GroupLeaf> {
    /// All leaves of a group.
    pub fn of(&self, group: &Hash) -> Result<Vec<GroupLeaf>, Error> {
        self.rows("SELECT * FROM group_leaves WHERE grp=? ORDER BY leaf", [group])
    }
}

impl Table<'_, GroupExchange> {
    /// The own keys in a group, the newest first.
    pub fn of(&self, group: &Hash) -> Result<Vec<GroupExchange>, Error> {
        self.rows("SELECT * FROM group_exchange WHERE grp=? ORDER BY n DESC", [group])
    }

    /// Deletes those whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_exchange WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, GroupPassed> {
    /// Deletes those whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_passed WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, GroupEpoch> {
    /// The epochs of a group that are not over, the oldest first.
    pub fn of(&self, group: &Hash) -> Result<Vec<GroupEpoch>, Error> {
        self.rows("SELECT * FROM group_epochs WHERE grp=? AND over=0 ORDER BY made_ms, epoch", [group])
    }

    /// Epochs whose time is over.
    pub fn over(&self, now_ms: i64) -> Result<Vec<(Hash, Hash)>, Error> {
        let sql = "SELECT grp, epoch FROM group_epochs WHERE until_ms<=? ORDER BY grp, epoch LIMIT 64";
        all(self.conn, sql, [now_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }
}

impl Table<'_, GroupChain> {
    /// The chains of an epoch.
    pub fn of(&self, group: &Hash, epoch: &Hash) -> Result<Vec<GroupChain>, Error> {
        self.rows("SELECT * FROM group_chains WHERE grp=? AND epoch=? ORDER BY leaf", params![group, epoch])
    }

    /// All chains.
    pub fn all(&self) -> Result<Vec<GroupChain>, Error> {
        self.rows("SELECT * FROM group_chains ORDER BY grp, epoch, leaf", [])
    }

    /// When somebody is asked for missing messages, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(hole_ms) FROM group_chains")
    }

    /// Chains whose missing messages are asked for now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<GroupChain>, Error> {
        self.rows("SELECT * FROM group_chains WHERE hole_ms<=? ORDER BY grp, epoch, leaf LIMIT 64", [now_ms])
    }

    /// Deletes those of an epoch, with their skipped keys.
    pub fn remove_epoch(&mut self, group: &Hash, epoch: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM group_chains WHERE grp=? AND epoch=?", params![group, epoch])
    }
}

impl Table<'_, GroupSkip> {
    /// The key that a tag belongs to.
    pub fn by_tag(&self, tag: &[u8; 16]) -> Result<Option<GroupSkip>, Error> {
        self.row("SELECT * FROM group_skipped WHERE tag=?", [tag])
    }

    /// Keeps a key. A group keeps its latest 20,000.
    pub fn keep(&mut self, skip: &GroupSkip) -> Result<(), Error> {
        self.put(skip)?;
        let held = count(self.conn, "SELECT count(*) FROM group_skipped WHERE grp=?", [skip.grp])?;
        let Some(more) = held.checked_sub(SKIPPED).filter(|more| *more > 0) else {
            return Ok(());
        };
        let sql = "DELETE FROM group_skipped WHERE (grp, epoch, leaf, n) IN
            (SELECT grp, epoch, leaf, n FROM group_skipped WHERE grp=? ORDER BY until_ms, epoch, leaf, n LIMIT ?)";
        self.exec(sql, params![skip.grp, more])
    }

    /// Deletes those of an epoch.
    pub fn remove_epoch(&mut self, group: &Hash, epoch: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM group_skipped WHERE grp=? AND epoch=?", params![group, epoch])
    }

    /// Deletes those whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_skipped WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, GroupCopy> {
    /// The copy that carries a shown message.
    pub fn of_message(&self, message: &Hash) -> Result<Option<GroupCopy>, Error> {
        self.row("SELECT * FROM group_copies WHERE message=?", [message])
    }

    /// Copies of a chain between two numbers, both included; at most `limit`, rising or descending.
    pub fn range(
        &self,
        of: (&Hash, &Hash, &Leaf),
        (first, last): (u32, u32),
        (limit, descending): (u32, bool),
    ) -> Result<Vec<GroupCopy>, Error> {
        let sql = "SELECT * FROM group_copies WHERE grp=? AND epoch=? AND leaf=? AND n BETWEEN ? AND ?
            ORDER BY iif(?, -n, n) LIMIT ?";
        self.rows(sql, params![of.0, of.1, of.2, first, last, descending, limit])
    }

    /// Deletes those whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_copies WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, GroupPart> {
    /// The parts of an epoch's box that are here.
    pub fn of(&self, group: &Hash, epoch: &Hash) -> Result<Vec<GroupPart>, Error> {
        self.rows("SELECT * FROM group_parts WHERE grp=? AND epoch=? ORDER BY part", params![group, epoch])
    }

    /// Keeps a part. A group keeps its latest 256.
    pub fn keep(&mut self, part: &GroupPart) -> Result<(), Error> {
        self.put(part)?;
        let held = count(self.conn, "SELECT count(*) FROM group_parts WHERE grp=?", [part.grp])?;
        let Some(more) = held.checked_sub(PARTS).filter(|more| *more > 0) else {
            return Ok(());
        };
        let sql = "DELETE FROM group_parts WHERE (grp, epoch, part) IN
            (SELECT grp, epoch, part FROM group_parts WHERE grp=? ORDER BY until_ms, epoch, part LIMIT ?)";
        self.exec(sql, params![part.grp, more])
    }

    /// The epochs of which parts are here.
    pub fn epochs(&self, group: &Hash) -> Result<Vec<Hash>, Error> {
        all(self.conn, "SELECT DISTINCT epoch FROM group_parts WHERE grp=? LIMIT 64", [group], |r| r.get(0))
    }

    /// Deletes those of an epoch.
    pub fn remove_epoch(&mut self, group: &Hash, epoch: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM group_parts WHERE grp=? AND epoch=?", params![group, epoch])
    }

    /// Deletes those whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_parts WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, GroupOldKey> {
    /// The oldest key of a group that is due.
    pub fn due(&self, group: &Hash, now_ms: i64) -> Result<Option<GroupOldKey>, Error> {
        let sql = "SELECT * FROM group_old_keys WHERE grp=? AND due_ms<=? ORDER BY due_ms, epoch LIMIT 1";
        self.row(sql, params![group, now_ms])
    }
}

impl Table<'_, GroupInvite> {
    /// The invitation whose handover has this place.
    pub fn at(&self, place: &Hash) -> Result<Option<GroupInvite>, Error> {
        self.row("SELECT * FROM group_invites WHERE place=?", [place])
    }

    /// Deletes those from before this.
    pub fn expire(&mut self, before_ms: i64) -> Result<(), Error> {
        self.exec("DELETE FROM group_invites WHERE at_ms<?", [before_ms])
    }

    /// The invitations of a group.
    pub fn of(&self, group: &Hash) -> Result<Vec<GroupInvite>, Error> {
        self.rows("SELECT * FROM group_invites WHERE grp=? ORDER BY chat", [group])
    }
}

impl Reader {
    /// What this device is to a group.
    pub fn group(&self, id: &Hash) -> Result<Option<Group>, Error> {
        one(&self.conn, "SELECT * FROM groups WHERE id=?", [id], Group::read)
    }

    /// The leaves of a group.
    pub fn group_leaves(&self, id: &Hash) -> Result<Vec<GroupLeaf>, Error> {
        all(&self.conn, "SELECT * FROM group_leaves WHERE grp=? ORDER BY leaf", [id], GroupLeaf::read)
    }
}
