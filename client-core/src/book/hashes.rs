//! Numbers by which two replicas see that they agree.

use std::collections::BTreeMap;

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
        let mut digest = Digest::new("daybook heads v1");
        for (document, (_, heads)) in self.heads_of(reads) {
            digest.part(&document);
            for head in heads {
                digest.part(&head);
            }
        }
        digest.hex()
    }

    /// By document id: what the document is, and its heads. Those of some feeds; everybody reads the
    /// schedule.
    pub fn heads_of(
        &self,
        reads: impl Fn(FeedId) -> bool,
    ) -> BTreeMap<[u8; 16], (String, Vec<[u8; 32]>)> {
        let visits = self.visits.documents();
        let visits = visits.map(|visits| (Target::Visits(visits.key()), visits.heads()));
        let records = self.records.heads();
        let records = records.map(|(subject, heads)| (subject.target(), heads.to_vec()));
        let cards = self.cards.heads();
        let cards = cards.map(|(card, heads)| (Target::Card(card), heads.to_vec()));
        let accesses = self.accesses.heads();
        let accesses = accesses.map(|(subject, heads)| (Target::Access(subject), heads.to_vec()));
        let practice = [(Target::Practice, self.practice_doc.heads())];
        let sealed = visits.chain(records).chain(cards).chain(accesses);
        let sealed = sealed.chain(practice);
        let sealed = sealed.filter(|(target, _)| reads(target.feed()));
        let sealed = sealed.map(|(target, heads)| {
            let id = target.document_id(self.org).to_bytes();
            (id, (format!("{target:?}"), heads))
        });
        let weeks = self.weeks.iter();
        let weeks = weeks.map(|(key, week)| {
            let heads = week.document.heads();
            (key.document_id(), (format!("{key:?}"), heads))
        });
        let grid = schedule::grid_document_id(self.org.to_bytes());
        let grid = (grid, ("the grid".to_owned(), self.grid.heads()));
        let all = sealed.chain(weeks).chain([grid]);
        all.filter(|(_, (_, heads))| !heads.is_empty()).collect()
    }
}
