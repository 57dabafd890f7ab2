//! `failover`: marks the tokens that may be used up after the server of the database was lost and a standby was promoted,
//! or says that the standby had every commit.

use crate::{Error, Exit, commands::restore, program::Program};

/// Printed below connections whose token is unknown.
const NOTE: &str = "A token whose use may have been lost is not sent again by itself: the connection works until its access \
                    token ends. If no commit was lost, `connections refresh C --force` sends it; otherwise, the provider \
                    may treat that as a theft and end the authorization. What was revoked, removed or frozen in the last \
                    moments before the failover may be as it was before: do it again.";

pub(super) async fn run(mut program: Program, synchronous: bool) -> Result<Exit, Error> {
    let builder = program.whole_builder()?;
    let marking = if synchronous { builder.accept_failover() } else { builder.mark_failed_over() };
    let marked = program.output.waiting("the database", marking).await?;
    if program.output.json {
        return restore::print_json(&program, &marked);
    }
    if synchronous {
        program.output.line(format!(
            "Recorded that {} lost no commit; tokens are sent again, unless an earlier failover or restore marked them",
            marked.database
        ))?;
        return Ok(Exit::Fine);
    }
    program.output.line(format!("Marked as failed over: {}", marked.database))?;
    restore::list(&program, &marked.connections, NOTE)?;
    Ok(Exit::Fine)
}
