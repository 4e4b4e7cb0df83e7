//! An encrypted copy of a home in one file, and the way back.
//!
//! ```text
//! "DAYBOOK" version  length of key file  key file  { length  sealed part }...  BLAKE3 of all that
//! ```
//!
//! The key file is sealed by itself (passphrase, recovery words). The parts hold the log, under a
//! key from the key file; part `n` of `m` is bound to its place. A restored home is a copied
//! device: other devices notice when both go on writing.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::{BACKUP_AT, Home, locked, storage, store};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal},
    sealing::{KeyFile, Unlocked, open_blob, seal_blob},
    store::LocalStore as _,
};

const MAGIC: &[u8] = b"DAYBOOK";
const VERSION: u8 = 0;
const PART: usize = 1 << 20;
const USAGE: &str = "backup";
/// Where a restored log waits for the keys.
const WAITING: &str = "restored";

impl Home {
    pub(super) fn back_up(&self, folder: &Path) -> Result<HomeReply, Refusal> {
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        let key_file = fs::read(self.folder.keys()).map_err(|error| storage(&error))?;
        // The lock is held: nobody writes into the log meanwhile.
        let log = pack(&self.folder.log()).map_err(|error| storage(&error))?;
        let parts: Vec<&[u8]> = log.chunks(PART).collect();
        let mut bytes = [MAGIC, &[VERSION]].concat();
        put(&mut bytes, &key_file);
        for (number, part) in parts.iter().enumerate() {
            let place = place(number, parts.len());
            let sealed = seal_blob(
                &mut desk.random,
                &desk.keys.secrets.local,
                USAGE,
                &place,
                part,
            )
            .map_err(|error| super::keys::slot(&error.into()))?;
            put(&mut bytes, &sealed);
        }
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        fs::create_dir_all(folder).map_err(|error| storage(&error))?;
        let now = self.now();
        let name = format!("daybook-{}.backup", now.strftime("%Y%m%d-%H%M%S"));
        let file = folder.join(name);
        self.folder
            .write(&file, &bytes)
            .map_err(|error| storage(&error))?;
        // Read back from the disk: a backup that cannot be opened is none.
        let written = fs::read(&file).map_err(|error| storage(&error))?;
        let (_, sealed) = split(&written)?;
        if unseal(&sealed, &desk.keys)? != log {
            return Err(damaged());
        }
        let seconds = now.as_second().to_be_bytes();
        desk.settings
            .put(&[(BACKUP_AT, Some(&seconds))])
            .map_err(|error| store(&error))?;
        Ok(HomeReply::BackedUp {
            file: file.display().to_string(),
            bytes: bytes.len() as u64,
        })
    }

    pub(super) fn restore(&self, file: &Path) -> Result<HomeReply, Refusal> {
        self.must_be_empty()?;
        let bytes = fs::read(file).map_err(|_| {
            Refusal::new(
                ErrorCode::NotFound,
                "The backup file cannot be read.",
                "Check its name, and that the stick is in.",
            )
            .at("file")
        })?;
        let (keys, _) = split(&bytes)?;
        KeyFile::decode(&keys).map_err(|error| super::keys::slot(&error))?;
        // The log is opened with the keys, at the first unlocking.
        let waiting = self.folder.path().join(WAITING);
        self.folder
            .write(&waiting, &bytes)
            .map_err(|error| storage(&error))?;
        self.folder
            .write(&self.folder.keys(), &keys)
            .map_err(|error| storage(&error))?;
        Ok(HomeReply::Status(self.status()))
    }

    /// Puts a restored log into its place, once there are keys to open it.
    pub(super) fn unpack_restored(&self, keys: &Unlocked) -> Result<(), Refusal> {
        let waiting = self.folder.path().join(WAITING);
        if !waiting.exists() {
            return Ok(());
        }
        let bytes = fs::read(&waiting).map_err(|error| storage(&error))?;
        let (_, sealed) = split(&bytes)?;
        let log = unseal(&sealed, keys)?;
        let fresh = self.folder.path().join("log.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|error| storage(&error))?;
        }
        unpack(&log, &fresh)?;
        let place = self.folder.log();
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|error| storage(&error))?;
        }
        fs::rename(&fresh, &place).map_err(|error| storage(&error))?;
        fs::remove_file(&waiting).map_err(|error| storage(&error))
    }
}

fn place(number: usize, of: usize) -> Vec<u8> {
    [(number as u64).to_be_bytes(), (of as u64).to_be_bytes()].concat()
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

/// The files of a folder, one after the other.
fn pack(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|file| file.map(|file| file.path()))
        .collect::<Result<_, _>>()?;
    names.sort();
    let mut bytes = Vec::new();
    for path in names.iter().filter(|path| path.is_file()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut content = Vec::new();
        fs::File::open(path)?.read_to_end(&mut content)?;
        put(&mut bytes, name.as_bytes());
        put(&mut bytes, &content);
    }
    Ok(bytes)
}

fn unpack(mut bytes: &[u8], folder: &Path) -> Result<(), Refusal> {
    fs::create_dir_all(folder).map_err(|error| storage(&error))?;
    while !bytes.is_empty() {
        let name = take(&mut bytes).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.filter(|name| !name.contains(['/', '\\']) && !name.starts_with('.'));
        let name = name.ok_or_else(damaged)?;
        let content = take(&mut bytes).ok_or_else(damaged)?;
        let written = fs::File::create(folder.join(name))
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
        written.map_err(|error| storage(&error))?;
    }
    Ok(())
}

/// The key file and the sealed parts of a backup.
fn split(bytes: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Refusal> {
    let (content, sum) = bytes.split_last_chunk::<32>().ok_or_else(damaged)?;
    let rest = content.strip_prefix(MAGIC).ok_or_else(|| {
        Refusal::new(
            ErrorCode::InvalidInput,
            "This file is not a Daybook backup.",
            "Backups are called daybook-….backup.",
        )
        .at("file")
    })?;
    let (version, mut rest) = rest.split_first().ok_or_else(damaged)?;
    if *version > VERSION {
        return Err(Refusal::new(
            ErrorCode::NewerVersion,
            "This backup was written by a newer version of Daybook.",
            "Update this program.",
        ));
    }
    if blake3::hash(content) != *sum {
        return Err(damaged());
    }
    let keys = take(&mut rest).ok_or_else(damaged)?.to_vec();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        parts.push(take(&mut rest).ok_or_else(damaged)?.to_vec());
    }
    Ok((keys, parts))
}

fn unseal(parts: &[Vec<u8>], keys: &Unlocked) -> Result<Vec<u8>, Refusal> {
    let mut log = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let place = place(number, parts.len());
        let plain = open_blob(&keys.secrets.local, USAGE, &place, part).map_err(|_| damaged())?;
        log.extend_from_slice(&plain);
    }
    Ok(log)
}

fn damaged() -> Refusal {
    Refusal::new(
        ErrorCode::Damaged,
        "The backup is damaged.",
        "Use another backup; nothing was changed.",
    )
}

/// The key file and the sealed parts of a backup; none when it is no backup, damaged or newer.
pub fn backup_parts(bytes: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    split(bytes).ok()
}
