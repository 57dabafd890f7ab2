//! `freeze` and `thaw`: stops all uses of something at once, and lets them begin again.

use connection_api::{Freezes, Froze, ReleasedSecret};

use crate::{
    Error, Exit,
    args::{Freeze, Thaw, Thing},
    backend::Backend,
    output::{Output, Table, joined, moment, quoted, time},
    program::Program,
    select,
};

/// The maximum number of changes that are shown to a person.
const MAX_CHANGES: usize = 20;

pub(super) async fn freeze(mut program: Program, arguments: &Freeze) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let output = &program.output;
    if arguments.list {
        let freezes = backend.freezes().await?;
        backend.close().await;
        match output.json {
            true => output.shape(&freezes)?,
            false => list(output, &freezes)?,
        }
        return Ok(Exit::Fine);
    }
    let what = named(&*backend, &arguments.thing).await?;
    let froze = backend.freeze(&what).await?;
    backend.close().await;
    output.remaining(&froze.remaining);
    match output.json {
        true => output.shape(&froze)?,
        false => print(output, &what, &froze)?,
    }
    Ok(Exit::Fine)
}

pub(super) async fn thaw(mut program: Program, arguments: &Thaw) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let what = named(&*backend, &arguments.thing).await?;
    let thawed = backend.thaw(&what).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&thawed)?;
        return Ok(Exit::Fine);
    }
    let shown = typed(&what, &thawed.what);
    match thawed.was_frozen {
        true => output.line(format!("Thawed {}", words(shown)))?,
        false => output.line(format!("Not frozen by itself: {}", words(shown)))?,
    }
    if !thawed.still.is_empty() {
        let still: Vec<_> = thawed.still.iter().map(|what| words(what)).collect();
        output.note(format!("Still frozen: {}.", joined(&still)));
    }
    Ok(Exit::Fine)
}

/// Returns the name of the thing that the arguments name.
async fn named(backend: &dyn Backend, thing: &Thing) -> Result<String, Error> {
    let Thing { agent, connection, kind, all, owner } = thing;
    if *all {
        return Ok("all".to_owned());
    }
    if let Some(agent) = agent {
        return Ok(format!("agent:{agent}"));
    }
    if let Some(reference) = connection {
        return Ok(format!("connection:{}", select::connection_id(backend.lookup(), reference).await?));
    }
    let kind = kind.as_ref().map(|kind| format!("kind:{kind}"));
    let named = kind.or_else(|| owner.as_ref().map(|owner| format!("owner:{owner}")));
    named.ok_or_else(|| Error::usage("name one of --agent, --connection, --kind, --owner and --all"))
}

fn print(output: &Output, asked: &str, froze: &Froze) -> Result<(), Error> {
    let Froze { what, was_frozen, connections, released, has_older, remaining: _ } = froze;
    let connections = match connections {
        0 => "no connection".to_owned(),
        1 => "1 connection".to_owned(),
        more => format!("{more} connections"),
    };
    let shown = typed(asked, what);
    match was_frozen {
        true => output.line(format!("Already frozen: {}, which concerns {connections}", words(shown)))?,
        false => output.line(format!("Froze {}, which concerns {connections}", words(shown)))?,
    }
    if (what.starts_with("owner:") && !asked.starts_with("owner:")) || (what == "all" && asked != "all") {
        let (asked, what) = (words(asked), words(what));
        output.note(format!("There was no room to name {asked}, so {what} is frozen as a whole."));
    }
    if !released.is_empty() {
        table(output, released)?;
        output.note("These secrets were handed out before. A freeze does not end them: revoke them at the provider.");
    }
    if *has_older {
        output.note("Older events were not searched; `connections events C` shows those of a connection.");
    }
    output.note(format!("Thaw with `connections thaw {}`.", arguments(shown)));
    Ok(())
}

/// Returns the name of an agent as the person typed it, in place of its id.
fn typed<'w>(asked: &'w str, what: &'w str) -> &'w str {
    if asked.starts_with("agent:") && what.starts_with("agent:") { asked } else { what }
}

fn table(output: &Output, released: &[ReleasedSecret]) -> Result<(), Error> {
    let mut table = Table::new(["SECRET", "CONNECTION", "TO", "LAST", "TIMES", "TO END IT"], 5);
    for secret in released {
        let connection = match (&secret.kind, &secret.label) {
            (Some(kind), Some(label)) => format!("{kind}:{label}"),
            _ => secret.connection.clone(),
        };
        table.row([
            secret.name.as_str().into(),
            connection.into(),
            secret.extension.as_deref().or(secret.agent.as_deref()).unwrap_or("a program or a person").into(),
            time(Some(&secret.last_at)).map_or_else(String::new, |at| moment(at, output.now)).into(),
            secret.times.to_string().into(),
            secret.remedy.as_str().into(),
        ]);
    }
    output.table(&table)
}

fn list(output: &Output, freezes: &Freezes) -> Result<(), Error> {
    if let Some(refused) = &freezes.refused {
        let remedy = refused.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        output.note(format!("Everything is frozen: {}{remedy}.", refused.message));
    }
    if freezes.items.is_empty() {
        output.line("Nothing is frozen.")?;
    } else {
        let mut table = Table::new(["FROZEN", "SINCE", "BY", "THAW WITH"], 3);
        for freeze in &freezes.items {
            table.row([
                words(&freeze.what).into(),
                time(freeze.at.as_ref()).map_or_else(String::new, |at| moment(at, output.now)).into(),
                freeze.by.as_deref().unwrap_or_default().into(),
                format!("connections thaw {}", arguments(&freeze.what)).into(),
            ]);
        }
        output.table(&table)?;
    }
    for change in freezes.changes.iter().take(MAX_CHANGES) {
        let at = time(Some(&change.at)).map_or_else(String::new, |at| moment(at, output.now));
        let verb = if change.frozen { "frozen" } else { "thawed" };
        let by = change.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        output.line(format!("{} was {verb} {at}{by}", words(&change.what)))?;
    }
    Ok(())
}

/// Returns the name of a thing for people: `connection ID`, or `everything`.
fn words(what: &str) -> String {
    match what.split_once(':') {
        Some((sort, name)) => format!("{sort} {name}"),
        None => "everything".to_owned(),
    }
}

/// Returns the arguments of `thaw` for the name of a thing.
fn arguments(what: &str) -> String {
    match what.split_once(':') {
        Some((option, name)) => format!("--{option} {}", quoted(name)),
        None => format!("--{what}"),
    }
}
