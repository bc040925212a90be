//! Sessions and devices, prekeys and secrets, cards as they are found. Knows no message.

pub(crate) mod deep;
pub(crate) mod device;
pub(crate) mod found;
pub(crate) mod index;
pub(crate) mod session;
