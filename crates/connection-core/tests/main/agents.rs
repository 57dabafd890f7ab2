//! Agents: who creates and removes them, and which of their tokens are accepted where.

use std::time::Duration;

use connection_core::{
    AccessTokenFault, Agent, AgentError, Audience, ConnectionRegistry, Error, NewAccessToken, NewAgentToken, Role,
    RowFault,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    sql,
    test_host::{START, World},
};

const HOUR: Duration = Duration::from_hours(1);

fn doors() -> NewAgentToken {
    NewAgentToken::new("on the build server", Audience::Doors)
}

pub(crate) async fn issued(agent: &Agent) -> SecretString {
    agent.new_token(doors()).await.unwrap().text
}

pub(crate) async fn is_accepted(registry: &ConnectionRegistry, text: &SecretString) -> bool {
    registry.authenticate_agent(text, Audience::Doors).await.unwrap().is_some()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> AgentError {
    match result.unwrap_err() {
        Error::Agent(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_agent_has_a_name_of_its_own_until_it_is_removed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let agents = registry.agents();
    let deploy = agents.create("deploy").await.unwrap();
    assert_eq!((deploy.name(), deploy.owner_name(), deploy.made_at().seconds()), ("deploy", "local", START));
    let taken = refused(agents.create("deploy").await);
    assert!(matches!(taken, AgentError::Exists(_)), "{taken:?}");
    assert_eq!((taken.code(), taken.remedy().is_some()), ("agent_exists", true));
    let longest = "a".repeat(64);
    for name in ["0", "a-b-0", "-", &longest] {
        agents.create(name).await.unwrap();
    }
    let longer = "a".repeat(65);
    for name in ["", "A", "a b", "a_b", "a.b", "\u{e4}", "a\0", "agent:x", &longer] {
        assert!(matches!(refused(agents.create(name).await), AgentError::InvalidName), "{name}");
        assert!(matches!(refused(agents.get(name).await), AgentError::Unknown(_)), "{name}");
        assert!(!agents.remove(name).await.unwrap().was_there, "{name}");
    }
    let listed: Vec<_> = agents.list().await.unwrap().iter().map(|agent| agent.name().to_owned()).collect();
    assert_eq!(listed, ["-", "0", "a-b-0", &longest, "deploy"]);
    assert_eq!(agents.get("deploy").await.unwrap().id(), deploy.id());

    assert!(agents.remove("deploy").await.unwrap().was_there);
    assert!(!agents.remove("deploy").await.unwrap().was_there);
    assert!(matches!(refused(agents.get("deploy").await), AgentError::Unknown(_)));
    let other = agents.create("deploy").await.unwrap();
    assert_ne!(other.id(), deploy.id());
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    registry.close().await;
}

#[tokio::test]
async fn the_agents_of_another_owner_do_not_exist() {
    let world = World::new().await;
    let registry = world.acme().await;
    let (ada, bob) = (registry.owner("ada").unwrap(), registry.owner("bob").unwrap());
    let of_ada = ada.agents().create("deploy").await.unwrap();
    assert!(matches!(refused(bob.agents().get("deploy").await), AgentError::Unknown(_)));
    assert!(!bob.agents().remove("deploy").await.unwrap().was_there);
    assert!(bob.agents().list().await.unwrap().is_empty());
    let of_bob = bob.agents().create("deploy").await.unwrap();
    assert_ne!(of_ada.id(), of_bob.id());
    let text = issued(&of_bob).await;
    let caller = registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap();
    assert_eq!((caller.agent().id(), caller.agent().owner_name()), (of_bob.id(), "bob"));
    let id = of_bob.tokens().await.unwrap()[0].id;
    assert!(!of_ada.revoke_token(id).await.unwrap().was_there, "the token is of another agent");
    assert!(is_accepted(&registry, &text).await);
    registry.close().await;
}

#[tokio::test]
async fn a_token_of_an_agent_is_accepted_for_its_audience_until_it_ends() {
    let world = World::new().await;
    let registry = world.acme().await;
    let agent = registry.agents().create("deploy").await.unwrap();
    let issued = agent.new_token(doors().lifetime(HOUR)).await.unwrap();
    let token = &issued.token;
    assert_eq!((token.role, token.agent, token.audience), (Role::Agent, Some(agent.id()), Some(Audience::Doors)));
    assert_eq!((token.owner.as_deref(), &token.extension, &token.link), (Some("local"), &None, &None));
    let caller = registry.authenticate_agent(&issued.text, Audience::Doors).await.unwrap().unwrap();
    assert_eq!((caller.token(), caller.agent().id()), (Some(token), agent.id()));
    assert!(registry.authenticate_agent(&issued.text, Audience::Mcp).await.unwrap().is_none());
    let mcp = agent.new_token(NewAgentToken::new("a model", Audience::Mcp)).await.unwrap();
    assert!(registry.authenticate_agent(&mcp.text, Audience::Mcp).await.unwrap().is_some());
    assert!(!is_accepted(&registry, &mcp.text).await);
    assert!(!is_accepted(&registry, &SecretString::from("cn_")).await);

    let listed = agent.tokens().await.unwrap();
    assert_eq!(listed.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["on the build server", "a model"]);
    assert!(listed[0].last_used_at.is_some());
    assert!(agent.revoke_token(mcp.token.id).await.unwrap().was_there);
    assert!(!agent.revoke_token(mcp.token.id).await.unwrap().was_there);
    assert!(registry.authenticate_agent(&mcp.text, Audience::Mcp).await.unwrap().is_none());

    world.clock.advance(HOUR - Duration::from_secs(1));
    assert!(is_accepted(&registry, &issued.text).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!is_accepted(&registry, &issued.text).await);
    let stored = sql::everything(&world.database()).await;
    let text = &issued.text.expose_secret().as_bytes()[3..];
    assert!(!stored.windows(text.len()).any(|window| window == text));
    registry.close().await;
}

/// Hosts authenticate the callers of their API with `AccessTokens`, which must not know the tokens of agents.
#[tokio::test]
async fn a_token_of_an_agent_is_no_token_of_the_api() {
    let world = World::new().await;
    let registry = world.acme().await;
    let tokens = registry.access_tokens();
    let agent = registry.agents().create("deploy").await.unwrap();
    let issued = agent.new_token(doors()).await.unwrap();
    assert_eq!(tokens.authenticate(&issued.text).await.unwrap(), None);
    assert_eq!(tokens.get(issued.token.id).await.unwrap(), None);
    assert_eq!(tokens.list(None, None, 9).await.unwrap().items, []);
    assert!(tokens.exchange_code(&issued.text).await.is_err());
    assert!(tokens.exchange_link(&issued.text).await.is_err());
    // The role is the smallest one, and nobody else gets it.
    assert!(Role::ALL.iter().all(|role| Role::Agent < *role));
    assert_eq!(Role::parse("agent"), None);
    for new in [NewAccessToken::new("a", Role::Agent), NewAccessToken::new("a", Role::Agent).owner("local")] {
        for error in [tokens.create(new.clone()).await.unwrap_err(), tokens.create_code(new).await.unwrap_err()] {
            assert!(matches!(error, Error::AccessToken(AccessTokenFault::NotForAgents)), "{error:?}");
        }
    }
    // The tokens of others are not those of agents.
    for role in Role::ALL {
        let other = tokens.create(NewAccessToken::new("a", role).owner("local")).await.unwrap();
        assert!(!is_accepted(&registry, &other.text).await, "{role:?}");
    }
    registry.close().await;
}

#[tokio::test]
async fn an_agent_has_at_most_a_hundred_tokens_which_take_no_place_of_others() {
    let world = World::new().await;
    let registry = world.acme().await;
    let agent = registry.agents().create("deploy").await.unwrap();
    for _ in 0..connection_core::AccessTokens::MAX_TOKENS {
        agent.new_token(doors()).await.unwrap();
    }
    let error = agent.new_token(doors()).await.unwrap_err();
    assert!(matches!(error, Error::AccessToken(AccessTokenFault::TooMany { .. })), "{error:?}");
    let other = registry.agents().create("other").await.unwrap();
    other.new_token(doors()).await.unwrap();
    registry.access_tokens().create(NewAccessToken::new("a", Role::Read).owner("local")).await.unwrap();
    registry.close().await;
}

/// The tokens of another agent, and those of the same name for another owner, are the control.
#[tokio::test]
async fn the_tokens_of_a_removed_agent_serve_no_later_one_of_its_name() {
    let world = World::new().await;
    let registry = world.acme().await;
    let process = world.acme().await;
    let former = registry.agents().create("deploy").await.unwrap();
    let removed = [issued(&former).await, issued(&former).await];
    let other = registry.agents().create("other").await.unwrap();
    let of_bob = registry.owner("bob").unwrap().agents().create("deploy").await.unwrap();
    let kept = [issued(&other).await, issued(&of_bob).await];
    assert!(process.agents().remove("deploy").await.unwrap().was_there);
    let check = async || {
        for registry in [&registry, &process] {
            for text in &removed {
                assert!(!is_accepted(registry, text).await);
            }
            for text in &kept {
                assert!(is_accepted(registry, text).await);
            }
        }
    };
    check().await;
    let later = registry.agents().create("deploy").await.unwrap();
    check().await;
    // A handle from before does not act for the new agent.
    assert!(matches!(refused(former.new_token(doors()).await), AgentError::Unknown(_)));
    assert!(former.tokens().await.unwrap().iter().all(|token| token.revoked_at.is_some()));
    assert!(is_accepted(&registry, &issued(&later).await).await);
    registry.close().await;
    process.close().await;
}

#[tokio::test]
async fn an_agent_that_was_edited_or_restored_by_hand_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let database = world.database();
    let agent = registry.agents().create("deploy").await.unwrap();
    let text = issued(&agent).await;
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_agent").await;
    let put_back = async || {
        sql::run(&database, "UPDATE connection_agent SET (owner, name, made_at, removed_at, mark) = \
                             (SELECT owner, name, made_at, removed_at, mark FROM kept)").await;
    };
    let edited = async |what: &str, fault: RowFault| {
        assert!(!is_accepted(&registry, &text).await, "{what}");
        let found = registry.events().edited_rows().await.unwrap();
        assert!(found.iter().any(|error| error.table == "connection_agent" && error.fault == fault), "{what}");
        assert!(registry.agents().list().await.unwrap().is_empty(), "{what}");
    };
    for change in ["name = 'other'", "owner = 'eve'", "made_at = 7", "removed_at = 7"] {
        sql::run(&database, format!("UPDATE connection_agent SET {change}")).await;
        edited(change, RowFault::Edited).await;
        put_back().await;
        assert!(is_accepted(&registry, &text).await, "as it was before {change}");
    }
    // A person removes an agent that somebody marked as removed, and what it had ends.
    sql::run(&database, "UPDATE connection_agent SET removed_at = 7").await;
    assert!(registry.agents().remove("deploy").await.unwrap().was_there);
    assert_eq!(registry.events().edited_rows().await.unwrap(), []);
    assert!(agent.tokens().await.unwrap().iter().all(|token| token.revoked_at.is_some()));
    put_back().await;
    edited("removed and restored", RowFault::Outdated).await;
    assert!(matches!(agent.new_token(doors()).await.unwrap_err(), Error::Row(_)));
    assert!(matches!(registry.agents().get("deploy").await.unwrap_err(), Error::Row(_)));
    let error = registry.agents().create("deploy").await.unwrap_err();
    assert!(error.remedy().unwrap().contains("remove the agent"), "{error:?}");
    assert!(registry.agents().remove("deploy").await.unwrap().was_there);
    registry.agents().create("deploy").await.unwrap();
    assert!(!is_accepted(&registry, &text).await);
    registry.close().await;
}

#[tokio::test]
async fn a_token_of_an_agent_that_was_edited_by_hand_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let database = world.database();
    let agent = registry.agents().create("deploy").await.unwrap();
    let other = registry.agents().create("other").await.unwrap();
    let id = sql::id_of(other.id());
    let changes = [
        format!("agent_id = {id}"),
        "agent_id = NULL, audience = NULL, role = 'admin'".into(),
        "agent_id = NULL".into(),
        "audience = 'mcp'".into(),
        "audience = NULL".into(),
        "role = 'admin'".into(),
        "expires_at = expires_at + 1".into(),
    ];
    for change in changes {
        let text = issued(&agent).await;
        assert!(is_accepted(&registry, &text).await);
        sql::run(&database, format!("UPDATE connection_access_token SET {change}")).await;
        for audience in Audience::ALL {
            assert!(registry.authenticate_agent(&text, audience).await.unwrap().is_none(), "{change}");
        }
        assert_eq!(registry.access_tokens().authenticate(&text).await.unwrap(), None, "{change}");
        let found = registry.events().edited_rows().await.unwrap();
        assert!(found.iter().any(|error| error.table == "connection_access_token"), "{change}: {found:?}");
        sql::run(&database, "DELETE FROM connection_access_token").await;
    }
    // The token of a caller does not become the token of an agent.
    let caller = registry.access_tokens().create(NewAccessToken::new("a", Role::Use).owner("local")).await.unwrap();
    let change = format!("agent_id = {id}, audience = 'doors', role = 'agent'");
    sql::run(&database, format!("UPDATE connection_access_token SET {change}")).await;
    assert!(!is_accepted(&registry, &caller.text).await);
    registry.close().await;
}
