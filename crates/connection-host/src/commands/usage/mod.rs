//! `usage`: shows how much of each account's quota is used. If a provider does not answer, the last successful answer
//! is shown with its age.

mod bars;
pub(super) mod concurrent;
mod selection;

use connection_agent::{UsageMonitor, UsageReading, UsageStatus};
use connection_contract::{SessionTokens, Timestamp, Value};
use connection_core::{ConnectionRegistry, Error as CoreError};

use self::selection::{NamedSelection, SelectedAccount, UsageSourceChoice, kind_of};
use connection_api as api;
use connection_server::convert;

use super::follow_events::until_interrupted;
use crate::{
    Error, Exit,
    args::Usage,
    input::{Standard, at_value},
    output::json,
    program::Program,
};

/// The maximum number of accounts whose usage is fetched at once.
const MAX_FETCHES: usize = 8;
/// The maximum size of a session's document, in bytes.
const MAX_SESSION: u64 = 64 * 1024;

pub(super) async fn run(mut program: Program, arguments: Usage) -> Result<Exit, Error> {
    if let Some(reference) = &arguments.kind {
        let entry = program.kind(kind_of(reference))?;
        if !entry.usage {
            let what = "report how much of their account is used";
            return Err(CoreError::NotSupported { kind: entry.descriptor.kind.clone(), what }.into());
        }
    }
    let look = match &arguments.session {
        Some(from) => UsageSourceChoice::Session(session(from)?),
        None => UsageSourceChoice::Fetch,
    };
    let registry = program.open().await?;
    let shown = show(&program, &registry, &arguments, look).await;
    registry.close().await;
    shown.map(|()| Exit::Fine)
}

async fn show(
    program: &Program,
    registry: &ConnectionRegistry,
    arguments: &Usage,
    look: UsageSourceChoice,
) -> Result<(), Error> {
    let output = &program.output;
    let named = NamedSelection::of(program, registry, arguments).await?;
    let accounts = named.accounts(program, registry).await?;
    if let (UsageSourceChoice::Session(_), [_, _, ..]) = (&look, &*accounts) {
        let message = "a session belongs to one account, and several are selected";
        return Err(Error::usage(message).remedy("select one with --profile, or as KIND:LABEL"));
    }
    let monitor = UsageMonitor::new(registry);
    let fetches = accounts.into_iter().map(|account| account.read_usage(monitor.clone(), look.clone()));
    let asking = output.waiting("the providers", concurrent::all(MAX_FETCHES, fetches));
    let mut usages = asking.await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if output.json && !arguments.watch {
        return output.shape(&usages.iter().map(AccountUsage::body).collect::<Vec<_>>());
    }
    let now = registry.clock().now();
    usages.iter().try_for_each(|usage| usage.print(program, now))?;
    if !arguments.watch {
        return if usages.is_empty() { output.line(nothing(arguments)) } else { Ok(()) };
    }
    if !output.json {
        output.note("Watching; press Ctrl-C to stop.");
    }
    // Connections that are made later are shown as well.
    until_interrupted(&program.interrupts, async {
        let mut changes = monitor.changes();
        let polling = monitor.poll(program.settings.usage.bounds()).only(named.connections()).into_future();
        let telling = async {
            while changes.changed().await {
                for account in named.accounts(program, registry).await? {
                    let next = account.read_usage(monitor.clone(), UsageSourceChoice::Kept).await?;
                    let before = usages.iter_mut().find(|usage| usage.account == next.account);
                    match before {
                        Some(before) if before.is_as(&next) => continue,
                        Some(before) => *before = next.clone(),
                        None => usages.push(next.clone()),
                    }
                    next.print(program, registry.clock().now())?;
                }
            }
            Ok(())
        };
        tokio::select! {
            () = polling => Ok(()),
            watched = telling => watched,
        }
    })
    .await
}

/// Reads the document of a session from a file or from standard input.
fn session(from: &str) -> Result<SessionTokens, Error> {
    const OPTION: &str = "--session";
    let Some(text) = at_value(from, &mut Standard::default(), OPTION, MAX_SESSION)? else {
        return Err(Error::usage("--session takes @ and the path of a file, or @- for standard input"));
    };
    match Value::parse(text.expose()) {
        Ok(document @ Value::Map(_)) => Ok(SessionTokens::default().document(document)),
        _ => Err(Error::usage("the input of --session is not a JSON object")
            .remedy("pass the output of the tool without changes")),
    }
}

fn nothing(arguments: &Usage) -> String {
    match &arguments.kind {
        Some(reference) => {
            let kind = kind_of(reference);
            format!("There is no connection of '{kind}'; `connections add {kind}` makes one.")
        }
        None => "No connection reports its usage. `connections kinds` shows which kinds do.".to_owned(),
    }
}

/// The findings about one account.
#[derive(Clone, Debug)]
struct AccountUsage {
    account: SelectedAccount,
    found: Result<(UsageStatus, Option<UsageReading>), Error>,
}

impl AccountUsage {
    /// Returns `true` if both look the same to a person, apart from their age.
    fn is_as(&self, other: &Self) -> bool {
        let seen = |usage: &Self| match &usage.found {
            Ok((_, Some(reading))) => {
                let why = reading.error.as_ref().map(|error| error.reason.code.to_string());
                (reading.snapshot.as_ref().map(|snapshot| snapshot.metrics.clone()), why)
            }
            Ok((_, None)) => (None, None),
            Err(error) => (None, Some(error.code.clone())),
        };
        seen(self) == seen(other)
    }

    fn body(&self) -> api::Usage {
        let SelectedAccount { kind, profile, connection, .. } = &self.account;
        let found = self.found.as_ref().map(|(status, reading)| (status, reading.as_ref())).map_err(json::reason);
        convert::usage(kind, *profile, *connection, found)
    }

    fn print(&self, program: &Program, now: Timestamp) -> Result<(), Error> {
        let output = &program.output;
        if output.json { output.element(&self.body()) } else { bars::print(output, self, now) }
    }
}
