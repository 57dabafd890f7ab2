//! `rollback C`: after a question, rolls the connection back to its previous credential and prints the result.

use super::{
    confirm,
    setup_report::{self, ReportedAction},
};
use crate::{Error, Exit, output::account, program::Program, select};

pub(super) async fn run(mut program: Program, reference: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to return to the previous credential")?;
    let backend = program.backend().await?;
    let listed = select::connection(&*backend, reference).await?;
    if !yes {
        let question = format!("Return to the previous credential of {}?", account(&listed.connection));
        if !confirm::ask(&program, question, "Nothing was changed.").await? {
            backend.close().await;
            return Ok(Exit::Fine);
        }
    }
    let returning = backend.roll_back(&listed.connection.id);
    let connection = program.output.waiting(&listed.kind_title, returning).await?;
    backend.close().await;
    setup_report::print(&program.output, &connection, ReportedAction::RolledBack)
}
