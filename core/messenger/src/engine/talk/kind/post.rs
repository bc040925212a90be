//! Post: a text with a reply, mentions, files, a preview or a timer.

use sotto_db::{Hash, Message};
use sotto_wire::content::{self, Content, File, Kind, Mention, Post, Preview, Reply};

use crate::engine::base::own::Own;
use crate::engine::file::keep;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::engine::talk::{Talk, write};
use crate::error::{Code, Error};

/// Most conversations that one message is forwarded to at once.
const FORWARDS: usize = 5;

/// What the person sends.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) reply_to: Option<Hash>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) preview: Option<Preview>,
    pub(crate) files: Vec<File>,
    pub(crate) forwarded: bool,
    pub(crate) silent: bool,
    pub(crate) clears_draft: bool,
}

/// The post that a message is; for a long one, of its body.
pub(crate) fn of(message: &Message) -> Option<Post> {
    let m = content::Message::decode(&message.m).ok()?;
    match m.content().ok()? {
        Content::Post(post) => Some(*post),
        Content::Pointer(remote) if remote.kind == Kind::Post => {
            match Content::decode(Kind::Post, message.body.as_deref()?).ok()? {
                Content::Post(post) => Some(*post),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Shows a post. The files of a contact's confirmed device may be fetched by themselves.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, post: Post) -> Result<(), Error> {
    let Post { text, files, expire_s, .. } = post;
    if !show(step, came, Shown::Post(text, expire_s))? || files.is_empty() {
        return Ok(());
    }
    match step.messages.get(&came.id)?.filter(|message| !message.is_gone()) {
        Some(message) => attach(step, &message, &files, came.open && came.proved),
        None => Ok(()),
    }
}

/// Gives a message its files; search finds it by their names. Those of a contact may be fetched by themselves.
pub(crate) fn attach(step: &mut Talk<'_>, message: &Message, files: &[File], trusted: bool) -> Result<(), Error> {
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).filter(|name| !name.is_empty()).collect();
    if !names.is_empty() {
        step.messages.edit(&message.id, |row| row.names = names.join("\n"))?;
    }
    keep::attach(step, message, files, trusted)
}

/// Sends a text, as a post if anything belongs to it.
pub(crate) fn send(step: &mut Talk<'_>, conversation: &Hash, draft: Draft) -> Result<Hash, Error> {
    let own: &Own = step.own()?;
    own.in_force()?;
    let (mut row, route) = write::writable(step, conversation)?;
    if sotto_wire::name::is_blank(&draft.text) && draft.files.is_empty() {
        return Err(Code::TextEmpty.into());
    }
    if draft.text.len() > sotto_wire::file::MAX_LONG {
        return Err(Code::TextTooLong.into());
    }
    let given = draft.mentions.len();
    let mentions = content::in_place(&draft.text, draft.mentions);
    if mentions.len() != given {
        return Err(Code::BadMention.into());
    }
    if draft.preview.as_ref().is_some_and(|preview| !content::has_link(&draft.text, &preview.url)) {
        return Err(Code::BadPreview.into());
    }
    let reply = draft.reply_to.map(|id| reply(step, conversation, &id)).transpose()?;
    let plain = draft.files.is_empty() && mentions.is_empty() && draft.preview.is_none() && reply.is_none();
    let (text, expire_s) = (draft.text, row.timer_s);
    let content = if plain && expire_s == 0 && !draft.forwarded && !draft.silent {
        Content::Text(text.clone())
    } else {
        Content::Post(Box::new(Post {
            text: text.clone(),
            reply,
            mentions,
            preview: draft.preview,
            files: draft.files,
            forwarded: draft.forwarded,
            silent: draft.silent,
            expire_s,
            ..Post::default()
        }))
    };
    if draft.clears_draft {
        (row.draft, row.draft_reply) = (String::new(), None);
    }
    write::add(step, (row, &route), &content, (text, expire_s))
}

/// What a message of this conversation is replied to with. Nothing is quoted: both sides have the message, and M stays
/// as it is, so the words would outlive their message.
fn reply(step: &Talk<'_>, conversation: &Hash, id: &Hash) -> Result<Reply, Error> {
    let target = step.messages.get(id)?.filter(|target| target.conversation == *conversation && !target.is_gone());
    target.ok_or(Code::MessageMissing)?;
    Ok(Reply { id: *id, excerpt: String::new() })
}

/// Sends a message's text to other conversations, without its author. A message that disappears is not forwarded.
pub(crate) fn forward(step: &mut Talk<'_>, id: &Hash, to: &[Hash]) -> Result<Vec<Hash>, Error> {
    let message = step.messages.get(id)?.filter(|message| !message.is_gone()).ok_or(Code::MessageMissing)?;
    if message.expire_s > 0 {
        return Err(Code::MessageExpires.into());
    }
    if to.is_empty() || to.len() > FORWARDS {
        return Err(Code::TooMany.into());
    }
    let files = of(&message).map(|post| post.files).unwrap_or_default();
    let text = message.text.ok_or(Code::MessageMissing)?;
    let one = |conversation: &Hash| {
        let fresh = write::is_asked(step, conversation)?;
        let files = files.iter().map(|named| keep::forward(step, named, fresh)).collect::<Result<_, _>>()?;
        let draft = Draft { text: text.clone(), files, forwarded: true, ..Draft::default() };
        send(step, conversation, draft)
    };
    to.iter().map(one).collect()
}
