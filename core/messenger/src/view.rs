//! A message as it is shown: its row, and what people did with it.

use std::collections::HashMap;

use sotto_crypto::account_id;
use sotto_db::{Annotation, Attachment, Chat, Hash, NEVER, PAGE_TEXT, PREVIEW, Reader};
use sotto_wire::content::{
    Content, File as Named, Kind, Mention as Called, Poll as Question, Post, Reply as To, has_link,
};
use sotto_wire::file::FilePointer;

use crate::engine::file::{down, picture, up, waveform};
use crate::engine::talk::kind::{poll, post, reaction};
use crate::engine::{groups, posts, stored};
use crate::error::{Code, Error};
use crate::records::{
    Author, ContactId, ConversationId, Delivery, File, FileId, FileState, LinkPreview, Mention, Message, MessageId,
    MessageState, Poll, PollChoice, Reaction, ReactionBy, Reply, Transfer, Version,
};
use crate::{cursor, cut, disk};

/// Pinned messages that are shown.
const PINS: usize = 5;

/// Who set which emoji at a message, in the order in which they came.
pub fn reactions(reader: &Reader, id: &Hash) -> Result<Vec<ReactionBy>, Error> {
    one(reader, id)?;
    let own = stored::own(reader)?.ok_or(Code::AccountMissing)?;
    let by = |set: &Annotation| {
        let name = if set.author == own.chat { own.name.clone() } else { name(reader, &set.author)? };
        let (emoji, contact) = (emoji(set), ContactId(account_id(&set.author)));
        Ok(ReactionBy { emoji, contact, name, time_ms: set.time_s.saturating_mul(1000) })
    };
    set(&reader.annotations(id)?).into_iter().map(by).collect()
}

/// The versions of a message's text, the first one first.
pub fn history(reader: &Reader, id: &Hash) -> Result<Vec<Version>, Error> {
    let row = one(reader, id)?;
    let version = |text, time_s: i64| Version { text, time_ms: time_s.saturating_mul(1000) };
    let mut versions: Vec<Version> = first_text(&row).map(|text| version(text, row.time_s)).into_iter().collect();
    for edit in reader.annotations(id)?.iter().filter(|one| one.kind == Kind::Edit.code()) {
        if let Ok(Content::Edit(body)) = Content::decode(Kind::Edit, &edit.value) {
            versions.push(version(body.text, edit.time_s));
        }
    }
    Ok(versions)
}

/// The pinned messages of a conversation, the one pinned last first.
pub fn pins(reader: &Reader, conversation: &Hash) -> Result<Vec<Message>, Error> {
    let own = stored::own_chat(reader)?;
    let targets = reader.pins(conversation, Kind::Pin.code())?.into_iter();
    // One at a time, because each may have a long text.
    let rows = targets.filter_map(|target| reader.tables().messages.get(&target).transpose());
    let shown = rows.filter(|row| row.as_ref().map_or(true, |row| !row.is_gone()));
    shown.take(PINS).map(|row| in_page(reader, &own, &Near::default(), row?)).collect()
}

/// The message with this id; `message.missing` if it is unknown or deleted here.
pub fn one(reader: &Reader, id: &Hash) -> Result<sotto_db::Message, Error> {
    let row = reader.tables().messages.get(id)?.filter(|row| row.state != sotto_db::MessageState::Deleted);
    row.ok_or(Code::MessageMissing.into())
}

/// How far an own message came with each reader.
pub fn deliveries(reader: &Reader, id: &Hash) -> Result<Vec<Delivery>, Error> {
    let row = one(reader, id)?;
    if !row.is_own() {
        return Err(Code::MessageNotYours.into());
    }
    let place = reader.tables().conversations.get(&row.conversation)?.ok_or(Code::StorageCorrupt)?;
    let Some(chat) = place.peer else {
        return groups::deliveries(reader, &place.id, &row);
    };
    let (delivered, read) =
        (sotto_db::MessageState::Delivered..=sotto_db::MessageState::Read, sotto_db::MessageState::Read);
    let (contact, name) = (ContactId(account_id(&chat)), name(reader, &chat)?);
    Ok(vec![Delivery { contact, name, delivered: delivered.contains(&row.state), read: row.state == read }])
}

/// A message as pages carry it.
fn in_page(reader: &Reader, own: &Chat, near: &Near, row: sotto_db::Message) -> Result<Message, Error> {
    let mut message = whole(reader, own, near, row)?;
    message.more = message.text.as_mut().is_some_and(|text| cut::to_bytes(text, PAGE_TEXT));
    let shown = message.text.as_deref().map_or(0, str::len);
    let ends = |one: &Mention| usize::try_from(one.offset.saturating_add(one.length)).unwrap_or(usize::MAX);
    message.mentions.retain(|one| ends(one) <= shown);
    Ok(message)
}

/// A message with its whole text and all that people did with it.
pub fn message(reader: &Reader, own: &Chat, row: sotto_db::Message) -> Result<Message, Error> {
    whole(reader, own, &Near::default(), row)
}

fn whole(reader: &Reader, own: &Chat, near: &Near, row: sotto_db::Message) -> Result<Message, Error> {
    let (id, conversation) = (row.id, row.conversation);
    let marks = reader.annotations(&id)?;
    let post = post::of(&row);
    let edited = match row.edited {
        true => marks.iter().rfind(|one| one.kind == Kind::Edit.code()).and_then(|edit| mentions_of(&edit.value)),
        false => None,
    };
    let mentions = edited.or_else(|| post.as_ref().map(|post| post.mentions.clone())).unwrap_or_default();
    let pin = marks.iter().rfind(|one| one.kind == Kind::Pin.code());
    let poll = (row.kind == Kind::Poll.code()).then(|| poll::of(&row)).flatten();
    let author = near.author(reader, &conversation, row.author.as_ref())?;
    let mut message = bare(row);
    message.author = author;
    message.reactions = counted(own, &marks);
    message.pinned = pin.is_some_and(|pin| pin.value == [1]);
    message.poll = poll.map(|poll| votes(own, poll, &marks));
    message.mentions = mentions.into_iter().map(|one| mention(reader, one)).collect::<Result<_, _>>()?;
    if let Some(Post { reply, preview, files, forwarded, silent, .. }) = post {
        message.reply = reply.map(|to| reply_to(reader, near, &conversation, to)).transpose()?;
        message.files = files_of(reader, near, &id, &files)?;
        let shown = message.text.as_deref().unwrap_or_default();
        let preview = preview.filter(|one| !message.edited || has_link(shown, &one.url));
        message.preview = preview.map(|one| LinkPreview { url: one.url, title: one.title, text: one.text });
        (message.forwarded, message.silent) = (forwarded, silent);
    }
    Ok(message)
}

fn files_of(reader: &Reader, near: &Near, message: &Hash, named: &[Named]) -> Result<Vec<File>, Error> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let attached = match &near.files {
        Some(files) => files.get(message).cloned().unwrap_or_default(),
        None => reader.tables().attachments.of(message)?,
    };
    attached.iter().filter_map(|one| file(reader, one, named).transpose()).collect()
}

/// A file of a message. `named`: the files of its post.
fn file(reader: &Reader, one: &Attachment, named: &[Named]) -> Result<Option<File>, Error> {
    let named = usize::try_from(one.i).ok().and_then(|i| named.get(i));
    let row = reader.tables().files.get(&one.file)?;
    let Some((named, row)) = named.zip(row) else {
        return Ok(None);
    };
    let Transfer { file: id, state, have, total, reason } = progress(&row)?;
    Ok(Some(File {
        id,
        message: MessageId::from_bytes(&one.message),
        conversation: ConversationId::from_bytes(&one.conversation),
        kind: named.kind.into(),
        name: named.name.clone(),
        mime: named.mime.clone(),
        width: named.width,
        height: named.height,
        duration_ms: named.duration_ms,
        waveform: waveform::unpack(&named.waveform),
        placeholder: named.placeholder.clone(),
        colour: disk::colour(&named.placeholder),
        preview: row.preview.unwrap_or_default(),
        state,
        reason,
        have,
        total,
        next_ms: Some(row.due_ms).filter(|_| state == FileState::Coming && row.due_ms < NEVER),
        available_until_ms: row.until_s.saturating_mul(1000),
        cursor: cursor::of_file((one.lamport, one.time_s, one.message, one.i)),
    }))
}

/// How far the transfer of a file is.
pub(crate) fn progress(row: &sotto_db::File) -> Result<Transfer, Error> {
    let pointer = FilePointer::decode(&row.pointer).map_err(|_| Code::StorageCorrupt)?;
    let have = match row.state {
        sotto_db::FileState::Here => pointer.size(),
        sotto_db::FileState::Going => up::bytes_sent(row, &pointer),
        _ => down::bytes_here(row, &pointer),
    };
    Ok(Transfer {
        file: FileId::from_bytes(&row.id),
        state: row.state.into(),
        have,
        total: pointer.size(),
        reason: row.reason.as_deref().and_then(Code::of),
    })
}

/// One file; `file.missing` if no message has it.
pub fn one_file(reader: &Reader, id: &[u8; 16]) -> Result<File, Error> {
    let one = reader.tables().attachments.of_file(id)?.pop().ok_or(Code::FileMissing)?;
    attached(reader, &one)?.ok_or(Code::FileMissing.into())
}

fn attached(reader: &Reader, one: &Attachment) -> Result<Option<File>, Error> {
    let row = reader.tables().messages.get(&one.message)?;
    let named = row.as_ref().and_then(post::of).map(|post| post.files).unwrap_or_default();
    file(reader, one, &named)
}

/// A page of files.
pub fn files(reader: &Reader, page: &[Attachment]) -> Result<Vec<File>, Error> {
    page.iter().filter_map(|one| attached(reader, one).transpose()).collect()
}

/// A message without what people did with it.
pub(crate) fn bare(row: sotto_db::Message) -> Message {
    let mine = row.is_own();
    Message {
        id: MessageId::from_bytes(&row.id),
        conversation: ConversationId::from_bytes(&row.conversation),
        mine,
        author: None,
        text: row.text,
        more: false,
        newer: row.newer,
        unconfirmed: row.unconfirmed,
        fetching: row.fetching,
        state: match !mine && row.read {
            true => MessageState::Read,
            false => row.state.into(),
        },
        reason: row.reason.as_deref().and_then(Code::of),
        time_ms: row.time_s.saturating_mul(1000),
        reply: None,
        mentions: Vec::new(),
        files: Vec::new(),
        preview: None,
        poll: None,
        reactions: Vec::new(),
        edited: row.edited,
        deleted_by: row.deleted_by.map(|chat| ContactId(account_id(&chat))),
        pinned: false,
        forwarded: false,
        silent: false,
        timer_s: row.expire_s,
        expires_ms: row.expires_ms.filter(|_| row.expire_s > 0),
        cursor: cursor::of_message((row.lamport, row.time_s, row.id)),
    }
}

/// The text as it was first written.
fn first_text(row: &sotto_db::Message) -> Option<String> {
    if !row.edited {
        return row.text.clone();
    }
    if let Some(post) = post::of(row) {
        return Some(post.text);
    }
    let m = sotto_wire::content::Message::decode(&row.m).ok()?;
    match m.content().ok()? {
        Content::Text(text) => Some(text),
        _ => String::from_utf8(row.body.clone()?).ok(),
    }
}

fn mentions_of(edit: &[u8]) -> Option<Vec<Called>> {
    match Content::decode(Kind::Edit, edit).ok()? {
        Content::Edit(edit) => Some(edit.mentions),
        _ => None,
    }
}

/// The name to show for a person: the nickname, or the person's own name.
pub(crate) fn shown_name(person: &sotto_db::Person) -> String {
    person.nickname.as_ref().unwrap_or(&person.name).clone()
}

/// The picture of an account, once it is here.
pub fn picture(reader: &Reader, chat: &Chat) -> Result<Option<FileId>, Error> {
    Ok(picture::of(reader, chat)?.map(|id| FileId::from_bytes(&id)))
}

/// The name that this device shows for an account; empty for a stranger.
fn name(reader: &Reader, chat: &Chat) -> Result<String, Error> {
    Ok(reader.tables().persons.get(chat)?.map(|person| shown_name(&person)).unwrap_or_default())
}

fn mention(reader: &Reader, one: Called) -> Result<Mention, Error> {
    let contact = (one.chat != posts::EVERYBODY).then(|| ContactId(account_id(&one.chat)));
    let place = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Mention { offset: place(one.offset), length: place(one.length), contact, name: name(reader, &one.chat)? })
}

/// Who wrote a message of a group. Between two it follows from `mine`.
pub(crate) fn author_of(reader: &Reader, conversation: &Hash, author: Option<&Chat>) -> Result<Option<Author>, Error> {
    let Some(chat) = author else {
        return Ok(None);
    };
    let place = reader.tables().conversations.get(conversation)?;
    match place.is_some_and(|place| place.kind == sotto_db::Kind::Group) {
        true => Ok(Some(Author { contact: ContactId(account_id(chat)), name: name(reader, chat)? })),
        false => Ok(None),
    }
}

/// What is known of the messages of a page from reading it, and not looked up again for each.
#[derive(Default)]
struct Near {
    /// What replies show of these messages: most replies are to one of them.
    quoted: HashMap<Hash, Quoted>,
    /// Their files; `None` if these were not read.
    files: Option<HashMap<Hash, Vec<Attachment>>>,
    /// Their authors.
    authors: HashMap<Chat, Option<Author>>,
}

impl Near {
    fn of(reader: &Reader, page: &[sotto_db::Message]) -> Result<Self, Error> {
        let quoted = page.iter().map(|row| (row.id, Quoted::new(row))).collect();
        let places = || page.iter().map(|row| (row.lamport, row.time_s, row.id));
        let mut files: HashMap<Hash, Vec<Attachment>> = HashMap::new();
        if let (Some(first), Some(from), Some(to)) = (page.first(), places().min(), places().max()) {
            for one in reader.attachments(&first.conversation, from, to)? {
                files.entry(one.message).or_default().push(one);
            }
        }
        let mut authors = HashMap::new();
        for row in page {
            if let Some(chat) = row.author.filter(|chat| !authors.contains_key(chat)) {
                authors.insert(chat, author_of(reader, &row.conversation, Some(&chat))?);
            }
        }
        Ok(Self { quoted, files: Some(files), authors })
    }

    fn author(&self, reader: &Reader, conversation: &Hash, chat: Option<&Chat>) -> Result<Option<Author>, Error> {
        match chat.and_then(|chat| self.authors.get(chat)) {
            Some(known) => Ok(known.clone()),
            None => author_of(reader, conversation, chat),
        }
    }
}

#[derive(Clone)]
struct Quoted {
    conversation: Hash,
    author: Option<Chat>,
    gone: bool,
    text: Option<String>,
}

impl Quoted {
    fn new(row: &sotto_db::Message) -> Self {
        let mut text = row.text.clone();
        text.as_mut().map(|text| cut::to_chars(text, PREVIEW));
        Self { conversation: row.conversation, author: row.author, gone: row.is_gone(), text }
    }
}

/// What a reply shows of its message. A message of another conversation is not shown here.
fn reply_to(reader: &Reader, near: &Near, conversation: &Hash, to: To) -> Result<Reply, Error> {
    let target = match near.quoted.get(&to.id) {
        Some(near) => Some(near.clone()),
        None => reader.tables().messages.get(&to.id)?.as_ref().map(Quoted::new),
    };
    let target = target.filter(|target| target.conversation == *conversation);
    let (gone, mine) = (target.as_ref().is_some_and(|one| one.gone), target.as_ref().map(|one| one.author.is_none()));
    let author = near.author(reader, conversation, target.as_ref().and_then(|one| one.author.as_ref()))?;
    let mut text = if gone { String::new() } else { target.and_then(|one| one.text).unwrap_or(to.excerpt) };
    cut::to_chars(&mut text, PREVIEW);
    Ok(Reply { message: MessageId::from_bytes(&to.id), text, mine, author, gone })
}

fn emoji(set: &Annotation) -> String {
    String::from_utf8_lossy(&set.key).into_owned()
}

/// The emoji that count: of each author the latest six.
fn set(marks: &[Annotation]) -> Vec<&Annotation> {
    let on = |one: &&Annotation| one.kind == Kind::Reaction.code() && one.value == [1];
    let on: Vec<&Annotation> = marks.iter().filter(on).collect();
    let later =
        |one: &Annotation| on.iter().filter(|other| other.author == one.author && other.place() > one.place()).count();
    on.iter().filter(|one| later(one) < reaction::SHOWN).copied().collect()
}

fn counted(own: &Chat, marks: &[Annotation]) -> Vec<Reaction> {
    let mut counted: Vec<Reaction> = Vec::new();
    for one in set(marks) {
        let (emoji, mine) = (emoji(one), one.author == *own);
        match counted.iter_mut().find(|known| known.emoji == emoji) {
            Some(known) => {
                known.count = known.count.saturating_add(1);
                known.mine |= mine;
            }
            None => counted.push(Reaction { emoji, count: 1, mine }),
        }
    }
    counted
}

fn votes(own: &Chat, poll: Question, marks: &[Annotation]) -> Poll {
    let votes: Vec<&Annotation> = marks.iter().filter(|one| one.kind == Kind::Vote.code()).collect();
    let choice = |(place, text): (u8, String)| {
        let of: Vec<&Chat> = votes.iter().filter(|vote| vote.value.contains(&place)).map(|vote| &vote.author).collect();
        let (mine, voters) = (of.contains(&own), of.iter().map(|chat| ContactId(account_id(chat))).collect());
        PollChoice { text, voters, mine }
    };
    let end_ms = i64::try_from(poll.end_s).ok().filter(|end_s| *end_s > 0).map(|end_s| end_s.saturating_mul(1000));
    Poll { choices: (0..).zip(poll.choices).map(choice).collect(), multiple: poll.multiple, end_ms }
}

/// A page of messages.
pub fn page(reader: &Reader, page: Vec<sotto_db::Message>) -> Result<Vec<Message>, Error> {
    let own = stored::own_chat(reader)?;
    let near = Near::of(reader, &page)?;
    page.into_iter().map(|row| in_page(reader, &own, &near, row)).collect()
}
