//! Settings are plain JSON of declared names, apart from every secret, with defaults.

use connection_contract::{AuthType, Value};

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, handle, needs, of},
    raw,
    world::{World, connected},
};

fn shown(preferences: &connection_core::Preferences) -> String {
    preferences.to_json().to_string()
}

/// R-JINGLE-026
#[tokio::test]
async fn what_nobody_set_has_its_default_and_a_command_has_its_own_besides() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let first = issues.preferences(None).await.unwrap();
    assert_eq!(
        shown(&first),
        r#"{"apiBaseUrl":"https://declared.example","defaultDatabase":"","layout":"compact","open":false}"#
    );
    assert!(first.set.is_empty());
    let database = Value::parse(br#"{"id":"d1","rows":[1,2.50,-0,9007199254740993],"shared":null}"#).unwrap();
    issues.set_preferences(None).set("defaultDatabase", database).set("open", true).await.unwrap();
    issues.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    let second = world.acme().await;
    let again = second.extension(acme_extension("issues")).unwrap();
    let stored = again.preferences(Some("list")).await.unwrap();
    assert_eq!(
        Value::Map(stored.values.clone()).to_string(),
        concat!(
            r#"{"apiBaseUrl":"https://declared.example","#,
            r#""defaultDatabase":{"id":"d1","rows":[1,2.50,0,9007199254740993],"shared":null},"#,
            r#""open":true,"layout":"compact","limit":"5"}"#
        )
    );
    assert_eq!(stored.set, ["defaultDatabase", "open", "limit"]);
    let sync = again.preferences(Some("sync")).await.unwrap();
    assert_eq!((sync.value("limit"), sync.value("open")), (None, Some(&Value::Bool(true))));
    again.set_preferences(None).unset("open").set("layout", "wide").await.unwrap();
    assert_eq!(again.preferences(None).await.unwrap().set, ["defaultDatabase", "layout"]);
    again.set_preferences(None).set("open", true).replace().await.unwrap();
    assert_eq!(again.preferences(None).await.unwrap().set, ["open"]);
    // Each extension and each owner has its own.
    assert!(handle(&second, "other").preferences(None).await.unwrap().set.is_empty());
    let theirs = handle(&second.owner("u42").unwrap(), "issues");
    assert!(theirs.preferences(None).await.unwrap().set.is_empty());
}

/// R-JINGLE-052
#[tokio::test]
async fn what_is_not_plain_json_or_not_declared_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    issues.set_preferences(None).set("open", true).await.unwrap();
    let before = issues.preferences(None).await.unwrap();
    let deep = (0..40).fold(Value::Null, |value, _| Value::List(vec![value]));
    let twice = Value::Map(vec![("a".into(), Value::Null), ("a".into(), Value::Bool(true))]);
    for (name, value, code, says) in [
        ("defaultDatabase", Value::Number("NaN".into()), "invalid_preference", "is no finite number"),
        ("defaultDatabase", Value::List(vec![Value::Number("1e999".into())]), "invalid_preference", "is no finite number"),
        ("defaultDatabase", deep, "invalid_preference", "has more than 32 levels"),
        ("defaultDatabase", twice, "invalid_preference", "has an object with the same key twice"),
        ("defaultDatabase", Value::Text("x".repeat(1 << 17)), "invalid_preference", "is longer than 64 KiB"),
        ("open", Value::from("yes"), "invalid_preference", "is either true or false"),
        ("layout", Value::from("narrow"), "invalid_preference", "is one of the choices that were declared"),
        ("accessToken", Value::from("canary-secret"), "invalid_preference", "is a secret, which is never a preference"),
        ("limit", Value::from("5"), "undeclared", "declares no preference 'limit'"),
        ("unknown", Value::Null, "undeclared", "declares no preference 'unknown'"),
    ] {
        let set = issues.set_preferences(None).set("layout", "wide").set(name, value);
        let error = set.await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().ends_with(says), "{error}");
        assert!(!error.to_string().contains("canary") && !format!("{error:?}").contains("canary"));
    }
    assert_eq!(issues.set_preferences(Some("nothing")).await.unwrap_err().code(), "undeclared");
    assert_eq!(issues.preferences(None).await.unwrap(), before);
}

/// R-JINGLE-007 and R-JINGLE-025
#[tokio::test]
async fn what_is_public_is_what_was_declared_and_has_a_value_and_the_connection_goes_first() {
    let world = World::new().await;
    let registry = world.acme().await;
    let requirement = needs(KIND, AuthType::ApiKey, &["accessToken"])
        .public_preference("defaultDatabase")
        .public_preference("nowhere");
    let issues = registry.extension(of("issues", requirement)).unwrap();
    let public = async || issues.resolve(issues.requirement()).await.unwrap().public_config.to_string();
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://declared.example","defaultDatabase":""}"#);
    issues.set_preferences(None).set("apiBaseUrl", "https://mine.example").set("open", true).await.unwrap();
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://mine.example","defaultDatabase":""}"#);
    connected(&registry, "key-1").await;
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://api.acme.example","defaultDatabase":""}"#);
    let secret = needs(KIND, AuthType::ApiKey, &["accessToken"]).public_preference("accessToken");
    assert_eq!(registry.extension(of("issues", secret)).unwrap_err().code(), "invalid_declaration");
}

#[tokio::test]
async fn settings_that_were_edited_past_the_program_are_an_error_and_no_default() {
    let world = World::new().await;
    let registry = world.acme().await;
    let (issues, other) = (handle(&registry, "issues"), handle(&registry, "other"));
    issues.set_preferences(None).set("open", true).await.unwrap();
    raw::run(&world.database(), "UPDATE connection_extension_preference SET body = '[1]'").await;
    assert_eq!(issues.preferences(None).await.unwrap_err().code(), "store_failed");
    assert_eq!(issues.resolve(issues.requirement()).await.unwrap_err().code(), "store_failed");
    assert_eq!(issues.set_preferences(None).set("open", false).await.unwrap_err().code(), "store_failed");
    assert!(other.preferences(None).await.is_ok());
    let all = registry.resolve_all(&[acme_extension("issues"), acme_extension("other")]).await.unwrap();
    assert!(all[0].is_err() && all[1].is_ok());
}

#[tokio::test]
async fn settings_together_have_an_end() {
    let world = World::new().await;
    let registry = world.acme().await;
    let mut declaration = acme_extension("issues");
    for number in 0..10 {
        let input = connection_contract::PreferenceInput::Text;
        declaration = declaration.preference(connection_contract::Preference::new(format!("p{number}"), input));
    }
    let issues = registry.extension(declaration).unwrap();
    let long = || Value::Text("x".repeat(60 << 10));
    let all = (0..10).fold(issues.set_preferences(None), |set, number| set.set(format!("p{number}"), long()));
    let error = all.await.unwrap_err();
    assert!(error.to_string().ends_with("makes the settings longer than 512 KiB"), "{error}");
    let few = (0..8).fold(issues.set_preferences(None), |set, number| set.set(format!("p{number}"), long()));
    few.await.unwrap();
    assert_eq!(issues.preferences(None).await.unwrap().set.len(), 8);
}
