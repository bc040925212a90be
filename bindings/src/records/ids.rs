//! Ids, each of its own type, so that a swapped argument does not compile in any language. They are records of one
//! text:
//! a custom type of uniffi's would be a mere other name for a string in Kotlin, Swift and Python.

use sotto_messenger::records as inner;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $foreign:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
            #[uniffi(name = $foreign)]
            pub struct $name {
                /// Opaque text: keep it, compare it, hand it back.
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
    /// An account's id, `zQ3sh…`: a contact's or the own.
    ContactId = "SottoContactId";
    /// A conversation's.
    ConversationId = "SottoConversationId";
    /// A message's, the same on both sides.
    MessageId = "SottoMessageId";
    /// An own invite's; it gives nobody the link.
    InviteId = "SottoInviteId";
    /// The devices that a safety number stands for.
    DevicesId = "SottoDevicesId";
}
