//! Attacks by somebody who can change every row of the database about grants, tokens and budgets, and has no key.

use std::time::Duration;

use connection_core::{Agent, Audience, NewAgentToken};
use connection_faults::sql;
use connection_rules::Rules;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::kit::{Site, budget};
use crate::{doors::new_token, doors_seats::everything, extension_rules, http::Request};

const CHANGED: (u16, &str) = (403, "row_changed");
const OUTDATED: (u16, &str) = (403, "row_outdated");
const UNKNOWN: (u16, &str) = (401, "unauthenticated");
const SPENT: (u16, &str) = (429, "budget_spent");

/// Keeps a copy of the rows of a table.
async fn keep(site: &Site, table: &str) {
    site.world.change(format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
}

/// Replaces the rows of a table by the copies.
async fn put_back(site: &Site, table: &str) {
    site.world.change(format!("DELETE FROM {table}")).await;
    site.edited(format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
}

fn wide() -> Rules {
    Rules::from_value(&everything()).unwrap()
}

/// Creates another agent of Ada, which may send every request through the connection.
async fn trusted(site: &Site) -> Agent {
    let agent = site.registry.agents().create("trusted").await.unwrap();
    agent.grant(site.connection).rules(wide()).await.unwrap();
    agent
}

fn keys(site: &Site) -> Request {
    site.request("GET", "/keys")
}

#[tokio::test]
async fn attack_18_a_grant_that_is_widened_in_the_database() {
    let site = Site::start().await;
    let widened = async |site: &Site| {
        let rules = wide().to_value();
        site.edited(format!("UPDATE connection_agent_grant SET rules = '{rules}'")).await;
        keys(site)
    };
    site.tried(async |site| site.get(), widened, CHANGED).await;
    site.agent.grant(site.connection).rules(wide()).await.unwrap();
    site.passes(keys(&site)).await;
}

#[tokio::test]
async fn attack_19_a_grant_that_is_prolonged_in_the_database() {
    let site = Site::start().await;
    let prolonged = async |site: &Site| {
        site.edited("UPDATE connection_agent_grant SET expires_at = expires_at + 864000").await;
        site.later(Duration::from_hours(24)).await;
        site.get()
    };
    site.tried(async |site| site.get(), prolonged, CHANGED).await;
}

#[tokio::test]
async fn attack_20_a_narrowed_grant_whose_former_row_is_put_back() {
    let site = Site::start().await;
    keep(&site, "connection_agent_grant").await;
    put_back(&site, "connection_agent_grant").await;
    let restored = async |site: &Site| {
        site.agent.grant(site.connection).await.unwrap();
        put_back(site, "connection_agent_grant").await;
        site.get()
    };
    site.tried(async |site| site.get(), restored, OUTDATED).await;
}

#[tokio::test]
async fn attack_21_a_revoked_grant_whose_former_row_is_put_back() {
    let site = Site::start().await;
    keep(&site, "connection_agent_grant").await;
    put_back(&site, "connection_agent_grant").await;
    let restored = async |site: &Site| {
        assert!(site.agent.revoke(site.connection).await.unwrap().was_there);
        put_back(site, "connection_agent_grant").await;
        site.get()
    };
    site.tried(async |site| site.get(), restored, OUTDATED).await;
}

#[tokio::test]
async fn attack_22_a_revoked_grant_whose_revocation_is_erased() {
    let site = Site::start().await;
    let erased = async |site: &Site| {
        assert!(site.agent.revoke(site.connection).await.unwrap().was_there);
        site.edited("UPDATE connection_agent_grant SET revoked_at = NULL").await;
        site.get()
    };
    site.tried(async |site| site.get(), erased, CHANGED).await;
}

#[tokio::test]
async fn attack_23_the_grant_of_another_agent_is_moved() {
    let site = Site::start().await;
    let trusted = trusted(&site).await;
    let moved = async |site: &Site| {
        let own = sql::id_of(site.agent.id());
        site.edited(format!("DELETE FROM connection_agent_grant WHERE agent_id = {own}")).await;
        site.edited(format!("UPDATE connection_agent_grant SET agent_id = {own}")).await;
        keys(site)
    };
    let token = new_token(&trusted, Audience::Doors).await;
    site.tried(async |site| keys(site).bearer(&token), moved, CHANGED).await;
}

#[tokio::test]
async fn attack_24_a_grant_is_moved_to_another_connection() {
    let site = Site::start().await;
    let other = site.connected("in-bearer").await;
    site.agent.revoke(other).await.unwrap();
    let moved = async |site: &Site| {
        let (from, to) = (sql::id_of(site.connection), sql::id_of(other));
        site.edited(format!("DELETE FROM connection_agent_grant WHERE connection_id = {to}")).await;
        let moved = format!("UPDATE connection_agent_grant SET connection_id = {to} WHERE connection_id = {from}");
        site.edited(moved).await;
        site.at(other, "GET", "/objects/1").bearer(&site.token)
    };
    site.tried(async |site| site.get(), moved, CHANGED).await;
}

#[tokio::test]
async fn attack_25_a_grant_is_copied_for_another_agent() {
    let site = Site::start().await;
    let other = site.registry.agents().create("other").await.unwrap();
    let token = new_token(&other, Audience::Doors).await;
    let copied = async |site: &Site| {
        let other = sql::id_of(other.id());
        let columns = "connection_id, rules, created_at, expires_at, revoked_at, mark";
        let copy = format!(
            "INSERT INTO connection_agent_grant (owner, agent_id, {columns}) \
             SELECT owner, {other}, {columns} FROM connection_agent_grant"
        );
        site.edited(copy).await;
        site.get().bearer(&token)
    };
    site.tried(async |site| site.get(), copied, CHANGED).await;
}

#[tokio::test]
async fn attack_26_a_grant_is_moved_to_an_agent_of_another_owner() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let moved = async |site: &Site| {
        let thief = sql::id_of(bob.agent.id());
        site.edited(format!("UPDATE connection_agent_grant SET owner = 'bob', agent_id = {thief}")).await;
        site.get().bearer(&bob.token)
    };
    site.tried(async |site| site.get(), moved, (404, "not_granted")).await;
}

#[tokio::test]
async fn attack_27_a_removed_agent_whose_removal_is_erased() {
    let site = Site::start().await;
    let erased = async |site: &Site| {
        site.registry.agents().remove("deploy").await.unwrap();
        site.edited("UPDATE connection_agent SET removed_at = NULL").await;
        site.edited("UPDATE connection_agent_grant SET revoked_at = NULL").await;
        site.edited("UPDATE connection_access_token SET revoked_at = NULL").await;
        site.get()
    };
    site.tried(async |site| site.get(), erased, UNKNOWN).await;
}

#[tokio::test]
async fn attack_28_a_removed_agent_whose_former_rows_are_put_back() {
    let site = Site::start().await;
    let tables = ["connection_agent_grant", "connection_access_token"];
    for table in tables {
        keep(&site, table).await;
        put_back(&site, table).await;
    }
    keep(&site, "connection_agent").await;
    let restored = async |site: &Site| {
        site.registry.agents().remove("deploy").await.unwrap();
        let columns = "removed_at = NULL, mark = (SELECT mark FROM kept_connection_agent)";
        site.edited(format!("UPDATE connection_agent SET {columns}")).await;
        for table in tables {
            put_back(site, table).await;
        }
        site.get()
    };
    site.tried(async |site| site.get(), restored, UNKNOWN).await;
}

/// Issues a further token, edits its row, and expects that nobody accepts it.
async fn edited_token(audience: Audience, edit: impl AsyncFnOnce(&Site) -> String) {
    let site = Site::start().await;
    let new = NewAgentToken::new("edited", audience).lifetime(Duration::from_hours(1));
    let issued = site.agent.new_token(new).await.unwrap();
    let used = |site: &Site| site.get().bearer(issued.text.expose_secret());
    if audience == Audience::Doors {
        site.passes(used(&site)).await;
    }
    let edited = async |site: &Site| {
        let set = edit(site).await;
        let id = sql::id_of(issued.token.id);
        site.edited(format!("UPDATE connection_access_token SET {set} WHERE id = {id}")).await;
        used(site)
    };
    site.tried(async |site| site.get(), edited, UNKNOWN).await;
}

#[tokio::test]
async fn attack_29_a_revoked_token_whose_revocation_is_erased() {
    let revoked = async |site: &Site| {
        for token in site.agent.tokens().await.unwrap() {
            if token.name.to_string() == "edited" {
                assert!(site.agent.revoke_token(token.id).await.unwrap().was_there);
            }
        }
        "revoked_at = NULL".to_owned()
    };
    edited_token(Audience::Doors, revoked).await;
}

#[tokio::test]
async fn attack_30_the_audience_of_a_token_is_changed() {
    edited_token(Audience::Mcp, async |_| "audience = 'doors'".to_owned()).await;
}

#[tokio::test]
async fn attack_31_a_token_is_moved_to_another_agent() {
    let moved = async |site: &Site| {
        let trusted = trusted(site).await;
        format!("agent_id = {}", sql::id_of(trusted.id()))
    };
    edited_token(Audience::Doors, moved).await;
}

#[tokio::test]
async fn attack_32_a_token_is_prolonged_in_the_database() {
    let prolonged = async |site: &Site| {
        site.later(Duration::from_hours(1)).await;
        "expires_at = expires_at + 864000".to_owned()
    };
    edited_token(Audience::Doors, prolonged).await;
}

#[tokio::test]
async fn attack_33_the_token_of_an_extension_becomes_one_with_a_role() {
    let (world, ada, _) = crate::declared::sending().await;
    let token = crate::extensions::extension_token(&world.registry, "alice", "issues").await;
    assert_eq!(world.get(&token, "/connections").await.refusal(), (403, "not_allowed".into()));
    let set = "UPDATE connection_access_token SET extension = NULL, role = 'admin' WHERE extension = 'issues'";
    assert_eq!(world.change(set).await, 1);
    assert_eq!(world.get(&token, "/connections").await.refusal(), (401, "unauthenticated".into()));
    world.get(&ada, "/connections").await.ok(200);
}

#[tokio::test]
async fn attack_34_the_budget_of_a_grant_is_raised_in_the_database() {
    let site = Site::start().await;
    site.grant(&budget(1)).await;
    let raised = async |site: &Site| {
        let rules = Rules::from_value(&budget(1000)).unwrap().to_value();
        site.edited(format!("UPDATE connection_agent_grant SET rules = '{rules}'")).await;
        site.get()
    };
    site.tried(async |site| site.get(), raised, CHANGED).await;
}

/// A budget can be refilled, as `SECURITY.md` says, but one window never permits more than the grant says.
#[tokio::test]
async fn attack_35_the_counter_of_a_budget_is_set_below_zero() {
    let site = Site::start().await;
    site.grant(&budget(2)).await;
    let spent = async |site: &Site| {
        for _ in 0..2 {
            site.passes(site.get()).await;
        }
        site.refuses(site.get(), SPENT).await;
    };
    spent(&site).await;
    site.edited("UPDATE connection_budget SET taken = -1000000").await;
    spent(&site).await;
    site.edited("UPDATE connection_budget SET lease = 1000000").await;
    site.refuses(site.get(), SPENT).await;
}

#[tokio::test]
async fn attack_36_the_counter_of_a_budget_is_deleted() {
    let site = Site::start().await;
    site.grant(&budget(2)).await;
    let deleted = async |site: &Site| {
        site.edited("DELETE FROM connection_budget").await;
        site.get()
    };
    site.tried(async |site| site.get(), deleted, SPENT).await;
}

#[tokio::test]
async fn attack_37_the_rules_of_an_extension_are_removed_in_the_database() {
    let (world, ada, id) = crate::declared::sending().await;
    let grant = json!({ "connection": id, "rules": extension_rules::rules() });
    world.post(&ada, "/extensions/issues/grants", grant).await.ok(201);
    let token = crate::extensions::extension_token(&world.registry, "alice", "issues").await;
    let send = async || {
        let body = json!({ "method": "GET", "path": "/me" });
        world.post(&token, "/extensions/issues/connections/default/send", body).await
    };
    assert_eq!(send().await.ok(200)["status"], 200);
    assert_eq!(world.change("UPDATE connection_extension_grant SET rules = NULL").await, 1);
    assert_eq!(send().await.refusal(), (403, "row_changed".into()));
}
