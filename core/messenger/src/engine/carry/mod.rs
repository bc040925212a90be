//! Messages on their way: sealed, counted, receipted, in chunks. Knows no name and no text that is shown.

pub(crate) mod blob;
pub(crate) mod outcome;
pub(crate) mod receipt;
pub(crate) mod send;
