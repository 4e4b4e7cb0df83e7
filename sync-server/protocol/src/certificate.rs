//! A certificate of an erasure: proof for somebody who trusts neither relay nor devices.
//!
//! It holds the whole chain of acts from the genesis on, the receipts of the devices that did what
//! the erasure asks, and the devices that are still to come. So whoever checks it needs nothing but
//! the file, and the genesis hash to compare with what the practice says of itself.
//!
//! What always holds: one bit changed anywhere, and it is refused. Start with [`Certified::check`].
//!
//! ```text
//! "Daybook erasure certificate 0" newline, then lines of 64 hexadecimal digits:
//! [acts: [* bytes], receipts: [* bytes], out: [* [device, ? last seen]], [statement, signature]]
//! ```

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use minicbor::{Decode, Encode, bytes::ByteVec};

use crate::{
    Acceptance, Basis, DecodeError, ErasureReceipt, FeedId, Governance, GovernanceError,
    SigningKey, accept, codec, domain,
    entry::Entry,
    governance::SignedAct,
    ids::{DeviceId, ErasureId, Hash, OrgId, SeatId},
    signed::{Signed, Statement},
};

/// The first line.
const TITLE: &str = "Daybook erasure certificate 0";
/// Digits in a line.
const LINE: usize = 64;

/// What whoever made the certificate signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Certificate {
    /// The organisation.
    #[n(0)]
    pub org: OrgId,
    /// Which erasure.
    #[n(1)]
    pub erasure: ErasureId,
    /// Who made it.
    #[n(2)]
    pub by: SeatId,
    /// When, in seconds.
    #[n(3)]
    pub at: i64,
    /// Hash of the rest.
    #[n(4)]
    pub content: Hash,
}

impl Statement for Certificate {
    const DOMAIN: &'static [u8] = domain::sign::CERTIFICATE;
    const HASH_CONTEXT: &'static str = domain::hash::CERTIFICATE;

    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// What a certificate holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Content {
    #[n(0)]
    acts: Vec<ByteVec>,
    #[n(1)]
    receipts: Vec<ByteVec>,
    #[n(2)]
    out: Vec<Out>,
}

/// A device that has given no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Out {
    #[n(0)]
    device: DeviceId,
    #[n(1)]
    last_seen: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct File {
    #[n(0)]
    acts: Vec<ByteVec>,
    #[n(1)]
    receipts: Vec<ByteVec>,
    #[n(2)]
    out: Vec<Out>,
    #[n(3)]
    signed: Signed<Certificate>,
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not the text of a certificate of this version.
    #[error("line {0} is not of a certificate of this version")]
    Text(usize),
    /// Its bytes cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Bytes(#[from] DecodeError),
    /// An act does not follow on those before it.
    #[error("act {at} does not hold: {source}")]
    Act {
        /// Its place.
        at: usize,
        /// Why.
        source: GovernanceError,
    },
    /// An act is not readable.
    #[error("act {at} cannot be read: {source}")]
    ActBytes {
        /// Its place.
        at: usize,
        /// Why.
        source: DecodeError,
    },
    /// It is of another practice than its chain.
    #[error("the chain is another practice's")]
    WrongOrganisation,
    /// Not signed by the member of staff that it names.
    #[error("the certificate is not signed by whom it names, or not as it stands here")]
    BadSignature,
    /// The chain has no such erasure.
    #[error("the chain does not hold this erasure")]
    NoErasure,
    /// A receipt is not a device's word on this erasure.
    #[error("receipt {0} does not hold")]
    Receipt(usize),
    /// The devices still to come are not those without a receipt.
    #[error("the list of devices still to come is not right")]
    Devices,
}

/// What a certificate proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The hash of the practice's first act.
    pub genesis: Hash,
    /// What was signed.
    pub statement: Certificate,
    /// Why it was erased.
    pub basis: Basis,
    /// When, by its author's clock.
    pub at: i64,
    /// How many keys were destroyed.
    pub keys: usize,
    /// Which devices have done it, and when by their clocks.
    pub done: BTreeMap<DeviceId, i64>,
    /// Which have not, and when they were last heard of as far as the maker knew.
    pub out: BTreeMap<DeviceId, Option<i64>>,
}

impl Content {
    /// What a certificate is made of; `last_seen` is asked about devices without a receipt.
    pub fn new(
        governance: &Governance,
        erasure: ErasureId,
        acts: &[SignedAct],
        receipts: &[Entry],
        last_seen: impl Fn(DeviceId) -> Option<i64>,
    ) -> Self {
        let mut missing = expected(governance, erasure);
        missing.retain(|device| !receipts.iter().any(|one| one.header().device == *device));
        let out = missing.into_iter().map(|device| Out {
            device,
            last_seen: last_seen(device),
        });
        Self {
            acts: acts.iter().map(|act| act.encode().into()).collect(),
            receipts: receipts.iter().map(|one| one.encode().into()).collect(),
            out: out.collect(),
        }
    }

    fn hash(&self) -> Hash {
        let bytes = codec::to_bytes(self);
        domain::digest(domain::hash::CERTIFICATE_CONTENT, &[&bytes])
    }

    /// The file, signed by a member of staff.
    pub fn signed(
        self,
        org: OrgId,
        erasure: ErasureId,
        by: SeatId,
        at: i64,
        key: &SigningKey,
    ) -> Result<String, DecodeError> {
        let content = self.hash();
        let statement = Certificate {
            org,
            erasure,
            by,
            at,
            content,
        };
        Ok(self.text_with(Signed::sign(statement, key)?))
    }

    fn text_with(self, signed: Signed<Certificate>) -> String {
        let file = File {
            acts: self.acts,
            receipts: self.receipts,
            out: self.out,
            signed,
        };
        let digits = HEXLOWER.encode(&codec::to_bytes(&file));
        let mut text = format!("{TITLE}\n");
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && at % LINE == 0 {
                text.push('\n');
            }
            text.push(digit);
        }
        text.push('\n');
        text
    }
}

/// The devices that had a seat when the last act of an erasure was made, and were not removed
/// since.
fn expected(governance: &Governance, erasure: ErasureId) -> Vec<DeviceId> {
    let state = governance.erased().erasure(erasure);
    let Some(height) = state.and_then(|state| state.heights.last().copied()) else {
        return Vec::new();
    };
    let devices = governance.devices().map(|(id, _)| id);
    let had = |device: &DeviceId| {
        governance
            .seats_on(*device)
            .any(|(_, seat)| seat.added() <= height)
    };
    devices.filter(had).collect()
}

/// The first line in which two texts differ.
fn differs(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    let lines = one.split('\n').zip(other.split('\n'));
    let same = lines.take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

fn read(text: &str) -> Result<Vec<u8>, CertificateError> {
    let mut lines = text.split('\n').enumerate();
    if lines.next().is_none_or(|(_, line)| line != TITLE) {
        return Err(CertificateError::Text(1));
    }
    let mut bytes = Vec::new();
    for (at, line) in lines {
        match HEXLOWER.decode(line.as_bytes()) {
            Ok(mut part) => bytes.append(&mut part),
            Err(_) => return Err(CertificateError::Text(at + 1)),
        }
    }
    Ok(bytes)
}

impl Certified {
    /// Checks a certificate whole; nothing of it is believed before.
    pub fn check(file: &str) -> Result<Self, CertificateError> {
        let parsed: File = codec::from_canonical(&read(file)?)?;
        let File {
            acts,
            receipts,
            out,
            signed,
        } = parsed;
        let content = Content {
            acts,
            receipts,
            out,
        };
        let governance = folded(&content.acts)?;
        let statement = *signed.value();
        if statement.org != governance.org() {
            return Err(CertificateError::WrongOrganisation);
        }
        let by = governance.seat(statement.by);
        let good = by.is_some_and(|seat| signed.verify(seat.key()).is_ok());
        let erasure = statement.erasure;
        let state = governance.erased().erasure(erasure);
        let state = state.ok_or(CertificateError::NoErasure)?;
        let last = state.heights.last().copied().unwrap_or_default();
        let mut done = BTreeMap::new();
        for (at, bytes) in content.receipts.iter().enumerate() {
            let (device, when) =
                receipt(bytes, &governance, erasure, last).ok_or(CertificateError::Receipt(at))?;
            done.insert(device, when);
        }
        if !good || statement.content != content.hash() {
            return Err(CertificateError::BadSignature);
        }
        let mut missing = expected(&governance, erasure);
        missing.retain(|device| !done.contains_key(device));
        if !missing.iter().eq(content.out.iter().map(|out| &out.device)) {
            return Err(CertificateError::Devices);
        }
        let devices = content.out.iter();
        let devices = devices.map(|out| (out.device, out.last_seen)).collect();
        // The same bytes spelled in another way would be a second file with one meaning.
        let again = content.text_with(signed);
        if let Some(at) = differs(&again, file) {
            return Err(CertificateError::Text(at));
        }
        Ok(Self {
            genesis: governance.genesis(),
            statement,
            basis: state.basis,
            at: state.at,
            keys: state.keys,
            done,
            out: devices,
        })
    }
}

fn folded(acts: &[ByteVec]) -> Result<Governance, CertificateError> {
    let mut chain: Option<Governance> = None;
    for (at, bytes) in acts.iter().enumerate() {
        let act =
            SignedAct::decode(bytes).map_err(|source| CertificateError::ActBytes { at, source })?;
        let held = match &mut chain {
            None => Governance::found(&act).map(|first| chain = Some(first)),
            Some(chain) => chain.apply(&act),
        };
        held.map_err(|source| CertificateError::Act { at, source })?;
    }
    chain.ok_or(CertificateError::NoErasure)
}

fn receipt(
    bytes: &[u8],
    governance: &Governance,
    erasure: ErasureId,
    last: u32,
) -> Option<(DeviceId, i64)> {
    let entry = Entry::decode(bytes).ok()?;
    let word = ErasureReceipt::decode(entry.body()?)?;
    let good = entry.header().feed == FeedId::Keys
        && accept(&entry, governance) == Acceptance::Accept
        && word.erasure == erasure
        && word.height >= last;
    good.then_some((entry.header().device, word.at))
}
