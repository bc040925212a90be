//! People: requests, hellos, device lists, verifying, blocking.

pub(crate) mod admit;
pub(crate) mod cards;
pub(crate) mod contact;
pub(crate) mod devices;
pub(crate) mod forget;
pub(crate) mod kind;
pub(crate) mod news;
pub(crate) mod old_copy;
pub(crate) mod reset;
pub(crate) mod sessions;
pub(crate) mod takeover;

use crate::engine::base::room;
use crate::engine::talk::Talk;

room! {
    People over talk: Talk {
        persons: Person,
        news: News,
    } and {}
}
