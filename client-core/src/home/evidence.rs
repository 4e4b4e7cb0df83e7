//! A file for others to judge: what the relay signed, and where it contradicts itself.
//!
//! It holds ids, hashes, times and signed statements; no name, no note, no key that is secret. Two
//! such files from two desks can be laid side by side: the same feed, epoch and sequence with two
//! chains, both signed by the relay, is proof by itself.

use std::{fs::OpenOptions, io::Write as _};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sync_protocol::SignedHead;

use super::{Home, locked, storage};
use crate::{
    catalogue::{ErrorCode, HomeReply, Refusal},
    ledger::{Fault, Proof},
};

fn head(signed: &SignedHead) -> Value {
    let value = signed.value();
    json!({
        "feed": value.feed.to_string(),
        "epoch": value.epoch,
        "sequence": value.sequence,
        "chain": value.chain.to_string(),
        "at": value.at,
        "signed": HEXLOWER.encode(&signed.encode()),
    })
}

impl Home {
    pub(super) fn evidence(&self, file: &str) -> Result<HomeReply, Refusal> {
        let held = self.shared.lock();
        let desk = held.as_ref().ok_or_else(locked)?;
        let ledger = desk.replica.ledger();
        let governance = ledger.governance();
        let mut contradictions = Vec::new();
        for proof in ledger.proofs() {
            contradictions.push(contradiction(ledger, proof)?);
        }
        let pins = governance.relay_pins().iter().map(|pin| {
            json!({
                "height": pin.height,
                "acting": HEXLOWER.encode(pin.acting.as_bytes()),
                "standby": pin.standby.map(|key| HEXLOWER.encode(key.as_bytes())),
                "address": pin.address,
            })
        });
        let acts = desk.replica.acts()?;
        let acts = acts.iter().map(|act| HEXLOWER.encode(&act.encode()));
        let count = contradictions.len();
        let evidence = json!({
            "about": "What a relay of Daybook signed, as one device verified it. The signed \
                      statements are described in docs/design/protocol.md.",
            "organisation": ledger.org().to_string(),
            "device": desk.replica.device().to_string(),
            "written": self.now().to_string(),
            "genesis": governance.genesis().to_string(),
            "relay_keys": pins.collect::<Vec<_>>(),
            "contradictions": contradictions,
            "heads": ledger.heads().map(head).collect::<Vec<_>>(),
            "acts": acts.collect::<Vec<_>>(),
        });
        let text = serde_json::to_vec_pretty(&evidence).unwrap_or_default();
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .and_then(|mut out| out.write_all(&text).and_then(|()| out.sync_all()));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Refusal::new(
                ErrorCode::InvalidInput,
                "There is such a file already.",
                "Choose another name; evidence is not written over.",
            )
            .at("file"),
            std::io::ErrorKind::NotFound => Refusal::new(
                ErrorCode::InvalidInput,
                "The folder does not exist.",
                "Choose a folder that is there.",
            )
            .at("file"),
            _ => storage(&error),
        })?;
        Ok(HomeReply::Evidence {
            file: file.to_owned(),
            contradictions: count,
        })
    }
}

fn contradiction<S: entry_log::Storage>(
    ledger: &crate::ledger::Ledger<S>,
    proof: &Proof,
) -> Result<Value, Refusal> {
    let kind = match proof.fault {
        Fault::Fork => "fork",
        Fault::WrongChain => "wrong_chain",
        Fault::WentBack => "went_back",
    };
    let entry = match &proof.entry {
        Some(hash) => ledger.entry(hash)?,
        None => None,
    };
    let entry = entry.map(|entry| {
        let seen = entry.header().seen;
        json!({
            "seat": entry.header().seat.to_string(),
            "seen_chain": seen.map(|seen| seen.chain.to_string()),
            "header": HEXLOWER.encode(entry.header_bytes()),
            "signature": HEXLOWER.encode(entry.signature().as_bytes()),
        })
    });
    Ok(json!({
        "kind": kind,
        "feed": proof.feed.to_string(),
        "epoch": proof.epoch,
        "sequence": proof.sequence,
        "chain_here": proof.ours.to_string(),
        "verified_before": proof.verified.as_ref().map(head),
        "shown": proof.shown.as_ref().map(head),
        "entry": entry,
    }))
}
