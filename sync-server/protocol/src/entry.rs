//! An entry: one signed piece of work in a feed, header and body apart.
//!
//! The signature, the chains and the receipts cover the header alone; the header holds length and
//! hash of the body. So a body can be purged and every proof still stands.
//!
//! Start with [`Entry::sign`] to write one, [`Entry::decode`] to read one, and
//! [`accept`](crate::accept()) to decide what it is worth.

use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    codec::{self, DecodeError},
    domain,
    feed::FeedId,
    ids::{DeviceId, DocumentId, Hash, IncarnationId, KeyId, OrgId, SeatId},
    keys::Signature,
    limits, signed,
};

/// The signed part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// The feed it belongs to.
    #[n(1)]
    pub feed: FeedId,
    /// The document it changes.
    #[n(2)]
    pub document: DocumentId,
    /// The key that opens the body; none in clear feeds.
    #[n(3)]
    pub key: Option<KeyId>,
    /// The machine it was written on.
    #[n(4)]
    pub device: DeviceId,
    /// Who wrote it.
    #[n(5)]
    pub seat: SeatId,
    /// The run of the process that wrote it.
    #[n(6)]
    pub incarnation: IncarnationId,
    /// The number of the entry in its incarnation, from 0, counted across all feeds.
    #[n(7)]
    pub sequence: u64,
    /// Hash of the previous entry of that incarnation; of the first: the seat's last known entry,
    /// or zero.
    #[n(8)]
    pub prev: Hash,
    /// Height and hash of the governance head the author knew.
    #[n(9)]
    pub governance: (u32, Hash),
    /// The last head of this feed the author verified.
    #[n(10)]
    pub seen: Option<SeenHead>,
    /// How the body is sealed; none in clear feeds.
    #[n(11)]
    pub seal: Option<Seal>,
    /// Length of the body.
    #[n(12)]
    pub body_len: u32,
    /// BLAKE3 of the body.
    #[n(13)]
    pub body_hash: Hash,
}

/// A feed's head as an author saw it. It carries news of forks from device to device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SeenHead {
    /// The relay's epoch.
    #[n(0)]
    pub epoch: u32,
    /// The position.
    #[n(1)]
    pub sequence: u64,
    /// The chain there.
    #[n(2)]
    pub chain: Hash,
}

/// How a body is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Seal {
    /// The set of algorithms.
    #[n(0)]
    pub suite: u8,
    /// Drawn at random for this body.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 24],
    /// Commits to the key, so that no second key opens the body to something else.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub commitment: [u8; 32],
}

impl Header {
    /// What a sealed body is bound to: the whole header except what follows from the sealed bytes
    /// (their length and hash, which are left zero here).
    pub fn associated_data(&self) -> Vec<u8> {
        codec::to_versioned(&Self {
            body_len: 0,
            body_hash: Hash::ZERO,
            ..*self
        })
    }

    fn check(&self) -> Result<(), DecodeError> {
        codec::at_most("a body", self.body_len as usize, limits::MAX_BODY)?;
        if self.feed == FeedId::Governance {
            return Err(DecodeError::Impossible(
                "the governance feed holds acts, not entries",
            ));
        }
        match (self.feed.clear(), self.seal, self.key) {
            (true, None, None) | (false, Some(_), Some(_)) => Ok(()),
            (true, ..) => Err(DecodeError::Impossible("a sealed body in a clear feed")),
            (false, ..) => Err(DecodeError::Impossible("an unsealed body in a sealed feed")),
        }
    }
}

/// Why an entry cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The body is too long: pack fewer changes.
    #[error("the body has {got} bytes, more than {}", limits::MAX_BODY)]
    BodyTooLong {
        /// Its length.
        got: usize,
    },
    /// The header says what no reader would accept.
    #[error("the header is not acceptable")]
    Header(#[source] DecodeError),
}

/// Why a signed thing does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not signed by this key.
    #[error("the signature is not by this key")]
    BadSignature,
    /// The body is not the one that the header names.
    #[error("the body is not the one that was signed")]
    BodyMismatch,
}

/// One signed piece of work. That it exists does not say that the signature is good.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    header: Header,
    bytes: Vec<u8>,
    signature: Signature,
    body: Option<Vec<u8>>,
    hash: Hash,
}

/// What names an entry in chains.
fn name(header: &[u8], signature: &Signature) -> Hash {
    domain::digest(domain::hash::ENTRY, &[header, signature.as_bytes()])
}

/// How an entry travels: `[header bytes, signature, ? body]`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct EntryWire {
    #[n(0)]
    pub(crate) header: ByteVec,
    #[n(1)]
    pub(crate) signature: Signature,
    #[n(2)]
    pub(crate) body: Option<ByteVec>,
}

impl Entry {
    /// Signs a body; its length and hash are filled into the header here.
    pub fn sign(mut header: Header, body: Vec<u8>, key: &SigningKey) -> Result<Self, EntryError> {
        let too_long = EntryError::BodyTooLong { got: body.len() };
        header.body_len = u32::try_from(body.len()).map_err(|_| too_long)?;
        if body.len() > limits::MAX_BODY {
            return Err(too_long);
        }
        header.body_hash = Hash::of(&body);
        header.check().map_err(EntryError::Header)?;
        let bytes = codec::to_versioned(&header);
        let signature = signed::sign(domain::sign::ENTRY, &bytes, key);
        Ok(Self {
            hash: name(&bytes, &signature),
            header,
            bytes,
            signature,
            body: Some(body),
        })
    }

    /// The signed header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The exact signed bytes.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature, unchecked.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The body; none when it was purged.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// Which write of which incarnation: its identity, whoever delivers it.
    pub fn id(&self) -> (IncarnationId, u64) {
        (self.header.incarnation, self.header.sequence)
    }

    /// Its name in chains: a hash over header bytes and signature.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        codec::to_bytes(&self.wire(true))
    }

    /// Reads what [`Entry::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_wire(codec::from_canonical(bytes)?)
    }

    /// Header and signature, which outlive the body.
    pub fn head_part(&self) -> Vec<u8> {
        codec::to_bytes(&self.wire(false))
    }

    /// Puts together what [`Entry::head_part`] and [`Entry::body`] took apart.
    pub fn from_parts(head: &[u8], body: Option<Vec<u8>>) -> Result<Self, DecodeError> {
        let wire: EntryWire = codec::from_canonical(head)?;
        if wire.body.is_some() {
            return Err(DecodeError::Impossible("a head part with a body"));
        }
        Self::from_wire(EntryWire {
            body: body.map(ByteVec::from),
            ..wire
        })
    }

    /// The same entry without its body.
    #[must_use]
    pub fn purged(mut self) -> Self {
        self.body = None;
        self
    }

    /// Checks signature, and the body's length and hash if it is there.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Verified<'_>, VerifyError> {
        signed::verify(domain::sign::ENTRY, &self.bytes, &self.signature, key)?;
        self.check_body()?;
        Ok(Verified { entry: self })
    }

    /// Whether the body, if it is there, is the one that the header names.
    pub(crate) fn check_body(&self) -> Result<(), VerifyError> {
        if let Some(body) = &self.body
            && (body.len() != self.header.body_len as usize
                || Hash::of(body) != self.header.body_hash)
        {
            return Err(VerifyError::BodyMismatch);
        }
        Ok(())
    }

    pub(crate) fn wire(&self, with_body: bool) -> EntryWire {
        EntryWire {
            header: self.bytes.clone().into(),
            signature: self.signature,
            body: self.body.clone().filter(|_| with_body).map(ByteVec::from),
        }
    }

    pub(crate) fn from_wire(wire: EntryWire) -> Result<Self, DecodeError> {
        codec::at_most("a header", wire.header.len(), limits::MAX_HEADER)?;
        let body_len = wire.body.as_ref().map_or(0, |body| body.len());
        codec::at_most("a body", body_len, limits::MAX_BODY)?;
        let header: Header = codec::from_versioned(&wire.header)?;
        header.check()?;
        Ok(Self {
            hash: name(&wire.header, &wire.signature),
            header,
            bytes: wire.header.into(),
            signature: wire.signature,
            body: wire.body.map(Vec::from),
        })
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry")
            .field("header", &self.header)
            .field("body", &self.body.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// An entry whose signature and body were checked against a key. Only [`Entry::verify`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    entry: &'a Entry,
}

impl<'a> Verified<'a> {
    /// The entry.
    pub fn entry(self) -> &'a Entry {
        self.entry
    }
}
