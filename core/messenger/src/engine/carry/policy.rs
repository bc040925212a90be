//! How each kind of message is sent. Its effect is in `talk/kind` or `people/kind`.

use sotto_wire::content::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Policy {
    /// It is sent once, without a receipt, and only in an answered session.
    pub(crate) once: bool,
    /// Its receipt waits for the body that it points to.
    pub(crate) points: bool,
    /// It must carry the receipts, so it never leaves in a handshake: it would cover messages that did not arrive.
    pub(crate) with_receipts: bool,
    /// Always in the larger class, so that the size does not reveal the number of devices.
    pub(crate) large: bool,
}

pub(crate) fn of(kind: Kind) -> Policy {
    let none = Policy::default();
    match kind {
        Kind::Typing | Kind::Gone => Policy { once: true, ..none },
        Kind::Pointer => Policy { points: true, ..none },
        Kind::Read => Policy { with_receipts: true, ..none },
        Kind::List => Policy { large: true, ..none },
        Kind::Text | Kind::Request | Kind::Hello | Kind::Profile | Kind::Want | Kind::Unknown(_) => none,
        Kind::Post | Kind::Edit | Kind::Delete | Kind::Reaction | Kind::Pin | Kind::Timer | Kind::Poll | Kind::Vote => {
            none
        }
        Kind::FileWant | Kind::FileGone => none,
        Kind::GroupInvite | Kind::GroupAnswer | Kind::GroupWelcome => none,
        Kind::OldKey | Kind::Need | Kind::LogWant | Kind::Relay | Kind::GroupGone => none,
    }
}
