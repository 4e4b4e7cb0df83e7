//! The audit as this computer knows it: names of those who share it, and the check of its log.

use entry_log::DirStorage;

use super::{Desk, Home};
use crate::{
    catalogue::{AuditFault, AuditReport, AuditView, ErrorCode, HomeReply, Refusal},
    ledger::{Finding, Verified, verify},
};

impl Home {
    /// Goes through the log and believes nothing. It needs no key; `progress` hears how many
    /// records of how many are done.
    ///
    /// # Errors
    /// When there is no log, or it cannot be read for another reason than damage.
    pub fn verify_log(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, Refusal> {
        if self.folder.is_empty() {
            return Err(Refusal::new(
                ErrorCode::NoPractice,
                "There is no practice in this home.",
                "Found one, or join one with a code.",
            ));
        }
        let found = self.verify_once(progress)?;
        if found.is_whole() {
            return Ok(report(&found));
        }
        // The desk goes on meanwhile and may have replaced a file under the reader's eyes: what is
        // wrong is still wrong while nobody writes.
        let _held = self.shared.lock();
        Ok(report(&self.verify_once(&mut |_, _| {})?))
    }

    fn verify_once(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, Refusal> {
        let storage =
            DirStorage::open(self.folder.log()).map_err(|error| super::storage(&error))?;
        Ok(verify(storage, progress)?)
    }

    pub(super) fn audit_verify(&self) -> Result<HomeReply, Refusal> {
        self.verify_log(&mut |_, _| {}).map(HomeReply::Audited)
    }
}

/// Fills in what people are called at this computer.
pub(super) fn name_people(desk: &Desk, view: &mut AuditView) {
    let known = desk.keys.seats();
    for row in view.rows.iter_mut().filter(|row| row.name.is_none()) {
        let seat = row.seat.as_deref().and_then(|seat| seat.parse().ok());
        let here = known.iter().find(|known| Some(known.seat) == seat);
        row.name = here
            .map(|known| known.name.clone())
            .filter(|name| !name.is_empty());
    }
}

fn report(found: &Verified) -> AuditReport {
    AuditReport {
        whole: found.is_whole(),
        records: found.records,
        entries: found.entries,
        acts: found.acts,
        confirmations: found.confirmations,
        heads: found.heads,
        masked: found.masked,
        withheld: found.withheld,
        purged: found.purged,
        unfinished: found.unfinished,
        wrong: found.findings.iter().map(fault).collect(),
        further: found.further,
    }
}

fn fault(finding: &Finding) -> AuditFault {
    let entry = finding.entry;
    AuditFault {
        record: finding.record,
        file: finding.file.as_ref().map(|(file, _)| file.clone()),
        offset: finding.file.as_ref().map(|(_, offset)| *offset),
        feed: entry.map(|entry| entry.feed.to_string()),
        epoch: finding.place.map(|place| place.epoch),
        sequence: finding.place.map(|place| place.sequence),
        author: entry.and_then(|entry| Some(entry.author?.to_string())),
        run: entry.and_then(|entry| Some(entry.run?.to_string())),
        number: entry.map(|entry| entry.number),
        wrong: finding.wrong.clone(),
    }
}
