//! CBOR in one spelling, with a version in front; the rules are those of the wire.

use minicbor::{Decode, Encode};
use sync_protocol::{DecodeError, VERSION};
use zeroize::Zeroizing;

/// Most of what is written here is shorter, so that no half-written copy of a secret stays behind
/// when the buffer grows.
const CAPACITY: usize = 512;

/// The bytes of a value. Writing to memory cannot fail, and no encoder here fails of itself.
pub(super) fn to_bytes<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CAPACITY);
    let written = minicbor::encode(value, &mut bytes);
    debug_assert!(written.is_ok(), "encoding to memory cannot fail");
    bytes
}

/// Reads exactly one value in its one spelling.
pub(super) fn from_canonical<T>(bytes: &[u8]) -> Result<T, DecodeError>
where
    T: Encode<()> + for<'b> Decode<'b, ()>,
{
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode()?;
    if decoder.position() == bytes.len() && *Zeroizing::new(to_bytes(&value)) == bytes {
        Ok(value)
    } else {
        Err(DecodeError::NotCanonical)
    }
}

/// Writes `[version, value]`.
pub(super) fn to_versioned<T: Encode<()>>(value: &T) -> Vec<u8> {
    to_bytes(&(VERSION, value))
}

/// Reads `[version, value]`; looks at the version before at anything else.
pub(super) fn from_versioned<T>(bytes: &[u8]) -> Result<T, DecodeError>
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
        return Err(DecodeError::Impossible("a draft of the formats"));
    }
    from_canonical::<(u8, T)>(bytes).map(|(_, value)| value)
}
