//! What is taken back, narrowed or frozen is in force in every process when the call returns.
//!
//! The clock of the registries stands still, so that nothing that is kept in memory becomes too old by itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::Kind;
use connection_core::{
    Audience, Connection, ConnectionId, ConnectionRegistry, ExtensionHandle, Frozen, InForce, Limits, RequestBody,
};
use connection_rules::{RequestParts, Rules};
use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    acme::{Acme, KIND},
    agents::issued,
    extension_kit::{acme_extension, secret_name},
    sql,
    test_host::{World, connected, database_clock},
};

const BOUND: Duration = Duration::from_millis(500);
/// The number of tasks that send requests at once.
const WRITERS: usize = 100;

/// Two processes: the first one uses a connection, and the second one takes that back.
struct Stage {
    world: World,
    first: ConnectionRegistry,
    second: ConnectionRegistry,
    connection: Connection,
    text: SecretString,
    issues: ExtensionHandle,
}

fn rules(path: &str) -> Rules {
    let rule = json!({ "name": "write", "methods": ["POST"], "path": path, "effect": "allow" });
    Rules::from_value(&json!({ "rule": [rule] })).unwrap()
}

async fn keeping(world: &World) -> ConnectionRegistry {
    world.builder().limits(Limits::new().hot_rows(BOUND)).kind(Acme::default()).open().await.unwrap()
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let (first, second) = (keeping(&world).await, keeping(&world).await);
        let connection = connected(&first, "key-1").await;
        let agent = first.agents().create("deploy").await.unwrap();
        agent.grant(connection.id()).rules(rules("/**")).await.unwrap();
        let text = issued(&agent).await;
        let issues = first.extensions().handle(acme_extension("issues")).unwrap();
        first.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
        let stage = Self { world, first, second, connection, text, issues };
        // The first uses announce the process, and the second ones keep what they have read.
        for _ in 0..2 {
            assert_eq!((stage.by_agent().await, stage.by_extension().await, stage.by_host().await), ("", "", ""));
        }
        stage
    }

    /// Sends a request of the agent through the first process, and returns the code of the refusal.
    async fn by_agent(&self) -> &'static str {
        sent(&self.first, &self.text, self.connection.id(), "/things").await
    }

    async fn by_extension(&self) -> &'static str {
        // The handle knows the connection as it was.
        let request = match self.connection.request("POST", "/things").await {
            Ok(request) => request,
            Err(error) => return error.code(),
        };
        self.issues.send(request).await.map_or_else(|error| error.code(), |_| "")
    }

    async fn by_host(&self) -> &'static str {
        match self.connection.request("POST", "/things").await {
            Ok(request) => self.connection.send(request).await.map_or_else(|error| error.code(), |_| ""),
            Err(error) => error.code(),
        }
    }
}

/// Sends a request of an agent, and returns the code of the refusal.
async fn sent(registry: &ConnectionRegistry, text: &SecretString, id: ConnectionId, path: &str) -> &'static str {
    let Some(caller) = registry.authenticate_agent(text, Audience::Doors).await.unwrap() else { return "no token" };
    let parts = RequestParts::new("POST", path).header("content-type", "text/plain");
    let body = RequestBody::whole("body");
    match registry.for_agent(&caller).open(id, parts, body).await {
        Ok(answer) => answer.bytes(1 << 20).await.map_or_else(|error| error.code(), |_| ""),
        Err(error) => error.code(),
    }
}

/// Everything that a person can take back from whoever uses a connection.
#[derive(Clone, Copy, Debug)]
enum Deed {
    RevokesGrant,
    NarrowsGrant,
    RevokesToken,
    RemovesAgent,
    RemovesConnection,
    FreezesConnection,
    FreezesAgent,
    FreezesKind,
    FreezesOwner,
    FreezesAll,
    RevokesExtension,
    NarrowsExtension,
}

impl Deed {
    const ALL: [Self; 12] = [
        Self::RevokesGrant,
        Self::NarrowsGrant,
        Self::RevokesToken,
        Self::RemovesAgent,
        Self::RemovesConnection,
        Self::FreezesConnection,
        Self::FreezesAgent,
        Self::FreezesKind,
        Self::FreezesOwner,
        Self::FreezesAll,
        Self::RevokesExtension,
        Self::NarrowsExtension,
    ];

    /// Does it in the second process.
    async fn done(self, stage: &Stage) -> InForce {
        let (registry, id) = (&stage.second, stage.connection.id());
        let agent = registry.agents().get("deploy").await.unwrap();
        let frozen = async |what| registry.freezes().freeze(what).await.unwrap().in_force;
        match self {
            Self::RevokesGrant => agent.revoke(id).await.unwrap().in_force,
            Self::NarrowsGrant => agent.grant(id).rules(rules("/others")).await.unwrap().in_force,
            Self::RevokesToken => {
                let token = agent.tokens().await.unwrap()[0].id;
                agent.revoke_token(token).await.unwrap().in_force
            }
            Self::RemovesAgent => registry.agents().remove("deploy").await.unwrap().in_force,
            Self::RemovesConnection => registry.remove(id).await.unwrap().in_force,
            Self::FreezesConnection => frozen(Frozen::Connection(id)).await,
            Self::FreezesAgent => frozen(Frozen::Agent(agent.id())).await,
            Self::FreezesKind => frozen(Frozen::Kind(KIND)).await,
            Self::FreezesOwner => frozen(Frozen::Owner("local".to_owned())).await,
            Self::FreezesAll => frozen(Frozen::All).await,
            // Each use of an extension is decided by the transaction that records it.
            Self::RevokesExtension => {
                assert!(registry.extensions().revoke("issues", id).await.unwrap());
                InForce::default()
            }
            Self::NarrowsExtension => {
                registry.extensions().grant_within("issues", id, &rules("/others")).await.unwrap();
                InForce::default()
            }
        }
    }

    /// Returns the codes with which the next uses by the agent, the extension and the host are refused.
    fn refusals(self) -> [&'static str; 3] {
        match self {
            Self::RevokesGrant => ["not_granted", "", ""],
            Self::NarrowsGrant => ["rule_denied", "", ""],
            Self::RevokesToken | Self::RemovesAgent => ["no token", "", ""],
            Self::RemovesConnection => ["not_granted", "not_found", "not_found"],
            Self::FreezesAgent => ["frozen", "", ""],
            Self::FreezesConnection | Self::FreezesKind | Self::FreezesOwner | Self::FreezesAll => ["frozen"; 3],
            Self::RevokesExtension => ["", "not_granted", ""],
            Self::NarrowsExtension => ["", "rule_denied", ""],
        }
    }
}

#[tokio::test]
async fn the_next_use_in_another_process_is_refused() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let in_force = deed.done(&stage).await;
        assert!(in_force.is_everywhere(), "{deed:?}: {:?}", in_force.remaining());
        let refusals = [stage.by_agent().await, stage.by_extension().await, stage.by_host().await];
        assert_eq!(refusals, deed.refusals(), "{deed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_begins_after_the_return_reaches_the_provider() {
    let deeds = Deed::ALL.into_iter().filter(|deed| !deed.refusals()[0].is_empty());
    for deed in deeds {
        let stage = Stage::new().await;
        let has_returned = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (registry, text, id) = (stage.first.clone(), stage.text.clone(), stage.connection.id());
            let has_returned = has_returned.clone();
            writers.spawn(async move {
                loop {
                    let is_late = has_returned.load(SeqCst);
                    let code = sent(&registry, &text, id, if is_late { "/late" } else { "/early" }).await;
                    if is_late || !code.is_empty() {
                        return code;
                    }
                }
            });
        }
        let before = stage.world.server.requests().len();
        stage.world.server.until_asked(before + WRITERS).await;
        assert!(deed.done(&stage).await.is_everywhere(), "{deed:?}");
        has_returned.store(true, SeqCst);
        while let Some(code) = writers.join_next().await {
            assert_ne!(code.unwrap(), "", "{deed:?}");
        }
        let late = stage.world.server.requests().iter().filter(|request| request.contains("/late")).count();
        assert_eq!(late, 0, "{deed:?}");
    }
}

/// Announces a process that looks for nothing.
async fn announced(world: &World) {
    let now = database_clock();
    let row = format!(
        "INSERT INTO connection_presence (id, name, seen_at, confirmed) \
         VALUES ('other', 'process 7 on elsewhere', {now}, 0)"
    );
    assert_eq!(sql::run(&world.database(), row).await, 1);
}

#[tokio::test]
async fn a_process_that_does_not_answer_is_named_and_one_that_is_gone_is_not_waited_for() {
    let stage = Stage::new().await;
    let agent = stage.second.agents().get("deploy").await.unwrap();
    announced(&stage.world).await;
    let revoked = agent.revoke(stage.connection.id()).await.unwrap();
    assert!(revoked.was_there && !revoked.in_force.is_everywhere());
    assert_eq!(
        revoked.in_force.remaining().iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["process 7 on elsewhere"]
    );
    // The process that answers has it in force all the same.
    assert_eq!(stage.by_agent().await, "not_granted");
    let earlier = "UPDATE connection_presence SET seen_at = seen_at - 60 WHERE id = 'other'";
    assert_eq!(sql::run(&stage.world.database(), earlier).await, 1);
    assert!(stage.second.agents().remove("deploy").await.unwrap().in_force.is_everywhere());
}

#[tokio::test]
async fn nobody_waits_for_a_process_that_is_closed_or_has_used_nothing() {
    let world = World::new().await;
    let (first, second, third) = (keeping(&world).await, keeping(&world).await, keeping(&world).await);
    let connection = connected(&first, "key-1").await;
    third.connection(connection.id()).await.unwrap().request("GET", "/things").await.unwrap();
    let present = async || sql::number(&world.database(), "SELECT COUNT(*) FROM connection_presence").await;
    assert_eq!(present().await, Some(0), "only a use announces a process");
    announced(&world).await;
    let earlier = "UPDATE connection_presence SET seen_at = seen_at - 61 WHERE id = 'other'";
    assert_eq!(sql::run(&world.database(), earlier).await, 1);
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    assert_eq!(present().await, Some(1), "the row of a process that was killed is deleted");
    let known = second.store().processes().await.unwrap();
    assert_eq!(known.iter().map(|process| process.program).collect::<Vec<_>>(), [Some(1)]);
    first.close().await;
    assert_eq!(present().await, Some(0));
    second.freezes().freeze(Frozen::Kind(Kind::from_static("other"))).await.unwrap();
    let removal = tokio::time::timeout(Duration::from_secs(30), second.remove(connection.id())).await.unwrap();
    assert!(removal.unwrap().in_force.is_everywhere());
}

/// An editor of the database can only let the call return early: what is kept ends by its age.
pub(crate) async fn edited() {
    let stage = Stage::new().await;
    for edit in ["DELETE FROM connection_presence", "UPDATE connection_withdrawal SET number = 1000000"] {
        sql::run(&stage.world.database(), edit).await;
    }
    let agent = stage.second.agents().get("deploy").await.unwrap();
    agent.revoke(stage.connection.id()).await.unwrap();
    sql::run(&stage.world.database(), "UPDATE connection_withdrawal SET number = 0").await;
    stage.world.clock.advance(BOUND);
    assert_eq!(stage.by_agent().await, "not_granted");
}
