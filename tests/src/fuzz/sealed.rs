//! What keys come in: rows, key files, join codes, recovery words.

use std::sync::LazyLock;

use client_core::sealing::{
    JoinCode, KeyFile, KeyRing, MachineKey, RecoverySecret, RootSecret, RowAuthor, SealSecret,
    SeatSecrets, decode_rows, encode_rows,
};
use data_encoding::{Encoding, Specification};
use sync_protocol::{OrgId, Role, SeatId, SigningKey};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
const SEAT: SeatId = SeatId::from_bytes([2; 16]);

pub(super) fn key_rows(data: &[u8]) {
    let Ok(rows) = decode_rows(data) else {
        return;
    };
    // Rows of one key to several seats may also come one by one, so only the rows must be the same.
    assert_eq!(decode_rows(&encode_rows(&rows)).as_ref(), Ok(&rows));
    let secrets = SeatSecrets {
        signing: SigningKey::from_bytes(&[3; 32]),
        sealing: SealSecret::from_bytes([4; 32]),
    };
    let mut ring = KeyRing::of_seat(ORG, SEAT, &secrets);
    for row in rows.iter().take(16) {
        let role = Role::ALL[usize::from(row.wrap().first().copied().unwrap_or(0)) % 6];
        let _ = ring.learn(
            row,
            RowAuthor {
                seat: SEAT,
                role,
                policy: sync_protocol::Policy::default(),
            },
        );
        assert_eq!(
            client_core::sealing::KeyRow::decode(&row.encode()).as_ref(),
            Ok(row)
        );
    }
}

/// The first byte says whether what follows is a whole file or only its content.
pub(super) fn key_file(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else {
        return;
    };
    let bytes = if *kind == 0 {
        content.to_vec()
    } else {
        let mut bytes = [&b"daybook\0"[..], &[*kind - 1], content].concat();
        let sum = blake3::derive_key("daybook/1 key file checksum", &bytes);
        bytes.extend_from_slice(&sum);
        bytes
    };
    let Ok(file) = KeyFile::decode(&bytes) else {
        return;
    };
    // Without a passphrase: what a guess costs is in the file, and may be seconds.
    let _ = file.open_with_recovery(&RecoverySecret::from_bytes([5; 32]));
    let _ = file.open_with_machine_key(&MachineKey::from_bytes([6; 32]));
    let _ = (file.org(), file.has_machine_slot());
}

static LETTERS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut letters = Specification::new();
    letters.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    letters.encoding().unwrap()
});

/// The first byte says whether what follows is typed text or what a code says.
pub(super) fn join_code(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else {
        return;
    };
    let text = if *kind == 0 {
        String::from_utf8_lossy(content).into_owned()
    } else {
        let sum = blake3::derive_key("daybook/1 join code checksum", content);
        LETTERS.encode(&[content, &sum[..4]].concat())
    };
    if let Ok(code) = text.parse::<JoinCode>() {
        let written = code.to_text();
        let again: JoinCode = written.parse().unwrap();
        assert_eq!(again.to_text(), written);
        let _ = code.signing_key();
    }
}

pub(super) fn recovery_words(data: &[u8]) {
    // Either typed text, or places in the word list, which get past its lookup.
    if let Ok(root) = RootSecret::from_words(&String::from_utf8_lossy(data)) {
        let words = root.to_words();
        assert_eq!(RootSecret::from_words(&words).unwrap().to_words(), words);
    }
}
