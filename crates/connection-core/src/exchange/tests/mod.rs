//! Tests of exchanges of a connection, on both engines, against a provider on loopback that records every request.
#![cfg(feature = "workspace-tests")]

mod durable;
mod endings;
mod killed;
mod locked;
mod replay;
mod rescue;
mod signs;
mod takeover;

use std::{ops::Deref, path::PathBuf, sync::Arc, time::Duration};

use connection_contract::{
    Clock as _, HttpError, HttpRequest, HttpResponse, Kind, RefreshSemantics, Secret, Spend, SpendService as _,
    Timestamp, host,
};
use connection_egress::{AllowedOrigin, Egress, NamedBy};
use connection_faults::{
    server::{Reply, TestServer},
    sql,
    test_database::TestDatabase,
};

use super::{ConnectionSpends, ExchangeKey, Spender, Uncertain};
use crate::{
    ConnectionId, ConnectionRegistry, Error, HttpPolicy, KeyFile, ManualClock, RegistryBuilder, StoreError,
    registry::Systems,
    store::rows::{AccountRow, AccountState, ExchangeRow},
};

const AUTH: &str = "https://auth.example";
const START: i64 = 1_800_000_000;
const KIND: Kind = Kind::from_static("acme");

/// One machine, with a database and a provider.
struct World {
    database: TestDatabase,
    clock: ManualClock,
    server: TestServer,
}

impl Deref for World {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.database
    }
}

impl World {
    /// Returns a world on each engine. The provider answers with `reply`.
    async fn each(reply: impl Fn(&str) -> Reply + Clone + Send + Sync + 'static) -> Vec<Self> {
        let mut worlds = Vec::new();
        for database in TestDatabase::each().await {
            worlds.push(Self::on(database, reply.clone()).await);
        }
        worlds
    }

    async fn on(database: TestDatabase, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let server = TestServer::start(reply).await;
        Self { database, clock: ManualClock::at(Timestamp::from_seconds(START)), server }
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Opens a registry as a process on this machine.
    async fn open(&self) -> ConnectionRegistry {
        self.builder().state_directory(self.state()).open().await.unwrap()
    }

    /// Opens a registry as a process of another node, which finds no files.
    async fn open_without_state(&self) -> ConnectionRegistry {
        self.builder().state_directory(self.directory.path().join("elsewhere")).open().await.unwrap()
    }

    fn builder(&self) -> RegistryBuilder {
        let builder = ConnectionRegistry::builder().store(self.address());
        let http = HttpPolicy::new().endpoint(AUTH, &self.server.origin()).unwrap().timeout(Duration::from_secs(30));
        builder.key(KeyFile::at(self.key())).http(http).clock(Arc::new(self.clock.clone()))
    }

    /// Runs SQL outside of the program.
    async fn sql(&self, sql: &str) {
        sql::script(&self.database(), sql).await;
    }

    /// Returns the time of the database's clock as an SQL expression.
    fn time_of_database(&self) -> &'static str {
        match self.postgres {
            Some(_) => "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)",
            None => "unixepoch()",
        }
    }

    /// Lets time pass for callers, and makes the records older by the same time: they have the database's clock, which
    /// the tests do not set.
    async fn passes(&self, seconds: i64) {
        self.ages(seconds).await;
        self.clock.advance(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Makes the records older by this number of seconds.
    async fn ages(&self, seconds: i64) {
        let older = format!(
            "UPDATE connection_exchange SET begun_at = begun_at - {seconds}, sent_at = sent_at - {seconds}, \
             seen_at = seen_at - {seconds}, concluded_at = concluded_at - {seconds}"
        );
        self.sql(&older).await;
    }

    /// Makes some writes fail: `event` is the statement, such as `UPDATE`, and `when` is a condition on the row.
    async fn refuse(&self, event: &str, when: &str) {
        sql::refuse(&self.database(), &format!("{event} ON connection_exchange {when}")).await;
    }

    async fn mend(&self) {
        sql::refuse_no_more(&self.database()).await;
    }

    fn times_asked(&self) -> usize {
        self.server.requests().len()
    }
}

/// Inserts a connection to spend for.
async fn connection(systems: &Arc<Systems>) -> ConnectionId {
    let id = ConnectionId::from(systems.ground.ids.next());
    let account = AccountRow {
        id,
        owner: "local".into(),
        kind: KIND.to_string(),
        profile_id: None,
        label: id.to_string(),
        account_id: "1".into(),
        account_label: "ada".into(),
        is_default: false,
        config: "{}".into(),
        terms: None,
        revision: 1,
        generation: 1,
        next_generation: 2,
        state: AccountState::Active,
        created_at: START,
        updated_at: START,
    };
    systems.ground.store.write(move |tx| Box::pin(async move { tx.insert_account(&account).await })).await.unwrap();
    id
}

async fn remove(systems: &Arc<Systems>, id: ConnectionId) {
    systems.ground.store.write(move |tx| Box::pin(async move { tx.delete_account(id).await })).await.unwrap();
}

/// Returns the spending requests of one refresh of a connection's first credential.
fn spends(systems: &Arc<Systems>, id: ConnectionId, semantics: RefreshSemantics) -> ConnectionSpends {
    spends_of(systems, id, semantics, 1)
}

fn spends_of(
    systems: &Arc<Systems>,
    id: ConnectionId,
    semantics: RefreshSemantics,
    generation: i64,
) -> ConnectionSpends {
    let origin = host::base_url(AUTH).unwrap().origin().clone();
    let egress = Egress { origins: vec![AllowedOrigin { origin, named: NamedBy::Nobody }], ..Egress::default() };
    let deadline = (systems.ground.clock.passed() + Duration::from_secs(40)).into();
    ConnectionSpends::new(
        &systems.exchange,
        Spender { id, owner: "local", kind: &KIND, generation, spends_restored: false, passed: &[] },
        semantics,
        egress,
        deadline,
    )
}

/// Sends one request that spends this token, and returns its result.
async fn spend(spends: &ConnectionSpends, token: &str) -> Result<HttpResponse, HttpError> {
    let base = host::base_url(AUTH).unwrap();
    let request = HttpRequest::post(&base, "/token").form("refresh_token", token);
    spends.send_once(Spend::new("refresh_token", &Secret::from(token)), request).await
}

/// Runs a whole refresh that spends this token. Returns what the plugin sees and the state of an exchange without a
/// clear answer.
async fn refresh(
    systems: &Arc<Systems>,
    id: ConnectionId,
    semantics: RefreshSemantics,
    token: &str,
) -> (Result<String, HttpError>, Option<Uncertain>) {
    let spends = spends(systems, id, semantics);
    let answer = spend(&spends, token).await.map(|answer| text_of(&answer));
    (answer, spends.uncertain())
}

/// Runs a refresh whose result cannot be recorded, and returns the error.
async fn stopped(systems: &Arc<Systems>, id: ConnectionId, token: &str) -> Error {
    let spends = spends(systems, id, RefreshSemantics::Strict);
    tokio::select! {
        answer = spend(&spends, token) => panic!("the plugin saw {answer:?}"),
        () = until_stopped(&spends) => spends.stopped().unwrap(),
    }
}

/// Waits until nothing can be recorded.
async fn until_stopped(spends: &ConnectionSpends) {
    while !spends.is_stopped() {
        tokio::task::yield_now().await;
    }
}

/// Returns the status and the body.
fn text_of(answer: &HttpResponse) -> String {
    format!("{} {}", answer.status(), answer.body().expose_str().unwrap())
}

async fn settle(systems: &Arc<Systems>, spends: &ConnectionSpends) -> Result<(), StoreError> {
    let keys = spends.keys();
    systems.ground.store.write(move |tx| Box::pin(async move { tx.settle_exchanges(&keys).await.map(drop) })).await
}

fn key(systems: &Arc<Systems>, id: ConnectionId, token: &str) -> ExchangeKey {
    ExchangeKey::of_connection(&systems.ground.sealer, id, &Spend::new("refresh_token", &Secret::from(token)))
}

/// Returns the row of the exchange that spends this token.
async fn row(systems: &Arc<Systems>, id: ConnectionId, token: &str) -> Option<ExchangeRow> {
    let key = key(systems, id, token);
    systems.ground.store.reader().await.unwrap().exchange(key).await.unwrap()
}

fn now(world: &World) -> i64 {
    world.clock.now().seconds()
}
