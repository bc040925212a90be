//! One error for the whole facade.

use sotto_messenger::{Code as Inner, Error, Kind};

use crate::code::Code;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// A failure: its variant says the kind, its code the exact failure. It holds no user data.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
        pub enum SottoError {
            $(
                $(#[$doc])*
                #[error("{code}: {detail}")]
                $name {
                    /// The exact failure.
                    code: Code,
                    /// What happened and, if something helps, what to do.
                    detail: String,
                },
            )*
        }

        impl From<Error> for SottoError {
            fn from(error: Error) -> Self {
                let code = error.code().into();
                let detail = error.detail();
                match error.kind() {
                    $(Kind::$name => Self::$name { code, detail },)*
                    // A kind without a variant above; a test below fails then.
                    _ => Self::Internal { code, detail },
                }
            }
        }
    };
}

kinds! {
    /// The caller's input cannot be used.
    InvalidInput;
    /// The named contact, conversation, message or invite does not exist.
    NotFound;
    /// Not allowed in this state (no account, not a contact, closed).
    State;
    /// The network could not be reached.
    Network;
    /// The database failed.
    Storage;
    /// A cryptographic check failed.
    Crypto;
    /// A bug of ours.
    Internal;
}

impl From<Inner> for SottoError {
    fn from(code: Inner) -> Self {
        Error::new(code).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_keeps_its_kind_and_text() {
        for &code in Inner::ALL {
            let error = SottoError::from(Error::at(code, 3));
            assert_eq!(error.to_string(), format!("{}: {} (index 3)", code.as_str(), code.detail()));
            let variant = format!("{error:?}");
            let variant = variant.split(' ').next().unwrap();
            assert_eq!(variant, format!("{:?}", code.kind()), "{code:?}");
        }
    }
}
