//! Attacks by somebody who can change every row of the database about freezes and connections, and has no key.

use connection_core::Frozen;
use connection_faults::sql;
use serde_json::json;

use super::kit::Site;

const FROZEN: (u16, &str) = (403, "frozen");
const CHANGED: (u16, &str) = (403, "row_changed");

/// Freezes another connection, changes the row that names it, and expects that everything is frozen, until a person who
/// has the key thaws it.
async fn edited_freeze(edit: &str) {
    let site = Site::start().await;
    let other = Frozen::Connection(site.connected("in-bearer").await);
    site.world.change("CREATE TABLE kept AS SELECT * FROM connection_freeze").await;
    site.registry.freezes().freeze(other.clone()).await.unwrap();
    let edited = async |site: &Site| {
        site.edited(edit).await;
        site.get()
    };
    site.tried(async |site| site.get(), edited, FROZEN).await;
    site.world.registry.freezes().thaw(Frozen::All).await.unwrap();
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_38_the_names_of_what_is_frozen_are_erased() {
    edited_freeze("UPDATE connection_freeze SET frozen = '[]', notes = '[]'").await;
}

#[tokio::test]
async fn attack_39_the_row_of_what_is_frozen_is_put_back() {
    let columns = "frozen, notes, mark";
    edited_freeze(&format!("UPDATE connection_freeze SET ({columns}) = (SELECT {columns} FROM kept)")).await;
}

#[tokio::test]
async fn attack_40_the_row_of_what_is_frozen_is_deleted() {
    edited_freeze("DELETE FROM connection_freeze").await;
}

#[tokio::test]
async fn attack_41_the_mark_of_what_is_frozen_is_erased() {
    edited_freeze("UPDATE connection_freeze SET frozen = '[]', notes = '[]', mark = substr(mark, 1, 0)").await;
}

#[tokio::test]
async fn attack_42_the_address_of_a_connection_is_changed_in_the_database() {
    let site = Site::start().await;
    let changed = async |site: &Site| {
        let config = r#"[["apiBaseUrl","https://evil.example"]]"#;
        site.edited(format!("UPDATE connection_account SET config = '{config}'")).await;
        site.get()
    };
    site.tried(async |site| site.get(), changed, CHANGED).await;
}

#[tokio::test]
async fn attack_43_a_connection_is_moved_to_another_owner() {
    let site = Site::start().await;
    let bob = site.bob().await;
    let own = site.world.connected_by_key(&bob.manage, "in-bearer").await;
    let grant = async |connection: String| {
        let path = format!("/agents/thief/grants/{connection}");
        site.world.put(&bob.manage, &path, json!({ "rules": "everything" })).await
    };
    grant(own).await.ok(200);
    let id = sql::id_of(site.connection);
    site.edited(format!("UPDATE connection_account SET owner = 'bob' WHERE id = {id}")).await;
    let moved = grant(site.connection.to_string()).await;
    assert_eq!(moved.refusal(), (403, "row_changed".into()));
    site.refuses(site.get().bearer(&bob.token), (404, "not_granted")).await;
}

#[tokio::test]
async fn attack_44_the_sealed_credential_of_another_connection_is_copied() {
    let site = Site::start().await;
    let other = site.connected("in-bearer").await;
    let copied = async |site: &Site| {
        let (from, to) = (sql::id_of(other), sql::id_of(site.connection));
        let sealed = format!("(SELECT sealed FROM connection_credential WHERE connection_id = {from})");
        site.edited(format!("UPDATE connection_credential SET sealed = {sealed} WHERE connection_id = {to}")).await;
        site.get()
    };
    site.tried(async |site| site.get(), copied, (500, "sealed_unreadable")).await;
    site.passes(site.at(other, "GET", "/objects/1").bearer(&site.token)).await;
}

#[tokio::test]
async fn attack_111_an_entry_of_the_record_is_changed() {
    let site = Site::start().await;
    site.passes(site.get()).await;
    let shown = async || site.world.get(&site.ada, "/uses").await.ok(200)["items"][0].clone();
    let before = shown().await;
    assert_eq!((&before["path"], &before["edited"]), (&json!("/objects/1"), &json!(false)), "the control");
    site.edited("UPDATE connection_use SET entry = REPLACE(entry, '/objects/1', '/objects/2')").await;
    let after = shown().await;
    assert_eq!((&after["path"], &after["edited"]), (&json!(null), &json!(true)));
}

#[tokio::test]
async fn attack_112_the_table_of_what_is_frozen_is_hidden() {
    let site = Site::start().await;
    site.registry.freezes().freeze(Frozen::Agent(site.agent.id())).await.unwrap();
    site.refuses(site.get(), FROZEN).await;
    site.registry.freezes().thaw(Frozen::Agent(site.agent.id())).await.unwrap();
    let hidden = async |site: &Site| {
        site.world.change("ALTER TABLE connection_freeze RENAME TO hidden").await;
        site.get()
    };
    site.tried(async |site| site.get(), hidden, (503, "store_failed")).await;
    site.world.change("ALTER TABLE hidden RENAME TO connection_freeze").await;
    site.passes(site.get()).await;
}
