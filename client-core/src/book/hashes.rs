//! Numbers by which two replicas see that they agree.

use data_encoding::HEXLOWER;

use sync_protocol::FeedId;

use super::Book;
use crate::{
    catalogue::{ClashView, Standing},
    documents::Target,
};

struct Digest(blake3::Hasher);

impl Digest {
    fn new(domain: &'static str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// Each part with its length, so that no two lists of parts look alike.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn hex(&self) -> String {
        HEXLOWER.encode(self.0.finalize().as_bytes())
    }
}

impl Book {
    /// Slot clashes as every replica computes them.
    pub fn clashes(&self) -> Vec<ClashView> {
        let clashes = self.derived().kept.clashes();
        clashes
            .map(|clash| ClashView {
                resource: clash.resource,
                from: clash.range.start(),
                until: clash.range.end(),
                claims: clash.claims.iter().copied().collect(),
            })
            .collect()
    }

    /// Equal on replicas with equal documents, whatever the relay has said.
    pub fn clashes_hash(&self) -> String {
        let mut digest = Digest::new("daybook clashes v1");
        for clash in self.derived().kept.clashes() {
            digest.part(&clash.resource.to_bytes());
            digest.part(&clash.range.start().as_second().to_be_bytes());
            digest.part(&clash.range.end().as_second().to_be_bytes());
            digest.part(&(clash.claims.len() as u64).to_be_bytes());
            for claim in &clash.claims {
                digest.part(&claim.to_bytes());
            }
        }
        digest.hex()
    }

    /// Equal on replicas with equal entries, positions and confirmations: where every claim is
    /// drawn, how far it has come, and on what it rests.
    pub fn rendering_hash(&self) -> String {
        let mut digest = Digest::new("daybook rendering v1");
        for (_, settled) in self.derived().kept.all() {
            let claim = settled.claim();
            digest.part(&claim.id.to_bytes());
            digest.part(&claim.location.to_bytes());
            digest.part(&[claim.kind as u8, claim.source as u8, claim.state() as u8]);
            digest.part(&(settled.hashes().len() as u64).to_be_bytes());
            for hash in settled.hashes() {
                digest.part(&hash.0);
                digest.part(&[match self.entries.standing(claim.id, *hash) {
                    Standing::Tentative => 0,
                    Standing::Confirmed => 1,
                    Standing::Refused => 2,
                }]);
            }
        }
        digest.hex()
    }

    /// Equal on replicas that hold the same changes in all documents.
    pub fn heads_hash(&self) -> String {
        self.heads_hash_of(|_| true)
    }

    /// The same for the documents of some feeds, as for those that two roles both read.
    pub fn heads_hash_of(&self, reads: impl Fn(FeedId) -> bool) -> String {
        let mut documents: Vec<([u8; 16], Vec<[u8; 32]>)> = Vec::new();
        let mut private = |target: Target, heads: Vec<[u8; 32]>| {
            if reads(target.feed()) {
                documents.push((target.document_id(self.org).to_bytes(), heads));
            }
        };
        for visits in self.visits.documents() {
            private(Target::Visits(visits.key()), visits.heads());
        }
        for (subject, heads) in self.records.heads() {
            private(subject.target(), heads.to_vec());
        }
        for (card, heads) in self.cards.heads() {
            private(Target::Card(card), heads.to_vec());
        }
        for (subject, heads) in self.accesses.heads() {
            private(Target::Access(subject), heads.to_vec());
        }
        private(Target::Practice, self.practice_doc.heads());
        // Everybody reads the schedule.
        let weeks = self.weeks.iter();
        documents.extend(weeks.map(|(key, week)| (key.document_id(), week.document.heads())));
        let grid = schedule::grid_document_id(self.org.to_bytes());
        documents.push((grid, self.grid.heads()));
        documents.retain(|(_, heads)| !heads.is_empty());
        documents.sort_unstable();
        let mut digest = Digest::new("daybook heads v1");
        for (document, heads) in documents {
            digest.part(&document);
            for head in heads {
                digest.part(&head);
            }
        }
        digest.hex()
    }
}
