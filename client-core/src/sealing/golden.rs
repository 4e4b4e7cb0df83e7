//! Bytes that must not change: `tests/vectors/sealing-v1.json` is checked here, and by `check_sealing.py` with
//! another implementation of every primitive. A new version adds vectors; it does not edit these.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use sync_protocol::{
    DeviceId, DocumentId, FeedId, Hash, Header, IncarnationId, InviteId, OrgId, Role, SeatId, Site,
};

use super::*;

const VECTORS: &str = include_str!("../../../tests/vectors/sealing-v1.json");

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Everything in `sealing-v1.json`, made anew from its inputs.
fn current() -> String {
    let rng = &mut ChaCha20Rng::from_seed([0xa5; 32]);
    let org = OrgId::from_bytes([0x11; 16]);
    let invite = InviteId::from_bytes([0x44; 16]);
    let seat = SeatId::from_bytes([0x22; 16]);
    let mut lines: Vec<(&str, String)> = Vec::new();

    let key = CompartmentKey::from_bytes(core::array::from_fn(|i| u8::try_from(i).unwrap()));
    lines.push(("key", hex(key.expose())));
    lines.push(("key_id", hex(key.id().as_bytes())));

    let plain = b"Rex limps on the left";
    let mut header = Header {
        org,
        feed: FeedId::Visits(Site::from_bytes([0x66; 16])),
        document: DocumentId::from_bytes([0x55; 16]),
        key: None,
        device: DeviceId::from_bytes([0x33; 16]),
        seat,
        incarnation: IncarnationId::from_bytes([0x77; 16]),
        sequence: 0x0102,
        prev: Hash::from_bytes([0x88; 32]),
        governance: (3, Hash::from_bytes([0x99; 32])),
        seen: None,
        seal: None,
        body_len: 0,
        body_hash: Hash::ZERO,
    };
    let body = seal(rng, &key, &mut header, plain).unwrap();
    let sealed = header.seal.unwrap();
    lines.push(("entry_incarnation", hex(header.incarnation.as_bytes())));
    lines.push(("entry_sequence", hex(&header.sequence.to_be_bytes())));
    lines.push(("entry_nonce", hex(&sealed.nonce)));
    lines.push(("entry_commitment", hex(&sealed.commitment)));
    lines.push(("entry_associated_data", hex(&header.associated_data())));
    lines.push(("entry_plain", hex(plain)));
    lines.push(("entry_body", hex(&body)));

    let blob = seal_blob(rng, &key, "search index", b"clients", b"Roux").unwrap();
    lines.push(("blob_usage", hex(b"search index")));
    lines.push(("blob_associated_data", hex(b"clients")));
    lines.push(("blob_plain", hex(b"Roux")));
    lines.push(("blob", hex(&blob)));

    // The words of 32 zero bytes, as published with the word list.
    let root = RootSecret::from_words(&format!("{}art", "abandon ".repeat(23))).unwrap();
    let recovery = root.recovery();
    lines.push(("root_words", root.to_words().to_string()));
    lines.push((
        "root_signing_public",
        hex(root.signing_key().verifying_key().as_bytes()),
    ));
    lines.push(("recovery_secret", hex(recovery.expose())));
    lines.push(("recovery_public", hex(recovery.public().as_bytes())));

    let join = JoinSecret::from_bytes([0xcd; 16]);
    lines.push(("join_org", hex(org.as_bytes())));
    lines.push(("join_invite", hex(invite.as_bytes())));
    lines.push(("join_secret", hex(join.expose())));
    lines.push((
        "join_signing_public",
        hex(join.signing_key(org, invite).verifying_key().as_bytes()),
    ));

    let secrets = SeatSecrets {
        signing: root.signing_key(),
        sealing: SealSecret::from_bytes([0x5a; 32]),
    };
    let (ring, rows) = KeyRing::found(rng, org, seat, &secrets, recovery.public()).unwrap();
    lines.push(("seat_secret", hex(secrets.sealing.expose())));
    lines.push(("row_to_seat", hex(&rows[0].encode())));
    lines.push(("row_to_recovery", hex(&rows[1].encode())));
    let (id, first) = ring.compartment_key(Compartment::Practice).unwrap();
    let row = rows
        .iter()
        .find(|row| {
            row.key() == id
                && matches!(
                    row,
                    KeyRow::Compartment {
                        role: Role::Owner,
                        ..
                    }
                )
        })
        .unwrap();
    lines.push(("row_compartment", hex(&row.encode())));
    lines.push(("compartment_key", hex(first.expose())));

    // Who reads what, by the rows that a founding writes: compartment and role numbers, sorted.
    let mut readers: Vec<[u8; 2]> = rows
        .iter()
        .filter_map(|row| match row {
            KeyRow::Compartment {
                compartment, role, ..
            } => Some([*compartment as u8, *role as u8]),
            KeyRow::Role { .. } | KeyRow::Subject { .. } => None,
        })
        .collect();
    readers.sort_unstable();
    lines.push(("compartment_readers", hex(readers.as_flattened())));
    // And which role keys are handed on: role and holder.
    let mut handed: Vec<[u8; 2]> = rows
        .iter()
        .filter_map(|row| match row {
            KeyRow::Role {
                role,
                to: Recipient::Role { role: holder, .. },
                ..
            } => Some([*role as u8, *holder as u8]),
            KeyRow::Role { .. } | KeyRow::Compartment { .. } | KeyRow::Subject { .. } => None,
        })
        .collect();
    handed.sort_unstable();
    lines.push(("roles_handed_on", hex(handed.as_flattened())));

    // A clinical card of a pet: the row of its subject key, and an entry sealed under it.
    let mut ring = ring;
    let pet = [0xbe; 16];
    let (subject, row) = ring.new_subject(rng, pet, Compartment::Clinical).unwrap();
    let (_, clinical) = ring.compartment_key(Compartment::Clinical).unwrap();
    lines.push(("clinical_key", hex(clinical.expose())));
    lines.push(("row_subject", hex(&row.encode())));
    let (_, key) = ring.subject_key(pet, Compartment::Clinical).unwrap();
    header.feed = FeedId::Clinical;
    let body = seal(rng, key, &mut header, b"heart murmur, grade 2").unwrap();
    let sealed = header.seal.unwrap();
    lines.push(("card_subject", hex(&pet)));
    lines.push(("card_key_id", hex(subject.as_bytes())));
    lines.push(("card_nonce", hex(&sealed.nonce)));
    lines.push(("card_associated_data", hex(&header.associated_data())));
    lines.push(("card_plain", hex(b"heart murmur, grade 2")));
    lines.push(("card_body", hex(&body)));

    let lines: Vec<String> = lines
        .into_iter()
        .map(|(name, value)| format!("  \"{name}\": \"{value}\""))
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

#[test]
fn what_shipped_is_still_written_the_same_way() {
    // For what is added; then `check_sealing.py` says whether others agree.
    if std::env::var_os("DAYBOOK_WRITE_VECTORS").is_some() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/vectors/sealing-v1.json"
        );
        std::fs::write(file, current()).unwrap();
        return;
    }
    assert_eq!(current(), VECTORS);
}
