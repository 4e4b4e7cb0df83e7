//! Trade ids: 128 random bits with a readable prefix.
//!
//! An id tells nothing about what it names or when it was made. Text is parsed once, at the
//! boundary; inside, each kind of id has its own type.

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_<32 hexadecimal digits>")]
pub struct ParseIdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// Hexadecimal text of 16 bytes.
#[doc(hidden)]
pub fn hex(bytes: [u8; 16]) -> String {
    use core::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The 16 bytes behind `prefix_<32 lower-case hexadecimal digits>`.
#[doc(hidden)]
pub fn parse(text: &str, prefix: &'static str) -> Result<[u8; 16], ParseIdError> {
    let wrong = ParseIdError { prefix };
    let digits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    let digits = digits
        .filter(|d| d.len() == 32)
        .ok_or_else(|| wrong.clone())?;
    let mut bytes = [0_u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = pair.iter().try_fold(0_u8, |value, digit| {
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(wrong.clone()),
            };
            Ok((value << 4) | nibble)
        })?;
    }
    Ok(bytes)
}

/// Declares a 128-bit id type with a readable prefix, serde as text and CBOR as 16 bytes.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What its text form begins with.
            pub const PREFIX: &'static str = $prefix;
            /// The id with these bytes; draw them at random for a new one.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(bytes) }
            /// Its 16 bytes.
            pub const fn to_bytes(self) -> [u8; 16] { self.0 }
        }
        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                write!(f, "{}_{}", $prefix, $crate::ids::hex(self.0))
            }
        }
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(self, f)
            }
        }
        impl ::core::str::FromStr for $name {
            type Err = $crate::ids::ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::parse(text, $prefix).map(Self)
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <::std::string::String as ::serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
        impl<C> ::minicbor::Encode<C> for $name {
            fn encode<W: ::minicbor::encode::Write>(
                &self, e: &mut ::minicbor::Encoder<W>, _: &mut C,
            ) -> Result<(), ::minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }
        impl<'b, C> ::minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut ::minicbor::Decoder<'b>, _: &mut C) -> Result<Self, ::minicbor::decode::Error> {
                <[u8; 16]>::try_from(d.bytes()?).map(Self)
                    .map_err(|_| ::minicbor::decode::Error::message("an id has 16 bytes"))
            }
        }
    };
}

id!(
    /// One appointment, for its whole life, on every replica. Its claim bears the same id.
    AppointmentId, "apt"
);
id!(
    /// What can be occupied: a member of staff, a room, a table, a chair or a machine.
    ResourceId, "res"
);
id!(
    /// A site of the organisation, with its own time zone.
    LocationId, "loc"
);
id!(
    /// A person's answer to a clash.
    DecisionId, "dec"
);
