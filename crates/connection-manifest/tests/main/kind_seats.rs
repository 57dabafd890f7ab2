//! The seats of a kind, which follow from its `[request]`, and the form of a program's token.

use connection_contract::{ConnectionDefinition, DoorVariable, Seat};
use connection_manifest::{Catalogue, FileKind, KindFile, Problem};

const ACME: &str = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
    label = \"API key\"\nsecret = true\n[[fields]]\nname = \"account\"\nlabel = \"Account\"\n";

/// The kinds of the catalogue with variables for programs.
const VARIABLES: &str = "\
airtable AIRTABLE_API_KEY={token} AIRTABLE_ENDPOINT_URL={door}
airtable-token AIRTABLE_API_KEY={token} AIRTABLE_ENDPOINT_URL={door}
anthropic ANTHROPIC_API_KEY={token} ANTHROPIC_BASE_URL={door}
aws AWS_ACCESS_KEY_ID={token} AWS_ENDPOINT_URL={door} AWS_SECRET_ACCESS_KEY={token}
cloudflare CLOUDFLARE_API_TOKEN={token} CLOUDFLARE_BASE_URL={door}
cloudflare-account CLOUDFLARE_API_TOKEN={token} CLOUDFLARE_BASE_URL={door}
cohere CO_API_KEY={token} CO_API_URL={door}
github-oauth GITHUB_API_URL={door} GITHUB_GRAPHQL_URL={door}/graphql GITHUB_TOKEN={token}
gitlab CI_API_V4_URL={door}/api/v4 GITLAB_TOKEN={token}
gitlab-oauth CI_API_V4_URL={door}/api/v4 GITLAB_TOKEN={token}
gitlab-self-managed-oauth CI_API_V4_URL={door}/api/v4 GITLAB_TOKEN={token}
groq GROQ_API_KEY={token} GROQ_BASE_URL={door}
huggingface HF_ENDPOINT={door} HF_TOKEN={token}
huggingface-oauth HF_ENDPOINT={door} HF_TOKEN={token}
openai OPENAI_API_KEY={token} OPENAI_BASE_URL={door}
";

/// Returns the text of a kind with these lines in `[request]`, and after it.
fn file(request: &str, rest: &str) -> String {
    format!("{ACME}[request]\nbase = \"https://api.acme.com\"\n{request}\n{rest}\n")
}

fn seats_of(kind: &FileKind) -> Vec<Seat> {
    kind.authorizer().unwrap().seats()
}

fn seats(request: &str) -> Vec<Seat> {
    let file = KindFile::parse("acme.toml", &file(request, "")).unwrap_or_else(|problems| panic!("{problems}"));
    seats_of(&file.definition())
}

#[track_caller]
fn refused(rest: &str, field: &str, expected: &str) {
    let problems = KindFile::parse("acme.toml", &file("headers = { X-Key = \"${secret.apiKey}\" }", rest)).unwrap_err();
    let is_it = |problem: &Problem| problem.field.as_str() == field && problem.sentence.contains(expected);
    assert!(problems.iter().any(is_it), "{field}: {expected}:\n{problems}");
}

#[test]
fn a_secret_in_a_header_a_query_or_a_path_has_a_seat() {
    let key = "${secret.apiKey}";
    assert_eq!(seats(&format!("headers = {{ X-Key = \"{key}\" }}")), [Seat::header("x-key")]);
    let token = seats(&format!("headers = {{ Authorization = \"Token token={key};\" }}"));
    assert_eq!(token, [Seat::header_between("authorization", "Token token=", ";")]);
    let several =
        seats(&format!("headers = {{ X-Key = \"id ${{config.account}}:{key}\", X-Team = \"${{config.account}}\" }}"));
    assert_eq!(several, [Seat::header_after("x-key", "id ")]);
    assert_eq!(seats(&format!("query = {{ hapikey = \"{key}\", v = \"1\" }}")), [Seat::query("hapikey")]);
    assert_eq!(seats(&format!("path = \"/bot{key}\"")), [Seat::path_prefix("/bot", "")]);
    assert_eq!(seats(&format!("path = \"/v1/{key}/rest/\"")), [Seat::path_prefix("/v1/", "/rest")]);
}

#[test]
fn a_secret_in_http_basic_has_a_seat_however_the_file_writes_it() {
    let key = "${secret.apiKey}";
    assert_eq!(seats(&format!("basic = {{ user = \"{key}\", password = \"x\" }}")), [Seat::BasicUser]);
    assert_eq!(
        seats(&format!("basic = {{ user = \"${{config.account}}\", password = \"{key}\" }}")),
        [Seat::BasicPassword]
    );
    let header = |arguments: &str| seats(&format!("headers = {{ Authorization = 'Basic ${{base64({arguments})}}' }}"));
    assert_eq!(header("secret.apiKey, \":\""), [Seat::BasicUser]);
    assert_eq!(header("config.account, \":\", secret.apiKey"), [Seat::BasicPassword]);
    assert_eq!(header("secret.apiKey"), [Seat::header_after("authorization", "Basic ")]);
}

#[test]
fn a_secret_that_stands_in_a_body_or_signs_has_no_seat() {
    assert_eq!(seats("json = { key = \"${secret.apiKey}\" }"), []);
    let kind = |id: &str| {
        let file = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        seats_of(&file.definition())
    };
    assert_eq!(kind("app-store-connect"), []);
    assert_eq!(kind("aws"), [Seat::SigV4KeyId, Seat::header("x-amz-security-token")]);
}

#[test]
fn a_token_of_a_provider_has_the_seat_of_a_bearer_unless_the_file_says_another() {
    let kind = |id: &str| {
        let file = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        seats_of(&file.definition())
    };
    assert_eq!(kind("linear-oauth"), [Seat::bearer()]);
    assert_eq!(kind("shopify-client-credentials"), [Seat::header("x-shopify-access-token")]);
    assert_eq!(kind("telegram"), [Seat::path_prefix("/bot", "")]);
    assert_eq!(kind("trello"), [Seat::query("token")]);
}

#[test]
fn a_file_states_the_form_of_a_token_with_a_source() {
    let door = "[door]\ntoken = \"xoxb-{token}\"\nsource = \"https://acme.com/docs\"";
    let text = file("headers = { X-Key = \"${secret.apiKey}\" }", door);
    let form = KindFile::parse("acme.toml", &text).unwrap().definition().descriptor().door_token;
    assert_eq!(form.as_deref(), Some("xoxb-{token}"));

    let source = "source = \"https://acme.com/docs\"";
    for wrong in ["", "xoxb-", "{token}{token}", "xoxb {token}", "xöxb-{token}", "{tokens}"] {
        refused(&format!("[door]\ntoken = \"{wrong}\"\n{source}"), "door.token", "with {token} once");
    }
    refused(&format!("[door]\n{source}"), "door", "this says nothing");
    refused("[door]\ntoken = \"x-{token}\"", "door", "add source");
    refused("[door]\ntoken = \"x-{token}\"\nsource = \"docs\"", "door.source", "a public page");
    refused("[door]\nform = \"x-{token}\"", "door.form", "");
}

#[test]
fn a_file_states_variables_for_programs_with_a_source() {
    let door = "[door]\nsource = \"https://acme.com/docs\"\n[door.variables]\nACME_KEY = \"k-{token}\"\nACME_URL = \"{door}/v1\"";
    let text = file("headers = { X-Key = \"${secret.apiKey}\" }", door);
    let descriptor = KindFile::parse("acme.toml", &text).unwrap().definition().descriptor();
    let expected = [DoorVariable::new("ACME_KEY", "k-{token}"), DoorVariable::new("ACME_URL", "{door}/v1")];
    assert_eq!((descriptor.door_token, descriptor.door_variables), (None, expected.to_vec()));

    let names = ["acme_url", "1URL", "PATH", "PYTHONPATH", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "CONNECTIONS_OWNER"];
    let values = ["", "https://acme.com", "{door}{door}", "{door} x", "$({door})", "{door};x", "{doors}", "{token}é"];
    let wrong = names.map(|name| (name, "{door}")).into_iter().chain(values.map(|value| ("ACME_URL", value)));
    for (name, value) in wrong {
        let rest = format!("[door]\nsource = \"https://acme.com/docs\"\n[door.variables]\n{name} = \"{value}\"");
        refused(&rest, &format!("door.variables.{name}"), "a variable has a name of capital letters");
    }
    refused("[door.variables]\nACME_URL = \"{door}\"", "door", "add source");
}

#[test]
fn the_variables_of_the_catalogue_are_those_that_the_programs_of_its_providers_read() {
    let kinds = Catalogue::ids().filter_map(|id| {
        let descriptor = Catalogue::kind(id)?.ok()?.definition().descriptor();
        let variables =
            descriptor.door_variables.iter().map(|variable| format!("{}={}", variable.name, variable.value));
        let variables: Vec<_> = variables.collect();
        (!variables.is_empty()).then(|| format!("{id} {}", variables.join(" ")))
    });
    assert_eq!(kinds.collect::<Vec<_>>(), VARIABLES.lines().collect::<Vec<_>>());
}

#[test]
fn the_forms_of_the_catalogue_are_those_that_programs_check() {
    let kinds = Catalogue::ids().filter_map(|id| {
        let kind = Catalogue::kind(id)?.ok()?.definition();
        Some((id.to_owned(), kind.descriptor().door_token?.to_string()))
    });
    let forms = [
        ("slack", "xoxb-{token}"),
        ("slack-bot-token", "xoxb-{token}"),
        ("slack-user", "xoxp-{token}"),
        ("slack-user-token", "xoxp-{token}"),
        ("stripe", "sk_{token}"),
        ("telegram", "1:{token}"),
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), forms.map(|(id, form)| (id.to_owned(), form.to_owned())));
}
