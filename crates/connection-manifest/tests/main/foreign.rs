//! Files that were written for another host: members that are not read are kept and noted, and are not an error.

use connection_contract::{PreferenceInput, RequirementRedirect};
use connection_manifest::ExtensionFile;
use serde_json::{Value, json};

use crate::{examples, manifest, oauth, set, with};

/// Returns the notes on a manifest, as text.
fn notes(document: &Value) -> Vec<String> {
    crate::parse(document).notes().iter().map(ToString::to_string).collect()
}

#[test]
fn unread_members_are_kept_and_reported() {
    let (_, text) = examples().into_iter().find(|(name, _)| name == "foreign.json").unwrap();
    let file = ExtensionFile::parse(text.as_bytes()).unwrap();
    let fields: Vec<_> = file.notes().iter().map(|note| note.field.as_str()).collect();
    let kept: Vec<_> = file.unknown().iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        kept,
        [
            "/preferences/0/placeholder",
            "/commands/0/title",
            "/commands/0/mode",
            "/commands/0/keywords",
            "/title",
            "/icon",
            "/capabilities",
            "/rpcMethods",
            "/runtimeCapabilities",
            "/aiCapability",
        ]
    );
    assert!(kept.iter().all(|pointer| fields.contains(pointer)), "{fields:?}");
    let rest: Vec<_> = file.notes().iter().filter(|note| !kept.contains(&note.field.as_str())).collect();
    assert_eq!(
        rest.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "field '/preferences/0/label': only one of these languages is shown, English if it is present; all are \
             kept",
            "field '/preferences/1/type': this program does not know this form of input, and asks for a text",
        ]
    );
}

#[test]
fn a_value_that_is_interpreted_differently_is_reported() {
    let checkbox =
        |default: Value| with("/preferences/0", json!({ "name": "a", "type": "checkbox", "default": default }));
    let none =
        "field '/preferences/0/default': this default does not fit its form of input, so it is not used; it is kept";
    let unfit = "field '/preferences/0/default': this default does not fit its form of input, but it is used";
    assert_eq!(notes(&checkbox(json!("yes"))), [none]);
    assert!(notes(&checkbox(json!(false))).is_empty());
    assert_eq!(notes(&with("/preferences/0/default", json!(7))), [unfit]);
    assert!(notes(&with("/preferences/0/default", json!("text"))).is_empty());
    assert_eq!(notes(&with("/preferences/1/default", json!("list"))).len(), 1);
    assert!(notes(&with("/preferences/1/default", json!("browser"))).is_empty());
    assert_eq!(
        notes(&with("/preferences/0", json!({ "name": "a", "type": "dropdown" }))),
        ["field '/preferences/0': this dropdown has no data, so there is nothing to choose"]
    );
    assert_eq!(
        notes(&with("/connection/connectGuide", json!("Ask an owner\u{202e}."))),
        ["field '/connection/connectGuide': this is shown without invisible characters, and only up to its 500th \
             character"]
    );
    assert_eq!(
        notes(&with("/connection/auth/scopes", json!(["read"]))),
        ["field '/connection/auth/scopes': this program does not read this; it is kept"]
    );
    assert!(notes(&manifest()).is_empty());
}

/// Other hosts describe inputs by these names; text below them would be the secret itself.
#[test]
fn what_describes_a_secret_is_taken() {
    let schema = json!({ "type": "object", "properties": { "password": { "type": "string", "title": "Password" } } });
    for (pointer, value) in [
        ("/aiCapability", json!({ "tools": [{ "name": "list", "inputSchema": schema }] })),
        ("/tokens", json!(4096)),
        ("/commands/0/secret", json!(true)),
        ("/credentials", json!([])),
        ("/password", json!(" ")),
    ] {
        assert!(ExtensionFile::parse(with(pointer, value).to_string().as_bytes()).is_ok(), "{pointer}");
    }
}

#[test]
fn a_provider_is_read_whatever_its_letter_case_and_separators() {
    for (written, read) in [("Google_Drive", "google-drive"), ("google.drive", "google-drive"), ("GitHub", "github")] {
        let document = with("/connection/provider", json!(written));
        let file = crate::parse(&document);
        assert_eq!(file.declaration().requirement.provider.as_str(), read);
        assert_eq!(serde_json::from_str::<Value>(&file.to_string()).unwrap(), document, "it is kept as it was written");
    }
}

#[test]
fn a_redirect_that_is_not_known_is_kept_and_not_used() {
    let redirect = json!({ "type": "tunnel", "through": "tunnel.example" });
    let document = with("/connection/auth", oauth(&redirect));
    let file = crate::parse(&document);
    let oauth = file.declaration().requirement.auth.oauth.as_ref().unwrap();
    assert_eq!(oauth.redirect, RequirementRedirect::Other("tunnel".into()));
    assert_eq!(oauth.redirect.rendered(), None);
    assert_eq!(
        notes(&document),
        [
            "field '/connection/auth/redirect/type': this program does not know this redirect, so no setup can use it",
            "field '/connection/auth/redirect/through': this program does not read this; it is kept",
        ]
    );
    assert_eq!(serde_json::from_str::<Value>(&file.to_string()).unwrap(), document);
}

#[test]
fn a_preference_without_a_type_is_one_line_and_one_of_an_unknown_type_is_asked_as_text() {
    let input = |preference: Value| {
        crate::parse(&with("/preferences/0", preference)).declaration().preferences[0].input.clone()
    };
    assert_eq!(input(json!({ "name": "a" })), PreferenceInput::Text);
    for known in ["text", "textfield"] {
        assert_eq!(input(json!({ "name": "a", "type": known })), PreferenceInput::Text);
        assert!(notes(&with("/preferences/0", json!({ "name": "a", "type": known }))).is_empty(), "{known}");
    }
    assert_eq!(input(json!({ "name": "a", "type": "file" })), PreferenceInput::Other("file".into()));
    assert_eq!(
        input(json!({ "name": "a", "type": "dropdown", "data": [{ "value": "b" }] })),
        PreferenceInput::Dropdown(vec![("b".into(), "b".into())])
    );
}

#[test]
fn other_words_for_the_same_are_read_and_ours_win() {
    let redirect = |members: Value| {
        let file = crate::parse(&with("/connection/auth", oauth(&members)));
        (file.declaration().requirement.auth.oauth.clone().unwrap().redirect, file.unknown().len())
    };
    assert_eq!(redirect(json!({ "method": "loopback" })), (RequirementRedirect::Loopback, 0));
    assert_eq!(redirect(json!({ "type": "loopback", "method": "web" })), (RequirementRedirect::Loopback, 1));
    let platforms = set(crate::without(manifest(), "/platforms"), "/supportedPlatforms", json!(["win32"]));
    assert_eq!(crate::parse(&platforms).declaration().platforms, [connection_contract::Platform::Win32]);
}

/// R-JINGLE-006: of a title in two languages, one must not be empty.
#[test]
fn a_title_is_english_where_it_says_something() {
    let title = |title: Value| {
        let requirement = crate::parse(&with("/connection/title", title)).into_declaration().requirement;
        let others: Vec<_> = requirement.titles.iter().map(|(language, title)| format!("{language} {title}")).collect();
        (requirement.title.as_str().to_owned(), others)
    };
    let others = |others: &[&str]| others.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(title(json!("Acme")), ("Acme".into(), others(&[])));
    assert_eq!(title(json!({ "zh_Hans": "顶点", "en_US": "Acme" })), ("Acme".into(), others(&["zh_Hans 顶点"])));
    let three = title(json!({ "de_DE": "Gipfel", "en_US": "Acme", "zh_Hans": "顶点" }));
    assert_eq!(three, ("Acme".into(), others(&["de_DE Gipfel", "zh_Hans 顶点"])));
    assert_eq!(title(json!({ "en_US": "", "zh_Hans": "顶点" })), ("顶点".into(), others(&["zh_Hans 顶点"])));
    assert_eq!(
        title(json!({ "en_US": "Acme", "zh_Hans": " ", "fr": "Sommet" })),
        ("Acme".into(), others(&["fr Sommet"]))
    );
}

/// R-JINGLE-009 and 010: names that occur once, and members of another host, are not an error.
#[test]
fn instructions_for_other_hosts_are_theirs() {
    for (pointer, value) in [
        ("/aiCapability", json!({ "connectionId": "default", "tools": [{ "name": "a" }, { "name": "b" }, 7, {}] })),
        ("/aiCapability", json!("search")),
        ("/capabilities", json!({ "search": true })),
        ("/rpcMethods", json!([1, 1])),
        // Outside the connection, these names belong to other hosts.
        ("/status", json!("beta")),
        ("/commands/0/error", json!("none")),
    ] {
        assert_eq!(
            notes(&with(pointer, value)),
            [format!("field '{pointer}': this program does not read this; it is kept")]
        );
    }
}
