//! The shape of `upgrade`.

use connection_core::{StoreProcess, Upgrade};
use serde::Serialize;

/// Which versions of the program may write a database, and which use it now.
#[derive(Debug, Serialize)]
pub(crate) struct UpgradeBody {
    program: i64,
    oldest: i64,
    written: i64,
    finished: bool,
    processes: Vec<ProcessBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessBody {
    name: String,
    program: Option<i64>,
    too_old: bool,
}

impl UpgradeBody {
    pub(crate) fn of(upgrade: &Upgrade, processes: &[StoreProcess]) -> Self {
        let of_process = |process: &StoreProcess| ProcessBody {
            name: process.name.to_string(),
            program: process.program,
            too_old: process.is_older_than(upgrade.program),
        };
        Self {
            program: upgrade.program,
            oldest: upgrade.oldest,
            written: upgrade.written,
            finished: upgrade.is_finished(),
            processes: processes.iter().map(of_process).collect(),
        }
    }
}
