//! Conversations and their messages.

pub(crate) mod delete;
pub(crate) mod effects;
pub(crate) mod expire;
pub(crate) mod group;
pub(crate) mod holes;
pub(crate) mod inbox;
pub(crate) mod kind;
pub(crate) mod read;
pub(crate) mod state;
pub(crate) mod write;

use crate::engine::base::room;
use crate::engine::group::Group;

room! {
    Talk over group: Group {
        conversations: Conversation,
        messages: Message,
        holes: Hole,
        arrivals: Arrival,
        annotations: Annotation,
        early: Early,
    } and {}
}
