//! `daybook restrict`, `retention`: what may not be used, and how long what is kept.

use clap::{Args, ValueEnum};

use super::{names::Names, print::Printer};
use crate::{
    catalogue::{
        Command, DueView, Query, RecordKind, Refusal, RestrictClient, RetentionRule, RetentionView,
        SetRetention,
    },
    home::Home,
};

/// A restriction.
#[derive(Debug, Args)]
pub struct Restrict {
    /// `cli_...`, a phone number or a name.
    client: String,
    /// Why what is kept about this client may not be used.
    #[arg(long, required_unless_present = "lift")]
    reason: Option<String>,
    /// It may be used again. Tell the client before.
    #[arg(long, conflicts_with = "reason")]
    lift: bool,
}

/// Kinds of record.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum KindArg {
    Contact,
    Handling,
    Clinical,
    Grooming,
    Payments,
}

impl From<KindArg> for RecordKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Contact => Self::Contact,
            KindArg::Handling => Self::Handling,
            KindArg::Clinical => Self::Clinical,
            KindArg::Grooming => Self::Grooming,
            KindArg::Payments => Self::Payments,
        }
    }
}

/// Rules of retention; without more words, they are listed.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("rule").args(["months", "for_ever"]))]
pub struct Retention {
    /// Which records a rule is for.
    #[arg(requires = "rule", conflicts_with = "dry_run")]
    kind: Option<KindArg>,
    /// Keep them so many months after the client's last visit.
    #[arg(long, requires = "kind")]
    months: Option<u16>,
    /// Keep them for ever.
    #[arg(long, requires = "kind")]
    for_ever: bool,
    /// List whose time is over and why. Nothing is changed.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn restrict(
    home: &Home,
    wish: Restrict,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    let client = Names::of(home)?.client(&wish.client)?;
    let reason = wish.reason.filter(|_| !wish.lift).unwrap_or_default();
    let command = Command::RestrictClient(RestrictClient { client, reason });
    printer.reply(&home.execute(command)?)
}

pub(super) fn retention(
    home: &Home,
    wish: &Retention,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    if let Some(kind) = wish.kind {
        let months = wish.months.filter(|_| !wish.for_ever);
        let kept = kind.into();
        let command = Command::SetRetention(SetRetention { kept, months });
        return printer.reply(&home.execute(command)?);
    }
    printer.retention(&home.query(Query::Retention)?, wish.dry_run)
}

fn rule(rule: &RetentionRule) -> String {
    let kept = rule.kept.as_str();
    match rule.months {
        Some(months) => format!("{kept:<9} {months} months after the last visit"),
        None => format!("{kept:<9} for ever"),
    }
}

fn due(due: &DueView) -> Vec<String> {
    let DueView {
        client,
        name,
        last,
        since,
        ..
    } = due;
    let seen = if due.visited {
        "last visit"
    } else {
        "no visit; last written"
    };
    let mut lines = vec![format!(
        "{client}  {name}  {seen} {last}  due since {since}"
    )];
    let rules = due.rules.iter().map(|one| {
        let months = one.months.unwrap_or_default();
        format!("{} {months}", one.kept.as_str())
    });
    let rules: Vec<String> = rules.collect();
    lines.push(format!("  months: {}", rules.join(", ")));
    if !due.hold.is_empty() {
        lines.push(format!(
            "  ! not to be erased, it must be kept: {}",
            due.hold
        ));
    }
    if due.restricted {
        lines.push("  ! not to be erased, it is restricted".to_owned());
    }
    if due.coming > 0 {
        lines.push(format!("  ! {} visits are still to come", due.coming));
    }
    lines
}

/// The rules, and with `whose` for whom their time is over.
pub(super) fn lines(view: &RetentionView, whose: bool) -> Vec<String> {
    let mut lines: Vec<String> = view.rules.iter().map(rule).collect();
    if whose {
        lines.extend(view.due.iter().flat_map(due));
        let free = view.due.iter().filter(|one| one.free).count();
        lines.push(format!(
            "{} of {} are due, {free} of these with nothing in the way. Nothing was changed.",
            view.due.len(),
            view.total
        ));
    }
    lines
}
