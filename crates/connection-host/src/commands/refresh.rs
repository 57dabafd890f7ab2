//! `refresh C`: refreshes the credential now and prints the outcome.

use connection_api::{Connection, Liveness, RefreshOutcome, Refreshed};
use connection_core::sentence;
use connection_server::reauthorization::after_another_step;

use crate::{
    Error, Exit,
    output::{Output, account, is_application_refused, moment, name, quoted, reason_line, time},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, force: bool) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let listed = select::connection(&*backend, reference).await?;
    let output = &program.output;
    let refreshed = output.waiting(&listed.kind_title, backend.refresh(&listed.connection.id, force)).await;
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
    // A connection that was never verified is as before, and its credential is renewed.
    let is_fine =
        matches!(connection.liveness, Liveness::Live | Liveness::Unknown) || *outcome == RefreshOutcome::NothingToRenew;
    let exit = if is_fine { Exit::Fine } else { Exit::NotLive };
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
    output.provider_says(connection)?;
    print_remedy(output, connection)?;
    Ok(exit)
}

/// Prints what a person can do about a connection that does not work.
fn print_remedy(output: &Output, of: &Connection) -> Result<(), Error> {
    let Some(reason) = of.reason.as_ref().filter(|_| of.liveness != Liveness::Live) else { return Ok(()) };
    let is_failing = of.liveness == Liveness::Failing;
    let whole = after_another_step(reason.remedy.as_deref(), &quoted(&name(of)));
    if let Some(remedy) = whole.filter(|_| is_failing && !is_application_refused(of)) {
        return output.line(sentence(&remedy));
    }
    match (reason_line(of, output.now).1, &reason.remedy) {
        (Some(command), _) if command.starts_with("connections verify ") => {
            output.line(format!("Verify with:\n  {command}"))
        }
        (Some(command), _) => output.line(format!("Fix with:\n  {command}")),
        (None, Some(remedy)) => output.line(sentence(remedy)),
        (None, None) => Ok(()),
    }
}

fn word(outcome: RefreshOutcome) -> &'static str {
    match outcome {
        RefreshOutcome::Adopted | RefreshOutcome::Superseded => "Already fresh:",
        RefreshOutcome::Waited => "Renewed by another process:",
        RefreshOutcome::NothingToRenew => "There is nothing to renew:",
        RefreshOutcome::Replayed => "Renewed, after an answer was lost:",
        _ => "Renewed",
    }
}
