//! Every byte that crosses the network, and all parsing of untrusted bytes.
//!
//! This crate knows layouts, sizes, versions and plain hashes. It does not know keys, ciphers, sockets, storage or a
//! clock. It names the bytes that a signature covers, and the caller verifies the signature. Callers pass in the time.
//!
//! Data path, outwards: [`content`] makes `Inner` bytes, [`envelope::pad`] pads them, the caller seals them,
//! [`Envelope`](envelope::Envelope) gives them their outer form, [`topic`] names the topic, and [`waku`] wraps them for
//! the network. Inwards the same steps run backwards. Beside this path are the objects by which people find each other
//! ([`identity`] on cards, [`invite`] in links), files and bodies too long for one envelope ([`file`]).
//!
//! Every decoder is total and capped: any bytes give a value or a typed error, in memory bounded by the input or by a
//! constant of this crate. Integers are big-endian. `docs/protocol.md` defines the bytes.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

/// For types that hold texts, names, links or secrets: their `Debug` prints only the type's name.
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

pub mod content;
pub mod envelope;
pub mod file;
pub mod group;
pub mod hash;
pub mod identity;
pub mod invite;
pub mod name;
pub mod topic;
pub mod waku;

mod read;
