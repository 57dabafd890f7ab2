//! The stored state of an extension beside its settings: its current needs, its public part, and the revision of
//! that. It outlives the extension.

use std::sync::{Arc, Mutex};

use connection_contract::{
    AuthType, ExtensionDeclaration, Preference, PreferenceInput, Requirement, RequirementAuth, Value,
};
use connection_core::{ChangedPart, ConnectionRegistry, ExtensionHandle, Outcome};

use crate::{
    acme::KIND,
    extension_kit::{handle, needs, of, secret_name},
    sql,
    test_host::{World, answers, connected, me, step},
};

/// The provider's own extension: `region` is public with a default, `plan` is public without one, `note` is
/// private.
fn own(region: &str) -> ExtensionDeclaration {
    let plans = vec![("free".into(), "Free".into()), ("paid".into(), "Paid".into())];
    let requirement = needs(KIND, AuthType::ApiKey, &["accessToken"]);
    ExtensionDeclaration::new("acme", requirement.public_preference("region").public_preference("plan"))
        .preference(Preference::new("region", PreferenceInput::Text).default(region))
        .preference(Preference::new("plan", PreferenceInput::Dropdown(plans)))
        .preference(Preference::new("note", PreferenceInput::Text).default("ours"))
}

/// An extension that reads all of them, and has its own values.
fn package(registry: &ConnectionRegistry) -> ExtensionHandle {
    let requirement = needs(KIND, AuthType::ApiKey, &["accessToken"]);
    let names = ["region", "plan", "note"];
    let requirement = names.iter().fold(requirement, |requirement, name| requirement.public_preference(*name));
    let declared = ExtensionDeclaration::new("package", requirement);
    let preference = |name| Preference::new(name, PreferenceInput::Text).default("mine");
    let declared = names.into_iter().fold(declared, |declared, name| declared.preference(preference(name)));
    registry.extensions().handle(declared).unwrap()
}

/// Returns the public values that it reads, alone and among many.
async fn public(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> String {
    let alone = handle.resolve(handle.requirement()).await.unwrap().public_config.to_string();
    let all = registry.extensions().resolve_all(&[handle.declaration().clone()]).await.unwrap();
    assert_eq!(all[0].as_ref().unwrap().public_config.to_string(), alone);
    without_base(&alone)
}

/// Removes the value that the connection has.
fn without_base(config: &str) -> String {
    config.replace(r#""apiBaseUrl":"https://api.acme.example","#, "")
}

async fn count(handle: &ExtensionHandle) -> u64 {
    handle.revisions(None).await.unwrap().connection_config
}

#[tokio::test]
async fn others_read_what_is_public_of_the_providers_own_extension_with_its_defaults_and_nothing_else() {
    let world = World::new().await;
    let registry = world.acme().await;
    let acme = registry.extensions().handle(own("eu")).unwrap();
    acme.set_preferences(None).set("note", "canary-note").set("plan", "paid").await.unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    let package = package(&registry);
    assert_eq!(public(&registry, &package).await, r#"{"region":"mine","plan":"mine","note":"mine"}"#);
    let mut counts = vec![count(&package).await];
    let mut changed = async |expected: &str| {
        assert_eq!(public(&registry, &package).await, expected);
        counts.push(count(&package).await);
        let [.., before, now] = counts[..] else { unreachable!() };
        assert!(now > before, "{counts:?}");
    };
    registry.extensions().add(&own("eu"), "1").await.unwrap();
    changed(r#"{"region":"eu","plan":"paid","note":"mine"}"#).await;
    registry.extensions().add(&own("us"), "2").await.unwrap();
    changed(r#"{"region":"us","plan":"paid","note":"mine"}"#).await;
    acme.set_preferences(None).set("region", "de").await.unwrap();
    changed(r#"{"region":"de","plan":"paid","note":"mine"}"#).await;
    // A value that an earlier declaration allowed no longer counts if the new one does not offer it.
    let mut other = own("us");
    other.preferences[1].input = PreferenceInput::Dropdown(vec![("free".into(), "Free".into())]);
    registry.extensions().add(&other, "3").await.unwrap();
    changed(r#"{"region":"de","plan":"mine","note":"mine"}"#).await;
    registry.extensions().remove("acme").await.unwrap();
    changed(r#"{"region":"mine","plan":"mine","note":"mine"}"#).await;
    registry.extensions().add(&own("eu"), "4").await.unwrap();
    registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    changed(r#"{"region":"eu","plan":"mine","note":"mine"}"#).await;
    let before = count(&package).await;
    registry.extensions().add(&own("eu"), "5").await.unwrap();
    acme.set_preferences(None).set("note", "another").await.unwrap();
    assert_eq!(count(&package).await, before, "the control: nothing that others read");
}

#[tokio::test]
async fn an_extension_without_a_grant_changes_no_public_value_of_another() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| me("2", "grace"));
    let other = connected(&registry, "key-2").await;
    let package = package(&registry);
    registry.extensions().choose("package", connection.id()).await.unwrap();
    registry.extensions().grant("package", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let mine = r#"{"region":"mine","plan":"mine","note":"mine"}"#;
    let theirs = r#"{"region":"evil","plan":"mine","note":"mine"}"#;
    // Whoever adds an extension with the name of a provider decides nothing by that.
    registry.extensions().add(&own("eu"), "1").await.unwrap();
    let acme = registry.extensions().handle(own("eu")).unwrap();
    acme.set_preferences(None).set("region", "evil").await.unwrap();
    assert_eq!(public(&registry, &package).await, mine);
    assert_eq!(without_base(&package.inject(None).await.unwrap().public_config().to_string()), mine);
    let changes = Arc::new(Mutex::new(Vec::new()));
    let heard = changes.clone();
    let _listener =
        registry.events().on_extension_change(move |change| heard.lock().unwrap().push(change.parts.clone()));
    let both = [vec![ChangedPart::ConnectionConfig, ChangedPart::Grant]];
    registry.extensions().grant("acme", other.id(), &[]).await.unwrap();
    assert_eq!(public(&registry, &package).await, mine, "the grant is of another connection");
    changes.lock().unwrap().clear();
    // The control: a person lets it use the same connection.
    let before = count(&package).await;
    registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    assert_eq!(public(&registry, &package).await, theirs);
    assert_eq!(without_base(&package.inject(None).await.unwrap().public_config().to_string()), theirs);
    assert_eq!(std::mem::take(&mut *changes.lock().unwrap()), both);
    let granted = count(&package).await;
    assert!(granted > before, "{granted}");
    registry.extensions().revoke("acme", connection.id()).await.unwrap();
    assert_eq!(public(&registry, &package).await, mine);
    assert_eq!(*changes.lock().unwrap(), both);
    assert!(count(&package).await > granted);
}

/// R-JINGLE-048: a declaration that makes another value public changes the public part, even if the connection holds
/// the value.
#[tokio::test]
async fn a_declaration_that_is_added_with_other_public_values_counts() {
    let world = World::new().await;
    let registry = world.acme().await;
    let with = |names: &[&'static str], checked: bool| {
        let requirement = needs(KIND, AuthType::ApiKey, &["accessToken"]);
        let requirement = names.iter().fold(requirement, |requirement, name| requirement.public_preference(*name));
        let open = Preference::new("open", PreferenceInput::Checkbox);
        let open = if checked { open.default(true) } else { open };
        ExtensionDeclaration::new("issues", requirement).preference(open)
    };
    let mut before = None;
    let changes = Arc::new(Mutex::new(Vec::new()));
    let heard = changes.clone();
    let _listener =
        registry.events().on_extension_change(move |change| heard.lock().unwrap().push(change.parts.clone()));
    for (declared, shown, counts) in [
        (with(&[], false), "{}", false),
        // Without a default it is false, and was not published before.
        (with(&["open"], false), r#"{"open":false}"#, true),
        (with(&["open"], true), r#"{"open":true}"#, true),
        // The connection has a value of its own, or may have one.
        (with(&["open", "region"], true), r#"{"open":true}"#, true),
        (with(&["open", "region"], true), r#"{"open":true}"#, false),
        (with(&[], true), "{}", true),
    ] {
        registry.extensions().add(&declared, "1").await.unwrap();
        let issues = registry.extensions().handle(declared).unwrap();
        assert_eq!(public(&registry, &issues).await, shown);
        let now = issues.revisions(None).await.unwrap();
        assert_eq!(before.is_some_and(|before| before != now), counts, "{shown}");
        let parts = if counts { vec![vec![ChangedPart::ConnectionConfig]] } else { Vec::new() };
        assert_eq!(std::mem::take(&mut *changes.lock().unwrap()), parts);
        before = Some(now);
    }
    // A name without a preference is read from the connection, and not from an earlier setting.
    let acme = |names: &[&'static str]| {
        let mut declared = with(names, false);
        declared.name = "acme".into();
        declared
    };
    let own = registry.extensions().handle(acme(&["open"])).unwrap();
    own.set_preferences(None).set("open", true).await.unwrap();
    let mut without = acme(&["open"]);
    without.preferences.clear();
    registry.extensions().add(&without, "1").await.unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    let reader = registry.extensions().handle(with(&["open"], false)).unwrap();
    assert_eq!(public(&registry, &reader).await, r#"{"open":false}"#);
}

/// R-JINGLE-047, for an extension that was not added and that another process declares differently.
#[tokio::test]
async fn a_declaration_that_another_process_changes_in_mid_setup_is_refused_at_the_commit() {
    let world = World::new().await;
    let here = world.acme().await;
    let there = world.acme().await;
    let changed = of("issues", needs(KIND, AuthType::PersonalAccessToken, &["accessToken"]));
    for how in ["connects", "adds", "removes", "knows nothing"] {
        let issues = handle(&here, "issues");
        let session = here.setups().begin(&KIND).extension(&issues).await.unwrap();
        let (no, _) = step(&session).await;
        match how {
            "connects" => {
                let theirs = there.extensions().handle(changed.clone()).unwrap();
                there.setups().begin(&KIND).extension(&theirs).await.unwrap().cancel().await.unwrap();
            }
            "adds" => drop(there.extensions().add(&changed, "1").await.unwrap()),
            "removes" => assert!(!there.extensions().remove("issues").await.unwrap(), "it was not added"),
            _ => {}
        }
        session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        if how == "knows nothing" {
            assert!(matches!(outcome, Outcome::Done(_)), "the control: {outcome:?}");
            return;
        }
        let Outcome::Failed(failure) = outcome else { panic!("{how}") };
        assert_eq!(failure.code, "connection_changed", "{how}");
        there.extensions().remove("issues").await.unwrap();
    }
}

#[tokio::test]
async fn a_setup_for_an_extension_of_which_nothing_is_known_stores_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).extension(&handle(&registry, "issues")).await.unwrap();
    let (no, _) = step(&session).await;
    assert_eq!(sql::run(&world.database(), "DELETE FROM connection_extension_state").await, 1);
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert_eq!(crate::test_host::code(&session.terminal().await.unwrap()), "connection_changed");
    assert_eq!(sql::number(&world.database(), "SELECT count(*) FROM connection_account").await, Some(0));
}

#[tokio::test]
async fn counts_go_on_where_an_extension_is_removed_and_added_again_and_all_that_went_is_told() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let changes = Arc::new(Mutex::new(Vec::new()));
    let heard = changes.clone();
    registry.extensions().add(issues.declaration(), "1").await.unwrap();
    issues.set_preferences(None).set("open", true).await.unwrap();
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    let before = issues.preferences(Some("list")).await.unwrap().revisions;
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let _listener =
        registry.events().on_extension_change(move |change| heard.lock().unwrap().push(change.parts.clone()));
    registry.extensions().remove("issues").await.unwrap();
    use ChangedPart::{CommandConfig, ExtensionConfig, Grant};
    assert_eq!(std::mem::take(&mut *changes.lock().unwrap()), [vec![ExtensionConfig, CommandConfig, Grant]]);
    registry.extensions().add(issues.declaration(), "2").await.unwrap();
    let after = issues.preferences(Some("list")).await.unwrap();
    assert!(after.set.is_empty());
    assert!(after.revisions.extension_config > before.extension_config, "{:?}", after.revisions);
    assert!(after.revisions.command_config > before.command_config, "{:?}", after.revisions);
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    changes.lock().unwrap().clear();
    registry.extensions().remove("issues").await.unwrap();
    assert_eq!(*changes.lock().unwrap(), [vec![CommandConfig]], "of a command alone");
}

#[tokio::test]
async fn a_default_or_a_stored_value_that_does_not_fit_the_declaration_is_none() {
    let world = World::new().await;
    let registry = world.acme().await;
    let with = |input: fn() -> PreferenceInput, default: Value| {
        let requirement = needs(KIND, AuthType::ApiKey, &["accessToken"]).public_preference("it");
        let declared = ExtensionDeclaration::new("odd", requirement);
        registry.extensions().handle(declared.preference(Preference::new("it", input()).default(default)))
    };
    let choices = || PreferenceInput::Dropdown(vec![("a".into(), "A".into()), ("b".into(), "B".into())]);
    for (input, default, value) in [
        ((|| PreferenceInput::Checkbox) as fn() -> PreferenceInput, Value::from("yes"), "false"),
        (|| PreferenceInput::Checkbox, Value::Bool(true), "true"),
        (choices, Value::from("narrow"), r#""a""#),
        (choices, Value::from("b"), r#""b""#),
        (|| PreferenceInput::Text, Value::Number("-0.0".into()), "0"),
        (|| PreferenceInput::Text, Value::Number("NaN".into()), r#""""#),
    ] {
        // The declaration may be refused; if it is not, its value can be read.
        let Ok(odd) = with(input, default) else { continue };
        assert_eq!(odd.preferences(None).await.unwrap().value("it").unwrap().to_string(), value);
        assert_eq!(public(&registry, &odd).await, format!(r#"{{"it":{value}}}"#));
    }
    let text = with(|| PreferenceInput::Text, Value::from("t")).unwrap();
    text.set_preferences(None).set("it", "yes").await.unwrap();
    let checkbox = with(|| PreferenceInput::Checkbox, Value::Bool(true)).unwrap();
    let read = checkbox.preferences(None).await.unwrap();
    assert_eq!((read.value("it"), read.set.len()), (Some(&Value::Bool(true)), 0), "it was set as text");
    assert_eq!(public(&registry, &checkbox).await, r#"{"it":true}"#);
    assert_eq!(public(&registry, &text).await, r#"{"it":"yes"}"#, "the control");
}

/// An extension that reads none of it is not affected, and no default is shown in its place.
#[tokio::test]
async fn what_is_public_and_damaged_is_an_error_for_who_reads_it_and_for_nobody_else() {
    let world = World::new().await;
    let registry = world.acme().await;
    let auth = RequirementAuth::new(AuthType::ApiKey, [secret_name("accessToken")]);
    registry.extensions().add(&own("eu"), "{}").await.unwrap();
    let connection = connected(&registry, "key-1").await;
    let grant = async || registry.extensions().grant("acme", connection.id(), &[]).await.unwrap();
    grant().await;
    let package = package(&registry);
    let reader = ExtensionDeclaration::new("reader", Requirement::new("default", KIND, "Acme", auth));
    let reader = registry.extensions().handle(reader).unwrap();
    let all = async || {
        let all = registry
            .extensions()
            .resolve_all(&[package.declaration().clone(), reader.declaration().clone()])
            .await
            .unwrap();
        all.into_iter().map(|one| one.map(|resolved| resolved.public_config.to_string())).collect::<Vec<_>>()
    };
    let before = all().await;
    assert!(before[0].as_ref().unwrap().contains(r#""region":"eu""#), "the control: {before:?}");
    for damaged in ["{", "[]", r#"{"region":1}"#] {
        let sql = format!("UPDATE connection_extension_state SET public = '{damaged}' WHERE name = 'acme'");
        assert_eq!(sql::run(&world.database(), sql).await, 1);
        let mut all = all().await;
        assert_eq!(all.remove(1).unwrap(), "{}");
        let one = package.resolve(package.requirement()).await;
        for error in [one.unwrap_err(), all.remove(0).unwrap_err()] {
            assert_eq!(error.code(), "store_failed", "{error:?}");
        }
        assert!(reader.resolve(reader.requirement()).await.is_ok());
    }
    registry.extensions().add(&own("us"), "{}").await.unwrap();
    grant().await;
    assert!(all().await[0].as_ref().unwrap().contains(r#""region":"us""#), "what is added again is mended");
}
