//! How each kind of message travels. What it does: `talk/kind`, `people/kind`.

use sotto_wire::content::Kind;

/// How a kind travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Policy {
    /// It leaves once, wants no receipt, and leaves in an answered session alone.
    pub(crate) once: bool,
    /// Its receipt waits for what it points to.
    pub(crate) points: bool,
    /// What arrived leaves with it, so it leaves in no block; else it would stand for what did not arrive, too.
    pub(crate) with_receipts: bool,
    /// Always in the larger class: its size says nothing about how much there is.
    pub(crate) large: bool,
}

/// The policy of a kind.
pub(crate) fn of(kind: Kind) -> Policy {
    let none = Policy::default();
    match kind {
        Kind::Typing | Kind::Gone => Policy { once: true, ..none },
        Kind::Pointer => Policy { points: true, ..none },
        Kind::Read => Policy { with_receipts: true, ..none },
        Kind::List => Policy { large: true, ..none },
        Kind::Text | Kind::Request | Kind::Hello | Kind::Profile | Kind::Want | Kind::Unknown(_) => none,
    }
}
