//! The clients of agents: a code is exchanged once, refresh tokens have one successor, and everything ends with the agent.

use std::{collections::BTreeSet, time::Duration};

use connection_contract::Timestamp;
use connection_core::{
    AccessTokenFault, AdmittedClient, ModelClient, AgentError, Audience, ClientCredential, ClientProof, ClientTokens, ConnectionRegistry,
    Error,
};
use connection_rules::Rules;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;

use crate::{
    sql,
    test_host::{START, World, connected},
};

const PROOF: ClientProof = ClientProof { client: [1; 32], code: [2; 32] };
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

fn client() -> ModelClient {
    ModelClient::new("https://app.example/client.json", "Example", "app.example")
}

async fn admitted(registry: &ConnectionRegistry, name: &str) -> AdmittedClient {
    registry.agents().admit(name, client(), PROOF).await.unwrap()
}

async fn exchanged(registry: &ConnectionRegistry, code: &SecretString, proof: ClientProof) -> Option<ClientTokens> {
    registry.client_tokens(ClientCredential::Code { code: code.clone(), proof }).await.unwrap()
}

async fn renewed(registry: &ConnectionRegistry, token: &SecretString) -> Option<ClientTokens> {
    let credential = ClientCredential::Refresh { token: token.clone(), client: PROOF.client };
    registry.client_tokens(credential).await.unwrap()
}

async fn is_accepted(registry: &ConnectionRegistry, tokens: &ClientTokens) -> bool {
    registry.authenticate_agent(&tokens.access.text, Audience::Mcp).await.unwrap().is_some()
}

fn text(secret: &SecretString) -> &str {
    secret.expose_secret()
}

#[tokio::test]
async fn a_client_gets_an_agent_of_its_own_with_the_grants_that_were_given() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await.id();
    let admit = registry.agents().admit("example", client(), PROOF).grant(connection, Rules::ask()).expires(8 * HOUR);
    let AdmittedClient { agent, code, .. } = admit.await.unwrap();
    let grants = agent.grants().await.unwrap();
    let ends = agent.made_at().after(8 * 3600);
    assert_eq!((grants.len(), grants[0].connection, grants[0].expires_at), (1, connection, ends));
    assert_eq!(agent.client(), Some(client()));
    assert_eq!(agent.signed_in().await.unwrap(), None, "it has not exchanged its code");

    let of_page = registry.access_tokens().exchange_code(&code).await;
    assert!(matches!(of_page, Err(Error::AccessToken(AccessTokenFault::CodeUnknown))), "it is none of a page: {of_page:?}");
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    assert_eq!(agent.signed_in().await.unwrap().unwrap().ends_at, ends);
    let caller = registry.authenticate_agent(&tokens.access.text, Audience::Mcp).await.unwrap().unwrap();
    assert_eq!(caller.agent().id(), agent.id());
    assert!(caller.granted(connection).await.is_ok());
    assert!(registry.authenticate_agent(&tokens.access.text, Audience::Doors).await.unwrap().is_none());
    assert!(registry.authenticate_agent(&tokens.refresh, Audience::Mcp).await.unwrap().is_none(), "a refresh token");
    assert!(registry.access_tokens().authenticate(&tokens.refresh).await.unwrap().is_none());
    assert!(renewed(&registry, &tokens.access.text).await.is_none(), "an access token is no refresh token");
    assert!(renewed(&registry, &tokens.refresh).await.is_some());
    assert!(agent.tokens().await.unwrap().is_empty(), "a person made none");
    assert_eq!(tokens.access.token.expires_at, agent.made_at().after(3600));
    registry.close().await;
}

#[tokio::test]
async fn nothing_is_created_if_a_grant_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let of_bob = connected(&registry.owner("bob").unwrap(), "key-1").await.id();
    let admit = registry.agents().admit("example", client(), PROOF).grant(of_bob, Rules::everything());
    assert!(matches!(admit.await, Err(Error::NotFound(_))));
    assert!(registry.agents().list().await.unwrap().is_empty());
    for (name, time) in [("Example", HOUR), ("example", Duration::ZERO), ("example", 366 * 24 * HOUR)] {
        let refused = registry.agents().admit(name, client(), PROOF).expires(time).await.unwrap_err();
        assert!(matches!(refused, Error::Agent(AgentError::InvalidName | AgentError::InvalidExpiry)), "{refused:?}");
    }
    assert!(registry.agents().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_code_serves_its_client_alone_within_a_minute() {
    let world = World::new().await;
    let registry = world.acme().await;
    for wrong in [ClientProof { client: [9; 32], ..PROOF }, ClientProof { code: [9; 32], ..PROOF }] {
        let AdmittedClient { agent, code, .. } = admitted(&registry, "example").await;
        assert!(exchanged(&registry, &code, wrong).await.is_none());
        assert!(exchanged(&registry, &code, PROOF).await.is_none(), "it was in the wrong hands");
        assert_eq!(agent.signed_in().await.unwrap(), None);
        registry.agents().remove("example").await.unwrap();
    }
    let late = admitted(&registry, "example").await;
    world.clock.advance(Duration::from_secs(60));
    assert!(exchanged(&registry, &late.code, PROOF).await.is_none());
    for other in ["", "cn_", "cn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(exchanged(&registry, &other.into(), PROOF).await.is_none(), "{other}");
    }
}

/// RFC 6749, section 4.1.2.
#[tokio::test]
async fn a_code_that_comes_twice_ends_what_was_given_for_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { agent, code, .. } = admitted(&registry, "example").await;
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    assert!(is_accepted(&registry, &tokens).await);
    assert!(exchanged(&registry, &code, PROOF).await.is_none());
    world.clock.advance(SECOND);
    assert!(!is_accepted(&registry, &tokens).await);
    assert!(renewed(&registry, &tokens.refresh).await.is_none());
    assert_eq!(agent.signed_in().await.unwrap(), None);

    // A page that is opened again later, with the address that holds the code, ends nothing.
    let AdmittedClient { code, .. } = admitted(&registry, "other").await;
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    assert!(exchanged(&registry, &code, PROOF).await.is_none());
    assert!(is_accepted(&registry, &tokens).await);
}

#[tokio::test]
async fn processes_that_renew_at_the_same_time_get_the_same_refresh_token() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { code, .. } = admitted(&registry, "example").await;
    let first = exchanged(&registry, &code, PROOF).await.unwrap().refresh;
    let registries = [world.acme().await, world.acme().await];
    let renewals = (0..8).map(|index| {
        let (registry, first) = (registries[index % 2].clone(), first.clone());
        Handle::current().spawn(async move { renewed(&registry, &first).await.unwrap() })
    });
    let renewals: Vec<_> = renewals.collect();
    let mut refresh = BTreeSet::new();
    let mut access = BTreeSet::new();
    for renewal in renewals {
        let tokens = renewal.await.unwrap();
        assert!(is_accepted(&registry, &tokens).await);
        refresh.insert(text(&tokens.refresh).to_owned());
        access.insert(text(&tokens.access.text).to_owned());
    }
    assert_eq!((refresh.len(), access.len()), (1, 8));

    // A later one of the family is given meanwhile, and the first one still returns its own successor.
    let second: SecretString = refresh.pop_first().unwrap().into();
    let third = renewed(&registry, &second).await.unwrap().refresh;
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(text(&renewed(&registry, &first).await.unwrap().refresh), text(&second));
    world.clock.advance(SECOND);
    assert!(renewed(&registry, &first).await.is_none(), "a minute is over");
    let fourth = renewed(&registry, &third).await.expect("the family goes on").refresh;
    assert!(renewed(&registry, &fourth).await.is_some());
}

#[tokio::test]
async fn a_client_renews_until_its_end_and_no_longer() {
    let world = World::new().await;
    let registry = world.acme().await;
    let admit = registry.agents().admit("example", client(), PROOF).expires(3 * HOUR);
    let AdmittedClient { agent, code, .. } = admit.await.unwrap();
    let mut tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(40 * 60));
        tokens = renewed(&registry, &tokens.refresh).await.unwrap();
        assert!(is_accepted(&registry, &tokens).await);
    }
    assert_eq!(tokens.access.token.expires_at, agent.made_at().after(3 * 3600), "no token outlives the client");
    let rows = "SELECT count(*) FROM connection_access_token";
    assert!(sql::number(&world.database(), rows).await.unwrap() < 9, "old rows are deleted");
    world.clock.advance(Duration::from_secs(20 * 60));
    assert!(!is_accepted(&registry, &tokens).await);
    assert!(renewed(&registry, &tokens.refresh).await.is_none());
    assert_eq!(agent.signed_in().await.unwrap(), None);
}

#[tokio::test]
async fn a_client_ends_with_its_agent() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { code, .. } = admitted(&registry, "example").await;
    let unused = admitted(&registry, "unused").await.code;
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    assert!(registry.agents().remove("example").await.unwrap().was_there && registry.agents().remove("unused").await.unwrap().was_there);
    assert!(!is_accepted(&registry, &tokens).await);
    assert!(renewed(&registry, &tokens.refresh).await.is_none());
    assert!(exchanged(&registry, &unused, PROOF).await.is_none());
}

#[tokio::test]
async fn a_client_that_signs_in_again_can_replace_its_former_agent() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { agent: former, code, .. } = admitted(&registry, "example").await;
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    let found = registry.agents().of_client(&client().id).await.unwrap();
    assert_eq!(found.map(|agent| agent.id()), Some(former.id()));
    assert!(registry.agents().of_client("https://other.example/client.json").await.unwrap().is_none());
    assert!(registry.owner("bob").unwrap().agents().of_client(&client().id).await.unwrap().is_none());

    let taken = registry.agents().admit("example", client(), PROOF).await.unwrap_err();
    assert!(matches!(taken, Error::Agent(AgentError::Exists(_))), "{taken:?}");
    let again = registry.agents().admit("example", client(), PROOF).replacing(former.clone()).await.unwrap();
    assert_ne!(again.agent.id(), former.id());
    assert!(!is_accepted(&registry, &tokens).await);
    assert!(renewed(&registry, &tokens.refresh).await.is_none());
    assert!(exchanged(&registry, &again.code, PROOF).await.is_some());
    // A client that was away until its end is the same when it comes back.
    world.clock.advance(48 * HOUR);
    let found = registry.agents().of_client(&client().id).await.unwrap().unwrap();
    assert_eq!((found.id(), found.signed_in().await.unwrap()), (again.agent.id(), None));
    // The former agent is gone, and cannot be removed twice.
    let third = registry.agents().admit("third", client(), PROOF).replacing(former).await.unwrap();
    assert_eq!(third.agent.name(), "third");
    let bob = registry.owner("bob").unwrap();
    let foreign = bob.agents().admit("bob", client(), PROOF).replacing(third.agent.clone()).await.unwrap_err();
    assert!(matches!(foreign, Error::Agent(AgentError::Unknown(_))), "{foreign:?}");
    assert_eq!(registry.agents().get("third").await.unwrap().id(), third.agent.id());
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
}

#[tokio::test]
async fn a_row_that_was_edited_gives_no_tokens() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { code, agent, .. } = admitted(&registry, "example").await;
    let tokens = exchanged(&registry, &code, PROOF).await.unwrap();
    sql::run(&world.database(), "UPDATE connection_access_token SET expires_at = expires_at + 1000000").await;
    let credential = ClientCredential::Refresh { token: tokens.refresh.clone(), client: PROOF.client };
    let error = registry.client_tokens(credential).await.unwrap_err();
    assert!(matches!(error, Error::Row(_)), "{error:?}");
    world.clock.advance(SECOND);
    assert!(!is_accepted(&registry, &tokens).await);
    assert_eq!(agent.signed_in().await.unwrap(), None);
    assert!(!registry.events().edited_rows().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_renews_without_pause_is_refused_for_a_minute_and_leaves_few_rows() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { code, .. } = admitted(&registry, "example").await;
    let first = exchanged(&registry, &code, PROOF).await.unwrap().refresh;
    let renew = async || {
        let credential = ClientCredential::Refresh { token: first.clone(), client: PROOF.client };
        registry.client_tokens(credential).await
    };
    for _ in 1..20 {
        assert!(renew().await.unwrap().is_some());
    }
    for _ in 0..3 {
        let refused = renew().await.unwrap_err();
        assert!(matches!(refused, Error::AccessToken(AccessTokenFault::TooManyRenewals)), "{refused:?}");
    }
    let rows = "SELECT count(*) FROM connection_access_token";
    assert_eq!(sql::number(&world.database(), rows).await, Some(23), "the code, two refresh tokens and twenty tokens");
    world.clock.advance(Duration::from_secs(59));
    assert!(renew().await.is_err());
    world.clock.advance(SECOND);
    let late = renew().await.unwrap();
    assert!(late.is_none(), "a refresh token with a successor is good for a minute");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_client_out() {
    let world = World::new().await;
    let registry = world.acme().await;
    let AdmittedClient { code, .. } = admitted(&registry, "example").await;
    let mut refresh = exchanged(&registry, &code, PROOF).await.unwrap().refresh;
    for _ in 1..20 {
        refresh = renewed(&registry, &refresh).await.unwrap().refresh;
    }
    world.clock.jump_to(Timestamp::from_seconds(START - 3600));
    assert!(renewed(&registry, &refresh).await.is_some());
}
