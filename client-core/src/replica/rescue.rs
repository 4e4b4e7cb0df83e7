//! The way back with the recovery words alone: every device is lost and the relay is there.
//!
//! ```text
//!  words ─> joining() as the root key ─> Ready{acts, keys} ─> add_seat, by the root key ─> finish ─> Replica
//! ```
//! The genesis names root and recovery key, so nobody but the holder of the words made it: that is
//! what ties an unknown relay's chain to the paper. Before anything is proposed, the recovery key must
//! have opened an owner's keys. A relay that hides acts which the kit knew is found out by the act that
//! stands on the kit; one that hides acts and rows that are newer is not: the next device that comes
//! back does that.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "faults that need no words of their own share those of joining"
)]

use std::collections::{BTreeMap, BTreeSet};

use entry_log::Storage;
use jiff::Timestamp;
use rand_core::CryptoRng;
use sync_protocol::{
    Acceptance, Act, Author, DeviceGrant, DeviceId, Entry, ErrorCode as WireCode, FeedId,
    Governance, Item, Join, KeyId, OrgId, Role, SealKey, SeatGrant, SeatId, SignedAct, SigningKey,
    VerifyKey, What, accept,
};

use super::{
    Replica, face, internal, new_incarnation, random, refusal_of_join,
    renewal::{if_replaced, replaced_words},
};
use crate::{
    catalogue::{ErrorCode, LostDevice, Refusal},
    ledger::Ledger,
    sealing::{
        Anchor, Compartment, DeviceSecrets, HomeSecrets, KeyRing, KeyRow, KitError, Member,
        RootSecret, RowAuthor, SeatSecrets, decode_rows,
    },
    session::Joining,
};

/// Somebody who has the words and no device.
#[derive(Debug)]
pub struct Rescuer {
    root: RootSecret,
    anchor: Option<Anchor>,
    org: OrgId,
    relay: VerifyKey,
    address: String,
    device: DeviceId,
    seat: SeatId,
    secrets: HomeSecrets,
    keys: Vec<Entry>,
}

/// Plain words for what is wrong with recovery words.
pub fn refusal_of_kit(error: KitError) -> Refusal {
    let code = match error {
        KitError::NewerVersion => ErrorCode::NewerVersion,
        KitError::Words(_) | KitError::Malformed => ErrorCode::WrongRecoveryWords,
    };
    let mut text = error.to_string();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    let help = match error {
        KitError::NewerVersion => "Install the newer version of Daybook.",
        KitError::Words(_) | KitError::Malformed => {
            "Compare each word with the paper; order matters."
        }
    };
    Refusal::new(code, format!("{text}."), help).at("words")
}

/// The words are words, and not this practice's.
pub fn foreign_words() -> Refusal {
    Refusal::new(
        ErrorCode::WrongRecoveryWords,
        "These words belong to another practice, or one is wrong.",
        "Compare each word with the paper; order matters.",
    )
    .at("words")
}

/// What the relay said to somebody who came with the words.
pub fn refusal_of_rescue(code: WireCode, detail: &str) -> Refusal {
    match code {
        WireCode::BadSignature => foreign_words(),
        WireCode::ReplacedWords => {
            // The relay's word: who has old words is shown nothing that is signed.
            let day = detail.rsplit(' ').next();
            let day = day.filter(|day| day.parse::<jiff::civil::Date>().is_ok());
            replaced_words(day)
        }
        WireCode::UnknownOrganisation => Refusal::new(
            ErrorCode::NotFound,
            "The relay knows no practice of this id.",
            "Compare the id with the paper, letter by letter. If the relay lost its data too, the way \
             back is a backup file: daybook restore.",
        )
        .at("organisation"),
        WireCode::WrongRelay => Refusal::new(
            ErrorCode::WrongRelay,
            "The relay at this address shows another key than the one that was given.",
            "Compare address and key with the paper. If the relay was replaced after the paper was \
             printed, ask its operator for the key (sync-server key).",
        )
        .at("relay_key"),
        other => refusal_of_join(other),
    }
}

impl Rescuer {
    /// Makes the keys of a new device and seat.
    pub fn new(
        rng: &mut impl CryptoRng,
        root: RootSecret,
        anchor: Option<Anchor>,
        org: OrgId,
        relay: VerifyKey,
        address: String,
    ) -> Self {
        let device = DeviceId::from_bytes(random(rng));
        let seat = SeatId::from_bytes(random(rng));
        let (device_secrets, seat_secrets) =
            (DeviceSecrets::generate(rng), SeatSecrets::generate(rng));
        let secrets = HomeSecrets::new(rng, device_secrets, seat, seat_secrets);
        Self {
            root,
            anchor,
            org,
            relay,
            address,
            device,
            seat,
            secrets,
            keys: Vec::new(),
        }
    }

    /// The conversation with the relay.
    pub fn joining(&self) -> Joining {
        Joining::new(
            self.org,
            Join::BY_ROOT,
            None,
            self.relay,
            self.address.clone(),
        )
    }

    /// The root key.
    pub fn key(&self) -> SigningKey {
        self.root.signing_key()
    }

    /// What the home must keep from now on.
    pub const fn secrets(&self) -> &HomeSecrets {
        &self.secrets
    }

    /// What else opens the new home: the key of the words.
    pub fn recovery(&self) -> SealKey {
        self.root.recovery().public()
    }

    /// Checks chain and keys against the words, and makes the act that adds this seat.
    ///
    /// # Errors
    /// When the chain is not that of the words, or the keys do not open with them.
    pub fn add_seat(
        &mut self,
        now: Timestamp,
        acts: &[SignedAct],
        keys: Vec<Item>,
    ) -> Result<SignedAct, Refusal> {
        let governance = self.checked(acts)?;
        self.keys = keys
            .into_iter()
            .filter_map(|item| match item {
                Item::Entry(entry) => Some(entry),
                Item::Act(_) | Item::Confirmation(_) => None,
            })
            .collect();
        let (ring, _) = opened_with(&self.root, &governance, &self.keys);
        if !ring.holds_role(Role::Owner) {
            return Err(not_opened());
        }
        let seat = self.seat_secrets()?;
        let (height, prev) = governance.stand();
        let act = Act {
            org: self.org,
            height: height.saturating_add(1),
            prev,
            at: now.as_second(),
            author: Author::Root,
            what: What::AddSeat {
                invite: None,
                seat: SeatGrant::new(
                    self.org,
                    self.seat,
                    self.device,
                    Role::Owner,
                    &seat.signing,
                    seat.sealing.public(),
                ),
                device: Some(DeviceGrant::new(
                    self.org,
                    self.device,
                    &self.secrets.device.signing,
                )),
            },
        };
        let act = SignedAct::sign(act, &self.key())
            .map_err(|_| internal("The act that adds this seat could not be signed."))?;
        governance.clone().apply(&act)?;
        Ok(act)
    }

    /// Becomes a replica, once the chain holds the seat: its role's keys are sealed to itself.
    ///
    /// # Errors
    /// When the disk is full or broken.
    pub fn finish<S: Storage>(
        self,
        storage: S,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        acts: Vec<SignedAct>,
    ) -> Result<Replica<S>, Refusal> {
        let governance = self.checked(&acts)?;
        if governance.seat(self.seat).is_none() {
            return Err(foreign_words());
        }
        let (ring, _) = opened_with(&self.root, &governance, &self.keys);
        let member = Member {
            seat: self.seat,
            seal: self.seat_secrets()?.sealing.public(),
            role: Role::Owner,
        };
        let mut ledger = Ledger::join(storage, acts, new_incarnation(rng))?;
        ledger.receive_entries(self.keys)?;
        ledger.commit()?;
        let mut replica = Replica::replayed(ledger, &self.secrets, rng, now)?;
        let rows = ring.rows_for_new_seat(rng, member)?;
        let author = RowAuthor {
            seat: self.seat,
            role: Role::Owner,
            policy: governance.policy(),
        };
        let height = replica.ledger.governance().height();
        for row in &rows {
            replica.keyring.learn_at(row, author, height);
        }
        replica.rows = rows;
        let batch = replica.begin(now, rng);
        replica.save(rng, batch)?;
        Ok(replica)
    }

    fn seat_secrets(&self) -> Result<&SeatSecrets, Refusal> {
        let secrets = self.secrets.seats.get(&self.seat);
        secrets.ok_or_else(|| internal("The new seat has no keys."))
    }

    fn checked(&self, acts: &[SignedAct]) -> Result<Governance, Refusal> {
        let (genesis, rest) = acts.split_first().ok_or_else(foreign_words)?;
        let mut governance = Governance::found(genesis)?;
        for act in rest {
            governance.apply(act)?;
        }
        if governance.org() != self.org {
            return Err(refusal_of_rescue(WireCode::UnknownOrganisation, ""));
        }
        if !is_of(&self.root, &governance) {
            return Err(if_replaced(&self.root, &governance).unwrap_or_else(foreign_words));
        }
        match self.anchor {
            Some(anchor) if !anchor.stands_in(&governance) => Err(hides_acts()),
            _ => Ok(governance),
        }
    }
}

/// Whether the words are those of the practice.
fn is_of(root: &RootSecret, governance: &Governance) -> bool {
    root.belongs_to(VerifyKey::from(*governance.root()), governance.recovery())
}

/// The keys that the words open; whether the newest of every role and compartment are among them.
fn opened_with<'a>(
    root: &RootSecret,
    governance: &Governance,
    keys: impl IntoIterator<Item = &'a Entry>,
) -> (KeyRing, bool) {
    let mut ring = KeyRing::of_recovery(governance.org(), &root.recovery());
    // The newest epochs that owners' rows tell of.
    let mut roles: BTreeMap<Role, u32> = BTreeMap::new();
    let mut compartments: BTreeMap<Compartment, u32> = BTreeMap::new();
    // Of owners' own keys every epoch counts: each opens what was written under it.
    let mut owners: BTreeSet<KeyId> = BTreeSet::new();
    for entry in keys {
        let header = entry.header();
        let stands =
            header.feed == FeedId::Keys && matches!(accept(entry, governance), Acceptance::Accept);
        let role = governance.role_at(header.seat, header.governance.0);
        let rows = entry.body().and_then(|body| decode_rows(body).ok());
        let (true, Some(role), Some(rows)) = (stands, role, rows) else {
            continue;
        };
        let author = RowAuthor {
            seat: header.seat,
            role,
            policy: governance.policy_at(header.governance.0),
        };
        let height = header.governance.0;
        for row in rows.iter().filter(|row| !row.is_ahead_of(height)) {
            match row {
                _ if role != Role::Owner => {}
                KeyRow::Role {
                    key, role, epoch, ..
                } => {
                    raise(&mut roles, *role, *epoch);
                    owners.extend((*role == Role::Owner).then_some(*key));
                }
                KeyRow::Compartment {
                    compartment, epoch, ..
                } => raise(&mut compartments, *compartment, *epoch),
                KeyRow::Subject { .. } => {}
            }
            ring.learn_at(row, author, height);
        }
    }
    let mut roles = roles.into_iter();
    let mut compartments = compartments.into_iter();
    let whole = ring.holds_role(Role::Owner)
        && owners.into_iter().all(|key| ring.holds_role_key(key))
        && roles.all(|(role, epoch)| ring.role_epoch(role) >= Some(epoch))
        && compartments.all(|(one, epoch)| ring.compartment_epoch(one) >= Some(epoch));
    (ring, whole)
}

fn raise<K: Ord>(newest: &mut BTreeMap<K, u32>, of: K, epoch: u32) {
    let known = newest.entry(of).or_insert(epoch);
    *known = epoch.max(*known);
}

/// The chain lacks what the paper names.
fn hides_acts() -> Refusal {
    Refusal::new(
        ErrorCode::HidesActs,
        "The relay does not show the newest act that stands on the kit: it lost it, or hides who was \
         removed since.",
        "Ask its operator. With a backup, restore that instead. To go on with what it shows, give the \
         words alone, without the kit's line and without its newest act.",
    )
    .at("act")
}

fn not_opened() -> Refusal {
    Refusal::new(
        ErrorCode::MissingKey,
        "The words are right, but they do not open the practice's keys.",
        "The keys that are here are not complete. Synchronise and try again; on the way back after a \
         loss use another relay or a backup.",
    )
}

impl<S: Storage> Replica<S> {
    /// Whether recovery words would bring this practice back: they are its root, and they open the
    /// newest keys of every role as this device holds the key table.
    ///
    /// # Errors
    /// When they are another practice's, or do not open everything.
    pub fn drill(&self, root: &RootSecret) -> Result<(), Refusal> {
        let governance = self.ledger.governance();
        if !is_of(root, governance) {
            return Err(if_replaced(root, governance).unwrap_or_else(foreign_words));
        }
        let keys = self.ledger.entries_of(FeedId::Keys)?;
        let (_, whole) = opened_with(root, governance, keys.iter());
        if whole { Ok(()) } else { Err(not_opened()) }
    }

    /// What the business is called.
    pub fn practice_name(&self) -> String {
        self.book.practice().name.clone()
    }

    /// Every other device of the practice that is not removed.
    pub fn other_devices(&self) -> Vec<LostDevice> {
        let governance = self.ledger.governance();
        let others = governance
            .devices()
            .filter(|(device, state)| *device != self.device && state.removed().is_none());
        let lost = others.map(|(device, _)| LostDevice {
            device: device.to_string(),
            roles: governance
                .seats_on(device)
                .filter_map(|(_, state)| state.role().and_then(face))
                .collect(),
        });
        lost.filter(|device| !device.roles.is_empty()).collect()
    }
}
