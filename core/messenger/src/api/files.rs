//! Calls about files.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use rand_core::UnwrapErr;
use sotto_crypto::LocalKey;
use sotto_db::{ContentName, Reader};
use sotto_wire::content::{FileKind as Kind, MAX_FILE_PREVIEW, MAX_FILES, MAX_MIME, file_name};
use tokio::sync::oneshot;

use super::Messenger;
use super::read::rows;
use crate::disk::{self, Disk, Order, Place};
use crate::engine::call;
use crate::engine::file::auto::{self, KEY_AUTO};
use crate::engine::file::keep::{Prepared, Told};
use crate::engine::file::{picture, waveform};
use crate::error::{Code, Error, OrBug};
use crate::records::{
    AutoDownload, ConversationId, File, FileId, FileKind, FileState, MessageId, NewFile, NewPost, Storage, StoragePart,
};
use crate::{cursor, view};

impl Messenger {
    /// One file of a message. The picture of an account is no such file: its id is known when it is here, for
    /// [`Messenger::file_read`] and [`Messenger::file_export`]. Errors: `file.missing`, `input.id`.
    pub fn file(&self, file: &FileId) -> Result<File, Error> {
        let id = file.to_bytes()?;
        self.read(|reader| view::one_file(reader, &id))
    }

    /// Files of a conversation, newest first, of one kind or all. `before` is the `cursor` of the last file of the
    /// previous page. `limit` is 1 to 500. Errors: `input.id`, `input.limit`.
    pub fn files(
        &self,
        conversation: &ConversationId,
        kind: Option<FileKind>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<File>, Error> {
        let (id, before, limit) = (conversation.to_bytes()?, before.map(cursor::file).transpose()?, rows(limit)?);
        let kind = kind.map(|kind| Kind::from(kind).code());
        self.read(|reader| view::files(reader, &reader.files_page(&id, kind, before, limit)?))
    }

    /// Fetches a file now, or goes on with what rests. [`Event::File`](crate::Event::File) tells how far it is. Errors:
    /// `file.missing`, `input.id`.
    pub async fn file_fetch(&self, file: &FileId) -> Result<(), Error> {
        self.call(call::FileFetch { file: file.clone() }).await
    }

    /// Ends a transfer. What came of a download stays, and [`Messenger::file_fetch`] goes on with it. If it is an
    /// upload that readers cannot have yet, its message is deleted and never sent. Of an upload that they can have, the
    /// rest, which makes up for losses, is not published. Errors: `file.missing`, `input.id`.
    pub async fn file_cancel(&self, file: &FileId) -> Result<(), Error> {
        self.call(call::FileCancel { file: file.clone() }).await
    }

    /// Reads up to 1 MiB of a file that is here, from any byte on; nothing past its end. Errors: `file.missing`,
    /// `file.waiting` if it is not here, `file.unreadable`, `file.corrupt` if these bytes are damaged: then
    /// [`Messenger::file_fetch`] gets another copy.
    pub fn file_read(&self, file: &FileId, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let place = self.place(file)?;
        self.looked_at(place.name, self.disk().read(&place, offset, length))
    }

    /// Writes a file that is here, decrypted, to a new file at `path`, on a thread of its own. Nothing is overwritten,
    /// and `path` names the whole file or none. A process that is killed meanwhile leaves a file `.sotto-….part` in the
    /// same folder. Errors: `file.missing`, `file.waiting`, `file.exists`, `file.no_space`, `file.unreadable`,
    /// `file.corrupt`.
    pub async fn file_export(&self, file: &FileId, path: &Path) -> Result<(), Error> {
        let (place, mut disk, path) = (self.place(file)?, self.disk(), path.to_owned());
        let copy = place.name;
        self.looked_at(copy, aside(move || disk.export(&place, &path)).await)
    }

    /// Tells the engine of a copy that is damaged.
    fn looked_at<T>(&self, copy: ContentName, done: Result<T, Error>) -> Result<T, Error> {
        done.inspect_err(|error| {
            if error.code() == Code::FileCorrupt {
                self.tell(call::FileDamaged { copy });
            }
        })
    }

    /// What is fetched without being asked for.
    pub fn auto_download(&self) -> Result<AutoDownload, Error> {
        self.read(|reader| Ok(auto::settings(reader.tables().kv.get(KEY_AUTO)?.as_deref())))
    }

    /// Sets what is fetched without being asked for. Nothing ever is from requests and blocked people. Errors:
    /// `account.missing`.
    pub async fn auto_download_set(&self, all: AutoDownload) -> Result<(), Error> {
        self.call(call::AutoDownloadSet { all }).await
    }

    /// Sets the own picture, or removes it: JPEG, PNG or WebP of at most 32,568 bytes without its metadata, which is
    /// removed here. 256 × 256 pixels are enough. Each contact learns it after 1 to 6 hours, at random. Errors:
    /// `account.missing`, `file.too_large`, `file.metadata` for another format, `file.*`, `input.empty`.
    pub async fn avatar_set(&self, path: Option<&Path>) -> Result<(), Error> {
        let Some(path) = path.map(Path::to_owned) else {
            return self.call(call::AvatarSet { picture: None }).await;
        };
        let (mut disk, messenger) = (self.disk(), self.clone());
        aside(move || {
            let picture = disk.import(&path, true)?;
            let copy = picture.place.name;
            let refused = match picture.metadata {
                disk::Metadata::Kept => Code::FileMetadata,
                _ if picture.place.size > picture::MAX => Code::FileTooLarge,
                _ => {
                    let set = messenger.call_blocking(call::AvatarSet { picture: Some(picture) });
                    if set.is_err() {
                        messenger.forget(&[copy]);
                    }
                    return set;
                }
            };
            disk.run(Order::Remove { names: vec![copy] });
            Err(refused.into())
        })
        .await
    }

    /// Bytes of files on this device, by conversation and kind.
    pub fn storage(&self) -> Result<Storage, Error> {
        self.read(|reader| {
            let part = |(conversation, kind, bytes): sotto_db::Stored| StoragePart {
                conversation: ConversationId::from_bytes(&conversation),
                kind: Kind::from_code(kind).into(),
                bytes: u64::try_from(bytes).unwrap_or(0),
            };
            let parts = reader.stored()?.into_iter().map(part).collect();
            Ok(Storage { bytes: u64::try_from(reader.stored_bytes()?).unwrap_or(0), parts })
        })
    }

    /// Removes the bytes of files from this device, of one conversation or all, of messages older than this (all
    /// without it). Their messages stay, and they can be fetched again as long as stores or their author have them.
    /// Returns the number of bytes that are free now. Errors: `account.missing`, `input.id`.
    pub async fn storage_free(
        &self,
        conversation: Option<&ConversationId>,
        older_than_ms: Option<i64>,
    ) -> Result<u64, Error> {
        let before = self.storage()?.bytes;
        let before_s = older_than_ms.map_or(i64::MAX, |age_ms| (self.shared.clock)().saturating_sub(age_ms) / 1000);
        self.call(call::StorageFree { conversation: conversation.cloned(), before_s }).await?;
        Ok(before.saturating_sub(self.storage()?.bytes))
    }

    fn disk(&self) -> Disk {
        Disk::new(self.shared.files.clone(), UnwrapErr(getrandom::SysRng))
    }

    /// Where a file that is here lies.
    fn place(&self, file: &FileId) -> Result<Place, Error> {
        let id = file.to_bytes()?;
        self.read(|reader| {
            let row = reader.tables().files.get(&id)?.ok_or(Code::FileMissing)?;
            let here = matches!(FileState::from(row.state), FileState::Here | FileState::Going | FileState::Corrupt);
            let content = row.content.filter(|_| here).ok_or(Code::FileWaiting)?;
            let content = reader.tables().contents.get(&content)?.or_bug("content of a file")?;
            let size = u64::try_from(content.size).or_bug("size of a file")?;
            Ok(Place { name: content.name, key: LocalKey::new(&content.key), size })
        })
    }

    /// Copies files and sends them, on a thread of its own, which goes on when the future is dropped.
    pub(super) async fn send_files(
        &self,
        conversation: ConversationId,
        post: NewPost,
        files: Vec<NewFile>,
    ) -> Result<MessageId, Error> {
        if files.len() > MAX_FILES {
            return Err(Code::TooMany.into());
        }
        let messenger = self.clone();
        aside(move || {
            let files = messenger.prepare(files)?;
            let copies = names(&files);
            let sent = messenger.call_blocking(call::SendFiles { conversation, post, files });
            if sent.is_err() {
                messenger.forget(&copies);
            }
            sent
        })
        .await
    }

    /// Copies files to be sent. It waits for the disk.
    fn prepare(&self, files: Vec<NewFile>) -> Result<Vec<Prepared>, Error> {
        let (mut disk, mut prepared) = (self.disk(), Vec::new());
        for new in files {
            match prepare(&mut disk, new) {
                Ok(one) => prepared.push(one),
                Err(error) => {
                    disk.run(Order::Remove { names: names(&prepared) });
                    return Err(error);
                }
            }
        }
        Ok(prepared)
    }

    /// Removes copies that no message has, because sending them failed.
    fn forget(&self, names: &[[u8; 8]]) {
        let kept = |reader: &Reader, name: &[u8; 8]| Ok(reader.tables().contents.get(name)?.is_some());
        for name in names {
            // Otherwise the next open removes the copy.
            if matches!(self.read(|reader| kept(reader, name)), Ok(false)) {
                self.disk().run(Order::Remove { names: vec![*name] });
            }
        }
    }
}

/// Runs work that waits for the disk, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let (caller, done) = oneshot::channel();
    let work = move || {
        let _ = caller.send(work()); // a caller that went away wants no answer
    };
    std::thread::Builder::new().name("sotto-file".into()).spawn(work).map_err(|_| Code::Internal)?;
    done.await.map_err(|_| Code::Internal)?
}

/// Names of the copies.
fn names(files: &[Prepared]) -> Vec<[u8; 8]> {
    files.iter().map(|one| one.imported.place.name).collect()
}

fn prepare(disk: &mut Disk, new: NewFile) -> Result<Prepared, Error> {
    let given = new.name.map(PathBuf::from);
    let name = given.as_ref().unwrap_or(&new.path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mime = new.mime.unwrap_or_default();
    if mime.len() > MAX_MIME || !mime.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Code::BadFile.into());
    }
    let kind = new.kind.unwrap_or_else(|| guess(&mime, &name));
    let preview = new.preview_path.map(|path| preview(&path)).transpose()?.unwrap_or_default();
    let placeholder = new.placeholder_rgba.map(|tiny| disk::placeholder(tiny.width, tiny.height, &tiny.pixels));
    let told = Told {
        kind: kind.into(),
        name: file_name(&name),
        mime,
        width: new.width,
        height: new.height,
        duration_ms: new.duration_ms,
        waveform: waveform::pack(&new.waveform),
        placeholder: placeholder.transpose()?.unwrap_or_default(),
    };
    // Who sends a picture as a file wants it as it is. A voice note is the app's own recording.
    let strip = !new.as_is && !matches!(kind, FileKind::File | FileKind::Voice);
    let imported = disk.import(&new.path, strip)?;
    if imported.metadata == disk::Metadata::Kept {
        disk.run(Order::Remove { names: vec![imported.place.name] });
        return Err(Code::FileMetadata.into());
    }
    Ok(Prepared { imported, told, preview, fresh: new.fresh })
}

/// A preview is small enough for one envelope.
fn preview(path: &Path) -> Result<Vec<u8>, Error> {
    // To open a pipe is to wait for its other end.
    if !std::fs::metadata(path).is_ok_and(|stat| stat.is_file()) {
        return Err(Code::FileUnreadable.into());
    }
    let file = std::fs::File::open(path).map_err(|_| Code::FileUnreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_PREVIEW as u64 + 1).read_to_end(&mut bytes).map_err(|_| Code::FileUnreadable)?;
    if bytes.is_empty() || bytes.len() > MAX_FILE_PREVIEW { Err(Code::BadFile.into()) } else { Ok(bytes) }
}

fn guess(mime: &str, name: &str) -> FileKind {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match (mime.split('/').next().unwrap_or_default(), ending.as_str()) {
        ("image", "gif") => FileKind::Gif,
        ("image", _) | ("", "jpg" | "jpeg" | "png" | "webp") => FileKind::Image,
        ("video", _) | ("", "mp4" | "webm" | "mov") => FileKind::Video,
        _ => FileKind::File,
    }
}
