//! The examples in the documents have the described content.

use connection_contract::{AuthType, PreferenceInput, RequirementRedirect, Value};
use connection_manifest::ExtensionFile;

use crate::examples;

fn example(name: &str) -> ExtensionFile {
    let (_, text) = examples().into_iter().find(|(file, _)| file == name).unwrap();
    ExtensionFile::parse(text.as_bytes()).unwrap()
}

#[test]
fn an_example_of_ours_has_nothing_to_note() {
    for (name, text) in examples() {
        let file = ExtensionFile::parse(text.as_bytes()).unwrap();
        assert_eq!(format!("{}.json", file.declaration().name).replace("repositories", "foreign"), name);
        assert_eq!(file.notes().is_empty(), name != "foreign.json", "{name}: {:?}", file.notes());
    }
}

/// R-JINGLE-062, and the preferences that the first page names.
#[test]
fn issues_asks_for_a_token_and_is_set_to_three_things() {
    let file = example("issues.json");
    let extension = file.declaration();
    let requirement = &extension.requirement;
    assert_eq!((requirement.id.as_ref(), requirement.provider.as_str()), ("default", "github"));
    assert_eq!(requirement.auth.auth, AuthType::PersonalAccessToken);
    assert_eq!(requirement.auth.secret_names[0].as_str(), "accessToken");
    assert_eq!(requirement.public_preference_names, ["apiBaseUrl"]);
    let names: Vec<_> = extension.preferences.iter().map(|preference| preference.name.as_ref()).collect();
    assert_eq!(names, ["apiBaseUrl", "defaultDatabase", "openBehavior"]);
    assert_eq!(extension.preferences[0].fallback(), Value::from("https://api.github.com"));
    assert!(matches!(&extension.preferences[2].input, PreferenceInput::Dropdown(choices) if choices.len() == 2));
    let only_mine = &extension.find_command("search").unwrap().preferences[0];
    assert_eq!(only_mine.fallback(), Value::Bool(true));
}

#[test]
fn release_notes_reuses_what_issues_asks_for() {
    let first = example("issues.json");
    let second = example("release-notes.json");
    let first = &first.declaration().requirement;
    let second = &second.declaration().requirement;
    assert_eq!(first.provider, second.provider);
    assert_eq!(first.auth.secret_names, second.auth.secret_names);
}

#[test]
fn quick_capture_has_an_api_key_and_a_title_in_two_languages() {
    let file = example("quick-capture.json");
    let requirement = &file.declaration().requirement;
    assert_eq!((requirement.provider.as_str(), requirement.auth.auth), ("notion", AuthType::ApiKey));
    assert_eq!(requirement.titles[0].0, "zh_Hans");
    assert!(file.declaration().preferences[0].required);
}

/// R-JINGLE-028 begins here: the extension needs no login, and runs on one platform.
#[test]
fn reminders_needs_no_connection_and_runs_on_one_platform() {
    let file = example("reminders.json");
    let extension = file.declaration();
    assert_eq!(extension.requirement.auth.auth, AuthType::None);
    assert!(extension.requirement.auth.secret_names.is_empty());
    assert_eq!(extension.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(), ["darwin"]);
}

#[test]
fn a_foreign_file_says_the_same_in_its_own_words() {
    let file = example("foreign.json");
    let extension = file.declaration();
    assert_eq!(extension.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(), ["darwin", "linux"]);
    assert_eq!(extension.preferences[0].title.as_ref().unwrap().as_str(), "API address");
    assert_eq!(extension.preferences[1].input, PreferenceInput::Other("appPicker".into()));
    let oauth = extension.requirement.auth.oauth.as_ref().unwrap();
    assert!(matches!(oauth.redirect, RequirementRedirect::AppScheme { .. }));
    assert_eq!(oauth.redirect.rendered().unwrap(), "launcher://oauth/callback");
}
