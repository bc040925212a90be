//! Ids, each of its own type, so that swapped arguments do not compile in any language. They are records with one text:
//! a custom type of uniffi would be an alias of string in Kotlin, Swift and Python.

use sotto_messenger::records as inner;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $foreign:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
            #[uniffi(name = $foreign)]
            pub struct $name {
                /// Opaque text: keep it, compare it, pass it back.
                pub value: String,
            }

            impl From<inner::$name> for $name {
                fn from(id: inner::$name) -> Self {
                    Self { value: id.0 }
                }
            }

            impl From<$name> for inner::$name {
                fn from(id: $name) -> Self {
                    Self(id.value)
                }
            }
        )*
    };
}

ids! {
    /// Id of an account, `zQ3sh…`: a contact's or the own.
    ContactId = "SottoContactId";
    /// Id of a conversation.
    ConversationId = "SottoConversationId";
    /// Id of a message, the same on both sides.
    MessageId = "SottoMessageId";
    /// Id of a file on this device.
    FileId = "SottoFileId";
    /// Id of an own invite; it does not reveal the link.
    InviteId = "SottoInviteId";
    /// Id of a member of one group, the same on all phones.
    MemberId = "SottoMemberId";
    /// The devices that a safety number stands for.
    DevicesId = "SottoDevicesId";
}
