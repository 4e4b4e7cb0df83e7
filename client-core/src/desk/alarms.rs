//! Alarms in words: what happened, what Daybook does, what the reader does.
//!
//! What always holds: an alarm stops no work; each says how it ends.

use std::collections::BTreeMap;

use entry_log::Storage;
use jiff::Timestamp;
use sync_protocol::ErrorCode as WireCode;

use crate::{
    book::Undoing,
    catalogue::{AlarmCode, AlarmView, TakeBackFrom},
    ledger::Alarm,
    replica::Replica,
};

/// Title, what happened, what Daybook does, what the reader does.
type Words = (&'static str, String, &'static str, &'static str);

fn code_of(alarm: Alarm) -> AlarmCode {
    match alarm {
        Alarm::DeviceCopied { .. } => AlarmCode::DeviceCopied,
        Alarm::WrongChain { .. } => AlarmCode::WrongChain,
        Alarm::RelayRolledBack { .. } => AlarmCode::RelayRolledBack,
        Alarm::Withheld { .. } => AlarmCode::Withheld,
        Alarm::Fork { .. } => AlarmCode::Fork,
        Alarm::WentBack { .. } => AlarmCode::WentBack,
        Alarm::FalseChain => AlarmCode::FalseChain,
    }
}

fn feed_of(alarm: Alarm) -> Option<String> {
    match alarm {
        Alarm::WrongChain { feed }
        | Alarm::RelayRolledBack { feed }
        | Alarm::Withheld { feed }
        | Alarm::Fork { feed }
        | Alarm::WentBack { feed } => Some(feed.to_string()),
        Alarm::DeviceCopied { .. } | Alarm::FalseChain => None,
    }
}

const KEEPS: &str = "It takes nothing from the relay that contradicts what this device holds, keeps \
                     working here, and keeps the proof.";
const SHOW: &str = "Compare with another desk by telephone before you rely on times that changed \
                    today. Save the proof (daybook evidence FILE) and show it to whoever runs the \
                    relay. An owner can move the practice to another relay.";

fn of_ledger(code: AlarmCode, feeds: &[String]) -> Option<Words> {
    let feeds = feeds.join(", ");
    Some(match code {
        AlarmCode::DeviceCopied => (
            "A device runs twice",
            "Two running copies of one device of this practice write at the same time: its disk \
             was copied, or it was restored from a backup or a machine image."
                .to_owned(),
            "It keeps what both write. Nothing is lost.",
            "Find out which of the two is to stay, and remove the other. After a restore on \
             purpose nothing more is to be done.",
        ),
        AlarmCode::RelayRolledBack => (
            "The relay had lost data",
            format!("The relay no longer had what it had acknowledged, in: {feeds}."),
            "This device has sent everything again that it holds. Work goes on.",
            "Tell whoever runs the relay. Nothing else is to be done on this device.",
        ),
        AlarmCode::Fork => (
            "The relay tells two stories",
            format!(
                "The relay shows different histories, to different devices or at different times, \
                 in: {feeds}."
            ),
            KEEPS,
            SHOW,
        ),
        AlarmCode::WrongChain => (
            "The relay's word does not match what it sent",
            format!(
                "The relay signed a state that does not follow from what it sent, in: {feeds}."
            ),
            KEEPS,
            SHOW,
        ),
        AlarmCode::WentBack => (
            "The relay hides that it lost data",
            format!(
                "The relay shows a state from before one that it had signed, as if it were the \
                 newest, in: {feeds}."
            ),
            KEEPS,
            SHOW,
        ),
        AlarmCode::FalseChain => (
            "The relay sends false changes of membership",
            "The relay sent a change of members, roles or keys that nobody with the right to it \
             has signed, or left one out."
                .to_owned(),
            "It does not follow it: who belongs to the practice stays as it was. Work goes on; the \
             relay is tried again now and then.",
            SHOW,
        ),
        AlarmCode::Withheld => (
            "Entries were kept away",
            format!("Entries carry bytes that prove a fault, in: {feeds}."),
            "They reach no document. Everything else is shown.",
            "Ask who wrote them to update Daybook. If it stays, show the log to whoever looks \
             after your computers.",
        ),
        AlarmCode::RelayRestored
        | AlarmCode::Stalled
        | AlarmCode::RelayRefuses
        | AlarmCode::Masked
        | AlarmCode::NotTaken
        | AlarmCode::Waiting
        | AlarmCode::SeatRemoved
        | AlarmCode::WriteFailed
        | AlarmCode::ClockOff
        | AlarmCode::Sweep => return None,
    })
}

fn view(code: AlarmCode, (title, what, doing, you): Words) -> AlarmView {
    AlarmView {
        code,
        title: title.to_owned(),
        what,
        doing: doing.to_owned(),
        you: you.to_owned(),
        since: None,
        may_approve: false,
        take_back: None,
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "most codes, and those of newer relays, leave a person nothing else to do"
)]
fn refused(code: WireCode) -> Words {
    let what = format!("The relay refuses: {}.", code.as_str().replace('_', " "));
    let you = match code {
        WireCode::WrongRelay => {
            "Check the relay's address. If the relay was replaced, an owner sets the new one."
        }
        WireCode::Quota => "Ask whoever runs the relay for more space.",
        WireCode::WrongVersion => "Update Daybook.",
        WireCode::Removed | WireCode::UnknownDevice => {
            "Ask an owner whether this device is still to belong to the practice."
        }
        WireCode::UnknownOrganisation => {
            "The relay may have been set up anew: ask its operator for a ticket, and set the relay \
             again with it."
        }
        WireCode::Fork | WireCode::BadAct => SHOW,
        _ => "If it stays so, tell whoever runs the relay.",
    };
    (
        "The relay refuses",
        what,
        "Work goes on here; what is new waits on this device and goes out later.",
        you,
    )
}

impl<S: Storage> Replica<S> {
    /// What a person should look into, gravest first.
    pub(crate) fn alarms(&self, now: Timestamp) -> Vec<AlarmView> {
        let mut feeds: BTreeMap<AlarmCode, Vec<String>> = BTreeMap::new();
        for alarm in self.ledger.alarms() {
            let of_it = feeds.entry(code_of(alarm)).or_default();
            of_it.extend(feed_of(alarm));
        }
        let mut alarms = Vec::new();
        if let Some((_, since)) = self.ledger.unapproved() {
            // Says the same, and how it ends.
            feeds.remove(&AlarmCode::RelayRolledBack);
            alarms.push(self.restored(since));
        }
        for (code, feeds) in feeds {
            alarms.extend(of_ledger(code, &feeds).map(|words| view(code, words)));
        }
        alarms.extend(self.of_the_line());
        alarms.extend(self.of_the_book(now));
        alarms
    }

    fn restored(&self, since: i64) -> AlarmView {
        let may = self.may_set_relay();
        let you = if may {
            "Ask the other desks to connect once. When their line of state says in step, let the \
             relay confirm again (daybook relay-restored)."
        } else {
            "Keep working. An owner ends this once all desks have connected (daybook \
             relay-restored)."
        };
        let what = "The relay was set up anew or went back to an older copy of its data. It may \
                    not know all slots that it had given.";
        let doing = "Every desk brings back what it holds. What was confirmed stays confirmed; new \
                     visits stay tentative until an owner agrees.";
        AlarmView {
            since: Timestamp::from_second(since).ok(),
            may_approve: may,
            ..view(
                AlarmCode::RelayRestored,
                ("The relay lost data", what.to_owned(), doing, you),
            )
        }
    }

    fn of_the_line(&self) -> Vec<AlarmView> {
        let mut alarms = Vec::new();
        if let Some(since) = self.session.stalled() {
            let what = "The relay is connected, but for a minute it has neither taken what this \
                        device sends nor brought what it promised.";
            let words = (
                "Nothing gets through to the relay",
                what.to_owned(),
                "It keeps everything here and connects anew. New visits stay tentative.",
                "Check the connection to the internet. If it stays so, tell whoever runs the relay.",
            );
            alarms.push(AlarmView {
                since: Some(self.clock.corrected(since)),
                ..view(AlarmCode::Stalled, words)
            });
        }
        if let Some(code) = self.trouble {
            alarms.push(view(AlarmCode::RelayRefuses, refused(code)));
        }
        if self.role().is_none() {
            let what = "An owner has removed this seat from the practice.";
            let words = (
                "This seat was removed",
                what.to_owned(),
                "It shows what it held. Nothing that is entered here counts any more.",
                "If that was a mistake, ask an owner for a new code.",
            );
            alarms.push(view(AlarmCode::SeatRemoved, words));
        }
        if self.clock.offset.is_some_and(|by| by.abs() > 120) {
            let words = (
                "This computer's clock is wrong",
                "It differs from the relay's by more than two minutes.".to_owned(),
                "It reckons with the relay's time where that matters.",
                "Set the clock of this computer.",
            );
            alarms.push(view(AlarmCode::ClockOff, words));
        }
        alarms
    }

    fn of_the_book(&self, now: Timestamp) -> Vec<AlarmView> {
        let mut alarms = Vec::new();
        let masked = self.book.masked_entries();
        if masked > 0 {
            let words = (
                "Entries count for nothing",
                format!("{masked} entries were written by somebody without the right to."),
                "They are kept and not shown, on all devices alike.",
                "Ask their authors whether something is to be entered anew by somebody else.",
            );
            alarms.push(view(AlarmCode::Masked, words));
        }
        for sweep in self.sweeps(now) {
            let first = sweep.undone.first().map(|one| one.clock.millis);
            let since = first.and_then(|at| Timestamp::from_millisecond(at).ok());
            let notes = sweep.undone.iter();
            let notes = notes.filter(|one| matches!(one.what, Undoing::Note(..)));
            let (all, notes) = (sweep.undone.len(), notes.count());
            let words = (
                "Much was called off at once",
                format!(
                    "{} called off {} visits of others and withdrew {notes} of their notes, more \
                     than usual within an hour.",
                    self.called(sweep.seat),
                    all.saturating_sub(notes),
                ),
                "It shows what was done. All of it can be taken back.",
                "Ask whoever works at that seat. If nobody meant it, take it back (Take all of it \
                 back, or daybook audit undo), and remove the seat. If it was meant, this goes away \
                 after a week.",
            );
            let mut alarm = view(AlarmCode::Sweep, words);
            alarm.since = since;
            alarm.take_back = since.map(|since| TakeBackFrom {
                seat: sweep.seat.to_string(),
                since,
            });
            alarms.push(alarm);
        }
        let refused = self.book.refused().len();
        if refused > 0 {
            let words = (
                "Entries were not taken in",
                format!("{refused} entries are not safe to read, or of a newer version."),
                "They are kept and not shown. Everything else is.",
                "Update Daybook on this computer.",
            );
            alarms.push(view(AlarmCode::NotTaken, words));
        }
        let reads = |feed| self.may_read(feed);
        let waiting = self.book.waiting_of(reads);
        // A seat without any keys waits for a person, and is told so instead of its book.
        let keyed = self.role().is_none_or(|role| self.keyring.holds_role(role));
        if waiting > 0 && keyed {
            let words = (
                "Entries are on their way",
                format!("{waiting} entries wait for keys or for what they build on."),
                "They are shown as soon as that arrives.",
                "Leave Daybook connected. If it stays so for a day, ask an owner to open Daybook.",
            );
            alarms.push(view(AlarmCode::Waiting, words));
        }
        if self.broken {
            let words = (
                "A write failed",
                "The disk refused a write.".to_owned(),
                "It writes nothing more until it was opened again. What was saved is safe.",
                "Close Daybook and open it again.",
            );
            alarms.push(view(AlarmCode::WriteFailed, words));
        }
        alarms
    }
}
