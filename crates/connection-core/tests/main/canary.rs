//! Secrets go through a whole life, in a separate process with everything logged and backtraces on, and are found
//! only in sealed columns: not in its output, its errors or its files.
//!
//! A contained panic still reaches the process's panic hook, which the core cannot change and which by default
//! prints the payload. A host sets a hook that prints none, as this process does.

use std::{
    backtrace::Backtrace,
    path::Path,
    process::{Command, Output},
    sync::{Arc, atomic::Ordering::SeqCst},
};

use connection_contract::Secret;
use connection_core::{ConnectionRegistry, Filter, HttpPolicy, KeyFile, Outcome, SetupSession};
use connection_faults::scripted::Scripted;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::{
    acme::{API, Acme, KIND},
    endpoint_addresses::self_signed,
    inbound::{Inbound, state},
    leaking_plugin::{CARELESS, Careless, careless},
    leaks::Search,
    sql,
    test_host::{on_postgres, World, answers, connect, connected, step},
    test_server::Reply,
};

const ACCESS: &str = "canary?access>Aa~1+/=";
const ROTATED: &str = "canary?rotated>Bb~2+/=";
const REFUSED: &str = "canary?refused>Cc~3+/=";
const CODE: &str = "canary?code>Dd~4+/=";
const BODY: &str = "canary?body>Ee~5+/=";
const HEADER: &str = "canary?header>Ff~6+/=";
const PATH: &str = "canary-path-Gg7~_.value";
const PANIC: &str = "canary?panic>Hh~8+/=";
const PASSWORD: &str = "canary-password-Ii9~";
const SECRETS: [(&str, &str); 9] = [
    ("access", ACCESS),
    ("rotated", ROTATED),
    ("refused", REFUSED),
    ("code", CODE),
    ("body", BODY),
    ("header", HEADER),
    ("path", PATH),
    ("panic", PANIC),
    ("password", PASSWORD),
];

/// Marks a process of this test as the one that runs the whole life. `leak` plants one secret of every sort.
const LIFE: &str = "CONNECTIONS_TEST_CANARY";
const ENDED: &str = "the life has ended";

/// R-INSEAM-058
#[test]
fn no_secret_of_a_whole_life_is_found_in_any_output_or_file() {
    if let Some(mode) = mode() {
        live(mode == "leak");
        return;
    }
    let search = Search::of(SECRETS);
    let (output, files, read) = process("whole", &search);
    assert!(output.is_empty(), "{output:#?}");
    assert!(files.is_empty(), "{files:#?}");
    // On a server, the content of every row is written to a file at the end.
    assert!(read >= if on_postgres() { 2 } else { 5 }, "database, log, index, lock and key: {read}");

    let (output, files, _) = process("leak", &search);
    for name in ["access, raw", "rotated, base64", "code, hex", "header, raw", "panic, raw"] {
        assert!(output.iter().any(|found| found == name), "the control, {name}: {output:?}");
    }
    assert!(files.iter().any(|found| found.contains("body, base64")), "the control: {files:?}");
}

#[expect(clippy::disallowed_methods, reason = "a process of this test is told so by its environment")]
fn mode() -> Option<String> {
    std::env::var(LIFE).ok()
}

/// Runs this test again in a separate process, and returns the secrets in its output and its files.
fn process(mode: &str, search: &Search) -> (Vec<String>, Vec<String>, usize) {
    let directory = tempfile::TempDir::new().unwrap();
    let name = "canary::no_secret_of_a_whole_life_is_found_in_any_output_or_file";
    let Output { status, stdout, stderr } = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(LIFE, mode)
        .env("RUST_BACKTRACE", "full")
        .env("TMPDIR", directory.path())
        .output()
        .unwrap();
    let whole = [&stdout[..], &stderr].concat();
    let text = String::from_utf8_lossy(&whole);
    assert!(status.success() && text.contains(ENDED), "{text}");
    for target in
        ["LOG reqwest", "LOG rustls", "connection_core::setup", "connections::plugin", "stack backtrace", "crashed at"]
    {
        assert!(text.contains(target), "{target} was not heard");
    }
    made_on_the_way(directory.path(), &whole);
    let (files, read) = search.files(directory.path());
    (search.bytes(&whole), files, read)
}

/// Checks the secrets that the program itself created: the key is only in its file, and the token of a session is
/// nowhere.
fn made_on_the_way(directory: &Path, output: &[u8]) {
    let state = std::fs::read_to_string(directory.join("state")).unwrap();
    std::fs::remove_file(directory.join("state")).unwrap();
    let world = std::fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
    let key = std::fs::read_to_string(world.join("key/root.key")).unwrap();
    let search = Search::of([("state", &*state), ("key", key.lines().nth(1).unwrap())]);
    assert!(search.bytes(output).is_empty());
    assert_eq!(search.files(&world.join("store")).0, [""; 0]);
    assert_eq!(search.files(&world.join("key")).0.len(), 1, "the control");
}

/// Prints what is logged without `tracing`.
struct Lines;

impl ::log::Log for Lines {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    #[expect(clippy::print_stderr, reason = "the output is what is looked at")]
    fn log(&self, record: &::log::Record<'_>) {
        eprintln!("LOG {} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

#[expect(clippy::print_stderr, reason = "the output is what is looked at")]
fn say(what: impl std::fmt::Debug) {
    eprintln!("SAID {what:?} {what:#?}");
}

#[expect(clippy::print_stderr, reason = "the output is what is looked at")]
fn say_error(error: &dyn std::error::Error) {
    eprintln!("ERROR {error} {error:?} {error:#?}");
    if let Some(source) = error.source() {
        say_error(source);
    }
}

#[expect(clippy::print_stderr, reason = "a hook has nowhere else to say it")]
fn live(leak: bool) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("a part of the program crashed at {place}\nstack backtrace:\n{}", Backtrace::force_capture());
        if leak {
            eprintln!("{info}");
        }
    }));
    ::log::set_logger(&Lines).unwrap();
    ::log::set_max_level(::log::LevelFilter::Trace);
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        // Open to the end: a store that closes deletes its log, and the log must be searched.
        let _open = whole_life(&world).await;
        if on_postgres() {
            let store = world.directory.path().join("store");
            std::fs::create_dir(&store).unwrap();
            std::fs::write(store.join("rows"), sql::everything(&world.database()).await).unwrap();
        }
        if leak {
            plant(world.directory.path());
        }
        eprintln!("{ENDED}");
        // Exits at once, so that the directory stays.
        std::process::exit(0);
    });
}

fn plant(directory: &Path) {
    use connection_contract::encode::{base64, base64url, hex};
    tracing::trace!(token = ACCESS, "planted");
    tracing::trace_span!("planted", token = base64(format!("Basic {ROTATED}").as_bytes())).in_scope(|| ());
    ::log::trace!("planted {}", hex(CODE.as_bytes()));
    say(Some(HEADER));
    std::fs::write(directory.join("store/planted"), base64url(format!("{{{BODY}}}").as_bytes())).unwrap();
}

/// The provider knows an account by its key, whatever else its answer contains.
fn provider(id: &'static str, rotate: bool) -> impl FnMut(&str) -> Reply + Send + 'static {
    move |request| {
        let rotated = if rotate { format!(r#","rotate":"{ROTATED}""#) } else { String::new() };
        let body = format!(r#"{{"id":"{id}","name":"ada","secret":"{BODY}"{rotated}}}"#);
        let headers = format!("set-cookie: session={HEADER}\r\nx-token: {HEADER}\r\n");
        match request.starts_with("GET /moved") {
            true => Reply::whole(302, &format!("{headers}location: /me?token={PATH}\r\n"), ""),
            false => Reply::whole(200, &headers, &body),
        }
    }
}

async fn whole_life(world: &World) -> [ConnectionRegistry; 2] {
    let builder = || world.builder().inbound(Arc::new(Inbound::new()));
    refused_settings(world).await;
    let careless = careless();
    say(builder());
    let registry = builder().kind(Acme::default()).kind(careless.clone()).open().await.unwrap();
    say((&registry, registry.kinds().list()));
    world.provider(provider("1", false));
    refused_answers(&registry).await;
    unlucky_setups(world, &registry).await;
    used(world, &registry).await;
    let state = called_back(&registry).await;
    std::fs::write(world.directory.path().with_file_name("state"), state).unwrap();
    crashed(&registry, &careless).await;
    // Each probe ends in the handshake, because the certificate is compared with those of the system.
    let (port, _) = self_signed();
    let untrusted = HttpPolicy::new().endpoint(API, &format!("https://127.0.0.1:{port}")).unwrap();
    let other = builder().http(untrusted).kind(Acme::default()).open().await.unwrap();
    let page = other.list_connections(Filter::new()).await.unwrap();
    say(&page);
    for info in page.items {
        match other.connection(info.id).await.unwrap().verify().await {
            Ok(info) => say(info),
            Err(error) => say_error(&error),
        }
    }
    [registry, other]
}

/// Settings that a host may get wrong contain passwords.
async fn refused_settings(world: &World) {
    let with = |password: &str| format!("https://ada:{password}@api.acme.example");
    say_error(&HttpPolicy::new().endpoint(&with(PASSWORD), "http://127.0.0.1:1").unwrap_err());
    say_error(&HttpPolicy::new().endpoint(API, &with(PASSWORD)).unwrap_err());
    let proxied = HttpPolicy::new().proxy(format!("gopher://ada:{PASSWORD}@[proxy"));
    say(&proxied);
    say_error(&world.builder().http(proxied).open().await.unwrap_err());
    say(HttpPolicy::new().proxy(format!("http://ada:{PASSWORD}@127.0.0.1:1")));
    let url = format!("postgres://ada:{PASSWORD}@db/connections");
    let builder = ConnectionRegistry::builder().store(url).key(KeyFile::at(world.key()));
    say_error(&builder.open().await.unwrap_err());
}

async fn refused_answers(registry: &ConnectionRegistry) {
    let session = registry.setups().begin(&KIND).label("refused").await.unwrap();
    let (no, shown) = step(&session).await;
    say((no, &shown, &session));
    let long = REFUSED.repeat(1000);
    let address = format!("https://ada:{REFUSED}@api.acme.example");
    let lines = format!("{REFUSED}\n{REFUSED}");
    for pairs in [
        [("accessToken", REFUSED), ("apiBaseUrl", REFUSED)],
        [("accessToken", REFUSED), ("apiBaseUrl", &address)],
        [("accessToken", REFUSED), ("accessToken", REFUSED)],
        [("accessToken", REFUSED), ("another", REFUSED)],
        [("accessToken", &lines), ("apiBaseUrl", API)],
        [("accessToken", &long), ("apiBaseUrl", API)],
    ] {
        let given = answers(&pairs);
        say(&given);
        say_error(&session.advance(no, &given).await.unwrap_err());
    }
    say_error(&session.advance(no + 1, &answers(&[("accessToken", REFUSED)])).await.unwrap_err());
    session.cancel().await.unwrap();
    say_error(&session.advance(no, &answers(&[("accessToken", REFUSED)])).await.unwrap_err());
}

async fn tell(session: &SetupSession) -> Outcome {
    let outcome = session.terminal().await.unwrap();
    say((session, &outcome, session.current_step()));
    outcome
}

/// Setups that end badly: refused, and not understood and then refused.
async fn unlucky_setups(world: &World, registry: &ConnectionRegistry) {
    let body = format!(r#"{{"error":"bad token {ACCESS}","hint":"{BODY}"}}"#);
    world.provider(move |_| Reply::whole(401, &format!("www-authenticate: Bearer {HEADER}\r\n"), &body));
    say(connect(registry, &KIND, &[("accessToken", ACCESS)]).await);
    world.provider(|_| Reply::ok(&format!("<html>{BODY} {ACCESS}</html>")));
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", ACCESS)])).await.unwrap();
    say(step(&session).await);
    world.provider(|_| Reply::redirect(307, &format!("https://evil.example/{PATH}?token={ACCESS}")));
    tell(&registry.setups().resume(session.id()).await.unwrap()).await;
    say(registry.setups().list().await.unwrap());
    world.provider(provider("1", false));
}

async fn used(world: &World, registry: &ConnectionRegistry) {
    let connection = connected(registry, ACCESS).await;
    say((&connection, connection.info()));
    for path in [format!("/things/{PATH}?token={PATH}"), format!("/moved?token={PATH}")] {
        let request = connection.request("GET", &path).await.unwrap();
        let request = request.header("x-secret", Secret::from(HEADER)).query("more", PATH);
        say(&request);
        let answer = connection.send(request).await.unwrap();
        say(&answer);
        say(answer.bytes(1024).await.unwrap());
    }
    say_error(&connection.request("GET", &format!("no path {PATH}")).await.unwrap_err());
    say_error(&connection.request(PATH, "/").await.unwrap_err());
    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    assert_eq!(token.expose_str(), Some(ACCESS));
    say(&token);
    let again = connect(registry, &KIND, &[("accessToken", ACCESS)]).await;
    say(again);
    world.provider(|_| Reply::whole(500, &format!("x-token: {HEADER}\r\n"), BODY));
    say(connection.verify().await.unwrap());
    world.provider(|_| Reply::raw(format!("HTTP/1.1 {BODY} {HEADER}\r\n\r\n")));
    say(connection.verify().await.unwrap());
    let request = connection.request("GET", &format!("/{PATH}")).await.unwrap();
    say_error(&connection.send(request).await.unwrap_err());
    world.provider(provider("1", true));
    say(connection.verify().await.unwrap());
    world.provider(provider("2", false));
    say(connection.verify().await.unwrap());
    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    assert_eq!(token.expose_str(), Some(ROTATED));
    world.provider(|_| Reply::whole(503, "", BODY));
    say(registry.remove(connection.id()).await.unwrap());
    world.provider(provider("3", true));
    connected(registry, ACCESS).await;
}

/// The parameters with which the browser finds its session.
async fn called_back(registry: &ConnectionRegistry) -> String {
    let session = registry.setups().begin(&CARELESS).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("how", "callback"), ("accessToken", PANIC)])).await.unwrap();
    // Not printed: the address that a browser opens contains the token of this session.
    let (_, shown) = step(&session).await;
    let back = |state: &str| answers(&[("code", CODE), ("error_description", CODE), ("state", state)]);
    say_error(&registry.setups().deliver(back(CODE)).await.unwrap_err());
    let state = state(&shown);
    registry.setups().deliver(back(&state)).await.unwrap();
    tell(&session).await;
    say_error(&registry.setups().deliver(back(&state)).await.unwrap_err());
    state
}

/// A plugin that panics with its secret, wherever it is called.
async fn crashed(registry: &ConnectionRegistry, careless: &Scripted<Careless>) {
    for how in ["setup", "parts"] {
        say(connect(registry, &CARELESS, &[("how", how), ("accessToken", PANIC)]).await);
    }
    let Outcome::Done(done) = connect(registry, &CARELESS, &[("how", "later"), ("accessToken", PANIC)]).await else {
        panic!("not connected");
    };
    let connection = registry.connection(done.connection).await.unwrap();
    let request = connection.request("GET", "/").await.unwrap();
    careless.crashes.store(true, SeqCst);
    say(connection.verify().await.unwrap());
    say_error(&connection.send(request).await.unwrap_err());
    say_error(&connection.with_access_token(async |_| ()).await.unwrap_err());
    say(registry.remove(connection.id()).await.unwrap());
}
