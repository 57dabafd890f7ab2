//! The rules for a declaration, one by one, and what they permit.

use connection_contract::{
    AuthType, Command, ExtensionDeclaration, Kind, Platform, Preference, PreferenceInput, Requirement, RequirementAuth,
    RequirementOAuth, RequirementRedirect, SecretName, Value,
};

#[test]
fn every_form_of_authentication_has_a_declaration_that_holds() {
    for auth in [none(), token(), oauth(RequirementRedirect::Loopback)] {
        let extension = extension(requirement(auth).public_preference("apiBaseUrl").connect_guide("Ask an owner."))
            .platform(Platform::Linux)
            .preference(Preference::new("apiBaseUrl", PreferenceInput::Text).default("https://api.example.com"))
            .command(Command::new("search").preference(Preference::new("apiBaseUrl", PreferenceInput::Text)))
            .command(Command::new("create"));
        assert_eq!(extension.check(), Ok(()));
    }
}

#[test]
fn an_error_names_extension_connection_and_field_and_can_be_taken_apart() {
    let error = extension(requirement(RequirementAuth::new(AuthType::None, [secret("a")]))).check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "extension 'issues', connection 'default', field '/connection/auth/secretNames': auth of the type none has no \
         secrets; remove the names or choose another type"
    );
    assert_eq!((error.extension.as_str(), error.connection.as_str()), ("issues", "default"));
    assert_eq!(error.field, "/connection/auth/secretNames");
}

#[test]
fn names_are_said_seen_and_short() {
    let long = "n".repeat(201);
    for bad in [
        "",
        " \t",
        " a",
        "a ",
        "a\u{fe0f}",
        "a\u{e0100}",
        "a\u{34f}",
        "a\0b",
        "a\nb",
        "a\u{202e}b",
        "a\u{200b}b",
        &long,
    ] {
        let text = || Preference::new(bad.to_owned(), PreferenceInput::Text);
        let good = || extension(requirement(token()));
        refused(&ExtensionDeclaration::new(bad.to_owned(), requirement(token())), "/name");
        refused(&good().command(Command::new(bad.to_owned())), "/commands/0/name");
        refused(&good().preference(text()), "/preferences/0/name");
        refused(&good().command(Command::new("a").preference(text())), "/commands/0/preferences/0/name");
        refused(&extension(Requirement::new(bad.to_owned(), github(), "T", token())), "/connection/id");
        refused(
            &extension(requirement(token()).public_preference(bad.to_owned())),
            "/connection/publicPreferenceNames/0",
        );
    }
    assert_eq!(ExtensionDeclaration::new("n".repeat(200), requirement(token())).check(), Ok(()));
}

#[test]
fn a_repeated_name_is_refused() {
    let text = || Preference::new("a", PreferenceInput::Text);
    let extension = || extension(requirement(token()));
    refused(&extension().platform(Platform::Linux).platform(Platform::Linux), "/platforms/1");
    refused(&extension().preference(text()).preference(text()), "/preferences/1/name");
    refused(&extension().command(Command::new("a")).command(Command::new("a")), "/commands/1/name");
    refused(
        &extension().command(Command::new("a").preference(text()).preference(text())),
        "/commands/0/preferences/1/name",
    );
    let twice = RequirementAuth::new(AuthType::ApiKey, [secret("a"), secret("a")]);
    refused(&self::extension(requirement(twice)), "/connection/auth/secretNames/1");
    let public = requirement(token()).public_preference("a").public_preference("a");
    refused(&self::extension(public), "/connection/publicPreferenceNames/1");
    let titles = requirement(token()).title_in("zh_Hans", "标题").title_in("zh_Hans", "标题");
    refused(&self::extension(titles), "/connection/title");
}

#[test]
fn a_secret_is_never_a_preference() {
    let text = || Preference::new("accessToken", PreferenceInput::Text);
    let extension = || extension(requirement(token()));
    refused(&extension().preference(text()), "/preferences/0/name");
    refused(&extension().command(Command::new("a").preference(text())), "/commands/0/preferences/0/name");
    refused(
        &self::extension(requirement(token()).public_preference("accessToken")),
        "/connection/publicPreferenceNames/0",
    );
    for form in ["password", " Password"] {
        let password = Preference::new("a", PreferenceInput::Other(form.into()));
        refused(&extension().preference(password), "/preferences/0/type");
    }
    assert_eq!(extension().preference(Preference::new("a", PreferenceInput::Other("file".into()))).check(), Ok(()));
}

#[test]
fn a_title_says_something_in_one_language_at_least_and_a_guide_too() {
    let titled = |title: &'static str| Requirement::new("default", github(), title, token());
    refused(&extension(titled(" ")), "/connection/title");
    refused(&extension(titled("").title_in("zh_Hans", "\u{200b}")), "/connection/title");
    assert_eq!(extension(titled("").title_in("zh_Hans", "标题")).check(), Ok(()));
    refused(&extension(requirement(token()).connect_guide(" ")), "/connection/connectGuide");
}

#[test]
fn each_form_of_authentication_has_its_own_and_no_more() {
    let secrets = "/connection/auth/secretNames";
    let auth = |auth, secrets: &[&'static str]| RequirementAuth::new(auth, secrets.iter().map(|name| secret(name)));
    let endpoints =
        || RequirementOAuth::new("https://a.example", "https://b.example", "c", RequirementRedirect::Loopback);
    let check = |auth, field| refused(&extension(requirement(auth)), field);
    check(auth(AuthType::None, &["a"]), secrets);
    let fields = "/connection/auth/setupFields";
    check(auth(AuthType::None, &[]).setup_field(secret("a")), fields);
    check(auth(AuthType::OAuth, &["a"]).oauth(endpoints()).setup_field(secret("a")), fields);
    let two = || auth(AuthType::ApiKey, &["a", "b"]).setup_field(secret("a"));
    check(two(), "/connection/auth/secretNames/1");
    check(two().setup_field(secret("b")).setup_field(secret("a")), "/connection/auth/setupFields/2");
    // An extension may ask for no secret, and a setup may ask for more than the extension receives.
    for auth in [
        auth(AuthType::ApiKey, &[]),
        auth(AuthType::PersonalAccessToken, &[]),
        auth(AuthType::OAuth, &[]).oauth(endpoints()),
        auth(AuthType::ApiKey, &[]).setup_field(secret("a")),
        two().setup_field(secret("b")).setup_field(secret("c")),
    ] {
        assert_eq!(extension(requirement(auth)).check(), Ok(()));
    }
    let public = requirement(auth(AuthType::ApiKey, &[]).setup_field(secret("a"))).public_preference("a");
    refused(&extension(public), "/connection/publicPreferenceNames/0");
    check(auth(AuthType::OAuth, &["a"]), "/connection/auth");
    check(auth(AuthType::None, &[]).oauth(endpoints()), "/connection/auth");
    check(auth(AuthType::ApiKey, &["a"]).oauth(endpoints()), "/connection/auth");
    check(auth(AuthType::Basic, &["a"]), "/connection/auth/type");
    check(auth(AuthType::Custom, &["a"]), "/connection/auth/type");
}

#[test]
fn oauth_has_endpoints_an_application_and_scopes_that_say_something() {
    let web = || RequirementRedirect::Web { redirect_url: "https://a.example/back".into() };
    let with = |authorization: &'static str, token: &'static str, client: &'static str, scope: &'static str| {
        let oauth = RequirementOAuth::new(authorization, token, client, web()).scope("read").scope(scope);
        extension(requirement(RequirementAuth::new(AuthType::OAuth, [secret("accessToken")]).oauth(oauth)))
    };
    refused(&with(" ", "t", "c", "s"), "/connection/auth/authorizationUrl");
    refused(&with("a", "", "c", "s"), "/connection/auth/tokenUrl");
    refused(&with("a", "t", "\t", "s"), "/connection/auth/clientId");
    refused(&with("a", "t", "c", " "), "/connection/auth/scopes/1");
    refused(&with("a\r\nb", "t", "c", "s"), "/connection/auth/authorizationUrl");
    assert_eq!(extension(requirement(oauth(web()))).check(), Ok(()), "scopes may be empty");
}

/// R-JINGLE-005, with the loopback address of RFC 8252 and a form that this version does not know.
#[test]
fn a_redirect_is_rendered_as_a_provider_is_told_it() {
    let scheme = |scheme: &'static str, path: &'static str| RequirementRedirect::AppScheme {
        scheme: scheme.into(),
        callback_path: path.into(),
    };
    let uri = |scheme: &'static str, path: &'static str| RequirementRedirect::AppUri {
        uri_scheme: scheme.into(),
        callback_path: path.into(),
    };
    let web = |url: &'static str| RequirementRedirect::Web { redirect_url: url.into() };
    for (redirect, rendered) in [
        (web("https://a.example/back"), Some("https://a.example/back")),
        (scheme("app", "/oauth/back"), Some("app://oauth/back")),
        (scheme("app", "oauth/back"), Some("app://oauth/back")),
        (scheme("app", "//back"), Some("app:///back")),
        (uri("com.example.app", "/oauth"), Some("com.example.app:/oauth")),
        (RequirementRedirect::Loopback, None),
        (RequirementRedirect::Other("tunnel".into()), None),
    ] {
        assert_eq!(redirect.rendered().as_deref(), rendered);
        assert_eq!(extension(requirement(oauth(redirect))).check(), Ok(()));
    }
    let check = |redirect, field| refused(&extension(requirement(oauth(redirect))), field);
    check(web(" "), "/connection/auth/redirect/redirectUrl");
    for bad in ["", " ", "app:", "1app", "a b", "ä"] {
        check(scheme(bad, "/back"), "/connection/auth/redirect/scheme");
        check(uri(bad, "/back"), "/connection/auth/redirect/uriScheme");
    }
    check(scheme("app", " "), "/connection/auth/redirect/callbackPath");
    check(uri("app", ""), "/connection/auth/redirect/callbackPath");
    check(RequirementRedirect::Other(" ".into()), "/connection/auth/redirect/type");
}

#[test]
fn a_default_is_plain_json() {
    let with = |value: Value| {
        extension(requirement(token())).preference(Preference::new("a", PreferenceInput::Text).default(value))
    };
    let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    for good in [Value::Null, Value::from(1), Value::Number("1e300".into()), Value::object([("a", Value::Null)])] {
        assert_eq!(with(good).check(), Ok(()));
    }
    let long = |length: usize| Value::from("x".repeat(length).as_str());
    assert_eq!(with(deep(32)).check(), Ok(()));
    assert_eq!(with(long((1 << 16) - 2)).check(), Ok(()));
    let twice = Value::object([("a", Value::Null), ("a", Value::Null)]);
    let number = |digits: &str| Value::Number(digits.into());
    for bad in [number("NaN"), number("1,2"), number("1e400"), twice, deep(33), deep(64), long(1 << 16)] {
        refused(&with(bad), "/preferences/0/default");
    }
}

#[test]
fn what_holds_without_a_choice_is_a_value_that_the_preference_can_have() {
    let choices = || PreferenceInput::Dropdown(vec![("a".into(), "A".into()), ("b".into(), "B".into())]);
    for (input, default, holds) in [
        (PreferenceInput::Checkbox, None, Value::Bool(false)),
        (PreferenceInput::Checkbox, Some(Value::Bool(true)), Value::Bool(true)),
        (PreferenceInput::Checkbox, Some(Value::from("yes")), Value::Bool(false)),
        (choices(), Some(Value::from("b")), Value::from("b")),
        (choices(), Some(Value::from("narrow")), Value::from("a")),
        (PreferenceInput::Dropdown(Vec::new()), Some(Value::from("a")), Value::from("")),
        (PreferenceInput::Text, Some(Value::from(7)), Value::from(7)),
        (PreferenceInput::Other("appPicker".into()), None, Value::from("")),
    ] {
        let mut preference = Preference::new("it", input);
        preference.default = default;
        assert_eq!(preference.fallback(), holds, "{preference:?}");
    }
}

fn github() -> Kind {
    Kind::from_static("github")
}

fn secret(name: &'static str) -> SecretName {
    SecretName::parse(name).unwrap()
}

fn none() -> RequirementAuth {
    RequirementAuth::new(AuthType::None, [])
}

fn token() -> RequirementAuth {
    RequirementAuth::new(AuthType::PersonalAccessToken, [secret("accessToken")])
}

fn oauth(redirect: RequirementRedirect) -> RequirementAuth {
    let oauth = RequirementOAuth::new("https://a.example/authorize", "https://a.example/token", "client", redirect);
    RequirementAuth::new(AuthType::OAuth, [secret("accessToken")]).oauth(oauth)
}

fn requirement(auth: RequirementAuth) -> Requirement {
    Requirement::new("default", github(), "GitHub", auth)
}

fn extension(requirement: Requirement) -> ExtensionDeclaration {
    ExtensionDeclaration::new("issues", requirement)
}

/// Checks that a declaration is rejected with this field. No other function in this file expects an error.
#[track_caller]
fn refused(extension: &ExtensionDeclaration, field: &str) {
    let error = extension.check().unwrap_err();
    assert_eq!(error.field, field);
    let rule = &error.rule;
    assert!(rule.starts_with(|c: char| c.is_lowercase()) && !rule.ends_with('.'), "{rule}");
}
