//! What is typed never leaves in clear: neither in the feeds the relay reads nor anywhere else.

use client_core::{catalogue::*, ledger::Arrival};

use super::world::*;

const TYPED: [&str; 14] = [
    "Quillon",
    "Harrow",
    "Annoying",
    "Benevole",
    "Oriel",
    "Vantage",
    "Marigold",
    "Thistle",
    "600100200",
    "thistle@garden.example",
    "Biscuit",
    "limping badly",
    "emergency of sorts",
    "moved to Lugo",
];

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn nothing_typed_is_in_the_bytes_of_any_entry() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let client: ClientId = desk
        .tell(Command::AddClient(NewClient {
            name: "Marigold Thistle".to_owned(),
            phones: vec!["600100200".to_owned()],
            email: Some("thistle@garden.example".to_owned()),
            note: Some("limping badly".to_owned()),
        }))
        .id
        .parse()
        .unwrap();
    let pet: PetId = desk
        .tell(Command::AddPet(NewPet {
            client,
            name: "Biscuit".to_owned(),
            species: None,
            breed: None,
            microchip: None,
            despite_restriction: None,
        }))
        .id
        .parse()
        .unwrap();
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    wish.service = Some(practice.check_up);
    wish.minutes = None;
    wish.client = Some(client);
    wish.pets = vec![pet];
    wish.note = Some("limping badly".to_owned());
    let id = desk.tell(Command::Book(wish.clone())).id.parse().unwrap();
    desk.tell(Command::Cancel(CancelVisit {
        appointment: id,
        reason: Some("moved to Lugo".to_owned()),
    }));
    desk.tell(Command::Undo(Undo { step: None }));
    wish.double_book = Some("emergency of sorts".to_owned());
    desk.tell(Command::Book(wish));
    desk.tell(Command::Decide(Decide {
        verdicts: vec![VerdictWish::Keep { appointment: id }],
        reason: Some("emergency of sorts".to_owned()),
    }));
    // It is all there for whoever holds the keys.
    let text = desk.text(id);
    assert_eq!(text.title, "Marigold Thistle");
    assert_eq!(text.pets[0].name, "Biscuit");
    assert!(text.reasons.contains(&"moved to Lugo".to_owned()));
    desk.restart();
    assert_eq!(desk.text(id), text);

    // Another run of the process reads the same log: every byte of every entry and act.
    let storage = desk.storage.clone();
    let incarnation = sync_protocol::IncarnationId::from_bytes([3; 16]);
    let (mut ledger, _) = client_core::ledger::Ledger::open(storage, incarnation).unwrap();
    let mut entries = 0;
    let mut clear = 0;
    ledger
        .replay(&mut |arrival| {
            let bytes = match &arrival {
                Arrival::Entry { entry, .. } => {
                    entries += 1;
                    clear += usize::from(entry.header().feed.clear());
                    entry.encode()
                }
                Arrival::Act(act) => act.encode(),
                Arrival::Placed { .. }
                | Arrival::Confirmation { .. }
                | Arrival::Withheld { .. } => return Ok(()),
            };
            for text in TYPED {
                assert!(!contains(&bytes, text), "{text} lies in clear: {arrival:?}");
            }
            Ok(())
        })
        .unwrap();
    assert!(
        entries > 15 && clear > 5,
        "{entries} entries, {clear} clear"
    );
}

#[test]
fn the_search_of_this_test_would_find_it() {
    let body = [b"\x01\x02".as_slice(), b"Marigold", b"\x03"].concat();
    assert!(contains(&body, "Marigold"));
}
