//! Checking the whole log: every hash and every link of the chain.

use crate::error::{Damage, Fault, ReadError};
use crate::format::{Hash, SegmentHeader, genesis};
use crate::log::{Index, Log};
use crate::segment;
use crate::storage::{Storage, read_all};

/// What [`Log::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Records that were read and are right.
    pub intact: u64,
    /// How many of them have no body any more.
    pub purged: u64,
    /// All that is wrong, in the order of the log.
    pub damage: Vec<Damage>,
}

impl<S: Storage> Log<S> {
    /// Reads everything and checks it; what cannot be read for another reason than damage is an error.
    pub fn verify(&self) -> Result<Report, ReadError> {
        let mut report = Report::default();
        let mut chain = genesis();
        let mut next = 0;
        for held in &self.segments {
            let mut note = |offset, record, fault| {
                let (file, record) = (held.name(), Some(Index(record)));
                report.damage.push(Damage {
                    file,
                    offset,
                    record,
                    fault,
                });
            };
            let bytes = match read_all(&self.storage, &held.name()) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            // Nothing behind the records we know of counts: it is an append that failed.
            let known = usize::try_from(held.end).unwrap_or(usize::MAX);
            let bytes = bytes.get(..known).unwrap_or(&bytes);
            let header = SegmentHeader::decode(bytes).ok();
            if header.is_none_or(|header| header.first != held.first) {
                note(0, held.first, Fault::SegmentHeader);
            } else if held.first != next || header.is_some_and(|header| header.prior != chain) {
                note(0, held.first, Fault::Chain);
            }
            // After a break each segment is still checked for itself.
            let prior = header.map_or(chain, |header| header.prior);
            let walked = segment::walk(bytes, held.first, prior, |_, _| {});
            for (record, offset, fault) in &walked.wrong {
                note(*offset, *record, *fault);
            }
            let end = walked.segment.next();
            if let Some(fault) = walked.stopped {
                note(walked.segment.end, end, fault);
            } else if end < held.next() {
                note(walked.segment.end, end, Fault::Missing);
            }
            report.intact += walked.segment.offsets.len() as u64 - walked.wrong.len() as u64;
            report.purged += walked.purged;
            next = held.next();
            chain = walked.chain;
        }
        self.verify_end(next, &chain, &mut report);
        Ok(report)
    }

    fn verify_end(&self, next: u64, chain: &Hash, report: &mut Report) {
        let fault = match next < self.len {
            true => Fault::Missing,
            false if *chain != self.chain => Fault::HeadDisagrees,
            false => return,
        };
        if report.damage.is_empty() {
            let file = segment::name(next);
            report.damage.push(Damage {
                file,
                offset: 0,
                record: Some(Index(next)),
                fault,
            });
        }
    }
}
