//! What all contacts are to be told (a new name, a new contacts secret): each at a time of its own, so that nobody counts them
//! by a burst. It is composed when it is due, so a second change replaces the first. Device lists leave at once.

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
        step.tx.news_put(&sotto_db::News { chat, kind, due_ms })?;
    }
    own_cards_changed(step)
}

/// Tells those whose time has come.
pub(super) fn leave(step: &mut Step<'_>) -> Result<(), Error> {
    for news in step.tx.news_due(step.now_ms)? {
        step.tx.news_delete(&news.chat)?;
        let Some(mut row) = step.tx.contact(&news.chat)? else {
            continue;
        };
        if row.state != state::ACCEPTED {
            continue; // accepted anew, it gets a hello
        }
        if news.kind == HELLO {
            contact::hello(step, &mut row)?;
            continue;
        }
        let own = step.own()?;
        let content =
            Content::Profile(ProfileUpdate { home: own.account.home_value(), name: own.name.clone(), picture: None });
        send::enqueue_content(step, &row, &content)?;
    }
    Ok(())
}
