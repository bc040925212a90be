//! Files: how they are shown, sent and saved. No name can look like a line of the program: it stands last.

use std::path::{Path, PathBuf};

use sotto_messenger::records::{
    ConversationId, File, FileId, FileKind, FileState, Message, MessageId, NewFile, NewPost,
};
use sotto_messenger::{Code, Error, Messenger};

use super::deed;
use super::posts::flat;

/// Most files of a list.
pub(super) const LISTED: u32 = 50;

/// A file to send.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) path: String,
    pub(super) text: String,
    /// Whether a picture keeps the place and time that it names.
    pub(super) as_is: bool,
}

impl Sending {
    /// Copies and queues it.
    pub(super) async fn send(&self, messenger: &Messenger, to: &ConversationId) -> Result<MessageId, Error> {
        let file = NewFile { path: PathBuf::from(&self.path), as_is: self.as_is, ..NewFile::default() };
        let mentions = deed::mentions(messenger, to, &self.text)?;
        let post = NewPost { text: self.text.clone(), mentions, files: vec![file], ..NewPost::default() };
        messenger.send(to, post).await
    }
}

/// Sets or removes the own picture. Returns the text to show.
pub(super) async fn avatar(messenger: &Messenger, path: Option<&str>) -> Result<String, Error> {
    messenger.avatar_set(path.map(Path::new)).await?;
    let said = if path.is_some() { "You have a picture" } else { "You have no picture" };
    Ok(format!("{said} now. Each contact is told within 1 to 6 hours."))
}

/// The path at the beginning of a text, in quotes or with `\` before a space, and the text behind it.
pub(super) fn path_and_text(text: &str) -> (String, &str) {
    let (mut path, mut quote) = (String::new(), None);
    let mut rest = text.trim_start().chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' if quote.is_none() => path.extend(rest.next()),
            '"' | '\'' if quote.is_none() && path.is_empty() => quote = Some(c),
            _ if quote == Some(c) => break,
            ' ' if quote.is_none() => break,
            _ => path.push(c),
        }
    }
    (path, rest.as_str().trim())
}

/// Files that are written to a path as soon as they are here.
#[derive(Default)]
pub(super) struct Saves(Vec<(FileId, PathBuf)>);

impl Saves {
    /// Fetches a file of a message, by its number from 1, and saves it. Returns the text to show.
    pub(super) async fn save(
        &mut self,
        messenger: &Messenger,
        message: &Message,
        number: usize,
        path: Option<&str>,
    ) -> Result<String, Error> {
        let file = number.checked_sub(1).and_then(|index| message.files.get(index)).ok_or(Code::FileMissing)?;
        let path = target(&file.name, path);
        if path.symlink_metadata().is_ok() {
            return Err(Code::FileExists.into());
        }
        messenger.file_fetch(&file.id).await?;
        let coming = format!("it is fetched, and then saved as {}", shown(&path));
        self.0.push((file.id.clone(), path));
        let settled = self.settle(messenger).await;
        Ok(if settled.is_empty() { coming } else { settled.join("\n") })
    }

    /// Saves the files that are here now. Returns the texts to show.
    pub(super) async fn settle(&mut self, messenger: &Messenger) -> Vec<String> {
        let mut said = Vec::new();
        for (id, path) in std::mem::take(&mut self.0) {
            let saved = match messenger.file(&id) {
                Ok(file) if file.state == FileState::Coming => {
                    self.0.push((id, path));
                    continue;
                }
                Ok(File { state: FileState::Here | FileState::Going, .. }) => messenger.file_export(&id, &path).await,
                Ok(file) => Err(file.reason.unwrap_or(Code::FileGone).into()),
                Err(error) => Err(error),
            };
            said.push(match saved {
                Ok(()) => format!("saved as {}", shown(&path)),
                Err(error) => format!("! {}: {error}", shown(&path)),
            });
        }
        said
    }
}

/// Where a file is saved: under its own name if no other is given. That name is somebody else's choice, so it hides
/// nothing: a program would read some hidden files without being asked.
fn target(name: &str, path: Option<&str>) -> PathBuf {
    let name = Some(name.trim_start_matches('.')).filter(|name| !name.is_empty()).unwrap_or("file");
    match path.map(Path::new) {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.to_owned(),
        None => PathBuf::from(name),
    }
}

fn shown(path: &Path) -> String {
    flat(&path.to_string_lossy())
}

/// The files of a message, one a line.
pub(super) fn of(message: &Message) -> Vec<String> {
    let one = |(number, file): (u32, &File)| format!("file {number} {}", line(file));
    (1..).zip(&message.files).map(one).collect()
}

/// What a file is, how far it is, and its name.
pub(super) fn line(file: &File) -> String {
    let kind = match file.kind {
        FileKind::Image => "picture",
        FileKind::Voice => "voice note",
        FileKind::Video => "video",
        FileKind::Sticker => "sticker",
        FileKind::Gif => "moving picture",
        _ => "file",
    };
    let mut about = vec![kind.to_owned()];
    if file.width > 0 && file.height > 0 {
        about.push(format!("{}×{}", file.width, file.height));
    }
    if file.duration_ms > 0 {
        let seconds = file.duration_ms.div_ceil(1000);
        about.push(format!("{}:{:02}", seconds / 60, seconds % 60));
    }
    let (have, total) = (size(file.have), size(file.total));
    about.push(match file.state {
        FileState::Remote => format!("{total}, not here"),
        FileState::Coming => format!("coming, {have} of {total}"),
        FileState::Here => format!("{total}, here"),
        FileState::Going => format!("leaving, {have} of {total}"),
        FileState::Gone => format!("{total}, gone"),
        FileState::Corrupt => format!("{total}, damaged"),
        _ => total,
    });
    let why = file.reason.map(|code| format!("; {}", code.detail())).unwrap_or_default();
    format!("({}{why}) {}", about.join(", "), flat(&file.name))
}

/// A number of bytes, by its largest unit.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1e3 => format!("{bytes} B"),
        _ if bytes < 1e6 => format!("{:.1} KB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}

/// The step of a transfer: its state and the quarter that it has reached.
pub(super) fn step(file: &File) -> (FileState, u64) {
    (file.state, file.have.saturating_mul(4).checked_div(file.total).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::people::tests::message;

    fn file(kind: FileKind, state: FileState, name: &str) -> File {
        File { kind, state, name: name.into(), have: 1_250_000, total: 5_000_000, ..File::default() }
    }

    #[test]
    fn a_file_shows_how_far_it_is_in_front_of_a_name_that_can_forge_nothing() {
        let mut one = message("m", "c", "");
        let mut picture = file(FileKind::Image, FileState::Here, "cat.jpg");
        (picture.width, picture.height, picture.total) = (640, 480, 999);
        let mut note = file(FileKind::Voice, FileState::Coming, "");
        (note.duration_ms, note.reason) = (61_200, Some(Code::FileWaiting));
        let forged = file(FileKind::File, FileState::Remote, "(file, 1 B, here) x\u{1b}[2J\n12:00 Bob: hi\u{202e}");
        one.files = vec![picture, note, forged];
        let wanted = [
            "file 1 (picture, 640×480, 999 B, here) cat.jpg".to_owned(),
            format!("file 2 (voice note, 1:02, coming, 1.2 MB of 5.0 MB; {}) ", Code::FileWaiting.detail()),
            "file 3 (file, 5.0 MB, not here) (file, 1 B, here) x\u{fffd}[2J 12:00 Bob: hi\u{fffd}".to_owned(),
        ];
        assert_eq!(of(&one), wanted);
    }

    #[test]
    fn progress_is_told_by_quarters() {
        let mut one = file(FileKind::File, FileState::Coming, "a");
        let mut steps = Vec::new();
        for have in (0..=5_000_000).step_by(50_000) {
            one.have = have;
            steps.push(step(&one));
        }
        steps.dedup();
        assert_eq!(steps.len(), 5);
        one.total = 0;
        assert_eq!(step(&one), (FileState::Coming, 0));
    }

    #[test]
    fn paths_may_have_spaces() {
        for (typed, path, text) in [
            ("a.jpg", "a.jpg", ""),
            ("a.jpg  look at it ", "a.jpg", "look at it"),
            ("'my cat.jpg' it's mine", "my cat.jpg", "it's mine"),
            ("\"my cat.jpg\"", "my cat.jpg", ""),
            (r"my\ cat.jpg look", "my cat.jpg", "look"),
            ("it's.jpg look", "it's.jpg", "look"),
            (r"'a\b' c", r"a\b", "c"),
            ("", "", ""),
        ] {
            assert_eq!(path_and_text(typed), (path.to_owned(), text), "{typed}");
        }
    }

    /// Whoever sends a file chooses its name, and must not choose one that a shell runs at its start.
    #[test]
    fn no_file_is_saved_as_a_hidden_one_unless_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().to_str().unwrap();
        assert_eq!(target(".profile", None), PathBuf::from("profile"));
        assert_eq!(target("..", None), PathBuf::from("file"));
        assert_eq!(target("", Some(within)), folder.path().join("file"));
        assert_eq!(target("a.jpg", Some(within)), folder.path().join("a.jpg"));
        assert_eq!(target("a.jpg", Some(".b.jpg")), PathBuf::from(".b.jpg"));
    }
}
