//! Edit: a new text of a message, by its author, within a day.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::{self, Content, Edit, Kind, Mention};

use crate::engine::base::schedule::{DAY, SECOND};
use crate::engine::talk::{Talk, effects};
use crate::error::{Code, Error};

/// Versions that are kept.
const VERSIONS: u32 = 10;
/// How long after its message an edit counts, by the author's clock, seconds.
const WITHIN_S: i64 = DAY / SECOND;

/// The text of the latest edit is shown.
pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, target: &Message, edit: &Edit) -> Result<(), Error> {
    let late = effect.time_s > target.time_s.saturating_add(WITHIN_S);
    if effects::author(step, target)? != effect.author || late || !has_text(target) {
        return Ok(());
    }
    if !effects::annotate(step, effect, (effect.id.to_vec(), effect.body.clone()), VERSIONS)? {
        return Ok(());
    }
    let latest = step.annotations.of(&target.id, Kind::Edit.code())?.pop();
    if latest.is_some_and(|latest| latest.id != effect.id) {
        return Ok(());
    }
    step.messages.edit(&target.id, |message| {
        // The first text is needed for its chunks and its history.
        if message.kind == Kind::Pointer.code() && message.body.is_none() {
            message.body = message.text.take().map(String::into_bytes);
        }
        (message.text, message.edited) = (Some(edit.text.clone()), true);
    })?;
    Ok(())
}

/// Whether a message has a text that can be edited.
fn has_text(message: &Message) -> bool {
    let kinds = [Kind::Text, Kind::Post, Kind::Pointer];
    message.text.is_some() && kinds.iter().any(|kind| kind.code() == message.kind)
}

/// Edits an own message.
pub(crate) fn edit(step: &mut Talk<'_>, id: &Hash, text: String, mentions: Vec<Mention>) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    if !target.is_own() || !has_text(&target) {
        return Err(Code::MessageNotYours.into());
    }
    let now_s = i64::try_from(step.clock_s()).unwrap_or(0);
    if now_s > target.time_s.saturating_add(WITHIN_S) {
        return Err(Code::MessageTooOld.into());
    }
    if sotto_wire::name::is_blank(&text) {
        return Err(Code::TextEmpty.into());
    }
    let given = mentions.len();
    let mentions = content::in_place(&text, mentions);
    if mentions.len() != given {
        return Err(Code::BadMention.into());
    }
    let edit = Edit { target: *id, text, mentions };
    effects::send(step, &target.conversation, &Content::Edit(Box::new(edit)))
}
