use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::SeatId;

use super::*;
use crate::sealing::{DeviceSecrets, JoinSecret, RootSecret, SeatSecrets};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const SEAT: SeatId = SeatId::from_bytes([2; 16]);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

fn secrets(rng: &mut ChaCha20Rng) -> HomeSecrets {
    let device = DeviceSecrets::generate(rng);
    let seat = SeatSecrets::generate(rng);
    let mut secrets = HomeSecrets::new(rng, device, SEAT, seat);
    secrets.joining = Some((
        sync_protocol::InviteId::from_bytes([3; 16]),
        JoinSecret::generate(rng),
    ));
    secrets
}

/// Everything in the secrets, to be compared.
fn told(secrets: &HomeSecrets) -> Vec<u8> {
    let mut bytes = secrets.device.signing.as_bytes().to_vec();
    bytes.extend_from_slice(secrets.local.expose());
    match &secrets.joining {
        None => bytes.push(0),
        Some((invite, secret)) => {
            bytes.push(1);
            bytes.extend_from_slice(invite.as_bytes());
            bytes.extend_from_slice(secret.expose());
        }
    }
    for (seat, secrets) in &secrets.seats {
        bytes.extend_from_slice(seat.as_bytes());
        bytes.extend_from_slice(secrets.signing.as_bytes());
        bytes.extend_from_slice(secrets.sealing.expose());
    }
    bytes
}

fn same(a: &HomeSecrets, b: &HomeSecrets) -> bool {
    told(a) == told(b)
}

/// The file again, with `change` made and the checksum made right.
fn forged(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = bytes[..bytes.len() - CHECKSUM_LEN].to_vec();
    change(&mut body);
    let sum = blake3::derive_key(CHECKSUM_CONTEXT, &body);
    body.extend_from_slice(&sum);
    body
}

#[test]
fn passphrase_and_recovery_words_open_it_and_failures_are_told_apart() {
    let rng = &mut rng();
    let root = RootSecret::generate(rng);
    let secrets = secrets(rng);
    let bytes = KeyFile::create(
        rng,
        ORG,
        secrets.clone(),
        "korrektes Pferd",
        Cost::FLOOR,
        root.recovery().public(),
    )
    .unwrap()
    .seal(rng)
    .unwrap();
    let file = KeyFile::decode(&bytes).unwrap();
    let open = file.open_with_passphrase("korrektes Pferd").unwrap();
    assert!(same(&open.secrets, &secrets));
    let open = file.open_with_recovery(&root.recovery()).unwrap();
    assert!(same(&open.secrets, &secrets));

    let (stranger, strange) = (RootSecret::generate(rng), MachineKey::generate(rng));
    assert_eq!(
        file.open_with_passphrase("korrektes pferd").unwrap_err(),
        SlotError::WrongPassphrase
    );
    assert_eq!(
        file.open_with_recovery(&stranger.recovery()).unwrap_err(),
        SlotError::WrongRecoveryKey
    );
    assert_eq!(
        file.open_with_machine_key(&strange).unwrap_err(),
        SlotError::NoSuchSlot
    );

    let newer = forged(&bytes, |body| body[MAGIC.len()] = 3);
    assert_eq!(
        KeyFile::decode(&newer).unwrap_err(),
        SlotError::NewerVersion { got: 3 }
    );

    let mut cheap = file;
    for slot in &mut cheap.slots {
        if let Slot::Passphrase { cost, .. } = slot {
            cost.memory_kib = 8;
        }
    }
    assert_eq!(
        cheap.open_with_passphrase("korrektes Pferd").unwrap_err(),
        SlotError::Cost(CostError::BelowFloor)
    );
    for slot in &mut cheap.slots {
        if let Slot::Passphrase { cost, .. } = slot {
            cost.memory_kib = u32::MAX;
        }
    }
    assert_eq!(
        cheap.open_with_passphrase("korrektes Pferd").unwrap_err(),
        SlotError::Cost(CostError::AboveCeiling)
    );

    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(
            KeyFile::decode(&damaged).unwrap_err(),
            SlotError::Damaged,
            "byte {at}"
        );
        assert!(KeyFile::decode(&bytes[..at]).is_err());
    }
    assert!(!format!("{open:?}").contains(&format!("{:?}", secrets.local.expose()[0])));
}

#[test]
fn a_forged_file_never_opens() {
    let rng = &mut rng();
    let machine = MachineKey::generate(rng);
    let secrets = secrets(rng);
    let recovery = RootSecret::generate(rng).recovery().public();
    let bytes = KeyFile::create_insecure(rng, ORG, secrets.clone(), &machine, recovery)
        .unwrap()
        .seal(rng)
        .unwrap();
    let opened = KeyFile::decode(&bytes)
        .unwrap()
        .open_with_machine_key(&machine)
        .unwrap();
    assert!(same(&opened.secrets, &secrets));
    for at in 0..bytes.len() - CHECKSUM_LEN {
        let forged = forged(&bytes, |body| body[at] ^= 1);
        let opened = KeyFile::decode(&forged).and_then(|file| file.open_with_machine_key(&machine));
        assert!(opened.is_err(), "byte {at}");
    }
    let strange = MachineKey::generate(rng);
    let mut stripped = KeyFile::decode(&bytes).unwrap();
    stripped
        .slots
        .retain(|slot| !matches!(slot, Slot::Recovery { .. }));
    assert_eq!(
        stripped.open_with_machine_key(&machine).unwrap_err(),
        SlotError::Damaged
    );
    assert_eq!(
        stripped.open_with_machine_key(&strange).unwrap_err(),
        SlotError::WrongMachineKey
    );
}

#[test]
fn after_a_change_the_old_passphrase_and_the_old_file_are_of_no_use() {
    let rng = &mut rng();
    let root = RootSecret::generate(rng);
    let secrets = secrets(rng);
    let mut open = KeyFile::create(
        rng,
        ORG,
        secrets.clone(),
        "first",
        Cost::FLOOR,
        root.recovery().public(),
    )
    .unwrap();
    let machine = MachineKey::generate(rng);
    open.add_machine_key(rng, &machine).unwrap();
    let old_master = open.master.0;
    assert_eq!(
        open.set_passphrase(rng, "", Cost::FLOOR),
        Err(SlotError::EmptyPassphrase)
    );
    assert_eq!(open.master.0, old_master, "nothing changed");
    open.set_passphrase(rng, "second", Cost::FLOOR).unwrap();
    assert_ne!(open.master.0, old_master);
    let file = KeyFile::decode(&open.seal(rng).unwrap()).unwrap();
    assert!(!file.has_machine_slot());
    assert_eq!(
        file.open_with_passphrase("first").unwrap_err(),
        SlotError::WrongPassphrase
    );
    assert!(same(
        &file.open_with_passphrase("second").unwrap().secrets,
        &secrets
    ));
    assert!(file.open_with_recovery(&root.recovery()).is_ok());
}

#[test]
fn costs_have_a_floor_and_a_ceiling() {
    assert!(Cost::new(64 * 1024, 3, 1).is_ok());
    assert_eq!(Cost::new(1024, 3, 1), Err(CostError::BelowFloor));
    assert_eq!(Cost::new(64 * 1024, 1, 1), Err(CostError::BelowFloor));
    assert_eq!(Cost::new(64 * 1024, 3, 0), Err(CostError::BelowFloor));
    assert_eq!(Cost::new(64 * 1024, 3, 99), Err(CostError::AboveCeiling));
}

const BEN: SeatId = SeatId::from_bytes([4; 16]);
const EVA: SeatId = SeatId::from_bytes([5; 16]);

/// A computer where Ann works with a passphrase, Ben with 4711 and Eva with 2580.
struct Shared {
    rng: ChaCha20Rng,
    root: RootSecret,
    ann: HomeSecrets,
    ben: SeatSecrets,
    eva: SeatSecrets,
    bytes: Vec<u8>,
}

fn shared() -> Shared {
    let mut rng = rng();
    let root = RootSecret::generate(&mut rng);
    let ann = secrets(&mut rng);
    let (ben, eva) = (
        SeatSecrets::generate(&mut rng),
        SeatSecrets::generate(&mut rng),
    );
    let recovery = root.recovery().public();
    let mut open = KeyFile::create(
        &mut rng,
        ORG,
        ann.clone(),
        "of Ann alone",
        Cost::FLOOR,
        recovery,
    )
    .unwrap();
    for (seat, name, secrets, pin) in [(BEN, "Ben", &ben, "4711"), (EVA, "Eva", &eva, "2580")] {
        let joining = None;
        let new = NewSeat {
            seat,
            name,
            secrets,
            joining,
        };
        open.add_seat(&mut rng, &new, pin, Cost::FLOOR).unwrap();
    }
    let bytes = open.seal(&mut rng).unwrap();
    Shared {
        rng,
        root,
        ann,
        ben,
        eva,
        bytes,
    }
}

impl Shared {
    fn open(&mut self) -> Unlocked {
        let file = KeyFile::decode(&self.bytes).unwrap();
        file.open_with_passphrase("of Ann alone").unwrap()
    }

    /// Tries a PIN as a home does: counted on the disk first.
    fn tries(&mut self, open: &mut Unlocked, seat: SeatId, pin: &str) -> Result<(), SlotError> {
        open.count_try(seat, false)?;
        self.bytes = open.seal(&mut self.rng).unwrap();
        open.open_seat(seat, pin)?;
        self.bytes = open.seal(&mut self.rng).unwrap();
        Ok(())
    }
}

fn only(open: &Unlocked) -> Option<(SeatId, [u8; 32])> {
    let mut seats = open.secrets.seats.iter();
    let first = seats
        .next()
        .map(|(seat, keys)| (*seat, *keys.signing.as_bytes()));
    assert!(seats.next().is_none(), "one seat at a time");
    assert_eq!(first.map(|(seat, _)| seat), open.seat());
    first
}

#[test]
fn one_persons_way_in_opens_nobody_elses_keys() {
    let mut desk = shared();
    let (ben, eva) = (desk.ben.clone(), desk.eva.clone());
    let mut open = desk.open();
    assert!(same(&open.secrets, &desk.ann), "the passphrase is Ann's");
    assert_eq!(only(&open).unwrap().0, SEAT);
    let names: Vec<&str> = open
        .seats()
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    assert_eq!(names, ["", "Ben", "Eva"]);
    assert!(open.has_passphrase(SEAT) && !open.has_passphrase(BEN));
    assert!(open.has_pin(BEN) && !open.has_pin(SEAT));

    desk.tries(&mut open, BEN, "4711").unwrap();
    assert_eq!(only(&open), Some((BEN, *ben.signing.as_bytes())));
    assert!(
        open.secrets.joining.is_none(),
        "what Ann joined with is Ann's"
    );
    assert_eq!(desk.tries(&mut open, EVA, "4711"), Err(SlotError::WrongPin));
    assert_eq!(only(&open).unwrap().0, BEN, "a wrong PIN changes nothing");
    assert_eq!(
        desk.tries(&mut open, SEAT, "4711"),
        Err(SlotError::NoSuchSlot)
    );
    let unknown = SeatId::from_bytes([9; 16]);
    assert_eq!(
        desk.tries(&mut open, unknown, "4711"),
        Err(SlotError::UnknownSeat)
    );
    open.close_seat();
    assert_eq!(only(&open), None);
    desk.tries(&mut open, EVA, "2580").unwrap();
    assert_eq!(only(&open), Some((EVA, *eva.signing.as_bytes())));

    // Nothing of the others is in what one of them can decrypt.
    let file = KeyFile::decode(&desk.bytes).unwrap();
    let master = open.open.as_ref().unwrap().master.clone();
    for part in file.seats.iter().filter(|part| part.seat != EVA) {
        let whose = Whose::Seat(ORG, part.seat);
        for key in [&master.0, &open.master.0, &open.pin.0] {
            assert!(
                part.slots
                    .iter()
                    .all(|slot| slot.opened_under(whose, key).is_err())
            );
            assert!(
                derive::open_box(
                    key,
                    domain::SEAT,
                    part.seat.as_bytes(),
                    &content::seat_bound(ORG, part.seat, &part.slots),
                    &part.sealed,
                )
                .is_err()
            );
        }
    }
}

#[test]
fn a_pin_opens_nothing_without_the_device_part() {
    let desk = shared();
    let file = KeyFile::decode(&desk.bytes).unwrap();
    let part = &file.seats[1];
    let slot = part.slots.iter().find(|slot| slot.is_pin()).unwrap();
    let Slot::Pin { cost, salt, .. } = slot else {
        unreachable!()
    };
    // The right PIN, and whatever a thief may put in the place of the secret.
    let bare = cost.stretch("4711", *salt).unwrap();
    let guess = PinSecret([0; 32]).key(BEN, "4711", *cost, *salt).unwrap();
    for key in [&*bare, &*guess] {
        assert!(slot.opened_under(Whose::Seat(ORG, BEN), key).is_err());
    }
}

#[test]
fn after_five_wrong_pins_a_passphrase_has_to_come_along_also_after_a_restart() {
    let mut desk = shared();
    let mut open = desk.open();
    for _ in 0..MAX_TRIES - 1 {
        assert_eq!(desk.tries(&mut open, BEN, "0815"), Err(SlotError::WrongPin));
    }
    let mut open = desk.open();
    assert_eq!(desk.tries(&mut open, BEN, "0815"), Err(SlotError::WrongPin));
    let mut open = desk.open();
    assert_eq!(
        desk.tries(&mut open, BEN, "4711"),
        Err(SlotError::PinLocked)
    );
    assert_eq!(
        desk.tries(&mut open, EVA, "2580"),
        Ok(()),
        "the count is each seat's own"
    );

    open.count_try(BEN, true).unwrap();
    open.open_seat(BEN, "4711").unwrap();
    desk.bytes = open.seal(&mut desk.rng).unwrap();
    let mut open = desk.open();
    assert_eq!(
        desk.tries(&mut open, BEN, "4711"),
        Ok(()),
        "the right PIN ended the count"
    );
}

#[test]
fn pins_are_checked_and_changed_by_who_is_open() {
    let mut desk = shared();
    let mut open = desk.open();
    desk.tries(&mut open, BEN, "4711").unwrap();
    for (pin, why) in [
        ("", PinError::TooShort),
        ("123", PinError::TooShort),
        ("0000", PinError::TooSimple),
        ("3456", PinError::TooSimple),
        ("9876", PinError::TooSimple),
        (&"7".repeat(65), PinError::TooLong),
    ] {
        let refused = open.set_pin(&mut desk.rng, pin, Cost::FLOOR);
        assert_eq!(refused, Err(SlotError::Pin(why)), "{pin}");
    }
    open.set_pin(&mut desk.rng, "8080", Cost::FLOOR).unwrap();
    open.set_own_passphrase(&mut desk.rng, "of Ben alone", Cost::FLOOR)
        .unwrap();
    desk.bytes = open.seal(&mut desk.rng).unwrap();

    let mut open = desk.open();
    assert_eq!(only(&open).unwrap().0, SEAT, "Ann's passphrase goes on");
    assert_eq!(desk.tries(&mut open, BEN, "4711"), Err(SlotError::WrongPin));
    desk.tries(&mut open, BEN, "8080").unwrap();
    let file = KeyFile::decode(&desk.bytes).unwrap();
    let open = file.open_with_passphrase("of Ben alone").unwrap();
    assert_eq!(only(&open).unwrap().0, BEN);
    open.has_passphrase(BEN).then_some(()).unwrap();

    // Set again, the earlier one is gone.
    let mut open = open;
    open.set_own_passphrase(&mut desk.rng, "of Ben anew", Cost::FLOOR)
        .unwrap();
    let file = KeyFile::decode(&open.seal(&mut desk.rng).unwrap()).unwrap();
    let refused = file.open_with_passphrase("of Ben alone");
    assert_eq!(refused.unwrap_err(), SlotError::WrongPassphrase);
    assert!(file.check_passphrase("of Ann alone").is_ok());
}

#[test]
fn the_recovery_words_take_every_other_passphrase_away_and_leave_the_pins() {
    let mut desk = shared();
    let file = KeyFile::decode(&desk.bytes).unwrap();
    let words = desk.root.recovery();
    let mut open = file.open_with_recovery(&words).unwrap();
    assert!(same(&open.secrets, &desk.ann), "the first seat");
    open.set_passphrase(&mut desk.rng, "found again", Cost::FLOOR)
        .unwrap();
    desk.bytes = open.seal(&mut desk.rng).unwrap();
    let file = KeyFile::decode(&desk.bytes).unwrap();
    let old = file.open_with_passphrase("of Ann alone");
    assert_eq!(old.unwrap_err(), SlotError::WrongPassphrase);
    let mut open = file.open_with_passphrase("found again").unwrap();
    assert_eq!(only(&open).unwrap().0, SEAT);
    desk.tries(&mut open, BEN, "4711").unwrap();
    assert!(file.open_with_recovery(&words).is_ok());
}

#[test]
fn a_seat_that_is_forgotten_leaves_nothing_behind() {
    let mut desk = shared();
    let mut open = desk.open();
    desk.tries(&mut open, BEN, "4711").unwrap();
    open.forget_seat(BEN);
    assert_eq!(only(&open), None);
    desk.bytes = open.seal(&mut desk.rng).unwrap();
    let mut open = desk.open();
    assert_eq!(open.seats().len(), 2);
    assert_eq!(
        desk.tries(&mut open, BEN, "4711"),
        Err(SlotError::UnknownSeat)
    );
}

#[test]
fn a_file_with_several_seats_resists_forgery_byte_by_byte() {
    let desk = shared();
    for at in (MAGIC.len() + 1..desk.bytes.len() - CHECKSUM_LEN).step_by(31) {
        let forged = forged(&desk.bytes, |body| body[at] ^= 1);
        let opened =
            KeyFile::decode(&forged).and_then(|file| file.open_with_passphrase("of Ann alone"));
        assert!(opened.is_err(), "byte {at}");
    }
    // An older part, a missing one, two of one: all are seen.
    let file = || KeyFile::decode(&desk.bytes).unwrap();
    let rng = &mut ChaCha20Rng::from_seed([8; 32]);
    let mut open = file().open_with_passphrase("of Ann alone").unwrap();
    open.set_pin(rng, "8080", Cost::FLOOR).unwrap();
    let newer = KeyFile::decode(&open.seal(rng).unwrap()).unwrap();
    let mut exchanged = file();
    exchanged.seats[0] = newer.seats[0].clone();
    let mut missing = file();
    missing.seats.pop();
    let mut doubled = file();
    doubled.seats.push(doubled.seats[1].clone());
    for file in [exchanged, missing, doubled] {
        let opened = file.open_with_passphrase("of Ann alone");
        assert_eq!(opened.unwrap_err(), SlotError::Damaged);
    }
}
