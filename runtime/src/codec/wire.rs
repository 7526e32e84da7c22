/// Declares an enum that is a byte in messages. `from_wire` finds the variant of a byte; none can be
/// forgotten there, because the variants stand here only.
macro_rules! wire_enum {
    ($(#[$attribute:meta])* $visibility:vis enum $Name:ident {
        $($(#[$doc:meta])* $Variant:ident = $byte:literal,)*
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        $visibility enum $Name {
            $($(#[$doc])* $Variant = $byte,)*
        }

        impl $Name {
            $visibility fn from_wire(byte: u8) -> Option<$Name> {
                match byte {
                    $($byte => Some($Name::$Variant),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use wire_enum;
