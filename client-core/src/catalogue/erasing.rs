//! Erasures: what was destroyed, why, and which devices have done it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why a client is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErasureBasis {
    /// The person asked for it.
    Request,
    /// The time for which it is kept is over.
    Retention,
    /// It should never have been entered.
    Mistake,
    /// A court or an authority ordered it.
    Order,
}

/// All erasures, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ErasuresView {
    /// One each.
    pub erasures: Vec<ErasureView>,
}

/// One erasure. It does not say of whom: nobody may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ErasureView {
    /// Its id.
    pub id: String,
    /// When.
    #[ts(as = "String")]
    pub at: Timestamp,
    /// Why.
    pub basis: ErasureBasis,
    /// The seat that ordered it; empty where it was the root key.
    pub by: String,
    /// How many keys were destroyed.
    pub keys: u32,
    /// How many devices have done it.
    pub done: u32,
    /// How many there are.
    pub of: u32,
    /// Which.
    pub devices: Vec<ErasureDevice>,
}

/// A device that was asked to erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ErasureDevice {
    /// Its id.
    pub device: String,
    /// The seats on it: what they are called, and their roles.
    pub label: String,
    /// This one.
    pub here: bool,
    /// When it was done there, by that device's clock; not yet, where there is none.
    #[ts(as = "Option<String>")]
    pub done: Option<Timestamp>,
    /// When something that was written there last arrived here.
    #[ts(as = "Option<String>")]
    pub last_seen: Option<Timestamp>,
}

/// What a certificate proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CertificateView {
    /// The erasure.
    pub erasure: String,
    /// The practice.
    pub organisation: String,
    /// The hash of the practice's first act, to compare with what the practice says.
    pub genesis: String,
    /// When it was erased.
    #[ts(as = "String")]
    pub at: Timestamp,
    /// Why.
    pub basis: ErasureBasis,
    /// How many keys were destroyed.
    pub keys: u32,
    /// Devices that have done it.
    pub done: Vec<String>,
    /// Devices that have not.
    pub out: Vec<String>,
}
