//! Every way in which a manifest is refused, with the requirement that says so.

use serde_json::{Value, json};

use crate::{manifest, oauth, set, with, with_oauth, without};

/// A manifest that is refused.
pub(crate) struct Case {
    /// The requirement, such as R-JINGLE-003.
    pub(crate) row: &'static str,
    /// The violation that the case shows.
    pub(crate) what: &'static str,
    pub(crate) document: Value,
    /// The checks that detect it.
    pub(crate) says: Says,
}

/// The checks that detect a violation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// The parser alone, because it compares members or sees what a pattern cannot.
    Parser,
    /// The parser and the schema.
    Schema,
}

use Says::{Parser, Schema};

pub(crate) fn all() -> Vec<Case> {
    [shape(), auth(), redirects(), names(), secrets(), others(), state()].concat()
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { document: self.document.clone(), ..*self }
    }
}

fn case(row: &'static str, what: &'static str, says: Says, document: Value) -> Case {
    Case { row, what, document, says }
}

/// R-JINGLE-001, 002 and 008: required members and their types.
fn shape() -> Vec<Case> {
    let gone = |pointer| without(manifest(), pointer);
    vec![
        case("R-JINGLE-001", "a list", Schema, json!([manifest()])),
        case("R-JINGLE-001", "no name", Schema, gone("/name")),
        case("R-JINGLE-001", "a name that is no text", Schema, with("/name", json!(7))),
        case("R-JINGLE-001", "two connections", Schema, with("/connection", json!([{}, {}]))),
        case("R-JINGLE-001", "no id", Schema, gone("/connection/id")),
        case("R-JINGLE-001", "no provider", Schema, gone("/connection/provider")),
        case("R-JINGLE-001", "no title", Schema, gone("/connection/title")),
        case("R-JINGLE-001", "no auth", Schema, gone("/connection/auth")),
        case(
            "R-JINGLE-001",
            "public preferences are no list",
            Schema,
            with("/connection/publicPreferenceNames", json!({})),
        ),
        case("R-JINGLE-001", "a guide that is no text", Schema, with("/connection/connectGuide", json!(1))),
        case("R-JINGLE-001", "commands are no list", Schema, with("/commands", json!({}))),
        case("R-JINGLE-001", "a command without a name", Schema, with("/commands/0", json!({}))),
        case("R-JINGLE-001", "a command that is a text", Schema, with("/commands/0", json!("search"))),
        case("R-JINGLE-001", "preferences are no list", Schema, with("/preferences", json!(null))),
        case(
            "R-JINGLE-001",
            "a preference without a name",
            Schema,
            with("/preferences/0", json!({ "type": "checkbox" })),
        ),
        case("R-JINGLE-001", "a preference of no type", Schema, with("/preferences/0/type", json!(["checkbox"]))),
        case("R-JINGLE-001", "a preference required by a text", Schema, with("/preferences/0/required", json!("yes"))),
        case(
            "R-JINGLE-001",
            "a choice without a value",
            Schema,
            with("/preferences/1/data/0", json!({ "title": "A" })),
        ),
        case("R-JINGLE-001", "words that are a number", Schema, with("/preferences/0/title", json!({ "en_US": 1 }))),
        case("R-JINGLE-002", "no type of auth", Schema, gone("/connection/auth/type")),
        case("R-JINGLE-002", "another type of auth", Schema, with("/connection/auth/type", json!("basic"))),
        case("R-JINGLE-008", "no connection", Schema, gone("/connection")),
        case("R-JINGLE-008", "a connection that is null", Schema, with("/connection", json!(null))),
    ]
}

/// R-JINGLE-003 and 004: the members of each form of authentication.
fn auth() -> Vec<Case> {
    let secrets = |form: &str, names: Value| with("/connection/auth", json!({ "type": form, "secretNames": names }));
    let fields = |form: &str, names: Value, fields: Value| {
        with("/connection/auth", json!({ "type": form, "secretNames": names, "setupFields": fields }))
    };
    let gone = |pointer| without(with_oauth("/type", json!("oauth")), pointer);
    vec![
        case("R-JINGLE-003", "none with a secret", Schema, secrets("none", json!(["accessToken"]))),
        case("R-JINGLE-003", "none with a field of the setup", Schema, fields("none", json!([]), json!(["a"]))),
        case("R-JINGLE-003", "a field of the setup that is no text", Schema, fields("apiKey", json!([]), json!([1]))),
        case("R-JINGLE-003", "a secret that the setup does not ask for", Parser, {
            fields("apiKey", json!(["accessToken"]), json!(["apiKey"]))
        }),
        case("R-JINGLE-003", "a secret without a name", Schema, secrets("apiKey", json!([""]))),
        case("R-JINGLE-003", "a name of a secret that is none", Schema, secrets("apiKey", json!(["two words"]))),
        case("R-JINGLE-003", "a secret that is no text", Schema, secrets("apiKey", json!([{}]))),
        case("R-JINGLE-004", "no authorizationUrl", Schema, gone("/connection/auth/authorizationUrl")),
        case("R-JINGLE-004", "no tokenUrl", Schema, gone("/connection/auth/tokenUrl")),
        case("R-JINGLE-004", "no clientId", Schema, gone("/connection/auth/clientId")),
        case("R-JINGLE-004", "no scopes", Schema, gone("/connection/auth/scopes")),
        case("R-JINGLE-004", "no redirect", Schema, gone("/connection/auth/redirect")),
        case("R-JINGLE-004", "oauth with a field of the setup", Schema, with_oauth("/setupFields", json!(["a"]))),
        case("R-JINGLE-004", "a blank authorizationUrl", Schema, with_oauth("/authorizationUrl", json!(" "))),
        case("R-JINGLE-004", "a blank tokenUrl", Schema, with_oauth("/tokenUrl", json!("\t"))),
        case("R-JINGLE-004", "a blank clientId", Schema, with_oauth("/clientId", json!(""))),
        case("R-JINGLE-004", "two lines in a clientId", Parser, with_oauth("/clientId", json!("a\nb"))),
        case("R-JINGLE-004", "a blank scope", Schema, with_oauth("/scopes", json!(["read", " "]))),
        case("R-JINGLE-004", "scopes in one text", Schema, with_oauth("/scopes", json!("read write"))),
    ]
}

/// R-JINGLE-005: a redirect is refused.
fn redirects() -> Vec<Case> {
    let bad = |what, redirect: Value| case("R-JINGLE-005", what, Schema, with("/connection/auth", oauth(&redirect)));
    vec![
        bad("a redirect that is a text", json!("https://acme.example/back")),
        bad("a redirect without a type", json!({ "redirectUrl": "https://acme.example/back" })),
        bad("a web redirect without an address", json!({ "type": "web" })),
        bad("a web redirect to a blank", json!({ "type": "web", "redirectUrl": " " })),
        bad("an app redirect without a scheme", json!({ "type": "app-scheme", "callbackPath": "/back" })),
        bad(
            "an app redirect with too much of a scheme",
            json!({ "type": "app-scheme", "scheme": "app://", "callbackPath": "/back" }),
        ),
        bad("an app redirect without a path", json!({ "type": "app-scheme", "scheme": "app" })),
        bad("an app URI without a scheme", json!({ "type": "app-uri", "callbackPath": "/back" })),
        bad("an app URI with a blank path", json!({ "type": "app-uri", "uriScheme": "app", "callbackPath": "" })),
        bad("a foreign redirect without an address", json!({ "method": "web" })),
        bad("a redirect of a blank type", json!({ "type": " " })),
        bad("a redirect of a blank method", json!({ "method": " " })),
    ]
}

/// R-JINGLE-006: the lengths and characters of every name.
fn names() -> Vec<Case> {
    vec![
        case("R-JINGLE-006", "a blank name", Schema, with("/name", json!(" "))),
        case("R-JINGLE-006", "a name with NUL", Parser, with("/name", json!("a\u{0}b"))),
        case("R-JINGLE-006", "a name that runs backwards", Parser, with("/name", json!("a\u{202e}b"))),
        case("R-JINGLE-006", "a long name", Schema, with("/name", json!("n".repeat(201)))),
        case("R-JINGLE-006", "a blank id", Schema, with("/connection/id", json!(""))),
        case("R-JINGLE-006", "a blank provider", Schema, with("/connection/provider", json!("  "))),
        case("R-JINGLE-006", "a provider that is no kind", Schema, with("/connection/provider", json!("Acme/Inc"))),
        case("R-JINGLE-006", "a blank title", Schema, with("/connection/title", json!(" "))),
        case("R-JINGLE-006", "a title in one language", Schema, with("/connection/title", json!({ "en_US": "Acme" }))),
        case(
            "R-JINGLE-006",
            "a title that is blank in two",
            Parser,
            with("/connection/title", json!({ "en_US": " ", "zh_Hans": "" })),
        ),
        case(
            "R-JINGLE-006",
            "a title in a language without a name",
            Parser,
            with("/connection/title", json!({ "en_US": "A", "zh_Hans": "B", " ": "C" })),
        ),
        case(
            "R-JINGLE-006",
            "a title that is a number in one",
            Schema,
            with("/connection/title", json!({ "en_US": "A", "zh_Hans": 1 })),
        ),
        case("R-JINGLE-006", "a blank guide", Schema, with("/connection/connectGuide", json!(" "))),
        case("R-JINGLE-006", "a command with a blank name", Schema, with("/commands/0/name", json!("\n"))),
        case("R-JINGLE-006", "a preference with a blank name", Schema, with("/preferences/0/name", json!(""))),
        case(
            "R-JINGLE-006",
            "a public preference with a blank name",
            Schema,
            with("/connection/publicPreferenceNames/0", json!(" ")),
        ),
    ]
}

/// R-JINGLE-007: no secret is among the preferences.
fn secrets() -> Vec<Case> {
    let password = json!({ "name": "pin", "type": "password", "default": "canary-default" });
    let same = json!({ "name": "accessToken", "type": "textfield" });
    vec![
        case(
            "R-JINGLE-007",
            "a secret among public preferences",
            Parser,
            with("/connection/publicPreferenceNames/-", json!("accessToken")),
        ),
        case("R-JINGLE-007", "a password", Schema, with("/preferences/0", password.clone())),
        case("R-JINGLE-007", "a command's password", Schema, with("/commands/0/preferences/0", password)),
        case("R-JINGLE-007", "a preference with a secret's name", Parser, with("/preferences/0", same.clone())),
        case(
            "R-JINGLE-007",
            "a command's preference with a secret's name",
            Parser,
            with("/commands/0/preferences/0", same),
        ),
    ]
}

/// R-JINGLE-009 and 010: members for other readers, and repeated names.
fn others() -> Vec<Case> {
    let twice = |what, pointer, value| case("R-JINGLE-010", what, Parser, with(pointer, value));
    let tools = json!({ "tools": [{ "name": "list" }, "show", { "name": "show" }] });
    vec![
        case(
            "R-JINGLE-009",
            "an agent with another connection",
            Parser,
            with("/aiCapability", json!({ "connectionId": "work" })),
        ),
        case(
            "R-JINGLE-009",
            "an agent with a list of connections",
            Schema,
            with("/aiCapability", json!({ "connectionId": ["default"] })),
        ),
        twice("a command twice", "/commands/-", json!({ "name": "search" })),
        twice("a preference twice", "/preferences/-", json!({ "name": "open" })),
        twice("a command's preference twice", "/commands/0/preferences/-", json!({ "name": "mine" })),
        twice("a tool twice", "/aiCapability", tools),
        twice("the name of a tool twice", "/aiCapability", json!({ "toolNames": ["list", "list"] })),
        twice("a capability twice", "/capabilities", json!(["search", "search"])),
        twice("a method twice", "/rpcMethods", json!(["list", { "name": "list" }])),
        twice("a runtime capability twice", "/runtimeCapabilities", json!(["shell", "net", "shell"])),
        case("R-JINGLE-010", "a platform twice", Schema, with("/platforms", json!(["linux", "linux"]))),
        case(
            "R-JINGLE-010",
            "a platform twice in a foreign list",
            Schema,
            set(without(manifest(), "/platforms"), "/supportedPlatforms", json!(["linux", "linux"])),
        ),
        case("R-JINGLE-010", "another platform", Schema, with("/platforms", json!(["linux", "plan9"]))),
        case(
            "R-JINGLE-010",
            "an agent on another platform",
            Schema,
            with("/aiCapability", json!({ "supportedPlatforms": ["plan9"] })),
        ),
        case("R-JINGLE-010", "platforms in one text", Schema, with("/platforms", json!("linux"))),
        case("R-JINGLE-010", "two lists of platforms", Parser, with("/supportedPlatforms", json!(["linux"]))),
        case("R-JINGLE-010", "a secret twice", Schema, with("/connection/auth/secretNames", json!(["a", "a"]))),
        case(
            "R-JINGLE-010",
            "a public preference twice",
            Schema,
            with("/connection/publicPreferenceNames", json!(["a", "a"])),
        ),
    ]
}

/// R-JINGLE-012: a manifest holds no state.
fn state() -> Vec<Case> {
    let held = |what, says, pointer| case("R-JINGLE-012", what, says, with(pointer, json!("canary-state")));
    vec![
        held("a token", Schema, "/connection/accessToken"),
        held("a token in auth", Schema, "/connection/auth/token"),
        held("a token in other letters", Parser, "/connection/auth/refresh_token"),
        held("secrets", Schema, "/connection/secrets"),
        held("a client's secret", Schema, "/connection/auth/clientSecret"),
        held("a status", Schema, "/connection/status"),
        held("missing secrets", Schema, "/connection/missingSecretNames"),
        held("a result", Schema, "/executionResult"),
        held("a token beside the connection", Schema, "/accessToken"),
        case(
            "R-JINGLE-012",
            "a token deep below",
            Parser,
            with("/connection/other", json!([{ "token": "canary-state" }])),
        ),
        held("a token of a command", Parser, "/commands/0/accessToken"),
        held("a token of a preference", Parser, "/preferences/0/access_token"),
        case("R-JINGLE-012", "a token of an agent", Parser, with("/aiCapability", json!({ "token": "canary-state" }))),
        case(
            "R-JINGLE-012",
            "a token in a default",
            Parser,
            with("/preferences/0/default", json!({ "apiKey": "canary-state" })),
        ),
        case("R-JINGLE-012", "passwords in a list", Parser, with("/other", json!([{ "passwords": ["canary-state"] }]))),
        case("R-JINGLE-012", "secrets by name", Parser, with("/other", json!({ "secrets": { "a": "canary-state" } }))),
    ]
}
