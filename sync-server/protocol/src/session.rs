//! The handshake: who is there, and does each side know it from fresh signatures.
//!
//! The device signs the relay's nonce together with its frontiers; the relay signs that signed
//! statement in return. So an attacker between them can replay neither, and "in step" is the
//! relay's signed word about exactly the frontiers that were asked about.

use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::{
    codec::{self, DecodeError},
    domain,
    entry::VerifyError,
    feed::{FeedId, Have},
    frame::Quota,
    head::SignedHead,
    ids::{DeviceId, Hash, InviteId, OrgId},
    keys::{Signature, VerifyKey},
    limits, signed,
};

/// A device signs in and names everything it holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignIn {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// The host it meant to reach.
    #[n(2)]
    pub host: String,
    /// Drawn at random by the device, so that an old [`Welcome`] cannot be played to it again.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Its frontiers, ascending by feed; feeds it holds nothing of may be left out.
    #[n(4)]
    pub have: Vec<Have>,
    /// By the device's key.
    #[n(5)]
    pub signature: Signature,
}

/// A newcomer signs in with its invitation's key: it may read the governance and keys feeds and
/// propose its `AddSeat`. After that it signs in as a device, on the same connection. Whoever has the
/// recovery words and no device any more does the same with the root key, see [`Join::BY_ROOT`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Join {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// The invitation.
    #[n(1)]
    pub invite: InviteId,
    /// The host it meant to reach.
    #[n(2)]
    pub host: String,
    /// Drawn at random.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// How many acts of the governance chain it holds.
    #[n(4)]
    pub have_governance: u32,
    /// By the invitation's key.
    #[n(5)]
    pub signature: Signature,
}

/// The relay's answer to a sign-in or join.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// Relay time, in seconds.
    #[n(0)]
    pub at: i64,
    /// The heads of all readable feeds that do not stand where the device said.
    #[n(1)]
    pub heads: Vec<SignedHead>,
    /// Feeds of which the device holds a position that the relay does not know: the relay was
    /// rolled back, or the device saw another history. The device sends all it has of them.
    #[n(2)]
    pub behind: Vec<FeedId>,
    /// The organisation's space.
    #[n(3)]
    pub quota: Quota,
    /// By the relay's key.
    #[n(4)]
    pub signature: Signature,
}

/// The relay's answer to a `Ping`: what time it is there, and where everything stands that this
/// connection follows. So a device that hears nothing knows whether there is nothing to hear.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Still {
    /// From the question.
    #[n(0)]
    pub n: u64,
    /// Relay time, in seconds.
    #[n(1)]
    pub at: i64,
    /// Where the feeds stand, ascending by feed; empty feeds are left out.
    #[n(2)]
    pub stand: Vec<Have>,
    /// By the relay's key.
    #[n(3)]
    pub signature: Signature,
}

impl Still {
    /// Signs this for the connection that began with the handshake of that name. Fill the rest
    /// first, with [`Signature::NONE`].
    #[must_use]
    pub fn signed(mut self, handshake: &Hash, key: &SigningKey) -> Self {
        let statement = self.statement(handshake);
        self.signature = signed::sign(domain::sign::STILL, &statement, key);
        self
    }

    /// Whether the relay's key signed this, for that connection.
    pub fn verify(&self, handshake: &Hash, key: &VerifyingKey) -> Result<(), VerifyError> {
        let statement = self.statement(handshake);
        signed::verify(domain::sign::STILL, &statement, &self.signature, key)
    }

    fn statement(&self, handshake: &Hash) -> Vec<u8> {
        codec::to_versioned(&(handshake, self.n, self.at, &self.stand))
    }

    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        check_have(&self.stand)
    }
}

impl Join {
    /// Stands in the place of an invitation where the organisation's root key signs.
    pub const BY_ROOT: InviteId = InviteId::from_bytes([0; 16]);
}

impl SignIn {
    /// Signs this for the relay that sent `challenge` and calls itself `relay`. Fill the rest first,
    /// with [`Signature::NONE`].
    #[must_use]
    pub fn signed(mut self, challenge: &[u8; 32], relay: &VerifyKey, key: &SigningKey) -> Self {
        let statement = self.statement(challenge, relay);
        self.signature = signed::sign(domain::sign::SIGN_IN, &statement, key);
        self
    }

    /// Whether the device's key signed this, for this challenge of this relay.
    pub fn verify(
        &self,
        challenge: &[u8; 32],
        relay: &VerifyKey,
        key: &VerifyingKey,
    ) -> Result<(), VerifyError> {
        let statement = self.statement(challenge, relay);
        signed::verify(domain::sign::SIGN_IN, &statement, &self.signature, key)
    }

    /// Names this exact handshake, for [`Welcome::signed`] and [`Welcome::verify`].
    pub fn handshake(&self, challenge: &[u8; 32], relay: &VerifyKey) -> Hash {
        domain::digest(
            domain::hash::HANDSHAKE,
            &[domain::sign::SIGN_IN, &self.statement(challenge, relay)],
        )
    }

    fn statement(&self, challenge: &[u8; 32], relay: &VerifyKey) -> Vec<u8> {
        codec::to_versioned(&(
            minicbor::bytes::ByteArray::from(*challenge),
            relay,
            self.org,
            self.device,
            &self.host,
            minicbor::bytes::ByteArray::from(self.nonce),
            &self.have,
        ))
    }

    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        codec::at_most("a host name", self.host.len(), limits::MAX_ADDRESS)?;
        check_have(&self.have)
    }
}

pub(crate) fn check_have(have: &[Have]) -> Result<(), DecodeError> {
    codec::at_most("a list of feeds", have.len(), limits::MAX_FEEDS)?;
    if have.is_sorted_by(|a, b| a.feed < b.feed) {
        Ok(())
    } else {
        Err(DecodeError::Impossible("feeds out of order or named twice"))
    }
}

impl Join {
    /// Signs this for the relay that sent `challenge` and calls itself `relay`. Fill the rest first,
    /// with [`Signature::NONE`].
    #[must_use]
    pub fn signed(mut self, challenge: &[u8; 32], relay: &VerifyKey, key: &SigningKey) -> Self {
        let statement = self.statement(challenge, relay);
        self.signature = signed::sign(domain::sign::JOIN, &statement, key);
        self
    }

    /// Whether the invitation's key signed this, for this challenge of this relay.
    pub fn verify(
        &self,
        challenge: &[u8; 32],
        relay: &VerifyKey,
        key: &VerifyingKey,
    ) -> Result<(), VerifyError> {
        let statement = self.statement(challenge, relay);
        signed::verify(domain::sign::JOIN, &statement, &self.signature, key)
    }

    /// Names this exact handshake, for [`Welcome::signed`] and [`Welcome::verify`].
    pub fn handshake(&self, challenge: &[u8; 32], relay: &VerifyKey) -> Hash {
        domain::digest(
            domain::hash::HANDSHAKE,
            &[domain::sign::JOIN, &self.statement(challenge, relay)],
        )
    }

    fn statement(&self, challenge: &[u8; 32], relay: &VerifyKey) -> Vec<u8> {
        codec::to_versioned(&(
            minicbor::bytes::ByteArray::from(*challenge),
            relay,
            self.org,
            self.invite,
            &self.host,
            minicbor::bytes::ByteArray::from(self.nonce),
            self.have_governance,
        ))
    }

    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        codec::at_most("a host name", self.host.len(), limits::MAX_ADDRESS)
    }
}

impl Welcome {
    /// Signs this as the answer to the handshake of that name. Fill the rest first, with
    /// [`Signature::NONE`].
    #[must_use]
    pub fn signed(mut self, handshake: &Hash, key: &SigningKey) -> Self {
        let statement = self.statement(handshake);
        self.signature = signed::sign(domain::sign::WELCOME, &statement, key);
        self
    }

    /// Whether the relay's key signed this, as the answer to that handshake.
    pub fn verify(&self, handshake: &Hash, key: &VerifyingKey) -> Result<(), VerifyError> {
        let statement = self.statement(handshake);
        signed::verify(domain::sign::WELCOME, &statement, &self.signature, key)
    }

    fn statement(&self, handshake: &Hash) -> Vec<u8> {
        codec::to_versioned(&(handshake, self.at, &self.heads, &self.behind, self.quota))
    }

    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        codec::at_most("a list of feeds", self.heads.len(), limits::MAX_FEEDS)?;
        codec::at_most("a list of feeds", self.behind.len(), limits::MAX_FEEDS)
    }
}
