//! The report of a setup's result, for people and programs.

use connection_api::{Connection, Liveness};
use connection_contract::SetupFailure;

use super::setup_port::SetupEnd;
use crate::{
    Error, Exit,
    input::Cancelled,
    output::{Output, account, expiry},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportedAction {
    Connected,
    /// As `Connected`, for an extension; the calling command prints the shape.
    ConnectedFor,
    Reauthorized,
    /// As `Reauthorized`, for an extension.
    ReauthorizedFor,
    RolledBack,
}

/// Reports the new connection, or returns the reason why there is none.
pub(super) fn report(output: &Output, end: SetupEnd, made: ReportedAction) -> Result<Exit, Error> {
    match end {
        SetupEnd::Done(connection) => print(output, &connection, made),
        SetupEnd::Cancelled => Err(Cancelled.into()),
        SetupEnd::Failed(failure) => Err(failed(&failure, made)),
    }
}

/// Prints the connection after the action: a line, or its shape.
pub(super) fn print(output: &Output, of: &Connection, made: ReportedAction) -> Result<Exit, Error> {
    // A setup verifies its connection, so a liveness that is unknown means that nothing can verify it.
    let exit = match of.liveness {
        Liveness::Live | Liveness::Unknown => Exit::Fine,
        _ => Exit::NotLive,
    };
    if output.json && matches!(made, ReportedAction::ConnectedFor | ReportedAction::ReauthorizedFor) {
        return Ok(exit);
    }
    if output.json {
        output.shape(of)?;
        return Ok(exit);
    }
    let word = match made {
        ReportedAction::Connected | ReportedAction::ConnectedFor => "Connected",
        ReportedAction::Reauthorized | ReportedAction::ReauthorizedFor => "Reauthorized",
        ReportedAction::RolledBack => "Rolled back",
    };
    let mut line = format!("{word} {} · {}", account(of), output.liveness(of.liveness));
    if let Some(reason) = &of.reason {
        line = format!("{line} · {}", reason.message);
    }
    if let Some(expiry) = expiry(of, output.now) {
        line = format!("{line} · {expiry}");
    }
    output.line(line)?;
    output.provider_says(of)?;
    Ok(exit)
}

/// Returns the error of a failed setup, with the remedy that the command offers.
pub(super) fn failed(failure: &SetupFailure, made: ReportedAction) -> Error {
    let is_for_extension = matches!(made, ReportedAction::ConnectedFor | ReportedAction::ReauthorizedFor);
    if failure.code == "declaration_declined" {
        return Error::new(Exit::Fine, "declaration_declined", failure.message.to_string());
    }
    let exit = match &*failure.code {
        "account_changed" | "account_connected" | "label_taken" => Exit::Refused,
        "not_found" => Exit::NotFound,
        _ => Exit::SetupFailed,
    };
    let error = Error::new(exit, failure.code.clone(), failure.message.to_string())
        .provider_text(failure.provider_text.clone());
    match &failure.remedy {
        Some(remedy) if *failure.code == *"account_connected" && !is_for_extension => {
            error.remedy(format!("{remedy}; --again connects it once more"))
        }
        Some(_) if failure.code == "account_changed" && is_for_extension => error
            .remedy("sign in with the account of the connection, or connect the other account with `connections add`"),
        Some(_) if failure.code == "account_changed" => {
            error.remedy("sign in with the account of the connection, or use --another-account")
        }
        Some(remedy) => error.remedy(remedy.to_string()),
        None => error,
    }
}
