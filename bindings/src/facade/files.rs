//! Calls about files.

use std::path::PathBuf;

use sotto_messenger::{Code, Messenger};

use super::{SottoCore, rows};
use crate::error::SottoError;
use crate::records::{AutoDownload, ConversationId, File, FileId, FileKind, Storage, records};

#[uniffi::export]
impl SottoCore {
    /// One file of a message. The picture of an account is in no message: only `file_read` and `file_export` take its
    /// id. Errors: `file.missing`, `input.id`.
    pub async fn file(&self, file: FileId) -> Result<File, SottoError> {
        let id = file.into();
        Ok(self.reads.read(move |messenger: &Messenger| messenger.file(&id)).await?.into())
    }

    /// Files of a conversation, newest first, of one kind or all. `before` is the `cursor` of the last file of the
    /// previous page. `limit` is 1 to 500. Errors: `input.id`, `input.limit`.
    #[uniffi::method(default(kind = None, before = None))]
    pub async fn files(
        &self,
        conversation: ConversationId,
        limit: i32,
        kind: Option<FileKind>,
        before: Option<String>,
    ) -> Result<Vec<File>, SottoError> {
        let (id, kind) = (conversation.into(), kind.map(Into::into));
        let read = move |messenger: &Messenger| messenger.files(&id, kind, before.as_deref(), rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// Fetches a file now, or continues a fetch that rests. The event `FileChanged` reports progress. Errors:
    /// `file.missing`, `input.id`.
    pub async fn file_fetch(&self, file: FileId) -> Result<(), SottoError> {
        Ok(self.messenger.file_fetch(&file.into()).await?)
    }

    /// Ends a transfer. The fetched parts of a download stay, and `file_fetch` continues with them. The message of an
    /// upload that readers cannot have yet is deleted and never sent. Of one that they can have, the parts against
    /// losses are not sent. Errors: `file.missing`, `input.id`.
    pub async fn file_cancel(&self, file: FileId) -> Result<(), SottoError> {
        Ok(self.messenger.file_cancel(&file.into()).await?)
    }

    /// Reads up to 1 MiB of a file that is here, from any byte on, for players and viewers; nothing past its end.
    /// Errors: `file.missing`, `file.waiting` if it is not here, `file.unreadable`, `file.corrupt` if these bytes are
    /// damaged on this device (`file_fetch` gets another copy), `input.setting` for negative numbers.
    pub async fn file_read(&self, file: FileId, offset: i64, length: i32) -> Result<Vec<u8>, SottoError> {
        let offset = u64::try_from(offset).map_err(|_| Code::BadSetting)?;
        let length = usize::try_from(length).map_err(|_| Code::BadSetting)?;
        let id = file.into();
        self.reads.read(move |messenger: &Messenger| messenger.file_read(&id, offset, length)).await
    }

    /// Writes a file that is here, decrypted, to a new file at `path`, an absolute path. Nothing is overwritten, and
    /// `path` names the whole file or none. A killed process leaves a file `.sotto-….part` in the same folder. Errors:
    /// `file.missing`, `file.waiting`, `file.exists`, `file.no_space`, `file.unreadable`, `file.corrupt`,
    /// `storage.read_only` if no file can be made there.
    pub async fn file_export(&self, file: FileId, path: String) -> Result<(), SottoError> {
        Ok(self.messenger.file_export(&file.into(), &PathBuf::from(path)).await?)
    }

    /// Sets the own picture, or removes it: JPEG, PNG or WebP of at most 32,568 bytes without its metadata, which is
    /// removed here. 256 × 256 pixels are enough. Each contact learns it after 1 to 6 hours, at random. Errors:
    /// `account.missing`, `file.too_large`, `file.metadata` for another format, `file.*`, `input.empty`.
    pub async fn avatar_set(&self, path: Option<String>) -> Result<(), SottoError> {
        Ok(self.messenger.avatar_set(path.map(PathBuf::from).as_deref()).await?)
    }

    /// What is fetched without being asked for.
    pub async fn auto_download(&self) -> Result<AutoDownload, SottoError> {
        Ok(self.reads.read(Messenger::auto_download).await?.into())
    }

    /// Sets what is fetched without being asked for. Nothing is ever fetched so from requests and blocked people.
    /// Errors: `account.missing`, `input.setting` for a negative limit.
    pub async fn auto_download_set(&self, all: AutoDownload) -> Result<(), SottoError> {
        Ok(self.messenger.auto_download_set(all.try_into()?).await?)
    }

    /// Bytes of files on this device, by conversation and kind.
    pub async fn storage(&self) -> Result<Storage, SottoError> {
        Ok(self.reads.read(Messenger::storage).await?.into())
    }

    /// Removes the bytes of files from this device: of one conversation or all, of messages older than this (all
    /// without it). Their messages stay, and the files can be fetched again while stores or their author have them.
    /// Returns the number of freed bytes. Errors: `account.missing`, `input.id`.
    #[uniffi::method(default(conversation = None, older_than_ms = None))]
    pub async fn storage_free(
        &self,
        conversation: Option<ConversationId>,
        older_than_ms: Option<i64>,
    ) -> Result<i64, SottoError> {
        let conversation = conversation.map(Into::into);
        let bytes = self.messenger.storage_free(conversation.as_ref(), older_than_ms).await?;
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }
}
