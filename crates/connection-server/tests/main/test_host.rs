//! A host in a test: its database, its clock, and the API on a port of its own.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use connection_contract::Timestamp;
use connection_core::{ConnectionRegistry, ManualClock, NewAccessToken, RegistryBuilder, Role};
use connection_faults::{login_kind::login, sql, test_database::TestDatabase};
use connection_inbound::{PublicEndpoint, PublicUrl, callback_routes};
use connection_server::{
    ApiOptions, LiveStreams, Metrics, PageSettings, Readiness, api_router, declared::DeclaredKinds, door_router,
    monitor_router, page_router,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Handle, task::AbortHandle};

use crate::{
    conformance,
    http::{Answer, Request},
    kinds::{acme, machine, tool},
    usage::metered,
};

/// The number of requests that a token may send in a minute.
pub(crate) const REQUESTS_PER_MINUTE: u32 = 600;

/// The key that is typed in every setup. No answer may hold it.
pub(crate) const KEY: &str = "key-that-nobody-may-see";

pub(crate) struct World {
    database: TestDatabase,
    pub(crate) clock: ManualClock,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) port: u16,
    pub(crate) live: LiveStreams,
    pub(crate) readiness: Readiness,
    serving: AbortHandle,
    /// Every answer.
    answers: Mutex<Vec<Answer>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Deref for World {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.database
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|registry| registry).await
    }

    /// Makes a host whose registry is configured further.
    pub(crate) async fn with(configure: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        let database = TestDatabase::new().await;
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = format!("http://127.0.0.1:{port}");
        let url: PublicUrl = origin.parse().unwrap();
        let registry = configure(builder(&database, &clock, &url)).open().await.unwrap();
        let live = LiveStreams::new();
        let options = ApiOptions::new(origin.parse().unwrap()).name("Test host").public_url(origin).live(live.clone());
        let options = options.accent("#1f7a5c".parse().unwrap());
        let options = options.return_address("https://app.example.com/settings".parse().unwrap());
        let options = options.requests_per_minute(REQUESTS_PER_MINUTE);
        let readiness = Readiness::new();
        let metrics = Metrics::new(&registry, "1.2.3");
        let monitors = monitor_router(registry.clone(), options.clone(), metrics.clone(), readiness.clone());
        let routes: Router = api_router(registry.clone(), options.clone())
            .merge(door_router(registry.clone(), options))
            .merge(monitors)
            .merge(callback_routes(registry.clone(), url))
            .merge(page_router(""));
        let routes = metrics.observe(routes, "");
        let serving = Handle::current().spawn(async move { axum::serve(listener, routes).await }).abort_handle();
        Self { database, clock, registry, port, live, readiness, serving, answers: Mutex::default() }
    }

    /// Opens another registry over the same store, which stands for another process.
    pub(crate) async fn beside(&self) -> ConnectionRegistry {
        self.beside_with(|registry| registry).await
    }

    /// Opens another registry over the same store, which is configured further.
    pub(crate) async fn beside_with(
        &self,
        configure: impl FnOnce(RegistryBuilder) -> RegistryBuilder,
    ) -> ConnectionRegistry {
        let url = self.origin().parse().unwrap();
        configure(builder(&self.database, &self.clock, &url)).open().await.unwrap()
    }

    /// Changes rows as another program with write access does, and lets everything that is kept in memory become old.
    pub(crate) async fn change(&self, statements: impl Into<String>) -> u64 {
        let changed = sql::script(&self.database(), statements).await;
        self.clock.advance(Duration::from_secs(1));
        changed
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a token, and uses it once, so that its next use within the minute changes no row.
    pub(crate) async fn token(&self, role: Role, owner: Option<&str>) -> String {
        let new = NewAccessToken::new("a test", role);
        let new = match owner {
            Some(owner) => new.owner(owner),
            None => new,
        };
        let tokens = self.registry.access_tokens();
        let issued = tokens.create(new).await.unwrap();
        assert!(tokens.authenticate(&issued.text).await.unwrap().is_some());
        issued.text.expose_secret().to_owned()
    }

    /// Returns a request that names this host.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("/api/v1{path}")).with("host", &format!("127.0.0.1:{}", self.port))
    }

    /// Returns a request to the root of the server, as a monitor sends it: by an address of its own.
    pub(crate) fn root(&self, path: &str) -> Request {
        Request::new("GET", path).with("host", "10.0.0.7:8745")
    }

    /// Sends a request, and checks that the answer is one that the document describes.
    pub(crate) async fn send(&self, request: &Request) -> Answer {
        if !conformance::is_known() {
            let document = self.request("GET", "/openapi.json").send(self.port).await;
            conformance::learn(&document.ok(200));
        }
        let answer = request.send(self.port).await;
        conformance::check(request.method(), request.path(), &answer);
        self.answers.lock().unwrap().push(answer.clone());
        answer
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(&self.request("GET", path).bearer(token)).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(&self.request("POST", path).bearer(token).json(&body)).await
    }

    /// Opens an address of this host as a browser with this cookie does.
    pub(crate) async fn visit(&self, address: &str, cookie: &str) -> Answer {
        let path = address.strip_prefix(&self.origin()).unwrap();
        let request = Request::new("GET", path).with("host", &format!("127.0.0.1:{}", self.port));
        request.with("cookie", cookie).send(self.port).await
    }

    /// Returns the cookie that a page gets which shows a setup.
    pub(crate) async fn cookie(&self, token: &str, id: &str) -> String {
        let shown = self.get(token, &format!("/setups/{id}")).await;
        shown.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Connects an account over the API, and returns the id of the connection.
    pub(crate) async fn connected(&self, token: &str, name: &str) -> String {
        let setup = self.post(token, "/setups", json!({ "kind": "acme" })).await.ok(201);
        let id = setup["id"].as_str().unwrap();
        let setup = self.get(token, &format!("/setups/{id}?after=0")).await.ok(200);
        let answers = json!({ "step": setup["step"], "answers": { "name": name, "apiKey": KEY } });
        let setup = self.post(token, &format!("/setups/{id}/answers"), answers).await.ok(202);
        let done = self.until(token, id, &setup, "done").await;
        done["connection"].as_str().unwrap().to_owned()
    }

    /// Connects an account of a kind that asks for a key alone; returns its id.
    pub(crate) async fn connected_by_key(&self, token: &str, kind: &str) -> String {
        self.connected_by(token, kind, json!({ "apiKey": KEY })).await
    }

    /// Connects an account of a kind that asks for these answers in one step; returns its id.
    pub(crate) async fn connected_by(&self, token: &str, kind: &str, answers: Value) -> String {
        let setup = self.post(token, "/setups", json!({ "kind": kind })).await.ok(201);
        let id = setup["id"].as_str().unwrap();
        let setup = self.until(token, id, &setup, "prompt").await;
        let answers = json!({ "step": setup["step"], "answers": answers });
        let setup = self.post(token, &format!("/setups/{id}/answers"), answers).await.ok(202);
        let done = self.until(token, id, &setup, "done").await;
        done["connection"].as_str().unwrap().to_owned()
    }

    /// Reads a setup until its state has this type.
    pub(crate) async fn until(&self, token: &str, id: &str, setup: &Value, wanted: &str) -> Value {
        let mut setup = setup.clone();
        while setup["type"] != wanted {
            let cursor = setup["cursor"].as_str().unwrap();
            setup = self.get(token, &format!("/setups/{id}?after={cursor}")).await.ok(200);
        }
        setup
    }

    /// Lets time pass until the task ends, no faster than the machine works.
    pub(crate) async fn outlasted<T>(&self, task: impl Future<Output = T>) -> T {
        let pause = async || {
            self.registry.store().health().await;
        };
        self.paced(pause, task).await
    }

    /// Lets time pass until the task ends, so slowly that the host reads the store in time.
    pub(crate) async fn slowly<T>(&self, task: impl Future<Output = T>) -> T {
        /// The number of reads of a file, which takes much less time than a server.
        const READS: usize = 32;
        let database = self.database();
        let pause = async || {
            sql::script(&database, "SELECT 1").await;
            for _ in 0..if self.postgres.is_some() { 0 } else { READS } {
                self.registry.store().health().await;
            }
        };
        self.paced(pause, task).await
    }

    /// Lets 20 ms pass after each pause, until the task ends.
    async fn paced<T>(&self, pause: impl AsyncFn(), task: impl Future<Output = T>) -> T {
        let time = async {
            loop {
                pause().await;
                self.clock.advance(Duration::from_millis(20));
            }
        };
        tokio::select! {
            biased;
            result = task => result,
            () = time => unreachable!("time does not end"),
        }
    }

    /// Checks that no answer held the key, or anything else that is kept from callers.
    pub(crate) fn check_answers(&self) {
        let answers = self.answers.lock().unwrap();
        assert!(!answers.is_empty());
        for answer in &*answers {
            assert!(!answer.body.contains(KEY) && !answer.head.contains(KEY), "{answer:?}");
        }
    }
}

/// Returns a builder of a registry with the kinds of the tests.
fn builder(database: &TestDatabase, clock: &ManualClock, url: &PublicUrl) -> RegistryBuilder {
    database
        .builder()
        .clock(Arc::new(clock.clone()))
        .inbound(Arc::new(PublicEndpoint::new(url.clone())))
        .settings(Arc::new(PageSettings::new()))
        .own_kinds(Arc::new(DeclaredKinds::new()))
        .kind(acme())
        .kind(login())
        .kind(tool())
        .kind(metered())
        .machine(machine())
}
