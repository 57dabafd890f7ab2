//! Attacks with names and tokens: those of other programs, of other owners, and of what is gone.

use std::time::Duration;

use connection_core::{Audience, Frozen, NewAgentToken, NewSetupLink, Role};
use connection_rules::Rules;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::kit::Site;
use crate::{
    doors::new_token,
    doors_seats::everything,
    extensions::{extension_token, manifest},
    kinds::ACME,
};

const UNKNOWN: (u16, &str) = (401, "unauthenticated");

/// Adds an extension with the name of the agent, for the kind of the agent's connection.
async fn extension(site: &Site) -> String {
    let mut declaration = manifest("deploy");
    declaration["connection"]["provider"] = json!("stored");
    declaration["connection"]["auth"]["secretNames"] = json!([]);
    site.world.post(&site.ada, "/extensions", json!({ "manifest": declaration })).await.ok(201);
    extension_token(&site.world.registry, "ada", "deploy").await
}

#[tokio::test]
async fn attack_01_an_extension_with_the_name_of_an_agent_at_a_door() {
    let site = Site::start().await;
    let token = extension(&site).await;
    site.tried(async |site| site.get(), async |site| site.get().bearer(&token), UNKNOWN).await;
}

#[tokio::test]
async fn attack_02_an_extension_with_the_name_of_an_agent_in_the_api() {
    let site = Site::start().await;
    let token = extension(&site).await;
    let send = async || {
        let body = json!({ "method": "GET", "path": "/objects/1" });
        site.world.post(&token, "/extensions/deploy/connections/default/send", body).await
    };
    assert_eq!(send().await.refusal(), (403, "not_granted".into()));
    assert_eq!(site.provider.requests().len(), 0);
    let grant = json!({ "connection": site.connection.to_string(), "secretNames": [] });
    site.world.post(&site.ada, "/extensions/deploy/grants", grant).await.ok(201);
    assert_eq!(send().await.ok(200)["status"], 200);
}

#[tokio::test]
async fn attack_03_the_token_of_a_removed_agent() {
    let site = Site::start().await;
    let removed = async |site: &Site| {
        site.registry.agents().remove("deploy").await.unwrap();
        site.get()
    };
    site.tried(async |site| site.get(), removed, UNKNOWN).await;
}

#[tokio::test]
async fn attack_04_the_token_of_a_removed_agent_after_another_one_has_its_name() {
    let site = Site::start().await;
    site.registry.agents().remove("deploy").await.unwrap();
    let agent = site.registry.agents().create("deploy").await.unwrap();
    agent.grant(site.connection).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
    let token = new_token(&agent, Audience::Doors).await;
    site.tried(async |site| site.get().bearer(&token), async |site| site.get(), UNKNOWN).await;
}

#[tokio::test]
async fn attack_05_the_token_of_a_removed_extension_after_another_one_has_its_name() {
    let site = Site::start().await;
    let former = extension(&site).await;
    site.world.delete(&site.ada, "/extensions/deploy").await.ok(200);
    let token = extension(&site).await;
    let grant = json!({ "connection": site.connection.to_string(), "secretNames": [] });
    site.world.post(&site.ada, "/extensions/deploy/grants", grant).await.ok(201);
    let send = async |token: &str| {
        let body = json!({ "method": "GET", "path": "/objects/1" });
        site.world.post(token, "/extensions/deploy/connections/default/send", body).await
    };
    assert_eq!(send(&former).await.refusal(), (401, "unauthenticated".into()));
    assert_eq!(site.provider.requests().len(), 0);
    assert_eq!(send(&token).await.ok(200)["status"], 200);
}

#[tokio::test]
async fn attack_06_a_revoked_token() {
    let site = Site::start().await;
    let issued = site.agent.new_token(NewAgentToken::new("leaked", Audience::Doors)).await.unwrap();
    let leaked = async |site: &Site| site.get().bearer(issued.text.expose_secret());
    let revoked = async |site: &Site| {
        assert!(site.agent.revoke_token(issued.token.id).await.unwrap().was_there);
        leaked(site).await
    };
    site.tried(leaked, revoked, UNKNOWN).await;
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_07_a_token_that_has_ended() {
    let site = Site::start().await;
    let brief = NewAgentToken::new("brief", Audience::Doors).lifetime(Duration::from_hours(1));
    let brief = site.agent.new_token(brief).await.unwrap();
    let used = async |site: &Site| site.get().bearer(brief.text.expose_secret());
    let later = async |site: &Site| {
        site.later(Duration::from_hours(1)).await;
        used(site).await
    };
    site.tried(used, later, UNKNOWN).await;
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_08_a_token_with_a_role_at_a_door() {
    let site = Site::start().await;
    for (role, owner) in [
        (Role::Admin, None),
        (Role::Admin, Some("ada")),
        (Role::Manage, Some("ada")),
        (Role::Use, Some("ada")),
        (Role::Read, Some("ada")),
    ] {
        let token = site.world.token(role, owner).await;
        site.tried(async |site| site.get(), async |site| site.get().bearer(&token), UNKNOWN).await;
    }
}

#[tokio::test]
async fn attack_09_the_token_of_a_setup_link_at_a_door() {
    let site = Site::start().await;
    let tokens = site.world.registry.access_tokens();
    let link = tokens.create_link(NewSetupLink::new("ada", "for ada", [ACME])).await.unwrap();
    let visitor = tokens.exchange_link(&link.text).await.unwrap();
    for token in [&link.text, &visitor.text] {
        let attack = async |site: &Site| site.get().bearer(token.expose_secret());
        site.tried(async |site| site.get(), attack, UNKNOWN).await;
    }
}

#[tokio::test]
async fn attack_10_a_token_for_another_audience_at_a_door() {
    let site = Site::start().await;
    let token = new_token(&site.agent, Audience::Mcp).await;
    site.tried(async |site| site.get(), async |site| site.get().bearer(&token), UNKNOWN).await;
}

#[tokio::test]
async fn attack_11_a_token_that_differs_in_its_last_letter() {
    let site = Site::start().await;
    let (kept, last) = site.token.split_at(site.token.len() - 1);
    for other in ["A", "Q", "g", "w"].iter().filter(|other| **other != last) {
        let guessed = format!("{kept}{other}");
        site.tried(async |site| site.get(), async |site| site.get().bearer(&guessed), UNKNOWN).await;
    }
}

#[tokio::test]
async fn attack_12_an_agent_widens_its_own_grant() {
    let site = Site::start().await;
    let path = format!("/agents/deploy/grants/{}", site.connection);
    let before = site.agent.grants().await.unwrap();
    let widened = site.world.put(&site.token, &path, json!({ "rules": "everything" })).await;
    assert_eq!(widened.refusal(), (401, "unauthenticated".into()));
    assert_eq!(site.agent.grants().await.unwrap(), before);
    site.refuses(site.request("GET", "/keys"), (403, "rule_denied")).await;
    site.world.put(&site.ada, &path, json!({ "rules": "everything" })).await.ok(200);
    site.passes(site.request("GET", "/keys")).await;
}

#[tokio::test]
async fn attack_13_an_agent_thaws_itself() {
    let site = Site::start().await;
    let what = Frozen::Agent(site.agent.id());
    site.registry.freezes().freeze(what.clone()).await.unwrap();
    let path = format!("/freezes/{what}");
    assert_eq!(site.world.delete(&site.token, &path).await.refusal(), (401, "unauthenticated".into()));
    site.refuses(site.get(), (403, "frozen")).await;
    assert_eq!(site.world.delete(&site.ada, &path).await.ok(200)["wasFrozen"], true);
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_14_the_connection_of_another_owner_by_its_id() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let refused = site.refuses(site.get().bearer(&bob.token), (404, "not_granted")).await;
    let unknown = site.raw("GET", "/use/0190a0b0-0000-7000-8000-000000000000/objects/1").bearer(&bob.token);
    assert_eq!(site.refuses(unknown, (404, "not_granted")).await.body, refused.body, "nobody learns that it exists");
    let own = site.world.connected_by_key(&bob.manage, "stored").await.parse().unwrap();
    bob.agent.grant(own).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
    site.passes(site.at(own, "GET", "/objects/1").bearer(&bob.token)).await;
}

#[tokio::test]
async fn attack_15_the_connection_of_another_owner_by_kind_and_label() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let named = || site.raw("GET", "/use/stored:ada/objects/1");
    site.tried(async |_| named(), async |_| named().bearer(&bob.token), (404, "not_granted")).await;
}

#[tokio::test]
async fn attack_16_a_grant_for_the_connection_of_another_owner() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let own: String = site.world.connected_by_key(&bob.manage, "stored").await;
    let grant = async |connection: String| {
        let body = json!({ "rules": "everything" });
        site.world.put(&bob.manage, &format!("/agents/thief/grants/{connection}"), body).await
    };
    assert_eq!(grant(site.connection.to_string()).await.refusal(), (404, "not_found".into()));
    assert_eq!(bob.agent.grants().await.unwrap(), []);
    site.refuses(site.get().bearer(&bob.token), (404, "not_granted")).await;
    grant(own).await.ok(200);
}

#[tokio::test]
async fn attack_17_a_token_for_the_agent_of_another_owner_by_its_name() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let body = json!({ "audience": "doors" });
    let issue = async |path: &str| site.world.post(&bob.manage, path, body.clone()).await;
    assert_eq!(issue("/agents/deploy/tokens").await.refusal(), (404, "unknown_agent".into()));
    assert_eq!(issue("/agents/deploy/tokens?owner=ada").await.refusal(), (403, "not_allowed".into()));
    assert_eq!(site.agent.tokens().await.unwrap().len(), 1);
    issue("/agents/thief/tokens").await.ok(201);
}
