//! Goes through the whole log from its first record and believes nothing: checksums and their chain,
//! every signature, every entry under the governance chain, the chain of each run of a program, and
//! the relay's heads over every feed.
//!
//! It needs no key and changes nothing. Unlike opening a home, which trusts what it checked before,
//! it finds what somebody wrote into the files who also made every checksum right again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entry_log::{Damage, Glass, Index, Log, Options, ReadError, Recovery, Storage};
use sync_protocol::{
    Acceptance, Entry, FeedId, Governance, Hash, IncarnationId, Item, SeatId, accept, chain_next,
    chain_start,
};

use super::{
    LedgerError, Place,
    record::{self, Kept, Origin, Placement},
};

/// More findings are counted, not listed.
const MOST: usize = 100;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records gone through.
    pub records: u64,
    /// Entries among them, each with a good signature.
    pub entries: u64,
    /// Acts.
    pub acts: u64,
    /// Confirmations of the relay.
    pub confirmations: u64,
    /// Heads of the relay.
    pub heads: u64,
    /// Entries that count for nothing: their authors had no right to write them.
    pub masked: u64,
    /// Entries that were refused when they came, and are kept as evidence.
    pub withheld: u64,
    /// Entries without a body: it was erased.
    pub purged: u64,
    /// Bytes at the end that are no whole record and were never promised: a write that did not end.
    pub unfinished: u64,
    /// What is wrong, in the order of the log.
    pub findings: Vec<Finding>,
    /// More that is wrong.
    pub further: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which record of the log.
    pub record: u64,
    /// File of the log and offset in it, where the bytes themselves are damaged.
    pub file: Option<(String, u64)>,
    /// Whose record it is, as far as that can still be read.
    pub entry: Option<Named>,
    /// Where the relay had put it.
    pub place: Option<Place>,
    /// What is wrong.
    pub wrong: String,
}

/// What names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Its feed.
    pub feed: FeedId,
    /// Who wrote it; nobody for what the relay signed.
    pub author: Option<SeatId>,
    /// In which run of a program.
    pub run: Option<IncarnationId>,
    /// Its number there; of an act, its height.
    pub number: u64,
}

impl Verified {
    /// Whether everything is as it was written.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    record: u64,
    hash: Hash,
    prev: Hash,
    /// Written on this computer, so that the one before it was here too.
    own: bool,
    named: Named,
}

/// The chain of a feed, by place, in the epoch that was told last.
#[derive(Debug, Default)]
struct Told {
    epoch: u32,
    chain: BTreeMap<u64, Hash>,
}

#[derive(Debug, Default)]
struct Walk {
    found: Verified,
    governance: Option<Governance>,
    items: HashMap<Hash, u64>,
    places: HashMap<u64, Place>,
    runs: BTreeMap<(IncarnationId, u64), Seen>,
    /// Entries that name a height of the chain that had not come yet.
    waiting: Vec<(u64, Entry, Origin)>,
    /// Per feed what the heads have told so far.
    feeds: BTreeMap<FeedId, Told>,
    /// Feeds whose chain is broken already: one finding each.
    broken: BTreeSet<FeedId>,
}

/// Goes through a log. `progress` hears how many records of how many are done.
///
/// # Errors
/// When the log cannot be read for another reason than damage, or is a newer version's.
pub fn verify<S: Storage>(
    storage: S,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, LedgerError> {
    let opened = Log::open(Glass::over(storage), Options::default());
    let (log, recovery) = opened.map_err(|error| match error {
        entry_log::OpenError::NewerVersion { .. } => LedgerError::NewerVersion,
        entry_log::OpenError::Io(error) => LedgerError::Storage(error.to_string()),
    })?;
    let mut walk = Walk::default();
    let len = log.len();
    for number in 0..len {
        match log.get(Index(number)) {
            Ok(found) => walk.record(number, found),
            Err(ReadError::Damaged(damage)) => walk.damaged(&log, number, &damage),
            Err(error) => return Err(record::read_error(error)),
        }
        walk.found.records += 1;
        progress(number + 1, len);
    }
    match recovery {
        Recovery::Damaged(damage) => walk.damaged_file(&log, &damage),
        Recovery::TornTail { cut_bytes, .. } => walk.found.unfinished = cut_bytes,
        Recovery::Clean => {}
    }
    let report = log.verify().map_err(record::read_error)?;
    for damage in report.damage {
        walk.damaged_file(&log, &damage);
    }
    Ok(walk.finish())
}

impl Walk {
    fn note(&mut self, record: u64, entry: Option<Named>, wrong: impl Into<String>) {
        self.find(Finding {
            record,
            file: None,
            entry,
            place: None,
            wrong: wrong.into(),
        });
    }

    fn find(&mut self, finding: Finding) {
        let found = &mut self.found;
        let mut known = found.findings.iter_mut();
        if let Some(one) = known.find(|known| known.record == finding.record) {
            // One is enough for a record; where its bytes are damaged says most.
            if one.file.is_none() {
                one.file = finding.file;
            }
        } else if found.findings.len() < MOST {
            found.findings.push(finding);
        } else {
            found.further += 1;
        }
    }

    fn damaged<S: Storage>(&mut self, log: &Log<S>, number: u64, damage: &Damage) {
        let head = log.salvage(damage);
        let item = head.and_then(|head| {
            let rest = head.split_first()?.1.split_first()?.1.to_vec();
            Item::from_parts(&rest, None).ok()
        });
        self.find(Finding {
            record: number,
            file: Some((damage.file.clone(), damage.offset)),
            entry: item.as_ref().and_then(|item| self.readable(item)),
            place: None,
            wrong: damage.fault.to_string(),
        });
    }

    /// Names what unchecked bytes seem to say, if it is somebody known.
    fn readable(&self, item: &Item) -> Option<Named> {
        let named = name(item);
        let governance = self.governance.as_ref()?;
        let known = named
            .author
            .is_none_or(|seat| governance.seat(seat).is_some());
        known.then_some(named)
    }

    /// Damage that opening or the storage's own check found.
    fn damaged_file<S: Storage>(&mut self, log: &Log<S>, damage: &Damage) {
        let number = damage.record.map_or(log.len(), |record| record.0);
        self.find(Finding {
            record: number,
            file: Some((damage.file.clone(), damage.offset)),
            entry: None,
            place: None,
            wrong: damage.fault.to_string(),
        });
    }

    fn record(&mut self, number: u64, found: entry_log::Record) {
        match record::decode(found) {
            Ok(Kept::Item { item, origin }) => self.item(number, item, origin),
            Ok(Kept::Placement(placement)) => self.placement(number, &placement),
            // What the relay signed against itself; judged by whoever it is shown to.
            Ok(Kept::Proof(_)) => {}
            Err(_) => self.note(number, None, "not a record of this program"),
        }
    }

    fn item(&mut self, number: u64, item: Item, origin: Origin) {
        let named = name(&item);
        self.items.insert(item.hash(), number);
        match item {
            Item::Act(act) => {
                self.found.acts += 1;
                let refused = match &mut self.governance {
                    None => match Governance::found(&act) {
                        Ok(founded) => {
                            self.governance = Some(founded);
                            None
                        }
                        Err(error) => Some(error),
                    },
                    Some(governance) => governance.apply(&act).err(),
                };
                if let Some(error) = refused {
                    self.note(
                        number,
                        Some(named),
                        format!("an act that does not hold: {error}"),
                    );
                }
            }
            Item::Confirmation(confirmation) => {
                self.found.confirmations += 1;
                let signed = self.governance.as_ref();
                if !signed.is_some_and(|governance| governance.relay_signed(&confirmation)) {
                    self.note(number, Some(named), "not signed by the relay");
                }
            }
            Item::Entry(entry) => self.entry(number, entry, origin, named),
        }
    }

    fn entry(&mut self, number: u64, entry: Entry, origin: Origin, named: Named) {
        self.found.entries += 1;
        self.found.purged += u64::from(entry.body().is_none());
        let header = entry.header();
        let seen = Seen {
            record: number,
            hash: entry.hash(),
            prev: header.prev,
            own: origin == Origin::Own,
            named,
        };
        let id = (header.incarnation, header.sequence);
        match self.runs.get(&id) {
            Some(other) if other.hash != seen.hash => {
                let wrong = format!("the same run and number as record {}", other.record);
                self.note(number, Some(named), wrong);
            }
            Some(_) => {}
            None => {
                self.runs.insert(id, seen);
            }
        }
        self.judge(number, entry, origin, false);
    }

    fn judge(&mut self, number: u64, entry: Entry, origin: Origin, last: bool) {
        let named = name_entry(&entry);
        let Some(governance) = &self.governance else {
            self.note(
                number,
                Some(named),
                "stands before the practice was founded",
            );
            return;
        };
        match accept(&entry, governance) {
            Acceptance::Accept => {}
            Acceptance::Mask(_) => self.found.masked += 1,
            Acceptance::Withhold(_) if origin == Origin::Unproven => self.found.withheld += 1,
            Acceptance::Withhold(reason) => self.note(number, Some(named), reason.to_string()),
            Acceptance::Wait { .. } if !last => self.waiting.push((number, entry, origin)),
            // Withdrawn: it is about somebody who was erased, and was never sent.
            Acceptance::Wait { .. } if entry.body().is_none() && origin == Origin::Own => {}
            Acceptance::Wait { governance_height } => {
                if origin != Origin::Unproven {
                    let wrong = format!("act {governance_height} of the chain is missing");
                    self.note(number, Some(named), wrong);
                }
            }
        }
    }

    fn placement(&mut self, number: u64, placement: &Placement) {
        self.found.heads += 1;
        let head = *placement.head.value();
        let named = Named {
            feed: head.feed,
            author: None,
            run: None,
            number: head.sequence,
        };
        let Some(governance) = &self.governance else {
            self.note(
                number,
                Some(named),
                "stands before the practice was founded",
            );
            return;
        };
        if !governance.relay_signed(&placement.head) {
            self.note(number, Some(named), "a head that the relay did not sign");
            return;
        }
        let org = governance.org();
        for (hash, sequence) in placement.items.iter().zip(placement.first..) {
            let place = Place {
                epoch: head.epoch,
                sequence,
            };
            match self.items.get(hash) {
                Some(record) => {
                    self.places.insert(*record, place);
                }
                // A damaged one before it says so itself.
                None if self.found.findings.is_empty() => {
                    let lost = Named {
                        number: sequence,
                        ..named
                    };
                    self.note(
                        number,
                        Some(lost),
                        "the relay had put an item here that is gone",
                    );
                }
                None => {}
            }
        }
        // A relay that was filled anew by this device tells places again that were told before: they
        // have to come to the same values.
        let told = self.feeds.entry(head.feed).or_default();
        if told.epoch != head.epoch || told.chain.is_empty() {
            *told = Told {
                epoch: head.epoch,
                chain: BTreeMap::from([(0, chain_start(org, head.feed, head.epoch))]),
            };
        }
        let before = placement.first.checked_sub(1);
        let mut chain = before.and_then(|before| told.chain.get(&before)).copied();
        for (item, sequence) in placement.items.iter().zip(placement.first..) {
            let next = chain.map(|at| chain_next(&at, item));
            chain = next.filter(|next| *told.chain.entry(sequence).or_insert(*next) == *next);
        }
        let follows = chain == Some(head.chain);
        if !follows {
            told.chain = BTreeMap::from([(head.sequence, head.chain)]);
        }
        if !follows && self.broken.insert(head.feed) {
            self.note(
                number,
                Some(named),
                "the relay signed another history of this feed",
            );
        }
    }

    fn finish(mut self) -> Verified {
        for (number, entry, origin) in std::mem::take(&mut self.waiting) {
            self.judge(number, entry, origin, true);
        }
        let mut broken: Vec<(u64, Named, &str)> = Vec::new();
        for ((run, number), seen) in &self.runs {
            let Some(before) = number.checked_sub(1) else {
                continue;
            };
            match self.runs.get(&(*run, before)) {
                Some(before) if before.hash != seen.prev => {
                    let wrong = "does not follow on the entry before it";
                    broken.push((seen.record, seen.named, wrong));
                }
                // Of others' runs only the feeds that this role reads come here.
                None if seen.own => {
                    let wrong = "the entry before it is gone";
                    broken.push((seen.record, seen.named, wrong));
                }
                Some(_) | None => {}
            }
        }
        for (record, named, wrong) in broken {
            self.note(record, Some(named), wrong);
        }
        let mut found = self.found;
        found.findings.sort_by_key(|finding| finding.record);
        for finding in &mut found.findings {
            finding.place = self.places.get(&finding.record).copied();
        }
        found
    }
}

fn name(item: &Item) -> Named {
    match item {
        Item::Entry(entry) => name_entry(entry),
        Item::Act(act) => Named {
            feed: FeedId::Governance,
            author: match act.value().author {
                sync_protocol::Author::Seat(seat) => Some(seat),
                sync_protocol::Author::Root
                | sync_protocol::Author::Invite(_)
                | sync_protocol::Author::Device(_) => None,
            },
            run: None,
            number: act.value().height.into(),
        },
        Item::Confirmation(confirmation) => Named {
            feed: confirmation.value().feed,
            author: None,
            run: None,
            number: 0,
        },
    }
}

fn name_entry(entry: &Entry) -> Named {
    let header = entry.header();
    Named {
        feed: header.feed,
        author: Some(header.seat),
        run: Some(header.incarnation),
        number: header.sequence,
    }
}
