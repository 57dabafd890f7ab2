//! The secrets and variables of a command: only declared names, wiped when the command ends.

use connection_contract::{AuthType, Command, Preference, PreferenceInput, Secret, Value};

use crate::{
    extension_kit::{TWIN, Twin, acme_extension, needs, of, secret_name},
    sql,
    test_host::{World, connected},
    uses_kit,
};

#[tokio::test]
async fn a_command_gets_the_declared_secrets_its_settings_and_what_is_public() {
    let world = World::new().await;
    let twin = Twin::new();
    let registry = world.open(twin.clone()).await;
    let requirement = needs(TWIN, AuthType::ApiKey, &["apiSecret"]).public_preference("region");
    let sms = registry.extensions().handle(of("sms", requirement)).unwrap();
    let connection = twin.connected(&registry, "AC-canary-1", "canary-2").await;
    registry
        .extensions()
        .grant("sms", connection.id(), &[secret_name("apiSecret"), secret_name("apiKey")])
        .await
        .unwrap();
    sms.set_preferences(Some("list")).set("limit", "5").await.unwrap();
    let context = sms.inject(Some("list")).await.unwrap();
    assert_eq!(context.command(), Some("list"));
    assert_eq!(context.public_config().to_string(), r#"{"apiBaseUrl":"https://declared.example","region":"eu"}"#);
    assert_eq!(context.preference("limit"), Some(&Value::from("5")));
    assert_eq!(context.secret("apiSecret").unwrap().expose(), b"canary-2");
    assert!(context.secret("apiKey").is_none(), "granted, held, and not declared");
    assert_eq!(context.secrets().count(), 1);
    assert!(!format!("{context:?}").contains("canary"), "{context:?}");
    let variables = context.environment().unwrap();
    let shown: Vec<_> =
        variables.iter().map(|(name, value)| format!("{name}={}", value.expose_str().unwrap())).collect();
    assert_eq!(
        shown,
        [
            "API_SECRET=canary-2",
            "PUBLIC_API_BASE_URL=https://declared.example",
            "PUBLIC_REGION=eu",
            "PREFERENCE_API_BASE_URL=https://declared.example",
            "PREFERENCE_DEFAULT_DATABASE=",
            "PREFERENCE_OPEN=false",
            "PREFERENCE_LAYOUT=compact",
            "PREFERENCE_LIMIT=5",
        ]
    );
    assert!(!format!("{variables:?}").contains("canary"));
    assert_eq!(uses_kit::lines(&registry).await, ["extension:sms library apiSecret for list: released"]);
}

#[tokio::test]
async fn public_values_need_no_grant() {
    let world = World::new().await;
    let registry = world.acme().await;
    let local = registry.extensions().handle(of("reminders", needs(crate::acme::KIND, AuthType::None, &[]))).unwrap();
    let context = local.inject(None).await.unwrap();
    assert_eq!((context.secrets().count(), context.command()), (0, None));
    let variables: Vec<_> = context.environment().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(variables.iter().filter(|name| name.starts_with("PUBLIC_")).count(), 1);
    assert!(
        variables.iter().all(|name| name.starts_with("PUBLIC_") || name.starts_with("PREFERENCE_")),
        "{variables:?}"
    );
    let result = local.with_access_token(local.requirement(), async |_| ()).await;
    assert_eq!(result.unwrap_err().to_string(), "'reminders' declares no secret 'accessToken'");
}

#[tokio::test]
async fn a_name_that_would_change_how_programs_run_becomes_no_variable() {
    let world = World::new().await;
    let registry = world.acme().await;
    let declaration = acme_extension("issues");
    let requirement = declaration.requirement.clone().public_preference("api_base_url");
    let declaration = of("issues", requirement).preference(Preference::new("api_base_url", PreferenceInput::Text));
    let issues = registry.extensions().handle(declaration).unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let used = async || uses_kit::lines(&registry).await;
    let message = "'api_base_url' cannot be an environment variable: another name becomes the same variable";
    assert_eq!(issues.environment(None).await.unwrap_err().to_string(), message);
    assert_eq!(used().await, [""; 0], "a use that was refused is none");
    // A secret that was handed to a host counts as used, whatever the host does with it.
    assert_eq!(issues.inject(None).await.unwrap().environment().unwrap_err().to_string(), message);
    assert_eq!(used().await, ["extension:issues library accessToken: released"]);
}

#[tokio::test]
async fn what_is_set_of_the_extension_and_of_the_command_is_in_variables_and_the_commands_goes_first() {
    let world = World::new().await;
    let registry = world.acme().await;
    let both = Command::new("close").preference(Preference::new("defaultDatabase", PreferenceInput::Text));
    let issues = registry.extensions().handle(acme_extension("issues").command(both)).unwrap();
    let connection = connected(&registry, "key-1").await;
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let list = Value::List(vec!["a".into(), true.into()]);
    issues.set_preferences(None).set("defaultDatabase", list).set("open", true).await.unwrap();
    let seen = async |command: Option<&str>, name: &str| {
        let variables = issues.environment(command).await.unwrap();
        let found: Vec<_> = variables.iter().filter(|(known, _)| known == name).collect();
        assert!(found.len() < 2, "{name} is there once");
        found.first().map(|(_, value)| value.expose_str().unwrap().to_owned())
    };
    let of = async |command: Option<&str>, name: &str| seen(command, name).await.unwrap_or_default();
    assert_eq!(of(None, "PREFERENCE_DEFAULT_DATABASE").await, r#"["a",true]"#, "what is no text is JSON");
    assert_eq!(of(None, "PREFERENCE_OPEN").await, "true");
    assert_eq!(seen(None, "PREFERENCE_LIMIT").await, None, "it is of a command");
    assert_eq!(of(Some("list"), "PREFERENCE_LIMIT").await, "10");
    issues.set_preferences(Some("close")).set("defaultDatabase", "work").await.unwrap();
    assert_eq!(of(Some("close"), "PREFERENCE_DEFAULT_DATABASE").await, "work");
    assert_eq!(of(Some("list"), "PREFERENCE_DEFAULT_DATABASE").await, r#"["a",true]"#);
    // Two names that would become the same variable, among all others.
    let twice = acme_extension("issues").preference(Preference::new("default_database", PreferenceInput::Text));
    let error = registry.extensions().handle(twice).unwrap().environment(None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "'default_database' cannot be an environment variable: another name becomes the same variable"
    );
}

#[tokio::test]
async fn variables_are_those_of_the_context_and_on_record_before_they_are_given() {
    let world = World::new().await;
    let registry = world.acme().await;
    let issues = crate::extension_kit::handle(&registry, "issues");
    let connection = connected(&registry, "key-1").await;
    assert_eq!(issues.environment(None).await.unwrap_err().code(), "not_granted");
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    let shown = |variables: Vec<(String, Secret)>| -> Vec<_> {
        variables.iter().map(|(name, value)| format!("{name}={}", value.expose_str().unwrap())).collect()
    };
    let variables = shown(issues.environment(Some("list")).await.unwrap());
    assert_eq!(variables[..2], ["ACCESS_TOKEN=key-1", "PUBLIC_API_BASE_URL=https://api.acme.example"]);
    assert_eq!(variables, shown(issues.inject(Some("list")).await.unwrap().environment().unwrap()));
    let of_command = "extension:issues library accessToken for list: released";
    assert_eq!(uses_kit::lines(&registry).await, [of_command; 2]);
    assert_eq!(issues.environment(Some("delete-all")).await.unwrap_err().code(), "undeclared");
    sql::refuse(&world.database(), "INSERT ON connection_event").await;
    assert!(matches!(issues.environment(None).await, Err(connection_core::Error::Store(_))));
}
