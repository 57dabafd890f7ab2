//! The record of use: which program used which connection for what, and how it ended.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The way in which a use arrived at the server.
    UseDoor {
        /// A route of the API.
        Api = "api",
        /// The command-line program.
        Command = "command",
        /// A program that asks for a credential, such as `git`.
        Helper = "helper",
        /// A Rust program that uses the library.
        Library = "library",
        /// The door for models, whose tools are those of the Model Context Protocol.
        Mcp = "mcp",
        /// The reverse door, at which a program sends the request that it would send to the provider.
        Reverse = "reverse",
        _ => Unrecognized,
    }
    /// How a use ended.
    UseOutcome {
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
        _ => Unrecognized,
    }
}

/// A use of a connection: a request that was sent, refused or asked about, or secrets that were handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// The id.
    pub id: String,
    /// The time at which the use began, or was refused.
    pub at: String,
    /// The id of the connection. `null` for one that is not granted, and for refusals that were counted together.
    pub connection: Option<String>,
    /// The kind of the connection at that time.
    pub kind: Option<String>,
    /// The label of the connection at that time.
    pub label: Option<String>,
    /// The name or the id of the account at that time, if the provider named it.
    pub account: Option<String>,
    /// The name of the agent that used the connection, or its id if the name is not known.
    pub agent: Option<String>,
    /// The name of the extension that used the connection.
    pub extension: Option<String>,
    /// The agent or the extension, as `agent:ID` or `extension:NAME`; `null` for a person or a host.
    pub grantee: Option<String>,
    /// The id of the token of the program that asked.
    pub token: Option<String>,
    /// The way in which the use arrived.
    pub door: UseDoor,
    /// The method of the request.
    pub method: Option<String>,
    /// The origin to which the request was addressed.
    pub origin: Option<String>,
    /// The path of the request at the provider, without the query.
    pub path: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The id of the approval by which the request was sent, or to which it belongs.
    pub approval: Option<String>,
    /// The names of the secrets that were handed out.
    pub secrets: Vec<String>,
    /// The command of the extension that got the secrets.
    pub command: Option<String>,
    /// How the use ended. `null` while it lasts, and if its process was killed: the outcome is then unknown.
    pub outcome: Option<UseOutcome>,
    /// The time of the end.
    pub ended_at: Option<String>,
    /// The code of the error, if there was one.
    pub code: Option<String>,
    /// The status of the provider's answer.
    pub status: Option<u16>,
    /// `true` if the whole answer passed; `null` without an answer.
    pub complete: Option<bool>,
    /// The bytes of the body of the request that were sent; `null` before the end.
    pub sent: Option<u64>,
    /// The bytes of the body of the answer that passed; `null` before the end.
    pub received: Option<u64>,
    /// The time from the beginning to the end; `null` before the end.
    pub milliseconds: Option<u64>,
    /// `true` if the answer repeated a secret, which was replaced.
    pub redacted: bool,
    /// The number of equal uses for which this entry stands. It is more than one for refusals alone.
    pub count: u64,
    /// `true` if the entry was edited outside of the server. What it said is left out.
    pub edited: bool,
}

/// A page of uses, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UsePage {
    /// The uses of this page. The list may be empty even if another page follows.
    pub items: Vec<Use>,
    /// The position at which the next page begins; `null` on the last page.
    pub next: Option<String>,
}

/// The entries of the record of use whose texts to erase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EraseUses {
    /// The time before which the entries were written.
    pub before: String,
}

/// The result of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ErasedUses {
    /// The number of entries whose texts were erased. A use has two entries.
    pub erased: u64,
}
