//! `rollback C`: after a question, rolls the connection back to its previous credential and prints the result.

use super::{
    confirm,
    setup_report::{self, ReportedAction},
};
use crate::{Error, Exit, cli::Program, output::account, select};

pub(super) async fn run(mut program: Program, reference: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to return to the previous credential")?;
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    if !yes {
        let question = format!("Return to the previous credential of {}?", account(connection.info()));
        if !confirm::ask(&program, question, "Nothing was changed.").await? {
            registry.close().await;
            return Ok(Exit::Fine);
        }
    }
    let provider = program.provider(&connection.info().kind);
    let info = program.output.waiting(provider, connection.rollback()).await?;
    registry.close().await;
    setup_report::print(&program.output, &info, ReportedAction::RolledBack)
}
