//! A changed profile: name and home value.

use sotto_db::{Chat, PersonState, Session};
use sotto_wire::content::{Content, Kind, ProfileUpdate};
use sotto_wire::name::Name;

use crate::engine::carry::send;
use crate::engine::file::picture;
use crate::engine::keys::device;
use crate::engine::people::{People, contact};
use crate::error::Error;

pub(crate) fn send(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let own = step.own()?;
    let (home, name, picture) = (own.account.home_value(), own.name.clone(), picture::own(step)?);
    let content = Content::Profile(ProfileUpdate { home, name, picture });
    send::drop_waiting(step, chat, Kind::Profile)?; // it could come after this one
    send::content(step, chat, &content)
}

pub(crate) fn take(step: &mut People<'_>, from: &Session, profile: &ProfileUpdate) -> Result<(), Error> {
    if contact::state(step, &from.chat)? != Some(PersonState::Accepted) {
        return Ok(());
    }
    note(step, &from.chat, profile.home, &profile.name)?;
    picture::came(step, &from.chat, profile.picture.as_ref())?;
    step.fx.contacts = true;
    contact::changed(step, &from.chat)
}

/// The name to show; the known one if they sent none.
pub(crate) fn shown_name(name: &Name, known: &str) -> String {
    let shown = name.display();
    if shown.is_empty() { known.to_owned() } else { shown }
}

pub(crate) fn note(step: &mut People<'_>, chat: &Chat, home: [u8; 8], name: &Name) -> Result<(), Error> {
    device::set_home(step, chat, home)?;
    Ok(step.persons.change(chat, |person| person.name = shown_name(name, &person.name))?)
}
