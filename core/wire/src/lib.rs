//! Every byte that crosses the network, and all parsing of what untrusted peers send.
//!
//! It knows layouts, sizes, versions and plain hashes. It does not know keys, ciphers, signatures (it names what a
//! signature covers; the caller verifies it), sockets, storage or a clock: whoever asks about dates passes the time in.
//!
//! Data path, outwards: [`content`] makes `Inner` bytes, [`envelope::pad`] fills them up to a room, the caller seals
//! them, [`Envelope`](envelope::Envelope) gives them their outer form, [`topic`] says where it goes, and
//! [`waku`] wraps it for the network. Inwards it is the same way back. Beside it stand the objects that introduce
//! people to each other ([`identity`] on cards, [`invite`] in links) and what is too long for one envelope ([`blob`]).
//!
//! Every decoder is total and capped: any bytes give a value or a typed error, in memory bounded by the input or by a
//! constant named here. Integers are big-endian. Exact bytes: `docs/protocol.md`.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

/// Types that hold texts, names, links or secrets: their `Debug` prints the type's name alone.
#[doc(hidden)]
#[macro_export]
macro_rules! closed_debug {
    ($($type:ident),* $(,)?) => {
        $(impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        })*
    };
}

pub mod blob;
pub mod content;
pub mod envelope;
pub mod identity;
pub mod invite;
pub mod name;
pub mod topic;
pub mod waku;

mod read;
