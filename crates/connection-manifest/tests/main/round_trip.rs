//! A file is written as it was read, and a declaration made in code is the same after it was written and read.

use connection_contract::{
    AuthType, Command, DisplayText, ExtensionDeclaration, Kind, Platform, Preference, PreferenceInput, Requirement,
    RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName, Value,
};
use connection_manifest::ExtensionFile;
use proptest::{prelude::*, sample::subsequence};

use crate::{examples, manifest};

#[test]
fn every_example_is_written_as_it_was_read() {
    for (name, text) in examples() {
        let file = ExtensionFile::parse(text.as_bytes()).unwrap();
        assert_eq!(file.to_string(), Value::parse(text.as_bytes()).unwrap().to_string(), "{name}");
        assert_eq!(ExtensionFile::parse(file.to_string().as_bytes()).unwrap(), file, "{name}");
    }
}

#[test]
fn a_declaration_that_breaks_a_rule_makes_no_file() {
    let auth = RequirementAuth::new(AuthType::Basic, []);
    let requirement = Requirement::new("default", Kind::from_static("acme"), "Acme", auth);
    let error = ExtensionFile::of(&ExtensionDeclaration::new("issues", requirement.clone())).unwrap_err();
    assert_eq!((error.field.as_str(), error.extension.unwrap().as_str()), ("/connection/auth/type", "issues"));
    let known = Preference::new("a", PreferenceInput::Other("dropdown".into()));
    let auth = RequirementAuth::new(AuthType::None, []);
    let mut requirement = requirement;
    requirement.auth = auth;
    let file = ExtensionFile::of(&ExtensionDeclaration::new("issues", requirement).preference(known)).unwrap();
    assert_eq!(file.declaration().preferences[0].input, PreferenceInput::Dropdown(Vec::new()), "the known form wins");
}

fn name() -> impl Strategy<Value = String> {
    "([a-zA-Zäöü标_.:/~-][a-zA-Zäöü标_.:/~ -]{0,7})?[a-z0-9]"
}

fn words() -> impl Strategy<Value = DisplayText> {
    "[a-zA-Z\"\\\\标/ ]{0,12}[a-z]".prop_map(DisplayText::from)
}

fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        Just(Value::Number("1.50e+3".into())),
        any::<String>().prop_map(|text| Value::from(text.as_str())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

fn preferences() -> impl Strategy<Value = Vec<Preference>> {
    let input = prop_oneof![
        Just(PreferenceInput::Checkbox),
        Just(PreferenceInput::Text),
        Just(PreferenceInput::Other("appPicker".into())),
        prop::collection::vec((name().prop_map(Into::into), words()), 0..3).prop_map(PreferenceInput::Dropdown),
    ];
    let parts = (input, prop::option::of(words()), prop::option::of(words()), any::<bool>(), prop::option::of(plain()));
    prop::collection::btree_map(name(), parts, 0..4).prop_map(|preferences| {
        let one = |(name, (input, title, description, required, default))| {
            let mut preference = Preference::new(name, input);
            (preference.title, preference.description) = (title, description);
            (preference.required, preference.default) = (required, default);
            preference
        };
        preferences.into_iter().map(one).collect()
    })
}

fn auth() -> impl Strategy<Value = RequirementAuth> {
    let names = |names: Vec<&'static str>| names.into_iter().filter_map(SecretName::parse).collect::<Vec<_>>();
    let redirect = prop_oneof![
        Just(RequirementRedirect::Loopback),
        Just(RequirementRedirect::Other("tunnel".into())),
        name().prop_map(|url| RequirementRedirect::Web { redirect_url: url.into() }),
        name().prop_map(|path| RequirementRedirect::AppScheme { scheme: "a+b".into(), callback_path: path.into() }),
        name().prop_map(|path| RequirementRedirect::AppUri { uri_scheme: "a.b".into(), callback_path: path.into() }),
    ];
    let secrets = subsequence(vec!["access-secret", "refresh.secret", "third_Secret"], 1..=3).prop_map(names);
    let scopes = prop::collection::vec(name(), 0..3);
    (0..4_u8, secrets, redirect, scopes, name()).prop_map(|(form, secrets, redirect, scopes, text)| match form {
        0 => RequirementAuth::new(AuthType::None, []),
        1 => RequirementAuth::new(AuthType::ApiKey, secrets),
        2 => RequirementAuth::new(AuthType::PersonalAccessToken, secrets),
        _ => {
            let oauth = RequirementOAuth::new(text.clone(), text.clone(), text, redirect);
            let oauth = scopes.into_iter().fold(oauth, RequirementOAuth::scope);
            RequirementAuth::new(AuthType::OAuth, secrets).oauth(oauth)
        }
    })
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let languages = subsequence(vec!["zh_Hans", "de_DE", "fr"], 0..=3);
    let publics = prop::collection::btree_set(name(), 0..3);
    (name(), "[a-z][a-z0-9-]{0,20}", words(), languages, auth(), publics, prop::option::of(words())).prop_map(
        |(id, provider, title, languages, auth, publics, guide)| {
            let mut requirement = Requirement::new(id, Kind::parse(&provider).unwrap(), title.clone(), auth);
            requirement.titles = languages.into_iter().map(|language| (language.into(), title.clone())).collect();
            requirement.public_preference_names = publics.into_iter().map(Into::into).collect();
            requirement.connect_guide = guide;
            requirement
        },
    )
}

fn declaration() -> impl Strategy<Value = ExtensionDeclaration> {
    let platforms = subsequence(vec![Platform::Darwin, Platform::Linux, Platform::Win32], 0..=3);
    let commands = prop::collection::btree_map(name(), preferences(), 0..3);
    (name(), platforms, preferences(), commands, requirement()).prop_map(
        |(name, platforms, preferences, commands, requirement)| {
            let mut extension = ExtensionDeclaration::new(name, requirement);
            (extension.platforms, extension.preferences) = (platforms, preferences);
            for (name, preferences) in commands {
                extension.commands.push(preferences.into_iter().fold(Command::new(name), Command::preference));
            }
            extension
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_declaration_made_in_code_is_the_same_when_its_file_is_read(declaration in declaration()) {
        let file = ExtensionFile::of(&declaration).unwrap();
        prop_assert_eq!(file.declaration(), &declaration);
        prop_assert!(file.unknown().is_empty());
        let again = ExtensionFile::parse(file.to_string().as_bytes()).unwrap();
        prop_assert_eq!(again, file);
    }

    #[test]
    fn unread_members_of_a_file_are_written_unchanged(
        pointers in subsequence(vec![
            "", "/preferences/0", "/preferences/1/data/0", "/commands/0", "/commands/0/preferences/0", "/connection", "/connection/auth",
        ], 1..4),
        key in "x[a-z~/\" ]{0,6}",
        value in plain(),
    ) {
        let mut document = Value::parse(manifest().to_string().as_bytes()).unwrap();
        for pointer in &pointers {
            let Some(Value::Map(members)) = at(&mut document, pointer) else { panic!("{pointer}") };
            members.insert(0, (key.clone(), value.clone()));
        }
        let text = document.to_string();
        // Some names below the connection are always refused.
        let Ok(file) = ExtensionFile::parse(text.as_bytes()) else { return Ok(()) };
        prop_assert_eq!(file.to_string(), text);
        prop_assert_eq!(file.unknown().len(), pointers.len());
        for (pointer, unknown) in file.unknown() {
            prop_assert_eq!(document.pointer(pointer), Some(unknown));
            prop_assert_eq!(unknown, &value);
        }
        let plain = ExtensionFile::parse(manifest().to_string().as_bytes()).unwrap();
        prop_assert_eq!(file.declaration(), plain.declaration());
    }

    #[test]
    fn any_bytes_end_in_a_file_or_in_a_sentence(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = ExtensionFile::parse(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

fn at<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    pointer.split('/').skip(1).try_fold(value, |value, token| match value {
        Value::List(items) => items.get_mut(token.parse::<usize>().ok()?),
        Value::Map(members) => members.iter_mut().find(|(name, _)| name == token).map(|(_, value)| value),
        _ => None,
    })
}
