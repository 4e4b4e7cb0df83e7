//! The whole module from outside: a practice is founded, somebody joins, somebody leaves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, DocumentId, Entry, FeedId, Governance, Hash, Header,
    IncarnationId, InviteId, KeyId, OrgId, Role, SealKey, SeatGrant, SeatId, SeenHead, SignedAct,
    SigningKey, Site, VerifyKey, What,
};

use super::*;

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const ANNA: SeatId = SeatId::from_bytes([2; 16]);
const BEN: SeatId = SeatId::from_bytes([3; 16]);
const INVITE: InviteId = InviteId::from_bytes([4; 16]);
const CLIENT: [u8; 16] = [9; 16];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([42; 32])
}

fn header(feed: FeedId) -> Header {
    Header {
        org: ORG,
        feed,
        document: DocumentId::from_bytes([5; 16]),
        key: None,
        device: DeviceId::from_bytes([6; 16]),
        seat: ANNA,
        incarnation: IncarnationId::from_bytes([7; 16]),
        sequence: 12,
        prev: Hash::of(b"prev"),
        governance: (3, Hash::of(b"governance")),
        seen: Some(SeenHead {
            epoch: 1,
            sequence: 9,
            chain: Hash::of(b"chain"),
        }),
        seal: None,
        body_len: 0,
        body_hash: Hash::ZERO,
    }
}

/// A founded practice: the owner's ring, its secrets, the rows and the recovery words.
struct Practice {
    rng: ChaCha20Rng,
    owner: KeyRing,
    secrets: SeatSecrets,
    root: RootSecret,
    /// Every row there is, with its author.
    table: Vec<(KeyRow, RowAuthor)>,
}

impl Practice {
    fn found() -> Self {
        let mut rng = rng();
        let root = RootSecret::generate(&mut rng);
        let secrets = SeatSecrets::generate(&mut rng);
        let (owner, rows) =
            KeyRing::found(&mut rng, ORG, ANNA, &secrets, root.recovery().public()).unwrap();
        let mut practice = Self {
            rng,
            owner,
            secrets,
            root,
            table: Vec::new(),
        };
        practice.publish(&rows, ANNA, Role::Owner);
        practice
    }

    fn publish(&mut self, rows: &[KeyRow], seat: SeatId, role: Role) {
        // What is published was written and read as the body of an entry.
        assert!(rows.len() <= MAX_ROWS);
        let rows = decode_rows(&encode_rows(rows)).unwrap();
        let author = RowAuthor {
            seat,
            role,
            policy: sync_protocol::Policy::default(),
        };
        self.table.extend(rows.into_iter().map(|row| (row, author)));
    }

    fn teach(&self, ring: &mut KeyRing) {
        for (row, author) in &self.table {
            ring.learn(row, *author);
        }
    }

    /// A newcomer with a role, from the invitation alone, then taught the table.
    fn join(&mut self, seat: SeatId, role: Role) -> (KeyRing, SeatSecrets) {
        let secret = JoinSecret::generate(&mut self.rng);
        let wrapped = self
            .owner
            .wrap_for_invite(&mut self.rng, INVITE, role, &secret)
            .unwrap();
        let secrets = SeatSecrets::generate(&mut self.rng);
        let mut ring =
            KeyRing::from_invite(ORG, INVITE, role, &wrapped, &secret, seat, &secrets).unwrap();
        self.teach(&mut ring);
        let member = Member {
            seat,
            seal: secrets.sealing.public(),
            role,
        };
        let rows = ring.rows_for_new_seat(&mut self.rng, member).unwrap();
        self.publish(&rows, seat, role);
        (ring, secrets)
    }
}

fn opens(ring: &KeyRing) -> Vec<Compartment> {
    Compartment::ALL
        .into_iter()
        .filter(|compartment| ring.compartment_key(*compartment).is_some())
        .collect()
}

fn read_by(role: Role) -> Vec<Compartment> {
    Compartment::ALL
        .into_iter()
        .filter(|compartment| compartment.read_by(role))
        .collect()
}

#[test]
fn an_entry_opens_again_whatever_its_length() {
    let rng = &mut rng();
    let key = CompartmentKey::generate(rng);
    for len in [0, 1, 63, 64, 1000, 1024, 5000, MAX_PLAIN] {
        let plain = vec![0x80; len];
        let mut header = header(FeedId::Contact);
        let body = seal(rng, &key, &mut header, &plain).unwrap();
        let entry = Entry::sign(header, body, &SigningKey::from_bytes(&[8; 32])).unwrap();
        assert_eq!(entry.header().key, Some(key.id()));
        let body = entry.body().unwrap();
        assert_eq!((body.len() - 16) % 64, 0);
        assert_eq!(*open(&key, entry.header(), body).unwrap(), plain);
    }
    assert_eq!(
        seal(
            rng,
            &key,
            &mut header(FeedId::Contact),
            &vec![0; MAX_PLAIN + 1]
        ),
        Err(SealError::TooLong { got: MAX_PLAIN + 1 })
    );
}

type Change = fn(&mut Header);

#[test]
fn every_header_field_is_bound() {
    let rng = &mut rng();
    let key = SubjectKey::generate(rng);
    let mut sealed = header(FeedId::Visits(Site::from_bytes([1; 16])));
    let body = seal(rng, &key, &mut sealed, b"Rex limps").unwrap();
    assert_eq!(&**open(&key, &sealed, &body).unwrap(), b"Rex limps");
    let changes: [(&str, Change); 18] = [
        ("org", |h| h.org = OrgId::from_bytes([0; 16])),
        ("feed", |h| h.feed = FeedId::Contact),
        ("site", |h| {
            h.feed = FeedId::Visits(Site::from_bytes([2; 16]));
        }),
        ("document", |h| h.document = DocumentId::from_bytes([0; 16])),
        ("key", |h| h.key = Some(KeyId::from_bytes([0; 16]))),
        ("no key", |h| h.key = None),
        ("device", |h| h.device = DeviceId::from_bytes([0; 16])),
        ("seat", |h| h.seat = BEN),
        ("incarnation", |h| {
            h.incarnation = IncarnationId::from_bytes([0; 16]);
        }),
        ("sequence", |h| h.sequence += 1),
        ("prev", |h| h.prev = Hash::ZERO),
        ("height", |h| h.governance.0 += 1),
        ("head", |h| h.governance.1 = Hash::ZERO),
        ("seen", |h| h.seen = None),
        ("no seal", |h| h.seal = None),
        ("suite", |h| h.seal.as_mut().unwrap().suite = 1),
        ("nonce", |h| h.seal.as_mut().unwrap().nonce[0] ^= 1),
        ("commitment", |h| {
            h.seal.as_mut().unwrap().commitment[0] ^= 1;
        }),
    ];
    for (what, change) in changes {
        let mut changed = sealed;
        change(&mut changed);
        assert!(open(&key, &changed, &body).is_err(), "{what}");
    }
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 0x10;
        assert_eq!(
            open(&key, &sealed, &changed).unwrap_err(),
            OpenError::Damaged
        );
        assert!(open(&key, &sealed, &body[..at]).is_err());
    }
    // Length and hash of the body are bound by the signature over the header.
    let signing = SigningKey::from_bytes(&[8; 32]);
    let bytes = Entry::sign(sealed, body, &signing).unwrap().encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let stands = Entry::decode(&changed)
            .is_ok_and(|entry| entry.verify(&signing.verifying_key()).is_ok());
        assert!(!stands, "byte {at}");
    }
}

#[test]
fn a_ciphertext_opens_under_one_key_only_and_errors_are_told_apart() {
    let rng = &mut rng();
    let key = CompartmentKey::generate(rng);
    let other = CompartmentKey::generate(rng);
    let mut sealed = header(FeedId::Contact);
    let body = seal(rng, &key, &mut sealed, b"06 12 34 56 78").unwrap();
    assert_eq!(
        open(&other, &sealed, &body).unwrap_err(),
        OpenError::WrongKey
    );
    // Whoever swaps the commitment for that of the other key gains nothing.
    let mut forged = sealed;
    let mut second = sealed;
    let _other_body = seal(rng, &other, &mut second, b"").unwrap();
    forged.seal = second.seal;
    assert_eq!(
        open(&other, &forged, &body).unwrap_err(),
        OpenError::Damaged
    );
    assert_eq!(open(&key, &forged, &body).unwrap_err(), OpenError::WrongKey);
    let mut newer = sealed;
    newer.seal.as_mut().unwrap().suite = 9;
    assert_eq!(
        open(&key, &newer, &body).unwrap_err(),
        OpenError::UnknownVersion { got: 9 }
    );
    let entry = Entry::sign(sealed, body, &SigningKey::from_bytes(&[8; 32])).unwrap();
    let practice = Practice::found();
    assert_eq!(
        practice.owner.open(&entry).unwrap_err(),
        OpenError::MissingKey
    );
}

#[test]
fn two_sealings_of_one_text_have_nothing_in_common() {
    let rng = &mut rng();
    let key = CompartmentKey::generate(rng);
    let (mut a, mut b) = (header(FeedId::Contact), header(FeedId::Contact));
    let first = seal(rng, &key, &mut a, b"same").unwrap();
    let second = seal(rng, &key, &mut b, b"same").unwrap();
    assert_ne!(a.seal, b.seal);
    assert_ne!(first, second);
}

#[test]
fn a_blob_opens_for_its_own_use_and_place_only() {
    let rng = &mut rng();
    let key = BlobKey::generate(rng);
    let sealed = seal_blob(rng, &key, "index", b"clients", b"names").unwrap();
    assert_eq!(
        &**open_blob(&key, "index", b"clients", &sealed).unwrap(),
        b"names"
    );
    for wrong in [
        open_blob(&key, "cache", b"clients", &sealed),
        open_blob(&key, "index", b"pets", &sealed),
        open_blob(&key, "index", b"clients", &sealed[..sealed.len() - 1]),
        open_blob(&key, "index", b"clients", &[1; 20]),
        open_blob(&key, "index", b"clients", &[]),
    ] {
        assert_eq!(wrong.unwrap_err(), OpenError::Damaged);
    }
    assert_eq!(
        open_blob(&BlobKey::generate(rng), "index", b"clients", &sealed).unwrap_err(),
        OpenError::WrongKey
    );
    assert_eq!(
        open_blob(&key, "index", b"clients", &[2, 2, 3]).unwrap_err(),
        OpenError::UnknownVersion { got: 2 }
    );
}

#[test]
fn a_receptionist_joins_and_opens_what_her_role_reads_and_nothing_else() {
    let mut practice = Practice::found();
    let (client, row) = practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Contact)
        .unwrap();
    practice.publish(&[row], ANNA, Role::Owner);
    let (joined, secrets) = practice.join(BEN, Role::Receptionist);
    assert_eq!(
        opens(&joined),
        [
            Compartment::Practice,
            Compartment::Visits,
            Compartment::Contact,
            Compartment::Handling,
            Compartment::Grooming,
            Compartment::Payments
        ]
    );
    for role in Role::ALL {
        assert_eq!(
            joined.holds_role(role),
            role == Role::Receptionist,
            "{role}"
        );
    }

    // What the owner sealed, the receptionist reads; after a restart too, from the table alone.
    let mut sealed = header(FeedId::Contact);
    let (_, key) = practice
        .owner
        .subject_key(CLIENT, Compartment::Contact)
        .unwrap();
    let body = seal(&mut practice.rng, key, &mut sealed, b"Mme Roux").unwrap();
    assert_eq!(sealed.key, Some(client));
    let entry = Entry::sign(sealed, body, &practice.secrets.signing).unwrap();
    assert_eq!(&**joined.open(&entry).unwrap(), b"Mme Roux");
    let mut restarted = KeyRing::of_seat(ORG, BEN, &secrets);
    practice.teach(&mut restarted);
    assert_eq!(&**restarted.open(&entry).unwrap(), b"Mme Roux");

    // A stranger with a seat of its own and the whole table opens nothing.
    let stranger = SeatSecrets::generate(&mut practice.rng);
    let mut outside = KeyRing::of_seat(ORG, BEN, &stranger);
    practice.teach(&mut outside);
    assert_eq!(opens(&outside), []);
    assert_eq!(outside.open(&entry).unwrap_err(), OpenError::MissingKey);
}

#[test]
fn a_gateway_opens_no_compartment() {
    let mut practice = Practice::found();
    let (gateway, _) = practice.join(BEN, Role::Gateway);
    assert_eq!(opens(&gateway), []);
    let reading: BTreeSet<Role> = practice
        .table
        .iter()
        .filter_map(|(row, _)| match row {
            KeyRow::Compartment { role, .. } => Some(*role),
            KeyRow::Role { .. } | KeyRow::Subject { .. } => None,
        })
        .collect();
    assert!(!reading.contains(&Role::Gateway));
}

/// One line per compartment: owner, manager, vet, groomer, receptionist, gateway.
#[test]
fn each_role_opens_what_the_published_table_says() {
    let mut practice = Practice::found();
    let rings = Role::ALL.map(|role| practice.join(BEN, role).0);
    let lines = Compartment::ALL.map(|compartment| {
        rings
            .each_ref()
            .map(|ring| match ring.compartment_key(compartment) {
                Some(_) => "x",
                None => "-",
            })
            .join(" ")
    });
    assert_eq!(
        lines.join("\n"),
        "x x x x x -\n\
         x x x x x -\n\
         x x x x x -\n\
         x x x x x -\n\
         x - x - - -\n\
         x x x x x -\n\
         x x - - x -"
    );
}

#[test]
fn a_manager_hands_on_the_roles_that_read_no_more_than_it_does() {
    let mut practice = Practice::found();
    let (manager, _) = practice.join(BEN, Role::Manager);
    for role in Role::ALL {
        // A vet reads the clinical records, a manager does not.
        let holds = !matches!(role, Role::Owner | Role::Vet);
        assert_eq!(manager.holds_role(role), holds, "{role}");
        let secret = JoinSecret::generate(&mut practice.rng);
        let wrapped = manager
            .wrap_for_invite(&mut practice.rng, INVITE, role, &secret)
            .unwrap();
        assert_eq!(!wrapped.is_empty(), holds, "{role}");
    }
}

#[test]
fn an_invitation_without_keys_lets_in_and_an_owner_hands_the_keys_over_later() {
    let mut practice = Practice::found();
    let secret = JoinSecret::generate(&mut practice.rng);
    let secrets = SeatSecrets::generate(&mut practice.rng);
    let mut vet =
        KeyRing::from_invite(ORG, INVITE, Role::Vet, &[], &secret, BEN, &secrets).unwrap();
    practice.teach(&mut vet);
    assert_eq!(opens(&vet), []);
    let member = Member {
        seat: BEN,
        seal: secrets.sealing.public(),
        role: Role::Vet,
    };
    let rows = practice
        .owner
        .rows_for_new_seat(&mut practice.rng, member)
        .unwrap();
    practice.publish(&rows, ANNA, Role::Owner);
    practice.teach(&mut vet);
    assert!(opens(&vet).contains(&Compartment::Clinical));
    assert!(!opens(&vet).contains(&Compartment::Payments));
}

#[test]
fn the_recovery_words_open_everything() {
    let mut practice = Practice::found();
    practice.join(BEN, Role::Vet);
    let (key, row) = practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Visits)
        .unwrap();
    practice.publish(&[row], ANNA, Role::Owner);
    let words = practice.root.to_words();
    let root = RootSecret::from_words(&words).unwrap();
    let mut ring = KeyRing::of_recovery(ORG, &root.recovery());
    practice.teach(&mut ring);
    assert_eq!(opens(&ring), Compartment::ALL);
    assert!(Role::ALL.into_iter().all(|role| ring.holds_role(role)));
    assert!(ring.key(key).is_some());
}

#[test]
fn rows_are_learned_in_any_order() {
    let mut practice = Practice::found();
    let (_, secrets) = practice.join(BEN, Role::Groomer);
    let (key, row) = practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Contact)
        .unwrap();
    practice.publish(&[row], ANNA, Role::Owner);
    let mut ring = KeyRing::of_seat(ORG, BEN, &secrets);
    for (row, author) in practice.table.iter().rev() {
        ring.learn(row, *author);
    }
    assert_eq!(opens(&ring), read_by(Role::Groomer));
    assert!(ring.key(key).is_some());
    for (row, author) in &practice.table {
        assert!(!matches!(
            ring.learn(row, *author),
            Learned::New | Learned::Refused(_)
        ));
    }
}

#[test]
fn the_wrong_join_secret_role_or_invitation_opens_nothing() {
    let mut practice = Practice::found();
    let rng = &mut practice.rng;
    let secret = JoinSecret::generate(rng);
    let secrets = SeatSecrets::generate(rng);
    let wrapped = practice
        .owner
        .wrap_for_invite(rng, INVITE, Role::Vet, &secret)
        .unwrap();
    let join = |invite, role, wrapped: &[u8], secret: &JoinSecret| {
        KeyRing::from_invite(ORG, invite, role, wrapped, secret, BEN, &secrets)
            .map(|ring| ring.holds_role(role))
    };
    assert_eq!(join(INVITE, Role::Vet, &wrapped, &secret), Ok(true));
    let other = JoinSecret::generate(rng);
    assert_eq!(
        join(INVITE, Role::Vet, &wrapped, &other),
        Err(OpenError::WrongKey)
    );
    assert_eq!(
        join(InviteId::from_bytes([0; 16]), Role::Vet, &wrapped, &secret),
        Err(OpenError::WrongKey)
    );
    assert_eq!(
        join(INVITE, Role::Owner, &wrapped, &secret),
        Err(OpenError::Damaged)
    );
    assert_eq!(
        join(INVITE, Role::Vet, &wrapped[..60], &secret),
        Err(OpenError::Damaged)
    );
}

#[test]
fn who_was_removed_opens_nothing_that_is_sealed_afterwards() {
    let mut practice = Practice::found();
    let (mut ben, secrets) = practice.join(BEN, Role::Receptionist);
    let carla = SeatId::from_bytes([8; 16]);
    let (_, carlas) = practice.join(carla, Role::Vet);
    let old = practice
        .owner
        .compartment_key(Compartment::Contact)
        .unwrap()
        .0;
    practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Contact)
        .unwrap();

    let members = [
        (ANNA, &practice.secrets, Role::Owner),
        (carla, &carlas, Role::Vet),
    ]
    .map(|(seat, secrets, role)| Member {
        seat,
        seal: secrets.sealing.public(),
        role,
    });
    let recovery = practice.root.recovery().public();
    let rows = practice
        .owner
        .rotate(
            &mut practice.rng,
            &Renewal {
                roles: keys_lost(Role::Receptionist, None),
                compartments: BTreeSet::new(),
            },
            &members,
            recovery,
            sync_protocol::Policy::default(),
        )
        .unwrap();
    practice.publish(&rows, ANNA, Role::Owner);
    let (new, _) = practice
        .owner
        .compartment_key(Compartment::Contact)
        .unwrap();
    assert_ne!(new, old);
    assert!(
        practice
            .owner
            .subject_key(CLIENT, Compartment::Contact)
            .is_none(),
        "the subject gets a new key at its next write"
    );

    practice.teach(&mut ben);
    let mut restarted = KeyRing::of_seat(ORG, BEN, &secrets);
    practice.teach(&mut restarted);
    let mut carla_ring = KeyRing::of_seat(ORG, carla, &carlas);
    practice.teach(&mut carla_ring);
    let mut recovered = KeyRing::of_recovery(ORG, &practice.root.recovery());
    practice.teach(&mut recovered);
    for (ring, expected) in [
        (&ben, false),
        (&restarted, false),
        (&carla_ring, true),
        (&recovered, true),
    ] {
        assert_eq!(ring.key(new).is_some(), expected);
        assert!(ring.key(old).is_some(), "what was read stays readable");
    }
}

#[test]
fn a_row_counts_only_from_who_may_hand_the_key_out() {
    let mut practice = Practice::found();
    let (groomer, _) = practice.join(BEN, Role::Groomer);
    // A groomer who founds a practice of its own under the same id, and publishes its rows.
    let own = SeatSecrets::generate(&mut practice.rng);
    let seat = practice.secrets.sealing.public();
    let (_, mut rows) = KeyRing::found(
        &mut practice.rng,
        ORG,
        BEN,
        &own,
        practice.root.recovery().public(),
    )
    .unwrap();
    let forged = RoleKey::generate(&mut practice.rng);
    rows.push(
        KeyRow::Role {
            key: forged.id(),
            role: Role::Owner,
            epoch: 9,
            to: Recipient::Seat(ANNA),
            wrap: Vec::new(),
        }
        .sealed_to(&mut practice.rng, ORG, seat, forged.expose())
        .unwrap(),
    );
    let author = RowAuthor {
        seat: BEN,
        role: Role::Groomer,
        policy: sync_protocol::Policy::default(),
    };
    for row in &rows {
        assert_eq!(
            practice.owner.learn(row, author),
            Learned::Refused(RefusedRow::NotAuthorised)
        );
    }
    // A groomer writes no contact, so it hands out no key of a client there.
    let mut groomer = groomer;
    let (_, row) = groomer
        .new_subject(&mut practice.rng, CLIENT, Compartment::Contact)
        .unwrap();
    assert_eq!(
        practice.owner.learn(&row, author),
        Learned::Refused(RefusedRow::NotAuthorised)
    );
    let (_, row) = groomer
        .new_subject(&mut practice.rng, CLIENT, Compartment::Visits)
        .unwrap();
    assert_eq!(practice.owner.learn(&row, author), Learned::New);
}

#[test]
fn a_row_that_was_changed_does_not_open() {
    let mut practice = Practice::found();
    let owner = RowAuthor {
        seat: ANNA,
        role: Role::Owner,
        policy: sync_protocol::Policy::default(),
    };
    let (_, row) = practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Contact)
        .unwrap();
    practice.publish(&[row], ANNA, Role::Owner);
    for (index, (row, _)) in practice.table.iter().enumerate() {
        let bytes = row.encode();
        assert_eq!(KeyRow::decode(&bytes).as_ref(), Ok(row));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let Ok(changed) = KeyRow::decode(&changed) else {
                continue;
            };
            let mut ring = KeyRing::of_seat(ORG, ANNA, &practice.secrets);
            for (other, (row, author)) in practice.table.iter().enumerate() {
                if other != index {
                    ring.learn(row, *author);
                }
            }
            let learned = ring.learn(&changed, owner);
            assert!(
                learned != Learned::New,
                "row {index}, byte {at}: {learned:?}"
            );
        }
    }
}

#[test]
fn keys_of_low_order_get_nothing() {
    let mut practice = Practice::found();
    let member = Member {
        seat: BEN,
        seal: SealKey::from_bytes([0; 32]),
        role: Role::Vet,
    };
    assert_eq!(
        practice.owner.rows_for_new_seat(&mut practice.rng, member),
        Err(SealError::BadRecipient)
    );
}

#[test]
fn recovery_words_are_24_and_one_wrong_word_is_found() {
    let root = RootSecret::generate(&mut rng());
    let words = root.to_words();
    let list: Vec<&str> = words.split(' ').collect();
    assert_eq!(list.len(), 24);
    let shouted = format!("  {}\n", words.to_uppercase().replace(' ', "   "));
    let again = RootSecret::from_words(&shouted).unwrap();
    let key = VerifyKey::from(root.signing_key().verifying_key());
    let recovery = root.recovery().public();
    assert!(again.belongs_to(key, recovery));

    assert_eq!(
        RootSecret::from_words(&list[..23].join(" ")).unwrap_err(),
        WordsError::Count { got: 23 }
    );
    let mut typo = list.clone();
    typo[4] = "hund";
    assert_eq!(
        RootSecret::from_words(&typo.join(" ")).unwrap_err(),
        WordsError::Unknown { position: 5 }
    );
    let mut checksum_found = 0;
    for at in 0..24 {
        let mut wrong = list.clone();
        wrong[at] = if list[at] == "zebra" {
            "abandon"
        } else {
            "zebra"
        };
        match RootSecret::from_words(&wrong.join(" ")) {
            Err(error) => {
                assert_eq!(error, WordsError::Checksum);
                checksum_found += 1;
            }
            Ok(other) => assert!(!other.belongs_to(key, recovery)),
        }
    }
    assert!(checksum_found >= 20);
}

fn code() -> JoinCode {
    JoinCode {
        org: ORG,
        invite: INVITE,
        genesis: Hash::of(b"genesis"),
        head: (7, Hash::of(b"head")),
        relay: RelayAddress {
            address: "ws://127.0.0.1:7000".to_owned(),
            key: VerifyKey::from_bytes([5; 32]),
        },
        secret: JoinSecret::from_bytes([0xcd; 16]),
    }
}

#[test]
fn a_join_code_is_read_back_however_it_was_typed() {
    let text = code().to_text();
    let typed = text.to_lowercase().replace('-', " ").replace('0', "o");
    for text in [text.as_str(), typed.as_str()] {
        let read: JoinCode = text.parse().unwrap();
        assert_eq!(read.relay, code().relay);
        assert_eq!(read.head, code().head);
        assert_eq!(read.signing_key(), code().signing_key());
    }
    let mut other = code();
    other.invite = InviteId::from_bytes([0; 16]);
    assert_ne!(other.signing_key(), code().signing_key());
    assert!(!format!("{:?}", code()).contains("205"), "no secret bytes");
}

#[test]
fn every_typing_mistake_in_a_join_code_is_found() {
    let text = code().to_text();
    let letters: Vec<char> = text.chars().collect();
    for at in 0..letters.len() {
        let mut typo = letters.clone();
        if typo[at] == '-' {
            continue;
        }
        typo[at] = if typo[at] == 'X' { 'Y' } else { 'X' };
        let typo: String = typo.into_iter().collect();
        assert_eq!(typo.parse::<JoinCode>().unwrap_err(), JoinCodeError::Typo);
        let left_out: String = text
            .chars()
            .enumerate()
            .filter_map(|(index, letter)| (index != at).then_some(letter))
            .collect();
        assert!(left_out.parse::<JoinCode>().is_err());
        if at > 0 && letters[at - 1] != letters[at] && letters[at - 1] != '-' {
            let mut swapped = letters.clone();
            swapped.swap(at - 1, at);
            let swapped: String = swapped.into_iter().collect();
            assert!(swapped.parse::<JoinCode>().is_err());
        }
    }
    assert_eq!(
        "00U".parse::<JoinCode>().unwrap_err(),
        JoinCodeError::Character { position: 3 }
    );
    assert!("".parse::<JoinCode>().is_err());
}

proptest! {
    #[test]
    fn decoding_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,80}") {
        let _rows = decode_rows(&bytes);
        let _row = KeyRow::decode(&bytes);
        let _file = KeyFile::decode(&bytes);
        let _code = text.parse::<JoinCode>();
        let _words = RootSecret::from_words(&text);
        let key = BlobKey::from_bytes([1; 32]);
        prop_assert!(open_blob(&key, "x", b"", &bytes).is_err());
    }
}

#[test]
fn two_devices_that_made_a_key_for_one_client_agree_on_which_to_use() {
    let mut practice = Practice::found();
    let (mut ben, _) = practice.join(BEN, Role::Vet);
    for (row, author) in practice.table.clone() {
        practice.owner.learn(&row, author);
    }
    let (a, first) = practice
        .owner
        .new_subject(&mut practice.rng, CLIENT, Compartment::Visits)
        .unwrap();
    let (b, second) = ben
        .new_subject(&mut practice.rng, CLIENT, Compartment::Visits)
        .unwrap();
    let annas = RowAuthor {
        seat: ANNA,
        role: Role::Owner,
        policy: sync_protocol::Policy::default(),
    };
    let bens = RowAuthor {
        seat: BEN,
        role: Role::Vet,
        policy: sync_protocol::Policy::default(),
    };
    assert_eq!(practice.owner.learn(&second, bens), Learned::New);
    assert_eq!(ben.learn(&first, annas), Learned::New);
    for ring in [&practice.owner, &ben] {
        let (used, _) = ring.subject_key(CLIENT, Compartment::Visits).unwrap();
        assert_eq!(used, a.min(b));
        assert!(ring.key(a).is_some() && ring.key(b).is_some());
        assert!(ring.subject_key(CLIENT, Compartment::Contact).is_none());
    }
}

/// The same over the governance chain: keys, roles and the invitation come from its acts.
#[test]
fn the_owner_founds_and_invites_and_the_newcomer_joins_by_code() {
    let rng = &mut rng();
    let root = RootSecret::generate(rng);
    let recovery = root.recovery().public();
    let (device, anna) = (DeviceSecrets::generate(rng), SeatSecrets::generate(rng));
    let (desk, till) = (DeviceId::from_bytes([6; 16]), DeviceId::from_bytes([7; 16]));
    let grant = |seat, device, role, secrets: &SeatSecrets| {
        let seal = secrets.sealing.public();
        SeatGrant::new(ORG, seat, device, role, &secrets.signing, seal)
    };
    let act = |height, prev, author, what| Act {
        org: ORG,
        height,
        prev,
        at: 1_000,
        author,
        what,
    };
    let genesis = What::Genesis {
        root: VerifyKey::from(root.signing_key().verifying_key()),
        recovery,
        device: DeviceGrant::new(ORG, desk, &device.signing),
        seat: grant(ANNA, desk, Role::Owner, &anna),
    };
    let genesis = act(0, Hash::ZERO, Author::Root, genesis);
    let genesis = SignedAct::sign(genesis, &root.signing_key()).unwrap();
    let mut chain = Governance::found(&genesis).unwrap();
    let (owner, rows) = KeyRing::found(rng, ORG, ANNA, &anna, chain.recovery()).unwrap();

    let secret = JoinSecret::generate(rng);
    let invite = What::Invite {
        id: INVITE,
        role: Role::Receptionist,
        expires: 2_000,
        verify: VerifyKey::from(secret.signing_key(ORG, INVITE).verifying_key()),
        site: None,
        wrapped: owner
            .wrap_for_invite(rng, INVITE, Role::Receptionist, &secret)
            .unwrap(),
        compare: false,
    };
    let invite = act(1, genesis.hash(), Author::Seat(ANNA), invite);
    let invite = SignedAct::sign(invite, &anna.signing).unwrap();
    chain.apply(&invite).unwrap();
    let code = JoinCode {
        genesis: genesis.hash(),
        head: (1, invite.hash()),
        secret,
        ..code()
    };
    let text = code.to_text();

    // The newcomer has the text, and the chain and the key table from a relay it does not trust.
    let code: JoinCode = text.parse().unwrap();
    let (device, ben) = (DeviceSecrets::generate(rng), SeatSecrets::generate(rng));
    let add = What::AddSeat {
        invite: Some(code.invite),
        seat: grant(BEN, till, Role::Receptionist, &ben),
        device: Some(DeviceGrant::new(ORG, till, &device.signing)),
    };
    let add = act(2, code.head.1, Author::Invite(code.invite), add);
    chain
        .apply(&SignedAct::sign(add, &code.signing_key()).unwrap())
        .unwrap();
    let state = chain.invite(code.invite).unwrap();
    let mut ring = KeyRing::from_invite(
        ORG,
        code.invite,
        state.role,
        &state.wrapped,
        &code.secret,
        BEN,
        &ben,
    )
    .unwrap();
    let author = RowAuthor {
        seat: ANNA,
        role: chain.role_at(ANNA, 0).unwrap(),
        policy: sync_protocol::Policy::default(),
    };
    for row in &rows {
        ring.learn(row, author);
    }
    assert_eq!(opens(&ring), read_by(Role::Receptionist));
    assert!(!ring.holds_role(Role::Owner) && !ring.holds_role(Role::Vet));
    let seat = chain.seat(BEN).unwrap();
    let member = Member {
        seat: BEN,
        seal: seat.seal_key(),
        role: seat.role().unwrap(),
    };
    let rows = ring.rows_for_new_seat(rng, member).unwrap();
    let mut restarted = KeyRing::of_seat(ORG, BEN, &ben);
    let own = RowAuthor {
        seat: BEN,
        role: Role::Receptionist,
        policy: sync_protocol::Policy::default(),
    };
    assert_eq!(restarted.learn(&rows[0], own), Learned::New);
}

#[test]
fn no_key_is_of_a_later_epoch_than_acts_could_bring_about() {
    let mut practice = Practice::found();
    let owner = RowAuthor {
        seat: ANNA,
        role: Role::Owner,
        policy: sync_protocol::Policy::default(),
    };
    // An owner with a changed program, whose key would be everybody's for good.
    let seat = practice.secrets.sealing.public();
    let far = RoleKey::generate(&mut practice.rng);
    let row = |epoch| KeyRow::Role {
        key: far.id(),
        role: Role::Groomer,
        epoch,
        to: Recipient::Seat(ANNA),
        wrap: Vec::new(),
    };
    let rng = &mut practice.rng;
    let beyond = row(8).sealed_to(rng, ORG, seat, far.expose()).unwrap();
    let usual = row(7).sealed_to(rng, ORG, seat, far.expose()).unwrap();
    let ring = &mut practice.owner;
    assert_eq!(
        ring.learn_at(&beyond, owner, 7),
        Learned::Refused(RefusedRow::Ahead)
    );
    assert!(!ring.holds_role_key(far.id()));
    assert_eq!(ring.learn_at(&usual, owner, 7), Learned::New);
}
