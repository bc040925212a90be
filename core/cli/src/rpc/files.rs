//! Files.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sotto_messenger::Messenger;
use sotto_messenger::records::{AutoDownload, ConversationId, File, FileId, FileKind};

use super::methods::{Answer, done, show};
use super::page::page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    file: FileId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    file: FileId,
    offset: u64,
    length: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Export {
    file: FileId,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilesPage {
    conversation: ConversationId,
    kind: Option<FileKind>,
    before: Option<String>,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    set: Option<AutoDownload>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Free {
    conversation: Option<ConversationId>,
    older_than_ms: Option<i64>,
}

/// Whether a call of `send` copies files first.
pub(crate) fn are_in(params: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Files<'a> {
        #[serde(borrow, default)]
        files: Vec<&'a RawValue>,
    }
    serde_json::from_str(params.get()).is_ok_and(|Files { files }| !files.is_empty())
}

pub(crate) fn file(messenger: &Messenger, params: Which) -> Answer {
    show(&messenger.file(&params.file)?)
}

pub(crate) async fn fetch(messenger: &Messenger, params: Which) -> Answer {
    messenger.file_fetch(&params.file).await?;
    done(json!({}))
}

pub(crate) async fn cancel(messenger: &Messenger, params: Which) -> Answer {
    messenger.file_cancel(&params.file).await?;
    done(json!({}))
}

pub(crate) fn bytes(messenger: &Messenger, params: Part) -> Answer {
    let bytes = messenger.file_read(&params.file, params.offset, params.length)?;
    done(json!({"data": URL_SAFE_NO_PAD.encode(bytes)}))
}

pub(crate) async fn export(messenger: &Messenger, params: Export) -> Answer {
    messenger.file_export(&params.file, &params.path).await?;
    done(json!({}))
}

pub(crate) fn list(messenger: &Messenger, params: FilesPage) -> Answer {
    page("files", params.limit, |last: Option<&File>, rows| {
        let before = last.map(|row| &row.cursor).or(params.before.as_ref());
        messenger.files(&params.conversation, params.kind, before.map(String::as_str), rows)
    })
}

pub(crate) async fn auto_download(messenger: &Messenger, params: Limits) -> Answer {
    if let Some(all) = params.set {
        messenger.auto_download_set(all).await?;
    }
    show(&messenger.auto_download()?)
}

pub(crate) async fn free(messenger: &Messenger, params: Free) -> Answer {
    let bytes = messenger.storage_free(params.conversation.as_ref(), params.older_than_ms).await?;
    done(json!({"bytes": bytes}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_that_copies_files_is_told_from_others() {
        let are = |params: &str| are_in(&RawValue::from_string(params.to_owned()).unwrap());
        assert!(are(r#"{"conversation":"c","text":"","files":[{"path":"a"}]}"#));
        for other in [r#"{"text":"files"}"#, r#"{"text":"","files":[]}"#, r#"{"files":null}"#, "[]", "{}"] {
            assert!(!are(other), "{other}");
        }
    }
}
