//! Real processes of two versions under load: they are replaced one by one, and back, and then the upgrade is finished.
//! The next version is a stand-in; see `upgrade.rs`.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_core::{
    Connection, ConnectionRegistry, Error, HttpPolicy, IdGenerator as _, KeyFile, Outcome, RegistryBuilder, SessionId,
    SystemClock, UuidV7,
};
use connection_faults::{processes, rounds::rounds};

use crate::{
    acme::{API, Acme, KIND},
    renewing::{Renewals, Renewing, send},
    running::run,
    sql,
    test_host::{World, answers, me},
    test_server::Reply,
};

/// Tells a process of this test its order.
const WORKER: &str = "CONNECTIONS_TEST_UPGRADE_WORKER";
const NAME: &str = "upgrade_processes::two_processes_are_replaced_one_by_one_and_back_and_nothing_fails_or_is_lost";
/// A process that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(300);
/// The beginning of the line of a round in which something failed.
const FAILED: &str = "failed: ";

/// Why a round failed.
type Failure = Box<dyn std::error::Error>;

/// The refresh tokens that came to the provider.
#[derive(Default)]
struct Ledger {
    spent: BTreeSet<String>,
    /// The number of requests with a token that had come before.
    twice: usize,
}

/// What the processes and the provider have counted.
struct Counts {
    setups: usize,
    lost: usize,
    failed: Vec<String>,
    twice: usize,
    refused: usize,
    frozen: usize,
}

#[test]
fn two_processes_are_replaced_one_by_one_and_back_and_nothing_fails_or_is_lost() {
    processes::run(WORKER, async |order| work(&order).await, all);
}

async fn all() {
    let (it, ledger) = load().await;
    let mut started = 0;
    let mut start = |version: &str| {
        started += 1;
        Process::start(&it, started, version)
    };
    let mut serving = vec![start("former"), start("former")];
    for version in ["next", "former", "next"] {
        for place in 0..serving.len() {
            until_busy(&mut serving).await;
            let fresh = start(version);
            serving.push(fresh);
            until_busy(&mut serving).await;
            serving.swap_remove(place).stop();
        }
    }
    let later = builder_of_next(&it.world).open().await.unwrap();
    assert!(!later.store().upgrade().await.unwrap().is_finished());
    // One writes all the time, and one is stopped before the end of its time and goes on after it.
    let mut writes = start("writes");
    until_busy(std::slice::from_mut(&mut writes)).await;
    let mut sleeps = start("sleeps");
    sleeps.until(1).await;
    sleeps.signal("STOP");
    assert!(later.store().finish_upgrade().await.unwrap().is_finished());
    sleeps.signal("CONT");
    sleeps.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    for process in [writes, sleeps] {
        assert_eq!(process.refused(), "program_too_old");
    }
    until_busy(&mut serving).await;
    let rounds: usize = serving.into_iter().map(Process::stop).sum();
    let counts = count(&it, &ledger, &later).await;
    say(&it, rounds, started, &counts);
    let Counts { lost, failed, twice, refused, frozen, .. } = counts;
    assert!(failed.is_empty(), "no request fails: {failed:?}");
    assert_eq!((twice, lost, refused, frozen), (0, 0, 0, 0), "spent twice, setups lost, rows refused, frozen");
    compare(&it, &later).await;
    later.close().await;
}

/// Returns a test host with a connection whose token works for a second, and whose refresh tokens work once, and the ledger
/// of its provider.
async fn load() -> (Renewals, Arc<Mutex<Ledger>>) {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = Some(1);
    let it = Renewals::of_processes(plugin).await;
    it.registry.close().await;
    it.provider.lock().life = Some(1);
    let issued = it.provider.clone();
    let ledger = Arc::<Mutex<Ledger>>::default();
    let noted = ledger.clone();
    it.world.provider(move |request| {
        let key =
            request.split_once("Bearer ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
        match request.starts_with("POST /token") {
            true => {
                let (_, token) = request.rsplit_once("refresh_token=").unwrap_or_default();
                let mut ledger = noted.lock().unwrap();
                let is_new = ledger.spent.insert(token.to_owned());
                ledger.twice += usize::from(!is_new);
                issued.answer(request)
            }
            // A token that another process has just renewed works for a little longer.
            false if key.starts_with("access-") && issued.lock().is_revoked => Reply::whole(401, "", "{}"),
            false if key.starts_with("access-") => me("1", "ada"),
            false => {
                // An account whose id is the key is refused.
                let id = key.trim_start_matches("own-");
                me(id, id)
            }
        }
    });
    for folder in ["begun", "taken"] {
        fs::create_dir(it.world.directory.path().join(folder)).unwrap();
    }
    (it, ledger)
}

fn builder_of_next(world: &World) -> RegistryBuilder {
    let builder = world.builder().clock(Arc::new(SystemClock::new()));
    builder.kind(Renewing::new()).kind(Acme::default()).as_next_version()
}

/// Completes the setups that are still open, and counts what failed or was lost.
async fn count(it: &Renewals, ledger: &Mutex<Ledger>, later: &ConnectionRegistry) -> Counts {
    let directory = it.world.directory.path();
    let mut failed = failures(directory);
    while let Some(id) = take(directory) {
        failed.extend(complete(later, id).await.err().map(|problem| problem.to_string()));
    }
    let setups = fs::read_dir(directory.join("taken")).unwrap().count();
    let connected = "SELECT COUNT(*) FROM connection_account WHERE kind = 'acme'";
    let connected = sql::number(&it.world.database(), connected).await.unwrap();
    let twice = ledger.lock().unwrap().twice;
    Counts {
        setups,
        lost: setups.abs_diff(usize::try_from(connected).unwrap()),
        failed,
        twice,
        refused: later.events().edited_rows().await.unwrap().len(),
        frozen: later.freezes().list_all().await.unwrap().len(),
    }
}

/// Returns what failed in the rounds of all processes.
fn failures(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let rounds = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("rounds-"));
    let lines = rounds.map(|path| fs::read_to_string(path).unwrap());
    lines
        .flat_map(|text| {
            text.lines().filter_map(|line| line.strip_prefix(FAILED)).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Compares the database with what the provider has, and uses the connection once more.
async fn compare(it: &Renewals, later: &ConnectionRegistry) {
    let issuer = it.provider.lock().clone();
    assert!(!issuer.is_revoked, "no token is spent twice");
    assert!(issuer.requests > 10 && issuer.number == u64::try_from(issuer.requests).unwrap() + 1, "{issuer:?}");
    let left = "SELECT COUNT(*) FROM connection_exchange WHERE state = 'intent'";
    assert_eq!(sql::number(&it.world.database(), left).await, Some(0));
    let connection = later.connection(it.connection.id()).await.unwrap();
    assert_eq!(send(&connection).await.unwrap(), 200);
    assert_eq!(later.store().ready().await, Ok(()));
}

/// Printed past the capture of the test harness, because the numbers show what was tested.
fn say(it: &Renewals, rounds: usize, processes: usize, counts: &Counts) {
    let renewed = it.provider.request_count();
    let Counts { setups, lost, failed, twice, refused, frozen } = counts;
    let failed = failed.len();
    let summary = format!(
        "{processes} processes, {rounds} rounds of the last two, {renewed} tokens spent, {setups} setups: {failed} requests \
         failed, {twice} tokens spent twice, {lost} setups lost, {refused} rows refused, {frozen} freezes\n"
    );
    std::io::stderr().write_all(summary.as_bytes()).unwrap();
}

/// Waits until each process has done some rounds from now on.
async fn until_busy(processes: &mut [Process]) {
    for process in processes {
        let rounds = process.rounds() + rounds(5, 50);
        process.until(rounds).await;
    }
}

/// A process of this test.
struct Process {
    child: Child,
    /// The file with a line for each round.
    place: PathBuf,
}

impl Process {
    fn start(it: &Renewals, number: usize, version: &str) -> Self {
        let directory = it.world.directory.path();
        let place = directory.join(format!("rounds-{number}"));
        fs::write(&place, "").unwrap();
        let order = [
            it.world.address(),
            it.world.key().to_str().unwrap().to_owned(),
            it.world.server.origin(),
            it.connection.id().to_string(),
            directory.to_str().unwrap().to_owned(),
            place.to_str().unwrap().to_owned(),
            version.to_owned(),
        ];
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(WORKER, order.join("\n"));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        Self { child, place }
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.place).unwrap().lines().map(str::to_owned).collect()
    }

    fn rounds(&self) -> usize {
        self.lines().len()
    }

    /// Waits until the process has done this number of rounds.
    async fn until(&mut self, rounds: usize) {
        let done = async {
            while self.rounds() < rounds {
                assert!(self.child.try_wait().unwrap().is_none(), "a process has failed; what it says is above");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, done).await.expect("a process stands still");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Lets the process end its round and its registry. Returns the number of its rounds.
    fn stop(mut self) -> usize {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success(), "a process has failed; what it says is above");
        self.rounds()
    }

    /// Waits for the end of a process that is refused, and returns the code that it was told.
    fn refused(mut self) -> String {
        assert!(self.child.wait().unwrap().success(), "a process has failed; what it says is above");
        self.lines().pop().unwrap()
    }
}

async fn work(order: &str) {
    let [address, key, origin, id, directory, place, version] =
        order.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let builder = ConnectionRegistry::builder()
        .store(address)
        .key(KeyFile::at(key))
        .http(HttpPolicy::new().endpoint(API, origin).unwrap())
        .kind(Renewing::new())
        .kind(Acme::default());
    let builder = if version == "next" { builder.as_next_version() } else { builder };
    let registry = builder.open().await.unwrap();
    let note = |line: &str| {
        let mut file = fs::OpenOptions::new().append(true).open(place).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    };
    match version {
        "writes" => note(until_refused(&registry, || note("wrote")).await.code()),
        "sleeps" => {
            note("opened");
            std::io::stdin().lock().read_line(&mut String::new()).unwrap();
            note(until_refused(&registry, || panic!("a write was not refused")).await.code());
        }
        _ => serve(&registry, id, Path::new(directory), note).await,
    }
    registry.close().await;
}

/// Writes until that is refused, and returns the reason.
async fn until_refused(registry: &ConnectionRegistry, wrote: impl Fn()) -> Error {
    loop {
        let name = UuidV7::new().next().to_string();
        let written = async {
            registry.agents().create(&name).await?;
            registry.agents().remove(&name).await
        };
        match written.await {
            Ok(_) => wrote(),
            Err(error) => return error,
        }
    }
}

/// Uses the connection, begins a setup, completes one that any process began, and writes rows with marks, until the parent
/// closes the input. Each round is noted, and what failed in it.
async fn serve(registry: &ConnectionRegistry, id: &str, directory: &Path, note: impl Fn(&str)) {
    let _running = run(registry);
    let connection = registry.connection(id.parse().unwrap()).await.unwrap();
    let stopped = Arc::new(AtomicBool::new(false));
    let stops = stopped.clone();
    std::thread::spawn(move || {
        drop(std::io::stdin().lock().read_line(&mut String::new()));
        stops.store(true, SeqCst);
    });
    while !stopped.load(SeqCst) {
        match round(registry, &connection, directory).await {
            Ok(()) => note("served"),
            Err(problem) => note(&format!("{FAILED}{problem}").replace('\n', " ")),
        }
    }
}

async fn round(registry: &ConnectionRegistry, connection: &Connection, directory: &Path) -> Result<(), Failure> {
    let status = send(connection).await?;
    if status != 200 {
        return Err(format!("a use was answered with {status}").into());
    }
    let session = registry.setups().begin(&KIND).await?;
    session.next_step().await?.ok_or("a setup shows no step")?;
    fs::write(directory.join("begun").join(session.id().to_string()), "").unwrap();
    drop(session);
    if let Some(id) = take(directory) {
        complete(registry, id).await?;
    }
    let name = UuidV7::new().next().to_string();
    registry.agents().create(&name).await?;
    let is_listed = registry.agents().list().await?.iter().any(|agent| agent.name() == name);
    match registry.agents().remove(&name).await?.was_there && is_listed {
        true => Ok(()),
        false => Err("an agent is not there".into()),
    }
}

/// Takes a setup that a process began, and that no other one takes.
fn take(directory: &Path) -> Option<SessionId> {
    let begun = fs::read_dir(directory.join("begun")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut begun =
        begun.filter(|name| fs::rename(directory.join("begun").join(name), directory.join("taken").join(name)).is_ok());
    Some(begun.next()?.to_str().unwrap().parse().unwrap())
}

async fn complete(registry: &ConnectionRegistry, id: SessionId) -> Result<(), Failure> {
    let session = registry.setups().resume(id).await?;
    let (no, _) = session.next_step().await?.ok_or("a setup shows no step")?;
    session.advance(no, &answers(&[("accessToken", &format!("own-{id}"))])).await?;
    match session.terminal().await? {
        Outcome::Done(_) => Ok(()),
        other => Err(format!("a setup was lost: {other:?}").into()),
    }
}
