//! Settings are plain JSON under declared names, separate from all secrets, with defaults.

use connection_contract::{AuthType, Command, ExtensionDeclaration, Preference, PreferenceInput, Value};

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, handle, needs, of, secret_name},
    sql,
    test_host::{World, connected},
    uses_kit,
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
    let again = second.extensions().handle(acme_extension("issues")).unwrap();
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
    // Each extension and each owner has separate settings.
    assert!(handle(&second, "other").preferences(None).await.unwrap().set.is_empty());
    let theirs = handle(&second.owner("u42").unwrap(), "issues");
    assert!(theirs.preferences(None).await.unwrap().set.is_empty());
}

/// R-JINGLE-052
#[tokio::test]
async fn undeclared_or_unsafe_values_are_refused_and_change_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    issues.set_preferences(None).set("open", true).await.unwrap();
    let before = issues.preferences(None).await.unwrap();
    let deep = (0..40).fold(Value::Null, |value, _| Value::List(vec![value]));
    let twice = Value::Map(vec![("a".into(), Value::Null), ("a".into(), Value::Bool(true))]);
    for (name, value, code, says) in [
        ("defaultDatabase", Value::Number("NaN".into()), "invalid_preference", "is not a finite number"),
        (
            "defaultDatabase",
            Value::List(vec![Value::Number("1e999".into())]),
            "invalid_preference",
            "is not a finite number",
        ),
        ("defaultDatabase", deep, "invalid_preference", "has more than 32 levels"),
        ("defaultDatabase", twice, "invalid_preference", "has an object with the same key twice"),
        ("defaultDatabase", Value::Text("x".repeat(1 << 17)), "invalid_preference", "is longer than 64 KiB"),
        ("open", Value::from("yes"), "invalid_preference", "must be either true or false"),
        ("layout", Value::from("narrow"), "invalid_preference", "must be one of the declared choices"),
        ("accessToken", Value::from("canary-secret"), "invalid_preference", "is a secret, which is never a preference"),
        ("limit", Value::from("5"), "undeclared", "declares no preference"),
        ("unknown", Value::Null, "undeclared", "declares no preference"),
        ("canary-in-the-wrong-place", Value::from("accessToken"), "undeclared", "declares no preference"),
    ] {
        let set = issues.set_preferences(None).set("layout", "wide").set(name, value);
        let error = set.await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().ends_with(says), "{error}");
        assert!(!error.to_string().contains("canary") && !format!("{error:?}").contains("canary"));
    }
    let error = issues.set_preferences(Some("canary-command")).await.unwrap_err();
    assert_eq!(error.to_string(), "'issues' declares no command");
    assert!(!format!("{error:?}").contains("canary"), "what a person typed may be the secret itself");
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
    let issues = registry.extensions().handle(of("issues", requirement)).unwrap();
    let public = async || issues.resolve(issues.requirement()).await.unwrap().public_config.to_string();
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://declared.example","defaultDatabase":""}"#);
    issues.set_preferences(None).set("apiBaseUrl", "https://mine.example").set("open", true).await.unwrap();
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://mine.example","defaultDatabase":""}"#);
    assert!(issues.preferences(None).await.unwrap().overridden.is_empty());
    let connection = connected(&registry, "key-1").await;
    assert_eq!(public().await, r#"{"apiBaseUrl":"https://api.acme.example","defaultDatabase":""}"#);
    // The setting then has no effect. This is reported, and no program gets it beside the value of the connection.
    let read = issues.preferences(None).await.unwrap();
    assert_eq!(read.overridden, [("apiBaseUrl".to_owned(), "https://api.acme.example".into())]);
    assert_eq!(read.value("apiBaseUrl"), Some(&"https://mine.example".into()));
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let context = issues.inject(None).await.unwrap();
    assert_eq!((context.preference("apiBaseUrl"), context.preference("open")), (None, Some(&true.into())));
    let secret = needs(KIND, AuthType::ApiKey, &["accessToken"]).public_preference("accessToken");
    assert_eq!(registry.extensions().handle(of("issues", secret)).unwrap_err().code(), "invalid_declaration");
}

#[tokio::test]
async fn settings_that_were_edited_past_the_program_are_an_error_and_no_default() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let other = handle(&registry, "other");
    issues.set_preferences(None).set("open", true).await.unwrap();
    sql::run(&world.database(), "UPDATE connection_extension_preference SET body = '[1]'").await;
    assert_eq!(issues.preferences(None).await.unwrap_err().code(), "row_changed");
    assert_eq!(issues.resolve(issues.requirement()).await.unwrap_err().code(), "store_failed");
    assert!(other.preferences(None).await.is_ok());
    let all = registry.extensions().resolve_all(&[acme_extension("issues"), acme_extension("other")]).await.unwrap();
    assert!(all[0].is_err() && all[1].is_ok());
    // Setting a value again replaces it.
    issues.set_preferences(None).set("open", false).await.unwrap();
    assert_eq!(issues.preferences(None).await.unwrap().set, ["open"]);
}

#[tokio::test]
async fn settings_together_have_an_end() {
    let world = World::new().await;
    let registry = world.acme().await;
    let mut declaration = acme_extension("issues");
    for number in 0..10 {
        declaration = declaration.preference(Preference::new(format!("p{number}"), PreferenceInput::Text));
    }
    let issues = registry.extensions().handle(declaration).unwrap();
    let long = || Value::Text("x".repeat(60 << 10));
    let all = (0..10).fold(issues.set_preferences(None), |set, number| set.set(format!("p{number}"), long()));
    let error = all.await.unwrap_err();
    assert!(error.to_string().ends_with("makes the settings longer than 512 KiB"), "{error}");
    let few = (0..8).fold(issues.set_preferences(None), |set, number| set.set(format!("p{number}"), long()));
    few.await.unwrap();
    assert_eq!(issues.preferences(None).await.unwrap().set.len(), 8);
}

/// The handle of one process may be for a declaration that another process has replaced.
#[tokio::test]
async fn what_another_declaration_can_be_set_to_stays_until_all_is_replaced() {
    let world = World::new().await;
    let registry = world.acme().await;
    let old = handle(&registry, "issues");
    let newer = acme_extension("issues").preference(Preference::new("density", PreferenceInput::Text));
    let newer = registry.extensions().handle(newer).unwrap();
    newer.set_preferences(None).set("density", "high").set("open", false).await.unwrap();
    old.set_preferences(None).set("open", true).await.unwrap();
    let read = newer.preferences(None).await.unwrap();
    assert_eq!((read.value("density"), read.value("open")), (Some(&"high".into()), Some(&Value::Bool(true))));
    assert_eq!(old.preferences(None).await.unwrap().set, ["open"], "it is shown what it declares");
    // If there is no room for both, the new settings take precedence.
    let many = |handle: &connection_core::ExtensionHandle| {
        let mut declaration = handle.declaration().clone();
        for number in 0..8 {
            declaration = declaration.preference(Preference::new(format!("p{number}"), PreferenceInput::Text));
        }
        declaration
    };
    let many = registry.extensions().handle(many(&old)).unwrap();
    let long = || Value::Text("x".repeat(60 << 10));
    newer.set_preferences(None).set("density", long()).await.unwrap();
    (0..8).fold(many.set_preferences(None), |set, number| set.set(format!("p{number}"), long())).await.unwrap();
    assert!(newer.preferences(None).await.unwrap().set.iter().all(|name| name != "density"));
    // A name that has become that of a secret is not stored in plain text.
    let text = acme_extension("issues").preference(Preference::new("apiSecret", PreferenceInput::Text));
    let text = registry.extensions().handle(text).unwrap();
    text.set_preferences(None).replace().set("apiSecret", "canary-plain").set("open", true).await.unwrap();
    let secret = of("issues", needs(KIND, AuthType::ApiKey, &["accessToken", "apiSecret"]));
    registry.extensions().handle(secret).unwrap().set_preferences(None).set("open", false).await.unwrap();
    assert!(text.preferences(None).await.unwrap().set == ["open"]);
    newer.set_preferences(None).set("density", "low").await.unwrap();
    old.set_preferences(None).replace().set("open", true).await.unwrap();
    assert_eq!(newer.preferences(None).await.unwrap().set, ["open"]);
}

#[tokio::test]
async fn a_required_setting_is_asked_for_before_a_secret_is_released() {
    let world = World::new().await;
    let registry = world.acme().await;
    let declared = ExtensionDeclaration::new("capture", needs(KIND, AuthType::ApiKey, &["accessToken"]))
        .preference(Preference::new("database", PreferenceInput::Text).required())
        .preference(Preference::new("size", PreferenceInput::Text).required().default("10"))
        .preference(Preference::new("open", PreferenceInput::Checkbox).required())
        .command(Command::new("list").preference(Preference::new("view", PreferenceInput::Text).required()))
        .command(Command::new("sync"));
    let capture = registry.extensions().handle(declared).unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("capture", connection.id(), &capture.requirement().auth.secret_names).await.unwrap();
    let missing = async |command| capture.preferences(command).await.unwrap().missing;
    let inject = async |command| capture.inject(command).await.map(drop).map_err(|error| error.to_string());
    assert_eq!(missing(Some("list")).await, ["database", "view"]);
    let error = "'capture' needs its preference 'database', which is not set";
    assert_eq!(inject(None).await, Err(error.to_owned()));
    assert_eq!(uses_kit::lines(&registry).await, [""; 0]);
    capture.set_preferences(None).set("database", "  ").await.unwrap();
    assert_eq!(missing(None).await, ["database"], "what is blank is nothing");
    capture.set_preferences(None).set("database", "d1").await.unwrap();
    assert_eq!((inject(None).await, inject(Some("sync")).await), (Ok(()), Ok(())));
    let error = capture.inject(Some("list")).await.unwrap_err();
    assert_eq!((error.code(), error.remedy().is_some()), ("preference_required", true));
    capture.set_preferences(Some("list")).set("view", "wide").await.unwrap();
    assert_eq!(inject(Some("list")).await, Ok(()));
}
