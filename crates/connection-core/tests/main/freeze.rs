//! A freeze stops every use and every release in every process, and keeps the connection alive.

use std::time::Duration;

use connection_contract::{Kind, Liveness};
use connection_core::{
    Agent, AgentError, Audience, Connection, ConnectionRegistry, Error, ExtensionHandle, Frozen, Limits, NewAgentToken,
    RequestBody,
};
use connection_rules::Rules;

use crate::{
    acme::{Acme, KIND},
    agents::issued,
    extension_kit::{acme_extension, keys_are_accounts, secret_name},
    extension_statements::Counted,
    renewing::Renewals,
    sql,
    test_host::{World, connected, on_postgres},
};

const BOUND: Duration = Duration::from_millis(500);

/// A connection that a person, an extension and an agent use.
pub(crate) struct Used {
    pub(crate) world: World,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Connection,
    pub(crate) issues: ExtensionHandle,
    pub(crate) agent: Agent,
}

impl Used {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        keys_are_accounts(&world);
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let issues = registry.extensions().handle(acme_extension("issues")).unwrap();
        registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
        let agent = registry.agents().create("deploy").await.unwrap();
        agent.grant(connection.id()).rules(Rules::ask()).await.unwrap();
        Self { world, registry, connection, issues, agent }
    }

    /// Returns the codes of the uses that are refused, by their names. A use that works has none.
    pub(crate) async fn refusals(&self) -> Vec<(&'static str, &'static str)> {
        let connection = &self.connection;
        let issues = &self.issues;
        let of_agent = connection.for_agent(self.agent.id());
        let token = issued(&self.agent).await;
        let caller = self.registry.authenticate_agent(&token, Audience::Doors).await.unwrap().unwrap();
        let requirement = acme_extension("issues").requirement;
        let results = [
            ("send", get(connection).await),
            ("open", open(connection).await),
            ("release", connection.with_access_token(async |_| ()).await),
            ("extension send", issues.send(request(connection).await).await.map(drop)),
            ("extension release", issues.with_access_token(&requirement, async |_| ()).await),
            ("inject", issues.inject(None).await.map(drop)),
            ("environment", issues.environment(None).await.map(drop)),
            ("agent", self.agent.granted(connection.id()).await.map(drop)),
            ("token of an agent", caller.granted(connection.id()).await.map(drop)),
            ("agent send", get(&of_agent).await),
            ("agent open", open(&of_agent).await),
        ];
        results.into_iter().filter_map(|(name, result)| Some((name, result.err()?.code()))).collect()
    }
}

async fn request(connection: &Connection) -> connection_contract::HttpRequest {
    connection.request("GET", "/things").await.unwrap()
}

pub(crate) async fn get(connection: &Connection) -> Result<(), Error> {
    connection.send(request(connection).await).await.map(drop)
}

async fn open(connection: &Connection) -> Result<(), Error> {
    let answer = connection.open(request(connection).await, RequestBody::whole("body")).await?;
    answer.bytes(1_000).await.map(drop)
}

const ALL_USES: [&str; 11] = [
    "send",
    "open",
    "release",
    "extension send",
    "extension release",
    "inject",
    "environment",
    "agent",
    "token of an agent",
    "agent send",
    "agent open",
];
const AGENTS: [&str; 4] = ["agent", "token of an agent", "agent send", "agent open"];

#[tokio::test]
async fn what_is_frozen_is_neither_used_nor_handed_out_until_it_is_thawed() {
    let it = Used::new().await;
    assert_eq!(it.refusals().await, [], "the control");
    for what in [
        Frozen::Connection(it.connection.id()),
        Frozen::Owner("local".to_owned()),
        Frozen::Kind(KIND),
        Frozen::All,
        Frozen::Agent(it.agent.id()),
    ] {
        let froze = it.registry.freezes().by("ada").freeze(what.clone()).await.unwrap();
        assert_eq!((&froze.what, froze.was_frozen), (&what, false));
        assert!(it.registry.freezes().freeze(what.clone()).await.unwrap().was_frozen);
        let requests = it.world.server.requests().len();
        let refused = it.refusals().await;
        assert!(refused.iter().all(|(_, code)| *code == "frozen"), "{what}: {refused:?}");
        let refused: Vec<_> = refused.into_iter().map(|(name, _)| name).collect();
        match what {
            Frozen::Agent(_) => assert_eq!(refused, AGENTS),
            // A permit does not know the kind of the connection.
            Frozen::Kind(_) => assert_eq!(refused.len(), ALL_USES.len() - 2, "{refused:?}"),
            _ => {
                assert_eq!(refused, ALL_USES, "{what}");
                assert_eq!(it.world.server.requests().len(), requests, "nothing left");
            }
        }
        let thawed = it.registry.freezes().by("ada").thaw(what.clone()).await.unwrap();
        assert_eq!((thawed.was_frozen, thawed.still.len()), (true, 0));
        assert!(!it.registry.freezes().thaw(what).await.unwrap().was_frozen);
        assert_eq!(it.refusals().await, []);
    }
    it.registry.close().await;
}

#[tokio::test]
async fn the_error_says_what_is_frozen_and_how_to_thaw_it() {
    let it = Used::new().await;
    let id = it.connection.id();
    it.registry.freezes().freeze(Frozen::Connection(id)).await.unwrap();
    let error = get(&it.connection).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the connection {id} is frozen"));
    assert_eq!(error.remedy().unwrap(), format!("thaw it with `connections thaw --connection {id}`"));
    it.registry.freezes().freeze(Frozen::All).await.unwrap();
    let error = get(&it.connection).await.unwrap_err();
    assert_eq!(error.to_string(), "everything is frozen");
    assert_eq!(error.remedy().unwrap(), "thaw it with `connections thaw --all`");
    let thawed = it.registry.freezes().thaw(Frozen::Connection(id)).await.unwrap();
    assert_eq!((thawed.was_frozen, thawed.still), (true, vec![Frozen::All]));
    assert_eq!(get(&it.connection).await.unwrap_err().code(), "frozen");
    it.registry.close().await;
}

#[tokio::test]
async fn a_freeze_concerns_nothing_else() {
    let it = Used::new().await;
    let other = connected(&it.registry, "key-2").await;
    let bob = it.registry.owner("bob").unwrap();
    let of_bob = connected(&bob, "key-3").await;
    let freezes = || it.registry.freezes();
    freezes().freeze(Frozen::Connection(it.connection.id())).await.unwrap();
    assert!(get(&other).await.is_ok() && get(&of_bob).await.is_ok());
    freezes().freeze(Frozen::Kind(Kind::from_static("another"))).await.unwrap();
    freezes().freeze(Frozen::Owner("carol".to_owned())).await.unwrap();
    assert!(get(&other).await.is_ok() && get(&of_bob).await.is_ok());
    freezes().freeze(Frozen::Owner("local".to_owned())).await.unwrap();
    assert!(get(&other).await.is_err() && get(&of_bob).await.is_ok());
    it.registry.close().await;
}

#[tokio::test]
async fn an_owner_freezes_and_thaws_nothing_of_another_owner() {
    let it = Used::new().await;
    let bob = it.registry.owner("bob").unwrap();
    let id = it.connection.id();
    let refused = bob.freezes().freeze(Frozen::Connection(id)).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
    let refused = bob.freezes().freeze(Frozen::Agent(it.agent.id())).await.unwrap_err();
    assert!(matches!(refused, Error::Agent(AgentError::Unknown(_))), "{refused:?}");
    it.registry.freezes().freeze(Frozen::Connection(id)).await.unwrap();
    assert!(!bob.freezes().thaw(Frozen::Connection(id)).await.unwrap().was_frozen);
    assert_eq!(get(&it.connection).await.unwrap_err().code(), "frozen");
    assert_eq!(bob.freezes().list().await.unwrap(), []);
    assert_eq!(bob.freezes().changes().await.unwrap(), []);
    assert_eq!(it.registry.freezes().list().await.unwrap().len(), 1);
    assert_eq!(bob.freezes().list_all().await.unwrap().len(), 1);
    let wrong = it.registry.freezes().freeze(Frozen::Owner(String::new())).await.unwrap_err();
    assert!(matches!(wrong, Error::InvalidOwner(_)), "{wrong:?}");
    it.registry.close().await;
}

#[tokio::test]
async fn refreshes_and_verifications_go_on() {
    let it = Renewals::new().await;
    it.registry.freezes().freeze(Frozen::All).await.unwrap();
    it.expire().await;
    assert_eq!(it.send().await.unwrap_err().code(), "frozen");
    it.connection.refresh().await.unwrap();
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    it.registry.freezes().thaw(Frozen::All).await.unwrap();
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-2".to_owned()));
    it.registry.close().await;
}

/// The first process caches rows as a host does.
#[tokio::test]
async fn a_freeze_in_one_process_stops_another_one_when_it_returns() {
    let it = Used::new().await;
    let keeping = it.world.builder().limits(Limits::new().hot_rows(BOUND)).kind(Acme::default());
    let first = keeping.open().await.unwrap();
    let connection = first.connection(it.connection.id()).await.unwrap();
    for what in [Frozen::Connection(connection.id()), Frozen::All] {
        get(&connection).await.unwrap();
        let froze = it.registry.freezes().freeze(what.clone()).await.unwrap();
        assert!(froze.in_force.is_everywhere(), "{:?}", froze.in_force);
        assert_eq!(get(&connection).await.unwrap_err().code(), "frozen", "{what}");
        it.registry.freezes().thaw(what).await.unwrap();
        it.world.clock.advance(BOUND);
    }
    // The process that freezes stops at once.
    first.freezes().freeze(Frozen::All).await.unwrap();
    assert_eq!(get(&connection).await.unwrap_err().code(), "frozen");
    first.close().await;
    it.registry.close().await;
}

/// On PostgreSQL the statements run on threads that all tests share.
#[tokio::test]
async fn a_use_decides_from_memory_and_a_change_costs_one_statement() {
    if on_postgres() {
        return;
    }
    let on = Counted::new().await;
    let connection = connected(&on.registry, "one").await;
    let used = async || get(&connection).await.unwrap();
    used().await;
    assert_eq!(on.takes(used).await.0, 0);
    let other = on.another(Acme::default()).await;
    other.freezes().freeze(Frozen::Kind(Kind::from_static("another"))).await.unwrap();
    on.world.clock.advance(BOUND);
    used().await;
    assert_eq!(on.takes(used).await.0, 0);
}

#[tokio::test]
async fn who_froze_and_thawed_what_and_when_is_on_record() {
    let it = Used::new().await;
    let id = it.connection.id();
    let agent = Frozen::Agent(it.agent.id());
    it.registry.freezes().by("ada").freeze(Frozen::Connection(id)).await.unwrap();
    it.world.clock.advance(Duration::from_secs(60));
    it.registry.freezes().freeze(agent.clone()).await.unwrap();
    let listed = it.registry.freezes().list().await.unwrap();
    let line = |freeze: &connection_core::Freeze| {
        let by = freeze.by.as_ref().map(ToString::to_string);
        (freeze.what.clone(), freeze.owner.clone(), by)
    };
    let owner = Some("local".to_owned());
    let expected = [(Frozen::Connection(id), owner.clone(), Some("ada".to_owned())), (agent.clone(), owner, None)];
    assert_eq!(listed.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(listed[1].at.unwrap().seconds() - listed[0].at.unwrap().seconds(), 60);
    it.registry.freezes().by("bea").thaw(Frozen::Connection(id)).await.unwrap();
    let changes = it.registry.freezes().changes().await.unwrap();
    let line = |change: &connection_core::FreezeChange| (change.what.clone(), change.is_freeze);
    let expected = [(Frozen::Connection(id), false), (agent.clone(), true), (Frozen::Connection(id), true)];
    assert_eq!(changes.iter().map(line).collect::<Vec<_>>(), expected);
    let kinds = "SELECT kind || ' ' || body FROM connection_event WHERE kind IN ('frozen', 'thawed') ORDER BY seq";
    let expected = [
        format!(r#"frozen {{"by":"ada","what":"connection:{id}"}}"#),
        format!(r#"frozen {{"what":"{agent}"}}"#),
        format!(r#"thawed {{"by":"bea","what":"connection:{id}"}}"#),
    ];
    assert_eq!(sql::texts(&it.world.database(), kinds).await, expected);
    assert_eq!(it.registry.events().history(id, None).await.unwrap().broken_at, None);
    it.registry.close().await;
}

#[tokio::test]
async fn the_answer_lists_the_secrets_that_were_handed_out_before() {
    let it = Used::new().await;
    let requirement = acme_extension("issues").requirement;
    it.connection.with_access_token(async |_| ()).await.unwrap();
    for _ in 0..2 {
        it.world.clock.advance(Duration::from_secs(60));
        it.issues.with_access_token(&requirement, async |_| ()).await.unwrap();
    }
    let last = it.world.now();
    let bob = it.registry.owner("bob").unwrap();
    let of_bob = connected(&bob, "key-3").await;
    of_bob.with_access_token(async |_| ()).await.unwrap();
    for (what, expected) in [
        (Frozen::Connection(it.connection.id()), 2),
        (Frozen::Owner("local".to_owned()), 2),
        (Frozen::Kind(KIND), 3),
        (Frozen::Kind(Kind::from_static("another")), 0),
        (Frozen::All, 3),
        (Frozen::Agent(it.agent.id()), 0),
    ] {
        let froze = it.registry.freezes().freeze(what.clone()).await.unwrap();
        assert_eq!((froze.released.len(), froze.has_older), (expected, false), "{what}");
    }
    let froze = it.registry.freezes().freeze(Frozen::Connection(it.connection.id())).await.unwrap();
    let [of_issues, of_host] = &froze.released[..] else { panic!("{froze:?}") };
    assert_eq!((of_issues.times, of_issues.last_at.seconds(), of_host.times), (2, last, 1));
    assert_eq!(of_issues.extension.as_ref().map(ToString::to_string).as_deref(), Some("issues"));
    assert_eq!((&*of_host.name, &of_host.extension), ("accessToken", &None));
    assert!(of_issues.remedy().starts_with("revoke it at the provider"), "{}", of_issues.remedy());
    it.registry.close().await;
}

#[tokio::test]
async fn a_removed_agent_or_connection_leaves_a_harmless_entry() {
    let it = Used::new().await;
    let id = it.connection.id();
    it.registry.freezes().freeze(Frozen::Agent(it.agent.id())).await.unwrap();
    it.registry.freezes().freeze(Frozen::Connection(id)).await.unwrap();
    assert!(it.registry.agents().remove("deploy").await.unwrap().was_there);
    let agent = it.registry.agents().create("deploy").await.unwrap();
    let other = connected(&it.registry, "key-2").await;
    agent.grant(other.id()).await.unwrap();
    it.registry.remove(id).await.unwrap();
    assert!(agent.granted(other.id()).await.is_ok());
    assert!(it.registry.freezes().thaw(Frozen::Connection(id)).await.unwrap().was_frozen);
    assert!(it.registry.freezes().thaw(Frozen::Agent(it.agent.id())).await.unwrap().was_frozen);
    agent.new_token(NewAgentToken::new("a", Audience::Doors)).await.unwrap();
    it.registry.close().await;
}
