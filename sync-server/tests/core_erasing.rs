//! Erasures at the relay: what the chain takes away leaves the disk before anybody hears of it, and
//! stays away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod practice;

use entry_log::{Log, MemoryStorage, Options, Storage as _};
use practice::{Practice, act_on, seat_id};
use sync_protocol::{
    Author, Basis, Entry, Erasing, ErasureId, ErrorCode, FeedId, Frame, Item, KeyId, Role,
    SubjectId, What,
};

const KEY: KeyId = KeyId::from_bytes([9; 16]);
const CLIENT: [u8; 16] = [0x51; 16];
const SECRET: &[u8] = b"sealed bytes that must go";

/// The body of an entry with one subject's row, as sealing.md has it.
fn row(key: u8, subject: [u8; 16]) -> Vec<u8> {
    let mut body = vec![0x82, 0x01, 0x81, 0x87, 0x02, 0x50];
    body.extend([key; 16]);
    body.push(0x50);
    body.extend(subject);
    body.extend([0x02, 0x00, 0x50]);
    body.extend([7; 16]);
    body.extend([0x44, 1, 2, 3, 4]);
    body
}

fn erase(subjects: &[[u8; 16]], keys: &[KeyId], rows: &[&Entry]) -> What {
    let mut rows: Vec<_> = rows.iter().map(|entry| entry.id()).collect();
    rows.sort_unstable();
    What::Erasure(Erasing {
        id: ErasureId::from_bytes([0xe1; 16]),
        subjects: subjects
            .iter()
            .copied()
            .map(SubjectId::from_bytes)
            .collect(),
        keys: keys.to_vec(),
        rows,
        basis: Basis::Request,
    })
}

fn on_disk(disk: &MemoryStorage, what: &[u8]) -> bool {
    disk.list().unwrap().iter().any(|name| {
        let len = usize::try_from(disk.len(name).unwrap()).unwrap();
        let bytes = disk.read(name, 0, len).unwrap();
        bytes.windows(what.len()).any(|window| window == what)
    })
}

/// A practice in which desk 2 wrote a client; gives the row and the record.
fn with_client() -> (Practice, Entry, Entry) {
    let mut practice = Practice::open(3);
    let desk = practice.desk(2);
    let key_row = desk.write(FeedId::Keys, [1; 16], row(9, CLIENT));
    let record = desk.write(FeedId::Contact, [2; 16], SECRET.to_vec());
    practice.push(2, &[key_row.clone(), record.clone()]);
    practice.run();
    (practice, key_row, record)
}

#[test]
fn what_is_erased_leaves_the_disk_with_the_act_and_is_told_without_its_body() {
    let (mut practice, key_row, record) = with_client();
    assert!(on_disk(&practice.disk, SECRET) && on_disk(&practice.disk, &row(9, CLIENT)));
    // Before anything is committed: nobody has heard of the act yet.
    let what = erase(&[CLIENT], &[KEY], &[&key_row]);
    let act = act_on(
        practice.relay.governance(),
        Author::Seat(seat_id(1)),
        what,
        "seat 1",
    );
    practice.tell(1, Frame::Propose { act });
    assert!(!on_disk(&practice.disk, SECRET) && !on_disk(&practice.disk, &row(9, CLIENT)));
    practice.run();
    practice.assert_agree();

    practice.admit(4, Role::Vet);
    let newcomer = &practice.desks[&4];
    for entry in [&key_row, &record] {
        let held = &newcomer.entries[&entry.hash()];
        assert_eq!(held.body(), None, "{held:?}");
    }
    practice.assert_agree();
    // A restart, and the same entry once more with its body.
    let disk = practice.disk.clone();
    practice.restart(disk);
    practice.sign_in(2);
    practice.push(2, &[record]);
    practice.run();
    practice.assert_agree();
    assert!(!on_disk(&practice.disk, SECRET));
}

#[test]
fn a_body_that_comes_late_is_never_written_and_a_bare_entry_is_taken() {
    let (mut practice, key_row, _) = with_client();
    let late = practice
        .desk(3)
        .write(FeedId::Contact, [2; 16], SECRET.to_vec());
    let bare = practice
        .desk(3)
        .write(FeedId::Contact, [2; 16], SECRET.to_vec());
    // Without its body before any act says so: it waits for one.
    practice.push(3, &[bare.clone().purged()]);
    practice.run();
    assert!(practice.desks[&3].refused.is_empty());
    practice.own(erase(&[CLIENT], &[KEY], &[&key_row]));
    practice.push(3, &[late]);
    practice.run();
    practice.assert_agree();
    assert!(
        practice.desks[&3].refused.is_empty(),
        "both have their places"
    );
    assert!(!on_disk(&practice.disk, SECRET));
    let contact = &practice.desks[&1].feeds[&FeedId::Contact];
    assert_eq!(contact.items.len(), 3);
}

#[test]
fn a_row_for_who_was_erased_and_what_it_seals_are_refused() {
    let (mut practice, key_row, _) = with_client();
    practice.own(erase(&[CLIENT], &[KeyId::from_bytes([8; 16])], &[&key_row]));
    // Key 9 is not named: a device made it without knowing of the erasure.
    let again = practice
        .desk(3)
        .write(FeedId::Keys, [1; 16], row(9, CLIENT));
    let under = practice
        .desk(3)
        .write(FeedId::Contact, [2; 16], b"new work".to_vec());
    let other = practice
        .desk(3)
        .write(FeedId::Keys, [1; 16], row(7, [0x52; 16]));
    practice.push(3, &[again.clone(), under.clone(), other]);
    practice.run();
    let refused = &practice.desks[&3].refused;
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().all(|(_, code)| *code == ErrorCode::Erased));
    assert!(!on_disk(&practice.disk, b"new work"));
    practice.assert_agree();
    // An owner names the key: the places are taken now, without the bodies.
    practice.own(erase(&[CLIENT], &[KEY], &[&again]));
    practice.push(3, &[again.purged(), under.purged()]);
    practice.run();
    assert_eq!(practice.desks[&3].refused.len(), 2, "only those of before");
    assert_eq!(practice.desks[&1].feeds[&FeedId::Contact].items.len(), 2);
    practice.assert_agree();
}

#[test]
fn a_process_that_ended_half_way_finishes_when_it_starts() {
    let (mut practice, key_row, _) = with_client();
    let what = erase(&[CLIENT], &[KEY], &[&key_row]);
    let author = Author::Seat(seat_id(1));
    let act = act_on(practice.relay.governance(), author, what, "seat 1");
    // The act reached the disk, and then the power failed.
    let (mut log, _) = Log::open(practice.disk.copy(), Options::default()).unwrap();
    let head = [&[0], Item::Act(act).head_part().as_slice()].concat();
    log.append(&head, &[]).unwrap();
    log.sync().unwrap();
    let disk = log.into_storage();
    assert!(on_disk(&disk, SECRET));
    practice.restart(disk);
    assert!(!on_disk(&practice.disk, SECRET) && !on_disk(&practice.disk, &row(9, CLIENT)));
    practice.sign_in(1);
    practice.sign_in(2);
    practice.assert_agree();
}

#[test]
fn an_old_copy_of_the_disk_is_purged_when_a_device_brings_the_act_back() {
    let (mut practice, key_row, _) = with_client();
    let before = practice.disk.copy();
    let what = erase(&[CLIENT], &[KEY], &[&key_row]);
    practice.own(what.clone());
    assert!(!on_disk(&practice.disk, SECRET));
    practice.restart(before);
    assert!(on_disk(&practice.disk, SECRET));
    // The test's desk keeps no acts to bring back: it signs the same one again.
    practice.desk(1).feeds.clear();
    practice.sign_in(1);
    let author = Author::Seat(seat_id(1));
    let act = act_on(practice.relay.governance(), author, what, "seat 1");
    practice.tell(1, Frame::Propose { act });
    practice.run();
    assert!(!on_disk(&practice.disk, SECRET) && !on_disk(&practice.disk, &row(9, CLIENT)));
}
