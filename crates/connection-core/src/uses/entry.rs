//! The text of an entry: canonical JSON, whose members are in the order of their names.
//!
//! An entry holds neither a query, nor a header, nor a body. Its commitment is the SHA-256 of 16 random bytes and the
//! text, so that the text can be erased and what is left reveals nothing of it.

use connection_contract::{Crypto as _, Identity};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Door, Grantee, UsedBy};
use crate::{
    AccessTokenId, ApprovalId, ConnectionId,
    keys::Sealer,
    services::crypto::SystemCrypto,
    store::rows::{ReadEntryRow, UseEntryRow},
    words::words,
};

/// The maximum length of a path in an entry, in bytes. A longer one is cut.
const MAX_PATH: usize = 2048;
pub(super) const BEGAN: &str = "began";
pub(super) const ENDED: &str = "ended";

words! {
    /// How a use ended.
    ///
    /// ```
    /// use connection_core::UseOutcome;
    ///
    /// assert_eq!(UseOutcome::NotGranted.as_str(), "not_granted");
    /// assert_eq!(UseOutcome::parse("denied"), Some(UseOutcome::Denied));
    /// ```
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[non_exhaustive]
    pub enum UseOutcome {
        /// The request could be read in two ways and was not sent.
        Ambiguous = "ambiguous",
        /// The provider answered, with any status.
        Answered = "answered",
        /// A rule says that a person is asked, and the request was not sent.
        Asked = "asked",
        /// The answer broke off.
        Broken = "broken",
        /// Nothing was left of the budget, and the request was not sent.
        Budget = "budget",
        /// The program that asked left before there was an answer. The provider may have acted on the request.
        Cancelled = "cancelled",
        /// The request or its answer was cut, because something was frozen or a grant ended.
        Cut = "cut",
        /// No rule allows the request, and it was not sent.
        Denied = "denied",
        /// There was no answer. The provider may have acted on the request.
        Failed = "failed",
        /// Something was frozen, and the request was not sent.
        Frozen = "frozen",
        /// The connection is not granted, and the request was not sent.
        NotGranted = "not_granted",
        /// The secrets were handed out.
        Released = "released",
    }
}

/// The method, the origin and the path of a request.
pub(crate) type Requested = (String, Option<String>, String);

/// What a use is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct What {
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) kind: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) account: Option<Identity>,
    pub(crate) request: Option<Requested>,
    /// The address for which a program asks for secrets.
    pub(crate) origin: Option<String>,
    /// The names of the secrets that are handed out.
    pub(crate) secrets: Vec<String>,
    /// The command of an extension that gets them.
    pub(crate) command: Option<String>,
}

/// An entry that is not stored yet.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Began(Box<BeganEntry>),
    Ended(Box<EndedEntry>),
}

impl Entry {
    /// Returns the row of the entry.
    pub(crate) fn row(&self, sealer: &Sealer) -> UseEntryRow {
        match self {
            Self::Began(began) => {
                let row = UseEntryRow {
                    grantee: began.grantee.clone(),
                    token: began.token.map(AccessTokenId::from),
                    connection: began.connection.map(ConnectionId::from),
                    rule: began.rule.clone(),
                    ..empty(began.id, BEGAN, began.at, &began.owner)
                };
                sealed(sealer, row, began)
            }
            Self::Ended(ended) => {
                let outcome = Some(ended.outcome.as_str());
                sealed(sealer, UseEntryRow { outcome, ..empty(ended.id, ENDED, ended.at, &ended.owner) }, ended)
            }
        }
    }
}

/// The text of a beginning. The members are in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BeganEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_label: Option<String>,
    /// The name of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<String>,
    /// The approval by which the request is sent, or to which it belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) approval: Option<Uuid>,
    pub(crate) at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<Uuid>,
    pub(crate) door: Door,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grantee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<String>,
    pub(crate) owner: String,
    pub(crate) part: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) secrets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Uuid>,
    #[serde(rename = "use")]
    pub(crate) id: Uuid,
}

/// The text of an end. The members are in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndedEntry {
    pub(crate) at: i64,
    /// The code of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// `true` if the whole answer passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) complete: Option<bool>,
    /// The number of equal uses for which this end stands, if that is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// The time since the beginning, in milliseconds.
    pub(crate) millis: u64,
    pub(crate) outcome: UseOutcome,
    pub(crate) owner: String,
    pub(crate) part: String,
    /// The bytes of the body of the answer.
    pub(crate) received: u64,
    /// `true` if the answer repeated a secret, which was replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) redacted: bool,
    /// The bytes of the body of the request.
    pub(crate) sent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(rename = "use")]
    pub(crate) id: Uuid,
}

impl BeganEntry {
    pub(super) fn new(id: Uuid, at: i64, owner: &str, by: &UsedBy, what: What, with_templates: bool) -> Self {
        let What { connection, kind, label, account, request, origin, secrets, command } = what;
        let (method, origin, path) = match request {
            Some((method, origin, path)) => (Some(method), origin, Some(path)),
            None => (None, origin, None),
        };
        let (rule, template) = by.rule.clone().unzip();
        let path = if with_templates { template.flatten() } else { path.map(cut) };
        Self {
            account_id: account.as_ref().map(|account| account.account_id.to_string()).filter(|id| !id.is_empty()),
            account_label: account.map(|account| account.label.to_string()).filter(|label| !label.is_empty()),
            agent: by.agent.clone(),
            approval: by.approval.map(ApprovalId::as_uuid),
            at,
            command,
            connection: connection.map(ConnectionId::as_uuid),
            door: by.door,
            grantee: by.grantee.as_ref().map(Grantee::to_string),
            kind,
            label,
            method,
            origin,
            owner: owner.to_owned(),
            part: BEGAN.to_owned(),
            path,
            rule,
            secrets,
            token: by.token.map(AccessTokenId::as_uuid),
            id,
        }
    }
}

fn empty(use_id: Uuid, part: &'static str, at: i64, owner: &str) -> UseEntryRow {
    UseEntryRow {
        use_id,
        part,
        commitment: [0; 32],
        mark: [0; 32],
        salt: [0; 16],
        entry: String::new(),
        at,
        owner: owner.to_owned(),
        grantee: None,
        token: None,
        connection: None,
        rule: None,
        outcome: None,
    }
}

/// Adds the text, its commitment and the mark.
fn sealed(sealer: &Sealer, row: UseEntryRow, entry: &impl Serialize) -> UseEntryRow {
    // The members of an entry are texts and numbers, which always have a form in JSON.
    let entry = serde_json::to_string(entry).unwrap_or_default();
    let mut salt = [0; 16];
    SystemCrypto.random(&mut salt);
    let commitment = commitment(&salt, &entry);
    let mark = mark(sealer, row.use_id, row.part, &commitment);
    UseEntryRow { commitment, mark, salt, entry, ..row }
}

fn commitment(salt: &[u8], entry: &str) -> [u8; 32] {
    SystemCrypto.sha256(&[salt, entry.as_bytes()].concat())
}

fn mark(sealer: &Sealer, use_id: Uuid, part: &str, commitment: &[u8]) -> [u8; 32] {
    sealer.mac_of("connections/use/v1", &[use_id.as_bytes(), part.as_bytes(), commitment])
}

/// Returns the entry in a row. `None` if its text was erased, or if it is not as this program wrote it.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(sealer: &Sealer, row: &ReadEntryRow, is_end: bool) -> Option<T> {
    let part = if is_end { ENDED } else { BEGAN };
    let (use_id, stated, entry) = (row.use_id?, row.commitment.as_deref()?, row.entry.as_deref()?);
    let is_ours = *stated == commitment(row.salt.as_deref()?, entry)
        && row.mark.as_deref() == Some(&mark(sealer, use_id, part, stated));
    is_ours.then(|| serde_json::from_str(entry).ok()).flatten()
}

/// Cuts a path at the maximum length.
fn cut(mut path: String) -> String {
    if path.len() > MAX_PATH {
        let end = (0..=MAX_PATH).rev().find(|end| path.is_char_boundary(*end)).unwrap_or_default();
        path.truncate(end);
    }
    path
}
