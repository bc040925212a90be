//! Where accounts are reached, and by which devices.

use rusqlite::params;

use crate::row::{Table, numbers, one, row};
use crate::{Chat, Error, Hash};

/// Most devices of an account that were only seen.
const KNOWN: u32 = 16;

numbers! {
    /// What may be sent to an account. `people` sets it.
    Reach {
        /// Nothing.
        Nothing = 0,
        /// Messages but no receipts: our request is open.
        Messages = 1,
        /// Messages and receipts.
        All = 2,
    }
}

numbers! {
    /// The standing of a device.
    Standing {
        /// Only seen: nothing is sent to it.
        Seen = 0,
        /// Confirmed: messages are sealed for it.
        Taken = 1,
        /// Held: it gets nothing before the person accepts it.
        Held = 2,
    }
}

row! {
    /// Where an account is reached.
    Peer in "peers" (chat: Chat) {
        /// Chat key of the account.
        chat: Chat,
        /// Home value: its top bits are the account's bucket.
        home: Option<[u8; 8]>,
        /// What may be sent to the account.
        reach: Reach,
        /// Newest known version of its device list.
        list_version: i64,
    }
}

row! {
    /// A device seen of an account. Its id and keys belong together.
    Device in "devices" (chat: Chat, device: [u8; 16]) {
        /// Chat key of the account.
        chat: Chat,
        /// Device id, unique within the account.
        device: [u8; 16],
        /// X25519 identity key.
        identity: [u8; 32],
        /// Ed25519 device key.
        signing: [u8; 32],
        /// Standing of the device.
        standing: Standing,
        /// Signed device record, of a confirmed or held device.
        record: Option<Vec<u8>>,
        /// Its reset pair: id ‖ X25519 ‖ ML-KEM.
        reset_pair: Option<Vec<u8>>,
        /// The session that sends to it.
        session: Option<Hash>,
        /// Highest start number received from it.
        start_in: u32,
        /// Highest start number sent to it.
        start_out: u32,
        /// When it was last seen, Unix milliseconds.
        seen_ms: i64,
    }
}

impl Table<'_, Device> {
    /// Deletes all rows of an account.
    pub fn remove_all(&mut self, chat: &Chat) -> Result<(), Error> {
        self.exec("DELETE FROM devices WHERE chat=?", [chat])
    }

    /// The devices of an account, the confirmed one first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Device>, Error> {
        self.rows("SELECT * FROM devices WHERE chat=? ORDER BY standing=1 DESC, device", [chat])
    }

    /// The device of an account with this standing.
    pub fn standing(&self, chat: &Chat, standing: Standing) -> Result<Option<Device>, Error> {
        self.row("SELECT * FROM devices WHERE chat=? AND standing=? ORDER BY device", params![chat, standing])
    }

    /// The session that sends to an account.
    pub fn session(&self, chat: &Chat) -> Result<Option<Hash>, Error> {
        let sql = "SELECT session FROM devices WHERE chat=? AND session IS NOT NULL ORDER BY device";
        one(self.conn, sql, [chat], |r| r.get(0))
    }

    /// Deletes devices of an account that were only seen, seen longest ago first, down to 16.
    pub fn keep_few(&mut self, chat: &Chat) -> Result<(), Error> {
        let sql = "DELETE FROM devices WHERE chat=?1 AND standing=0 AND device IN
            (SELECT device FROM devices WHERE chat=?1 AND standing=0 ORDER BY seen_ms DESC, device LIMIT -1 OFFSET ?2)";
        self.exec(sql, params![chat, KNOWN])
    }

    /// The devices of an account that share this id or one of these keys.
    pub fn like(
        &self,
        chat: &Chat,
        device: &[u8; 16],
        identity: &[u8; 32],
        signing: &[u8; 32],
    ) -> Result<Vec<Device>, Error> {
        let sql = "SELECT * FROM devices WHERE chat=? AND (device=? OR identity=? OR signing=?) ORDER BY device";
        self.rows(sql, params![chat, device, identity, signing])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn the_devices_of_an_account_are_few_and_those_taken_or_held_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.db");
        let mut account = Account::open(&path, &[7; 32]).unwrap();
        let device = |chat: u8, n: u8, standing| Device {
            chat: [chat; 33],
            device: [n; 16],
            identity: [n; 32],
            signing: [n; 32],
            standing,
            record: None,
            reset_pair: None,
            session: None,
            start_in: 0,
            start_out: 0,
            seen_ms: i64::from(n),
        };
        let left = account.transaction(|mut tx| {
            tx.devices.put(&device(2, 1, Standing::Seen))?;
            for n in 1..=40 {
                let standing = [Standing::Taken, Standing::Held].get(usize::from(n) - 1);
                tx.devices.put(&device(1, n, *standing.unwrap_or(&Standing::Seen)))?;
                tx.devices.keep_few(&[1; 33])?;
            }
            let known = |chat: u8| {
                let all = tx.devices.of(&[chat; 33]).unwrap();
                all.iter().map(|one| one.device[0]).collect::<Vec<u8>>()
            };
            Ok::<_, Error>((known(1), known(2)))
        });
        let newest = [1, 2].into_iter().chain(25..=40).collect();
        assert_eq!(left.unwrap(), (newest, vec![1]));
    }
}
