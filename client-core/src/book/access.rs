//! Who opened clinical cards: kept as the bytes of their changes, read when somebody looks.

use schedule::{CheckedChange, HostileChange, Received};

use super::{Book, ids::IdMap, kept::Kept};
use crate::documents::{Access, AccessDoc, DocumentError, Subject};

/// All of it, by whose card it is.
#[derive(Debug, Default)]
pub(super) struct Accesses {
    kept: IdMap<Subject, Kept>,
}

/// One document while changes are applied to it.
#[derive(Debug)]
pub(super) struct OpenAccess {
    subject: Subject,
    doc: AccessDoc,
    kept: Kept,
}

impl OpenAccess {
    pub(super) fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        let received = self.doc.receive(changes)?;
        self.kept.keep(changes, &received);
        Ok(received)
    }
}

impl Accesses {
    fn document(&self, subject: Subject) -> Result<AccessDoc, DocumentError> {
        let Some(kept) = self.kept.get(&subject) else {
            return AccessDoc::genesis(subject);
        };
        let mut doc = AccessDoc::replay(subject, kept.changes())?;
        doc.mask(kept.masked());
        Ok(doc)
    }

    pub(super) fn open(
        &mut self,
        subject: Subject,
        masks: impl Iterator<Item = ([u8; 32], bool)>,
    ) -> Result<OpenAccess, DocumentError> {
        let mut doc = self.document(subject)?;
        let mut kept = self.kept.remove(&subject).unwrap_or_default();
        for (change, masked) in masks {
            kept.mark(change, masked);
        }
        doc.mask(kept.masked());
        Ok(OpenAccess { subject, doc, kept })
    }

    pub(super) fn close(&mut self, access: OpenAccess) {
        let OpenAccess {
            subject,
            doc,
            mut kept,
        } = access;
        kept.heads = doc.heads();
        self.kept.insert(subject, kept);
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = (Subject, &[[u8; 32]])> {
        let kept = self.kept.iter();
        kept.map(|(subject, kept)| (*subject, kept.heads.as_slice()))
    }
}

impl Book {
    /// Who opened the clinical card of a client or pet, to write on; begun if there is none yet.
    pub fn access(&self, subject: Subject) -> Result<AccessDoc, DocumentError> {
        self.accesses.document(subject)
    }

    /// The same, read, the latest first.
    pub fn accesses(&self, subject: Subject) -> Vec<Access> {
        self.access(subject)
            .map(|doc| doc.all())
            .unwrap_or_default()
    }
}
