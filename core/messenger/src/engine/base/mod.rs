//! Clocks, randomness, configuration, the own account, effects of a step. Knows no table of another room.

pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod own;
pub(crate) mod schedule;
pub(crate) mod step;

/// A room within a step: its own tables, which only its folder can write, and the room beneath. A function of a lower
/// room accepts an upper room as the room it stands on (`Deref`); the other direction does not compile.
macro_rules! room {
    ($(#[$doc:meta])* $name:ident over $below:ident: $lower:ident {
        $($table:ident: $row:ident,)*
    } and { $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        pub struct $name<'a> {
            $below: $lower<'a>,
            $($table: sotto_db::Table<'a, sotto_db::$row>,)*
            $($(#[$of])* pub(crate) $field: $type,)*
        }

        impl<'a> $name<'a> {
            pub(crate) fn new(
                $below: $lower<'a>,
                ($($table,)*): ($(sotto_db::Table<'a, sotto_db::$row>,)*),
                ($($field,)*): ($($type,)*),
            ) -> Self {
                Self { $below, $($table,)* $($field,)* }
            }
        }

        impl<'a> std::ops::Deref for $name<'a> {
            type Target = $lower<'a>;

            fn deref(&self) -> &Self::Target {
                &self.$below
            }
        }

        impl std::ops::DerefMut for $name<'_> {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.$below
            }
        }
    };
}
pub(crate) use room;
