use std::ops::Deref;

use sotto_db::{Chat, Device, DeviceStanding, Error, Hash, Message, Peer, Person, Reader};

/// All rows that a phone has about somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The person's row.
    pub person: Person,
    /// The conversation with them.
    pub conversation: Hash,
    /// The peer's row: where they are reached.
    pub peer: Peer,
    /// All seen devices.
    pub devices: Vec<Device>,
}

impl Contact {
    fn with(&self, standing: DeviceStanding) -> Option<&Device> {
        self.devices.iter().find(|device| device.standing == standing)
    }

    /// The confirmed device.
    pub fn device(&self) -> Option<[u8; 16]> {
        self.with(DeviceStanding::Taken).map(|device| device.device)
    }

    /// The record of the confirmed device.
    pub fn record(&self) -> Option<Vec<u8>> {
        self.with(DeviceStanding::Taken)?.record.clone()
    }

    /// The record of the held device.
    pub fn held(&self) -> Option<Vec<u8>> {
        self.with(DeviceStanding::Held)?.record.clone()
    }

    /// Their home value.
    pub fn home(&self) -> Option<[u8; 8]> {
        self.peer.home
    }

    /// Their chat key.
    pub fn chat(&self) -> Chat {
        self.person.chat
    }
}

impl std::ops::DerefMut for Contact {
    fn deref_mut(&mut self) -> &mut Person {
        &mut self.person
    }
}

impl Deref for Contact {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

/// All persons of a phone.
pub fn contacts(reader: &Reader) -> Result<Vec<Contact>, Error> {
    let tables = reader.tables();
    let all = reader.contacts()?.into_iter().map(|(person, conversation)| {
        let chat = person.chat;
        Ok(Contact {
            peer: tables.peers.get(&chat)?.unwrap(),
            devices: tables.devices.of(&chat)?,
            person,
            conversation,
        })
    });
    all.collect()
}

/// The messages of a conversation, whole, newest first.
pub fn messages(reader: &Reader, conversation: &Hash) -> Result<Vec<Message>, Error> {
    let page = reader.messages_page(conversation, None, 100_000)?.into_iter();
    page.map(|cut| Ok(reader.tables().messages.get(&cut.id)?.unwrap())).collect()
}
