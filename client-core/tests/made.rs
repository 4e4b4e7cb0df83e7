//! What a second implementation wrote: `tests/vectors/made-v1.json`, made by
//! `tests/python/check_made.py` with other libraries. Every good one opens here, and every bad one
//! ends in the refusal that is named there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests stop at the first surprise"
)]

use std::{path::Path, sync::LazyLock};

use client_core::sealing::{
    CompartmentKey, JoinCode, KeyFile, KeyRing, KeystoreSecret, Learned, OpenError, RootSecret,
    RowAuthor, SealSecret, SeatSecrets, SlotError, decode_rows, open,
};
use data_encoding::HEXLOWER;
use serde_json::Value;
use sync_protocol::{
    Act, DecodeError, Entry, FeedId, Governance, GovernanceError, Hash, Head, Item, OrgId, Role,
    SealKey, SeatId, Signed, SignedHead, SigningKey, VerifyKey, chain_next, chain_start,
};

static MADE: LazyLock<Value> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/made-v1.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
});

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(text(value).as_bytes()).unwrap()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    let all = value.as_array().unwrap();
    assert!(!all.is_empty());
    all
}

/// The name of an error, without its details.
fn name(error: impl core::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

#[test]
fn entries_are_refused_at_every_length_and_beyond_every_bound() {
    let part = &MADE["truncations"];
    let whole = bytes(&part["bytes"]);
    Entry::decode(&whole).unwrap();
    for length in 0..whole.len() {
        assert_eq!(
            Entry::decode(&whole[..length]).unwrap_err(),
            DecodeError::Truncated,
            "{length}"
        );
    }
    let more = [&whole[..], &[0]].concat();
    assert_eq!(
        name(Entry::decode(&more).unwrap_err()),
        text(&part["one more byte"])
    );
    let purged = Entry::decode(&whole).unwrap().purged();
    assert_eq!(purged.encode(), bytes(&part["without body"]));
    for case in list(&MADE["bounds"]) {
        let got = Entry::decode(&bytes(&case["bytes"])).err().map(name);
        assert_eq!(got.as_deref(), case["error"].as_str(), "{}", case["name"]);
    }
}

#[test]
fn a_feed_its_receipts_and_its_heads() {
    let part = &MADE["feed"];
    let relay = VerifyKey::from_bytes(fixed(&part["relay"]))
        .check()
        .unwrap();
    let head = SignedHead::decode(&bytes(&part["head"])).unwrap();
    head.verify(&relay).unwrap();
    let Head {
        org, feed, epoch, ..
    } = *head.value();
    assert_eq!(org.as_bytes(), &fixed(&part["org"]));
    assert!(matches!(feed, FeedId::Schedule(_)));
    let mut chain = chain_start(org, feed, epoch);
    assert_eq!(chain.as_bytes(), &fixed(&part["start"]));
    for item in list(&part["items"]) {
        let item_bytes = bytes(&item["bytes"]);
        let read = Item::decode(&item_bytes).unwrap();
        assert_eq!(read.encode(), item_bytes);
        if let Item::Confirmation(word) = &read {
            word.verify(&relay).unwrap();
        }
        chain = chain_next(&chain, &read.hash());
        assert_eq!(chain.as_bytes(), &fixed(&item["chain"]));
    }
    assert_eq!(head.value().chain, chain);
    assert_eq!(head.value().sequence, list(&part["items"]).len() as u64);
    for case in list(&part["other heads"]) {
        let other = SignedHead::decode(&bytes(&case["bytes"])).unwrap();
        let what = &case["name"];
        assert_eq!(other.verify(&relay).is_ok(), case["by relay"], "{what}");
        let proof = head.value().contradicts(other.value());
        assert_eq!(proof, case["contradicts"], "{what}");
    }
}

#[test]
fn the_chain_of_another_program_is_followed_and_its_forks_and_replays_are_refused() {
    let part = &MADE["governance"];
    let act = |value: &Value| Signed::<Act>::decode(&bytes(value)).unwrap();
    let acts = list(&part["acts"]);
    let mut chain = Governance::found(&act(&acts[0]["bytes"])).unwrap();
    for one in &acts[1..] {
        let signed = act(&one["bytes"]);
        assert_eq!(signed.hash().as_bytes(), &fixed(&one["hash"]));
        chain.apply(&signed).unwrap();
    }
    let before = chain.head();
    for case in list(&part["bad"]) {
        let refused: GovernanceError = chain.apply(&act(&case["bytes"])).unwrap_err();
        assert_eq!(name(refused), text(&case["error"]), "{}", case["name"]);
        assert_eq!(chain.head(), before, "{}", case["name"]);
    }
    // A fork with the same beginning is another chain, and founding another practice is no act.
    assert!(Governance::found(&act(&acts[1]["bytes"])).is_err());
}

#[test]
fn signatures_are_checked_strictly() {
    let mut good = 0;
    for case in list(&MADE["signatures"]) {
        let signed = SignedHead::decode(&bytes(&case["bytes"])).unwrap();
        let key = VerifyKey::from_bytes(fixed(&case["key"])).check();
        let accepted = key.is_ok_and(|key| signed.verify(&key).is_ok());
        assert_eq!(accepted, case["good"], "{}", case["name"]);
        good += usize::from(accepted);
    }
    assert_eq!(good, 8);
}

#[test]
fn sealing_keys_of_low_order_are_refused_in_every_spelling() {
    for key in list(&MADE["low order"]) {
        assert!(SealKey::from_bytes(fixed(key)).check().is_err(), "{key}");
    }
}

#[test]
fn a_body_opens_under_its_own_header_and_key_alone() {
    let part = &MADE["bodies"];
    let key = CompartmentKey::from_bytes(fixed(&part["key"]));
    let author = VerifyKey::from_bytes(fixed(&part["author"]))
        .check()
        .unwrap();
    let opened = |key: &CompartmentKey, entry: &Entry| -> Result<Vec<u8>, OpenError> {
        open(key, entry.header(), entry.body().unwrap()).map(|plain| plain.to_vec())
    };
    for case in list(&part["good"]) {
        let entry = Entry::decode(&bytes(&case["bytes"])).unwrap();
        entry.verify(&author).unwrap();
        assert_eq!(opened(&key, &entry).unwrap(), bytes(&case["plain"]));
    }
    for case in list(&part["flipped"]) {
        // Signed by its author like any other: it is the seal that holds.
        let entry = Entry::decode(&bytes(&case["bytes"])).unwrap();
        entry.verify(&author).unwrap();
        let refused = opened(&key, &entry).unwrap_err();
        assert_eq!(name(refused), text(&case["error"]), "{}", case["name"]);
    }
    for what in ["hash flipped", "body swapped"] {
        let entry = Entry::decode(&bytes(&part[what])).unwrap();
        assert!(entry.verify(&author).is_err(), "{what}");
    }
    let purged = Entry::decode(&bytes(&part["purged"])).unwrap();
    purged.verify(&author).unwrap();
    assert_eq!(purged.body(), None);

    // The tag is right under both keys.
    let both = &part["two keys"];
    let entry = Entry::decode(&bytes(&both["bytes"])).unwrap();
    let first = CompartmentKey::from_bytes(fixed(&both["first"]));
    let second = CompartmentKey::from_bytes(fixed(&both["second"]));
    assert!(opened(&first, &entry).is_ok());
    assert_eq!(opened(&second, &entry), Err(OpenError::WrongKey));
}

fn role(value: &Value) -> Role {
    Role::ALL[usize::try_from(value.as_u64().unwrap()).unwrap()]
}

#[test]
fn a_key_table_opens_for_who_is_left_and_not_for_who_was_removed() {
    let part = &MADE["table"];
    let org = OrgId::from_bytes(fixed(&part["org"]));
    let seats = list(&part["seats"]);
    let seat_named = |wanted: &Value| seats.iter().find(|seat| seat["name"] == *wanted).unwrap();
    let author = |seat: &Value| RowAuthor {
        seat: SeatId::from_bytes(fixed(&seat["id"])),
        role: role(&seat["role"]),
        policy: sync_protocol::Policy::default(),
    };
    let ring_of = |seat: &Value| {
        let secrets = SeatSecrets {
            signing: SigningKey::from_bytes(&fixed(&seat["signing"])),
            sealing: SealSecret::from_bytes(fixed(&seat["secret"])),
        };
        KeyRing::of_seat(org, SeatId::from_bytes(fixed(&seat["id"])), &secrets)
    };
    let teach = |ring: &mut KeyRing| {
        for body in list(&part["bodies"]) {
            let by = author(seat_named(&body["author"]));
            for row in decode_rows(&bytes(&body["bytes"])).unwrap() {
                let learned = ring.learn(&row, by);
                assert!(!matches!(learned, Learned::Refused(_)), "{row:?}");
            }
        }
    };
    let entries: Vec<(Entry, &Value)> = list(&part["entries"])
        .iter()
        .map(|one| {
            (
                Entry::decode(&bytes(&one["bytes"])).unwrap(),
                &one["opened by"],
            )
        })
        .collect();
    for seat in seats {
        let mut ring = ring_of(seat);
        teach(&mut ring);
        for (entry, by) in &entries {
            let may = list(by).contains(&seat["name"]);
            let opened = ring.open(entry);
            assert_eq!(opened.is_ok(), may, "{}, {opened:?}", seat["name"]);
            assert!(may || opened == Err(OpenError::MissingKey));
        }
    }
    // The words open everything there is.
    let secret = words_of(fixed(&part["recovery root"])).recovery();
    let mut ring = KeyRing::of_recovery(org, &secret);
    teach(&mut ring);
    assert!(entries.iter().all(|(entry, _)| ring.open(entry).is_ok()));

    for case in list(&part["bad rows"]) {
        let anna = &seats[0];
        let row = decode_rows(&bytes(&case["bytes"])).unwrap().remove(0);
        let learned = match ring_of(anna).learn(&row, author(anna)) {
            Learned::Refused(why) => name(why),
            other => name(other),
        };
        assert_eq!(learned, text(&case["error"]), "{}", case["name"]);
    }
}

/// The root secret whose bytes these are, through its words.
fn words_of(secret: [u8; 32]) -> RootSecret {
    let known = list(&MADE["words"]["good"]);
    let of = known
        .iter()
        .find(|one| fixed::<32>(&one["secret"]) == secret);
    RootSecret::from_words(text(&of.expect("its words are in the file")["words"])).unwrap()
}

#[test]
fn key_files_open_by_passphrase_words_and_pin_and_costs_are_judged_before_any_work() {
    let part = &MADE["key files"];
    let seat = |who: &str| SeatId::from_bytes(fixed(&part[who]));
    let (anna, ben) = (seat("anna"), seat("ben"));
    for case in list(&part["cases"]) {
        let what = &case["name"];
        let passphrase = text(&case["passphrase"]);
        let opened = KeyFile::decode(&bytes(&case["bytes"]))
            .and_then(|file| file.open_with_passphrase(passphrase));
        let got = opened.as_ref().err().map(|error| name(*error));
        assert_eq!(got.as_deref(), case["error"].as_str(), "{what}");
        let Ok(mut open) = opened else { continue };
        assert_eq!(open.org().as_bytes(), &fixed(&part["org"]), "{what}");
        assert_eq!(
            open.secrets.device.signing.as_bytes(),
            &fixed(&part["device signs"])
        );
        assert_eq!(open.secrets.local.expose(), &fixed(&part["local"]));
        assert_eq!(open.seat(), Some(anna));
        assert_eq!(open.seats()[0].name, "Änne");
        let keys = &open.secrets.seats[&anna];
        assert_eq!(keys.signing.as_bytes(), &fixed(&part["anna signs"]));
        assert_eq!(keys.sealing.expose(), &fixed(&part["anna opens"]));
        let tried = open
            .count_try(ben, false)
            .and_then(|()| open.open_seat(ben, text(&case["pin"])));
        let got = tried.err().map(name);
        assert_eq!(got.as_deref(), case["pin error"].as_str(), "{what}");
        if got.is_none() {
            let keys = &open.secrets.seats[&ben];
            assert_eq!(keys.signing.as_bytes(), &fixed(&part["ben signs"]));
            assert_eq!(keys.sealing.expose(), &fixed(&part["ben opens"]));
            assert!(open.secrets.joining.is_some());
        }
    }
    let file = KeyFile::decode(&bytes(&part["cases"][0]["bytes"])).unwrap();
    let words = words_of(fixed(&part["recovery root"]));
    let open = file.open_with_recovery(&words.recovery()).unwrap();
    assert_eq!(open.seat(), Some(anna));
    let others = words_of([0; 32]);
    assert_eq!(
        file.open_with_recovery(&others.recovery()).unwrap_err(),
        SlotError::WrongRecoveryKey
    );
}

#[test]
fn key_files_in_the_envelope_of_a_keystore_open_by_its_secret_or_the_words() {
    let part = &MADE["key files"];
    let good = bytes(&part["cases"][0]["bytes"]);
    let (passphrase, words) = (
        text(&part["cases"][0]["passphrase"]),
        words_of(fixed(&part["recovery root"])),
    );
    for case in list(&part["kept"]) {
        let what = &case["name"];
        let opened = KeyFile::decode(&bytes(&case["bytes"])).and_then(|file| {
            let file = match case["keystore"].as_str() {
                Some(_) => {
                    file.with_keystore(&KeystoreSecret::from_bytes(fixed(&case["keystore"])))?
                }
                None => file,
            };
            file.open_with_passphrase(passphrase)
        });
        let got = opened.err().map(name);
        assert_eq!(got.as_deref(), case["error"].as_str(), "{what}");
    }
    let kept = KeyFile::decode(&bytes(&part["kept"][0]["bytes"])).unwrap();
    assert!(kept.keystore().is_some() && KeyFile::decode(&good).unwrap().keystore().is_none());
    let open = kept.open_with_recovery(&words.recovery()).unwrap();
    let secret = open.keystore.as_ref().unwrap().secret.expose();
    assert_eq!(secret, &fixed::<32>(&part["keystore"]));
    let others = words_of([0; 32]);
    let refused = kept.open_with_recovery(&others.recovery());
    assert_eq!(refused.unwrap_err(), SlotError::WrongRecoveryKey);
}

#[test]
fn recovery_words_and_join_codes_of_another_program_are_read() {
    for case in list(&MADE["words"]["good"]) {
        let root = RootSecret::from_words(text(&case["words"])).unwrap();
        assert_eq!(*root.to_words(), text(&case["words"]));
        let signing = VerifyKey::from_bytes(fixed(&case["root"]));
        let recovery = SealKey::from_bytes(fixed(&case["recovery"]));
        assert!(root.belongs_to(signing, recovery), "{}", case["words"]);
    }
    for case in list(&MADE["words"]["bad"]) {
        let refused = RootSecret::from_words(text(&case["words"])).unwrap_err();
        assert_eq!(name(refused), text(&case["error"]), "{}", case["name"]);
    }
    let part = &MADE["join codes"];
    for good in list(&part["good"]) {
        let code: JoinCode = text(good).parse().unwrap();
        assert_eq!(code.org.as_bytes(), &fixed(&part["org"]));
        assert_eq!(code.invite.as_bytes(), &fixed(&part["invite"]));
        assert_eq!(code.genesis, Hash::from_bytes(fixed(&part["genesis"])));
        assert_eq!(code.head, (7, Hash::from_bytes(fixed(&part["head"]))));
        assert_eq!(code.relay.key, VerifyKey::from_bytes(fixed(&part["relay"])));
        assert_eq!(code.secret.expose(), &fixed(&part["secret"]));
        let signs = VerifyKey::from(code.signing_key().verifying_key());
        assert_eq!(signs, VerifyKey::from_bytes(fixed(&part["signs"])));
        assert_eq!(*code.to_text(), text(&part["good"][0]));
    }
    for case in list(&part["bad"]) {
        let refused = text(&case["text"]).parse::<JoinCode>().unwrap_err();
        assert_eq!(name(refused), text(&case["error"]), "{}", case["name"]);
    }
    // Any one letter read as its neighbour, the digits of the checksum at the end included.
    let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let good = text(&part["good"][0]);
    for (at, letter) in good.char_indices().filter(|(_, letter)| *letter != '-') {
        let place = alphabet.find(letter).unwrap();
        let other = alphabet.as_bytes()[(place + 1) % 32] as char;
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        let refused = changed.parse::<JoinCode>().unwrap_err();
        assert_eq!(name(refused), text(&part["letters changed"]), "letter {at}");
    }
}
