//! `daybook audit`: who changed what, when, at which device.

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{names::Names, print::Printer};
use crate::{
    catalogue::{
        Answer, AuditChange, AuditFault, AuditQuery, AuditReport, AuditRow, AuditView, Command,
        ErrorCode, HomeReply, MaskedReason, Query, Refusal, TakeBackFrom,
    },
    home::Home,
    replica::role_of,
};

/// Progress is told every so many records.
const TOLD: u64 = 10_000;

/// Who changed what, when, at which device.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    /// Something else than a list.
    #[command(subcommand)]
    pub what: Option<AuditWhat>,
    /// Only what concerns this client, pet or visit, or what this seat did: an id, or a name that
    /// only one client has.
    #[arg(long, value_name = "ID")]
    pub of: Option<String>,
    /// From this day on.
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Up to and including this day.
    #[arg(long, value_name = "DATE")]
    pub until: Option<Date>,
    /// At most so many rows, the latest first.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Go on after this row; every page says how it goes on.
    #[arg(long, value_name = "ROW")]
    pub before: Option<String>,
}

/// What else the audit does.
#[derive(Debug, Subcommand)]
pub enum AuditWhat {
    /// Go through this home's log from its first entry and check every checksum, signature, chain
    /// and signed head. It needs no passphrase, and fails when anything is wrong.
    Verify,
    /// Put back what a seat undid of others' work: visits that it called off, notes that it withdrew
    /// (owners and managers). The alarm says which seat, and since when.
    Undo {
        /// `seat_...`.
        #[arg(long)]
        seat: String,
        /// From this point in time on, such as 2026-03-02T09:30:00Z.
        #[arg(long)]
        since: jiff::Timestamp,
    },
}

pub(super) fn verify(home: &Home, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let mut failed = None;
    let report = home.verify_log(&mut |done, of| {
        if done % TOLD == 0 && done < of && failed.is_none() {
            failed = printer.progress(done, of).err();
        }
    })?;
    let whole = report.whole;
    printer.home_reply(&HomeReply::Audited(report))?;
    if whole {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::Damaged,
        "The log is not as it was written.",
        "Keep this folder as evidence. Restore a backup of this home, or join anew with a code: the \
         relay and the other computers hold the same entries.",
    ))
}

/// The report for a person: the first finding first.
pub(super) fn report_lines(report: &AuditReport) -> Vec<String> {
    let mut lines: Vec<String> = report.wrong.iter().map(fault).collect();
    if report.further > 0 {
        lines.push(format!("and {} more", report.further));
    }
    lines.push(format!(
        "{} records: {} entries, {} acts, {} confirmations, {} signed heads; {} count for nothing, \
         {} withheld, {} erased",
        report.records,
        report.entries,
        report.acts,
        report.confirmations,
        report.heads,
        report.masked,
        report.withheld,
        report.purged
    ));
    if report.unfinished > 0 {
        lines.push(format!(
            "{} bytes at the end are a write that did not end; nothing there was promised.",
            report.unfinished
        ));
    }
    if report.whole {
        lines.push("Everything is as it was written.".to_owned());
    }
    lines
}

fn fault(fault: &AuditFault) -> String {
    let mut words = vec![format!("! record {}", fault.record)];
    words.extend(fault.feed.clone());
    if let (Some(epoch), Some(sequence)) = (fault.epoch, fault.sequence) {
        words.push(format!("position {epoch}/{sequence}"));
    }
    words.extend(fault.author.clone());
    words.extend(fault.run.as_ref().map(|run| format!("run {run}")));
    words.extend(fault.number.map(|number| format!("number {number}")));
    if let (Some(file), Some(offset)) = (&fault.file, fault.offset) {
        words.push(format!("{file} at byte {offset}"));
    }
    format!("{}: {}", words.join("  "), fault.wrong)
}

pub(super) fn run(home: &Home, audit: Audit, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    if let Some(AuditWhat::Undo { seat, since }) = audit.what {
        let wish = TakeBackFrom { seat, since };
        return printer.reply(&home.execute(Command::TakeBackFrom(wish))?);
    }
    let of = match audit.of {
        Some(text) if is_id(&text) => Some(text),
        Some(name) => Some(Names::of(home)?.client(&name)?.to_string()),
        None => None,
    };
    let mut query = AuditQuery {
        of,
        from: audit.from,
        until: audit.until,
        limit: None,
        before: audit.before,
    };
    // A page of the catalogue has at most 200 rows; here they are strung together.
    let mut whole = AuditView {
        rows: Vec::new(),
        next: None,
        waiting: 0,
    };
    let wanted = usize::try_from(audit.limit.max(1)).unwrap_or(usize::MAX);
    loop {
        let left = wanted.saturating_sub(whole.rows.len());
        query.limit = Some(u32::try_from(left).unwrap_or(u32::MAX));
        let Answer::Audit(page) = home.query(Query::Audit(query.clone()))? else {
            return Err(super::names::internal());
        };
        whole.rows.extend(page.rows);
        whole.waiting = page.waiting;
        query.before.clone_from(&page.next);
        whole.next = page.next;
        if whole.next.is_none() || whole.rows.len() >= wanted {
            return printer.answer(&Answer::Audit(whole));
        }
    }
}

fn is_id(text: &str) -> bool {
    let begins = ["cli_", "pet_", "apt_", "seat_"];
    begins.iter().any(|prefix| text.starts_with(prefix))
}

/// The answer for a person: a line for each row, and below it what was done.
pub(super) fn lines(view: &AuditView) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for row in &view.rows {
        lines.push(head(row));
        lines.extend(row.what.iter().map(change));
    }
    if view.rows.is_empty() {
        lines.push("Nothing is written down for this.".to_owned());
    }
    if view.waiting > 0 {
        lines.push(format!("{} entries wait for their keys", view.waiting));
    }
    if let Some(next) = &view.next {
        lines.push(format!("more: --before {next}"));
    }
    lines
}

fn head(row: &AuditRow) -> String {
    let role = row.role.map(|role| role_of(role).as_str().to_owned());
    let mut words = vec![row.at.to_string()];
    words.extend(row.name.clone());
    words.extend(role);
    words.extend(row.seat.clone());
    words.extend(row.device.clone());
    words.extend(row.here.then(|| "this seat".to_owned()));
    words.extend(row.place.as_ref().map(|place| {
        let (epoch, sequence) = (place.epoch, place.sequence);
        format!("{} {epoch}/{sequence}", place.feed)
    }));
    words.extend(row.masked.map(|reason| {
        let reason = match reason {
            MaskedReason::Removed => "written after the seat was removed",
            MaskedReason::Role => "not for this role to write",
            MaskedReason::NotMember => "not a member then",
        };
        format!("counts for nothing: {reason}")
    }));
    words.extend(row.refused.then(|| "refused".to_owned()));
    words.join("  ")
}

fn change(change: &AuditChange) -> String {
    let of = change.of.as_deref().map(|of| format!("  {of}"));
    let values = match (&change.old, &change.new) {
        (None, None) => String::new(),
        (None, Some(new)) => format!(": {new:?}"),
        (Some(old), new) => format!(": {old:?} -> {:?}", new.as_deref().unwrap_or_default()),
    };
    format!("    {}{values}{}", change.text, of.unwrap_or_default())
}
