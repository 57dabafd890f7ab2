//! Secrets that an agent gets itself, for a program that asks for a credential.

use std::time::Duration;

use connection_contract::{HelperProtocol, Origin, Secret, host};
use connection_core::{
    Agent, AgentCaller, Connection, ConnectionId, ConnectionRegistry, Door, Error, Frozen, Teardown,
};
use connection_rules::Rules;

use crate::{
    acme::{API, Acme, KIND},
    extension_kit::keys_are_accounts,
    sql,
    test_host::{World, connected, connected_as},
    uses_kit::lines,
};

const GIT: &str = "https://git.acme.example";
/// The terms of a kind that answers git for one host, and for another one.
const FORMER: &str = "request.base = \"https://api.acme.example\"\nhelpers.git.hosts = \"git.acme.example\"\n";
const OTHER: &str = "request.base = \"https://api.acme.example\"\nhelpers.git.hosts = \"git.evil.example\"\n";

/// An agent with a grant of a connection.
struct Granted {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    agent: Agent,
    caller: AgentCaller,
}

impl Granted {
    async fn new(rules: Rules) -> Self {
        let world = World::new().await;
        keys_are_accounts(&world);
        let registry = world.acme().await;
        Self::on(world, registry, rules).await
    }

    async fn on(world: World, registry: ConnectionRegistry, rules: Rules) -> Self {
        let connection = connected(&registry, "key-1").await;
        let agent = registry.agents().create("deploy").await.unwrap();
        agent.grant(connection.id()).rules(rules).await.unwrap();
        let caller = agent.caller(Door::Helper);
        Self { world, registry, connection, agent, caller }
    }

    /// Asks as git does for an address.
    async fn git(&self, address: &str) -> Result<(String, String), Error> {
        let origin = host::origin(address);
        let released = ask(&self.registry, &self.caller, self.connection.id(), HelperProtocol::Git, origin.as_ref()).await?;
        Ok((released.0.unwrap(), released.1))
    }
}

async fn ask(
    registry: &ConnectionRegistry,
    caller: &AgentCaller,
    connection: ConnectionId,
    protocol: HelperProtocol,
    origin: Option<&Origin>,
) -> Result<(Option<String>, String), Error> {
    let released = registry.for_agent(caller).credential(connection, protocol, origin).await?;
    Ok((released.user, text(&released.secret)))
}

fn text(secret: &Secret) -> String {
    secret.expose_str().unwrap().to_owned()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn releasing() -> Rules {
    Rules::nothing().with_release(true)
}

#[tokio::test]
async fn a_secret_is_handed_out_only_if_the_grant_says_so() {
    let it = Granted::new(Rules::everything()).await;
    assert_eq!(code(it.git(GIT).await), "not_released");
    it.agent.grant(it.connection.id()).rules(releasing()).await.unwrap();
    assert_eq!(it.git(GIT).await.unwrap(), ("key-1".to_owned(), "key-1".to_owned()));
    let other = connected(&it.registry, "key-2").await;
    let origin = host::origin(GIT);
    let refused = ask(&it.registry, &it.caller, other.id(), HelperProtocol::Git, origin.as_ref()).await;
    assert_eq!(code(refused), "not_granted");
    // A grant without a rule still sends nothing.
    assert_eq!(it.agent.grants().await.unwrap()[0].rules.words()[0], "may send nothing");
    it.registry.close().await;
}

#[tokio::test]
async fn a_program_gets_the_secret_for_the_hosts_of_the_kind_alone() {
    let it = Granted::new(releasing()).await;
    for address in [
        "https://git.acme.example.evil.example",
        "https://evil.example/git.acme.example",
        "https://git.acme.example:8443",
        "https://git.acme.example@evil.example",
        "http://git.acme.example",
        "https://x.git.acme.example",
        "https://api.acme.example",
    ] {
        let refused = it.git(address).await.unwrap_err();
        assert!(["denied", "invalid_request"].contains(&refused.code()), "{address}: {refused}");
    }
    assert!(it.git("https://git.acme.example/acme/site.git").await.is_ok());
    // Cargo gets it for the origin of the base address, since the kind names no host.
    let id = it.connection.id();
    for (address, expected) in [(API, Ok("Bearer key-1")), (GIT, Err("denied"))] {
        let got = ask(&it.registry, &it.caller, id, HelperProtocol::Cargo, host::origin(address).as_ref()).await;
        let got = got.map(|(user, secret)| {
            assert_eq!(user, None);
            secret
        });
        assert_eq!(got.as_deref().map_err(Error::code), expected, "{address}");
    }
    let aws = ask(&it.registry, &it.caller, id, HelperProtocol::Aws, None).await.unwrap();
    assert_eq!(aws, (Some(format!("key of {API}")), "key-1".to_owned()));
    let docker = ask(&it.registry, &it.caller, id, HelperProtocol::Docker, host::origin(GIT).as_ref()).await;
    assert_eq!(code(docker), "not_supported");
    it.registry.close().await;
}

#[tokio::test]
async fn a_connection_with_another_base_address_answers_for_that_one_alone() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let base = "https://acme.corp.example/api";
    let policy = world.policy().endpoint("https://acme.corp.example", &world.server.origin()).unwrap();
    let registry = world.builder().http(policy).kind(Acme::default()).open().await.unwrap();
    let connection = connected_as(&registry, &KIND, &[("accessToken", "key-1"), ("apiBaseUrl", base)]).await;
    let agent = registry.agents().create("deploy").await.unwrap();
    agent.grant(connection.id()).rules(releasing()).await.unwrap();
    let caller = agent.caller(Door::Helper);
    let of = async |address: &str| {
        ask(&registry, &caller, connection.id(), HelperProtocol::Git, host::origin(address).as_ref()).await
    };
    assert_eq!(code(of(GIT).await), "denied");
    assert!(of(base).await.is_ok());
    registry.close().await;
}

#[tokio::test]
async fn a_release_and_a_refusal_are_on_record() {
    let it = Granted::new(Rules::everything()).await;
    assert_eq!(code(it.git(GIT).await), "not_released");
    it.agent.grant(it.connection.id()).rules(releasing()).await.unwrap();
    it.git(GIT).await.unwrap();
    let address = format!("{API}/mcp");
    it.registry.for_agent(&it.caller).headers(it.connection.id(), &address).await.unwrap();
    let on_record = lines(&it.registry).await;
    let expected =
        ["deploy helper  for git: not_granted", "deploy helper accessToken for git: released", "deploy helper header authorization for headers: released"];
    assert_eq!(on_record, expected);
    let bodies = "SELECT body FROM connection_event WHERE kind = 'secret_released' ORDER BY seq";
    let events = sql::texts(&it.world.database(), bodies.to_owned()).await;
    let event: serde_json::Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!((&event["agent"], &event["name"], &event["program"], &event["origin"]), (&"deploy".into(), &"accessToken".into(), &"git".into(), &GIT.into()));
    assert!(!events.join("").contains("key-1"));
    // A freeze names what still works.
    for what in [Frozen::Agent(it.agent.id()), Frozen::Connection(it.connection.id())] {
        let froze = it.registry.freezes().freeze(what).await.unwrap();
        let names: Vec<_> = froze.released.iter().map(|of| (of.name.as_str(), of.times)).collect();
        assert_eq!(names, [("accessToken", 1), ("header authorization", 1)], "{froze:?}");
        assert!(froze.released.iter().all(|of| of.agent.as_ref().is_some_and(|agent| agent.to_string() == "deploy")));
    }
    it.registry.close().await;
}

#[tokio::test]
async fn what_ends_a_grant_ends_the_release() {
    let it = Granted::new(releasing()).await;
    let id = it.connection.id();
    it.git(GIT).await.unwrap();
    for what in [Frozen::Agent(it.agent.id()), Frozen::Connection(id), Frozen::All] {
        it.registry.freezes().freeze(what.clone()).await.unwrap();
        assert_eq!(code(it.git(GIT).await), "frozen", "{what}");
        it.registry.freezes().thaw(what).await.unwrap();
    }
    it.agent.grant(id).rules(Rules::everything()).await.unwrap();
    assert_eq!(code(it.git(GIT).await), "not_released");
    it.agent.grant(id).rules(releasing()).expires(Duration::from_secs(60)).await.unwrap();
    it.git(GIT).await.unwrap();
    it.world.clock.advance(Duration::from_secs(60));
    assert_eq!(code(it.git(GIT).await), "grant_ended");
    it.agent.grant(id).rules(releasing()).await.unwrap();
    it.agent.revoke(id).await.unwrap();
    assert_eq!(code(it.git(GIT).await), "not_granted");
    it.agent.grant(id).rules(releasing()).await.unwrap();
    it.git(GIT).await.unwrap();
    it.registry.agents().remove("deploy").await.unwrap();
    assert_eq!(code(it.git(GIT).await), "unknown_agent");
    it.registry.close().await;
}

#[tokio::test]
async fn a_grant_that_is_edited_to_release_a_secret_is_refused() {
    let it = Granted::new(Rules::everything()).await;
    let rules = Rules::everything().with_release(true).to_value();
    sql::run(&it.world.database(), format!("UPDATE connection_agent_grant SET rules = '{rules}'")).await;
    assert_eq!(code(it.git(GIT).await), "row_changed");
    it.registry.close().await;
}

#[tokio::test]
async fn other_hosts_than_the_agreed_ones_wait_for_a_person() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.open(Acme::under(FORMER)).await;
    let it = Granted::on(world, registry, releasing()).await;
    it.git(GIT).await.unwrap();
    it.registry.kinds().replace(Acme::under(OTHER)).unwrap();
    assert_eq!(code(it.git(GIT).await), "kind_changed");
    let headers = it.registry.for_agent(&it.caller).headers(it.connection.id(), API).await;
    assert_eq!(code(headers), "kind_changed");
    // Everything else goes on.
    let connection = it.registry.connection(it.connection.id()).await.unwrap();
    assert!(!connection.info().kind_changed);
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    let change = it.registry.kinds().changed().await.unwrap().remove(0);
    assert!(!change.stops_use);
    it.registry.kinds().accept(&change).await.unwrap();
    it.git(GIT).await.unwrap();
    // A removal revokes the credential, whether or not such a change was accepted.
    it.registry.kinds().replace(Acme::under(FORMER)).unwrap();
    assert_eq!(it.registry.remove(it.connection.id()).await.unwrap().teardown, Teardown::Revoked);
    it.registry.close().await;
}

#[tokio::test]
async fn headers_are_those_of_a_request_to_an_address_of_the_connection() {
    let it = Granted::new(releasing()).await;
    let id = it.connection.id();
    let address = format!("{API}/mcp");
    let headers = it.registry.for_agent(&it.caller).headers(id, &address).await.unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    assert_eq!(headers, [("authorization", "Bearer key-1".to_owned())]);
    let elsewhere = it.registry.for_agent(&it.caller).headers(id, "https://evil.example/mcp").await;
    assert_eq!(code(elsewhere), "denied");
    it.agent.grant(id).rules(Rules::everything()).await.unwrap();
    assert_eq!(code(it.registry.for_agent(&it.caller).headers(id, &address).await), "not_released");
    it.registry.close().await;
}

#[tokio::test]
async fn connections_that_answer_are_found_whether_or_not_they_may_release() {
    let it = Granted::new(Rules::everything()).await;
    let other = connected(&it.registry, "key-2").await;
    it.agent.grant(other.id()).rules(releasing()).await.unwrap();
    let origin = host::origin(GIT);
    let found = async |protocol: Option<HelperProtocol>, origin: Option<&Origin>| {
        let found = it.registry.for_agent(&it.caller).answering(protocol, origin).await.unwrap();
        found.into_iter().map(|of| (of.connection.id, of.releases, of.user)).collect::<Vec<_>>()
    };
    let of_both = |one: Option<&str>, two: Option<&str>| {
        let (one, two) = (one.map(str::to_owned), two.map(str::to_owned));
        let mut both = vec![(it.connection.id(), false, one), (other.id(), true, two)];
        both.sort();
        both
    };
    let sorted = async |protocol, origin| {
        let mut all = found(protocol, origin).await;
        all.sort();
        all
    };
    assert_eq!(sorted(Some(HelperProtocol::Git), origin.as_ref()).await, of_both(Some("key-1"), Some("key-2")));
    let aws = format!("key of {API}");
    assert_eq!(sorted(Some(HelperProtocol::Aws), None).await, of_both(Some(&aws), Some(&aws)));
    assert_eq!(sorted(None, host::origin(API).as_ref()).await, of_both(None, None));
    assert_eq!(found(None, origin.as_ref()).await, []);
    assert_eq!(found(Some(HelperProtocol::Docker), origin.as_ref()).await, []);
    it.registry.close().await;
}

/// A person re-authorizes the connection while the program waits: it gets the new secret, and the record has its account.
#[tokio::test]
async fn a_release_is_of_the_credential_that_is_on_record() {
    let it = Granted::new(releasing()).await;
    let kept = it.registry.connection(it.connection.id()).await.unwrap();
    // This handle and the rows in memory are those of the former credential.
    kept.send(kept.request("GET", "/things").await.unwrap()).await.unwrap();
    let other = it.world.acme().await;
    crate::reauthorize::reauthorized(&other.connection(it.connection.id()).await.unwrap(), "key-1 new").await;
    other.close().await;
    assert_eq!(it.git(GIT).await.unwrap().1, "key-1 new");
    it.registry.close().await;
}

/// A change of the revocation alone says nothing about programs.
#[tokio::test]
async fn another_revocation_stops_no_release() {
    const REVOKES: &str = "request.base = \"https://api.acme.example\"\noauth2.revocation = \"https://api.acme.example/old\"\n\
                           helpers.git.hosts = \"git.acme.example\"\n";
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.open(Acme::under(FORMER)).await;
    let it = Granted::on(world, registry, releasing()).await;
    it.registry.kinds().replace(Acme::under(REVOKES)).unwrap();
    it.git(GIT).await.unwrap();
    it.registry.close().await;
}

/// The control for the lines about programs: without them, nothing else differs, and the connection is used.
#[tokio::test]
async fn a_kind_that_answers_no_programs_any_more_is_used_as_before() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.open(Acme::under(FORMER)).await;
    let it = Granted::on(world, registry, releasing()).await;
    let bare = FORMER.lines().next().unwrap().to_owned() + "\n";
    it.registry.kinds().replace(Acme::under(&*bare.leak())).unwrap();
    let connection = it.registry.connection(it.connection.id()).await.unwrap();
    assert!(!connection.info().kind_changed);
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    it.registry.close().await;
}
