//! The terms of a kind change with each address, each place of a secret and the client authentication, and with
//! nothing else.

use connection_contract::ConnectionDefinition as _;
use connection_manifest::{Catalogue, KindFile};

const API_KEY: &str = r#"
format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"
guide = ["Open the settings."]
sources = ["https://acme.com/docs"]

[[links]]
text = "Keys"
url = "https://acme.com/keys"

[[fields]]
name = "apiKey"
label = "API key"
help = "Below the settings."
secret = true

[request]
base = ["https://api.acme.com/v1"]
origins = ["https://files.acme.com"]
headers = { X-Api-Key = "${secret.apiKey}", X-Id = "$${x}${uuid()}" }
query = { key = "${secret.apiKey}" }
json = { auth = { key = "${secret.apiKey}", version = 2 } }
path = "/keys/${secret.apiKey}"
pauses = [{ header = "X-Reset", unit = "seconds" }]

[verify]
path = "/me"
headers = { X-Verify = "1" }
query = { fields = "id" }

[account]
id = "/id"
label = "/name"

[[lookups]]
path = "/sites"
set = { site = "/0/id" }
optional = true

[[fields]]
name = "site"
source = "lookup"

[revoke]
method = "DELETE"
path = "/keys/me"
"#;

const OAUTH2: &str = r#"
format = 1
id = "acme"
name = "Acme"
mechanism = "oauth2"
accepts = ["registration"]

[request]
base = ["https://api.acme.com"]

[verify]
path = "/me"

[account]
id = "/id"

[oauth2]
authorize = "https://acme.com/authorize"
token = "https://acme.com/token"
refresh = "https://acme.com/refresh"
revocation = "https://acme.com/revoke"
device = "https://acme.com/device"
pushed = "https://acme.com/par"
registration = "https://acme.com/register"
client = "registered"
client_auth = { basic = { user = "${client.id}", password = "${client.secret}" } }
body = "form"
scopes = ["read"]
methods = ["browser"]
authorize_params = { prompt = "consent" }
token_params = { audience = "api" }
refresh_params = { audience = "api" }
token_headers = { X-Client = "${client.id}" }
token_rename = { client_id = "client_key" }
"#;

const EXCHANGE: &str = r#"
format = 1
id = "acme"
name = "Acme"
mechanism = "token_exchange"
accepts = ["jwt"]

[[fields]]
name = "key"
label = "Key"
secret = true

[request]
base = ["https://api.acme.com"]

[verify]
path = "/me"

[account]
id = "/id"

[exchange]
access_token = "/token"

[exchange.jwt]
algorithm = "HS256"
key = "${secret.key}"
key_encoding = "utf8"
claims = { aud = "https://acme.com", sub = "me" }

[[exchange.steps]]
url = "https://acme.com/login"
form = { assertion = "${signed.jwt}" }
headers = { X-Login = "1" }
basic = { user = "me", password = "${secret.key}" }
"#;

fn terms(text: &str) -> String {
    let file = KindFile::parse("acme.toml", text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    file.definition().descriptor().terms.unwrap().into_owned()
}

/// Checks which replacements in a file change its terms.
#[track_caller]
fn check(text: &str, decides: &[(&str, &str)], is_free: &[(&str, &str)]) {
    let before = terms(text);
    for (from, to) in decides {
        assert_eq!(text.matches(from).count(), 1, "{from} occurs once");
        let after = terms(&text.replace(from, to));
        assert_ne!(before, after, "{from} -> {to}");
        let lines = |one: &str, other: &str| one.lines().filter(|line| !other.lines().any(|l| l == *line)).count();
        let changed = lines(&before, &after).max(lines(&after, &before));
        assert_eq!(changed, 1, "one line tells that {from} became {to}:\n{before}\n{after}");
    }
    for (from, to) in is_free {
        assert!(text.contains(from), "{from}");
        assert_eq!(before, terms(&text.replace(from, to)), "{from} -> {to}");
    }
}

#[test]
fn each_address_and_each_place_of_a_key_is_part_of_the_terms() {
    check(
        API_KEY,
        &[
            ("https://api.acme.com/v1", "https://api.evil.com/v1"),
            ("https://files.acme.com", "https://files.evil.com"),
            ("X-Api-Key = \"${secret.apiKey}\"", "X-Api-Key = \"Bearer ${secret.apiKey}\""),
            ("$${x}", "x"),
            ("query = { key = \"${secret.apiKey}\" }", "query = { key = \"k-${secret.apiKey}\" }"),
            ("auth = { key = \"${secret.apiKey}\"", "auth = { key = \"k-${secret.apiKey}\""),
            ("version = 2", "version = \"2\""),
            ("/keys/${secret.apiKey}", "/key/${secret.apiKey}"),
            ("path = \"/me\"", "path = \"https://me.acme.com/me\""),
            ("X-Verify = \"1\"", "X-Verify = \"2\""),
            ("fields = \"id\"", "fields = \"name\""),
            ("path = \"/sites\"", "path = \"https://sites.acme.com/\""),
            ("path = \"/keys/me\"", "path = \"https://revoke.acme.com/\""),
            ("method = \"DELETE\"", "method = \"POST\""),
        ],
        &[
            ("name = \"Acme\"", "name = \"Acme Inc.\""),
            ("Open the settings.", "Open the account."),
            ("https://acme.com/docs", "https://acme.com/reference"),
            ("https://acme.com/keys", "https://acme.com/tokens"),
            ("label = \"API key\"", "label = \"Key\""),
            ("Below the settings.", "Above the settings."),
            ("X-Reset", "X-Rate-Limit-Reset"),
            ("label = \"/name\"", "label = \"/login\""),
            (
                "{ auth = { key = \"${secret.apiKey}\", version = 2 } }",
                "{ auth = { version = 2, key = \"${secret.apiKey}\" } }",
            ),
        ],
    );
}

#[test]
fn each_endpoint_and_the_client_authentication_are_part_of_the_terms() {
    check(
        OAUTH2,
        &[
            ("https://api.acme.com", "https://api.evil.com"),
            ("https://acme.com/authorize", "https://evil.com/authorize"),
            ("https://acme.com/token", "https://evil.com/token"),
            ("https://acme.com/refresh", "https://evil.com/refresh"),
            ("https://acme.com/revoke", "https://evil.com/revoke"),
            ("https://acme.com/device", "https://evil.com/device"),
            ("https://acme.com/par", "https://evil.com/par"),
            ("https://acme.com/register", "https://evil.com/register"),
            ("password = \"${client.secret}\"", "password = \"s-${client.secret}\""),
            ("body = \"form\"", "body = \"json\""),
            ("token_params = { audience = \"api\" }", "token_params = { audience = \"${client.id}\" }"),
            ("refresh_params = { audience = \"api\" }", "refresh_params = { audience = \"${client.id}\" }"),
            ("X-Client = \"${client.id}\"", "X-Client = \"${client.secret}\""),
            ("client_id = \"client_key\"", "client_id = \"app\""),
            ("prompt = \"consent\"", "prompt = \"${client.id}\""),
        ],
        &[
            ("scopes = [\"read\"]", "scopes = [\"read\", \"write\"]"),
            ("prompt = \"consent\"", "prompt = \"login\""),
            ("methods = [\"browser\"]", "methods = [\"browser\", \"paste\"]"),
        ],
    );
}

#[test]
fn each_step_of_an_exchange_and_its_assertion_are_part_of_the_terms() {
    check(
        EXCHANGE,
        &[
            ("https://acme.com/login", "https://evil.com/login"),
            ("assertion = \"${signed.jwt}\"", "assertion = \"x-${signed.jwt}\""),
            ("X-Login = \"1\"", "X-Login = \"${secret.key}\""),
            ("user = \"me\"", "user = \"${secret.key}\""),
            ("aud = \"https://acme.com\"", "aud = \"https://evil.com\""),
            ("key = \"${secret.key}\"", "key = \"x-${secret.key}\""),
            ("sub = \"me\"", "sub = \"you\""),
            ("key_encoding = \"utf8\"", "key_encoding = \"hex\""),
        ],
        &[("access_token = \"/token\"", "access_token = \"/access_token\"")],
    );
}

#[test]
fn a_value_contains_nothing_that_a_person_does_not_see() {
    let text = API_KEY.replace("fields = \"id\"", "fields = \"id\u{202e}\u{e9}\"");
    assert!(terms(&text).contains("verify.query.fields = \"id\\u{202e}\\u{e9}\"\n"), "{}", terms(&text));
}

#[test]
fn a_line_break_in_a_value_begins_no_line_of_the_terms() {
    let text = API_KEY.replace("fields = \"id\"", "fields = \"id\\nrequest.base = \\\"https://api.acme.com/v1\\\"\"");
    let terms = terms(&text);
    assert_eq!(terms.lines().filter(|line| line.starts_with("request.base")).count(), 1, "{terms}");
}

#[test]
fn the_terms_are_written_with_the_keys_of_the_file() {
    let text =
        "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"none\"\n[request]\nbase = \"https://acme.com\"";
    assert_eq!(terms(text), "mechanism = \"none\"\nrequest.base = \"https://acme.com\"\n");
}

#[test]
fn each_kind_of_the_catalogue_has_terms() {
    for id in Catalogue::ids() {
        let kind = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        let terms = kind.definition().descriptor().terms.unwrap();
        assert!(terms.starts_with("mechanism = "), "{id}");
    }
}
