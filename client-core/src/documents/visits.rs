//! Who comes for what: one week of one site.
//!
//! The document holds, by appointment, up to three parts (who and what for, a note, a title), each
//! sealed under the client's key or, where there is no client, under the compartment's. Parts are
//! registers of their own, so that a new note and a new pet do not meet. Reasons for cancelling,
//! double booking and deciding are only ever added.

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{AppointmentId, DecisionId, ids};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use schedule::{CheckedChange, Hlc, HostileChange, NewChange, Received, WeekKey};
use sync_protocol::KeyId;

use super::{
    code,
    practice::sixteen,
    registers::{DocumentError, Layout, Registers},
};
use crate::{
    catalogue::{ClientId, PetId, ServiceId},
    sealing::{ContentKey, OpenError, SealError, open_blob, seal_blob},
};

const DETAILS: usize = 0;
const REASONS: usize = 1;
const USAGE: &str = "daybook visit v1";

static LAYOUT: Layout = Layout {
    domain: "daybook visits genesis v1",
    containers: &["details", "reasons"],
};

/// A part of a visit's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Client, pets, service: [`Who`].
    Who,
    /// A note.
    Note,
    /// The title of a block.
    Title,
}

/// What a reason is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A visit that was cancelled or double booked.
    Claim(AppointmentId),
    /// A decision.
    Decision(DecisionId),
}

/// For whom, and what is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Who {
    /// Who pays.
    #[n(0)]
    pub client: Option<ClientId>,
    /// Who is treated.
    #[n(1)]
    pub pets: Vec<PetId>,
    /// What is done.
    #[n(2)]
    pub service: Option<ServiceId>,
}

/// A sealed part, and the key that opens it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sealed {
    /// Which key.
    pub key: KeyId,
    /// The sealed bytes.
    pub blob: Vec<u8>,
}

/// A reason as it stands in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedReason {
    /// When it was given.
    pub clock: Hlc,
    /// What was said.
    pub sealed: Sealed,
}

#[derive(Encode, Decode)]
struct Wire<'a>(
    #[n(0)] KeyId,
    #[cbor(n(1), with = "minicbor::bytes")] &'a [u8],
);

impl Part {
    const ALL: [Self; 3] = [Self::Who, Self::Note, Self::Title];

    /// The appointment and part of a key of the document.
    pub(crate) fn parse(key: &str) -> Option<(AppointmentId, Self)> {
        let (id, field) = key.split_once('.')?;
        let part = Self::ALL.into_iter().find(|part| part.field() == field)?;
        Some((AppointmentId::from_bytes(sixteen(id)?), part))
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Who => "who",
            Self::Note => "note",
            Self::Title => "title",
        }
    }
}

impl About {
    fn field(self) -> String {
        match self {
            Self::Claim(id) => format!("apt.{}", ids::hex(id.to_bytes())),
            Self::Decision(id) => format!("dec.{}", ids::hex(id.to_bytes())),
        }
    }

    /// Whether a key of the document is a reason's.
    pub(crate) fn is_key(key: &str) -> bool {
        let about = key.rsplit_once('.').map(|(about, _)| about);
        about.and_then(Self::parse).is_some()
    }

    pub(crate) fn parse(field: &str) -> Option<Self> {
        let (kind, id) = field.split_once('.')?;
        match kind {
            "apt" => Some(Self::Claim(AppointmentId::from_bytes(sixteen(id)?))),
            "dec" => Some(Self::Decision(DecisionId::from_bytes(sixteen(id)?))),
            _ => None,
        }
    }
}

/// Binds a blob to where it stands: nobody can pass one visit's note off as another's.
fn place(week: WeekKey, field: &str) -> Vec<u8> {
    [week.to_bytes().as_slice(), field.as_bytes()].concat()
}

fn part_field(appointment: AppointmentId, part: Part) -> String {
    format!("{}.{}", ids::hex(appointment.to_bytes()), part.field())
}

impl Sealed {
    fn seal(
        rng: &mut impl CryptoRng,
        key: ContentKey<'_>,
        week: WeekKey,
        field: &str,
        plain: &[u8],
    ) -> Result<Self, SealError> {
        Ok(Self {
            key: key.id(),
            blob: seal_blob(rng, key, USAGE, &place(week, field), plain)?,
        })
    }

    fn open(&self, key: ContentKey<'_>, week: WeekKey, field: &str) -> Result<Vec<u8>, OpenError> {
        open_blob(key, USAGE, &place(week, field), &self.blob).map(|plain| plain.to_vec())
    }

    /// Seals for whom and what for.
    pub fn who(
        rng: &mut impl CryptoRng,
        key: ContentKey<'_>,
        week: WeekKey,
        appointment: AppointmentId,
        who: &Who,
    ) -> Result<Self, SealError> {
        let field = part_field(appointment, Part::Who);
        Self::seal(rng, key, week, &field, &code::write(who))
    }

    /// Seals a note or a title.
    pub fn text(
        rng: &mut impl CryptoRng,
        key: ContentKey<'_>,
        week: WeekKey,
        appointment: AppointmentId,
        part: Part,
        text: &str,
    ) -> Result<Self, SealError> {
        let field = part_field(appointment, part);
        Self::seal(rng, key, week, &field, &code::write(text))
    }

    /// Seals a reason.
    pub fn reason(
        rng: &mut impl CryptoRng,
        key: ContentKey<'_>,
        week: WeekKey,
        about: About,
        reason: &str,
    ) -> Result<Self, SealError> {
        Self::seal(rng, key, week, &about.field(), &code::write(reason))
    }

    /// Opens what [`Sealed::who`] sealed; `None` also when it is no such thing.
    pub fn open_who(
        &self,
        key: ContentKey<'_>,
        week: WeekKey,
        appointment: AppointmentId,
    ) -> Option<Who> {
        let plain = self.open(key, week, &part_field(appointment, Part::Who));
        code::read(&plain.ok()?)
    }

    /// Opens what [`Sealed::text`] sealed.
    pub fn open_text(
        &self,
        key: ContentKey<'_>,
        week: WeekKey,
        appointment: AppointmentId,
        part: Part,
    ) -> Option<String> {
        let plain = self.open(key, week, &part_field(appointment, part));
        code::read(&plain.ok()?)
    }

    /// Opens what [`Sealed::reason`] sealed.
    pub fn open_reason(&self, key: ContentKey<'_>, week: WeekKey, about: About) -> Option<String> {
        let plain = self.open(key, week, &about.field());
        code::read(&plain.ok()?)
    }

    fn encode(&self) -> Vec<u8> {
        code::write(Wire(self.key, &self.blob))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let Wire(key, blob) = code::read(bytes)?;
        let blob = blob.to_vec();
        Some(Self { key, blob })
    }
}

/// A visits document.
#[derive(Debug, Clone)]
pub struct VisitsWeek {
    key: WeekKey,
    registers: Registers,
}

impl VisitsWeek {
    /// The document as it begins: the same bytes on every replica.
    pub fn genesis(key: WeekKey) -> Result<Self, DocumentError> {
        let registers = Registers::genesis(&LAYOUT, &key.to_bytes())?;
        Ok(Self { key, registers })
    }

    /// The site and week.
    pub const fn key(&self) -> WeekKey {
        self.key
    }

    /// Sets a part of a visit's details.
    pub fn put_details(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        appointment: AppointmentId,
        part: Part,
        sealed: &Sealed,
    ) -> Result<Option<NewChange>, DocumentError> {
        let put = (DETAILS, part_field(appointment, part), sealed.encode());
        self.registers.write(actor, clock, &[put])
    }

    /// Sets several parts in one change.
    pub fn put_all_details(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        appointment: AppointmentId,
        parts: &[(Part, Sealed)],
    ) -> Result<Option<NewChange>, DocumentError> {
        let puts: Vec<_> = parts
            .iter()
            .map(|(part, sealed)| (DETAILS, part_field(appointment, *part), sealed.encode()))
            .collect();
        self.registers.write(actor, clock, &puts)
    }

    /// Adds a reason.
    pub fn add_reason(
        &mut self,
        actor: [u8; 16],
        clock: Hlc,
        about: About,
        sealed: &Sealed,
    ) -> Result<Option<NewChange>, DocumentError> {
        // Each under a key of its own: reasons do not replace each other.
        let digest = blake3::hash(&sealed.blob).to_hex();
        let key = format!("{}.{}", about.field(), digest.get(..16).unwrap_or_default());
        self.registers
            .write(actor, clock, &[(REASONS, key, sealed.encode())])
    }

    /// A part as it stands, the most recent first; more than one after concurrent edits.
    pub fn details(&self, appointment: AppointmentId, part: Part) -> Vec<Sealed> {
        let standing = self
            .registers
            .standing(DETAILS, &part_field(appointment, part));
        standing
            .iter()
            .filter_map(|value| Sealed::decode(&value.payload))
            .collect()
    }

    /// Everything said about visits of this week, the most recent first.
    pub fn all_details(&self) -> BTreeMap<(AppointmentId, Part), Vec<Sealed>> {
        let entries = self.registers.entries(DETAILS).into_iter();
        entries
            .filter_map(|(key, standing)| {
                let (id, part) = Part::parse(&key)?;
                let sealed: Vec<Sealed> = standing
                    .iter()
                    .filter_map(|value| Sealed::decode(&value.payload))
                    .collect();
                (!sealed.is_empty()).then_some(((id, part), sealed))
            })
            .collect()
    }

    /// All reasons, oldest first.
    pub fn reasons(&self) -> BTreeMap<About, Vec<SealedReason>> {
        let mut reasons: BTreeMap<About, Vec<SealedReason>> = BTreeMap::new();
        for (key, standing) in self.registers.entries(REASONS) {
            let about = key
                .rsplit_once('.')
                .and_then(|(about, _)| About::parse(about));
            let Some(about) = about else { continue };
            for value in standing {
                if let Some(sealed) = Sealed::decode(&value.payload) {
                    let clock = value.clock;
                    reasons
                        .entry(about)
                        .or_default()
                        .push(SealedReason { clock, sealed });
                }
            }
        }
        for given in reasons.values_mut() {
            given.sort_by(|a, b| (a.clock, &a.sealed).cmp(&(b.clock, &b.sealed)));
        }
        reasons
    }

    /// A part of a visit's details when these were the latest changes.
    pub(crate) fn details_at(
        &self,
        appointment: AppointmentId,
        part: Part,
        heads: &[[u8; 32]],
    ) -> Option<Sealed> {
        let key = part_field(appointment, part);
        let standing = self.registers.at(DETAILS, &key, heads);
        Sealed::decode(&standing.first()?.payload)
    }

    /// The reason that a change wrote under this key, and what for.
    pub(crate) fn reason_at(&self, key: &str, heads: &[[u8; 32]]) -> Option<(About, Sealed)> {
        let about = About::parse(key.rsplit_once('.')?.0)?;
        let standing = self.registers.at(REASONS, key, heads);
        Some((about, Sealed::decode(&standing.first()?.payload)?))
    }

    /// Takes in changes that have passed [`schedule::safety::check`], all or none.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.registers.receive(changes)
    }

    /// From now on reads as if these changes had written nothing.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.registers.mask(changes);
    }

    /// Hashes of the latest changes, sorted; empty as long as nothing was written.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.registers.heads()
    }

    /// Whether this change is in the document.
    pub fn holds(&self, hash: [u8; 32]) -> bool {
        self.registers.holds(hash)
    }
}
