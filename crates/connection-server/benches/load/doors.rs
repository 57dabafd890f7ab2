//! The reverse door beside a pass-through without token, rules and record, which is otherwise the same: the same server
//! and the same client to the provider. The clients and the provider run in other processes, and each figure is the
//! processor time that this process takes for a request.

use std::{fs, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use connection_contract::{HttpRequest, Identity, Kind, Secret, host};
use connection_core::{
    Agent, Audience, ConnectionId, ConnectionRegistry, Filter, Frozen, HttpPolicy, Import, KeyFile, NewAgentToken,
};
use connection_egress::{AllowedOrigin, Egress, HttpClient, NamedBy, SystemClock};
use connection_manifest::{FileKind, KindFile};
use connection_rules::Rules;
use connection_server::{ApiOptions, door_router};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    Size, memory, print, timed,
    worker::{Clients, Direction, Provider, Stream},
};

/// The origin of the provider, which the policies map to the process that answers.
const API: &str = "https://api.door.example";
/// The number of clients that have the token of one agent, which may have 32 requests at once.
const OF_AGENT: usize = 24;
/// The numbers of clients, with the goal for the ratio. The doors have 256 places.
const CLIENTS: [(usize, Option<f64>); 3] = [(1, None), (32, Some(1.5)), (240, Some(1.5))];

const KIND: &str = r#"
format = 1
id = "door"
name = "Door"
mechanism = "api_key"
[[fields]]
name = "apiKey"
label = "API key"
secret = true
[request]
base = "https://api.door.example"
headers = { Authorization = "Bearer ${secret.apiKey}" }
"#;

/// Prints the processor time of a request through the floor and through the door.
pub(crate) async fn measure(size: &Size) {
    let provider = Provider::start();
    let policy = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let floor = floor(policy.clone()).await;
    let door = Door::start(policy).await;
    for (clients, goal) in CLIENTS {
        let clients = if size.rounds == 1 { clients.min(8) } else { clients };
        let requests = size.requests.max(clients);
        let tokens = door.tokens(clients);
        let at_floor = Clients::start(floor, "/pass/issues/7", &tokens, requests, Duration::ZERO);
        let at_door =
            Clients::start(door.port, &format!("/use/{}/issues/7", door.connection), &tokens, requests, Duration::ZERO);
        let mut best = [(Duration::MAX, Duration::MAX); 2];
        for _ in 0..size.rounds {
            for (best, clients) in best.iter_mut().zip([&at_floor, &at_door]) {
                let before = processor_time();
                let passed = timed(async || clients.run().await).await;
                best.0 = best.0.min(processor_time().saturating_sub(before));
                best.1 = best.1.min(passed);
            }
        }
        let each = |time: Duration| time.div_f64(requests as f64);
        let [floor, ours] = best;
        print_ratio(&format!("a request at a door, {clients} at once (processor)"), each(floor.0), each(ours.0), goal);
        print(&format!("a request at a door, {clients} at once"), each(floor.1), each(ours.1), None);
    }
}

/// Prints how much memory a body takes that passes through a door, in each direction.
pub(crate) async fn measure_streams(size: &Size) {
    let provider = Provider::start();
    let policy = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let door = Door::start(policy).await;
    let (bytes, shown) = if size.rounds == 1 { (1 << 20, "1 MiB") } else { (1 << 30, "1 GiB") };
    for direction in [Direction::Up, Direction::Down] {
        let path = format!("/use/{}/issues/large?bytes={bytes}", door.connection);
        let stream = Stream { port: door.port, path, token: door.tokens[0].clone(), bytes, direction };
        let line = format!("while {shown} passes {} through a door", direction.word());
        memory::growth(&line, 16.0, async || stream.pass().await).await;
    }
}

/// Prints how long a change takes in another process, alone and beside a thousand uses in a second: a renaming waits for
/// the disk, and a freeze until the process of the doors has confirmed it.
pub(crate) async fn measure_beside(size: &Size) {
    let provider = Provider::start();
    let policy = HttpPolicy::new().endpoint(API, &provider.origin).unwrap();
    let door = Door::start(policy.clone()).await;
    let other = door.opened(policy).await;
    let (changes, clients) = if size.rounds == 1 { (4, 4) } else { (300, 32) };
    let tokens = door.tokens(clients);
    let pace = Duration::from_millis(clients as u64);
    let path = format!("/use/{}/issues/7", door.connection);
    let clients = Arc::new(Clients::start(door.port, &path, &tokens, changes * 40, pace));
    let alone = Waits::of(&other, door.connection, changes).await;
    let running = Handle::current().spawn({
        let clients = clients.clone();
        async move { clients.run().await }
    });
    let beside = Waits::of(&other, door.connection, changes).await;
    assert!(size.rounds == 1 || !running.is_finished(), "the uses ended before the changes");
    running.await.unwrap();
    let lines = [
        ("freeze in force everywhere", alone.freeze, beside.freeze, "at most 1 s"),
        ("rename", alone.rename, beside.rename, "at most 20 ms more"),
    ];
    for (what, alone, beside, goal) in lines {
        let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let line = format!("99th percentile of a {what} beside 1000 uses/s");
        let grows = beside.saturating_sub(alone);
        println!("{line:50} {:>12} {:>12} {:>12} (goal: {goal})", millis(alone), millis(beside), millis(grows));
    }
}

/// The 99th percentiles of the times that changes take.
struct Waits {
    freeze: Duration,
    rename: Duration,
}

impl Waits {
    async fn of(registry: &ConnectionRegistry, connection: ConnectionId, changes: usize) -> Self {
        let (mut freeze, mut rename) = (Vec::new(), Vec::new());
        let other = Frozen::Kind(Kind::from_static("another"));
        for number in 0..changes {
            freeze.push(timed(async || drop(registry.freezes().freeze(other.clone()).await.unwrap())).await);
            registry.freezes().thaw(other.clone()).await.unwrap();
            let named = registry.connection(connection).await.unwrap();
            let label = format!("label {number}");
            rename.push(timed(async || drop(named.rename(label).await.unwrap())).await);
        }
        let percentile = |mut times: Vec<Duration>| {
            times.sort();
            times[(times.len() * 99).div_ceil(100) - 1]
        };
        Self { freeze: percentile(freeze), rename: percentile(rename) }
    }
}

/// Prints a line whose ratio is that of the times, which is higher if ours takes longer.
fn print_ratio(line: &str, floor: Duration, ours: Duration, goal: Option<f64>) {
    let goal = goal.map_or(String::new(), |goal| format!("{goal:.2}"));
    let micros = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    let ratio = ours.as_secs_f64() / floor.as_secs_f64().max(f64::EPSILON);
    println!("{line:50} {:>12} {:>12} {ratio:>6.2} {goal:>5} (time)", micros(floor), micros(ours));
}

/// Returns the processor time of this process, in the ticks of Linux.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, which may hold spaces, ends with the last parenthesis.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields.split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[derive(Clone)]
struct Floor {
    client: Arc<HttpClient>,
    egress: Arc<Egress>,
}

/// Starts the pass-through, and returns its port.
async fn floor(policy: HttpPolicy) -> u16 {
    let client = HttpClient::new(policy, Arc::new(SystemClock::new())).unwrap();
    let origin = AllowedOrigin { origin: host::origin(API).unwrap(), named: NamedBy::Nobody };
    let egress = Egress { origins: vec![origin], ..Egress::default() };
    let floor = Floor { client: client.into(), egress: egress.into() };
    let routes: Router = Router::new().route("/pass/{*path}", axum::routing::any(pass)).with_state(floor);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    Handle::current().spawn(async move { axum::serve(listener, routes.into_make_service()).await });
    port
}

async fn pass(State(floor): State<Floor>, request: Request) -> Response {
    let path = request.uri().path().strip_prefix("/pass").unwrap_or_default();
    let mut sent = HttpRequest::new(request.method().as_str().to_owned(), &host::base_url(API).unwrap(), path);
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap_or_default().to_owned();
        if !matches!(name.as_str(), "host" | "connection") {
            sent.set_header(name.to_string(), value);
        }
    }
    let mut answer = floor.client.open(&floor.egress, sent, None).await.unwrap();
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        body.extend(piece);
    }
    response.body(Body::from(body)).unwrap()
}

/// A host with one connection, and agents that may read through it.
struct Door {
    directory: TempDir,
    _registry: ConnectionRegistry,
    port: u16,
    connection: ConnectionId,
    tokens: Vec<String>,
}

impl Door {
    async fn start(policy: HttpPolicy) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let registry = opened(&directory, policy).await;
        let connection = import(&registry).await;
        let most = CLIENTS.iter().map(|(clients, _)| *clients).max().unwrap_or_default();
        let mut tokens = Vec::new();
        for number in 0..most.div_ceil(OF_AGENT) {
            let agent = registry.agents().create(&format!("agent-{number}")).await.unwrap();
            agent.grant(connection).rules(rules()).await.unwrap();
            tokens.push(token(&agent).await);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = ApiOptions::new(format!("http://127.0.0.1:{port}").parse().unwrap());
        let routes: Router = door_router(registry.clone(), options);
        Handle::current().spawn(async move { axum::serve(listener, routes.into_make_service()).await });
        Self { directory, _registry: registry, port, connection, tokens }
    }

    /// Opens the store of this host once more, as another process would.
    async fn opened(&self, policy: HttpPolicy) -> ConnectionRegistry {
        opened(&self.directory, policy).await
    }

    /// Returns a token for each of these clients.
    fn tokens(&self, clients: usize) -> Vec<String> {
        (0..clients).map(|client| self.tokens[client / OF_AGENT].clone()).collect()
    }
}

async fn opened(directory: &TempDir, policy: HttpPolicy) -> ConnectionRegistry {
    let kind: FileKind = KindFile::parse("door.toml", KIND).unwrap().definition();
    let builder = ConnectionRegistry::builder()
        .store(directory.path().join("doors.db").display().to_string())
        .key(KeyFile::at(directory.path().join("root.key")))
        .http(policy)
        .kind(kind);
    builder.open().await.unwrap()
}

/// Returns 50 rules, the last of which allows what the clients ask for.
fn rules() -> Rules {
    let rule = |number: usize| {
        let path = if number == 49 { "/issues/{number}".to_owned() } else { format!("/things{number}/**") };
        serde_json::json!({ "name": format!("rule {number}"), "methods": ["GET", "PUT"], "path": path, "effect": "allow" })
    };
    Rules::from_value(&serde_json::json!({ "rule": (0..50).map(rule).collect::<Vec<_>>() })).unwrap()
}

async fn token(agent: &Agent) -> String {
    let token = agent.new_token(NewAgentToken::new("load", Audience::Doors)).await.unwrap();
    token.text.expose_secret().to_owned()
}

async fn import(registry: &ConnectionRegistry) -> ConnectionId {
    let fields = [("apiKey", Secret::from("key-of-the-provider".to_owned()))];
    let item = Import::from_fields(Kind::from_static("door"), fields, Identity::new("1", "one"));
    let mut imports = registry.import_all([item]).start();
    imports.next().await.unwrap().unwrap();
    registry.list_connections(Filter::new()).await.unwrap().items[0].id
}
