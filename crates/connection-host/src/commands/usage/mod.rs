//! `usage`: shows how much of each account's quota is used. If a provider does not answer, the last successful answer
//! is shown with its age.

mod bars;

use connection_api::{Capability, Connection, Usage as UsageShape, UsageSession};
use connection_contract::{Clock as _, Kind};
use connection_core::{Error as CoreError, SystemClock};
use connection_server::convert;
use serde_json::Value;

use super::follow_events::until_interrupted;
use crate::{
    Error, Exit,
    args::Usage,
    backend::{Backend, UsageSelection, UsageSource},
    input::{Standard, at_value},
    output::Output,
    program::Program,
    select,
};

/// The maximum size of a session's document, in bytes.
const MAX_SESSION: u64 = 64 * 1024;

pub(super) async fn run(mut program: Program, arguments: Usage) -> Result<Exit, Error> {
    if let Some(reference) = &arguments.kind {
        check_kind(&program, kind_of(reference)).await?;
    }
    let source = match &arguments.session {
        Some(from) => UsageSource::Session(session(from)?),
        None => UsageSource::Fetch,
    };
    let backend = program.backend().await?;
    let shown = show(&program, &*backend, &arguments, &source).await;
    backend.close().await;
    shown.map(|()| Exit::Fine)
}

/// Refuses a kind that reports no usage, before anything is created.
async fn check_kind(program: &Program, name: &str) -> Result<(), Error> {
    let shown = program.place_kinds().show(name).await?;
    match Kind::parse(name) {
        Some(kind) if !shown.description().capabilities.contains(&Capability::Usage) => {
            let what = "report how much of their account is used";
            Err(CoreError::NotSupported { kind, what }.into())
        }
        _ => Ok(()),
    }
}

async fn show(program: &Program, backend: &dyn Backend, arguments: &Usage, source: &UsageSource) -> Result<(), Error> {
    let output = &program.output;
    let selection = selection(backend, arguments).await?;
    let accounts = backend.reporting(&selection).await?;
    if let (UsageSource::Session(_), [_, _, ..]) = (source, &*accounts) {
        let message = "a session belongs to one account, and several are selected";
        return Err(Error::usage(message).remedy("select one with --profile, or as KIND:LABEL"));
    }
    let asking = output.waiting("the providers", read(backend, &selection, accounts, source));
    let mut usages = asking.await?;
    if output.json && !arguments.watch {
        return output.shape(&usages.iter().map(|usage| &usage.usage).collect::<Vec<_>>());
    }
    usages.iter().try_for_each(|usage| usage.print(output))?;
    if !arguments.watch {
        return if usages.is_empty() { output.line(nothing(arguments)) } else { Ok(()) };
    }
    if !output.json {
        output.note("Watching; press Ctrl-C to stop.");
    }
    until_interrupted(&program.interrupts, async {
        let mut changes = backend.watch_usage(&selection).await?;
        while changes.changed().await? {
            // Connections that are made later are shown as well.
            let accounts = backend.reporting(&selection).await?;
            for next in read(backend, &selection, accounts, &UsageSource::Known).await? {
                match usages.iter_mut().find(|before| before.usage.connection == next.usage.connection) {
                    Some(before) if before.is_as(&next) => continue,
                    Some(before) => *before = next.clone(),
                    None => usages.push(next.clone()),
                }
                next.print(output)?;
            }
        }
        Ok(())
    })
    .await
}

/// Returns the selection that the command names.
async fn selection(backend: &dyn Backend, arguments: &Usage) -> Result<UsageSelection, Error> {
    let Some(reference) = &arguments.kind else { return Ok(UsageSelection::default()) };
    let kind = kind_of(reference).to_owned();
    let profile = match &arguments.profile {
        Some(profile) => Some(select::profile_shape(&kind, backend.profiles(&kind).await?, profile)?),
        None => None,
    };
    let mut selection = UsageSelection { kind: Some(kind), connection: None, profile };
    if reference.contains(':') {
        let connection = select::connection(backend, reference).await?.connection;
        let is_of = selection.includes(&connection.kind, &connection.id, connection.profile.as_deref());
        if let Some(profile) = selection.profile.as_ref().filter(|_| !is_of) {
            let message = format!("'{reference}' does not belong to the profile '{}'", profile.label);
            return Err(Error::new(Exit::NotFound, "not_found", message).remedy("see `connections list`"));
        }
        selection.connection = Some(connection.id);
    }
    Ok(selection)
}

/// Returns the kind that a reference names: `KIND`, or `KIND:LABEL`.
fn kind_of(reference: &str) -> &str {
    reference.split_once(':').map_or(reference, |(kind, _)| kind)
}

/// Reads the usage of these accounts, or says that nothing is connected with the named profile.
async fn read(
    backend: &dyn Backend,
    selection: &UsageSelection,
    accounts: Vec<Connection>,
    source: &UsageSource,
) -> Result<Vec<AccountUsage>, Error> {
    if let (Some(profile), [], Some(kind)) =
        (&selection.profile, &*accounts, selection.kind.as_deref().and_then(Kind::parse))
    {
        let error = convert::error(&CoreError::NoConnection(kind.clone()));
        let usage = UsageShape { profile: Some(profile.id.clone()), ..convert::usage(&kind, None, None, Err(error)) };
        return Ok(vec![AccountUsage { name: kind.to_string(), label: profile.label.clone(), usage }]);
    }
    let labels = backend.profile_labels(&accounts).await?;
    let label = |of: &Connection| of.profile.as_ref().and_then(|id| labels.get(id)).cloned().unwrap_or_default();
    let mut accounts: Vec<_> = accounts.into_iter().map(|of| (label(&of), of)).collect();
    accounts.sort_by(|(a_label, a), (b_label, b)| (&a.kind, a_label, &a.id).cmp(&(&b.kind, b_label, &b.id)));
    let (labels, accounts): (Vec<String>, Vec<Connection>) = accounts.into_iter().unzip();
    let beside = |of: &Connection| accounts.iter().filter(|a| (&a.kind, &a.profile) == (&of.kind, &of.profile)).count();
    let usages = backend.usages(&accounts, source).await?;
    let named = accounts.iter().zip(labels).filter_map(|(of, label)| {
        let usage = usages.iter().find(|usage| usage.connection.as_ref() == Some(&of.id))?.clone();
        let name = if beside(of) > 1 { format!("{}:{}", of.kind, of.label) } else { of.kind.clone() };
        Some(AccountUsage { name, label, usage })
    });
    Ok(named.collect())
}

/// Reads the document of a session from a file or from standard input.
fn session(from: &str) -> Result<UsageSession, Error> {
    const OPTION: &str = "--session";
    let Some(text) = at_value(from, &mut Standard::default(), OPTION, MAX_SESSION)? else {
        return Err(Error::usage("--session takes @ and the path of a file, or @- for standard input"));
    };
    match serde_json::from_slice(text.expose()) {
        Ok(Value::Object(document)) => Ok(UsageSession { document: Some(document), ..UsageSession::default() }),
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

/// The usage of one account.
#[derive(Clone, Debug)]
struct AccountUsage {
    /// `KIND`, or `KIND:LABEL` if the profile has several connections.
    name: String,
    /// The label of the profile; empty for a connection without one.
    label: String,
    usage: UsageShape,
}

impl AccountUsage {
    /// Returns `true` if both look the same to a person, apart from their age.
    fn is_as(&self, other: &Self) -> bool {
        let seen = |of: &Self| {
            let metrics = of.usage.snapshot.as_ref().and_then(|snapshot| snapshot.get("metrics")).cloned();
            (metrics, of.usage.error.as_ref().map(|error| error.code.clone()))
        };
        seen(self) == seen(other)
    }

    fn print(&self, output: &Output) -> Result<(), Error> {
        match output.json {
            true => output.element(&self.usage),
            // A command that watches may print days after it began.
            false => bars::print(output, self, SystemClock::new().now()),
        }
    }
}
