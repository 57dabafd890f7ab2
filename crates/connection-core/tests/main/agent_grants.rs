//! Grants to agents: what they permit, when they end, and that nobody widens or restores one.

use std::time::Duration;

use connection_core::{
    Agent, AgentGrant, Audience, Connection, ConnectionId, ConnectionRegistry, Door, Error, Frozen, NewAgentToken,
    RowFault,
};
use connection_rules::{Effect, Profile, Request, RequestHead, RequestParts, Rules};
use serde_json::json;

use crate::{
    agents::issued,
    extension_kit::keys_are_accounts,
    own_kind_source::{self, Source, added},
    sql,
    test_host::{START, World, answers, code, connected, connected_as, on_postgres, step},
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn request(method: &str, path: &str) -> Request {
    RequestHead::read(RequestParts::new(method, path), &Profile::strict()).unwrap().streamed().unwrap()
}

fn reads() -> Rules {
    let rules = json!({
        "budget": { "requests": 500, "per": "1h" },
        "rule": [{ "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" }],
    });
    Rules::from_value(&rules).unwrap()
}

async fn effect(agent: &Agent, connection: ConnectionId, method: &str, path: &str) -> Result<Effect, Error> {
    Ok(agent.granted(connection).await?.decide(&request(method, path)).effect())
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

async fn events(world: &World, connection: &Connection) -> Vec<String> {
    let id = sql::id(connection.id());
    let sql = format!(
        "SELECT kind || ' ' || body FROM connection_event WHERE connection_id = {id} AND kind LIKE 'agent%' \
         ORDER BY seq"
    );
    sql::texts(&world.database(), sql).await
}

struct Granted {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    agent: Agent,
}

impl Granted {
    /// Creates an agent and a connection, with no grant yet.
    async fn new() -> Self {
        let world = World::new().await;
        keys_are_accounts(&world);
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let agent = registry.agents().create("deploy").await.unwrap();
        Self { world, registry, connection, agent }
    }

    async fn live(&self) -> Vec<AgentGrant> {
        let now = self.registry.clock().now();
        self.agent.grants().await.unwrap().into_iter().filter(|grant| grant.is_live(now)).collect()
    }
}

#[tokio::test]
async fn a_grant_asks_about_reads_for_a_day_unless_it_says_otherwise() {
    let Granted { world, registry, connection, agent } = Granted::new().await;
    let id = connection.id();
    assert_eq!(refused(agent.granted(id).await), "not_granted");
    let grant = agent.grant(id).await.unwrap();
    assert_eq!((grant.agent, grant.connection, &grant.rules), (agent.id(), id, &Rules::ask()));
    assert_eq!((grant.created_at.seconds(), grant.expires_at.seconds()), (START, START + 24 * 3600));
    assert_eq!(grant.budget(), None);
    for (method, expected) in [("GET", Effect::Ask), ("HEAD", Effect::Ask), ("POST", Effect::Deny)] {
        assert_eq!(effect(&agent, id, method, "/me").await.unwrap(), expected, "{method}");
    }
    world.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(effect(&agent, id, "GET", "/me").await.unwrap(), Effect::Ask);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(refused(agent.granted(id).await), "grant_ended");
    assert_eq!(agent.grants().await.unwrap(), [grant], "it is still listed");
    registry.close().await;
}

#[tokio::test]
async fn a_grant_has_the_rules_the_budget_and_the_end_that_a_person_chose() {
    let Granted { world, registry, connection, agent } = Granted::new().await;
    let id = connection.id();
    let grant = agent.grant(id).rules(reads()).expires(8 * HOUR).await.unwrap();
    assert_eq!(grant.budget().unwrap().requests, 500);
    assert_eq!(grant.expires_at.seconds(), START + 8 * 3600);
    assert_eq!(agent.grants().await.unwrap(), [grant]);
    let permit = agent.granted(id).await.unwrap();
    assert_eq!((permit.rules(), permit.expires_at()), (&reads(), permit.grant().expires_at));
    assert_eq!(effect(&agent, id, "GET", "/issues/7").await.unwrap(), Effect::Allow);
    assert_eq!(effect(&agent, id, "GET", "/keys").await.unwrap(), Effect::Deny);
    // The rules may name the end, and the call names another one.
    let ending = Rules::from_value(&json!({ "expires": "2h", "rule": [] })).unwrap();
    assert_eq!(agent.grant(id).rules(ending.clone()).await.unwrap().expires_at.seconds(), START + 2 * 3600);
    let replaced = agent.grant(id).rules(ending).expires(3 * HOUR).await.unwrap();
    assert_eq!(replaced.expires_at.seconds(), START + 3 * 3600);
    assert_eq!(agent.grants().await.unwrap(), [replaced], "a grant replaces the former one");
    assert_eq!(effect(&agent, id, "GET", "/issues/7").await.unwrap(), Effect::Deny);

    for time in [Duration::ZERO, Duration::from_millis(999), 365 * DAY + Duration::from_secs(1), Duration::MAX] {
        assert_eq!(refused(agent.grant(id).expires(time).await), "invalid_expiry", "{time:?}");
    }
    agent.grant(id).expires(365 * DAY).await.unwrap();
    assert!(agent.revoke(id).await.unwrap().was_there);
    assert!(!agent.revoke(id).await.unwrap().was_there);
    assert_eq!(refused(agent.granted(id).await), "not_granted");
    let listed = agent.grants().await.unwrap();
    assert_eq!(listed[0].revoked_at.map(|at| at.seconds()), Some(world.now()));
    registry.close().await;
}

#[tokio::test]
async fn a_grant_and_its_revocation_are_on_record() {
    let Granted { world, registry, connection, agent } = Granted::new().await;
    agent.grant(connection.id()).rules(reads()).await.unwrap();
    agent.revoke(connection.id()).await.unwrap();
    let body = json!({
        "agent": "deploy",
        "agentId": agent.id().to_string(),
        "expiresAt": START + 24 * 3600,
        "rules": reads().to_value(),
    });
    let recorded = events(&world, &connection).await;
    assert_eq!(recorded, [format!("agent_granted {body}"), format!("agent_revoked {body}")]);
    let history = registry.events().history(connection.id(), None).await.unwrap();
    assert_eq!(history.broken_at, None);
    registry.close().await;
}

#[tokio::test]
async fn a_grant_is_of_a_connection_that_the_owner_has() {
    let Granted { world: _world, registry, connection, agent } = Granted::new().await;
    let id = connection.id();
    let of_ada = registry.owner("ada").unwrap().agents().create("deploy").await.unwrap();
    assert!(matches!(of_ada.grant(id).await, Err(Error::NotFound(_))));
    let unknown: ConnectionId = "018f3b9e-7d2a-7c31-9f43-0123456789ab".parse().unwrap();
    assert!(matches!(agent.grant(unknown).await, Err(Error::NotFound(_))));
    assert_eq!(refused(of_ada.granted(id).await), "not_granted");
    assert_eq!(refused(agent.granted(unknown).await), "not_granted");
    assert!(!of_ada.revoke(id).await.unwrap().was_there);
    agent.grant(id).await.unwrap();
    let other = registry.agents().create("other").await.unwrap();
    assert_eq!(refused(other.granted(id).await), "not_granted", "the grant is of another agent");
    registry.remove(id).await.unwrap();
    assert_eq!(refused(agent.granted(id).await), "not_granted");
    assert!(agent.grants().await.unwrap().is_empty());
    assert!(matches!(agent.grant(id).await, Err(Error::NotFound(_))));
    let again = connected(&registry, "key-1").await;
    assert_eq!(refused(agent.granted(again.id()).await), "not_granted", "a later connection to the account");
    registry.close().await;
}

#[tokio::test]
async fn the_grants_of_a_removed_agent_serve_no_later_one_of_its_name() {
    let granted = Granted::new().await;
    let Granted { world, registry, connection, agent } = &granted;
    agent.grant(connection.id()).await.unwrap();
    assert_eq!(granted.live().await.len(), 1);
    let process = world.acme().await;
    assert!(process.agents().remove("deploy").await.unwrap().was_there);
    assert_eq!(refused(agent.granted(connection.id()).await), "unknown_agent");
    assert!(granted.live().await.is_empty());
    assert_eq!(events(world, connection).await.len(), 2, "the revocation is on record");
    let later = registry.agents().create("deploy").await.unwrap();
    assert_eq!(refused(later.granted(connection.id()).await), "not_granted");
    assert_eq!(refused(agent.grant(connection.id()).await), "unknown_agent", "a handle from before");
    assert!(later.grants().await.unwrap().is_empty());
    registry.close().await;
    process.close().await;
}

#[tokio::test]
async fn a_grant_does_not_survive_a_change_of_account() {
    let granted = Granted::new().await;
    let Granted { world, registry, connection, agent } = &granted;
    let other = connected(registry, "key-2").await;
    agent.grant(connection.id()).await.unwrap();
    agent.grant(other.id()).await.unwrap();
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-3")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(refused(agent.granted(connection.id()).await), "not_granted");
    assert!(agent.granted(other.id()).await.is_ok(), "the grant of another connection");
    assert_eq!(events(world, connection).await.len(), 2);
    registry.close().await;
}

/// Token, agent and grant are read together, each time.
#[tokio::test]
async fn a_caller_is_refused_after_its_token_its_agent_or_its_grant_has_ended() {
    let granted = Granted::new().await;
    let Granted { registry, connection, agent, .. } = &granted;
    let id = connection.id();
    agent.grant(id).await.unwrap();
    let text = issued(agent).await;
    let caller = async || registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap();
    let first = caller().await;
    let permit = first.granted(id).await.unwrap();
    assert_eq!(permit.decide(&request("GET", "/me")).effect(), Effect::Ask);
    agent.revoke(id).await.unwrap();
    assert_eq!(refused(first.granted(id).await), "not_granted");
    agent.grant(id).await.unwrap();
    first.granted(id).await.unwrap();
    first.check().await.unwrap();
    registry.freezes().freeze(Frozen::Agent(agent.id())).await.unwrap();
    assert_eq!(refused(first.check().await), "frozen");
    registry.freezes().thaw(Frozen::Agent(agent.id())).await.unwrap();
    // The token ends; another one of the agent is the control.
    let brief = agent.new_token(NewAgentToken::new("brief", Audience::Doors).lifetime(HOUR)).await.unwrap();
    let brief = registry.authenticate_agent(&brief.text, Audience::Doors).await.unwrap().unwrap();
    brief.granted(id).await.unwrap();
    granted.world.clock.advance(HOUR);
    assert_eq!(refused(brief.granted(id).await), "token_ended");
    first.granted(id).await.unwrap();
    assert!(agent.revoke_token(first.token().unwrap().id).await.unwrap().was_there);
    assert_eq!(refused(first.granted(id).await), "token_ended");
    assert_eq!(refused(first.check().await), "token_ended");
    let second = registry.authenticate_agent(&issued(agent).await, Audience::Doors).await.unwrap().unwrap();
    second.granted(id).await.unwrap();
    registry.agents().remove("deploy").await.unwrap();
    assert_eq!(refused(second.granted(id).await), "token_ended");
    registry.close().await;
}

#[tokio::test]
async fn an_agent_that_a_host_has_authenticated_by_itself_uses_what_is_granted_while_it_is() {
    let granted = Granted::new().await;
    let Granted { registry, connection, agent, .. } = &granted;
    let id = connection.id();
    let caller = agent.caller(Door::Mcp);
    assert!(caller.token().is_none());
    caller.check().await.unwrap();
    assert_eq!(refused(caller.granted(id).await), "not_granted");
    agent.grant(id).await.unwrap();
    assert_eq!(caller.granted(id).await.unwrap().decide(&request("GET", "/me")).effect(), Effect::Ask);
    agent.revoke(id).await.unwrap();
    assert_eq!(refused(caller.granted(id).await), "not_granted");
    agent.grant(id).await.unwrap();
    registry.agents().remove("deploy").await.unwrap();
    assert_eq!(refused(caller.granted(id).await), "unknown_agent");
    assert_eq!(refused(caller.check().await), "unknown_agent");
    registry.close().await;
}

#[tokio::test]
async fn a_grant_that_was_edited_or_restored_by_hand_permits_nothing() {
    let granted = Granted::new().await;
    let Granted { world, registry, connection, agent } = &granted;
    let id = connection.id();
    let database = world.database();
    agent.grant(id).rules(reads()).await.unwrap();
    let other = registry.agents().create("other").await.unwrap();
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_agent_grant").await;
    let put_back = async || {
        sql::run(&database, "DELETE FROM connection_agent_grant").await;
        sql::run(&database, "INSERT INTO connection_agent_grant SELECT * FROM kept").await;
    };
    let no_grant = async |agent: &Agent, what: &str, fault: RowFault| {
        let error = agent.granted(id).await.unwrap_err();
        let Error::Row(error) = error else { panic!("{what}: {error:?}") };
        assert_eq!((error.table, error.fault), ("connection_agent_grant", fault), "{what}");
        assert!(error.remedy().contains("grant it again"), "{what}");
        assert!(agent.grants().await.unwrap().is_empty(), "{what}");
        let found = registry.events().edited_rows().await.unwrap();
        assert!(found.contains(&error), "{what}: {found:?}");
    };
    let wide = Rules::everything().to_value();
    let more = reads().to_value().to_string().replace("500", "5000");
    let of_other = format!("agent_id = {}", sql::id_of(other.id()));
    let edits = [
        format!("rules = '{wide}'"),
        format!("rules = '{more}'"),
        "rules = '{}'".to_owned(),
        "rules = 'x'".to_owned(),
        "expires_at = expires_at + 1".to_owned(),
        "created_at = created_at + 1".to_owned(),
        format!("mark = CAST('x' AS {})", if on_postgres() { "BYTEA" } else { "BLOB" }),
    ];
    for edit in edits {
        sql::run(&database, format!("UPDATE connection_agent_grant SET {edit}")).await;
        no_grant(agent, &edit, RowFault::Edited).await;
        put_back().await;
        agent.granted(id).await.unwrap();
    }
    sql::run(&database, format!("UPDATE connection_agent_grant SET {of_other}")).await;
    no_grant(&other, "moved to another agent", RowFault::Edited).await;
    put_back().await;
    // An agent of another owner gains nothing by a grant that is moved to it.
    let eve = registry.owner("eve").unwrap().agents().create("eve").await.unwrap();
    let to_eve = format!("owner = 'eve', agent_id = {}", sql::id_of(eve.id()));
    sql::run(&database, format!("UPDATE connection_agent_grant SET {to_eve}")).await;
    assert_eq!(refused(eve.granted(id).await), "not_granted");
    put_back().await;
    // A narrowed grant, and a revoked one, are not restored: their marks were valid before.
    agent.grant(id).await.unwrap();
    put_back().await;
    no_grant(agent, "narrowed, and restored", RowFault::Outdated).await;
    agent.grant(id).await.unwrap();
    assert!(agent.revoke(id).await.unwrap().was_there);
    put_back().await;
    no_grant(agent, "revoked, and restored", RowFault::Outdated).await;
    sql::run(&database, "UPDATE connection_agent_grant SET revoked_at = NULL").await;
    assert!(agent.revoke(id).await.unwrap().was_there, "a restored grant can be revoked");
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    agent.grant(id).await.unwrap();
    agent.granted(id).await.unwrap();
    registry.close().await;
}

#[tokio::test]
async fn a_connection_that_is_for_an_extension_alone_is_not_granted() {
    let world = World::new().await;
    let registry = own_kind_source::builder(&world, &Source::of_text()).open().await.unwrap();
    let kind = added(&registry, "issues", "its kind").await;
    let connection = connected_as(&registry, &kind, &[("apiKey", "key-1")]).await;
    let agent = registry.agents().create("deploy").await.unwrap();
    assert_eq!(refused(agent.grant(connection.id()).await), "reserved");
    registry.close().await;
}
