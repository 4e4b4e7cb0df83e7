//! Finding people while somebody types.
//!
//! Words are folded (case and diacritics) and kept sorted, so that a prefix is a range; one edit is
//! looked for among the different words, which are far fewer than people. Digits are looked for in
//! phone numbers, where a match at the end comes first. Every word of the question must be found
//! somewhere in one household.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Book,
    folding::{digits, fold, nearly_begins, words},
    ids::IdMap,
    records::Records,
};
use crate::{
    catalogue::{ClientId, ClientSummary, PetId},
    documents::{ClientRecord, PetRecord},
};

/// Digits at the end that two spellings of one phone number share at least.
const SAME: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Client(ClientId),
    Pet(PetId),
}

/// What is looked through while typing.
#[derive(Debug, Default)]
pub(super) struct Index {
    words: BTreeMap<String, BTreeSet<Named>>,
    by_name: BTreeSet<(String, ClientId)>,
    folded: IdMap<ClientId, String>,
    phones: IdMap<ClientId, Vec<String>>,
    /// The last digits of phones, in which the same number agrees however it is written.
    endings: BTreeMap<String, BTreeSet<ClientId>>,
    chips: BTreeMap<String, BTreeSet<PetId>>,
}

/// The last digits of a number long enough to be told apart from others.
fn ending(digits: &str) -> Option<&str> {
    let digits = digits.trim_start_matches('0');
    digits.get(digits.len().checked_sub(SAME)?..)
}

impl Index {
    pub(super) fn client(
        &mut self,
        id: ClientId,
        before: Option<&ClientRecord>,
        now: Option<&ClientRecord>,
    ) {
        if let Some(before) = before {
            self.unname(Named::Client(id), &before.name);
            if let Some(folded) = self.folded.remove(&id) {
                self.by_name.remove(&(folded, id));
            }
            for ending in self
                .phones
                .remove(&id)
                .iter()
                .flatten()
                .filter_map(|phone| ending(phone))
            {
                if let Some(clients) = self.endings.get_mut(ending) {
                    clients.remove(&id);
                    if clients.is_empty() {
                        self.endings.remove(ending);
                    }
                }
            }
        }
        if let Some(now) = now {
            self.name(Named::Client(id), &now.name);
            let folded = fold(&now.name);
            self.by_name.insert((folded.clone(), id));
            self.folded.insert(id, folded);
            let phones: Vec<String> = now.phones.iter().map(|phone| digits(phone)).collect();
            for ending in phones.iter().filter_map(|phone| ending(phone)) {
                let clients = self.endings.entry(ending.to_owned()).or_default();
                clients.insert(id);
            }
            self.phones.insert(id, phones);
        }
    }

    pub(super) fn pet(&mut self, id: PetId, before: Option<&PetRecord>, now: Option<&PetRecord>) {
        if let Some(before) = before {
            self.unname(Named::Pet(id), &before.name);
            let chip = chip(&before.microchip);
            if let Some(pets) = self.chips.get_mut(&chip) {
                pets.remove(&id);
                if pets.is_empty() {
                    self.chips.remove(&chip);
                }
            }
        }
        if let Some(now) = now {
            self.name(Named::Pet(id), &now.name);
            let chip = chip(&now.microchip);
            if !chip.is_empty() {
                self.chips.entry(chip).or_default().insert(id);
            }
        }
    }

    fn name(&mut self, named: Named, name: &str) {
        for word in words(name) {
            self.words.entry(word).or_default().insert(named);
        }
    }

    fn unname(&mut self, named: Named, name: &str) {
        for word in words(name) {
            if let Some(all) = self.words.get_mut(&word) {
                all.remove(&named);
                if all.is_empty() {
                    self.words.remove(&word);
                }
            }
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = ClientId> {
        self.by_name.iter().map(|(_, id)| *id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Clients with exactly these digits, whatever the prefix of the country.
    pub(super) fn with_phone(&self, phone: &str) -> Vec<ClientId> {
        let asked = digits(phone);
        let Some(ending) = ending(&asked) else {
            return Vec::new();
        };
        let asked = asked.trim_start_matches('0');
        let same = |known: &String| {
            let known = known.trim_start_matches('0');
            let (long, short) = if known.len() > asked.len() {
                (known, asked)
            } else {
                (asked, known)
            };
            short.len() >= SAME && long.ends_with(short) && long.len() - short.len() <= 3
        };
        let near = self.endings.get(ending).into_iter().flatten().copied();
        let phones = |id: &ClientId| self.phones.get(id).into_iter().flatten();
        near.filter(|id| phones(id).any(same)).collect()
    }

    /// Who matches, the lower the better; households of pets included.
    fn matching(&self, question: &str, records: &Records) -> IdMap<ClientId, u32> {
        if let Some(asked) = question.trim().strip_prefix('#') {
            return self.with_chip(asked, records);
        }
        let all_digits = digits(question);
        let only_phone = question.chars().all(|letter| {
            letter.is_numeric() || letter.is_whitespace() || "+-()/.".contains(letter)
        });
        if only_phone {
            return self.phoned(&all_digits);
        }
        let mut matching: Option<IdMap<ClientId, u32>> = None;
        for word in words(question) {
            let found = if word.chars().all(char::is_numeric) && word.chars().count() >= 3 {
                self.phoned(&digits(&word))
            } else {
                self.called(&word, records)
            };
            matching = Some(match matching {
                None => found,
                Some(before) => before
                    .into_iter()
                    .filter_map(|(id, score)| Some((id, score + found.get(&id)?)))
                    .collect(),
            });
        }
        matching.unwrap_or_default()
    }

    fn called(&self, word: &str, records: &Records) -> IdMap<ClientId, u32> {
        let mut found: IdMap<ClientId, u32> = IdMap::default();
        let mut add = |all: &BTreeSet<Named>, score: u32| {
            for named in all {
                // Clients before pets of the same name.
                let (client, score) = match named {
                    Named::Client(id) => (Some(*id), score),
                    Named::Pet(id) => (records.owner(*id), score + 1),
                };
                if let Some(client) = client {
                    let known = found.entry(client).or_insert(score);
                    *known = (*known).min(score);
                }
            }
        };
        let begins = self
            .words
            .range::<str, _>((
                core::ops::Bound::Included(word),
                core::ops::Bound::Unbounded,
            ))
            .take_while(|(known, _)| known.starts_with(word));
        for (known, all) in begins {
            add(all, if known == word { 0 } else { 2 });
        }
        if word.chars().count() >= 5 {
            for (known, all) in &self.words {
                if !known.starts_with(word) && nearly_begins(known, word) {
                    add(all, 8);
                }
            }
        }
        found
    }

    fn phoned(&self, asked: &str) -> IdMap<ClientId, u32> {
        if asked.len() < 3 {
            return IdMap::default();
        }
        // 0171... and +49 171... are one number.
        let national = asked.trim_start_matches('0');
        let mut found = IdMap::default();
        for (id, phones) in &self.phones {
            let score = phones.iter().filter_map(|phone| {
                if phone.ends_with(asked) {
                    Some(0)
                } else if phone.starts_with(asked) {
                    Some(2)
                } else if phone.contains(asked) {
                    Some(3)
                } else {
                    (national.len() >= 6 && phone.contains(national)).then_some(1)
                }
            });
            if let Some(score) = score.min() {
                found.insert(*id, score);
            }
        }
        found
    }

    fn with_chip(&self, asked: &str, records: &Records) -> IdMap<ClientId, u32> {
        let asked = chip(asked);
        if asked.is_empty() {
            return IdMap::default();
        }
        let mut found: IdMap<ClientId, u32> = IdMap::default();
        for (known, pets) in &self.chips {
            let score = match known {
                known if *known == asked => 0,
                known if known.starts_with(&asked) || known.ends_with(&asked) => 1,
                known if known.contains(&asked) => 2,
                _ => continue,
            };
            for owner in pets.iter().filter_map(|pet| records.owner(*pet)) {
                let known = found.entry(owner).or_insert(score);
                *known = (*known).min(score);
            }
        }
        found
    }
}

fn chip(text: &str) -> String {
    let letters = fold(text);
    letters
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

impl Book {
    /// Clients by phone digits, name, pet or `#` microchip, best first; and how many there are.
    pub fn search(&self, text: &str, limit: usize) -> (Vec<ClientSummary>, u32) {
        let index = &self.records.index;
        let matching = index.matching(text, &self.records);
        let mut ranked: Vec<(u32, &str, ClientId)> = matching
            .into_iter()
            .filter_map(|(id, score)| Some((score, index.folded.get(&id)?.as_str(), id)))
            .collect();
        let total = u32::try_from(ranked.len()).unwrap_or(u32::MAX);
        if ranked.len() > limit && limit > 0 {
            ranked.select_nth_unstable(limit - 1);
        }
        ranked.truncate(limit);
        ranked.sort_unstable();
        let best = ranked.into_iter();
        let clients = best.filter_map(|(_, _, id)| self.records.summary(id));
        (clients.collect(), total)
    }

    /// All clients by name, a page at a time; and how many there are.
    pub fn clients(&self, skip: usize, limit: usize) -> (Vec<ClientSummary>, u32) {
        let index = &self.records.index;
        let page = index.names().skip(skip).take(limit);
        let clients = page.filter_map(|id| self.records.summary(id)).collect();
        (clients, u32::try_from(index.len()).unwrap_or(u32::MAX))
    }

    /// Clients who can be reached under this number.
    pub fn phone_known(&self, phone: &str) -> Vec<ClientId> {
        self.records.index.with_phone(phone)
    }

    /// A client in a list.
    pub fn client(&self, id: ClientId) -> Option<ClientSummary> {
        self.records.summary(id)
    }

    /// A pet, and whose it is.
    pub fn pet(&self, id: PetId) -> Option<(ClientId, crate::catalogue::PetSummary)> {
        let owner = self.records.pet(id)?.owner;
        Some((owner, self.records.pet_summary(id)?))
    }
}
