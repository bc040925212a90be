//! What all contacts are to be told (a new name, a new contacts secret): each at a time of its own, so that nobody counts them
//! by a burst. It is composed when it is due, so a second change replaces the first. Device lists leave at once.

use sotto_db::News;
use sotto_wire::content::{Content, ProfileUpdate};

use super::base::schedule;
use super::own::own_cards_changed;
use super::step::Step;
use super::{contact, send, state};
use crate::error::Error;

/// The name changed.
pub(super) const PROFILE: u8 = 0;
/// The contacts secret changed; a hello says the name too.
pub(super) const HELLO: u8 = 1;

/// Every accepted contact is to be told. Who waits for news already keeps its time.
pub(super) fn tell_all(step: &mut Step<'_>, kind: u8) -> Result<(), Error> {
    for row in step.tx.contacts()? {
        if row.state != state::ACCEPTED {
            continue;
        }
        let due_ms = step.after(&schedule::NEWS, 0);
        let before = step.tx.news_of(&row.chat)?;
        let (kind, due_ms) = match before {
            Some(before) => (before.kind.max(kind), before.due_ms.min(due_ms)),
            None => (kind, due_ms),
        };
        let chat = row.chat;
        step.tx.news_put(&News { chat, kind, due_ms })?;
    }
    own_cards_changed(step)
}

/// Tells a contact.
pub(super) fn leave(step: &mut Step<'_>, news: News) -> Result<(), Error> {
    step.tx.news_delete(&news.chat)?;
    let contact = step.tx.contact(&news.chat)?;
    // Accepted anew, it gets a hello.
    let Some(mut row) = contact.filter(|row| row.state == state::ACCEPTED) else {
        return Ok(());
    };
    if news.kind == HELLO {
        return contact::hello(step, &mut row);
    }
    let own = step.own()?;
    let content =
        Content::Profile(ProfileUpdate { home: own.account.home_value(), name: own.name.clone(), picture: None });
    send::enqueue_content(step, &row, &content).map(|_| ())
}
