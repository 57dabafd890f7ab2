//! `kinds test FILE --against URL`: connects an account of the kind, verifies it and sends a sample call, with every
//! request sent to one server. The database is a temporary one.

use std::sync::{Arc, Mutex, PoisonError};

use connection_api as api;
use connection_contract::{
    ConnectionDefinition as _, DisplayText, HttpError, HttpRequest, Liveness, Secret, Value, encode,
};
use connection_core::{ConnectionInfo, ConnectionRegistry, HttpObserver, Outcome, SetupSession};
use connection_manifest::FileKind;
use connection_server::convert;
use serde::Serialize;

use super::super::{
    dialogue::{self, Dialogue},
    finish::FinishMethod,
    kind_files,
    setup_port::LocalSetup,
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit, args::KindTest, empty_store::EmptyStore, inbound::Endpoint, input::Inputs, kind_entry::KindEntry,
    output::json, program::Program,
};

/// The maximum number of values of an answer whose places are shown.
const MAX_FOUND: usize = 12;
/// The maximum depth at which the values of an answer are looked for.
const MAX_DEPTH: usize = 5;

/// The result of running a kind against a provider, for `--json`.
#[derive(Serialize)]
struct AgainstBody {
    kind: String,
    against: String,
    requests: Vec<AgainstRequestBody>,
    account: Option<api::Account>,
    liveness: Option<api::Liveness>,
    error: Option<api::Reason>,
}

/// A request, without values that may be secrets.
#[derive(Clone, Serialize)]
struct AgainstRequestBody {
    stage: &'static str,
    method: String,
    address: String,
    headers: Vec<String>,
    status: Option<u16>,
    found: Vec<String>,
}

pub(super) async fn run(mut program: Program, arguments: &KindTest, address: &str) -> Result<Exit, Error> {
    let kind = kind(&program, arguments)?;
    // Without a script it is not known where the secrets are.
    let hides_paths = kind.rehearsal().map_or(true, |script| script.has_secret_in_address);
    let seen = Arc::new(Seen { hides_paths, state: Mutex::default() });
    let policy = program.http()?.only_endpoint(address).map_err(|error| Error::usage(format!("--against: {error}")))?;
    let descriptor = kind.descriptor();
    program.kinds.retain(|known| known.descriptor.kind != descriptor.kind);
    program.kinds.push(KindEntry::of(&kind));

    let finish = FinishMethod::new(&arguments.finish, &program);
    finish.check(&descriptor, &program.settings)?;
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    finish.choose(&mut inputs, &descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, false)?;
    let store = EmptyStore::new()?;
    let endpoint = Arc::new(Endpoint::of(&program.settings, finish.is_paste()));
    let builder = store.apply(program.builder()).http(policy.observer(seen.clone()));
    let registry = builder.kind(kind).inbound(endpoint.clone()).open().await?;
    if !program.output.json {
        program.output.note(format!("Every request goes to {address}, and nothing is kept."));
    }
    let session = registry.setups().begin(&descriptor.kind).await?;
    let setup = LocalSetup::new(&program, &registry, &endpoint, session);
    let dialogue = Dialogue::new(&program, &setup, finish, ReportedAction::ConnectedFor);
    let dialogue = dialogue.pages_at(address);
    let connected = match dialogue.run(inputs).await {
        Ok(_) => program.output.waiting(address, used(&registry, setup.session(), &seen)).await,
        Err(error) => Err(dialogue::not_kept(error)),
    };
    registry.close().await;
    print(&program, descriptor.kind.as_str(), address, &seen.taken(), connected)
}

/// Returns the kind of the only file.
fn kind(program: &Program, arguments: &KindTest) -> Result<FileKind, Error> {
    let [file] = arguments.files.as_slice() else {
        let message =
            format!("--against connects an account of one kind, and {} files were given", arguments.files.len());
        let remedy = "repeat the command with each file; a file may extend the kinds that you have added";
        return Err(Error::usage(message).remedy(remedy));
    };
    kind_files::one_of_each(&arguments.files)?;
    let (kinds, problems) = kind_files::set_with_own(program, &[file])?.read();
    let name = file.display().to_string();
    let kind = kinds.iter().find(|kind| kind.file() == name);
    let problem = problems.iter().find(|problem| problem.file.as_str() == name);
    match (kind, problem) {
        (Some(kind), _) => Ok(kind.definition()),
        (None, Some(problem)) => {
            Err(Error::usage(problem.to_string()).remedy("`connections kinds check FILE` shows every problem"))
        }
        (None, None) => Err(Error::usage(format!("{name} describes no kind"))),
    }
}

/// Verifies the new connection, and sends a sample call with it.
async fn used(registry: &ConnectionRegistry, session: &SetupSession, seen: &Seen) -> Result<ConnectionInfo, Error> {
    let id = match session.terminal().await? {
        Outcome::Done(done) => done.connection,
        Outcome::Cancelled | Outcome::Failed(_) => return Err(Error::usage("the setup made no connection")),
    };
    let connection = registry.connection(id).await?;
    seen.begin("verify");
    let info = connection.verify().await?;
    seen.begin("call");
    // A kind without a base address has no calls, and every answer to the call is an answer.
    if let Ok(request) = connection.request("GET", "/").await {
        drop(connection.send(request).await?);
    }
    Ok(info)
}

fn print(
    program: &Program,
    kind: &str,
    address: &str,
    requests: &[AgainstRequestBody],
    connected: Result<ConnectionInfo, Error>,
) -> Result<Exit, Error> {
    let output = &program.output;
    let exit = match &connected {
        Ok(info) if info.liveness == Liveness::Failing => Exit::NotLive,
        Ok(info) if info.liveness == Liveness::Offline => Exit::NotLive,
        Ok(_) => Exit::Fine,
        Err(error) => error.exit,
    };
    if output.json {
        output.shape(&AgainstBody {
            kind: kind.to_owned(),
            against: address.to_owned(),
            requests: requests.to_vec(),
            account: connected.as_ref().ok().map(|info| convert::account(&info.identity)),
            liveness: connected.as_ref().ok().map(|info| convert::liveness(info.liveness)),
            error: connected.as_ref().err().map(json::reason),
        })?;
        return Ok(exit);
    }
    for request in requests {
        output.line(format!("{}: {} {}", request.stage, request.method, request.address))?;
        output.line(format!("  headers: {}", request.headers.join(", ")))?;
        let found =
            if request.found.is_empty() { String::new() } else { format!(" with {}", request.found.join(", ")) };
        match request.status {
            Some(status) => output.line(format!("  answered {status}{found}"))?,
            None => output.line("  not answered")?,
        }
    }
    let info = connected?;
    if let (liveness, Some(reason)) = convert::condition(&info) {
        output.line(format!("{}: {}", output.liveness(convert::liveness(liveness)), reason.message))?;
    }
    Ok(exit)
}

/// The requests that were sent.
struct Seen {
    /// `true` if paths may hold secrets.
    hides_paths: bool,
    state: Mutex<State>,
}

struct State {
    stage: &'static str,
    requests: Vec<AgainstRequestBody>,
}

impl Default for State {
    fn default() -> Self {
        Self { stage: "setup", requests: Vec::new() }
    }
}

impl Seen {
    fn begin(&self, stage: &'static str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stage = stage;
    }

    fn taken(&self) -> Vec<AgainstRequestBody> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).requests)
    }

    /// Returns an address without the values of its query, and without its path if that may hold a secret.
    fn address(&self, url: &str) -> String {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let from = place.find("://").map_or(0, |at| at + 3);
        let path = place.get(from..).and_then(|rest| rest.find('/')).map_or(place.len(), |at| from + at);
        let (origin, path) = place.split_at(path);
        let names: Vec<String> = encode::from_form(query).into_iter().map(|(name, _)| name).collect();
        let path = if self.hides_paths { "/…" } else { path };
        let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
        DisplayText::from(format!("{origin}{path}{query}")).to_string()
    }
}

impl HttpObserver for Seen {
    fn answered(&self, request: &HttpRequest, answer: Result<(u16, Option<&Secret>), HttpError>) {
        let body = answer.ok().and_then(|(_, body)| Value::parse(body?.expose()).ok());
        let mut found = Vec::new();
        if let Some(body) = &body {
            pointers(body, String::new(), &mut found);
        }
        if found.len() > MAX_FOUND {
            found.truncate(MAX_FOUND);
            found.push("…".to_owned());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let request = AgainstRequestBody {
            stage: state.stage,
            method: request.method.to_string(),
            address: self.address(request.url()),
            headers: request.headers.iter().map(|(name, _)| name.to_string()).collect(),
            status: answer.ok().map(|(status, _)| status),
            found,
        };
        state.requests.push(request);
    }
}

/// Adds the pointers to the values of an answer, of arrays only those to the first item.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    let is_deep = at.matches('/').count() >= MAX_DEPTH;
    match value {
        Value::Map(members) if !members.is_empty() && !is_deep => {
            for (name, member) in members {
                pointers(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::List(items) if !items.is_empty() && !is_deep => {
            items.iter().take(1).for_each(|item| pointers(item, format!("{at}/0"), found));
        }
        _ if found.len() > MAX_FOUND || at.is_empty() => {}
        _ => found.push(DisplayText::from(at).to_string()),
    }
}
