//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::{Date, DateTime};

use super::{
    audit::Audit,
    cards::Card,
    erasing::{Certificate, Erase, Hold},
    kit,
    people::{People, PolicyWish},
    rights::{Restrict, Retention},
    seats::Seat,
};
use crate::catalogue::StaffRole;

/// Daybook: the appointment book that never goes down.
#[derive(Debug, Parser)]
#[command(name = "daybook", version, max_term_width = 100)]
pub struct Cli {
    /// Folder of this installation.
    #[arg(
        long,
        env = "DAYBOOK_HOME",
        global = true,
        default_value = "daybook-home"
    )]
    pub home: PathBuf,
    /// Print JSON as the catalogue defines it.
    #[arg(long, global = true)]
    pub json: bool,
    /// File whose first line is the passphrase.
    #[arg(long, env = "DAYBOOK_PASSPHRASE_FILE", global = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Keep the keys in a file of the home, for scripts and tests: whoever reads the disk reads
    /// everything.
    #[arg(long, global = true, conflicts_with = "passphrase_file")]
    pub insecure_machine_key: bool,
    /// Who is at the desk, by name or id, where several people share this home; needs `--pin-file`.
    #[arg(long, value_name = "NAME", global = true, requires = "pin_file")]
    pub seat: Option<String>,
    /// File whose first line is that person's PIN.
    #[arg(long, value_name = "FILE", global = true, requires = "seat")]
    pub pin_file: Option<PathBuf>,
    /// PEM file of further authorities for a `wss://` relay.
    #[arg(long, env = "DAYBOOK_CA_FILE", global = true)]
    pub ca_file: Option<PathBuf>,
    /// Pretend it is this time, for rehearsals; the relay's time wins where it is known.
    #[arg(long, env = "DAYBOOK_NOW", global = true, hide = true)]
    pub now: Option<jiff::Timestamp>,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Open a new practice with its first site; prints the recovery words.
    Found(Found),
    /// Let one more device in: prints a join code.
    Invite {
        /// The role of its seat.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// For how many days the code works.
        #[arg(long, default_value_t = 3)]
        days: u32,
        /// The code goes by mail or messenger: the newcomer gets keys only after you have compared
        /// a number by telephone.
        #[arg(long)]
        compare: bool,
    },
    /// The number to compare by telephone, and what came of it.
    Compare {
        /// The newcomer, `seat_...` as `people list` prints it; this seat when missing.
        seat: Option<String>,
        /// The numbers are the same: hand the keys over.
        #[arg(long, requires = "seat", conflicts_with = "different")]
        same: bool,
        /// They are not: remove the seat.
        #[arg(long, requires = "seat")]
        different: bool,
    },
    /// Join a practice by code.
    Join {
        /// The code.
        code: String,
    },
    /// Open this home with the recovery words and set a new passphrase.
    Recover {
        /// File with the 24 words.
        #[arg(long)]
        words_file: PathBuf,
    },
    /// Come back with the recovery words alone, when every device is lost: fills an empty home from
    /// the relay.
    Rescue(kit::Rescue),
    /// Try whether the recovery words would bring the practice back.
    Drill {
        /// File with the 24 words, or the line of the recovery kit.
        #[arg(long, value_name = "FILE")]
        words_file: PathBuf,
    },
    /// What a recovery kit needs besides the words; with a file, a page to print.
    Kit(kit::KitWish),
    /// Whether managers read clinical cards; without more words, how it is (owners decide).
    Policy(PolicyWish),
    /// Set the relay, or follow it to another address or to its spare.
    Relay {
        /// `ws://HOST:PORT` or `wss://HOST:PORT`.
        address: String,
        /// What `sync-server org invite` printed; for a relay that holds nothing of this practice.
        #[arg(long)]
        ticket: Option<String>,
        /// The new relay's key, as `sync-server key` prints it, in the place of a relay that is
        /// gone and left no spare key (owners only).
        #[arg(long, value_name = "KEY")]
        replace: Option<String>,
    },
    /// Name the key of a relay that may take over when the one in use is lost (owners only).
    RelayStandby {
        /// As `sync-server key --data DIR` prints it for the spare's folder.
        key: String,
    },
    /// Let a relay that lost data confirm again, once everything is back (owners only).
    RelayRestored,
    /// What to look into, what Daybook does about it, and what you do.
    Alarms {
        /// Connect first, so that the relay has its say.
        #[arg(long)]
        online: bool,
    },
    /// Write what the relay signed, and where it contradicts itself, into a new file.
    Evidence {
        /// Which file.
        file: PathBuf,
    },
    /// Sites.
    #[command(subcommand)]
    Location(Location),
    /// People.
    #[command(subcommand)]
    Staff(Staff),
    /// Rooms, tables, chairs, machines.
    #[command(subcommand)]
    Room(Room),
    /// What is sold.
    #[command(subcommand)]
    Service(Service),
    /// When a site is open or a member of staff works.
    Hours(Hours),
    /// Who pays.
    #[command(subcommand)]
    Client(Client),
    /// Who is treated.
    #[command(subcommand)]
    Pet(Pet),
    /// Destroy what is kept about a client and the client's pets, everywhere and for good.
    Erase(Erase),
    /// What was erased, and which devices have done it.
    Erasures,
    /// Write the proof of an erasure into a new file, or verify one.
    Certificate(Certificate),
    /// Say why a client must be kept: whoever is under a hold is not erased.
    Hold(Hold),
    /// Say why what is kept about a client may not be used, or lift that.
    Restrict(Restrict),
    /// How long records are kept after a client's last visit, and whose time is over.
    Retention(Retention),
    /// Notes about clients and pets, each kind for those who may read it.
    #[command(subcommand)]
    Card(Card),
    /// Several people at this computer.
    #[command(subcommand)]
    Seat(Seat),
    /// Agree a visit.
    Book(Book),
    /// Keep time free.
    Block(Block),
    /// Move or resize a visit.
    Move(Move),
    /// Call a visit off.
    Cancel {
        /// Which visit.
        appointment: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say how far a visit has come.
    Status {
        /// Which visit.
        appointment: String,
        /// The new state.
        #[arg(value_enum)]
        state: StateArg,
    },
    /// Take back the last command, or the one with this number.
    Undo {
        /// A number that a reply gave.
        step: Option<u64>,
    },
    /// The next free slots.
    Free(Free),
    /// One day of a site.
    Day {
        /// Which site; the only one when missing.
        #[arg(long)]
        location: Option<String>,
        /// Which day; today when missing.
        date: Option<Date>,
    },
    /// Clients and pets by phone digits, name, pet or #microchip.
    Search {
        /// What to look for.
        text: String,
    },
    /// Slot clashes, as every replica computes them.
    Clashes,
    /// What waits for a person.
    Reviews,
    /// Answer a review.
    Decide(Decide),
    /// Exchange with the relay until in step.
    Sync(Sync),
    /// Write an encrypted copy of this home, now or on a timetable, and read one.
    Backup(kit::Backup),
    /// Say for how many days, 7 to 365, a device opens everything without the relay (owners).
    Lease {
        /// How many.
        days: u16,
    },
    /// Let the keys open only together with the keystore of this system, or no longer.
    Keystore {
        /// Whether they do.
        #[arg(value_enum)]
        what: KeystoreArg,
    },
    /// Fill an empty home from a backup.
    Restore {
        /// The backup file.
        file: PathBuf,
    },
    /// Write all that this seat can read about a client, unencrypted, into a new folder.
    Export {
        /// Whom: an id, or a name that only one client has.
        client: String,
        /// Inside which folder the new one is made.
        #[arg(long)]
        folder: PathBuf,
    },
    /// Where this replica stands.
    State,
    /// Seats, devices and invitations; without more words, a list.
    People {
        /// What about them.
        #[command(subcommand)]
        people: Option<People>,
    },
    /// Who changed what, when, at which device, from the signed log.
    Audit(Audit),
    /// Run catalogue commands and queries from standard input, one JSON value a line.
    Batch {
        /// Stay connected to the relay meanwhile and wait to be in step first.
        #[arg(long)]
        online: bool,
        /// Stop at the first refusal.
        #[arg(long)]
        strict: bool,
    },
}

/// A new practice.
#[derive(Debug, Args)]
pub struct Found {
    /// Name of the business.
    #[arg(long)]
    pub practice: String,
    /// Name of the first site.
    #[arg(long)]
    pub location: String,
    /// IANA time zone of the first site, such as Europe/Madrid.
    #[arg(long)]
    pub zone: String,
    /// Write the recovery kit, words and all, to this new file (HTML, to print).
    #[arg(long, value_name = "FILE")]
    pub kit: Option<PathBuf>,
}

/// Sites.
#[derive(Debug, Subcommand)]
pub enum Location {
    /// Open a site.
    Add {
        /// Its name.
        name: String,
        /// IANA time zone.
        #[arg(long)]
        zone: String,
    },
    /// List them.
    List,
}

/// People.
#[derive(Debug, Subcommand)]
pub enum Staff {
    /// Take somebody on.
    Add {
        /// The name on the column.
        name: String,
        /// What they do.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// Where; may be given several times; the only site when missing.
        #[arg(long = "location")]
        locations: Vec<String>,
    },
    /// List them.
    List,
}

/// Rooms.
#[derive(Debug, Subcommand)]
pub enum Room {
    /// Add one.
    Add {
        /// Its name.
        name: String,
        /// Where; the only site when missing.
        #[arg(long)]
        location: Option<String>,
        /// How many visits at once.
        #[arg(long, default_value_t = 1)]
        capacity: u16,
    },
    /// List them.
    List,
}

/// Services.
#[derive(Debug, Subcommand)]
pub enum Service {
    /// Add one.
    Add {
        /// Its name.
        name: String,
        /// Minutes of work.
        #[arg(long)]
        minutes: u32,
        /// Minutes of cleaning afterwards.
        #[arg(long, default_value_t = 0)]
        buffer: u32,
        /// A room where it can be done; may be given several times.
        #[arg(long = "room")]
        rooms: Vec<String>,
        /// Who can do it; may be given several times; everyone when missing.
        #[arg(long = "staff")]
        staff: Vec<String>,
    },
    /// List them.
    List,
}

/// Weekly hours.
#[derive(Debug, Args)]
pub struct Hours {
    /// A site or a member of staff.
    pub of: String,
    /// For staff: at which site.
    #[arg(long)]
    pub at: Option<String>,
    /// Monday to Friday, such as 08:30-12:30,14:00-18:00.
    #[arg(long, default_value = "")]
    pub weekdays: String,
    /// Saturday.
    #[arg(long, default_value = "")]
    pub saturday: String,
    /// Sunday.
    #[arg(long, default_value = "")]
    pub sunday: String,
    /// A day closed; may be given several times.
    #[arg(long = "closed")]
    pub closed: Vec<Date>,
}

/// Clients.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Take one into the book.
    Add {
        /// Full name.
        name: String,
        /// Phone number; may be given several times.
        #[arg(long = "phone")]
        phones: Vec<String>,
        /// E-mail address.
        #[arg(long)]
        email: Option<String>,
        /// Anything to remember.
        #[arg(long)]
        note: Option<String>,
    },
    /// List them by name.
    List {
        /// How many to pass over.
        #[arg(long, default_value_t = 0)]
        skip: u32,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

/// Pets.
#[derive(Debug, Subcommand)]
pub enum Pet {
    /// Take one into the book.
    Add {
        /// Whose: an id, or a name that only one client has.
        #[arg(long)]
        client: String,
        /// Its name.
        name: String,
        /// Dog, cat, ...
        #[arg(long)]
        species: Option<String>,
        /// Breed.
        #[arg(long)]
        breed: Option<String>,
        /// Microchip number.
        #[arg(long)]
        microchip: Option<String>,
        /// Why, although the client's data are restricted.
        #[arg(long, value_name = "REASON")]
        despite_restriction: Option<String>,
    },
    /// List the pets of a client.
    List {
        /// Whose.
        #[arg(long)]
        client: String,
    },
}

/// A visit.
#[derive(Debug, Args)]
pub struct Book {
    /// Where; the only site when missing.
    #[arg(long)]
    pub location: Option<String>,
    /// Start on the clock of the site, such as 2026-03-02T09:00.
    #[arg(long)]
    pub start: DateTime,
    /// With whom.
    #[arg(long)]
    pub staff: String,
    /// In which room.
    #[arg(long)]
    pub room: Option<String>,
    /// What is done.
    #[arg(long, required_unless_present = "minutes")]
    pub service: Option<String>,
    /// How long.
    #[arg(long)]
    pub minutes: Option<u32>,
    /// For whom.
    #[arg(long)]
    pub client: Option<String>,
    /// Which pet comes; may be given several times.
    #[arg(long = "pet")]
    pub pets: Vec<String>,
    /// Anything to know.
    #[arg(long)]
    pub note: Option<String>,
    /// Book although the slot is taken, for this reason.
    #[arg(long, value_name = "REASON")]
    pub double_book: Option<String>,
    /// Book although warned (closed day, past, ...).
    #[arg(long)]
    pub despite_warnings: bool,
    /// Connect first and wait for the relay's word.
    #[arg(long)]
    pub online: bool,
}

/// Time to keep free.
#[derive(Debug, Args)]
pub struct Block {
    /// Where; the only site when missing.
    #[arg(long)]
    pub location: Option<String>,
    /// What; may be given several times.
    #[arg(long = "resource", required = true)]
    pub resources: Vec<String>,
    /// Start on the clock of the site.
    #[arg(long)]
    pub start: DateTime,
    /// How long.
    #[arg(long)]
    pub minutes: u32,
    /// What it is called.
    #[arg(long)]
    pub title: Option<String>,
}

/// A move.
#[derive(Debug, Args)]
pub struct Move {
    /// Which visit.
    pub appointment: String,
    /// The new start on the clock of the site.
    #[arg(long)]
    pub start: Option<DateTime>,
    /// With whom.
    #[arg(long)]
    pub staff: Option<String>,
    /// In which room.
    #[arg(long)]
    pub room: Option<String>,
    /// The new length.
    #[arg(long)]
    pub minutes: Option<u32>,
    /// Move although the slot is taken, for this reason.
    #[arg(long, value_name = "REASON")]
    pub double_book: Option<String>,
    /// Move although warned.
    #[arg(long)]
    pub despite_warnings: bool,
    /// Connect first and wait for the relay's word.
    #[arg(long)]
    pub online: bool,
}

/// Free slots.
#[derive(Debug, Args)]
pub struct Free {
    /// Where; the only site when missing.
    #[arg(long)]
    pub location: Option<String>,
    /// For what.
    #[arg(long, required_unless_present = "minutes")]
    pub service: Option<String>,
    /// How long.
    #[arg(long)]
    pub minutes: Option<u32>,
    /// With whom; anyone when missing.
    #[arg(long)]
    pub staff: Option<String>,
    /// From when on the clock of the site; now when missing.
    #[arg(long)]
    pub from: Option<DateTime>,
    /// How many days to look at.
    #[arg(long)]
    pub days: Option<u32>,
    /// At most so many.
    #[arg(long)]
    pub limit: Option<u32>,
}

/// An answer to a review; give one or more verdicts.
#[derive(Debug, Args)]
pub struct Decide {
    /// Apply what the rule suggests for this review.
    #[arg(long, value_name = "REVIEW")]
    pub suggested: Option<String>,
    /// This visit stands.
    #[arg(long, value_name = "APPOINTMENT")]
    pub keep: Vec<String>,
    /// This visit is called off.
    #[arg(long, value_name = "APPOINTMENT")]
    pub cancel: Vec<String>,
    /// This visit moves: APPOINTMENT@2026-03-02T10:00 or APPOINTMENT@2026-03-02T10:00/STAFF.
    #[arg(long = "move", value_name = "APPOINTMENT@START[/STAFF]")]
    pub moves: Vec<String>,
    /// Both stand: APPOINTMENT+APPOINTMENT.
    #[arg(long, value_name = "A+B")]
    pub allow_overlap: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Exchange with the relay.
#[derive(Debug, Args)]
pub struct Sync {
    /// Stay connected and print events until interrupted.
    #[arg(long)]
    pub watch: bool,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 30)]
    pub timeout: u64,
}

/// About the system's keystore.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum KeystoreArg {
    On,
    Off,
    Status,
}

/// Roles.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum RoleArg {
    Owner,
    Manager,
    Vet,
    Groomer,
    Receptionist,
}

impl From<RoleArg> for StaffRole {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Owner => Self::Owner,
            RoleArg::Manager => Self::Manager,
            RoleArg::Vet => Self::Vet,
            RoleArg::Groomer => Self::Groomer,
            RoleArg::Receptionist => Self::Receptionist,
        }
    }
}

/// States.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StateArg {
    Booked,
    Arrived,
    InProgress,
    Done,
    NoShow,
    Cancelled,
}

impl From<StateArg> for conflict_rules::ClaimState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Booked => Self::Booked,
            StateArg::Arrived => Self::Arrived,
            StateArg::InProgress => Self::InProgress,
            StateArg::Done => Self::Done,
            StateArg::NoShow => Self::NoShow,
            StateArg::Cancelled => Self::Cancelled,
        }
    }
}
