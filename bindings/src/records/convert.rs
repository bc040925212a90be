//! Conversion between the messenger's records and the facade's. Records are destructured by name, so a new field of the
//! messenger's without a counterpart does not compile.

use log::LevelFilter;
use sotto_messenger::engine::input;
use sotto_messenger::{Code, Network, records as inner};

use super::{
    Account, Connectivity, Contact, ContactAction, ContactState, Conversation, Diagnostics, FileKind, FileState,
    Folder, Incoming, Invite, InvitePreview, LastMessage, LogLevel, Message, MessageState, NetworkState, PhraseCheck,
    RingSegment, SafetyNumber, Settings, SettingsPatch, Unread, WrongWord,
};
use crate::error::SottoError;

/// Converts a list of the messenger's records.
pub(crate) fn records<I, O: From<I>>(list: Vec<I>) -> Vec<O> {
    list.into_iter().map(O::from).collect()
}

/// Integers of the facade are signed; no value here comes near their limit.
pub(crate) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Converts unit variants of the same names. The messenger's enums may grow: a test fails if a name is missing here, so
/// the last arm is never reached.
macro_rules! same_names {
    ($inner:ty => $outer:ident: $first:ident $(, $name:ident)*) => {
        impl From<$inner> for $outer {
            fn from(value: $inner) -> Self {
                match value {
                    $(<$inner>::$name => Self::$name,)*
                    _ => Self::$first,
                }
            }
        }
    };
}
pub(super) use same_names;

same_names!(inner::MessageState => MessageState: Queued, Sent, Stored, Delivered, Read, Failed, Received);
same_names!(inner::ContactState => ContactState: Requested, Incoming, Accepted, Declined, Blocked);
same_names!(inner::FileKind => FileKind: File, Image, Voice, Video, Sticker, Gif);
same_names!(inner::FileState => FileState: Remote, Coming, Here, Going, Gone, Corrupt);

impl From<ContactAction> for input::ContactAction {
    fn from(action: ContactAction) -> Self {
        match action {
            ContactAction::Accept => Self::Accept,
            ContactAction::Decline => Self::Decline,
            ContactAction::Block => Self::Block,
            ContactAction::Unblock => Self::Unblock,
        }
    }
}

impl From<(u8, u8)> for RingSegment {
    fn from((length, color): (u8, u8)) -> Self {
        Self { length: length.into(), color: color.into() }
    }
}

impl From<inner::AccountInfo> for Account {
    fn from(value: inner::AccountInfo) -> Self {
        let inner::AccountInfo { id, name, emoji_hash, color_ring, picture } = value;
        Self { id: id.into(), name, emoji_hash, color_ring: records(color_ring), picture: picture.map(Into::into) }
    }
}

impl From<inner::PhraseCheck> for PhraseCheck {
    fn from(value: inner::PhraseCheck) -> Self {
        let inner::PhraseCheck { code, wrong } = value;
        Self { code: code.map(Into::into), wrong: records(wrong) }
    }
}

impl From<inner::WrongWord> for WrongWord {
    fn from(value: inner::WrongWord) -> Self {
        let inner::WrongWord { index, nearest } = value;
        Self { index: int(index), nearest }
    }
}

impl From<inner::Contact> for Contact {
    fn from(value: inner::Contact) -> Self {
        let inner::Contact {
            id,
            conversation,
            name,
            own_name,
            emoji_hash,
            color_ring,
            state,
            request_text,
            verified,
            devices_changed,
            waiting,
            picture,
        } = value;
        Self {
            id: id.into(),
            conversation: conversation.into(),
            name,
            own_name,
            emoji_hash,
            color_ring: records(color_ring),
            state: state.into(),
            request_text,
            verified,
            devices_changed,
            waiting: waiting.map(Into::into),
            picture: picture.map(Into::into),
        }
    }
}

impl From<inner::Invite> for Invite {
    fn from(value: inner::Invite) -> Self {
        let inner::Invite { id, link, expires_ms } = value;
        Self { id: id.into(), link, expires_ms }
    }
}

impl From<inner::Incoming> for Incoming {
    fn from(value: inner::Incoming) -> Self {
        let inner::Incoming { arrival, message } = value;
        Self { arrival, message: message.into() }
    }
}

impl From<inner::InvitePreview> for InvitePreview {
    fn from(value: inner::InvitePreview) -> Self {
        let inner::InvitePreview { id, name, emoji_hash, color_ring, expires_ms } = value;
        Self { id: id.into(), name, emoji_hash, color_ring: records(color_ring), expires_ms }
    }
}

impl From<inner::Conversation> for Conversation {
    fn from(value: inner::Conversation) -> Self {
        let inner::Conversation {
            id,
            contact,
            name,
            own_name,
            picture,
            state,
            group,
            unread,
            marked_unread,
            pinned,
            archived,
            muted,
            muted_until_ms,
            draft,
            draft_reply_to,
            timer_s,
            last,
            last_ms,
            cursor,
        } = value;
        Self {
            id: id.into(),
            contact: contact.map(Into::into),
            name,
            own_name,
            picture: picture.map(Into::into),
            state: state.map(Into::into),
            group: group.map(Into::into),
            unread: int(unread),
            marked_unread,
            pinned,
            archived,
            muted,
            muted_until_ms,
            draft,
            draft_reply_to: draft_reply_to.map(Into::into),
            timer_s: int(timer_s),
            last: last.map(Into::into),
            last_ms,
            cursor,
        }
    }
}

impl From<inner::LastMessage> for LastMessage {
    fn from(value: inner::LastMessage) -> Self {
        let inner::LastMessage { id, mine, author, text, newer, fetching, deleted, state } = value;
        let (author, state) = (author.map(Into::into), state.into());
        Self { id: id.into(), mine, author, text, newer, fetching, deleted, state }
    }
}

impl From<inner::Unread> for Unread {
    fn from(value: inner::Unread) -> Self {
        let inner::Unread { messages, conversations, requests } = value;
        Self { messages: int(messages), conversations: int(conversations), requests: int(requests) }
    }
}

impl From<Folder> for inner::Folder {
    fn from(folder: Folder) -> Self {
        match folder {
            Folder::Inbox => Self::Inbox,
            Folder::Archived => Self::Archived,
            Folder::Requests => Self::Requests,
            Folder::Closed => Self::Closed,
        }
    }
}

impl From<inner::Message> for Message {
    fn from(value: inner::Message) -> Self {
        let inner::Message {
            id,
            conversation,
            mine,
            author,
            text,
            more,
            newer,
            unconfirmed,
            fetching,
            state,
            reason,
            time_ms,
            reply,
            mentions,
            files,
            preview,
            poll,
            reactions,
            edited,
            deleted_by,
            pinned,
            forwarded,
            silent,
            timer_s,
            expires_ms,
            cursor,
        } = value;
        Self {
            id: id.into(),
            conversation: conversation.into(),
            mine,
            author: author.map(Into::into),
            text,
            more,
            newer,
            unconfirmed,
            fetching,
            state: state.into(),
            reason: reason.map(Into::into),
            time_ms,
            reply: reply.map(Into::into),
            mentions: records(mentions),
            files: records(files),
            preview: preview.map(Into::into),
            poll: poll.map(Into::into),
            reactions: records(reactions),
            edited,
            deleted_by: deleted_by.map(Into::into),
            pinned,
            forwarded,
            silent,
            timer_s: int(timer_s),
            expires_ms,
            cursor,
        }
    }
}

impl From<inner::Connectivity> for Connectivity {
    fn from(value: inner::Connectivity) -> Self {
        let inner::Connectivity { publish_nodes, receive_nodes, store, subscribed, relay_peers } = value;
        Self {
            publish_nodes: int(publish_nodes),
            receive_nodes: int(receive_nodes),
            store,
            subscribed,
            relay_peers: int(relay_peers),
        }
    }
}

impl From<NetworkState> for Network {
    fn from(value: NetworkState) -> Self {
        let NetworkState { dns_servers, metered, roaming } = value;
        Self { dns_servers, metered, roaming }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::Off,
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

impl From<LevelFilter> for LogLevel {
    fn from(level: LevelFilter) -> Self {
        match level {
            LevelFilter::Off => Self::Off,
            LevelFilter::Error => Self::Error,
            LevelFilter::Warn => Self::Warn,
            LevelFilter::Info => Self::Info,
            LevelFilter::Debug => Self::Debug,
            LevelFilter::Trace => Self::Trace,
        }
    }
}

impl From<inner::Settings> for Settings {
    fn from(value: inner::Settings) -> Self {
        let inner::Settings { read_receipts, typing, receipt_delay_ms, search, log } = value;
        Self { read_receipts, typing, receipt_delay_ms: int(receipt_delay_ms), search, log: log.into() }
    }
}

impl TryFrom<SettingsPatch> for inner::SettingsPatch {
    type Error = SottoError;

    fn try_from(value: SettingsPatch) -> Result<Self, SottoError> {
        let SettingsPatch { read_receipts, typing, receipt_delay_ms, search, log } = value;
        let receipt_delay_ms = receipt_delay_ms.map(u32::try_from);
        Ok(Self {
            read_receipts,
            typing,
            receipt_delay_ms: receipt_delay_ms.transpose().map_err(|_| Code::BadSetting)?,
            search,
            log: log.map(Into::into),
        })
    }
}

impl From<inner::SafetyNumber> for SafetyNumber {
    fn from(value: inner::SafetyNumber) -> Self {
        let inner::SafetyNumber { digits, qr, devices } = value;
        Self { digits, qr, devices: devices.into() }
    }
}

impl From<inner::Diagnostics> for Diagnostics {
    fn from(value: inner::Diagnostics) -> Self {
        let inner::Diagnostics {
            version,
            cluster,
            uptime_ms,
            node_reached,
            bytes_read,
            bytes_written,
            database_bytes,
            contacts,
            messages,
            sessions,
            skipped_keys,
            outbox,
            unsent,
            waiting,
            fetches,
            bucket_bytes_day,
            bucket_people,
            bucket_left,
        } = value;
        Self {
            version,
            cluster: cluster.into(),
            uptime_ms,
            node_reached,
            bytes_read: long(bytes_read),
            bytes_written: long(bytes_written),
            database_bytes: long(database_bytes),
            contacts: long(contacts),
            messages: long(messages),
            sessions: long(sessions),
            skipped_keys: long(skipped_keys),
            outbox: long(outbox),
            unsent: long(unsent),
            waiting: long(waiting),
            fetches: long(fetches),
            bucket_bytes_day: long(bucket_bytes_day),
            bucket_people: long(bucket_people),
            bucket_left,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::records::{GroupRole, GroupState};

    /// All variants of an enum, read from serde's message about an unknown one.
    fn variants<T: DeserializeOwned + Debug>() -> Vec<T> {
        let complaint = serde_json::from_str::<T>("\"nothing\"").unwrap_err();
        let complaint = complaint.to_string();
        let (_, list) = complaint.split_once("expected one of ").unwrap();
        let names = list.split('`').skip(1).step_by(2);
        names.map(|name| serde_json::from_str(&format!("\"{name}\"")).unwrap()).collect()
    }

    #[test]
    fn every_state_has_its_name() {
        let messages = variants::<inner::MessageState>();
        assert!(messages.len() >= 7);
        for state in messages {
            let outer = MessageState::from(state);
            assert_eq!(format!("{outer:?}"), format!("{state:?}"));
        }
        let contacts = variants::<inner::ContactState>();
        assert!(contacts.len() >= 5);
        for state in contacts {
            let outer = ContactState::from(state);
            assert_eq!(format!("{outer:?}"), format!("{state:?}"));
        }
        let groups = variants::<inner::GroupState>();
        assert!(groups.len() >= 8);
        for state in groups {
            let outer = GroupState::from(state);
            assert_eq!(format!("{outer:?}"), format!("{state:?}"));
        }
        let roles = variants::<inner::GroupRole>();
        assert!(roles.len() >= 3);
        for role in roles {
            let outer = GroupRole::from(role);
            assert_eq!(format!("{outer:?}"), format!("{role:?}"));
            assert_eq!(inner::GroupRole::from(outer), role);
        }
        let files = variants::<inner::FileState>();
        assert!(files.len() >= 6);
        for state in files {
            let outer = FileState::from(state);
            assert_eq!(format!("{outer:?}"), format!("{state:?}"));
        }
        let kinds = variants::<inner::FileKind>();
        assert!(kinds.len() >= 6);
        for kind in kinds {
            let outer = FileKind::from(kind);
            assert_eq!(format!("{outer:?}"), format!("{kind:?}"));
            assert_eq!(inner::FileKind::from(outer), kind);
        }
    }

    #[test]
    fn a_negative_delay_is_no_setting() {
        let patch = SettingsPatch { receipt_delay_ms: Some(-1), ..SettingsPatch::default() };
        assert_eq!(inner::SettingsPatch::try_from(patch).unwrap_err(), SottoError::from(Code::BadSetting));
    }
}
