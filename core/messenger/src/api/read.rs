//! Reads, on the caller's thread, over the read-only connection.

use std::ops::RangeInclusive;

use sotto_crypto::{Phrase, SafetyQr, account_id, color_ring, emoji_hash, parse_account_id, safety_number};
use sotto_db::{NEVER, PREVIEW, Reader, Standing};
use zeroize::Zeroizing;

use super::{Messenger, version};
use crate::engine::{call, groups, stored};
use crate::error::{Code, Error};
use crate::records::{
    AccountInfo, Contact, ContactId, ContactState, Conversation, ConversationId, DevicesId, Diagnostics, FileId,
    Folder, GroupRow, Incoming, Invite, InvitePreview, LastMessage, Message, MessageId, PhraseCheck, SafetyNumber,
    Settings, Unread, WrongWord,
};
use crate::view::{self, one, shown_name};
use crate::{cursor, cut};

/// Longest page, rows.
const PAGE_MAX: u32 = 500;
/// Most words of a phrase that are judged; a phrase has at most 24.
const PHRASE_WORDS: usize = 24;
/// Most words offered for a wrong one.
const NEAREST: usize = 3;

impl Messenger {
    /// The own account, or `None` before it is made. Errors: `storage.*`, `closed`.
    pub fn account(&self) -> Result<Option<AccountInfo>, Error> {
        self.read(|reader| {
            let own = stored::own(reader)?;
            let Some(own) = own else {
                return Ok(None);
            };
            Ok(Some(AccountInfo {
                id: ContactId(account_id(&own.chat)),
                emoji_hash: emoji(&own.chat),
                color_ring: color_ring(&own.chat),
                picture: view::picture(reader, &own.chat)?,
                name: own.name,
            }))
        })
    }

    /// The recovery phrase. Everybody who has it has the account. Errors: `account.missing`.
    pub fn phrase(&self) -> Result<Zeroizing<String>, Error> {
        self.read(|reader| stored::phrase(reader)?.ok_or(Code::AccountMissing.into()))
    }

    /// Judges a phrase while it is typed: which words the list does not have, and whether the phrase can be restored.
    /// Changes nothing and needs no account.
    pub fn phrase_check(text: &str) -> PhraseCheck {
        let code = Phrase::parse(text).err().map(|error| call::phrase_error(error).code());
        let wrong = (1..).zip(text.split_whitespace().take(PHRASE_WORDS)).filter_map(|(index, word)| {
            let nearest = Phrase::nearest(word, NEAREST);
            let known = nearest.first().is_some_and(|first| *first == word.to_lowercase());
            (!known).then(|| WrongWord { index, nearest: nearest.into_iter().map(str::to_owned).collect() })
        });
        PhraseCheck { code, wrong: wrong.collect() }
    }

    /// Reads an invite's link and sends nothing. Errors: `invite.*`.
    pub fn invite_preview(&self, link: &str) -> Result<InvitePreview, Error> {
        stored::preview(link, self.shared.cluster, (self.shared.clock)())
    }

    /// The open invites, oldest first: at most 8. Errors: `account.missing`.
    pub fn invites(&self) -> Result<Vec<Invite>, Error> {
        let shared = &self.shared;
        self.read(|reader| stored::invites(reader, shared.cluster, &shared.invite_nodes, (shared.clock)()))
    }

    /// All contacts and requests, in any state, by name.
    pub fn contacts(&self) -> Result<Vec<Contact>, Error> {
        self.read(|reader| {
            let all = reader.contacts()?.into_iter();
            let mut contacts: Vec<_> =
                all.map(|(person, conversation)| contact(reader, person, &conversation)).collect::<Result<_, _>>()?;
            contacts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            Ok(contacts)
        })
    }

    /// The safety number with a contact, equal on both sides. Errors: `account.missing`, `contact.missing`.
    pub fn safety_number(&self, contact: &ContactId) -> Result<SafetyNumber, Error> {
        let chat = parse_account_id(&contact.0).map_err(|_| Code::BadId)?;
        self.read(|reader| {
            let own = stored::own(reader)?.ok_or(Code::AccountMissing)?;
            reader.tables().persons.get(&chat)?.ok_or(Code::ContactMissing)?;
            let (mine, theirs) = stored::devices(reader, &chat)?;
            Ok(SafetyNumber {
                digits: safety_number(&own.chat, &chat),
                qr: SafetyQr::new(&own.chat, mine, &chat, theirs).encode().to_vec(),
                devices: DevicesId::from_bytes(&theirs),
            })
        })
    }

    /// One contact. Errors: `contact.missing`, `input.id`.
    pub fn contact(&self, id: &ContactId) -> Result<Contact, Error> {
        let chat = parse_account_id(&id.0).map_err(|_| Code::BadId)?;
        self.read(|reader| {
            let tables = reader.tables();
            let found = tables.persons.get(&chat)?.zip(tables.conversations.with(&chat)?);
            let (person, conversation) = found.ok_or(Code::ContactMissing)?;
            contact(reader, person, &conversation.id)
        })
    }

    /// A page of a folder's conversations: pinned ones first, then by newest activity. `before` is the `cursor` of the
    /// last conversation of the previous page. Drafts are cut to 200 characters. `limit` is 1 to 500. Errors:
    /// `input.id`, `input.limit`.
    pub fn conversations(&self, folder: Folder, before: Option<&str>, limit: u32) -> Result<Vec<Conversation>, Error> {
        let (before, limit) = (before.map(cursor::conversation).transpose()?, rows(limit)?);
        let now_ms = (self.shared.clock)();
        self.read(|reader| {
            let rows = reader.conversations_page(of_folder(folder), before, limit)?.into_iter();
            let cut = |mut row: sotto_db::Conversation| {
                cut::to_chars(&mut row.draft, PREVIEW);
                conversation(reader, row, now_ms)
            };
            rows.map(cut).collect()
        })
    }

    /// One conversation with its whole draft. Errors: `conversation.missing`, `input.id`.
    pub fn conversation(&self, id: &ConversationId) -> Result<Conversation, Error> {
        let id = id.to_bytes()?;
        self.read(|reader| {
            let row = reader.tables().conversations.get(&id)?.ok_or(Code::ConversationMissing)?;
            conversation(reader, row, (self.shared.clock)())
        })
    }

    /// Counts of unread messages, conversations and requests. Muted and archived conversations do not count.
    pub fn unread(&self) -> Result<Unread, Error> {
        let now_ms = (self.shared.clock)();
        self.read(|reader| {
            let [_, conversations, messages] = reader.unread(of_folder(Folder::Inbox), now_ms)?;
            let [requests, ..] = reader.unread(of_folder(Folder::Requests), now_ms)?;
            Ok(Unread { messages, conversations, requests })
        })
    }

    /// A page of messages, newest first, with texts of up to 4,096 bytes ([`Message::more`]); of a post over 64 KiB it
    /// has nothing else. `before` is the `cursor` of the last message of the previous page. `limit` is 1 to 500.
    /// Errors: `input.id`, `input.limit`, `conversation.missing`.
    pub fn messages(
        &self,
        conversation: &ConversationId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        let id = conversation.to_bytes()?;
        let (before, limit) = (before.map(cursor::message).transpose()?, rows(limit)?);
        self.read(|reader| {
            let rows = reader.messages_page(&id, before, limit)?;
            if rows.is_empty() && reader.tables().conversations.get(&id)?.is_none() {
                return Err(Code::ConversationMissing.into());
            }
            view::page(reader, rows)
        })
    }

    /// A page around one message, newest first. At most half of it is newer; older messages fill the rest.
    /// [`Messenger::messages`] continues it. `limit` is 1 to 500. Errors: `input.id`, `input.limit`, `message.missing`.
    pub fn messages_around(&self, id: &MessageId, limit: u32) -> Result<Vec<Message>, Error> {
        let (id, limit) = (id.to_bytes()?, rows(limit)?);
        self.read(|reader| {
            let middle = one(reader, &id)?;
            let key = (middle.lamport, middle.time_s, id);
            let mut page = reader.messages_after(&middle.conversation, key, limit / 2)?;
            page.reverse();
            let newer = u32::try_from(page.len()).unwrap_or(u32::MAX);
            let older = reader.messages_page(&middle.conversation, Some(key), limit.saturating_sub(newer + 1))?;
            page.push(middle);
            page.extend(older);
            view::page(reader, page)
        })
    }

    /// One message with its whole text. Errors: `message.missing`, `input.id`.
    pub fn message(&self, id: &MessageId) -> Result<Message, Error> {
        let id = id.to_bytes()?;
        self.read(|reader| view::message(reader, &stored::own_chat(reader)?, one(reader, &id)?))
    }

    /// Whole messages of accepted contacts in the order of arrival, after the number `after` (0: from the first). A
    /// long text gets its number when it is whole. Messages that a contact wrote before it was accepted get numbers
    /// then. So passing the highest handled number skips no message and repeats none, even after restarts. `limit` is 1
    /// to 500. Errors: `input.limit`.
    pub fn incoming(&self, after: i64, limit: u32) -> Result<Vec<Incoming>, Error> {
        let limit = rows(limit)?;
        self.read(|reader| {
            let own = stored::own_chat(reader)?;
            let incoming = |(arrival, row)| Ok(Incoming { arrival, message: view::message(reader, &own, row)? });
            reader.arrivals_page(after, limit)?.into_iter().map(incoming).collect()
        })
    }

    /// All settings.
    pub fn settings(&self) -> Result<Settings, Error> {
        let receipts = self.shared.receipts;
        self.read(|reader| stored::settings(reader, receipts))
    }

    /// Numbers for a bug report, without names, texts, addresses or ids.
    pub fn diagnostics(&self) -> Result<Diagnostics, Error> {
        let shared = &self.shared;
        let (bucket, node_reached) = {
            let now = shared.status.now();
            (now.bucket, now.reached)
        };
        let counts = self.read(|reader| Ok(reader.counts()?))?;
        let file = std::fs::metadata(&shared.database).map_err(|_| Code::StorageIo)?;
        Ok(Diagnostics {
            version: version().to_owned(),
            cluster: shared.cluster,
            uptime_ms: (shared.clock)().saturating_sub(shared.opened_ms),
            node_reached,
            bytes_read: shared.traffic.read_bytes(),
            bytes_written: shared.traffic.written_bytes(),
            database_bytes: file.len(),
            contacts: counts.contacts,
            messages: counts.messages,
            sessions: counts.sessions,
            skipped_keys: counts.skipped,
            outbox: counts.parcels,
            unsent: counts.unsent,
            waiting: counts.waiting,
            fetches: counts.fetches,
            bucket_bytes_day: bucket.bytes_day,
            bucket_people: bucket.people,
            bucket_left: bucket.left,
        })
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&Reader) -> Result<T, Error>) -> Result<T, Error> {
        work(self.reader().as_ref().ok_or(Code::Closed)?)
    }
}

/// The number of rows, or `input.limit`.
pub(super) fn rows(limit: u32) -> Result<u32, Error> {
    match limit {
        1..=PAGE_MAX => Ok(limit),
        _ => Err(Code::BadLimit.into()),
    }
}

fn emoji(chat: &[u8; 33]) -> Vec<String> {
    emoji_hash(chat).into_iter().map(str::to_owned).collect()
}

fn contact(reader: &Reader, row: sotto_db::Person, conversation: &[u8; 32]) -> Result<Contact, Error> {
    let state = row.state.into();
    Ok(Contact {
        id: ContactId(account_id(&row.chat)),
        conversation: ConversationId::from_bytes(conversation),
        name: shown_name(&row),
        own_name: row.name,
        emoji_hash: emoji(&row.chat),
        color_ring: color_ring(&row.chat),
        state,
        request_text: row.request_text.filter(|_| state == ContactState::Incoming),
        verified: row.verified,
        devices_changed: row.devices_changed,
        waiting: row.waiting.as_deref().and_then(Code::of),
        picture: view::picture(reader, &row.chat)?,
    })
}

/// The standings and the archive flags of the conversations in a folder.
fn of_folder(folder: Folder) -> (RangeInclusive<Standing>, RangeInclusive<bool>) {
    match folder {
        Folder::Inbox => (Standing::Open..=Standing::Asked, false..=false),
        Folder::Archived => (Standing::Open..=Standing::Asked, true..=true),
        Folder::Requests => (Standing::Pending..=Standing::Pending, false..=true),
        Folder::Closed => (Standing::Closed..=Standing::Blocked, false..=true),
    }
}

/// With whom a conversation is.
struct With {
    contact: Option<ContactId>,
    name: String,
    own_name: String,
    picture: Option<FileId>,
    state: Option<ContactState>,
    group: Option<GroupRow>,
}

fn with(reader: &Reader, row: &sotto_db::Conversation) -> Result<With, Error> {
    let Some(chat) = row.peer else {
        let group = reader.group(&row.id)?.ok_or(Code::StorageCorrupt)?;
        let (name, own_name, group) = (group.name.clone(), group.name.clone(), Some(groups::short(&group)));
        return Ok(With { contact: None, name, own_name, picture: None, state: None, group });
    };
    let person = reader.tables().persons.get(&chat)?.ok_or(Code::StorageCorrupt)?;
    Ok(With {
        contact: Some(ContactId(account_id(&chat))),
        name: shown_name(&person),
        picture: view::picture(reader, &chat)?,
        state: Some(person.state.into()),
        own_name: person.name,
        group: None,
    })
}

fn conversation(reader: &Reader, row: sotto_db::Conversation, now_ms: i64) -> Result<Conversation, Error> {
    let with = with(reader, &row)?;
    let last = match reader.messages_page(&row.id, None, 1)?.pop() {
        Some(last) => Some((view::author_of(reader, &row.id, last.author.as_ref())?, view::bare(last))),
        None => None,
    };
    Ok(Conversation {
        id: ConversationId::from_bytes(&row.id),
        contact: with.contact,
        name: with.name,
        own_name: with.own_name,
        picture: with.picture,
        state: with.state,
        group: with.group,
        unread: row.unread,
        marked_unread: row.marked,
        pinned: row.pinned,
        archived: row.archived,
        muted: row.muted_ms > now_ms,
        muted_until_ms: Some(row.muted_ms).filter(|until_ms| *until_ms > now_ms && *until_ms < NEVER),
        draft: row.draft,
        draft_reply_to: row.draft_reply.as_ref().map(MessageId::from_bytes),
        timer_s: row.timer_s,
        last: last.map(|(author, Message { id, mine, mut text, newer, fetching, deleted_by, state, .. })| {
            text.as_mut().map(|text| cut::to_chars(text, PREVIEW));
            LastMessage { id, mine, author, text, newer, fetching, deleted: deleted_by.is_some(), state }
        }),
        last_ms: row.last_ms,
        cursor: cursor::of_conversation((row.pinned, row.last_ms, row.id)),
    })
}
