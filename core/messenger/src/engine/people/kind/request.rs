//! A contact request. The room of conversations shows its text.

use sotto_db::{Chat, PersonState};
use sotto_wire::content::Request;
use sotto_wire::name::clean_text;

use crate::engine::keys::invite;
use crate::engine::people::kind::profile;
use crate::engine::people::{People, contact};
use crate::error::Error;

/// Their request. `invite` is the secret that unmasked it.
pub(crate) fn take(step: &mut People<'_>, chat: &Chat, request: &Request, invite: [u8; 16]) -> Result<(), Error> {
    profile::note(step, chat, request.home, &request.name)?;
    match contact::state(step, chat)? {
        Some(PersonState::Requested) => {
            contact::accept(step, chat)?; // crossing requests accept each other
            invite::use_up(step, &invite)?;
        }
        Some(PersonState::Accepted) | None => {}
        Some(_) => {
            contact::set_state(step, chat, PersonState::Incoming)?;
            step.persons.edit(chat, |person| {
                person.invite_secret = Some(invite);
                person.request_text = Some(clean_text(&request.text)).filter(|text| !text.is_empty());
            })?;
        }
    }
    step.fx.contacts = true;
    contact::changed(step, chat)
}
