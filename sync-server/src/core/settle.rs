//! Answering claims: after an entry changed a schedule document, every claim it touched is looked
//! at once, and so is every claim that waited for what these gave up.
//!
//! What a claim asks for is what `conflict_rules::effective_for_clashes` makes of its placements,
//! state and the decisions about it. A placement it no longer asks for is forgotten (and freed); a
//! placement not answered yet is answered; a refused one is answered again when its holder goes.

use std::collections::{BTreeSet, VecDeque};

use conflict_rules::{
    AppointmentId, DecisionId, Placement, PlacementHash, Verdict as Decides, effective_for_clashes,
};
use entry_log::Storage;
use sync_protocol::{
    Acceptance, Confirmation, DocumentId, Entry, FeedId, Hash, IncarnationId, Item, RefusalReason,
    SeatId, SignedConfirmation, Site, Verdict, accept,
};

use super::{
    Organisation, StorageError,
    confirm::{Answer, Taken},
    record::{self, Note},
    schedules,
};

/// Whom an answer answers.
type Request = (IncarnationId, u64);

/// Where nobody asked anew.
const NOBODY: Request = (IncarnationId::from_bytes([0; 16]), 0);

impl<S: Storage> Organisation<S> {
    /// Whether answers wait for an owner's `RelayRestore`: this relay lost something, and who holds
    /// which slot may be among it.
    pub fn is_paused(&self) -> bool {
        let schedules = self.feeds.values();
        let epoch = schedules
            .filter(|feed| matches!(feed.id, FeedId::Schedule(_)))
            .map(|feed| feed.epoch)
            .max();
        !self.planted.no_pause
            && epoch.is_some_and(|epoch| epoch > self.governance.restored_epoch())
    }

    /// Answers what an entry, which stands at `place` now, asks for.
    pub(crate) fn settle(
        &mut self,
        now: i64,
        entry: &Entry,
        place: u32,
        keys: &BTreeSet<[u8; 16]>,
    ) -> Result<(), StorageError> {
        if self.is_paused() {
            self.unsettled.insert(place);
            return Ok(());
        }
        match self.answer_all(now, entry.header().document, entry.id(), keys) {
            Err(StorageError::DiskFull) => {
                self.unsettled.insert(place);
                Ok(())
            }
            other => other,
        }
    }

    /// Answers what was left over: at a restart, after a pause, after a full disk.
    pub(crate) fn settle_rest(&mut self, now: i64) -> Result<(), StorageError> {
        if self.is_paused() {
            return Ok(());
        }
        while let Some(document) = self.unreviewed.first().copied() {
            self.review_decisions(now, document)?;
            self.unreviewed.remove(&document);
        }
        while let Some(place) = self.unsettled.first().copied() {
            let entry = record::entry_at(&self.log, place)?;
            if let Ok(Some(checked)) = schedules::check(&entry) {
                let (document, keys) = (entry.header().document, checked.keys());
                self.answer_all(now, document, entry.id(), &keys)?;
            }
            self.unsettled.remove(&place);
        }
        if self.recheck {
            let open = self.confirmations.all_waiting();
            // Each has a home and a request of its own.
            let (document, request) = (DocumentId::from_bytes([0; 16]), NOBODY);
            self.answer_open(now, document, request, open.into())?;
            self.recheck = false;
        }
        Ok(())
    }

    fn answer_all(
        &mut self,
        now: i64,
        document: DocumentId,
        request: Request,
        keys: &BTreeSet<[u8; 16]>,
    ) -> Result<(), StorageError> {
        let mut open: VecDeque<AppointmentId> = VecDeque::new();
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        let Some(week) = self.schedules.week(document, &read)? else {
            return Ok(());
        };
        let mut decisions = None;
        let mut news = Vec::new();
        for key in keys {
            let id = AppointmentId::from_bytes(*key);
            if week.claim(id).is_some() || self.confirmations.stand(id).is_some() {
                open.push_back(id);
                continue;
            }
            let decisions = decisions.get_or_insert_with(|| week.decisions());
            let id = DecisionId::from_bytes(*key);
            news.extend(decisions.iter().find(|decision| decision.id == id).cloned());
        }
        for decision in news {
            let note = Note::Decided {
                document,
                decision: decision.to_bytes(),
            };
            let subjects = decision.verdicts.iter().flat_map(Decides::subjects);
            // Both parties of an agreed overlap are looked at, the waiting one last. Also of a
            // decision that is known: the process may have ended before it had answered them all.
            open.extend(subjects.map(|(claim, _)| claim));
            if self.confirmations.decide(document, decision) {
                self.note(&note)?;
            }
        }
        self.answer_open(now, document, request, open)
    }

    fn answer_open(
        &mut self,
        now: i64,
        document: DocumentId,
        request: Request,
        mut open: VecDeque<AppointmentId>,
    ) -> Result<(), StorageError> {
        // A claim is looked at again when what it waits for goes, which can happen once per holder.
        while let Some(claim) = open.pop_front() {
            let home = self.confirmations.stand(claim).map(|stand| stand.home);
            let home = home.unwrap_or(document);
            let asks = self.asks(claim, home)?;
            let answers = self.confirmations.stand(claim);
            let answers = answers
                .map(|stand| stand.answers.clone())
                .unwrap_or_default();
            let mut freed = BTreeSet::new();
            for (hash, answer) in &answers {
                if !asks.iter().any(|(_, placement)| placement.hash() == *hash) {
                    if self.planted.keep_cancelled {
                        continue;
                    }
                    if let Answer::Granted(booked) = answer {
                        self.take_back(now, (claim, home), *hash, request)?;
                        freed.extend(booked.iter().map(|(resource, _)| *resource));
                    }
                    self.note(&Note::Forget {
                        claim: claim.to_bytes(),
                        placement: Hash::from_bytes(hash.0),
                    })?;
                    self.confirmations.forget(claim, *hash);
                }
            }
            for (site, placement) in asks {
                let hash = placement.hash();
                let answer = answers.iter().find(|(known, _)| *known == hash);
                self.answer(
                    now,
                    (claim, home),
                    site,
                    &placement,
                    request,
                    answer.map(|(_, answer)| answer),
                )?;
            }
            if !freed.is_empty() {
                open.extend(self.confirmations.waiting_for(claim, &freed));
            }
        }
        Ok(())
    }

    /// Tells everybody that a granted placement is not the claim's any more: it asks for another, or
    /// for none. Devices could not tell by themselves in which order the relay saw things.
    fn take_back(
        &mut self,
        now: i64,
        (claim, home): (AppointmentId, DocumentId),
        hash: PlacementHash,
        request: Request,
    ) -> Result<(), StorageError> {
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        let week = self.schedules.week(home, &read)?;
        // A claim that is looked through is shown by nobody.
        let Some(known) = week.and_then(|week| week.claim(claim)) else {
            return Ok(());
        };
        let site = Site::from_bytes(known.location.to_bytes());
        let verdict = Verdict::Refused(RefusalReason::Stale);
        let aside = home.as_bytes().as_slice();
        self.confirm(now, claim, site, hash, verdict, request, aside)
    }

    /// What a claim asks for now: the site it belongs to and the placements.
    fn asks(
        &mut self,
        claim: AppointmentId,
        home: DocumentId,
    ) -> Result<Vec<(Site, Placement)>, StorageError> {
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        let Some(week) = self.schedules.week(home, &read)? else {
            return Ok(Vec::new());
        };
        let Some(known) = week.claim(claim) else {
            return Ok(Vec::new());
        };
        let site = Site::from_bytes(known.location.to_bytes());
        let decisions = self.confirmations.about(claim);
        let mut effective = effective_for_clashes(&[known], &decisions);
        let placements = effective.placements.remove(&claim).unwrap_or_default();
        Ok(placements.into_iter().map(|p| (site, p)).collect())
    }

    fn answer(
        &mut self,
        now: i64,
        (claim, home): (AppointmentId, DocumentId),
        site: Site,
        placement: &Placement,
        request: Request,
        before: Option<&Answer>,
    ) -> Result<(), StorageError> {
        let (before, request) = match before {
            Some(Answer::Granted(_)) => return Ok(()),
            // Who was refused is answered on behalf of what it asked with.
            Some(Answer::Refused { by, request }) => (Some(*by), *request),
            None => (None, request),
        };
        let obstacle = if self.planted.grant_without_check {
            None
        } else {
            self.confirmations.obstacle(
                claim,
                placement,
                self.schedules.capacities(),
                self.planted.off_by_one_slot,
            )
        };
        let hash = placement.hash();
        let Some(Taken { by, resource }) = obstacle else {
            let aside = [home.as_bytes().as_slice(), &placement.to_bytes()].concat();
            self.confirm(now, claim, site, hash, Verdict::Granted, request, &aside)?;
            self.confirmations.grant(claim, home, placement);
            self.stats.granted += 1;
            return Ok(());
        };
        match before {
            None => {
                let reason = RefusalReason::Taken {
                    by: by.to_bytes(),
                    resource: resource.to_bytes(),
                };
                self.stats.taken += 1;
                if !self.planted.forget_refusal {
                    let verdict = Verdict::Refused(reason);
                    let aside = home.as_bytes().as_slice();
                    self.confirm(now, claim, site, hash, verdict, request, aside)?;
                }
            }
            // It stays refused; everybody knows. Only whom it waits for is new.
            Some(known) if known != by => self.note(&Note::Behind {
                claim: claim.to_bytes(),
                placement: Hash::from_bytes(hash.0),
                holder: by.to_bytes(),
            })?,
            Some(_) => return Ok(()),
        }
        self.confirmations.refuse(claim, home, hash, by, request);
        Ok(())
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of a confirmation, each of a type of its own"
    )]
    fn confirm(
        &mut self,
        at: i64,
        claim: AppointmentId,
        site: Site,
        PlacementHash(placement): PlacementHash,
        verdict: Verdict,
        request: Request,
        aside: &[u8],
    ) -> Result<(), StorageError> {
        let confirmation = Confirmation {
            org: self.org(),
            feed: FeedId::Schedule(site),
            claim: claim.to_bytes(),
            placement: Hash::from_bytes(placement),
            verdict,
            request,
            at,
        };
        let signed = SignedConfirmation::sign(confirmation, &self.key)
            .map_err(|_| StorageError::Inconsistent("a confirmation without form"))?;
        self.stand(&Item::Confirmation(signed), aside, None)
            .map(drop)
    }

    // ---- removal ---------------------------------------------------------------------------

    /// What a seat wrote beyond what the act at `height`, its removal or another role, leaves as it
    /// was may count for nothing any more.
    pub(crate) fn mask_narrowed(&mut self, seat: SeatId, height: u32) -> Result<(), StorageError> {
        let Some(state) = self.governance.seat(seat) else {
            return Ok(());
        };
        let places = self.incarnations.beyond(|id| state.left_by(height, id));
        let mut touched: Vec<(u32, DocumentId)> = Vec::new();
        for place in places {
            let entry = record::entry_at(&self.log, place)?;
            if entry.header().seat != seat
                || !matches!(accept(&entry, &self.governance), Acceptance::Mask(_))
            {
                continue;
            }
            if let Ok(Some(checked)) = schedules::check(&entry) {
                let document = entry.header().document;
                self.schedules.mask(document, &checked);
                if matches!(entry.header().feed, FeedId::Schedule(_)) {
                    touched.push((place, document));
                }
            }
        }
        self.unreviewed.extend(touched.iter().map(|(_, id)| *id));
        // What these entries asked for is looked at again: most of it is given up now.
        self.unsettled
            .extend(touched.iter().map(|(place, _)| *place));
        Ok(())
    }

    /// Forgets decisions that are not in their document any more, and answers the claims that they
    /// spoke of: what a decision took from them they ask for again.
    fn review_decisions(&mut self, now: i64, document: DocumentId) -> Result<(), StorageError> {
        let known = self.confirmations.decided_in(document);
        if known.is_empty() {
            return Ok(());
        }
        let log = &self.log;
        let read = |place| record::entry_at(log, place);
        let Some(week) = self.schedules.week(document, &read)? else {
            return Ok(());
        };
        let still: BTreeSet<DecisionId> = week.decisions().iter().map(|d| d.id).collect();
        let gone = known.into_iter().filter(|id| !still.contains(id));
        let gone: Vec<_> = gone
            .filter_map(|id| self.confirmations.undecide(id))
            .collect();
        let subjects = gone.iter().flat_map(|decision| &decision.verdicts);
        let subjects = subjects.flat_map(Decides::subjects);
        let subjects: BTreeSet<AppointmentId> = subjects.map(|(claim, _)| claim).collect();
        let mut done = self.answer_open(now, document, NOBODY, subjects.into_iter().collect());
        // Noted after the answers: a process that ends in between looks at the decision again.
        for decision in gone {
            let note = Note::Undecided {
                decision: decision.id.to_bytes(),
            };
            done = done.and_then(|()| self.note(&note));
            if done.is_err() {
                self.confirmations.decide(document, decision);
            }
        }
        done
    }
}
