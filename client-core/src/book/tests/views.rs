//! Timetables and front desks that anyone could check by hand.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::*;

#[test]
fn days_have_23_24_or_25_hours() {
    let mut desk = Desk::new(1);
    desk.found();
    desk.book(1, NORTH, "2026-03-29T09:00", 30, ANN);
    let minutes = |date| desk.book.day_view(NORTH, day(date)).unwrap().minutes / 60;
    assert_eq!(minutes("2026-03-28"), 24);
    assert_eq!(minutes("2026-03-29"), 23);
    assert_eq!(minutes("2026-10-25"), 25);
    let view = desk.book.day_view(NORTH, day("2026-03-29")).unwrap();
    assert_eq!(view.starts.to_string(), "2026-03-28T23:00:00Z");
    assert_eq!(view.visits[0].start.to_string(), "2026-03-29T09:00:00");
    assert_eq!(view.visits[0].starts.to_string(), "2026-03-29T07:00:00Z");
    assert_eq!(view.open[0].0.to_string(), "2026-03-29T08:00:00");
    let skipped = PlaceWish {
        location: NORTH,
        start: "2026-03-29T02:30".parse().unwrap(),
        staff: ANN,
        room: None,
        service: None,
        minutes: Some(30),
        moved: None,
    };
    let refused = desk.book.place(&skipped).unwrap_err();
    assert_eq!(refused.code, ErrorCode::TimeDoesNotExist);
}

#[test]
fn a_day_shows_overlaps_side_by_side_and_what_is_taken_elsewhere() {
    let mut desk = Desk::new(1);
    desk.found();
    desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    desk.book(2, NORTH, "2026-03-02T09:15", 30, ANN);
    desk.book(3, SOUTH, "2026-03-02T11:00", 60, ANN);
    desk.book(4, NORTH, "2026-03-02T10:00", 30, BOB);
    desk.set_state(4, ClaimState::Cancelled);
    let view = desk.book.day_view(NORTH, day("2026-03-02")).unwrap();
    let shown: Vec<_> = view
        .visits
        .iter()
        .map(|v| (v.id, v.flagged, v.state))
        .collect();
    assert_eq!(
        shown,
        [
            (apt(1), true, VisitState::Booked),
            (apt(2), true, VisitState::Booked),
            (apt(4), false, VisitState::Cancelled),
        ]
    );
    assert_eq!(view.elsewhere.len(), 1);
    assert_eq!(view.elsewhere[0].from.to_string(), "2026-03-02T11:00:00");
    assert_eq!(view.working[&BOB].len(), 1);
    assert_eq!(desk.book.clashes().len(), 1);
    assert_eq!(desk.book.counts(), (0, 3, 1));
}

#[test]
fn people_are_found_by_digits_names_pets_and_chips() {
    let mut desk = Desk::new(1);
    desk.client(1, "Ana García", "+34 612 345 678");
    desk.client(2, "Jörg Müller", "0171 5678 900");
    desk.client(3, "Garcia Lorca", "600 111 222");
    desk.pet(1, 1, "Luna", "941 000 0123");
    desk.pet(2, 2, "García", "");
    let found = |text: &str| -> Vec<String> {
        let (clients, total) = desk.book.search(text, 10);
        assert_eq!(u32::try_from(clients.len()).unwrap(), total);
        clients.into_iter().map(|client| client.name).collect()
    };
    assert_eq!(
        found("garcía"),
        ["Ana García", "Garcia Lorca", "Jörg Müller"]
    );
    assert_eq!(found("GARC"), ["Ana García", "Garcia Lorca", "Jörg Müller"]);
    assert_eq!(
        found("gracia"),
        ["Ana García", "Garcia Lorca", "Jörg Müller"]
    );
    assert_eq!(found("muller"), ["Jörg Müller"]);
    assert_eq!(found("muler"), ["Jörg Müller"]);
    assert_eq!(found("mulr"), [""; 0], "four letters are taken as typed");
    assert_eq!(found("luna"), ["Ana García"]);
    assert_eq!(found("garcia luna"), ["Ana García"]);
    assert_eq!(
        found("678"),
        ["Ana García", "Jörg Müller"],
        "the last digits come first"
    );
    assert_eq!(found("5678"), ["Ana García", "Jörg Müller"]);
    assert_eq!(found("+49 171 5678900"), [""; 0]);
    assert_eq!(found("01715678900"), ["Jörg Müller"]);
    assert_eq!(found("12"), [""; 0], "two digits say too little");
    assert_eq!(found("#0123"), ["Ana García"]);
    assert_eq!(found("#9410000123"), ["Ana García"]);
    assert_eq!(found(""), [""; 0]);
    // A corrected name is found, the old one no longer.
    desk.client(1, "Ana Pérez", "+34 612 345 678");
    let (clients, _) = desk.book.search("garcia", 10);
    assert!(clients.iter().all(|client| client.name != "Ana Pérez"));
    assert_eq!(desk.book.search("perez", 10).1, 1);
    assert_eq!(desk.book.clients(0, 2).0[0].name, "Ana Pérez");
    assert_eq!(desk.book.phone_known("612345678"), [client(1)]);
}

#[test]
fn a_clash_names_where_each_visit_was_made_and_what_could_be_done() {
    let (mut one, mut two) = (Desk::new(1), Desk::new(2));
    one.found();
    two.hear_all(&one.sent);
    let first = one.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let second = two.book(2, NORTH, "2026-03-02T09:15", 30, ANN);
    one.hear(&second);
    two.hear(&first);
    let name = |seat: SeatId| format!("desk {}", seat.to_bytes()[0]);
    let reviews = one.book.reviews(noon_before(), true, &name);
    let [review] = &reviews[..] else {
        panic!("{reviews:?}")
    };
    assert_eq!(review.kind, ReviewKind::Clash);
    assert_eq!(review.resources, ["Ann"]);
    let made: Vec<_> = review.visits.iter().map(|v| v.made_by.as_str()).collect();
    assert_eq!(made, ["desk 1", "desk 2"]);
    assert!(
        review.suggestion.is_none(),
        "tentative against tentative has no loser"
    );
    assert_eq!(review.visits[1].alternatives.len(), 3);
    // Its own place is in nobody's way but the first visit's: Bob at 09:15 is the nearest.
    let next = &review.visits[1].alternatives[0];
    assert_eq!(
        (next.staff_name.as_str(), next.start.to_string().as_str()),
        ("Bob", "2026-03-02T09:15:00")
    );
    assert_eq!(
        reviews[0].id,
        two.book.reviews(noon_before(), true, &name)[0].id
    );

    // The relay grants the first: now the rule has an opinion.
    let place = |sequence| Place { epoch: 0, sequence };
    let hash = one.book.claim(apt(1)).unwrap().placements[0].hash();
    let _ = one
        .book
        .confirmation(apt(1), hash, place(3), Standing::Confirmed);
    assert_eq!(one.book.standing(apt(1)), Standing::Confirmed);
    let reviews = one.book.reviews(noon_before(), true, &name);
    let suggestion = reviews[0].suggestion.as_ref().unwrap();
    assert!(matches!(
        suggestion.verdicts[..],
        [VerdictWish::Move { appointment, staff: Some(BOB), .. }] if appointment == apt(2)
    ));

    // A decision settles it on both.
    let to = one.placed(NORTH, "2026-03-02T09:15", 30, BOB);
    let decision = Decision {
        id: DecisionId::from_bytes([9; 16]),
        seat: [1; 16],
        verdicts: vec![Verdict::Move {
            claim: apt(2),
            placement: one.book.claim(apt(2)).unwrap().placements[0].hash(),
            to,
        }],
        seen: one.book.decisions_about(&[apt(2)]),
    };
    let actor = one.actor;
    let key = week_of(NORTH, "2026-03-02T09:00");
    let decided = one.schedule(key, |week| week.decide(actor, &decision).unwrap().unwrap());
    two.hear(&decided);
    for desk in [&one, &two] {
        assert!(desk.book.clashes().is_empty());
        assert!(desk.book.reviews(noon_before(), true, &name).is_empty());
        assert_eq!(
            desk.book.placements_of(apt(2))[0].occupancies()[0].resource,
            BOB
        );
    }
    assert_eq!(one.book.decisions_about(&[apt(2)]).len(), 1);
}

#[test]
fn concurrent_moves_show_both_places_and_a_move_across_a_cancellation_asks() {
    let (mut one, mut two) = (Desk::new(1), Desk::new(2));
    one.found();
    one.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    one.book(2, NORTH, "2026-03-02T10:00", 30, ANN);
    two.hear_all(&one.sent);
    let moved = one.move_to(1, "2026-03-02T14:00", 30, ANN);
    let other = two.move_to(1, "2026-03-03T15:00", 30, BOB);
    let cancelled = one.set_state(2, ClaimState::Cancelled);
    let across = two.move_to(2, "2026-03-02T16:00", 30, ANN);
    one.hear_all(&[other, across]);
    two.hear_all(&[moved, cancelled]);
    for desk in [&one, &two] {
        let reviews = desk
            .book
            .reviews(noon_before(), true, &|_| "somebody".into());
        let kinds: Vec<_> = reviews.iter().map(|review| review.kind).collect();
        assert_eq!(kinds, [ReviewKind::TwoPlaces, ReviewKind::Acts]);
        assert_eq!(reviews[0].visits.len(), 2);
        let today = desk.book.day_view(NORTH, day("2026-03-02")).unwrap();
        assert!(
            today
                .visits
                .iter()
                .any(|visit| visit.id == apt(1) && visit.doubled)
        );
        let details = desk.book.visit_details(apt(2)).unwrap();
        assert_eq!(details.visit.state, VisitState::Cancelled);
        assert_eq!(details.reviews.len(), 1);
    }
}

#[test]
fn a_grant_ends_when_the_slot_is_given_up() {
    let mut desk = Desk::new(1);
    desk.found();
    desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let hash = desk.book.claim(apt(1)).unwrap().placements[0].hash();
    let place = |sequence| Place { epoch: 0, sequence };
    let _ = desk
        .book
        .confirmation(apt(1), hash, place(2), Standing::Confirmed);
    assert_eq!(desk.book.standing(apt(1)), Standing::Confirmed);
    // An older word arriving late changes nothing.
    let _ = desk
        .book
        .confirmation(apt(1), hash, place(1), Standing::Refused);
    assert_eq!(desk.book.standing(apt(1)), Standing::Confirmed);
    let given_up = desk.set_state(1, ClaimState::Cancelled);
    desk.set_state(1, ClaimState::Booked);
    assert_eq!(desk.book.standing(apt(1)), Standing::Tentative);
    let _ = desk.book.placed(&given_up.hash, place(3));
    // The relay says so itself.
    let _ = desk
        .book
        .confirmation(apt(1), hash, place(4), Standing::Tentative);
    assert_eq!(desk.book.standing(apt(1)), Standing::Tentative);
    let _ = desk
        .book
        .confirmation(apt(1), hash, place(5), Standing::Confirmed);
    assert_eq!(desk.book.standing(apt(1)), Standing::Confirmed);
}

#[test]
fn what_had_no_right_is_looked_through_and_may_be_pardoned_or_masked_later() {
    let (mut one, mut two) = (Desk::new(1), Desk::new(2));
    one.found();
    one.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    two.hear_all(&one.sent);
    let moved = two.move_to(1, "2026-03-02T12:00", 30, ANN);
    let _ = one
        .book
        .apply(&moved.opened(None, true), &TestKeys::default());
    let start = |desk: &Desk| {
        let view = desk.book.day_view(NORTH, day("2026-03-02")).unwrap();
        view.visits[0].start.time().to_string()
    };
    assert_eq!(start(&one), "09:00:00");
    assert_eq!(one.book.masked_entries(), 1);
    assert_eq!(one.book.provenance(apt(1)).unwrap().masked, 1);
    assert_eq!(start(&two), "12:00:00");
    // The other device hears of the removal only now.
    let _ = two
        .book
        .apply(&moved.opened(None, true), &TestKeys::default());
    assert_eq!(start(&two), "09:00:00");
    assert_eq!(one.book.rendering_hash(), two.book.rendering_hash());
}

#[test]
fn details_show_once_their_key_is_here() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut desk = Desk::new(1);
    desk.found();
    desk.client(1, "Ana", "612 345 678");
    desk.pet(1, 1, "Luna", "");
    desk.book(1, NORTH, "2026-03-02T09:00", 30, ANN);
    let key = SubjectKey::generate(&mut rng);
    let week = week_of(NORTH, "2026-03-02T09:00");
    let who = Who {
        client: Some(client(1)),
        pets: vec![PetId::from_bytes(client(1).to_bytes())],
        service: Some(CHECK_UP),
    };
    let mut visits = desk.book.visits(week).unwrap();
    let sealed = Sealed::who(&mut rng, ContentKey::from(&key), week, apt(1), &who).unwrap();
    let note = Sealed::text(
        &mut rng,
        ContentKey::from(&key),
        week,
        apt(1),
        Part::Note,
        "limps",
    );
    let parts = [(Part::Who, sealed), (Part::Note, note.unwrap())];
    let clock = desk.tick();
    let change = visits
        .put_all_details(desk.actor, clock, apt(1), &parts)
        .unwrap();
    desk.private(Target::Visits(week), vec![change]);
    let details = |desk: &Desk| desk.book.visit_details(apt(1)).unwrap().visit.details;
    assert_eq!(details(&desk), None, "on the way");
    let mut keys = TestKeys::default();
    keys.0.insert(ContentKey::from(&key).id(), key);
    let touched = desk.book.keys_changed(&keys);
    assert!(touched.schedule);
    let text = details(&desk).unwrap();
    assert_eq!(text.title, "Ana");
    assert_eq!(text.pets[0].name, "Luna");
    assert_eq!(text.service_name.as_deref(), Some("Check-up"));
    assert_eq!(text.note.as_deref(), Some("limps"));
    let view = desk
        .book
        .client_view(client(1), &|seat| seat.to_string())
        .unwrap();
    assert_eq!(view.last.unwrap().id, apt(1));
}

#[test]
fn free_slots_and_checks_respect_hours_rooms_and_bookings() {
    let mut desk = Desk::new(1);
    desk.found();
    desk.book(1, NORTH, "2026-03-02T08:00", 120, ANN);
    let query = FreeQuery {
        location: NORTH,
        service: Some(CHECK_UP),
        minutes: None,
        staff: Some(ANN),
        from: Some("2026-03-02T00:00".parse().unwrap()),
        days: Some(1),
        limit: Some(2),
    };
    let slots = desk.book.free(&query, noon_before()).unwrap();
    let starts: Vec<_> = slots.iter().map(|slot| slot.start.to_string()).collect();
    assert_eq!(starts, ["2026-03-02T10:00:00", "2026-03-02T10:15:00"]);
    assert_eq!(slots[0].room_name.as_deref(), Some("Room 1"));
    let check = |start: &str| {
        let query = CheckQuery {
            appointment: None,
            location: NORTH,
            start: start.parse().unwrap(),
            staff: ANN,
            room: None,
            service: Some(CHECK_UP),
            minutes: None,
        };
        desk.book.check(&query, noon_before()).unwrap()
    };
    assert!(check("2026-03-02T10:00").ok);
    let taken = check("2026-03-02T09:45");
    assert_eq!(taken.clashes[0].claims, [apt(1)]);
    assert_eq!(
        taken.alternatives[0].start.to_string(),
        "2026-03-02T09:45:00"
    );
    assert_eq!(taken.alternatives[0].staff_name, "Bob");
    let late = check("2026-03-02T17:45");
    assert_eq!(
        late.warnings,
        [Warning::SiteClosed, Warning::StaffNotWorking]
    );
    let unknown = FreeQuery {
        service: Some(ServiceId::from_bytes([0; 16])),
        ..query
    };
    let refused = desk.book.free(&unknown, noon_before()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound);
}
