//! `daybook erase`, `erasures`, `certificate`, `hold`: what is destroyed for good, and proof of it.

use clap::{Args, ValueEnum};

use std::path::{Path, PathBuf};

use super::{names::Names, print::Printer};
use crate::{
    catalogue::{
        Answer, CertificateView, Command, ErasureBasis, ErasureView, HoldClient, HomeRequest,
        Query, Refusal,
    },
    home::{Home, check_certificate},
};

/// Why a client is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BasisArg {
    /// The person asked for it.
    Request,
    /// The time for which it is kept is over.
    Retention,
    /// It should never have been entered.
    Mistake,
    /// A court or an authority ordered it.
    Order,
}

/// An erasure.
#[derive(Debug, Args)]
pub struct Erase {
    /// `cli_...`, a phone number or a name.
    client: String,
    /// Why.
    #[arg(long, value_enum)]
    basis: BasisArg,
    /// The client's name, typed once more.
    #[arg(long, value_name = "NAME")]
    confirm: String,
}

/// A certificate: to write, or to verify.
#[derive(Debug, Args)]
pub struct Certificate {
    /// `era_...`, as `erasures` prints it; or `verify`.
    #[arg(value_name = "ERASURE|verify")]
    pub erasure: String,
    /// The file; to write it must not exist.
    pub file: PathBuf,
}

/// A duty to keep a client.
#[derive(Debug, Args)]
pub struct Hold {
    /// `cli_...`, a phone number or a name.
    client: String,
    /// Why this client must be kept.
    #[arg(long, required_unless_present = "end")]
    reason: Option<String>,
    /// The duty is over.
    #[arg(long, conflicts_with = "reason")]
    end: bool,
}

pub(super) fn erase(home: &Home, wish: Erase, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let client = Names::of(home)?.client(&wish.client)?;
    let basis = match wish.basis {
        BasisArg::Request => ErasureBasis::Request,
        BasisArg::Retention => ErasureBasis::Retention,
        BasisArg::Mistake => ErasureBasis::Mistake,
        BasisArg::Order => ErasureBasis::Order,
    };
    let confirm = wish.confirm;
    printer.home_reply(&home.request(HomeRequest::EraseClient {
        client,
        basis,
        confirm,
    })?)
}

pub(super) fn list(home: &Home, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    printer.answer(&home.query(Query::Erasures)?)
}

pub(super) fn certificate(
    home: &Home,
    wish: &Certificate,
    printer: &mut Printer<'_>,
) -> Result<(), Refusal> {
    printer.home_reply(&home.request(HomeRequest::Certificate {
        erasure: wish.erasure.clone(),
        file: wish.file.display().to_string(),
    })?)?;
    // The certificate names devices by id: who works on them is for this side alone.
    match home.query(Query::Erasures)? {
        Answer::Erasures(view) => printer.erasure(&view, &wish.erasure),
        _ => Ok(()),
    }
}

/// Needs no home: anybody may verify.
pub(super) fn verify(file: &Path, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    printer.certificate(&check_certificate(file)?)
}

pub(super) fn hold(home: &Home, wish: Hold, printer: &mut Printer<'_>) -> Result<(), Refusal> {
    let client = Names::of(home)?.client(&wish.client)?;
    let reason = wish.reason.filter(|_| !wish.end).unwrap_or_default();
    let command = Command::HoldClient(HoldClient { client, reason });
    printer.reply(&home.execute(command)?)
}

pub(super) const fn why(basis: ErasureBasis) -> &'static str {
    match basis {
        ErasureBasis::Request => "asked for",
        ErasureBasis::Retention => "kept long enough",
        ErasureBasis::Mistake => "entered by mistake",
        ErasureBasis::Order => "ordered",
    }
}

pub(super) fn lines(erasure: &ErasureView) -> Vec<String> {
    let ErasureView {
        id,
        at,
        basis,
        keys,
        done,
        of,
        ..
    } = erasure;
    let why = why(*basis);
    let mut lines = vec![format!(
        "{id}  {at}  {why}  {keys} keys  {done} of {of} devices"
    )];
    for device in &erasure.devices {
        let what = match (device.done, device.last_seen) {
            (Some(done), _) => format!("done {done}"),
            (None, Some(seen)) => format!("not yet; last heard of {seen}"),
            (None, None) => "not yet; never heard of".to_owned(),
        };
        let here = if device.here { "  this device" } else { "" };
        lines.push(format!(
            "  {}  {}  {what}{here}",
            device.device, device.label
        ));
    }
    lines
}

pub(super) fn certificate_lines(view: &CertificateView) -> Vec<String> {
    let mut lines = vec![
        format!("practice  {}", view.organisation),
        format!("first act {}", view.genesis),
        format!("erasure   {}", view.erasure),
        format!("at        {}  {}", view.at, why(view.basis)),
        format!("keys      {}", view.keys),
    ];
    lines.extend(view.done.iter().map(|device| format!("done      {device}")));
    lines.extend(view.out.iter().map(|device| format!("not yet   {device}")));
    lines
}
