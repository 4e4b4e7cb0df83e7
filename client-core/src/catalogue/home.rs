//! What concerns the home itself: founding, joining, unlocking, the relay, backups.
//!
//! These work before a replica is open, so they stand apart from commands and queries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    AuditReport, BackupReport, CertificateView, ClientId, ErasureBasis, ErasureView, ErrorCode,
    KitView, LostDevice, Picture, SeatHere, StaffRole,
};

/// A wish about the home. `{"type": "unlock", "passphrase": "…"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum HomeRequest {
    /// Where this home stands. Reply: `Status`.
    Status,
    /// Opens a new practice with its first site; the caller becomes its owner. Reply: `Founded`.
    Found {
        /// Name of the business.
        practice: String,
        /// Name of the first site.
        location: String,
        /// IANA zone of the first site.
        zone: String,
        /// What unlocks this home, at least 8 characters.
        passphrase: String,
    },
    /// Joins a practice by code; the relay must answer. Reply: `Opened`.
    Join {
        /// The code as `invite` gave it.
        code: String,
        /// What unlocks this home, at least 8 characters.
        passphrase: String,
    },
    /// Opens this home. Reply: `Opened`.
    Unlock {
        /// As given at founding or joining.
        passphrase: String,
    },
    /// Opens this home with the recovery words and sets a new passphrase. Reply: `Opened`.
    Recover {
        /// The 24 words, separated by spaces.
        words: String,
        /// The new passphrase.
        passphrase: String,
    },
    /// Fills an empty home from a living relay with the recovery words alone, when every device is
    /// lost. The new device is an owner's. Reply: `Rescued`.
    Rescue {
        /// The 24 words, separated by spaces, or the line in the picture of the recovery kit.
        words: String,
        /// The practice's id, as the kit has it; the kit's line brings it along.
        #[serde(default)]
        #[ts(optional = nullable)]
        organisation: Option<String>,
        /// The relay's address.
        relay: String,
        /// The relay's key.
        relay_key: String,
        /// The newest act that the kit knew; the kit's line brings it along.
        #[serde(default)]
        #[ts(optional = nullable)]
        act: Option<String>,
        /// What unlocks this home, at least 8 characters.
        passphrase: String,
    },
    /// Makes 24 fresh recovery words, to be written down and given back with `renew_kit`. Nothing
    /// changes. For owners. Reply: `NewWords`.
    NewWords,
    /// From now on these recovery words count, and those before them open nothing new. For owners,
    /// while the relay answers. Reply: `KitRenewed`.
    RenewKit {
        /// The words as `new_words` gave them.
        words: String,
    },
    /// Lets managers read clinical cards, or takes that back. For owners. Reply: `Governed`.
    SetPolicy {
        /// Whether they read them from now on.
        managers_read_clinical: bool,
    },
    /// Makes somebody an owner in the place of who is at the desk. For owners. Reply: `Governed`.
    HandOver {
        /// Whose seat, by id.
        seat: String,
        /// What who is at the desk becomes.
        role: StaffRole,
    },
    /// Tries whether recovery words would bring the practice back, and notes when they did. Reply:
    /// `Drilled`.
    Drill {
        /// The words, or the line of the kit.
        words: String,
    },
    /// What a recovery kit needs besides the words, which nobody keeps. Reply: `Kit`.
    Kit,
    /// Forgets the keys. Reply: `Status`.
    Lock,
    /// Forgets the keys of who is at the desk; a PIN brings them back. Where nobody has a PIN it
    /// is the same as `lock`. Reply: `Status`.
    Pause,
    /// Who works at this computer. Reply: `Seats`.
    Seats,
    /// One more person at this computer, with a seat of their own; for owners and managers, while
    /// the relay answers. Reply: `Seats`.
    AddSeat {
        /// What the person is called here.
        name: String,
        /// The role of the seat.
        role: StaffRole,
        /// What takes the desk, 4 to 64 characters.
        pin: String,
    },
    /// The same, for somebody who brings a code. Reply: `Seats`.
    JoinSeat {
        /// The code as `invite` gave it.
        code: String,
        /// What the person is called here.
        name: String,
        /// What takes the desk, 4 to 64 characters.
        pin: String,
    },
    /// Gives the desk to another person, or back to one after a pause. Reply: `Opened`.
    Switch {
        /// Whose seat, by id.
        seat: String,
        /// That person's PIN.
        pin: String,
        /// A passphrase of this computer, once too many PINs were wrong.
        #[serde(default)]
        #[ts(optional = nullable)]
        passphrase: Option<String>,
    },
    /// Sets the PIN of who is at the desk. Reply: `Seats`.
    SetPin {
        /// The new one, 4 to 64 characters.
        pin: String,
    },
    /// Lets who is at the desk begin the day with a passphrase of their own. Reply: `Seats`.
    SetPassphrase {
        /// The new one, at least 8 characters.
        passphrase: String,
    },
    /// Whether the keys of this computer need the system's keystore too. Reply: `Keystore`.
    Keystore,
    /// Lets the keys open only together with the system's keystore, or no longer. Reply: `Keystore`.
    SetKeystore {
        /// Whether they need it.
        on: bool,
    },
    /// Ends a seat: what it writes from now on counts for nothing, and what is written from now on
    /// it cannot read. For owners. Reply: `Governed`.
    RemoveSeat {
        /// Which, by id.
        seat: String,
    },
    /// The same for a device and every seat on it. Reply: `Governed`.
    RemoveDevice {
        /// Which, by id.
        device: String,
    },
    /// Gives a seat another role; for owners. Reply: `Governed`.
    SetRole {
        /// Which, by id.
        seat: String,
        /// The role from now on.
        role: StaffRole,
    },
    /// Calls an open invitation back. Reply: `Governed`.
    RevokeInvite {
        /// Which, by id.
        invite: String,
    },
    /// Lets one more device in. Reply: `Invited`.
    Invite {
        /// The role of its seat.
        role: StaffRole,
        /// For how many days the code works, 1 to 30.
        days: u32,
        /// The code travels where others may read it: keys go out only after a comparison.
        #[serde(default)]
        compare: bool,
    },
    /// The number to compare with a newcomer, or at the newcomer's with whoever made its code. Waits
    /// a while for the other side. Reply: `Compare`.
    Compare {
        /// Which newcomer, by id; this seat when missing.
        #[serde(default)]
        #[ts(optional = nullable)]
        seat: Option<String>,
    },
    /// Two people have compared the numbers. If they were the same the newcomer gets its keys, else
    /// its seat is removed. Reply: `Governed`.
    Compared {
        /// Which newcomer, by id.
        seat: String,
        /// Whether they were the same.
        same: bool,
    },
    /// Sets the relay, or follows it to another address, or to its spare. A relay that holds
    /// nothing of this practice wants the ticket that `sync-server org invite` printed.
    /// Reply: `Status`.
    SetRelay {
        /// `ws://HOST:PORT` or `wss://HOST:PORT`.
        address: String,
        /// For a relay that is new to this practice.
        #[serde(default)]
        #[ts(optional = nullable)]
        ticket: Option<String>,
        /// The key of a relay that takes the place of one which is gone and left no spare key, as
        /// `sync-server key` prints it there. For owners.
        #[serde(default)]
        #[ts(optional = nullable)]
        replace: Option<String>,
    },
    /// Names the key of a relay that may take over when the one in use is lost. For owners. Reply:
    /// `Status`.
    SetStandby {
        /// As `sync-server key` prints it for the new relay's folder.
        key: String,
    },
    /// An owner has seen that a relay which lost data has everything back: it may confirm again.
    /// Reply: `Status`.
    ApproveRelay,
    /// Writes what the relay signed, and where it contradicts itself, into a new file. Reply:
    /// `Evidence`.
    Evidence {
        /// Which file; it must not exist.
        file: String,
    },
    /// Goes through the whole log of this computer and believes nothing: checksums, signatures,
    /// chains, heads. Reply: `Audited`.
    AuditVerify,
    /// Destroys what is kept about a client and the client's pets, here and everywhere, for good. For
    /// owners, while the relay answers. Reply: `Erased`.
    EraseClient {
        /// Whom.
        #[ts(as = "String")]
        client: ClientId,
        /// Why.
        basis: ErasureBasis,
        /// The client's name, typed once more.
        confirm: String,
    },
    /// Writes the proof of an erasure into a new file. Reply: `Certificate`.
    Certificate {
        /// Which erasure, by id.
        erasure: String,
        /// Which file; it must not exist.
        file: String,
    },
    /// Writes an encrypted copy of this home into a folder. Reply: `BackedUp`.
    Backup {
        /// Where to.
        folder: String,
    },
    /// Backs up on a timetable from now on; the first one is written at once. Reply: `BackedUp`.
    PlanBackup {
        /// Where to: a folder, or one on a stick.
        folder: String,
        /// Hours between two.
        hours: u32,
        /// How many are kept, none of them longer than 30 days.
        keep: u32,
    },
    /// Writes all that this seat can read about a client, unencrypted, into a new folder inside
    /// this one. Reply: `Exported`.
    ExportClient {
        /// Whom, `cli_…`.
        client: String,
        /// Inside which folder.
        folder: String,
    },
    /// Ends the timetable; the files stay. Reply: `Status`.
    StopBackup,
    /// Reads a whole backup, and what it holds when it can be opened. Reply: `Backup`.
    VerifyBackup {
        /// Which file.
        file: String,
        /// What opens it, when it was made by another home than this.
        #[serde(default)]
        #[ts(optional = nullable)]
        passphrase: Option<String>,
    },
    /// Fills an empty home from a backup file. Reply: `Status`.
    Restore {
        /// Which file.
        file: String,
    },
}

/// Passphrases, words and codes never reach a log.
impl std::fmt::Debug for HomeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HomeRequest(..)")
    }
}

/// The reply to a wish about the home.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HomeReply {
    /// Where the home stands.
    Status(HomeStatus),
    /// A practice was founded: print these words, they are shown once.
    Founded {
        /// The 24 recovery words.
        words: Vec<String>,
        /// The practice's id, which belongs onto the same paper.
        organisation: String,
        /// Words and id as a picture.
        picture: Picture,
    },
    /// Fresh recovery words, which count nowhere yet.
    NewWords {
        /// The 24 words.
        words: Vec<String>,
        /// Two of them, by number from 1, to be asked back before they count.
        ask: [u8; 2],
    },
    /// The words count from now on.
    KitRenewed {
        /// Whether all new keys are made that follow from it; if not, an owner's device makes them.
        rotated: bool,
        /// The practice's id, which belongs onto the same paper.
        organisation: String,
        /// Words, id and newest act as a picture.
        picture: Picture,
    },
    /// The practice is back on this device, with all that its relay holds.
    Rescued {
        /// What was part of it before: remove what is lost.
        lost: Vec<LostDevice>,
    },
    /// The words are good.
    Drilled {
        /// Now.
        #[ts(as = "String")]
        at: Timestamp,
    },
    /// For the page of a recovery kit.
    Kit(KitView),
    /// A backup was read to its end.
    Backup(BackupReport),
    /// The home is open.
    Opened,
    /// Who works at this computer.
    Seats {
        /// In the order in which they came.
        seats: Vec<SeatHere>,
    },
    /// Who belongs to the practice has changed.
    Governed {
        /// Whether all new keys are made that follow from it; if not, an owner's device makes them.
        rotated: bool,
    },
    /// A number to compare by telephone.
    Compare {
        /// The newcomer.
        seat: String,
        /// Ten digits; empty as long as the other side was not in reach.
        number: String,
    },
    /// A code to hand over.
    Invited {
        /// The code.
        code: String,
        /// Until when.
        #[ts(as = "String")]
        expires: Timestamp,
        /// The code as a picture.
        picture: Picture,
    },
    /// The evidence was written.
    Evidence {
        /// Its file.
        file: String,
        /// How many contradictions it holds.
        contradictions: usize,
    },
    /// The log was gone through.
    Audited(AuditReport),
    /// A client is erased; which devices have done it so far.
    Erased(ErasureView),
    /// A certificate was written, and checked.
    Certificate {
        /// Its file.
        file: String,
        /// Whether the relay was asked for the latest receipts.
        in_step: bool,
        /// What it proves.
        certificate: CertificateView,
    },
    /// What is kept about a client lies in files that anybody can read.
    Exported {
        /// The new folder.
        folder: String,
        /// The names of the files in it.
        files: Vec<String>,
    },
    /// Whether the keys need the system's keystore.
    Keystore(KeystoreView),
    /// A backup was written and verified.
    BackedUp {
        /// Its file.
        file: String,
        /// Its size.
        #[ts(type = "number")]
        bytes: u64,
    },
}

impl std::fmt::Debug for HomeReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HomeReply(..)")
    }
}

/// Whether the keys of this computer open only together with the system's keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KeystoreView {
    /// Whether they do.
    pub on: bool,
    /// Why the keystore would not open them now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trouble: Option<ErrorCode>,
}

/// Where a home stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HomeStatus {
    /// Empty, locked or open.
    pub phase: HomePhase,
    /// Locked, and a PIN opens it.
    pub paused: bool,
    /// Relay address, when open and set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub relay: Option<String>,
    /// The key that may take over when the relay is lost, when open and set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub standby: Option<String>,
}

/// Phases of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HomePhase {
    /// Nothing founded or joined: first run.
    Empty,
    /// Waits for the passphrase.
    Locked,
    /// In use.
    Open,
    /// Removed from the practice: what was written here is kept, and nothing opens it.
    Removed,
}
