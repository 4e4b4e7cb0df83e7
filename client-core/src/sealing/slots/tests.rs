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

fn same(a: &HomeSecrets, b: &HomeSecrets) -> bool {
    *write_secrets(a) == *write_secrets(b)
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

    assert_eq!(
        file.open_with_passphrase("korrektes pferd").unwrap_err(),
        SlotError::WrongPassphrase
    );
    assert_eq!(
        file.open_with_recovery(&RootSecret::generate(rng).recovery())
            .unwrap_err(),
        SlotError::WrongRecoveryKey
    );
    assert_eq!(
        file.open_with_machine_key(&MachineKey::generate(rng))
            .unwrap_err(),
        SlotError::NoSuchSlot
    );

    let newer = forged(&bytes, |body| body[MAGIC.len()] = 1);
    assert_eq!(
        KeyFile::decode(&newer).unwrap_err(),
        SlotError::NewerVersion { got: 1 }
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
    let mut stripped = KeyFile::decode(&bytes).unwrap();
    stripped
        .slots
        .retain(|slot| !matches!(slot, Slot::Recovery { .. }));
    assert_eq!(
        stripped.open_with_machine_key(&machine).unwrap_err(),
        SlotError::Damaged
    );
    assert_eq!(
        stripped
            .open_with_machine_key(&MachineKey::generate(rng))
            .unwrap_err(),
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
