//! The requests of kinds with everything that a file can say about them, rendered with dummy values.

use std::fmt::Write as _;

use connection_manifest::KindFile;

use crate::snapshot;

/// A provider with its own names, a pushed request, a JSON body and tokens in a branch.
const DEVIATIONS: &str = r#"
mechanism = "oauth2"
accepts = ["registration"]

[[fields]]
name = "region"
label = "Region"
choices = [{ value = "eu", label = "Europe" }, "us"]

[[fields]]
name = "accounts-server"
source = "callback"
host_suffixes = [".acme.eu", ".acme.com"]

[[fields]]
name = "cloud"
source = "lookup"

[request]
base = ["https://api.${config.region}.acme.com/${config.cloud}", "https://api.${config.region}.acme.com"]
headers = { X-Token = "${token.access}", Client-Id = "${client.id}", X-Id = "${uuid()}" }

[[lookups]]
path = "https://api.${config.region}.acme.com/clouds"
pick = { pointer = "/clouds", only = true }
set = { cloud = "/id" }

[verify]
path = "/graphql"
json = { query = "{ viewer { id } }" }
error_if = [{ pointer = "/ok", differs = true }]

[account]
id = "/data/viewer/0/id"
label = "${config.region}"
scopes = { header = "x-scopes", separator = "," }

[oauth2]
authorize = "https://accounts.acme.com/authorize?tenant=${config.region}"
token = "${config.accounts-server}/token"
pushed = "https://accounts.acme.com/par"
registration = "https://accounts.acme.com/register"
client = "registered"
client_auth = { basic = { user = "${client.secret}", password = "" } }
body = "json"
scopes = ["read", "write"]
required_scopes = ["read"]
scope_separator = ","
authorize_params = { access_type = "offline", response_type = false }
authorize_rename = { client_id = "client_key" }
token_params = { state = "${flow.state}", to = "${flow.redirect}" }
token_headers = { X-Request = "${uuid()}" }
callback_capture = ["accounts-server"]
code_param = "auth_code"
semantics = { grace_seconds = 600 }
idle_days = 90

[oauth2.step]
url = "https://accounts.acme.com/long"
params = { token = "${token.access}" }

[oauth2.response]
access_token = ["/data/access_token", "/access_token"]
error_if = [{ pointer = "/code", differs = 0 }]
"#;

/// A device code, with the account in an ID token.
const DEVICE: &str = r#"
mechanism = "oauth2"

[request]
base = "https://api.acme.com"

[account]
from = "id_token"
id = "/sub"
label = "/email"

[oauth2]
token = "https://id.acme.com/token"
device = "https://id.acme.com/device"
grant = "device_code"
client_auth = "none"
scopes = ["openid"]
"#;

/// A credential in the path, the query and the body.
const PLACES: &str = r#"
mechanism = "api_key"

[[fields]]
name = "token"
label = "Token"
secret = true

[[fields]]
name = "note"
label = "Note"
required = false

[request]
base = "https://api.acme.com/v1"
path = "/bot${secret.token}"
query = { key = "${secret.token}", at = "${now()}" }
json = { auth = { key = "${secret.token}", flags = [true, 1, 1.5] } }
headers = { Acme-Version = "2026-01-01" }

[verify]
path = "https://id.acme.com/users/${config.note}/me?fields=id,name"
form = { a = "1" }

[account]
from = "fields"
id = "${config.note}"
"#;

/// A login in two steps with a signed assertion, whose token is in a header.
const EXCHANGE: &str = r#"
mechanism = "token_exchange"
accepts = ["jwt"]

[[fields]]
name = "privateKey"
label = "Private key"
secret = true

[request]
base = "https://api.acme.com"
headers = { Cookie = "session=${token.access}" }

[exchange]
token_header = "X-Token"
default_life_seconds = 600
jwt = { algorithm = "RS256", key = "${secret.privateKey}", claims = { iss = "me", admin = false } }

[[exchange.steps]]
url = "https://api.acme.com/ticket"
form = { assertion = "${signed.jwt}" }
capture = { ticket = "/ticket" }

[[exchange.steps]]
method = "GET"
url = "https://api.acme.com/session"
query = { ticket = "${step.ticket}" }
basic = { user = "ticket", password = "${step.ticket}" }
"#;

#[test]
fn every_request_of_a_file_is_rendered() {
    let mut text = String::new();
    for (what, file) in [("deviations", DEVIATIONS), ("device", DEVICE), ("places", PLACES), ("exchange", EXCHANGE)] {
        let file = format!("format = 1\nid = \"acme\"\nname = \"Acme\"{file}");
        let kind = KindFile::parse("acme.toml", &file).unwrap_or_else(|problems| panic!("{what}: {problems}"));
        let kind = kind.definition();
        let rendering = kind.rendering().unwrap_or_else(|failure| panic!("{what}: {}: {failure}", failure.code));
        assert_eq!(kind.rendering().unwrap(), rendering, "it is the same each time");
        writeln!(text, "# {what}\n{rendering}").unwrap();
    }
    snapshot("kind_rendering.out", &text);
}
