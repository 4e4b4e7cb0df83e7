//! Who changed what: in words, page by page, and checked down to the last signature.

use client_core::{
    catalogue::*,
    ledger::{Verified, verify},
};
use entry_log::{Index, Log, MemoryStorage, Options};
use jiff::ToSpan as _;

use super::world::{Desk, booking, meet, moving};

fn audit(desk: &mut Desk, query: AuditQuery) -> AuditView {
    let Answer::Audit(view) = desk.ask(Query::Audit(query)) else {
        panic!("not the audit");
    };
    view
}

#[allow(clippy::needless_pass_by_value, reason = "ids are small")]
fn of(id: impl ToString) -> AuditQuery {
    AuditQuery {
        of: Some(id.to_string()),
        ..AuditQuery::default()
    }
}

/// What was done, with the values before and after.
fn told(view: &AuditView) -> Vec<(String, Option<String>, Option<String>)> {
    let what = view.rows.iter().flat_map(|row| &row.what);
    what.map(|one| (one.text.clone(), one.old.clone(), one.new.clone()))
        .collect()
}

#[allow(clippy::unnecessary_wraps, reason = "values of the audit are optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_clients_history_is_told_with_the_values_before_and_after() {
    let mut desk = Desk::found(1);
    let practice = desk.set_up();
    let client = desk.client("Ilse Quint");
    let other = desk.client("Someone Else");
    let edit = |phone: &str| {
        Command::EditClient(EditClient {
            client,
            name: None,
            phones: Some(vec![phone.to_owned()]),
            email: None,
            note: None,
            despite_restriction: None,
        })
    };
    desk.tell(edit("600 100"));
    desk.tell(edit("600 200"));
    let mut wish = booking(&practice, practice.ann, "2026-03-02T09:00");
    wish.client = Some(client);
    let visit = desk.tell(Command::Book(wish)).id;
    let appointment = visit.parse().unwrap();
    desk.tell(Command::Move(moving(appointment, "2026-03-02T11:00")));
    desk.tell(Command::Cancel(CancelVisit {
        appointment,
        reason: some("Rang the bell twice"),
    }));
    desk.tell(Command::AddCardNote(NewCardNote {
        of: client.to_string(),
        card: CardKind::Payments,
        text: "Pays late".to_owned(),
        despite_restriction: None,
    }));
    desk.tell(Command::AddCardNote(NewCardNote {
        of: client.to_string(),
        card: CardKind::Clinical,
        text: "Allergic to lilies".to_owned(),
        despite_restriction: None,
    }));

    let expected = [
        (
            "A note was added to the clinical card of Ilse Quint",
            None,
            None,
        ),
        (
            "A note was added to the payments card of Ilse Quint",
            None,
            some("Pays late"),
        ),
        ("The reason given", None, some("Rang the bell twice")),
        ("The visit of Ilse Quint was cancelled", None, None),
        (
            "The visit of Ilse Quint was moved",
            some("2026-03-02 09:00, Dr Annoying"),
            some("2026-03-02 11:00, Dr Annoying"),
        ),
        (
            "The visit of Ilse Quint was booked",
            None,
            some("2026-03-02 09:00, Dr Annoying"),
        ),
        (
            "The phone numbers of Ilse Quint",
            some("600 100"),
            some("600 200"),
        ),
        ("The phone numbers of Ilse Quint", None, some("600 100")),
        ("Ilse Quint was taken into the book", None, None),
    ]
    .map(|(text, old, new)| (text.to_owned(), old, new));
    let view = audit(&mut desk, of(client));
    let mut found = told(&view);
    // A fresh client's empty list of numbers is no value before the first.
    for (_, old, _) in &mut found {
        *old = old.take().filter(|old| !old.is_empty());
    }
    found.retain(|(text, old, new)| {
        !(text.contains("phone") && old.is_none() && new.as_deref() == Some(""))
    });
    assert_eq!(found, expected, "{view:#?}");
    assert!(view.rows.iter().all(|row| row.here && row.masked.is_none()));
    assert!(
        view.rows
            .iter()
            .all(|row| row.role == Some(StaffRole::Owner))
    );
    let visits = told(&audit(&mut desk, of(appointment)));
    assert_eq!(visits, expected[2..6], "the visit alone");
    let one = told(&audit(&mut desk, of(other)));
    assert_eq!(one[0].0, "Someone Else was taken into the book");

    // Asked again after a restart, nothing is different.
    desk.restart();
    assert_eq!(audit(&mut desk, of(client)), view);
}

#[test]
fn pages_are_the_whole_and_days_cut_it() {
    let mut desk = Desk::found(2);
    desk.set_up();
    for number in 0..37_i64 {
        desk.now = desk.now.checked_add((number % 3).hours()).unwrap();
        desk.client(&format!("Client {number}"));
    }
    let whole = audit(
        &mut desk,
        AuditQuery {
            limit: Some(200),
            ..AuditQuery::default()
        },
    );
    assert_eq!(whole.next, None);
    assert!(whole.rows.len() > 40, "the founding too");
    let times: Vec<_> = whole.rows.iter().map(|row| row.at).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "latest first");
    let last = told(&whole).pop().unwrap();
    assert!(
        last.0.contains("founded") || last.0.contains("set up"),
        "{last:?}"
    );
    let mut query = AuditQuery {
        limit: Some(5),
        ..AuditQuery::default()
    };
    let mut rows = Vec::new();
    loop {
        let page = audit(&mut desk, query.clone());
        assert!(page.rows.len() <= 5);
        rows.extend(page.rows);
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    assert_eq!(rows, whole.rows);

    let day = |text: &str| AuditQuery {
        from: Some(text.parse().unwrap()),
        until: Some(text.parse().unwrap()),
        limit: Some(200),
        ..AuditQuery::default()
    };
    let first = audit(&mut desk, day("2026-02-23"));
    let second = audit(&mut desk, day("2026-02-24"));
    assert!(!first.rows.is_empty() && !second.rows.is_empty());
    assert_eq!(first.rows.len() + second.rows.len(), whole.rows.len());
    assert!(audit(&mut desk, day("2026-02-22")).rows.is_empty());
}

#[test]
fn what_is_no_id_and_no_row_is_refused() {
    let mut desk = Desk::found(3);
    for query in [
        of("Ilse"),
        AuditQuery {
            before: some("tomorrow"),
            ..AuditQuery::default()
        },
    ] {
        let refused = desk.replica.query(desk.now, Query::Audit(query));
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidInput);
    }
}

#[test]
fn another_seat_is_named_and_a_groomer_is_told_nothing_clinical() {
    let mut owner = Desk::found(4);
    let mut groomer = owner.join(5, StaffRole::Groomer);
    let client = owner.client("Ilse Quint");
    owner.tell(Command::AddCardNote(NewCardNote {
        of: client.to_string(),
        card: CardKind::Clinical,
        text: "Allergic to lilies".to_owned(),
        despite_restriction: None,
    }));
    meet(&mut owner, &mut groomer);
    groomer.tell(Command::AddCardNote(NewCardNote {
        of: client.to_string(),
        card: CardKind::Handling,
        text: "Nips".to_owned(),
        despite_restriction: None,
    }));
    meet(&mut owner, &mut groomer);
    let there = audit(&mut groomer, of(client));
    assert!(
        told(&there)
            .iter()
            .all(|(text, ..)| !text.contains("clinical")),
        "{there:#?}"
    );
    let here = audit(&mut owner, of(client));
    let nips = here.rows.iter().find(|row| row.what[0].new == some("Nips"));
    let nips = nips.expect("the groomer's note");
    assert_eq!(nips.role, Some(StaffRole::Groomer));
    assert_eq!(nips.seat, Some(groomer.replica.seat().to_string()));
    assert_eq!(nips.device, Some(groomer.replica.device().to_string()));
    assert!(!nips.here);
    let seat = told(&audit(&mut owner, of(groomer.replica.seat())));
    assert!(
        seat.iter()
            .any(|(text, ..)| text == "A groomer joined by invitation"),
        "{seat:?}"
    );
    assert!(
        seat.iter().any(|(text, ..)| text.contains("handling card")),
        "{seat:?}"
    );
    assert_eq!(
        there.waiting, 0,
        "clinical entries are not for a groomer to wait for"
    );
}

// ---- the check of the log -----------------------------------------------------------------------

fn check(storage: &MemoryStorage) -> Verified {
    verify(storage.clone(), &mut |_, _| {}).unwrap()
}

type Change<'a> = dyn FnMut(u64, &mut Vec<u8>, &mut Vec<u8>) + 'a;

/// The same log, written anew with every checksum right, after `change` had its way with a record.
fn forged(storage: &MemoryStorage, change: &mut Change<'_>) -> MemoryStorage {
    let (log, _) = Log::open(storage.clone(), Options::default()).unwrap();
    let fresh = MemoryStorage::default();
    let (mut out, _) = Log::open(fresh.clone(), Options::default()).unwrap();
    for number in 0..log.len() {
        let record = log.get(Index(number)).unwrap();
        let (mut head, mut body) = (record.head, record.body.unwrap());
        change(number, &mut head, &mut body);
        out.append(&head, &body).unwrap();
    }
    out.sync().unwrap();
    fresh
}

#[test]
fn a_log_with_all_its_checksums_made_right_still_betrays_who_changed_it() {
    let mut desk = Desk::found(6);
    let practice = desk.set_up();
    desk.client("Ilse Quint");
    desk.book(&practice, practice.ann, "2026-03-02T09:00");
    let whole = check(&desk.storage);
    assert!(whole.is_whole(), "{whole:#?}");
    assert_eq!((whole.acts, whole.masked, whole.withheld), (1, 0, 0));
    assert_eq!(whole.records, whole.entries + whole.acts);

    for target in 0..whole.records {
        // A bit of the body, then one of the signed head.
        for part in 0..2 {
            let storage = forged(&desk.storage, &mut |number, head, body| {
                let bytes = if part == 0 && !body.is_empty() {
                    body
                } else {
                    head
                };
                if number == target {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                }
            });
            let found = check(&storage);
            let first = found
                .findings
                .first()
                .unwrap_or_else(|| panic!("{target} {part}"));
            // What was signed with the key of a changed genesis cannot be judged any more.
            assert_eq!(first.record, target, "{part}: {found:#?}");
            assert_eq!(first.file, None, "every checksum is right");
            if target > 0 && part == 0 {
                let named = first.entry.unwrap();
                assert_eq!(named.author, Some(desk.replica.seat()));
                assert_eq!(named.number, target - 1);
            }
        }
    }
    // One entry taken out, everything behind it moved up.
    let (log, _) = Log::open(desk.storage.clone(), Options::default()).unwrap();
    let fresh = MemoryStorage::default();
    let (mut out, _) = Log::open(fresh.clone(), Options::default()).unwrap();
    for number in (0..log.len()).filter(|number| *number != 3) {
        let record = log.get(Index(number)).unwrap();
        out.append(&record.head, &record.body.unwrap()).unwrap();
    }
    out.sync().unwrap();
    let found = check(&fresh);
    assert!(!found.is_whole(), "a gap in a run of this computer's own");
}
