//! An open key file: the device part, at most one seat's part, and the rest as it lies on the disk.

use core::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sync_protocol::{OrgId, SealKey, SeatId};

use super::{
    CHECKSUM_CONTEXT, Cost, FILE_VERSION, KEPT_VERSION, MAGIC, MAX_SEATS, SlotError,
    content::{Content, SeatPart, device_bound, read_seat, seat_bound, write_device, write_seat},
    kept::{Keystored, Outer},
    pin::{MAX_TRIES, PinSecret, check_pin},
    slot::{Master, Slot, Whose, nothing, recovery_of},
};
use crate::sealing::{
    HomeSecrets, JoinSecret, MachineKey, SeatSecrets, cbor,
    derive::{self, BoxError, domain},
};

/// Names are longer on no badge.
pub(super) const MAX_NAME: usize = 100;

/// Who works at this computer, as the device part tells.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Known {
    /// The seat.
    #[n(0)]
    pub seat: SeatId,
    /// What it is called here; empty while nobody has said.
    #[n(1)]
    pub name: String,
    /// Wrong PINs since the last right one.
    #[n(2)]
    pub tries: u8,
}

/// A seat that is about to get its part.
#[derive(Debug)]
pub struct NewSeat<'a> {
    /// Its id.
    pub seat: SeatId,
    /// What it is called here.
    pub name: &'a str,
    /// Its keys.
    pub secrets: &'a SeatSecrets,
    /// The invitation it comes by.
    pub joining: Option<(sync_protocol::InviteId, JoinSecret)>,
}

/// The seat whose keys are in [`Unlocked::secrets`].
pub(super) struct OpenSeat {
    pub(super) seat: SeatId,
    pub(super) master: Master,
    pub(super) slots: Vec<Slot>,
}

/// An open key file. See the module's documentation.
pub struct Unlocked {
    pub(super) org: OrgId,
    /// What is open: the device's own, and one seat's or none. Change it, then write
    /// [`Unlocked::seal`].
    pub secrets: HomeSecrets,
    pub(super) master: Master,
    pub(super) slots: Vec<Slot>,
    pub(super) pin: PinSecret,
    pub(super) known: Vec<Known>,
    pub(super) open: Option<OpenSeat>,
    pub(super) parts: Vec<SeatPart>,
    /// Whether the system's keystore takes part from the next [`Unlocked::seal`] on.
    pub keystore: Option<Keystored>,
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked")
            .field("org", &self.org)
            .field("slots", &self.slots.len())
            .field("seats", &self.parts.len())
            .finish_non_exhaustive()
    }
}

impl Unlocked {
    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Who works at this computer, in the order in which they came.
    pub fn seats(&self) -> &[Known] {
        &self.known
    }

    /// Whose keys are open.
    pub fn seat(&self) -> Option<SeatId> {
        self.open.as_ref().map(|open| open.seat)
    }

    /// Whether a PIN opens this seat.
    pub fn has_pin(&self, seat: SeatId) -> bool {
        self.slots_of(seat).iter().any(Slot::is_pin)
    }

    /// Whether somebody can begin the day as this seat.
    pub fn has_passphrase(&self, seat: SeatId) -> bool {
        let slots = self.slots_of(seat).iter();
        slots
            .filter_map(Slot::salt)
            .any(|salt| self.slots.iter().any(|slot| slot.is_salted(salt)))
    }

    fn slots_of(&self, seat: SeatId) -> &[Slot] {
        if let Some(open) = self.open.as_ref().filter(|open| open.seat == seat) {
            return &open.slots;
        }
        let part = self.parts.iter().find(|part| part.seat == seat);
        part.map_or(&[], |part| &part.slots)
    }

    fn known_mut(&mut self, seat: SeatId) -> Result<&mut Known, SlotError> {
        self.known
            .iter_mut()
            .find(|known| known.seat == seat)
            .ok_or(SlotError::UnknownSeat)
    }

    fn recovery(&self) -> Option<SealKey> {
        recovery_of(&self.slots)
    }

    /// Seals what is open to the recovery key of now, in the place of an earlier one; whether that
    /// changed anything. A part that is closed follows when its person opens it.
    ///
    /// # Errors
    /// When it cannot be sealed; nothing was changed.
    pub fn renew_recovery(
        &mut self,
        rng: &mut impl CryptoRng,
        to: SealKey,
    ) -> Result<bool, SlotError> {
        let stale = |slots: &[Slot]| recovery_of(slots).is_some_and(|known| known != to);
        let device = if stale(&self.slots) {
            let whose = Whose::Device(self.org);
            Some(Slot::recovery(rng, whose, to, &self.master)?)
        } else {
            None
        };
        let seat = match &self.open {
            Some(open) if stale(&open.slots) => {
                let whose = Whose::Seat(self.org, open.seat);
                Some(Slot::recovery(rng, whose, to, &open.master)?)
            }
            _ => None,
        };
        let changed = device.is_some() || seat.is_some();
        replace_recovery(&mut self.slots, device);
        if let Some(open) = &mut self.open {
            replace_recovery(&mut open.slots, seat);
        }
        Ok(changed)
    }

    /// Makes the part of a seat whose keys `secrets` holds, with the given slots, and opens it.
    pub(super) fn begin_seat(
        &mut self,
        rng: &mut impl CryptoRng,
        seat: SeatId,
        name: &str,
    ) -> Result<(), SlotError> {
        let master = Master::generate(rng);
        let whose = Whose::Seat(self.org, seat);
        let mut slots = Vec::new();
        if let Some(to) = self.recovery() {
            slots.push(Slot::recovery(rng, whose, to, &master)?);
        }
        self.know(seat, name)?;
        self.parts.push(SeatPart {
            seat,
            slots: Vec::new(),
            sealed: nothing(),
        });
        self.open = Some(OpenSeat {
            seat,
            master,
            slots,
        });
        Ok(())
    }

    fn know(&mut self, seat: SeatId, name: &str) -> Result<(), SlotError> {
        if self.known.iter().any(|known| known.seat == seat) {
            return Err(SlotError::UnknownSeat);
        }
        if self.known.len() >= MAX_SEATS {
            return Err(SlotError::TooManySeats);
        }
        self.known.push(Known {
            seat,
            name: name.chars().take(MAX_NAME).collect(),
            tries: 0,
        });
        Ok(())
    }

    /// Sets what a seat is called at this computer; whether that changed anything.
    pub fn name_seat(&mut self, seat: SeatId, name: &str) -> bool {
        let name: String = name.chars().take(MAX_NAME).collect();
        match self.known_mut(seat) {
            Ok(known) if known.name != name => {
                known.name = name;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Makes a part for one more person; it stays closed.
    ///
    /// # Errors
    /// When the PIN is too simple or the file is full; nothing was changed.
    pub fn add_seat(
        &mut self,
        rng: &mut impl CryptoRng,
        new: &NewSeat<'_>,
        pin: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        check_pin(pin)?;
        let (org, seat) = (self.org, new.seat);
        let master = Master::generate(rng);
        let whose = Whose::Seat(org, seat);
        let mut slots = Vec::new();
        if let Some(to) = self.recovery() {
            slots.push(Slot::recovery(rng, whose, to, &master)?);
        }
        slots.push(pin_slot(rng, &self.pin, whose, seat, pin, cost, &master)?);
        let sealed = derive::seal_box(
            rng,
            &master.0,
            domain::SEAT,
            seat.as_bytes(),
            &seat_bound(org, seat, &slots),
            &write_seat(new.secrets, &new.joining),
        )?;
        self.know(seat, new.name)?;
        self.parts.push(SeatPart {
            seat,
            slots,
            sealed: sealed.into(),
        });
        Ok(())
    }

    /// Takes a seat's part out of the file, open or not.
    pub fn forget_seat(&mut self, seat: SeatId) {
        if self.seat() == Some(seat) {
            self.open = None;
            self.secrets.seats.clear();
            self.secrets.joining = None;
        }
        self.parts.retain(|part| part.seat != seat);
        self.known.retain(|known| known.seat != seat);
    }

    /// Drops the keys of the open seat; the device part stays open. What was changed since
    /// [`Unlocked::seal`] is lost.
    pub fn close_seat(&mut self) {
        self.open = None;
        self.secrets.seats.clear();
        self.secrets.joining = None;
    }

    /// Counts a PIN before it is tried: write the file between this and [`Unlocked::open_seat`].
    /// `trusted` when somebody has just given a passphrase of this computer.
    ///
    /// # Errors
    /// When there is no such seat, it has no PIN, or too many were wrong.
    pub fn count_try(&mut self, seat: SeatId, trusted: bool) -> Result<(), SlotError> {
        let has_pin = self.has_pin(seat);
        let known = self.known_mut(seat)?;
        if !has_pin {
            return Err(SlotError::NoSuchSlot);
        }
        if known.tries >= MAX_TRIES && !trusted {
            return Err(SlotError::PinLocked);
        }
        known.tries = known.tries.saturating_add(1);
        Ok(())
    }

    /// Opens a seat with its PIN and ends its count of wrong ones; whoever was open is closed. A
    /// wrong PIN changes nothing.
    ///
    /// # Errors
    /// When the PIN is wrong or the seat has none.
    pub fn open_seat(&mut self, seat: SeatId, pin: &str) -> Result<(), SlotError> {
        let part = self
            .parts
            .iter()
            .find(|part| part.seat == seat)
            .ok_or(SlotError::UnknownSeat)?;
        let current = self.open.as_ref().filter(|open| open.seat == seat);
        let slots = current.map_or(&part.slots, |open| &open.slots);
        let pin_slot = slots
            .iter()
            .find_map(|slot| match slot {
                Slot::Pin { cost, salt, .. } => Some((slot, *cost, *salt)),
                Slot::Passphrase { .. } | Slot::Recovery { .. } | Slot::Machine { .. } => None,
            })
            .ok_or(SlotError::NoSuchSlot)?;
        let (slot, cost, salt) = pin_slot;
        let key = self.pin.key(seat, pin, cost, salt)?;
        let master = slot
            .opened_under(Whose::Seat(self.org, seat), &key)
            .map_err(|error| match error {
                BoxError::WrongKey => SlotError::WrongPin,
                BoxError::Damaged => SlotError::Damaged,
            })?;
        if current.is_none() {
            self.take_open(seat, master)?;
        }
        self.known_mut(seat)?.tries = 0;
        Ok(())
    }

    /// Opens a seat's part with its master key.
    pub(super) fn take_open(&mut self, seat: SeatId, master: Master) -> Result<(), SlotError> {
        let part = self
            .parts
            .iter()
            .find(|part| part.seat == seat)
            .ok_or(SlotError::UnknownSeat)?;
        let plain = derive::open_box(
            &master.0,
            domain::SEAT,
            seat.as_bytes(),
            &seat_bound(self.org, seat, &part.slots),
            &part.sealed,
        )
        .map_err(|_| SlotError::Damaged)?;
        let (secrets, joining) = read_seat(&plain).ok_or(SlotError::Damaged)?;
        let slots = part.slots.clone();
        self.secrets.seats.clear();
        self.secrets.seats.insert(seat, secrets);
        self.secrets.joining = joining;
        self.open = Some(OpenSeat {
            seat,
            master,
            slots,
        });
        Ok(())
    }

    /// Sets the PIN of the open seat, in place of an earlier one.
    ///
    /// # Errors
    /// When the PIN is too simple or no seat is open; nothing was changed.
    pub fn set_pin(
        &mut self,
        rng: &mut impl CryptoRng,
        pin: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        check_pin(pin)?;
        let open = self.open.as_mut().ok_or(SlotError::UnknownSeat)?;
        let seat = open.seat;
        let whose = Whose::Seat(self.org, seat);
        let slot = pin_slot(rng, &self.pin, whose, seat, pin, cost, &open.master)?;
        open.slots.retain(|slot| !slot.is_pin());
        open.slots.push(slot);
        self.known_mut(seat)?.tries = 0;
        Ok(())
    }

    /// Lets the open seat begin the day with a passphrase of its own, in place of an earlier one.
    /// Others keep theirs, and nothing else changes.
    ///
    /// # Errors
    /// When the passphrase is empty or no seat is open; nothing was changed.
    pub fn set_own_passphrase(
        &mut self,
        rng: &mut impl CryptoRng,
        passphrase: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        let slots = passphrase_slots(
            rng,
            self.org,
            passphrase,
            cost,
            &self.master,
            self.open.as_ref().ok_or(SlotError::UnknownSeat)?,
        )?;
        let open = self.open.as_mut().ok_or(SlotError::UnknownSeat)?;
        for salt in open.slots.iter().filter_map(Slot::salt) {
            self.slots.retain(|slot| !slot.is_salted(salt));
        }
        open.slots.retain(|slot| slot.salt().is_none());
        let (device, seat) = slots;
        self.slots.push(device);
        open.slots.push(seat);
        Ok(())
    }

    /// Sets the one passphrase of this computer, for the open seat. Its master keys change, so that
    /// an old copy of the file and the old passphrases do not open the new one; the machine key and
    /// the seat's PIN are dropped.
    ///
    /// # Errors
    /// When the passphrase is empty or no seat is open; nothing was changed.
    pub fn set_passphrase(
        &mut self,
        rng: &mut impl CryptoRng,
        passphrase: &str,
        cost: Cost,
    ) -> Result<(), SlotError> {
        let (slots, open) = self.renewed(rng)?;
        let (master, mut slots) = slots;
        let mut open = open;
        let (device, seat) = passphrase_slots(rng, self.org, passphrase, cost, &master, &open)?;
        slots.push(device);
        open.slots.push(seat);
        self.master = master;
        self.slots = slots;
        self.open = Some(open);
        Ok(())
    }

    /// New master keys for the device part and the open seat, with recovery slots alone.
    fn renewed(
        &self,
        rng: &mut impl CryptoRng,
    ) -> Result<((Master, Vec<Slot>), OpenSeat), SlotError> {
        let seat = self.seat().ok_or(SlotError::UnknownSeat)?;
        let (device, master) = (Master::generate(rng), Master::generate(rng));
        let (mut slots, mut own) = (Vec::new(), Vec::new());
        if let Some(to) = self.recovery() {
            slots.push(Slot::recovery(rng, Whose::Device(self.org), to, &device)?);
            own.push(Slot::recovery(
                rng,
                Whose::Seat(self.org, seat),
                to,
                &master,
            )?);
        }
        let open = OpenSeat {
            seat,
            master,
            slots: own,
        };
        Ok(((device, slots), open))
    }

    /// Lets a machine key open the device part and the open seat, in place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be sealed or no seat is open.
    pub fn add_machine_key(
        &mut self,
        rng: &mut impl CryptoRng,
        key: &MachineKey,
    ) -> Result<(), SlotError> {
        let open = self.open.as_mut().ok_or(SlotError::UnknownSeat)?;
        let device = Slot::machine(rng, Whose::Device(self.org), key, &self.master)?;
        let whose = Whose::Seat(self.org, open.seat);
        let seat = Slot::machine(rng, whose, key, &open.master)?;
        self.slots.retain(|slot| !slot.is_machine());
        open.slots.retain(|slot| !slot.is_machine());
        self.slots.push(device);
        open.slots.push(seat);
        Ok(())
    }

    /// The bytes of the key file. From here on a closed seat is opened as it is in them.
    ///
    /// # Errors
    /// When they cannot be sealed.
    pub fn seal(&mut self, rng: &mut impl CryptoRng) -> Result<Vec<u8>, SlotError> {
        if let Some(open) = &self.open
            && let Some(secrets) = self.secrets.seats.get(&open.seat)
            && let Some(part) = self.parts.iter_mut().find(|part| part.seat == open.seat)
        {
            part.sealed = derive::seal_box(
                rng,
                &open.master.0,
                domain::SEAT,
                open.seat.as_bytes(),
                &seat_bound(self.org, open.seat, &open.slots),
                &write_seat(secrets, &self.secrets.joining),
            )?
            .into();
            part.slots.clone_from(&open.slots);
        }
        let sealed = derive::seal_box(
            rng,
            &self.master.0,
            domain::SECRETS,
            &[],
            &device_bound(self.org, &self.slots, &self.parts),
            &write_device(
                &self.secrets.device,
                &self.secrets.local,
                &self.pin,
                &self.known,
            ),
        )?;
        let content = Content {
            org: self.org,
            slots: self.slots.clone(),
            sealed: sealed.into(),
            seats: self.parts.clone(),
        };
        let mut bytes = MAGIC.to_vec();
        match &self.keystore {
            None => {
                bytes.push(FILE_VERSION);
                bytes.append(&mut cbor::to_bytes(&content));
            }
            Some(kept) => {
                // Without the words a lost keystore would be the end of this home.
                let to = self.recovery().ok_or(SlotError::NoSuchSlot)?;
                bytes.push(KEPT_VERSION);
                bytes.append(&mut cbor::to_bytes(&Outer::seal(rng, &content, kept, to)?));
            }
        }
        let sum = blake3::derive_key(CHECKSUM_CONTEXT, &bytes);
        bytes.extend_from_slice(&sum);
        Ok(bytes)
    }
}

fn replace_recovery(slots: &mut [Slot], with: Option<Slot>) {
    let old = slots.iter_mut().find(|slot| slot.is_recovery());
    if let (Some(old), Some(new)) = (old, with) {
        *old = new;
    }
}

/// The two slots of a passphrase, stretched once.
pub(super) fn passphrase_slots(
    rng: &mut impl CryptoRng,
    org: OrgId,
    passphrase: &str,
    cost: Cost,
    device: &Master,
    open: &OpenSeat,
) -> Result<(Slot, Slot), SlotError> {
    if passphrase.is_empty() {
        return Err(SlotError::EmptyPassphrase);
    }
    let salt = derive::random(rng);
    let key = cost.stretch(passphrase, salt)?;
    let slot = || Slot::Passphrase {
        cost,
        salt,
        wrap: nothing(),
    };
    Ok((
        slot().sealed_under(rng, Whose::Device(org), &key, device)?,
        slot().sealed_under(rng, Whose::Seat(org, open.seat), &key, &open.master)?,
    ))
}

fn pin_slot(
    rng: &mut impl CryptoRng,
    secret: &PinSecret,
    whose: Whose,
    seat: SeatId,
    pin: &str,
    cost: Cost,
    master: &Master,
) -> Result<Slot, SlotError> {
    let salt = derive::random(rng);
    let key = secret.key(seat, pin, cost, salt)?;
    let slot = Slot::Pin {
        cost,
        salt,
        wrap: nothing(),
    };
    Ok(slot.sealed_under(rng, whose, &key, master)?)
}
