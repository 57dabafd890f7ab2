//! `doctor`: checks everything that the other commands depend on, and says what to do. It creates nothing.

mod callback;
mod connections;
mod secrets;

use std::path::Path;

use connection_api::{Check, CheckReport, Doctor, RedirectUri};
use connection_core::{
    AnswerRoom, ConnectionInfo, FileContent, GuardedFile, KeySource as _, KeyStatus, OutgoingEvent, RowError,
    StoreError, Upgrade,
};
use connection_server::{
    checks::{MAX_COUNTED, clock, courier, events},
    convert,
};

use crate::{
    Error, Exit,
    commands::{
        key::of_key,
        serve::Certificate,
        tool,
        upgrade::{TO_FINISH, of_upgrade},
    },
    config::{KeySources, may_exist},
    output::{Output, json::DoctorBody},
    platform,
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, with_callback: bool) -> Result<Exit, Error> {
    if let Some(server) = &program.server {
        let Doctor { report, redirect_uris } = server.client.doctor().await?;
        return print(&program.output, report.checks, with_callback.then_some(redirect_uris));
    }
    let mut checks = vec![data_directory(&program.settings.data_directory)];
    let mut edited = Vec::new();
    let mut undelivered = Vec::new();
    let mut unfinished = None;
    let mut promoted = None;
    let (opened, rows) = match program.has_database() {
        true => match rows(&mut program, &mut edited, &mut undelivered, &mut promoted).await {
            Ok(DatabaseRows { connections, key, kept, upgrade }) => {
                unfinished = Some(upgrade).filter(|upgrade| !upgrade.is_finished());
                (Opened::Yes(connections.len(), key, kept), connections)
            }
            Err(error) => (Opened::Failed(error), Vec::new()),
        },
        false => (Opened::NotThere, Vec::new()),
    };
    checks.push(match &promoted {
        Some(promoted) => Check::failed("database", promoted.to_string(), promoted.remedy()),
        None => database(&program, &opened),
    });
    checks.extend(unfinished.as_ref().map(upgrade));
    checks.extend(edited.iter().map(|row| failed("rows", row.to_string(), &row.remedy())));
    checks.extend(state_directory(&opened));
    checks.push(key(&program, program.key()?, &opened));
    checks.extend(secrets::check(&program));
    checks.push(clock(program.output.now, &rows));
    checks.extend(certificate(&program));
    checks.push(egress(&program));
    checks.extend(events(&undelivered));
    checks.extend(tools(&program).await);
    let now = program.output.now;
    let bodies: Vec<_> = rows.iter().map(|info| convert::connection(info, now)).collect();
    let mut redirect_uris = None;
    if with_callback {
        let (check, uris) = callback::check(&mut program).await;
        checks.push(check);
        redirect_uris = Some(uris);
    }
    checks.extend(connections::checks(&bodies, now));
    print(&program.output, checks, redirect_uris)
}

/// Prints the only check for a configuration file that is not trusted, because the other checks would use the file.
pub(crate) fn exposed(output: &Output, error: &Error) -> Result<Exit, Error> {
    print(output, vec![of_error("configuration", error)], None)
}

/// Prints the checks, and returns the exit status for them.
fn print(output: &Output, checks: Vec<Check>, redirect_uris: Option<Vec<RedirectUri>>) -> Result<Exit, Error> {
    let is_of_connections = |check: &&Check| matches!(&*check.check, "connection" | "connections");
    let live = checks.iter().filter(is_of_connections).all(|check| check.ok);
    let sound = checks.iter().filter(|check| !is_of_connections(check)).all(|check| check.ok);
    if output.json {
        output.shape(&DoctorBody { report: CheckReport::of(checks), redirect_uris })?;
    } else {
        for check in &checks {
            output.line(format!(
                "{:<7} {:<15} {}",
                if check.ok { "ok" } else { "failed" },
                check.check,
                check.message
            ))?;
            if let Some(remedy) = &check.remedy {
                output.line(format!("{:<23} {remedy}", ""))?;
            }
        }
        for uri in redirect_uris.iter().flatten() {
            output.line(format!("To register at the provider of {}: {}", uri.kind, uri.redirect_uri))?;
        }
    }
    Ok(match (sound, live) {
        (true, true) => Exit::Fine,
        (true, false) => Exit::NotLive,
        (false, _) => Exit::Unexpected,
    })
}

enum Opened {
    Failed(Error),
    NotThere,
    Yes(usize, KeyStatus, (AnswerRoom, String)),
}

/// The parts of a database that the checks use.
struct DatabaseRows {
    connections: Vec<ConnectionInfo>,
    key: KeyStatus,
    /// Where answers are kept, and what a kill loses.
    kept: (AnswerRoom, String),
    upgrade: Upgrade,
}

/// Returns the connections, the key and the room for answers, the rows that were edited or restored from outside the
/// program, the events that the operator did not get, and why tokens are not sent after a promotion.
async fn rows(
    program: &mut Program,
    edited: &mut Vec<RowError>,
    undelivered: &mut Vec<OutgoingEvent>,
    promoted: &mut Option<StoreError>,
) -> Result<DatabaseRows, Error> {
    let registry = program.open().await?;
    let rows = select::all(&registry).await;
    let key = registry.keys().status().await;
    let refused = registry.events().edited_rows().await;
    let kept = (registry.store().answer_room(), courier(registry.store().missing_courier_reason().await));
    let upgrade = registry.store().upgrade().await;
    let waiting = registry.outgoing_events().undelivered(None, None, MAX_COUNTED).await.map(|page| page.items);
    let promotion = registry.store().promotion().await;
    registry.close().await;
    *promoted = promotion?;
    *undelivered = waiting?;
    *edited = refused?;
    Ok(DatabaseRows { connections: rows?, key: key?, kept, upgrade: upgrade? })
}

/// Returns the check of an upgrade that is not finished, which is no fault.
fn upgrade(upgrade: &Upgrade) -> Check {
    Check { remedy: Some(TO_FINISH.to_owned()), ..passed("upgrade", of_upgrade(upgrade)) }
}

fn data_directory(path: &Path) -> Check {
    let name = "data_directory";
    let place = path.display();
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return not_there(name, path),
        Err(error) => {
            return failed(
                name,
                format!("{place} cannot be examined: {}", error.kind()),
                "choose another one with --data-dir",
            );
        }
    }
    if !path.is_dir() {
        return failed(
            name,
            format!("{place} is not a directory"),
            "choose another one with --data-dir, or move it away",
        );
    }
    if platform::is_private(path) == Some(false) {
        return failed(name, format!("{place} is open to other users"), &format!("chmod 700 {place}"));
    }
    if !platform::is_writable(path) {
        let remedy = format!("chmod 700 {place}, or run this program as the user who owns the directory");
        return failed(name, format!("{place} cannot be written"), &remedy);
    }
    passed(name, place.to_string())
}

/// Checks a directory that does not exist, which would be created in its nearest existing parent.
fn not_there(name: &'static str, path: &Path) -> Check {
    let place = path.display();
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let above = path.ancestors().skip(1).find(|above| above.exists());
    match above.filter(|above| !above.is_dir() || !platform::is_writable(above)) {
        Some(above) => failed(
            name,
            format!("{place} does not exist, and nothing can be created in {}", above.display()),
            "choose another one with --data-dir",
        ),
        None => passed(name, format!("{place} does not exist yet; the first connection creates it")),
    }
}

fn database(program: &Program, opened: &Opened) -> Check {
    let name = "database";
    match opened {
        Opened::NotThere => passed(name, "does not exist yet; the first connection creates it".to_owned()),
        Opened::Yes(1, ..) => passed(name, "opens; 1 connection".to_owned()),
        Opened::Yes(count, ..) => passed(name, format!("opens; {count} connections")),
        Opened::Failed(error) if is_of_key(error) => passed(name, place(program)),
        Opened::Failed(error) => of_error(name, error),
    }
}

/// Checks that this machine has room for answers of providers that the database cannot store, and says what a kill loses.
fn state_directory(opened: &Opened) -> Option<Check> {
    let name = "state_directory";
    let Opened::Yes(_, _, (room, courier)) = opened else { return None };
    Some(match room {
        AnswerRoom::Reserved { directory } => passed(name, format!("{}; {courier}", directory.display())),
        AnswerRoom::Unreserved { directory, why } => {
            let place = directory.display();
            let message = format!("{place} has no room for answers of providers ({why}); a full disk would lose them");
            failed(name, message, "free some space on that disk, and start `connections serve` again")
        }
        _ => {
            let message = "there is none; an answer that the database cannot take is lost when its process ends";
            failed(name, message.to_owned(), "name a directory of this machine with `state_dir`")
        }
    })
}

/// Returns where the database is. A configured address is not shown, because it may contain a password.
fn place(program: &Program) -> String {
    match &program.settings.database {
        Some(_) => "as configured".to_owned(),
        None => program.settings.database_file().display().to_string(),
    }
}

fn key(program: &Program, source: &KeySources, opened: &Opened) -> Check {
    let name = "key";
    match opened {
        Opened::Failed(error) if is_of_key(error) => return of_error(name, error),
        Opened::Yes(_, status, _) if status.slots.len() > 1 => {
            let remedy =
                "finish it with `connections key change --to-source SOURCE` for the source that you want to keep";
            return failed(name, format!("{}; a change of its source has not finished", of_key(status)), remedy);
        }
        _ => {}
    }
    if let Some(path) = &source.file {
        let place = path.display();
        if !may_exist(path) {
            return match opened {
                Opened::NotThere => passed(name, "does not exist yet; the first connection creates it".to_owned()),
                // The first start may have failed before it made a key.
                Opened::Failed(_) => {
                    let remedy = "if connections were stored before, restore it from a backup, because no secret can \
                                  be opened without it; if not, the first connection creates it";
                    failed(name, format!("{place} does not exist"), remedy)
                }
                Opened::Yes(..) => {
                    let remedy = "restore it from a backup: without it, no secret can be opened";
                    failed(name, format!("{place} does not exist"), remedy)
                }
            };
        }
        if let Ok(file) = GuardedFile::open(path)
            && let Err(exposed) = file.check(FileContent::Secrets)
        {
            return failed(name, exposed.to_string(), &exposed.remedy());
        }
    }
    match opened {
        Opened::Yes(_, status, _) => {
            let apart = || {
                let both = source.file.as_ref().is_some_and(|file| file.starts_with(&program.settings.data_directory));
                let detail = format!(
                    "a copy of {} would hold the database and its key; set key.file to keep the key elsewhere",
                    program.settings.data_directory.display()
                );
                (both && program.settings.database.is_none()).then_some(detail)
            };
            let remedy = match status.rotated {
                true => apart(),
                false => Some("`connections key rotate` continues its rotation".to_owned()),
            };
            Check { remedy, ..passed(name, of_key(status)) }
        }
        _ => passed(name, source.used.name()),
    }
}

fn is_of_key(error: &Error) -> bool {
    error.code.starts_with("key")
}

/// Checks the certificate with which `serve` speaks TLS, if it is configured to.
fn certificate(program: &Program) -> Option<Check> {
    let read = match program.settings.inbound.tls() {
        Ok(files) => Certificate::read(&files?),
        Err(error) => Err(error),
    };
    match read {
        Ok(certificate) => certificate.check(program.output.now),
        Err(error) => Some(of_error("certificate", &error)),
    }
}

fn egress(program: &Program) -> Check {
    let name = "egress";
    let policy = match program.http() {
        Ok(policy) => policy,
        Err(error) => return of_error(name, &error),
    };
    let mut parts: Vec<_> = policy.endpoints().map(|(from, to)| format!("{from} goes to {to}")).collect();
    if program.settings.proxy.is_some() {
        parts.push("through the configured proxy".to_owned());
    }
    if parts.is_empty() {
        parts.push("direct, to the providers' own addresses".to_owned());
    }
    passed(name, parts.join("; "))
}

/// Checks the local tools of kinds without running them. A tool that is not installed is not a failure.
async fn tools(program: &Program) -> Option<Check> {
    let mut details = Vec::new();
    let mut missing = Vec::new();
    let mut refused = Vec::new();
    for tool in program.kinds.iter().flat_map(|kind| &kind.descriptor.tools) {
        let found = tool::find(program, tool).await;
        match (found.path, found.refused) {
            (Some(path), _) => details.push(path),
            (None, Some(_)) => refused.push(tool.binary.to_string()),
            (None, None) => missing.push(tool.binary.to_string()),
        }
    }
    if !refused.is_empty() {
        details.push(format!("not allowed by this program: {}", refused.join(", ")));
    }
    if !missing.is_empty() {
        details.push(format!("not installed: {}", missing.join(", ")));
    }
    (!details.is_empty()).then(|| passed("tools", details.join("; ")))
}

fn passed(check: &'static str, message: String) -> Check {
    Check::passed(check, message)
}

fn failed(check: &'static str, message: String, remedy: &str) -> Check {
    Check::failed(check, message, Some(remedy.to_owned()))
}

fn of_error(check: &'static str, error: &Error) -> Check {
    Check::failed(check, error.to_string(), error.remedy.clone())
}
