//! Talks a setup to its end: asks, shows, and says what was made.
//!
//! Whatever ends the talk before the setup does, control-C included, cancels the setup, so that nothing is left behind.
//! Only a setup that waits for something else than an answer stays, and says how to go on; and one that was begun before,
//! when nothing was brought to go on with.

use connection_contract::{Field, Liveness, Notice, Prompt, Reason, SetupFailure};
use connection_core::{AdvanceError, ConnectionInfo, ConnectionRegistry, Outcome, SetupSession, SetupStep, StepNo};

use super::kinds;
use crate::{
    Error, Exit,
    cli::Program,
    input::{Cancelled, Inputs},
    output::{Output, account, expiry, json, short_id},
};

pub(super) async fn run(
    program: &Program,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    inputs: Inputs,
    begun: Begun,
    made: Made,
) -> Result<Exit, Error> {
    let ended = tokio::select! {
        ended = talk(program, session, inputs) => ended,
        _ = tokio::signal::ctrl_c() => Err(Cancelled.into()),
    };
    match ended {
        Ok(Ended::Waiting(reason)) => Err(waiting(session, &reason)),
        Ok(Ended::Outcome) => told(program, registry, session, made).await,
        // Whoever goes on with a setup and brings no answer has not given it up.
        Err(error) if begun == Begun::Before && error.exit == Exit::Usage => Err(error),
        Err(error) => {
            // The error that ended the talk matters more than one of the clean-up.
            drop(session.cancel().await);
            Err(error)
        }
    }
}

/// When the setup was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// By an earlier command.
    Before,
    /// By this one.
    Now,
}

/// What people are told that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Connected,
    Reauthorized,
    RolledBack,
}

enum Ended {
    Outcome,
    /// The provider cannot be asked now.
    Waiting(Reason),
}

async fn talk(program: &Program, session: &SetupSession, mut inputs: Inputs) -> Result<Ended, Error> {
    let output = &program.output;
    let mut shown = 0;
    let mut greeted = false;
    while let Some((number, step)) = session.next_step().await? {
        match step {
            SetupStep::Prompt { prompt, fields, open, beside } => {
                if !greeted && inputs.person() {
                    greet(program, session, &prompt);
                    greeted = true;
                }
                notices(program, &beside, &mut shown);
                if let Some(redirect) = open {
                    output.note(format!("Or open {}", redirect.link.as_str()));
                }
                inputs = answer(program, session, number, prompt, fields, inputs).await?;
            }
            SetupStep::Redirect { redirect, beside } => {
                notices(program, &beside, &mut shown);
                output.note(format!("Open {}", redirect.link.as_str()));
            }
            SetupStep::Notice { beside } => {
                notices(program, &beside, &mut shown);
                if let Some(reason) = beside.into_iter().find_map(|notice| notice.reason) {
                    return Ok(Ended::Waiting(reason));
                }
            }
            SetupStep::Done { .. } | SetupStep::Failed(_) => return Ok(Ended::Outcome),
        }
    }
    Ok(Ended::Outcome)
}

/// Answers one prompt; a person whose answer is malformed is asked again.
async fn answer(
    program: &Program,
    session: &SetupSession,
    number: StepNo,
    prompt: Prompt,
    fields: Vec<Field>,
    mut inputs: Inputs,
) -> Result<Inputs, Error> {
    if let Some(problem) = prompt.problem.as_ref().filter(|_| inputs.person()) {
        program.output.note(format!("{problem}"));
    }
    loop {
        let kind = session.kind().clone();
        let (prompt, fields) = (prompt.clone(), fields.clone());
        // Asking a person blocks its thread.
        let asked = tokio::task::spawn_blocking(move || {
            let answers = inputs.answer(kind.as_str(), &prompt, &fields);
            (inputs, answers)
        });
        let answers;
        (inputs, answers) = asked.await.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?;
        match session.advance(number, &answers?).await {
            Ok(()) => return Ok(inputs),
            Err(invalid @ AdvanceError::Invalid(_)) => {
                if !inputs.ask_again() {
                    return Err(Error::from(invalid).exit(Exit::SetupFailed));
                }
                program.output.note(invalid.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn greet(program: &Program, session: &SetupSession, prompt: &Prompt) {
    program.output.note(prompt.title.as_str());
    if let Ok(kind) = program.kind(session.kind().as_str()) {
        for line in kinds::guide(kind) {
            program.output.note(format!("  {line}"));
        }
    }
}

/// The notices that were not shown yet: they stay on a page, and a terminal scrolls.
fn notices(program: &Program, beside: &[Notice], shown: &mut usize) {
    for notice in beside.iter().skip(*shown) {
        let mut line = notice.message.to_string();
        if let Some(link) = &notice.link {
            line = format!("{line}: {}", link.as_str());
        }
        if let Some(code) = &notice.user_code {
            line = format!("{line} (code {code})");
        }
        program.output.note(line);
    }
    *shown = beside.len();
}

fn waiting(session: &SetupSession, reason: &Reason) -> Error {
    let id = session.id().to_string();
    Error::new(
        Exit::SetupFailed,
        "setup_waiting",
        format!("{}; the setup {} waits, and the answers are kept", reason.message, short_id(&id)),
    )
    .remedy(format!("go on with `connections setup resume {id}`, or end it with `connections setup cancel {id}`"))
}

/// Says what was made, or why nothing was.
async fn told(
    program: &Program,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    made: Made,
) -> Result<Exit, Error> {
    let done = match session.terminal().await? {
        Outcome::Done(done) => done,
        Outcome::Cancelled => return Err(Cancelled.into()),
        Outcome::Failed(failure) => return Err(failed(&failure)),
    };
    let connection = registry.connection(done.connection).await?;
    print(&program.output, connection.info(), made)
}

/// The connection after what was done to it: a line, or its shape.
pub(super) fn print(output: &Output, info: &ConnectionInfo, made: Made) -> Result<Exit, Error> {
    let exit = if info.liveness == Liveness::Live { Exit::Fine } else { Exit::NotLive };
    if output.json {
        output.shape(&json::ConnectionBody::of(info, output.now))?;
        return Ok(exit);
    }
    let word = match made {
        Made::Connected => "Connected",
        Made::Reauthorized => "Reauthorized",
        Made::RolledBack => "Rolled back",
    };
    let mut line = format!("{word} {} · {}", account(info), output.liveness(info.liveness));
    if let Some(reason) = &info.reason {
        line = format!("{line} · {}", reason.message);
    }
    if let Some(expiry) = expiry(info, output.now) {
        line = format!("{line} · {expiry}");
    }
    output.line(line)?;
    Ok(exit)
}

fn failed(failure: &SetupFailure) -> Error {
    let exit = match &*failure.code {
        "account_changed" | "account_connected" | "label_taken" => Exit::Refused,
        "not_found" => Exit::NotFound,
        _ => Exit::SetupFailed,
    };
    let error = Error::new(exit, failure.code.clone(), failure.message.to_string());
    match &failure.remedy {
        Some(remedy) if *failure.code == *"account_connected" => {
            error.remedy(format!("{remedy}; with --again it is connected once more"))
        }
        Some(_) if failure.code == "account_changed" => {
            error.remedy("log in as the account that it is of, or say --another-account")
        }
        Some(remedy) => error.remedy(remedy.to_string()),
        None => error,
    }
}
