//! `uses`: what was done with connections, by which program, and how it ended.

mod erase;
mod follow;
mod ocsf;

use connection_api::{Use, UseDoor};
use connection_contract::Timestamp;
use connection_rules::read_span;

use crate::{
    Error, Exit,
    args::{Uses, UsesCommand, UsesFilter},
    backend::{Backend, WantedUses},
    output::{Elements, Output, Table, short_id},
    program::Program,
    select,
};

pub(super) async fn run(program: Program, arguments: Uses) -> Result<Exit, Error> {
    match arguments.command {
        Some(UsesCommand::Export { filter }) => export(program, &filter).await,
        Some(UsesCommand::Erase { before, yes }) => erase::run(program, &before, yes).await,
        None if arguments.follow => follow::run(program, &arguments).await,
        None => list(program, &arguments).await,
    }
}

async fn list(mut program: Program, arguments: &Uses) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let output = &program.output;
    let wanted = wanted(&*backend, output, &arguments.filter).await?;
    let uses = newest(&*backend, &wanted, arguments.limit as usize).await?;
    backend.close().await;
    if output.json {
        let mut elements = Elements::new();
        uses.iter().try_for_each(|of| elements.push(output, of))?;
        elements.end(output)?;
        return Ok(Exit::Fine);
    }
    if uses.is_empty() {
        output.line("No use is recorded.")?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["TIME", "CONNECTION", "BY", "WHAT", "OUTCOME"], 3);
    for of in uses.iter().rev() {
        table.row([of.at.as_str().into(), connection(of).into(), by(of).into(), what(of).into(), outcome(of).into()]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

/// Prints all uses for other programs, newest first.
async fn export(mut program: Program, filter: &UsesFilter) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let output = &program.output;
    let wanted = wanted(&*backend, output, filter).await?;
    let mut after = None;
    loop {
        let page = backend.uses(&wanted, after.as_deref()).await?;
        page.items.iter().try_for_each(|of| output.element(&ocsf::activity(of)))?;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    backend.close().await;
    Ok(Exit::Fine)
}

/// Returns the last uses, newest first.
async fn newest(backend: &dyn Backend, wanted: &WantedUses, limit: usize) -> Result<Vec<Use>, Error> {
    let mut uses = Vec::new();
    let mut after = None;
    loop {
        let page = backend.uses(wanted, after.as_deref()).await?;
        uses.extend(page.items);
        after = page.next;
        if after.is_none() || uses.len() >= limit {
            uses.truncate(limit);
            return Ok(uses);
        }
    }
}

/// Returns the uses that the arguments select.
async fn wanted(backend: &dyn Backend, output: &Output, filter: &UsesFilter) -> Result<WantedUses, Error> {
    let connection = match &filter.connection {
        // The id of a removed connection, which has no row, is valid.
        Some(reference) => Some(select::connection_id(backend.lookup(), reference).await?),
        None => None,
    };
    let time = |option: &str, text: &Option<String>| match text {
        Some(text) => time(option, text, output.now).map(|time| Some(time.to_rfc3339())),
        None => Ok(None),
    };
    let agent = filter.agent.as_ref().map(|name| format!("agent:{name}"));
    Ok(WantedUses {
        grantee: agent.or_else(|| filter.extension.as_ref().map(|name| format!("extension:{name}"))),
        connection,
        token: filter.token.clone(),
        rule: filter.rule.clone(),
        outcome: filter.outcome.clone(),
        from: time("--since", &filter.since)?,
        until: time("--until", &filter.until)?,
    })
}

/// Returns the time that a text states: RFC 3339, or a duration before now.
pub(super) fn time(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let before = |span: std::time::Duration| now.seconds().saturating_sub_unsigned(span.as_secs());
    let time = Timestamp::parse_rfc3339(text).or_else(|| read_span(text).map(before).map(Timestamp::from_seconds));
    time.ok_or_else(|| {
        let error = Error::usage(format!("the value of {option} is not a time"));
        error.remedy("write a time such as 2027-01-15T08:00:00Z, or a duration before now such as 8h or 30d")
    })
}

/// Returns the name of the connection, for people.
fn connection(of: &Use) -> String {
    match (&of.kind, &of.label, &of.connection) {
        (Some(kind), Some(label), _) => format!("{kind}:{label}"),
        (_, _, Some(id)) => short_id(id).to_owned(),
        _ => "-".to_owned(),
    }
}

/// Returns the program that used the connection, for people.
fn by(of: &Use) -> String {
    match (&of.agent, &of.extension) {
        (Some(agent), _) => agent.clone(),
        (None, Some(extension)) => extension.clone(),
        (None, None) => of.door.as_str().to_owned(),
    }
}

/// Returns what was done, for people.
fn what(of: &Use) -> String {
    if of.edited && of.method.is_none() && of.secrets.is_empty() {
        return "edited outside of this program".to_owned();
    }
    match (&of.method, &of.path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        (Some(method), None) => method.clone(),
        (None, _) if of.secrets.is_empty() => "requests".to_owned(),
        (None, _) => format!("secret {}{}", of.secrets.join(", "), program(of)),
    }
}

/// Returns the program that asked for a secret, and the address for which it did.
fn program(of: &Use) -> String {
    match (of.door, &of.command, &of.origin) {
        (UseDoor::Helper, Some(command), Some(origin)) => format!(" for {command} at {origin}"),
        (UseDoor::Helper, Some(command), None) => format!(" for {command}"),
        _ => String::new(),
    }
}

/// Returns how the use ended, for people.
fn outcome(of: &Use) -> String {
    let word = match (of.outcome, of.status) {
        (None, _) => "outcome unknown".to_owned(),
        (Some(outcome), Some(status)) if outcome.as_str() == "answered" => status.to_string(),
        (Some(outcome), Some(status)) => format!("{} ({status})", outcome.as_str()),
        (Some(outcome), None) => outcome.as_str().replace('_', " "),
    };
    let count = if of.count > 1 { format!(", {} times", of.count) } else { String::new() };
    let edited = if of.edited { ", edited outside of this program" } else { "" };
    format!("{word}{count}{edited}")
}

/// Returns a use as a line, for people.
fn line(of: &Use) -> String {
    format!("{}  {}  {}  {}  {}", of.at, connection(of), by(of), what(of), outcome(of))
}
