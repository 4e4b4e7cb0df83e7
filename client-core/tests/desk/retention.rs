//! How long records are kept: whose time is over, why, and that looking changes nothing.

use client_core::catalogue::*;

use super::world::*;

fn keep(kept: RecordKind, months: Option<u16>) -> Command {
    Command::SetRetention(SetRetention { kept, months })
}

fn look(desk: &mut Desk) -> RetentionView {
    let Answer::Retention(view) = desk.ask(Query::Retention) else {
        panic!("not the retention");
    };
    view
}

fn names(desk: &mut Desk) -> Vec<(String, String, bool)> {
    let due = look(desk).due.into_iter();
    due.map(|one| (one.name, one.since.to_string(), one.free))
        .collect()
}

fn visited(desk: &mut Desk, practice: &Practice, client: ClientId, day: &str) -> String {
    let mut wish = booking(practice, practice.ann, day);
    (wish.client, wish.despite_warnings) = (Some(client), true);
    desk.tell(Command::Book(wish)).id
}

fn due(name: &str, since: &str, free: bool) -> (String, String, bool) {
    (name.to_owned(), since.to_owned(), free)
}

#[test]
fn a_client_is_due_when_every_record_is_past_its_rule_and_nothing_is_changed() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let long_ago = owner.client("Long Ago");
    let treated = owner.client("Treated Then");
    let lately = owner.client("Lately Here");
    let never = owner.client("Never Came");
    visited(&mut owner, &practice, long_ago, "2020-02-24T09:00");
    visited(&mut owner, &practice, treated, "2020-02-24T10:00");
    visited(&mut owner, &practice, lately, "2026-02-16T09:00");
    // A visit that was called off is none.
    let off = visited(&mut owner, &practice, long_ago, "2025-02-24T09:00");
    owner.tell(Command::Cancel(CancelVisit {
        appointment: off.parse().unwrap(),
        reason: None,
    }));
    let note = NewCardNote {
        of: treated.to_string(),
        card: CardKind::Clinical,
        text: "Vaccinated".to_owned(),
        despite_restriction: None,
    };
    owner.tell(Command::AddCardNote(note));

    assert!(look(&mut owner).due.is_empty(), "without rules nobody is");
    owner.tell(keep(RecordKind::Contact, Some(24)));
    assert_eq!(names(&mut owner), [due("Long Ago", "2022-02-24", true)]);
    // The clinical card has no rule: that client is kept for ever.
    owner.tell(keep(RecordKind::Clinical, Some(72)));
    let both = [
        due("Long Ago", "2022-02-24", true),
        due("Treated Then", "2026-02-24", true),
    ];
    assert_eq!(names(&mut owner), both[..1], "a day too early");
    owner.now += jiff::SignedDuration::from_hours(24);
    assert_eq!(names(&mut owner), both);
    let view = look(&mut owner);
    let rules: Vec<_> = view.due[1].rules.iter().map(|rule| rule.kept).collect();
    assert_eq!(rules, [RecordKind::Contact, RecordKind::Clinical]);
    assert!(view.due.iter().all(|one| one.visited));

    // Whoever never came counts from the day of the last line about them.
    owner.now += jiff::SignedDuration::from_hours(24 * 732);
    let all = look(&mut owner);
    let one = all.due.iter().find(|one| one.client == never).unwrap();
    assert_eq!(
        (one.visited, one.last.to_string()),
        (false, "2026-02-23".to_owned())
    );
    assert_eq!(all.total, 4);

    let before = owner.state();
    assert_eq!(look(&mut owner), all);
    owner.restart();
    assert_eq!(look(&mut owner), all);
    let after = owner.state();
    assert_eq!((before.entries, before.heads), (after.entries, after.heads));
}

#[test]
fn what_stands_in_the_way_is_told() {
    let mut owner = Desk::found(1);
    let practice = owner.set_up();
    let held = owner.client("Held Fast");
    let limited = owner.client("Limited Use");
    let coming = owner.client("Coming Again");
    for (client, hour) in [(held, 9), (limited, 10), (coming, 11)] {
        let day = format!("2020-02-24T{hour:02}:00");
        visited(&mut owner, &practice, client, &day);
    }
    visited(&mut owner, &practice, coming, "2026-03-02T09:00");
    owner.tell(Command::HoldClient(HoldClient {
        client: held,
        reason: "Unpaid".to_owned(),
    }));
    owner.tell(Command::RestrictClient(RestrictClient {
        client: limited,
        reason: "A dispute".to_owned(),
    }));
    owner.tell(keep(RecordKind::Contact, Some(12)));
    let view = look(&mut owner);
    assert!(view.due.iter().all(|one| !one.free), "{view:?}");
    let of = |id| view.due.iter().find(|one| one.client == id).unwrap();
    assert_eq!(of(held).hold, "Unpaid");
    assert!(of(limited).restricted);
    assert_eq!(of(coming).coming, 1);
}

#[test]
fn rules_are_for_owners_and_managers_and_within_bounds() {
    let mut owner = Desk::found(1);
    owner.set_up();
    let mut manager = owner.join(2, StaffRole::Manager);
    let mut desk = owner.join(3, StaffRole::Receptionist);
    for months in [0, 1201] {
        let refused = owner.try_do(keep(RecordKind::Contact, Some(months)));
        assert_eq!(refused.unwrap_err().field.unwrap(), "months");
    }
    let refused = desk.try_do(keep(RecordKind::Contact, Some(12)));
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAllowed);
    let refused = desk.replica.query(desk.now, Query::Retention);
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAllowed);

    manager.tell(keep(RecordKind::Payments, Some(120)));
    meet(&mut owner, &mut manager);
    let months = |desk: &mut Desk| look(desk).rules[4].months;
    assert_eq!(months(&mut owner), Some(120));
    manager.tell(keep(RecordKind::Payments, None));
    manager.tell(Command::Undo(Undo { step: None }));
    meet(&mut owner, &mut manager);
    assert_eq!(months(&mut owner), Some(120));
    let Answer::Audit(audit) = owner.ask(Query::Audit(AuditQuery::default())) else {
        panic!("not the audit");
    };
    let what = &audit.rows[0].what[0];
    assert_eq!(what.text, "How long payments records are kept");
    assert_eq!(what.old.as_deref(), Some("for ever"));
    assert_eq!(what.new.as_deref(), Some("120 months after the last visit"));
}
