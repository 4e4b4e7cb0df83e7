//! What is inside a sealed entry.
//!
//! ```text
//! body   = [0, target, intent, [+ bytes]]
//! target = [0] practice / [1, bytes .size 19] week of visits / [2, id] client / [3, id] pet
//!        / [4, 0 client or 1 pet, id, 0 handling, 1 clinical, 2 grooming or 3 payments] card
//!        / [5, 0 client or 1 pet, id] who opened the clinical card
//! intent = [[millis: int, counter: uint], source: uint, seat, request: bytes .size 16, client time: int]
//! ```
//! Bytes that would be written differently are refused.

use conflict_rules::Source;
use jiff::Timestamp;
use minicbor::{Decoder, Encoder};
use schedule::{Hlc, MAX_CHANGES, WeekKey};
use sync_protocol::{DocumentId, FeedId, OrgId, SeatId, Site};

use super::{card::CardId, record::Subject};
use crate::{
    catalogue::{CardKind, ClientId, PetId},
    sealing::{Compartment, MAX_PLAIN},
};

const VERSION: u8 = 1;

/// Which document a sealed entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// What the practice is set up with.
    Practice,
    /// Who comes for what, one week of one site.
    Visits(WeekKey),
    /// A client.
    Client(ClientId),
    /// A pet.
    Pet(PetId),
    /// Notes about a client or pet.
    Card(CardId),
    /// Who opened the clinical card of a client or pet.
    Access(Subject),
}

/// Why something is written, by whom, for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// When, by its author's hybrid clock.
    pub clock: Hlc,
    /// Who wrote it.
    pub source: Source,
    /// The acting seat.
    pub seat: SeatId,
    /// Random and the same when the intent is sent again.
    pub request: [u8; 16],
    /// What the author's own clock showed.
    pub client_time: Timestamp,
}

/// What a sealed entry carries, before it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateBody {
    /// The document.
    pub target: Target,
    /// What for.
    pub intent: Intent,
    /// Change chunks, parents first.
    pub changes: Vec<Vec<u8>>,
}

/// Why a body cannot be read, or would not be read by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivateBodyError {
    /// Written by a newer program.
    #[error("body version {0} is newer than this program")]
    NewerVersion(u8),
    /// More than an entry carries.
    #[error("what was entered is too long to be saved in one piece")]
    TooLarge,
    /// None, or more than [`MAX_CHANGES`].
    #[error("a body has 1 to {MAX_CHANGES} changes")]
    ChangeCount,
    /// Not CBOR of this form.
    #[error("not a body this program can read")]
    Malformed,
}

impl From<minicbor::decode::Error> for PrivateBodyError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

impl Target {
    /// The document's id, the same on every replica.
    pub fn document_id(self, org: OrgId) -> DocumentId {
        let mut hasher = blake3::Hasher::new_derive_key("daybook private document v1");
        hasher.update(org.as_bytes()).update(&self.name());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        DocumentId::from_bytes(id)
    }

    /// The feed its entries belong to.
    pub const fn feed(self) -> FeedId {
        match self {
            Self::Practice => FeedId::Practice,
            Self::Visits(week) => FeedId::Visits(Site::from_bytes(week.location.to_bytes())),
            Self::Client(_) | Self::Pet(_) => FeedId::Contact,
            Self::Card(card) => card.kind.feed(),
            Self::Access(_) => CardKind::Clinical.feed(),
        }
    }

    /// Whose keys seal it.
    pub const fn compartment(self) -> Compartment {
        match self {
            Self::Practice => Compartment::Practice,
            Self::Visits(_) => Compartment::Visits,
            Self::Client(_) | Self::Pet(_) => Compartment::Contact,
            Self::Card(card) => card.kind.compartment(),
            Self::Access(_) => CardKind::Clinical.compartment(),
        }
    }

    /// Whose record it is; its entries are sealed under the subject's key.
    pub const fn subject(self) -> Option<Subject> {
        match self {
            Self::Practice | Self::Visits(_) => None,
            Self::Client(client) => Some(Subject::Client(client)),
            Self::Pet(pet) => Some(Subject::Pet(pet)),
            Self::Card(card) => Some(card.subject),
            Self::Access(subject) => Some(subject),
        }
    }

    fn name(self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        // Writing to memory cannot fail.
        let _ = self.encode(&mut e);
        e.into_writer()
    }

    fn encode<W: minicbor::encode::Write>(
        self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Practice => e.array(1)?.u8(0)?,
            Self::Visits(week) => e.array(2)?.u8(1)?.bytes(&week.to_bytes())?,
            Self::Client(client) => e.array(2)?.u8(2)?.encode(client)?,
            Self::Pet(pet) => e.array(2)?.u8(3)?.encode(pet)?,
            Self::Card(CardId { subject, kind }) => {
                let e = e.array(4)?.u8(4)?;
                let e = match subject {
                    Subject::Client(client) => e.u8(0)?.encode(client)?,
                    Subject::Pet(pet) => e.u8(1)?.encode(pet)?,
                };
                e.u8(write_kind(kind))?
            }
            Self::Access(subject) => {
                let e = e.array(3)?.u8(5)?;
                match subject {
                    Subject::Client(client) => e.u8(0)?.encode(client)?,
                    Subject::Pet(pet) => e.u8(1)?.encode(pet)?,
                }
            }
        };
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, PrivateBodyError> {
        let length = d.array()?;
        match (d.u8()?, length) {
            (0, Some(1)) => Ok(Self::Practice),
            (1, Some(2)) => WeekKey::from_bytes(d.bytes()?)
                .map(Self::Visits)
                .map_err(|_| PrivateBodyError::Malformed),
            (2, Some(2)) => Ok(Self::Client(d.decode()?)),
            (3, Some(2)) => Ok(Self::Pet(d.decode()?)),
            (4, Some(4)) => {
                let subject = match d.u8()? {
                    0 => Subject::Client(d.decode()?),
                    1 => Subject::Pet(d.decode()?),
                    _ => return Err(PrivateBodyError::Malformed),
                };
                let kind = read_kind(d.u8()?).ok_or(PrivateBodyError::Malformed)?;
                Ok(Self::Card(CardId { subject, kind }))
            }
            (5, Some(3)) => match d.u8()? {
                0 => Ok(Self::Access(Subject::Client(d.decode()?))),
                1 => Ok(Self::Access(Subject::Pet(d.decode()?))),
                _ => Err(PrivateBodyError::Malformed),
            },
            _ => Err(PrivateBodyError::Malformed),
        }
    }
}

const fn write_kind(kind: CardKind) -> u8 {
    match kind {
        CardKind::Handling => 0,
        CardKind::Clinical => 1,
        CardKind::Grooming => 2,
        CardKind::Payments => 3,
    }
}

fn read_kind(number: u8) -> Option<CardKind> {
    let mut kinds = CardKind::ALL.into_iter();
    kinds.find(|kind| write_kind(*kind) == number)
}

const fn write_source(source: Source) -> u8 {
    match source {
        Source::Import => 0,
        Source::Api => 1,
        Source::Account => 2,
        Source::Desk => 3,
    }
}

const fn read_source(number: u8) -> Option<Source> {
    match number {
        0 => Some(Source::Import),
        1 => Some(Source::Api),
        2 => Some(Source::Account),
        3 => Some(Source::Desk),
        _ => None,
    }
}

impl PrivateBody {
    /// Its bytes, within the limits.
    pub fn encode(&self) -> Result<Vec<u8>, PrivateBodyError> {
        if self.changes.is_empty() || self.changes.len() > MAX_CHANGES {
            return Err(PrivateBodyError::ChangeCount);
        }
        let mut e = Encoder::new(Vec::new());
        self.write(&mut e)
            .map_err(|_| PrivateBodyError::Malformed)?;
        let bytes = e.into_writer();
        if bytes.len() > MAX_PLAIN {
            return Err(PrivateBodyError::TooLarge);
        }
        Ok(bytes)
    }

    fn write<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(4)?.u8(VERSION)?;
        self.target.encode(e)?;
        let intent = &self.intent;
        e.array(5)?
            .array(2)?
            .i64(intent.clock.millis)?
            .u32(intent.clock.counter)?
            .u8(write_source(intent.source))?
            .bytes(intent.seat.as_bytes())?
            .bytes(&intent.request)?
            .i64(intent.client_time.as_millisecond())?;
        e.array(self.changes.len() as u64)?;
        self.changes
            .iter()
            .try_for_each(|change| e.bytes(change)?.ok())
    }

    /// Reads any bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, PrivateBodyError> {
        if bytes.len() > MAX_PLAIN {
            return Err(PrivateBodyError::TooLarge);
        }
        let mut d = Decoder::new(bytes);
        let length = d.array()?;
        let version = d.u8()?;
        if version > VERSION {
            return Err(PrivateBodyError::NewerVersion(version));
        }
        if version < VERSION {
            return Err(PrivateBodyError::Malformed);
        }
        if length != Some(4) {
            return Err(PrivateBodyError::Malformed);
        }
        let target = Target::decode(&mut d)?;
        if d.array()? != Some(5) || d.array()? != Some(2) {
            return Err(PrivateBodyError::Malformed);
        }
        let sixteen = |bytes: &[u8]| bytes.try_into().map_err(|_| PrivateBodyError::Malformed);
        let intent = Intent {
            clock: Hlc {
                millis: d.i64()?,
                counter: d.u32()?,
            },
            source: read_source(d.u8()?).ok_or(PrivateBodyError::Malformed)?,
            seat: SeatId::from_bytes(sixteen(d.bytes()?)?),
            request: sixteen(d.bytes()?)?,
            client_time: Timestamp::from_millisecond(d.i64()?)
                .map_err(|_| PrivateBodyError::Malformed)?,
        };
        let count = d.array()?.and_then(|count| usize::try_from(count).ok());
        let count = count
            .filter(|count| (1..=MAX_CHANGES).contains(count))
            .ok_or(PrivateBodyError::ChangeCount)?;
        let changes = (0..count)
            .map(|_| d.bytes().map(<[u8]>::to_vec))
            .collect::<Result<_, _>>()?;
        let body = Self {
            target,
            intent,
            changes,
        };
        if body.encode()? == bytes {
            Ok(body)
        } else {
            Err(PrivateBodyError::Malformed)
        }
    }
}
