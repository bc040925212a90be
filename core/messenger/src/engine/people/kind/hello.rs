//! Hello: the own home value, and keys for a reset. It answers a request, and is answered by a hello.

use sotto_db::{Chat, PersonState, Session};
use sotto_wire::content::{Content, Hello, Kind};

use crate::engine::base::own::{KEY_CONTACTS_SECRET, KEY_LIST_CHANGED, record_or_old};
use crate::engine::carry::{receipt, send};
use crate::engine::file::picture;
use crate::engine::keys::session::choose_sending;
use crate::engine::keys::{device, pairs};
use crate::engine::people::kind::{list, profile};
use crate::engine::people::{People, contact};
use crate::engine::talk::read;
use crate::error::{Code, Error, OrBug};

/// Sends a contact a hello with the own home value and keys for a reset; it replaces a waiting hello.
pub(crate) fn send(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    let own = step.own()?;
    let record = record_or_old(step)?;
    let reset = pairs::give(step, chat)?;
    let secret = step.tx.kv.get(KEY_CONTACTS_SECRET)?.or_bug("contacts secret")?;
    let content = Content::Hello(Box::new(Hello {
        home: own.account.home_value(),
        contacts_secret: secret.as_slice().try_into().map_err(|_| Code::StorageCorrupt)?,
        reset,
        list_version: record.list_version,
        name: own.name.clone(),
        picture: picture::own(step)?,
    }));
    step.news.remove(chat)?; // a hello carries all of it
    let before = step.persons.edit(chat, |person| {
        let first = !std::mem::replace(&mut person.hello_sent, true);
        (first, person.created_ms)
    })?;
    send::drop_waiting(step, chat, Kind::Hello)?;
    send::content(step, chat, &content)?;
    if let Some((true, created_ms)) = before
        && step.tx.kv.time(KEY_LIST_CHANGED)? > created_ms
    {
        // While the request was pending, nobody sent them the list.
        list::send(step, chat, &record)?;
    }
    Ok(())
}

/// Their hello: the request is accepted, or their keys and name changed.
pub(crate) fn take(step: &mut People<'_>, from: &Session, hello: &Hello) -> Result<(), Error> {
    let chat = &from.chat;
    let Some(person) = step.persons.get(chat)?.filter(|person| contact::may_write(person.state)) else {
        return Ok(());
    };
    device::set_home(step, chat, hello.home)?;
    pairs::keep_pair(step, chat, &from.device, &hello.reset)?;
    step.persons.edit(chat, |person| {
        person.contacts_secret = Some(hello.contacts_secret);
        person.name = profile::shown_name(&hello.name, &person.name);
    })?;
    contact::set_state(step, chat, PersonState::Accepted)?;
    picture::came(step, chat, hello.picture.as_ref())?;
    contact::wait_no_more(step, chat)?;
    if person.state != PersonState::Accepted {
        read::arrive(step, chat)?;
    } else {
        read::fetch(step, chat)?;
    }
    receipt::all_due(step, chat)?;
    if send::sending_session(step, chat)?.is_none() {
        choose_sending(step, chat)?;
    }
    if !person.hello_sent {
        send(step, chat)?;
    }
    send::seal_waiting(step, chat)?;
    step.fx.contacts = true;
    Ok(())
}
