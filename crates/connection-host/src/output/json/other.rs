//! The shapes of the remaining commands.

use connection_api::{CheckReport, ForgottenClient, ImportOutcome, RedirectUri};
use serde::Serialize;

/// The shape of `kinds forget-client`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForgottenBody {
    #[serde(flatten)]
    pub(crate) client: ForgottenClient,
    pub(crate) configured_in: Option<String>,
}

/// The shape of one line of `import`.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedBody {
    pub(crate) line: u64,
    /// The kind that the line names, if it can be read.
    pub(crate) kind: Option<String>,
    #[serde(flatten)]
    pub(crate) outcome: ImportOutcome,
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

/// The shape of `doctor`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoctorBody {
    #[serde(flatten)]
    pub(crate) report: CheckReport,
    /// The redirect addresses, with `--callback`.
    pub(crate) redirect_uris: Option<Vec<RedirectUri>>,
}
