//! How a replica begins: founded, or opened from its log.

use std::collections::BTreeMap;

use conflict_rules::{LocationId, WeeklyHours, time_zone};
use entry_log::{Recovery, Storage};
use jiff::{Timestamp, civil::time};
use rand_core::CryptoRng;
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, FeedId, Hash, OrgId, Role, SeatGrant, SeatId, SignedAct,
    VerifyKey, What, limits,
};

use super::{
    Pending, Replica, clock::Clock, comparing::learn_words, internal, invalid, new_incarnation,
    random, ring,
};
use crate::{
    book::Book,
    catalogue::{ErrorCode, Refusal},
    desk::{Steps, checks},
    documents::LocationFields,
    ledger::{Arrival, Ledger},
    sealing::{Comparisons, DeviceSecrets, HomeSecrets, KeyRing, RootSecret, SeatSecrets},
    session::Session,
};

/// A new practice.
#[derive(Debug, Clone, Copy)]
pub struct Founding<'a> {
    /// Name of the business.
    pub practice: &'a str,
    /// Name of the first site.
    pub location: &'a str,
    /// IANA zone of the first site.
    pub zone: &'a str,
}

/// When a site is open until somebody says otherwise.
pub(crate) fn usual_hours() -> WeeklyHours {
    let mut weekly = WeeklyHours::default();
    for day in weekly.days.iter_mut().take(6) {
        *day = vec![(time(8, 0, 0, 0), time(20, 0, 0, 0))];
    }
    weekly
}

impl<S: Storage> Replica<S> {
    /// Opens a new practice; its first seat is an owner's. Everything is in the log when this
    /// returns; the secrets are the caller's to keep.
    pub fn found(
        storage: S,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        founding: &Founding<'_>,
        root: &RootSecret,
    ) -> Result<(Self, HomeSecrets), Refusal> {
        let practice = checks::name("practice", founding.practice)?;
        let location = checks::name("location", founding.location)?;
        checks::zone("zone", founding.zone)?;
        let org = OrgId::from_bytes(random(rng));
        let device = DeviceId::from_bytes(random(rng));
        let seat = SeatId::from_bytes(random(rng));
        let device_secrets = DeviceSecrets::generate(rng);
        let seat_secrets = SeatSecrets::generate(rng);
        let recovery = root.recovery().public();
        let genesis = Act {
            org,
            height: 0,
            prev: Hash::ZERO,
            at: now.as_second(),
            author: Author::Root,
            what: What::Genesis {
                root: VerifyKey::from(root.signing_key().verifying_key()),
                recovery,
                device: DeviceGrant::new(org, device, &device_secrets.signing),
                seat: SeatGrant::new(
                    org,
                    seat,
                    device,
                    Role::Owner,
                    &seat_secrets.signing,
                    seat_secrets.sealing.public(),
                ),
            },
        };
        let genesis = SignedAct::sign(genesis, &root.signing_key())
            .map_err(|_| internal("The practice's first act could not be signed."))?;
        let ledger = Ledger::found(storage, genesis, new_incarnation(rng))?;
        let (keyring, rows) = KeyRing::found(rng, org, seat, &seat_secrets, recovery)?;
        let secrets = HomeSecrets::new(rng, device_secrets, seat, seat_secrets);
        let mut replica = Self::over(ledger, keyring, secrets.clone(), seat, device)?;
        replica.rows = rows;
        let id = LocationId::from_bytes(random(rng));
        let mut batch = replica.begin(now, rng);
        batch.grid(&replica.book, |grid, actor| {
            Ok(grid.set_zone(actor, id, founding.zone)?)
        })?;
        batch.practice(&replica.book, |doc, actor, clock| {
            Ok(doc.set_name(actor, clock, &practice)?)
        })?;
        batch.practice(&replica.book, |doc, actor, clock| {
            let fields = LocationFields {
                name: Some(location),
                zone: Some(founding.zone.to_owned()),
                weekly: Some(usual_hours()),
                ..LocationFields::default()
            };
            Ok(doc.put_location(actor, clock, id, &fields)?)
        })?;
        replica.save(rng, batch)?;
        Ok((replica, secrets))
    }

    /// Opens what is there.
    pub fn open(
        storage: S,
        secrets: &HomeSecrets,
        rng: &mut impl CryptoRng,
        now: Timestamp,
    ) -> Result<(Self, Recovery), Refusal> {
        let (ledger, recovery) = Ledger::open(storage, new_incarnation(rng))?;
        Ok((Self::replayed(ledger, secrets, rng, now)?, recovery))
    }

    /// The same replica anew from its log, after a failed write. What was not durable is gone.
    pub fn reopen(self, rng: &mut impl CryptoRng, now: Timestamp) -> Result<Self, Refusal> {
        let (secrets, ticket, offset) = (self.secrets, self.ticket, self.clock.offset);
        let elsewhere = self.elsewhere;
        let (ledger, _) = Ledger::open(self.ledger.into_storage(), new_incarnation(rng))?;
        let mut replica = Self::replayed(ledger, &secrets, rng, now)?;
        replica.ticket = ticket;
        replica.elsewhere = elsewhere;
        replica.clock.offset = offset;
        Ok(replica)
    }

    /// Builds keys and book from a ledger.
    pub(crate) fn replayed(
        mut ledger: Ledger<S>,
        secrets: &HomeSecrets,
        rng: &mut impl CryptoRng,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let known = secrets.seats.iter().find_map(|(id, seat)| {
            let state = ledger.governance().seat(*id)?;
            Some((*id, state.device(), seat))
        });
        let (seat, device, seat_secrets) = known.ok_or_else(|| {
            Refusal::new(
                ErrorCode::Damaged,
                "The keys of this home belong to another practice, or its chain is incomplete.",
                "Restore a backup of this home, or join anew with a code.",
            )
        })?;
        let mut keyring = ring::begun(&ledger, secrets, seat, seat_secrets)?;
        // Keys first: what the book cannot open it would have to keep waiting.
        let mut keys: Vec<Arrival> = Vec::new();
        let mut rest: Vec<Arrival> = Vec::new();
        ledger.replay(&mut |arrival| {
            match &arrival {
                Arrival::Entry { entry, .. } if entry.header().feed == FeedId::Keys => {
                    keys.push(arrival);
                }
                Arrival::Entry { .. }
                | Arrival::Placed { .. }
                | Arrival::Confirmation { .. }
                | Arrival::Act(_)
                | Arrival::Withheld { .. } => rest.push(arrival),
            }
            Ok(())
        })?;
        let mut comparisons = Comparisons::default();
        for arrival in &keys {
            ring::learn(&mut keyring, &ledger, arrival);
            learn_words(&mut comparisons, &ledger, arrival);
        }
        keyring.forget(ledger.governance().erased(), ledger.unnamed_keys());
        let mut replica = Self::over(ledger, keyring, secrets.clone(), seat, device)?;
        replica.comparisons = comparisons;
        let touched = replica.book.arrived_all(&rest, &replica.keyring);
        replica.events.touch(touched);
        replica.hand_keys_to_this_seat(rng, now)?;
        replica.acknowledge_erasures(now, rng)?;
        Ok(replica)
    }

    /// A seat that came in by a code has its role's keys from the invitation: it seals them to
    /// itself, so that it needs the code no more.
    pub(crate) fn hand_keys_to_this_seat(
        &mut self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.secrets.joining.is_none() {
            return Ok(());
        }
        let state = self
            .ledger
            .governance()
            .seat(self.seat)
            .and_then(|state| Some((state.role()?, state.seal_key())));
        let Some((role, seal)) = state else {
            return Ok(());
        };
        let member = crate::sealing::Member {
            seat: self.seat,
            seal,
            role,
        };
        if !self.keyring.holds_role(role) {
            // The invitation carried none; an owner's device hands them over.
            self.secrets.joining = None;
            return Ok(());
        }
        self.rows = self.keyring.rows_for_new_seat(rng, member)?;
        let batch = self.begin(now, rng);
        self.save(rng, batch)?;
        self.secrets.joining = None;
        Ok(())
    }

    pub(crate) fn over(
        ledger: Ledger<S>,
        keyring: KeyRing,
        secrets: HomeSecrets,
        seat: SeatId,
        device: DeviceId,
    ) -> Result<Self, Refusal> {
        let book = Book::new(ledger.org())?;
        Ok(Self {
            ledger,
            keyring,
            book,
            session: Session::new(),
            secrets,
            seat,
            device,
            clock: Clock::new(),
            steps: Steps::default(),
            rows: Vec::new(),
            words: Vec::new(),
            comparisons: Comparisons::default(),
            broken: false,
            ticket: None,
            elsewhere: None,
            trouble: None,
            in_step_at: None,
            heard: None,
            requests: BTreeMap::new(),
            proposals: Vec::new(),
            dues: super::people::Dues::default(),
            receipts: Vec::new(),
            unacknowledged: true,
            events: Pending::default(),
            forgets_a_role: false,
        })
    }
}

/// Checks an address the protocol can carry.
pub(crate) fn relay_address(address: &str) -> Result<(), Refusal> {
    let known = address.starts_with("ws://") || address.starts_with("wss://");
    if known && address.len() <= limits::MAX_ADDRESS {
        Ok(())
    } else {
        Err(invalid(
            "address",
            "This is not a relay's address.",
            "Use ws://HOST:PORT or wss://HOST:PORT.",
        ))
    }
}

/// Whether text names a zone that this program knows by exactly this name.
pub(crate) fn is_zone(name: &str) -> bool {
    time_zone(name).is_some_and(|zone| zone.iana_name() == Some(name))
}
