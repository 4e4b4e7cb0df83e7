//! A backup is held against what it promises.

use std::{fs, path::Path, sync::Arc};

use client_core::{
    catalogue::{Command, ErrorCode, HomeReply, HomeRequest, NewClient},
    home::{Home, backup_parts},
    link::Trust,
    sealing::{BlobKey, KeyFile, open_blob, seal_blob},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

use super::keystore::{PASSPHRASE, opening};

fn home(path: &Path, minute: u8) -> Home {
    let clock = Arc::new(move || format!("2026-03-02T08:{minute:02}:00Z").parse().unwrap());
    Home::open(path, clock, Trust { authorities: None }).unwrap()
}

fn add(home: &Home, name: &str) {
    let client = NewClient {
        name: name.to_owned(),
        phones: Vec::new(),
        email: None,
        note: None,
    };
    home.execute(Command::AddClient(client)).unwrap();
}

fn back_up(home: &Home, to: &Path) -> Vec<u8> {
    let folder = to.display().to_string();
    let reply = home.request(HomeRequest::Backup { folder }).unwrap();
    let HomeReply::BackedUp { file, .. } = reply else {
        panic!("no backup");
    };
    fs::read(file).unwrap()
}

fn place(number: u64, of: u64) -> Vec<u8> {
    [number.to_be_bytes(), of.to_be_bytes()].concat()
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// The key file, what is promised, and the rest.
fn taken_apart(backup: &[u8], local: &BlobKey) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (keys, parts) = backup_parts(backup).unwrap();
    let of = parts.len() as u64;
    let mut content = Vec::new();
    for (part, number) in parts.iter().zip(0..) {
        let plain = open_blob(local, "backup", &place(number, of), part).unwrap();
        content.extend_from_slice(&plain);
    }
    let mut fields = Vec::new();
    let mut rest = &content[..];
    while fields.len() < 2 {
        let (length, after) = rest.split_first_chunk::<8>().unwrap();
        let (field, after) = after.split_at(usize::try_from(u64::from_be_bytes(*length)).unwrap());
        fields.push(field.to_vec());
        rest = after;
    }
    assert_eq!(fields[0], b"manifest");
    (keys, fields[1].clone(), rest.to_vec())
}

fn put_together(keys: &[u8], manifest: &[u8], log: &[u8], local: &BlobKey) -> Vec<u8> {
    let rng = &mut ChaCha20Rng::from_seed([3; 32]);
    let mut content = Vec::new();
    put(&mut content, b"manifest");
    put(&mut content, manifest);
    content.extend_from_slice(log);
    let mut bytes = b"DAYBOOK\x01".to_vec();
    put(&mut bytes, keys);
    let parts: Vec<&[u8]> = content.chunks(1 << 20).collect();
    for (part, number) in parts.iter().zip(0..) {
        let place = place(number, parts.len() as u64);
        put(
            &mut bytes,
            &seal_blob(rng, local, "backup", &place, part).unwrap(),
        );
    }
    bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
    bytes
}

#[test]
fn a_backup_that_lacks_what_it_promises_is_none_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home");
    let to = folder.path().join("backups");
    let (early, late) = {
        let first = home(&path, 1);
        let request = HomeRequest::Found {
            practice: "Hafen".to_owned(),
            location: "Süd".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            passphrase: PASSPHRASE.to_owned(),
        };
        first.request(request).unwrap();
        add(&first, "Ida Blum");
        let early = back_up(&first, &to);
        drop(first);
        let second = home(&path, 2);
        second.unlock(&opening()).unwrap();
        add(&second, "Otto Kern");
        (early, back_up(&second, &to))
    };
    let (keys, _) = backup_parts(&late).unwrap();
    let opened = KeyFile::decode(&keys).unwrap();
    let opened = opened.open_with_passphrase(PASSPHRASE).unwrap();
    let local = opened.secrets.local.clone();
    let (_, few, log) = taken_apart(&early, &local);
    let (_, many, _) = taken_apart(&late, &local);

    let reader = home(&folder.path().join("reader"), 3);
    let read = |bytes: &[u8]| {
        let file = folder.path().join("made.backup");
        fs::write(&file, bytes).unwrap();
        reader.request(HomeRequest::VerifyBackup {
            file: file.display().to_string(),
            passphrase: Some(PASSPHRASE.to_owned()),
        })
    };
    for honest in [&early[..], &late, &put_together(&keys, &few, &log, &local)] {
        let HomeReply::Backup(report) = read(honest).unwrap() else {
            panic!("no report");
        };
        assert_eq!(report.holds.unwrap().practice, "Hafen");
    }
    let refusal = read(&put_together(&keys, &many, &log, &local)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Damaged);
    assert!(
        refusal.message.contains("contact has "),
        "{}",
        refusal.message
    );
    assert!(!refusal.message.contains("schedule"), "{}", refusal.message);
    let mut newer = few.clone();
    newer[1] = 9;
    let refusal = read(&put_together(&keys, &newer, &log, &local)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NewerVersion);
}
