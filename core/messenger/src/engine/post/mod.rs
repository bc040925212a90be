//! Parcels: bytes that leave until somebody has them, and which nodes are worth their word. What is inside is not
//! known here.

pub(crate) mod parcel;
pub(crate) mod trust;
