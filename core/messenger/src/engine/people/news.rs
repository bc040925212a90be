//! News for all contacts (a new name, a new contacts secret), each contact at its own time, so that no burst shows
//! their number. It is composed when it is due, so a second change replaces the first. Device lists leave at once.

use sotto_db::{Chat, News, NewsKind, PersonState};
use sotto_wire::content::Kind;

use crate::engine::base::own::own_cards_changed;
use crate::engine::base::schedule;
use crate::engine::carry::Fact;
use crate::engine::people::kind::{hello, profile};
use crate::engine::people::{People, contact};
use crate::error::Error;

/// Adds news for every accepted contact. A contact with waiting news keeps its time.
pub(crate) fn tell_all(step: &mut People<'_>, kind: NewsKind) -> Result<(), Error> {
    for person in step.persons.all()? {
        if person.state != PersonState::Accepted {
            continue;
        }
        tell(step, person.chat, kind)?;
    }
    own_cards_changed(step)
}

fn tell(step: &mut People<'_>, chat: Chat, kind: NewsKind) -> Result<(), Error> {
    let due_ms = step.after(&schedule::NEWS, 0);
    let new = News { chat, kind, due_ms };
    let news = step.news.get(&chat)?.map_or(new.clone(), |before| News {
        kind: before.kind.max(kind),
        due_ms: before.due_ms.min(due_ms),
        ..before
    });
    Ok(step.news.put(&news)?)
}

/// News that all nodes refused are told later, as they are then.
pub(crate) fn refused(step: &mut People<'_>, facts: &[Fact]) -> Result<(), Error> {
    for fact in facts {
        match fact {
            Fact::Refused(chat, Kind::Profile) => tell(step, *chat, NewsKind::Profile)?,
            Fact::Refused(chat, Kind::Hello) => tell(step, *chat, NewsKind::Hello)?,
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn leave(step: &mut People<'_>, news: News) -> Result<(), Error> {
    step.news.remove(&news.chat)?;
    if contact::state(step, &news.chat)? != Some(PersonState::Accepted) {
        return Ok(()); // a contact that is accepted again gets a hello
    }
    match news.kind {
        NewsKind::Hello => hello::send(step, &news.chat),
        NewsKind::Profile => profile::send(step, &news.chat),
    }
}

pub(crate) fn put_off(step: &mut People<'_>, news: News, due_ms: i64) -> Result<(), Error> {
    Ok(step.news.put(&News { due_ms, ..news })?)
}
