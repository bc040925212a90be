//! Codes as the generated code knows them.

use std::fmt;

use sotto_messenger::Code as Inner;

macro_rules! codes {
    ($($name:ident)*) => {
        /// The exact failure or event. `docs/errors.md` explains each code and what an app should do. New versions may
        /// add codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
        #[uniffi(name = "SottoCode")]
        #[allow(missing_docs)] // `docs/errors.md` explains each
        pub enum Code { $($name),* }

        impl From<Inner> for Code {
            fn from(code: Inner) -> Self {
                match code {
                    $(Inner::$name => Self::$name,)*
                    // A code without a variant above; a test below fails then.
                    _ => Self::Internal,
                }
            }
        }

        impl From<Code> for Inner {
            fn from(code: Code) -> Self {
                match code { $(Code::$name => Self::$name,)* }
            }
        }
    };
}

codes! {
    PhraseWord PhraseLength PhraseChecksum AccountExists AccountMissing DeviceReplaced BadName TextEmpty
    TextTooLong BadId BadSetting TooMany BadEmoji BadMention BadPreview BadPoll
    BadTimer BadQuery BadFile BadLimit ContactMissing ContactSelf ContactState ContactBlocked
    DevicesChanged BadQr QrOtherAccount QrOtherDevices QrOwnDevices ConversationMissing MessageMissing
    MessageTooOld MessageNotYours MessageExpires MessageNotDelivered MessageRefused
    FileMissing FileMetadata FileTooLarge FileNoSpace FileCorrupt FileGone FileUnreadable FileWaiting FileExists
    SearchOff InviteTruncated
    InviteChecksum InviteExpired InviteNewer
    InviteOtherNetwork InviteUsed InviteUnreachable InviteTooMany InviteMissing
    BadGroup GroupNotInvited GroupJoining GroupRekeying GroupNotAllowed GroupRemoved GroupClosed GroupFull
    ListOld ListExpired SuiteNone
    SuiteLower ClockSkewed BucketBusy NetworkAddress NetworkUnreachable NetworkOther StorageInUse
    StorageWrongKey StorageCorrupt StorageForeign StorageNewer StorageRolledBack StorageCounter StorageFull
    StorageReadOnly StorageIo Closed Deadline Internal
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Inner::from(*self).as_str())
    }
}

/// The stable dotted text of a code, as `docs/errors.md` lists it: `storage.full`.
#[uniffi::export]
pub fn code_text(code: Code) -> String {
    code.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_name_and_text() {
        for &inner in Inner::ALL {
            let outer = Code::from(inner);
            assert_eq!(format!("{outer:?}"), format!("{inner:?}"));
            assert_eq!(code_text(outer), inner.as_str());
        }
    }
}
