//! Reading and writing CBOR in one spelling.
//!
//! Structures are arrays, their fields in order; an absent field at the end is left out, an
//! absent field before the end is null. [`from_canonical`] reads a value and refuses whatever
//! would be written differently: long integers, indefinite lengths, extra fields, trailing bytes.

use minicbor::{Decode, Encode, decode, encode};

/// The version of every structure written here. 1 is frozen: what it means never changes. 0 was a draft,
/// and nobody reads it.
pub const VERSION: u8 = 1;

/// What bytes of a version before the first frozen one are.
pub(crate) const DRAFT: DecodeError = DecodeError::Impossible("a draft of the formats");

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer program: update this one.
    #[error("version {got} is newer than the supported {supported}")]
    NewerVersion {
        /// What the bytes say.
        got: u64,
        /// What this program reads.
        supported: u8,
    },
    /// More than a limit of the protocol allows.
    #[error("{what} is longer than {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit it exceeds.
        limit: usize,
    },
    /// The bytes end before the value does.
    #[error("the bytes end too early")]
    Truncated,
    /// Readable, but not in the one accepted spelling (or followed by something).
    #[error("not in canonical form")]
    NotCanonical,
    /// A kind of frame this version does not know.
    #[error("unknown frame {0}")]
    UnknownFrame(u64),
    /// Not the expected structure.
    #[error("not the expected structure, near byte {at}")]
    Malformed {
        /// Where reading stopped, as far as known.
        at: usize,
    },
    /// The structure is right and what it says cannot be.
    #[error("impossible content: {0}")]
    Impossible(&'static str),
    /// The compressed part of a frame cannot be decompressed.
    #[error("the compressed frame is damaged")]
    Compression,
}

impl From<decode::Error> for DecodeError {
    fn from(error: decode::Error) -> Self {
        // A statement inside a frame brings its own, more exact error.
        let inner = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<Self>());
        if let Some(inner) = inner {
            *inner
        } else if error.is_end_of_input() {
            Self::Truncated
        } else {
            Self::Malformed {
                at: error.position().unwrap_or(0),
            }
        }
    }
}

/// The bytes of a value. Writing to memory cannot fail, and no encoder here fails of itself.
pub(crate) fn to_bytes<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = encode(value, &mut bytes);
    debug_assert!(written.is_ok(), "encoding to memory cannot fail");
    bytes
}

/// Reads exactly one value in its one spelling.
pub(crate) fn from_canonical<T>(bytes: &[u8]) -> Result<T, DecodeError>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode()?;
    if decoder.position() == bytes.len() && to_bytes(&value) == bytes {
        Ok(value)
    } else {
        Err(DecodeError::NotCanonical)
    }
}

/// Writes `[version, value]`.
pub(crate) fn to_versioned<T: Encode<()>>(value: &T) -> Vec<u8> {
    to_bytes(&(VERSION, value))
}

/// Reads `[version, value]`; looks at the version before at anything else.
pub(crate) fn from_versioned<T>(bytes: &[u8]) -> Result<T, DecodeError>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    let mut decoder = minicbor::Decoder::new(bytes);
    decoder.array()?;
    let got = decoder.u64()?;
    if got > u64::from(VERSION) {
        return Err(DecodeError::NewerVersion {
            got,
            supported: VERSION,
        });
    }
    if got < u64::from(VERSION) {
        return Err(DRAFT);
    }
    from_canonical::<(u8, T)>(bytes).map(|(_, value)| value)
}

/// Refuses what is longer than a limit.
pub(crate) fn at_most(what: &'static str, got: usize, limit: usize) -> Result<(), DecodeError> {
    if got > limit {
        Err(DecodeError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

/// `#[cbor(with)]` for lists of byte strings.
pub(crate) mod byte_strings {
    use minicbor::{
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    #[allow(clippy::ptr_arg, reason = "the derive passes the field's own type")]
    pub(crate) fn encode<C, W: Write>(
        list: &Vec<Vec<u8>>,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.array(list.len() as u64)?;
        for bytes in list {
            e.bytes(bytes)?;
        }
        Ok(())
    }

    pub(crate) fn decode<C>(
        d: &mut minicbor::Decoder<'_>,
        _: &mut C,
    ) -> Result<Vec<Vec<u8>>, DecodeError> {
        let len = d
            .array()?
            .ok_or_else(|| DecodeError::message("a list of unknown length"))?;
        // No capacity is reserved on the word of the sender.
        (0..len).map(|_| d.bytes().map(<[u8]>::to_vec)).collect()
    }
}
