//! `refresh C`: refreshes the credential now and prints the outcome.
//!
//! After control-C it waits for the answer to a request that was sent, which may hold the only token that works.

use connection_api::{Liveness, RefreshOutcome, Refreshed};

use crate::{
    Error, Exit,
    output::{account, moment, name, quoted, time},
    platform,
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, force: bool) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let listed = select::connection(&*backend, reference).await?;
    let output = &program.output;
    let refreshed = tokio::select! {
        biased;
        refreshed = output.waiting(&listed.kind_title, backend.refresh(&listed.connection.id, force)) => refreshed,
        () = program.interrupts.next() => {
            output.note("Finishing the request in progress; press Ctrl-C again to stop at once.");
            backend.drain().await;
            backend.close().await;
            return Err(platform::interrupted());
        }
    };
    backend.close().await;
    let refreshed = refreshed.map_err(|error| {
        let named = quoted(&name(&listed.connection));
        match error.code == "not_supported" {
            true => error.remedy(format!(
                "`connections verify {named}` shows whether it works, and `connections reauthorize {named}` replaces it"
            )),
            false => error,
        }
    })?;
    let Refreshed { outcome, connection } = &refreshed;
    let exit = if connection.liveness == Liveness::Live { Exit::Fine } else { Exit::NotLive };
    if output.json {
        output.shape(&refreshed)?;
        return Ok(exit);
    }
    let mut line = format!("{} {} · {}", word(*outcome), account(connection), output.liveness(connection.liveness));
    if let Some(reason) = &connection.reason {
        line = format!("{line} · {}", reason.message);
    }
    if let Some(until) = time(connection.valid_until.as_ref()) {
        line = format!("{line} · the token expires {}", moment(until, output.now));
    }
    output.line(line)?;
    Ok(exit)
}

fn word(outcome: RefreshOutcome) -> &'static str {
    match outcome {
        RefreshOutcome::Adopted | RefreshOutcome::Superseded => "Already fresh:",
        RefreshOutcome::Waited => "Renewed by another process:",
        RefreshOutcome::Replayed => "Renewed, after an answer was lost:",
        _ => "Renewed",
    }
}
