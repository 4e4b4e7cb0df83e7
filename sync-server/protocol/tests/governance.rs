//! Who may do what, and how each attempt at more is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

mod common;

use common::*;
use sync_protocol::{GovernanceError as E, *};

#[test]
fn every_replica_folds_the_same_practice() {
    let chain = practice();
    let mut again =
        Governance::found(&SignedAct::decode(&chain.acts[0].encode()).unwrap()).unwrap();
    for act in &chain.acts[1..] {
        again
            .apply(&SignedAct::decode(&act.encode()).unwrap())
            .unwrap();
    }
    assert_eq!(again.stand(), chain.state.stand());
    assert_eq!(again.height(), 9);
    assert_eq!(again.relay_key(), Some(&key("relay").verifying_key()));
    assert_eq!(again.relay_address(), Some("wss://relay.example/"));
    assert_eq!(again.restored_epoch(), 1);
    assert!(again.invite(invite_id(1)).unwrap().used.is_some());
    assert!(again.invite(invite_id(2)).unwrap().used.is_none());
}

#[test]
fn roles_are_known_at_every_height() {
    let state = practice().state;
    let role = |seat, height| state.role_at(seat_id(seat), height);
    assert_eq!(role(1, 0), Some(Role::Owner));
    assert_eq!(role(2, 2), None);
    assert_eq!(role(2, 3), Some(Role::Vet));
    assert_eq!(role(2, 7), Some(Role::Vet));
    assert_eq!(role(2, 8), None);
    assert_eq!(role(3, 5), Some(Role::Groomer));
    assert_eq!(role(3, 6), Some(Role::Manager));
    assert!(state.device_may_read(device_id(3), FeedId::Payments));
    assert!(
        !state.device_may_read(device_id(2), FeedId::Clinical),
        "its only seat is gone"
    );
}

/// Tries one act on the practice; whatever is refused leaves no trace.
fn refused(act: &SignedAct) -> E {
    let mut state = practice().state;
    let before = state.stand();
    let error = state.apply(act).expect_err("this act must be refused");
    assert_eq!(state.stand(), before);
    error
}

fn tried(author: Author, what: What) -> E {
    refused(&practice().next(author, what))
}

#[test]
fn replays_late_acts_and_forks_are_told_apart() {
    let chain = practice();
    assert_eq!(refused(&chain.acts[3]), E::Replayed { height: 3 });

    // Written honestly on height 8 while somebody else's act 9 went in first.
    let mut behind = Chain::found();
    for act in &chain.acts[1..9] {
        behind.state.apply(act).unwrap();
    }
    let late = behind.next(owner(), What::RelayRestore { epoch: 5 });
    assert_eq!(
        refused(&late),
        E::WrongHeight {
            got: 9,
            expected: 10
        }
    );

    // Another history from height 1 on, all of it properly signed.
    let mut other = Chain::found();
    other.add(owner(), What::RelayRestore { epoch: 4 });
    other.add(owner(), What::RelayRestore { epoch: 5 });
    assert_eq!(refused(&other.acts[2]), E::Fork { height: 2 });
    while other.state.height() < 10 {
        let epoch = other.state.restored_epoch() + 1;
        other.add(owner(), What::RelayRestore { epoch });
    }
    assert_eq!(refused(&other.acts[10]), E::Fork { height: 10 });

    let mut ahead = chain.clone();
    ahead.add(owner(), What::RelayRestore { epoch: 2 });
    ahead.add(owner(), What::RelayRestore { epoch: 3 });
    assert_eq!(
        refused(&ahead.acts[11]),
        E::WrongHeight {
            got: 11,
            expected: 10
        }
    );
}

#[test]
fn only_the_named_author_signs() {
    let chain = practice();
    let what = What::RelayRestore { epoch: 2 };
    let forged = chain.next_by(owner(), what.clone(), &key("seat 3"));
    assert_eq!(refused(&forged), E::BadSignature);
    assert_eq!(
        tried(Author::Seat(seat_id(9)), what.clone()),
        E::UnknownAuthor
    );
    assert_eq!(
        tried(Author::Seat(seat_id(2)), what.clone()),
        E::UnknownAuthor,
        "removed"
    );
    assert_eq!(
        tried(Author::Invite(invite_id(9)), what.clone()),
        E::UnknownInvite
    );
    assert_eq!(
        tried(Author::Invite(invite_id(2)), what.clone()),
        E::NotAuthorised
    );
    assert_eq!(
        tried(Author::Device(device_id(1)), what.clone()),
        E::NotAuthorised
    );
    assert_eq!(
        tried(Author::Seat(seat_id(3)), what.clone()),
        E::NotAuthorised,
        "a manager"
    );
    let mut other = chain.next(owner(), what.clone()).value().clone();
    other.org = OrgId::from_bytes([9; 16]);
    let other = SignedAct::sign(other, &key("seat 1")).unwrap();
    assert_eq!(refused(&other), E::WrongOrganisation);
    assert_eq!(
        practice().try_add(Author::Root, what),
        Ok(()),
        "the paper kit acts as an owner"
    );
}

#[test]
fn managers_admit_below_themselves() {
    let manager = Author::Seat(seat_id(3));
    for (role, may) in [
        (Role::Owner, false),
        (Role::Manager, false),
        (Role::Vet, true),
        (Role::Groomer, true),
        (Role::Receptionist, true),
        (Role::Gateway, true),
    ] {
        let expected = if may { Ok(()) } else { Err(E::NotAuthorised) };
        assert_eq!(
            practice().try_add(manager, invite(5, role, NOON * 2)),
            expected,
            "{role}"
        );
        let seat = seat(5, 5, role);
        assert_eq!(
            practice().try_add(manager, add_seat(seat, Some(device(5)))),
            expected
        );
    }
    let set = What::SetRole {
        seat: seat_id(3),
        role: Role::Owner,
        last: vec![],
    };
    assert_eq!(tried(manager, set), E::NotAuthorised);
    let remove = What::RemoveSeat {
        seat: seat_id(1),
        last: vec![],
    };
    assert_eq!(tried(manager, remove), E::NotAuthorised);
    assert_eq!(tried(manager, What::AddDevice(device(6))), E::NotAuthorised);
}

#[test]
fn an_invitation_works_once_in_time_and_for_its_role() {
    let redeem_as = |n, role| redeem(n, seat(4, 4, role), Some(device(4)));
    let (author, what) = redeem_as(2, Role::Receptionist);
    let mut chain = practice();
    chain.add(author, what);
    assert_eq!(
        chain.state.role_at(seat_id(4), 10),
        Some(Role::Receptionist)
    );
    assert_eq!(chain.state.seat(seat_id(4)).unwrap().site(), Some(SITE));
    let (author, what) = redeem(2, seat(5, 5, Role::Receptionist), Some(device(5)));
    assert_eq!(chain.try_add(author, what), Err(E::UsedInvite));

    let (author, what) = redeem_as(2, Role::Vet);
    assert_eq!(tried(author, what), E::WrongRole);
    let (author, what) = redeem_as(2, Role::Receptionist);
    let mut late = practice().next(author, what).value().clone();
    late.at = NOON + 3_600;
    let late = SignedAct::sign(late, &key("invite 2")).unwrap();
    assert_eq!(refused(&late), E::ExpiredInvite);

    // The secret of one invitation does not open another, nor a door without any.
    let (_, what) = redeem_as(2, Role::Receptionist);
    assert_eq!(
        tried(Author::Invite(invite_id(1)), what.clone()),
        E::NotAuthorised
    );
    assert_eq!(tried(owner(), what), E::NotAuthorised);
    let bare = add_seat(seat(4, 4, Role::Receptionist), Some(device(4)));
    assert_eq!(tried(Author::Invite(invite_id(2)), bare), E::NotAuthorised);

    // A dismissed manager's invitations lapse.
    let mut chain = practice();
    chain.add(
        owner(),
        What::RemoveSeat {
            seat: seat_id(3),
            last: vec![],
        },
    );
    let (author, what) = redeem_as(2, Role::Receptionist);
    assert_eq!(chain.try_add(author, what), Err(E::LapsedInvite));
}

#[test]
fn weak_keys_are_refused_by_name() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = VerifyKey::from_bytes(identity);
    let low = E::Key(KeyError::LowOrder);
    let pin = |acting, standby| What::PinRelayKey {
        acting,
        standby,
        address: String::new(),
    };
    assert_eq!(tried(owner(), pin(weak, None)), low);
    assert_eq!(tried(owner(), pin(public("x"), Some(weak))), low);
    let none = VerifyKey::from_bytes([0xff; 32]);
    assert_eq!(tried(owner(), pin(none, None)), E::Key(KeyError::NotAPoint));
    let mut grant = device(6);
    grant.verify = weak;
    assert_eq!(tried(owner(), What::AddDevice(grant)), low);
    let mut weak_seat = seat(6, 1, Role::Vet);
    weak_seat.seal = SealKey::from_bytes([0; 32]);
    assert_eq!(tried(owner(), add_seat(weak_seat, None)), low);
    let What::Invite {
        id,
        role,
        expires,
        site,
        wrapped,
        ..
    } = invite(6, Role::Vet, NOON)
    else {
        panic!("an invitation");
    };
    let invite = What::Invite {
        id,
        role,
        expires,
        verify: weak,
        site,
        wrapped,
        compare: false,
    };
    assert_eq!(tried(owner(), invite), low);
}

#[test]
fn proofs_bind_keys_to_their_holder() {
    // A device grant replayed under another device's name.
    let mut grant = device(6);
    grant.device = device_id(7);
    assert_eq!(tried(owner(), What::AddDevice(grant)), E::BadProof);
    // A seat whose sealing key was swapped.
    let mut swapped = seat(6, 1, Role::Vet);
    swapped.seal = seal_key("the thief");
    assert_eq!(tried(owner(), add_seat(swapped, None)), E::BadProof);
    // A grant made for another organisation.
    let elsewhere = DeviceGrant::new(OrgId::from_bytes([9; 16]), device_id(6), &key("device 6"));
    assert_eq!(tried(owner(), What::AddDevice(elsewhere)), E::BadProof);
}

#[test]
fn ids_and_keys_have_one_holder() {
    assert_eq!(tried(owner(), What::AddDevice(device(3))), E::Duplicate);
    assert_eq!(
        tried(owner(), add_seat(seat(3, 1, Role::Vet), None)),
        E::Duplicate
    );
    let twice = DeviceGrant::new(ORG, device_id(6), &key("seat 1"));
    assert_eq!(
        tried(owner(), What::AddDevice(twice)),
        E::Duplicate,
        "a seat's key"
    );
    assert_eq!(tried(owner(), invite(1, Role::Vet, NOON)), E::Duplicate);
    assert_eq!(
        tried(owner(), add_seat(seat(6, 6, Role::Vet), None)),
        E::UnknownDevice
    );
    let other_device = add_seat(seat(6, 6, Role::Vet), Some(device(7)));
    assert_eq!(tried(owner(), other_device), E::UnknownDevice);
}

#[test]
fn an_owner_remains() {
    let remove = |n| What::RemoveSeat {
        seat: seat_id(n),
        last: vec![],
    };
    let set = |n, role| What::SetRole {
        seat: seat_id(n),
        role,
        last: vec![],
    };
    assert_eq!(tried(owner(), remove(1)), E::LastOwner);
    assert_eq!(tried(owner(), set(1, Role::Vet)), E::LastOwner);
    assert_eq!(tried(owner(), remove(2)), E::UnknownSeat, "removed before");
    assert_eq!(tried(owner(), set(9, Role::Vet)), E::UnknownSeat);
    let mut chain = practice();
    chain
        .add(owner(), set(3, Role::Owner))
        .add(owner(), remove(1));
    assert_eq!(chain.try_add(owner(), remove(3)), Err(E::UnknownAuthor));
    assert_eq!(
        tried(owner(), What::RelayRestore { epoch: 1 }),
        E::StaleEpoch
    );
}

#[test]
fn a_chain_begins_with_a_genesis_by_its_root() {
    let good = genesis();
    let change = |edit: &dyn Fn(&mut Act), signer: &str| {
        let mut act = good.value().clone();
        edit(&mut act);
        Governance::found(&SignedAct::sign(act, &key(signer)).unwrap()).map(|_| ())
    };
    assert_eq!(change(&|_| (), "root"), Ok(()));
    assert_eq!(change(&|_| (), "seat 1"), Err(E::BadSignature));
    assert_eq!(change(&|act| act.height = 1, "root"), Err(E::NotAGenesis));
    assert_eq!(
        change(&|act| act.prev = Hash::of(b""), "root"),
        Err(E::NotAGenesis)
    );
    assert_eq!(
        change(&|act| act.author = owner(), "root"),
        Err(E::NotAGenesis)
    );
    assert_eq!(
        change(&|act| act.what = What::RelayRestore { epoch: 1 }, "root"),
        Err(E::NotAGenesis)
    );
    assert_eq!(
        tried(Author::Root, good.value().what.clone()),
        E::NotAGenesis
    );
}

#[test]
fn what_an_earlier_relay_signed_stays_valid() {
    let mut chain = practice();
    let pin = What::PinRelayKey {
        acting: public("new relay"),
        standby: Some(public("spare relay")),
        address: "wss://new.example/".to_owned(),
    };
    chain.add(owner(), pin);
    let stand = *head(FeedId::Grid, 1, Hash::ZERO).value();
    for (signer, valid) in [
        ("relay", true),
        ("new relay", true),
        ("spare relay", true),
        ("seat 1", false),
    ] {
        let signed = SignedHead::sign(stand, &key(signer)).unwrap();
        assert_eq!(chain.state.relay_signed(&signed), valid, "{signer}");
    }
    assert!(!chain.state.is_relay_key(&key("relay").verifying_key()));
    assert!(
        chain
            .state
            .is_relay_key(&key("spare relay").verifying_key())
    );
}

#[test]
fn new_words_take_the_place_of_the_old_ones_and_old_acts_of_the_root_stand() {
    let mut chain = practice();
    chain.add(Author::Root, What::RelayRestore { epoch: 2 });
    let old = (*chain.state.root(), chain.state.recovery());
    chain.add(owner(), new_words("root 2", "recovery 2"));
    let state = &chain.state;
    assert_eq!(state.root(), &key("root 2").verifying_key());
    assert_eq!(
        (state.recovery(), state.rooted()),
        (seal_key("recovery 2"), 11)
    );
    let [replaced] = state.replaced() else {
        panic!("one pair of keys was replaced");
    };
    assert_eq!((replaced.key, replaced.recovery), old);
    assert_eq!((replaced.since, replaced.height), (0, 11));

    let restore = What::RelayRestore { epoch: 3 };
    assert_eq!(
        chain.try_add(Author::Root, restore.clone()),
        Err(E::BadSignature)
    );
    let act = chain.next_by(Author::Root, restore, &key("root 2"));
    chain.state.apply(&act).unwrap();
    // The words that count may name their own successors; the fold from the genesis is the same.
    let next = chain.next_by(
        Author::Root,
        new_words("root 3", "recovery 3"),
        &key("root 2"),
    );
    chain.state.apply(&next).unwrap();
    assert_eq!(chain.state.replaced().len(), 2);
    let mut again = Governance::found(&chain.acts[0]).unwrap();
    for signed in chain.acts[1..].iter().chain([&act, &next]) {
        again.apply(signed).unwrap();
    }
    assert_eq!(again.stand(), chain.state.stand());
    assert_eq!(again.recovery(), seal_key("recovery 3"));
}

#[test]
fn managers_read_clinical_cards_exactly_while_a_policy_says_so() {
    let mut chain = practice();
    let reads = |chain: &Chain| {
        let feeds = [FeedId::Clinical, FeedId::Payments, FeedId::Keys];
        feeds.map(|feed| chain.state.device_may_read(device_id(3), feed))
    };
    assert_eq!(reads(&chain), [false, true, true]);
    chain.add(owner(), let_managers_in(true, &[]));
    assert_eq!(reads(&chain), [true, true, true]);
    for role in [Role::Groomer, Role::Receptionist, Role::Gateway] {
        assert!(!chain.state.may_read(role, FeedId::Clinical), "{role}");
    }
    chain.add(owner(), let_managers_in(false, &[0]));
    assert_eq!(reads(&chain), [false, true, true]);
    assert_eq!(
        chain.state.narrowed_at(11).collect::<Vec<_>>(),
        [seat_id(3)]
    );
    let known = [9, 10, 11].map(|height| chain.state.policy_at(height).clinical_for_managers);
    assert_eq!(known, [false, true, false]);
}
