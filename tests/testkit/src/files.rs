//! Files on simulated phones.

use sotto_crypto::LocalKey;
use sotto_db::FileState;
use sotto_messenger::disk::Place;
use sotto_messenger::engine::{Prepared, Told, call};
use sotto_messenger::records::{File, FileId, MessageId, NewPost};
use sotto_messenger::{Error, view};
use sotto_wire::content::FileKind;

use crate::World;

/// A file that a person picks.
#[derive(Clone, Default)]
pub struct Picked {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Its name.
    pub name: String,
    /// The preview beside it.
    pub preview: Vec<u8>,
    /// Whether it is sent under a new key.
    pub fresh: bool,
}

impl Picked {
    /// A file with these bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, name: "a.bin".to_owned(), ..Self::default() }
    }
}

impl World {
    /// Copies a file as the API does.
    pub fn prepare(&mut self, who: usize, picked: &Picked) -> Result<Prepared, Error> {
        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), &picked.bytes).unwrap();
        let imported = self.phones[who].disk().import(source.path(), false)?;
        let told = Told { kind: picked.kind, name: picked.name.clone(), ..Told::default() };
        Ok(Prepared { imported, told, preview: picked.preview.clone(), fresh: picked.fresh })
    }

    /// Sends files into the only conversation. `None` if the phone was killed before the answer.
    pub fn try_send_files(&mut self, who: usize, text: &str, picked: &[Picked]) -> Option<MessageId> {
        let files = picked.iter().map(|one| self.prepare(who, one).unwrap()).collect();
        let conversation = self.conversation(who);
        let post = NewPost::from(text);
        self.try_call(who, call::SendFiles { conversation, post, files }).map(|answer| answer.unwrap())
    }

    /// Sends files into the only conversation.
    pub fn send_files(&mut self, who: usize, text: &str, picked: &[Picked]) -> MessageId {
        self.try_send_files(who, text, picked).unwrap()
    }

    /// The files of a message, as the API shows them; none if the message is not here.
    pub fn files(&self, who: usize, message: &MessageId) -> Vec<File> {
        self.phones[who].read(|reader| {
            let own = sotto_messenger::engine::stored::own_chat(reader).unwrap();
            let row = reader.tables().messages.get(&message.to_bytes().unwrap()).unwrap();
            row.map(|row| view::message(reader, &own, row).unwrap().files).unwrap_or_default()
        })
    }

    /// The person asks for a file.
    pub fn fetch(&mut self, who: usize, file: &FileId) {
        self.call(who, call::FileFetch { file: file.clone() }).unwrap();
    }

    /// The bytes of a file, if it is here.
    pub fn content(&mut self, who: usize, file: &FileId) -> Option<Vec<u8>> {
        let place = self.phones[who].read(|reader| {
            let row = reader.tables().files.get(&file.to_bytes().unwrap()).unwrap().unwrap();
            let here = matches!(row.state, FileState::Here | FileState::Going);
            let content = row.content.filter(|_| here)?;
            let content = reader.tables().contents.get(&content).unwrap().unwrap();
            Some(Place { name: content.name, key: LocalKey::new(&content.key), size: content.size.cast_unsigned() })
        })?;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < place.size {
            bytes.extend(self.phones[who].disk().read(&place, bytes.len() as u64, 1 << 20).unwrap());
        }
        Some(bytes)
    }
}
