//! Rows of profiles, slots, declarations and settings that an attacker without the key edits or replaces by older
//! versions. They are refused and named until a person enters them again.

use connection_core::{Error, NewProfile, ProfilePatch, RowError, RowFault, SpawnOptions};

use crate::{
    extension_kit::{acme_extension, handle, keys_are_accounts, secret_name},
    sql,
    test_host::{on_postgres, World, connected},
    tool::{TOOL, Tools},
};

/// Takes the mark of a row away.
const EMPTY: &str = "mark = substr(mark, 1, 0)";

fn row(error: Error) -> (&'static str, RowFault) {
    match error {
        Error::Row(RowError { table, fault, .. }) => (table, fault),
        other => panic!("no row is refused: {other:?}"),
    }
}

/// Returns the tables of the rows that `doctor` would name.
async fn named(registry: &connection_core::ConnectionRegistry) -> Vec<&'static str> {
    registry.events().edited_rows().await.unwrap().into_iter().map(|error| error.table).collect()
}

#[tokio::test]
async fn a_profile_that_was_edited_or_put_back_is_run_by_nobody_until_a_person_says_it_again() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let database = it.world.database();
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let started = async || {
        let mut options = SpawnOptions::new("tool");
        profiles.apply_profile(&mut options, work.id).await.map(|profile| profile.unwrap().directory)
    };
    assert_eq!(started().await.unwrap(), it.path("work"), "the control");
    assert_eq!(named(&it.registry).await, [""; 0]);
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_profile").await;
    let evil = it.path("evil").display().to_string();
    let edits = [format!("directory = '{evil}'"), "label = 'mine'".to_owned(), EMPTY.to_owned()];
    for edit in edits {
        sql::run(&database, format!("UPDATE connection_profile SET {edit} WHERE label = 'work'")).await;
        let fault = if edit == EMPTY { RowFault::Unmarked } else { RowFault::Edited };
        let refused = ("connection_profile", fault);
        assert_eq!(row(started().await.unwrap_err()), refused, "{edit}");
        assert_eq!(row(profiles.get(work.id).await.unwrap_err()), refused, "{edit}");
        assert_eq!(row(profiles.resolve(Some(work.id), None).await.unwrap_err()), refused, "{edit}");
        // A change of something else does not confirm an edited row.
        assert_eq!(row(profiles.set_default(work.id).await.unwrap_err()), refused, "{edit}");
        assert_eq!(named(&it.registry).await, ["connection_profile"], "{edit}");
        let patch = ProfilePatch::new().label("work").directory(it.path("work"));
        profiles.update(work.id, patch).await.unwrap();
        assert_eq!(started().await.unwrap(), it.path("work"), "a person said it again");
        assert_eq!(named(&it.registry).await, [""; 0]);
    }
    // The default is used if no profile is named.
    let no = if on_postgres() { "FALSE" } else { "0" };
    let yes = if on_postgres() { "TRUE" } else { "1" };
    sql::run(&database, format!("UPDATE connection_profile SET is_default = {no}")).await;
    sql::run(&database, format!("UPDATE connection_profile SET is_default = {yes} WHERE label = 'work'")).await;
    assert_eq!(row(profiles.default_profile().await.unwrap_err()), ("connection_profile", RowFault::Edited));
    sql::script(&database, "DELETE FROM connection_profile").await;
    // A row that was valid once is put back.
    sql::script(&database, "INSERT INTO connection_profile SELECT * FROM kept").await;
    assert_eq!(row(started().await.unwrap_err()), ("connection_profile", RowFault::Outdated));
    profiles.update(work.id, ProfilePatch::new().label("work").directory(it.path("work"))).await.unwrap();
    assert_eq!(started().await.unwrap(), it.path("work"));
    profiles.remove(work.id).await.unwrap();
    sql::script(&database, "INSERT INTO connection_profile SELECT * FROM kept WHERE label = 'work'").await;
    assert_eq!(row(started().await.unwrap_err()), ("connection_profile", RowFault::Outdated), "it was removed");
}

#[tokio::test]
async fn a_slot_that_was_edited_or_put_back_names_no_profile() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let database = it.world.database();
    let one = profiles.create(NewProfile::new("one", it.path("one"))).await.unwrap();
    let two = profiles.create(NewProfile::new("two", it.path("two"))).await.unwrap();
    let resolved = async || profiles.resolve(None, Some("work")).await.map(|profile| profile.id);
    profiles.set_slot("work", one.id).await.unwrap();
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_profile_slot").await;
    assert_eq!(resolved().await.unwrap(), one.id, "the control");
    let edit = "UPDATE connection_profile_slot SET profile_id = \
                (SELECT id FROM connection_profile WHERE label = 'two')";
    sql::run(&database, edit).await;
    assert_eq!(row(resolved().await.unwrap_err()), ("connection_profile_slot", RowFault::Edited));
    assert_eq!(named(&it.registry).await, ["connection_profile_slot"]);
    profiles.set_slot("work", two.id).await.unwrap();
    assert_eq!(resolved().await.unwrap(), two.id);
    sql::run(&database, "DELETE FROM connection_profile_slot").await;
    sql::run(&database, "INSERT INTO connection_profile_slot SELECT * FROM kept").await;
    assert_eq!(row(resolved().await.unwrap_err()), ("connection_profile_slot", RowFault::Outdated));
    assert!(profiles.clear_slot("work").await.unwrap());
    sql::run(&database, "INSERT INTO connection_profile_slot SELECT * FROM kept").await;
    assert_eq!(row(resolved().await.unwrap_err()), ("connection_profile_slot", RowFault::Outdated), "it was cleared");
    assert!(it.registry.profiles(&TOOL).is_ok());
}

#[tokio::test]
async fn a_declaration_that_was_edited_or_put_back_is_no_extension() {
    let world = World::new().await;
    let registry = world.acme().await;
    let database = world.database();
    registry.extensions().add(&acme_extension("issues"), "one").await.unwrap();
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_extension").await;
    assert_eq!(registry.extensions().get("issues").await.unwrap().source, "one", "the control");
    sql::run(&database, "UPDATE connection_extension SET source = 'two'").await;
    let refused = registry.extensions().get("issues").await.unwrap_err();
    assert_eq!(row(refused), ("connection_extension", RowFault::Edited));
    assert_eq!(registry.extensions().list().await.unwrap(), []);
    assert_eq!(named(&registry).await, ["connection_extension"]);
    registry.extensions().add(&acme_extension("issues"), "two").await.unwrap();
    assert_eq!(registry.extensions().get("issues").await.unwrap().source, "two");
    sql::run(&database, "DELETE FROM connection_extension").await;
    sql::run(&database, "INSERT INTO connection_extension SELECT * FROM kept").await;
    let refused = registry.extensions().get("issues").await.unwrap_err();
    assert_eq!(row(refused), ("connection_extension", RowFault::Outdated));
    assert!(registry.extensions().remove("issues").await.unwrap());
    assert_eq!(named(&registry).await, [""; 0]);
    sql::run(&database, "INSERT INTO connection_extension SELECT * FROM kept").await;
    let refused = registry.extensions().get("issues").await.unwrap_err();
    assert_eq!(row(refused), ("connection_extension", RowFault::Outdated), "it was removed");
}

#[tokio::test]
async fn settings_that_were_edited_or_put_back_are_given_to_no_program() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let database = world.database();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let issues = handle(&registry, "issues");
    let refused = async |what: &str| match issues.environment(Some("list")).await {
        Ok(_) => panic!("{what}: it is given"),
        Err(error) => row(error),
    };
    issues.set_preferences(None).set("apiBaseUrl", "https://one.example").await.unwrap();
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    sql::script(&database, "CREATE TABLE kept AS SELECT * FROM connection_extension_preference").await;
    assert!(issues.environment(Some("list")).await.is_ok(), "the control");
    let set = ("connection_extension_preference", RowFault::Edited);
    for (edited, command) in [("apiBaseUrl", ""), ("limit", "list")] {
        let edit = format!(
            "UPDATE connection_extension_preference SET body = '{{\"{edited}\":\"https://evil.example\"}}' \
             WHERE command = '{command}'"
        );
        sql::run(&database, edit).await;
        assert_eq!(refused(edited).await, set);
        assert_eq!(named(&registry).await, ["connection_extension_preference"]);
        // Another setting is written: the edited values are not kept.
        let command = Some(command).filter(|command| !command.is_empty());
        let other = if command.is_some() { "limit" } else { "defaultDatabase" };
        issues.set_preferences(command).set(other, "7").await.unwrap();
        assert!(issues.environment(Some("list")).await.is_ok());
        let kept = sql::texts(&database, "SELECT body FROM connection_extension_preference").await;
        assert!(!kept.iter().any(|body| body.contains("evil")), "{kept:?}");
        assert_eq!(named(&registry).await, [""; 0]);
    }
    sql::run(&database, "DELETE FROM connection_extension_preference").await;
    sql::run(&database, "INSERT INTO connection_extension_preference SELECT * FROM kept").await;
    assert_eq!(refused("put back").await, ("connection_extension_preference", RowFault::Outdated));
}

/// The public part of the provider's own extension is given to all other extensions of that provider.
#[tokio::test]
async fn what_is_public_of_the_providers_own_extension_is_given_as_it_was_written() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let database = world.database();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    registry.extensions().add(&acme_extension("acme"), "acme").await.unwrap();
    handle(&registry, "acme").set_preferences(None).set("apiBaseUrl", "https://one.example").await.unwrap();
    let issues = handle(&registry, "issues");
    assert!(issues.environment(None).await.is_ok(), "the control");
    let public = sql::texts(&database, "SELECT public FROM connection_extension_state").await.remove(0);
    sql::run(&database, "UPDATE connection_extension_state SET public = '{}'").await;
    let edited = ("connection_extension_state", RowFault::Edited);
    assert_eq!(row(issues.environment(None).await.unwrap_err()), edited);
    assert_eq!(row(issues.preferences(None).await.unwrap_err()), edited, "nor is it shown as what it is set to");
    // The needs of an extension determine what it can be granted.
    let granted = registry.extensions().grant("acme", connection.id(), &[secret_name("accessToken")]).await;
    assert_eq!(row(granted.unwrap_err()), edited);
    assert_eq!(named(&registry).await, ["connection_extension_state"]);
    sql::run(&database, format!("UPDATE connection_extension_state SET public = '{public}'")).await;
    assert!(issues.environment(None).await.is_ok());
    let edit = "UPDATE connection_extension_preference SET body = '{\"apiBaseUrl\":\"https://evil.example\"}'";
    sql::run(&database, edit).await;
    let refused = row(issues.environment(None).await.unwrap_err());
    assert_eq!(refused, ("connection_extension_preference", RowFault::Edited));
}
