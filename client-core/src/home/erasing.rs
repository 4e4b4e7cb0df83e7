//! Erasing a client from a face: the act, its list, and the certificate in a file.

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
};

use sync_protocol::{Certified, ErasureId};

use super::{Desk, Home, PATIENCE, locked, storage};
use crate::{
    catalogue::{
        CertificateView, ClientId, ErasureBasis, ErasuresView, ErrorCode, HomeReply, LinkState,
        Refusal,
    },
    replica::{Proposal, basis_face},
};

/// Longest file that is looked at.
const MOST: u64 = 64 << 20;

impl Home {
    pub(super) fn erase(
        &self,
        client: ClientId,
        basis: ErasureBasis,
        confirm: &str,
    ) -> Result<HomeReply, Refusal> {
        let relay = self.shared.lock().as_ref().ok_or_else(locked)?.has_relay();
        if relay {
            self.connect()?;
            self.wait_in_step(PATIENCE)?;
        }
        let (id, proposal) = {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let now = self.now();
            desk.replica
                .erase(now, &mut desk.random, client, basis, confirm)?
        };
        if let Proposal::Proposed(act) = proposal {
            self.wrote();
            self.wait_for_act(&act, PATIENCE)?;
        }
        {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            let now = self.now();
            desk.replica.acknowledge_erasures(now, &mut desk.random)?;
        }
        self.wrote();
        if relay {
            self.wait_in_step(PATIENCE)?;
        }
        self.shared.tell(vec![super::all_changed()]);
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        let all = named(desk)?.erasures;
        let erased = all.into_iter().find(|one| one.id == id.to_string());
        erased.map(HomeReply::Erased).ok_or_else(unknown)
    }

    pub(super) fn certificate(&self, erasure: &str, file: &str) -> Result<HomeReply, Refusal> {
        let id: ErasureId = erasure.parse().map_err(|_| unknown())?;
        // Receipts that are at the relay belong in it; without the relay, those that are here.
        let relay = {
            let held = self.shared.lock();
            held.as_ref().ok_or_else(locked)?.has_relay()
        };
        if relay && self.connect().is_ok() {
            drop(self.wait_in_step(PATIENCE));
        }
        let (text, link) = {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(locked)?;
            let text = desk.replica.certificate(self.now(), id)?;
            (text, desk.replica.link())
        };
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Refusal::new(
                ErrorCode::InvalidInput,
                "There is such a file already.",
                "Choose another name; a certificate is not written over.",
            )
            .at("file"),
            std::io::ErrorKind::NotFound => no_file(),
            _ => storage(&error),
        })?;
        let view = check_certificate(&PathBuf::from(file))?;
        Ok(HomeReply::Certificate {
            file: file.to_owned(),
            in_step: !relay || link == LinkState::InStep,
            certificate: view,
        })
    }
}

/// All erasures, with what people are called at this computer.
pub(super) fn named(desk: &Desk) -> Result<ErasuresView, Refusal> {
    let known = desk.keys.seats();
    let here = |seat| {
        let here = known.iter().find(|known| known.seat == seat)?;
        Some(here.name.clone()).filter(|name| !name.is_empty())
    };
    desk.replica.erasures_view(&here)
}

/// Checks the certificate in a file; needs no home.
///
/// # Errors
/// When the file cannot be read, or proves nothing; the reason says what is wrong.
pub fn check_certificate(file: &Path) -> Result<CertificateView, Refusal> {
    let size = std::fs::metadata(file).map_err(|_| no_file())?.len();
    let text = if size > MOST {
        None
    } else {
        std::fs::read_to_string(file).ok()
    };
    let text = text.ok_or_else(|| {
        Refusal::new(
            ErrorCode::Damaged,
            "This file is no certificate.",
            "Take the file as `daybook certificate` wrote it.",
        )
        .at("file")
    })?;
    let proven = Certified::check(&text).map_err(|error| {
        Refusal::new(
            ErrorCode::Damaged,
            format!("The certificate proves nothing: {error}."),
            "Ask whoever gave it to you to write it anew.",
        )
        .at("file")
    })?;
    let at = jiff::Timestamp::from_second(proven.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Ok(CertificateView {
        erasure: proven.statement.erasure.to_string(),
        organisation: proven.statement.org.to_string(),
        genesis: proven.genesis.to_string(),
        at,
        basis: basis_face(proven.basis),
        keys: u32::try_from(proven.keys).unwrap_or(u32::MAX),
        done: proven.done.keys().map(ToString::to_string).collect(),
        out: proven.out.keys().map(ToString::to_string).collect(),
    })
}

fn unknown() -> Refusal {
    Refusal::new(
        ErrorCode::NotFound,
        "There is no such erasure.",
        "Take its id from the list of erasures.",
    )
    .at("erasure")
}

fn no_file() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidInput,
        "There is no such file or folder.",
        "Check the name.",
    )
    .at("file")
}
