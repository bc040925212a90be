//! Sessions and devices, prekeys and secrets, found cards. Knows no message.

pub(crate) mod deep;
pub(crate) mod device;
pub(crate) mod found;
pub(crate) mod index;
pub(crate) mod invite;
pub(crate) mod pairs;
pub(crate) mod publish;
pub(crate) mod session;

use crate::engine::base::room;
use crate::engine::post::Post;

room! {
    Keys over post: Post {
        peers: Peer,
        devices: Device,
        sessions: Session,
        handshakes: Handshake,
        skipped: Skipped,
        prekeys: Prekey,
        secrets: Secret,
        invites: Invite,
    } and {
        index: &'a mut index::Index,
        /// Cards that are looked for, each by the index of its query in this step.
        finds: Vec<(usize, found::Found)>,
    }
}
