//! `refresh C`: refreshes the credential now and prints the outcome.
//!
//! After control-C it waits for the answer to a request that was sent, which may hold the only token that works.

use connection_contract::{Clock as _, Liveness, reason};
use connection_core::{ConnectionInfo, Error as CoreError, RefreshOutcome, RefreshedConnection, SystemClock};

use crate::{
    Error, Exit,
    cli::Program,
    output::{account, json, moment, name, quoted},
    platform, select,
};

pub(super) async fn run(mut program: Program, reference: &str, force: bool) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let refresh = async {
        match force {
            true => connection.force_refresh().await,
            false => connection.refresh().await,
        }
    };
    let refreshed = tokio::select! {
        biased;
        refreshed = program.output.waiting(program.provider(&connection.info().kind), refresh) => refreshed,
        () = program.interrupts.next() => {
            program.output.note("Finishing the request in progress; press Ctrl-C again to stop at once.");
            registry.drain().await;
            registry.close().await;
            return Err(platform::interrupted());
        }
    };
    let after = registry.connection(connection.id()).await.map(|connection| connection.info().clone());
    registry.close().await;
    let output = &program.output;
    let before = connection.info();
    let RefreshedConnection { connection: info, outcome, .. } = match refreshed {
        Ok(refreshed) => refreshed,
        Err(error) => return Err(explained(error, after.as_ref().unwrap_or(before), &program)),
    };
    let exit = if info.liveness == Liveness::Live { Exit::Fine } else { Exit::NotLive };
    if output.json {
        let connection = json::ConnectionBody::of(&info, output.now);
        output.shape(&json::RefreshedBody::new(outcome.name(), connection))?;
        return Ok(exit);
    }
    let mut line = format!("{} {} · {}", word(outcome), account(&info), output.liveness(info.liveness));
    if let Some(reason) = &info.reason {
        line = format!("{line} · {}", reason.message);
    }
    if let Some(until) = info.valid_until {
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

/// Converts the error, with what still works and what to do.
fn explained(error: CoreError, info: &ConnectionInfo, program: &Program) -> Error {
    let now = program.output.now;
    let named = quoted(&name(info));
    let is_unsupported = matches!(error, CoreError::NotSupported { .. });
    let is_final = matches!(&error, CoreError::NotRenewed { why, .. } if why.liveness == Liveness::Failing);
    let waits = match &error {
        CoreError::NotRenewed { why, .. } if why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN => why.recheck_after,
        _ => None,
    };
    let mut error = Error::from(error);
    if is_unsupported {
        return error.remedy(format!(
            "`connections verify {named}` shows whether it works, and `connections reauthorize {named}` replaces it"
        ));
    }
    if error.code != "not_renewed" {
        return error;
    }
    if let Some(until) = info.valid_until.filter(|until| *until > now) {
        error.message = format!("{}; the current token expires {}", error.message, moment(until, now));
    }
    if is_final {
        return error.remedy(format!(
            "authorize it again with `connections reauthorize {named}`; \
             `connections refresh {named} --force` asks the provider once more"
        ));
    }
    let Some(waits) = waits else { return error };
    let clock = SystemClock::new().now();
    let until = clock.after(waits.as_secs());
    error.message =
        format!("{}; nothing is sent again before {} ({})", error.message, until.to_rfc3339(), moment(until, clock));
    error.remedy(format!("try again then, or authorize it again with `connections reauthorize {named}`"))
}
