//! Identifiers: 128 random bits with a readable prefix, and 32-byte hashes.
//!
//! An id tells nothing about what it names or when it was made. Text is parsed once, at the
//! boundary; on the wire an id is its 16 bytes.

use data_encoding::HEXLOWER;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}<{digits} lower-case hexadecimal digits>")]
pub struct ParseIdError {
    /// What it should begin with.
    pub prefix: &'static str,
    /// How many digits should follow.
    pub digits: usize,
}

pub(crate) fn parse<const N: usize>(
    text: &str,
    prefix: &'static str,
) -> Result<[u8; N], ParseIdError> {
    text.strip_prefix(prefix)
        .and_then(|digits| HEXLOWER.decode(digits.as_bytes()).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ParseIdError {
            prefix,
            digits: 2 * N,
        })
}

/// Declares a type of `$len` bytes: text form with a prefix, serde as text, CBOR as bytes.
macro_rules! bytes_type {
    ($(#[$doc:meta])* $name:ident, $len:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// What its text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The value with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn to_bytes(self) -> [u8; $len] {
                self.0
            }

            /// Its bytes, borrowed.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}{}", $prefix, data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ids::ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::parse(text, $prefix).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                <[u8; $len]>::try_from(d.bytes()?).map(Self).map_err(|_| {
                    minicbor::decode::Error::message(concat!(stringify!($name), " has another length"))
                })
            }
        }
    };
}
pub(crate) use bytes_type;

bytes_type!(
    /// The business: one governance chain, one set of feeds.
    OrgId, 16, "org_"
);
bytes_type!(
    /// A machine, with a signing key of its own.
    DeviceId, 16, "dev_"
);
bytes_type!(
    /// A member of staff on a device; holds keys and signs entries.
    SeatId, 16, "seat_"
);
bytes_type!(
    /// One run of a process that writes; also the actor in its documents.
    IncarnationId, 16, "inc_"
);
bytes_type!(
    /// One document: a schedule week, a client, a pet, the catalogue.
    DocumentId, 16, "doc_"
);
bytes_type!(
    /// A row of the key table.
    KeyId, 16, "key_"
);
bytes_type!(
    /// An invitation in the governance chain.
    InviteId, 16, "inv_"
);
bytes_type!(
    /// An erasure in the governance chain.
    ErasureId, 16, "era_"
);
bytes_type!(
    /// Whom a subject key is about, as far as the protocol needs to know: 16 bytes that tell
    /// clients and pets apart.
    SubjectId, 16, "sub_"
);
bytes_type!(
    /// A location id, as far as the protocol needs to know: 16 bytes that tell sites apart.
    Site, 16, "loc_"
);
bytes_type!(
    /// A BLAKE3 hash.
    Hash, 32, ""
);

impl Hash {
    /// All zero bytes: "nothing before this".
    pub const ZERO: Self = Self([0; 32]);

    /// The plain BLAKE3 hash of `bytes`; used for bodies.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_read_back() {
        let seat = SeatId::from_bytes([0xab; 16]);
        assert_eq!(seat.to_string(), format!("seat_{}", "ab".repeat(16)));
        assert_eq!(seat.to_string().parse(), Ok(seat));
        assert_eq!(Hash::of(b"").to_string().parse(), Ok(Hash::of(b"")));
        assert!("seat_AB".parse::<SeatId>().is_err());
        assert!(seat.to_string().parse::<DeviceId>().is_err());
    }
}
