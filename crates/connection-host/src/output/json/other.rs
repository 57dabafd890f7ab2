//! The shapes of the remaining commands.

use connection_api::{Check, KindChange, Liveness, Reason, RedirectUri};
use serde::Serialize;

/// The shape of `kinds forget-client`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForgottenBody {
    pub(crate) kind: String,
    pub(crate) forgotten: bool,
    pub(crate) configured_in: Option<String>,
}

/// The shape of `kinds accept`.
#[derive(Debug, Serialize)]
pub(crate) struct AcceptedBody {
    pub(crate) kind: String,
    pub(crate) connections: u64,
    pub(crate) changes: Vec<KindChange>,
}

/// The shape of one line of `import`.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedBody {
    pub(crate) line: u64,
    pub(crate) id: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) liveness: Option<Liveness>,
    pub(crate) error: Option<Reason>,
}

/// The shape of the line that `serve` prints when it is ready.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServingBody {
    pub(crate) state: &'static str,
    pub(crate) listen: String,
    pub(crate) public_url: String,
    /// The address of the page with a code, with `--print-page`.
    pub(crate) page: Option<String>,
}

/// The shape of `doctor`, with all of its checks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoctorBody {
    pub(crate) ok: bool,
    pub(crate) checks: Vec<Check>,
    /// The redirect addresses, with `--callback`.
    pub(crate) redirect_uris: Option<Vec<RedirectUri>>,
}
