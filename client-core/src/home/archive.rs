//! The bytes of a backup.
//!
//! ```text
//! "DAYBOOK" version  length of key file  key file  { length  sealed part }...  BLAKE3 of all that
//! ```
//!
//! The key file is sealed by itself (passphrase, recovery words). The parts hold what the backup
//! promises and the files of the log, under a key from the key file; part `n` of `m` is bound to its
//! place. Inside: `{ length  name  length  content }...`, the first under the name `manifest`.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use rand_core::CryptoRng;

use super::storage;
use crate::{
    catalogue::{ErrorCode, Refusal},
    sealing::{BlobKey, SealError, open_blob, seal_blob},
};

const MAGIC: &[u8] = b"DAYBOOK";
const VERSION: u8 = 1;
const PART: usize = 1 << 20;
const USAGE: &str = "backup";
/// No file of a log is called so.
const MANIFEST: &str = "manifest";

/// The whole file, from a key file and a packed log.
pub(super) fn sealed(
    rng: &mut impl CryptoRng,
    local: &BlobKey,
    key_file: &[u8],
    log: &[u8],
) -> Result<Vec<u8>, SealError> {
    let parts: Vec<&[u8]> = log.chunks(PART).collect();
    let mut bytes = [MAGIC, &[VERSION]].concat();
    put(&mut bytes, key_file);
    for (number, part) in parts.iter().enumerate() {
        let place = place(number, parts.len());
        put(&mut bytes, &seal_blob(rng, local, USAGE, &place, part)?);
    }
    bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
    Ok(bytes)
}

/// Whether a backup was made by the home with this local key: nothing else opens its first part.
pub(super) fn is_ours(parts: &[Vec<u8>], local: &BlobKey) -> bool {
    let first = parts.first();
    first.is_some_and(|part| open_blob(local, USAGE, &place(0, parts.len()), part).is_ok())
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

/// What the log is said to hold, in front of its files.
pub(super) fn promising(manifest: &[u8], log: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(log.len() + manifest.len() + 32);
    put(&mut bytes, MANIFEST.as_bytes());
    put(&mut bytes, manifest);
    bytes.extend_from_slice(log);
    bytes
}

/// What was promised; backups made before there were promises have none.
pub(super) fn promised(mut bytes: &[u8]) -> Option<&[u8]> {
    let name = take(&mut bytes)?;
    take(&mut bytes).filter(|_| name == MANIFEST.as_bytes())
}

/// The files of a folder, one after the other.
pub(super) fn pack(folder: &Path) -> std::io::Result<Vec<u8>> {
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

pub(super) fn unpack(mut bytes: &[u8], folder: &Path) -> Result<(), Refusal> {
    fs::create_dir_all(folder).map_err(|error| storage(&error))?;
    while !bytes.is_empty() {
        let name = take(&mut bytes).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.filter(|name| !name.contains(['/', '\\']) && !name.starts_with('.'));
        let name = name.ok_or_else(damaged)?;
        let content = take(&mut bytes).ok_or_else(damaged)?;
        if name == MANIFEST {
            continue;
        }
        let written = fs::File::create(folder.join(name))
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
        written.map_err(|error| storage(&error))?;
    }
    Ok(())
}

/// The key file and the sealed parts of a backup.
pub(super) fn split(bytes: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Refusal> {
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
    if *version != VERSION {
        return Err(Refusal::new(
            ErrorCode::NewerVersion,
            "This backup was written by another version of Daybook.",
            "Install the newest version. What a draft wrote, before version 1, is not read any more.",
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

pub(super) fn unseal(parts: &[Vec<u8>], local: &BlobKey) -> Result<Vec<u8>, Refusal> {
    let mut log = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let place = place(number, parts.len());
        let plain = open_blob(local, USAGE, &place, part).map_err(|_| damaged())?;
        log.extend_from_slice(&plain);
    }
    Ok(log)
}

pub(super) fn damaged() -> Refusal {
    Refusal::new(
        ErrorCode::Damaged,
        "The backup is damaged.",
        "Use another backup; nothing was changed.",
    )
}
