//! New recovery words, and managers who are let in to clinical cards: which keys count before and
//! after, and who opens what.

use std::{collections::BTreeSet, sync::Arc};

use client_core::{
    catalogue::*,
    ledger::{Arrival, Ledger},
    sealing::{Compartment, KeyRing, RootSecret, RowAuthor, decode_rows},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{Entry, FeedId, IncarnationId, Role};

use super::world::*;

const BEFORE: &str = "Murmur, grade two";
const DURING: &str = "Echo done";
const AFTER: &str = "Lasix since today";

fn pay(desk: &mut Desk) -> bool {
    desk.replica.pay_owed(desk.now, &mut desk.rng).unwrap()
}

fn tell_act(from: &Desk, to: &mut Desk) {
    for act in from.replica.acts().unwrap() {
        to.replica.learn_act(act).unwrap();
    }
}

/// The words that `Desk::found` makes with this seed.
fn words_of(seed: u8) -> RootSecret {
    RootSecret::generate(&mut ChaCha20Rng::from_seed([seed; 32]))
}

/// Every entry of a home's log.
fn entries(desk: &Desk) -> Vec<Arc<Entry>> {
    let incarnation = IncarnationId::from_bytes([9; 16]);
    let (mut ledger, _) = Ledger::open(desk.storage.clone(), incarnation).unwrap();
    let mut all = Vec::new();
    ledger
        .replay(&mut |arrival| {
            if let Arrival::Entry { entry, .. } = arrival {
                all.push(entry);
            }
            Ok(())
        })
        .unwrap();
    all
}

/// Teaches a ring the whole key table of a home.
fn taught(mut ring: KeyRing, desk: &Desk) -> KeyRing {
    for entry in entries(desk) {
        let header = entry.header();
        let rows = entry.body().filter(|_| header.feed == FeedId::Keys);
        let rows = rows.and_then(|body| decode_rows(body).ok());
        let authors = RowAuthor::of(desk.replica.ledger().governance(), header);
        for row in rows.into_iter().flatten() {
            ring.learn(&row, authors[0]);
        }
    }
    ring
}

/// How many sealed entries of a home a ring opens, and how many it does not.
fn opened(ring: &KeyRing, desk: &Desk, feed: FeedId) -> (usize, usize) {
    let all = entries(desk);
    let of_feed = all.iter().filter(|entry| entry.header().feed == feed);
    let (open, closed): (Vec<_>, Vec<_>) = of_feed.partition(|entry| ring.open(entry).is_ok());
    (open.len(), closed.len())
}

#[test]
fn after_new_words_the_old_ones_open_nothing_new_and_the_new_ones_open_everything() {
    let mut owner = Desk::found(1);
    let mut vet = owner.join(2, StaffRole::Vet);
    pay(&mut owner);
    let (old, new) = (words_of(1), words_of(77));
    owner.client("Before Renewal");
    owner.replica.drill(&old).unwrap();
    let refused = |desk: &mut Desk, words: &RootSecret| {
        desk.replica.renew_words(desk.now, words).unwrap_err().code
    };
    assert_eq!(refused(&mut vet, &new), ErrorCode::NotAllowed);

    owner.replica.renew_words(owner.now, &new).unwrap();
    assert_eq!(
        owner.replica.drill(&new).unwrap_err().code,
        ErrorCode::MissingKey,
        "the keys are not sealed to them yet"
    );
    let owed = owner.replica.owed();
    assert_eq!(owed.renewal.roles, Role::ALL.into_iter().collect());
    assert!(owed.recover);
    assert!(pay(&mut owner));
    assert!(owner.replica.owed().is_empty());
    tell_act(&owner, &mut vet);
    owner.client("After Renewal");
    meet(&mut owner, &mut vet);

    owner.replica.drill(&new).unwrap();
    for desk in [&mut owner, &mut vet] {
        let why = desk.replica.drill(&old).unwrap_err();
        assert_eq!(why.code, ErrorCode::ReplacedWords);
        assert!(why.message.contains("2026-02-23"), "{}", why.message);
        let all = Query::Clients {
            skip: None,
            limit: None,
        };
        let Answer::Found { clients, .. } = desk.ask(all) else {
            panic!("not the clients");
        };
        assert_eq!(clients.len(), 2);
        assert!(desk.state().alarms.is_empty());
    }
    // Words that counted once never count again, and the ones that count need no second act.
    assert_eq!(refused(&mut owner, &old), ErrorCode::ReplacedWords);
    let height = owner.replica.ledger().governance().height();
    owner.replica.renew_words(owner.now, &new).unwrap();
    assert_eq!(owner.replica.ledger().governance().height(), height);

    // Whoever copied the whole log and has the old words: what was written later stays shut.
    let org = owner.replica.org();
    let thief = taught(KeyRing::of_recovery(org, &old.recovery()), &owner);
    let holder = taught(KeyRing::of_recovery(org, &new.recovery()), &owner);
    assert_eq!(opened(&thief, &owner, FeedId::Contact), (1, 1));
    assert_eq!(opened(&holder, &owner, FeedId::Contact), (2, 0));

    // All of it is the same after a restart, and a second renewal works like the first.
    owner.restart();
    assert!(owner.replica.owed().is_empty());
    owner.replica.renew_words(owner.now, &words_of(78)).unwrap();
    assert!(pay(&mut owner));
    owner.replica.drill(&words_of(78)).unwrap();
    assert_eq!(
        owner.replica.drill(&new).unwrap_err().code,
        ErrorCode::ReplacedWords
    );
}

#[test]
fn another_owner_pays_when_who_replaced_the_words_went_off_at_once() {
    let mut owner = Desk::found(1);
    let mut second = owner.join(2, StaffRole::Owner);
    pay(&mut owner);
    meet(&mut owner, &mut second);
    owner.replica.renew_words(owner.now, &words_of(77)).unwrap();
    tell_act(&owner, &mut second);
    assert!(pay(&mut second));
    second.replica.drill(&words_of(77)).unwrap();
    meet(&mut second, &mut owner);
    assert!(
        owner.replica.owed().is_empty(),
        "{:?}",
        owner.replica.owed()
    );
    owner.replica.drill(&words_of(77)).unwrap();
}

fn note(of: PetId, text: &str) -> Command {
    Command::AddCardNote(NewCardNote {
        of: of.to_string(),
        card: CardKind::Clinical,
        text: text.to_owned(),
        despite_restriction: None,
    })
}

/// The clinical notes that a desk shows.
fn clinical(desk: &mut Desk, client: ClientId) -> BTreeSet<String> {
    let Answer::Cards(view) = desk.ask(Query::Cards { client }) else {
        panic!("not the cards");
    };
    let cards = view.cards.into_iter();
    cards
        .filter(|card| card.card == CardKind::Clinical)
        .flat_map(|card| card.notes)
        .map(|note| note.text)
        .collect()
}

#[test]
fn managers_read_clinical_cards_while_they_are_let_in_and_nothing_that_comes_later() {
    let mut owner = Desk::found(1);
    owner.set_up();
    let client = owner.client("Ilse Quint");
    let pet = NewPet {
        client,
        name: "Kasimir".to_owned(),
        species: None,
        breed: None,
        microchip: None,
        despite_restriction: None,
    };
    let pet: PetId = owner.tell(Command::AddPet(pet)).id.parse().unwrap();
    let mut vet = owner.join(2, StaffRole::Vet);
    let mut manager = owner.join(3, StaffRole::Manager);
    pay(&mut owner);
    tell_act(&owner, &mut vet);
    vet.tell(note(pet, BEFORE));
    meet(&mut vet, &mut owner);
    meet(&mut owner, &mut manager);
    assert!(clinical(&mut manager, client).is_empty());
    let refused = manager.replica.let_managers_in(manager.now, true);
    assert_eq!(refused.unwrap_err().code, ErrorCode::NotAllowed);

    let let_in = |owner: &mut Desk, open| {
        owner.replica.let_managers_in(owner.now, open).unwrap();
        assert!(pay(owner), "keys follow");
        assert!(owner.replica.owed().is_empty());
        assert!(!pay(owner), "once");
    };
    let_in(&mut owner, true);
    tell_act(&owner, &mut vet);
    tell_act(&owner, &mut manager);
    vet.tell(note(pet, DURING));
    meet(&mut vet, &mut owner);
    meet(&mut vet, &mut manager);
    meet(&mut owner, &mut manager);
    let read = [BEFORE, DURING].map(str::to_owned).into();
    assert_eq!(clinical(&mut manager, client), read);
    // They read; they do not write, and hold no vet's key to hand on.
    let why = manager.try_do(note(pet, "not mine to write")).unwrap_err();
    assert_eq!(why.code, ErrorCode::NotAllowed);
    assert!(!manager.replica.keyring().holds_role(Role::Vet));
    // Who looked is noted where the cards are, and counts.
    let now = manager.now;
    let Answer::Cards(view) = manager.ask(Query::Cards { client }) else {
        panic!("not the cards");
    };
    manager
        .replica
        .note_opened(
            now,
            &mut manager.rng,
            &view,
            client_core::documents::Opening::Shown,
        )
        .unwrap();
    meet(&mut manager, &mut owner);
    for desk in [&mut owner, &mut manager] {
        assert!(desk.state().alarms.is_empty(), "{:?}", desk.state().alarms);
    }
    let known = manager
        .replica
        .keyring()
        .compartment_epoch(Compartment::Clinical);

    let_in(&mut owner, false);
    tell_act(&owner, &mut vet);
    meet(&mut owner, &mut vet);
    vet.tell(note(pet, AFTER));
    meet(&mut vet, &mut owner);
    meet(&mut vet, &mut manager);
    // A manager who does not even know of it yet gets nothing that opens.
    let ring = manager.replica.keyring();
    assert_eq!(ring.compartment_epoch(Compartment::Clinical), known);
    tell_act(&owner, &mut manager);
    meet(&mut owner, &mut manager);
    for _ in 0..2 {
        assert!(clinical(&mut manager, client).is_empty());
        let ring = manager.replica.keyring();
        assert_eq!(ring.compartment_epoch(Compartment::Clinical), known);
        let closed = opened(ring, &owner, FeedId::Clinical).1;
        assert!(closed > 0, "what was written later stays shut");
        manager.restart();
    }
    let all = BTreeSet::from([BEFORE, DURING, AFTER].map(str::to_owned));
    assert_eq!(clinical(&mut vet, client), all);
    assert_eq!(clinical(&mut owner, client), all);
    assert!(
        owner.state().alarms.is_empty(),
        "{:?}",
        owner.state().alarms
    );
}
