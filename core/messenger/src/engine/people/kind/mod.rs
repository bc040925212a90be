//! Content about its author, one file for each kind.

pub(crate) mod hello;
pub(crate) mod list;
pub(crate) mod profile;
pub(crate) mod request;

use sotto_db::Session;
use sotto_wire::content::Content;

use crate::engine::people::People;
use crate::error::Error;

pub(crate) fn take(step: &mut People<'_>, from: &Session, content: Content) -> Result<(), Error> {
    match content {
        Content::Hello(theirs) => hello::take(step, from, &theirs),
        Content::List(theirs) => list::take(step, from, &theirs),
        Content::Profile(theirs) => profile::take(step, from, &theirs),
        _ => Ok(()),
    }
}
