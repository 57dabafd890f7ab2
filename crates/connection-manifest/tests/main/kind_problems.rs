//! Problems of kind files: each sentence, with its file, line and field.

use std::fmt::Write as _;

use connection_manifest::{Catalogue, KindFile, KindSet, Power};

use crate::snapshot;

/// A file without problems, of which each case changes something.
const ACME: &str = r#"format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"

[[fields]]
name = "apiKey"
label = "API key"
secret = true

[[fields]]
name = "region"
label = "Region"
choices = ["eu", "us"]

[request]
base = "https://${config.region}.acme.com"
headers = { Authorization = "Bearer ${secret.apiKey}" }

[verify]
path = "/me"

[account]
id = "/id"
label = "/name"
"#;

/// A file for OAuth.
const OAUTH: &str = r#"format = 1
id = "acme"
name = "Acme"
mechanism = "oauth2"

[request]
base = "https://api.acme.com"

[oauth2]
authorize = "https://acme.com/authorize"
token = "https://acme.com/token"
"#;

/// Returns every case: what is wrong, and the text.
fn cases() -> Vec<(&'static str, String)> {
    let acme = |from: &str, to: &str| {
        assert!(ACME.contains(from), "{from}");
        ACME.replacen(from, to, 1)
    };
    let oauth = |from: &str, to: &str| {
        assert!(OAUTH.contains(from), "{from}");
        OAUTH.replacen(from, to, 1)
    };
    let base = "https://${config.region}.acme.com";
    let choices = "choices = [\"eu\", \"us\"]";
    let header = "Bearer ${secret.apiKey}";
    let free = |pattern: &str| acme(base, "https://${config.region}").replacen(choices, pattern, 1);
    vec![
        ("nothing", String::new()),
        ("no TOML", acme("format = 1", "format = = 1")),
        ("a repeated key", acme("format = 1", "format = 1\nformat = 1")),
        ("an unknown key", acme("label = \"Region\"", "lable = \"Region\"")),
        ("an unknown key that is near no other", acme("label = \"Region\"", "colour = \"Region\"")),
        ("wrong types", acme("id = \"acme\"", "id = 7").replacen("secret = true", "secret = \"yes\"", 1)),
        ("an unknown word", acme("\"api_key\"", "\"apikey\"")),
        ("a newer format", acme("format = 1", "format = 2")),
        ("an id that is none", acme("id = \"acme\"", "id = \"Acme Inc\"")),
        ("another name than that of the file", acme("id = \"acme\"", "id = \"other\"")),
        ("no label", acme("label = \"Region\"\n", "")),
        ("a name twice", acme("name = \"region\"", "name = \"apiKey\"")),
        ("a secret that is declared public", acme("secret = true", "secret = true\npublic = true")),
        ("a secret that is not declared as one", acme("secret = true\n", "")),
        ("a pattern that does not compile", acme(choices, "pattern = \"(\"")),
        ("a pattern that is too large", acme(choices, "pattern = \"(a{1000}){1000}\"")),
        ("a default that is no choice", acme(choices, "choices = [\"eu\"]\ndefault = \"us\"")),
        ("an undeclared variable", acme(header, "Bearer ${secret.key}")),
        ("a secret as configuration", acme(header, "Bearer ${config.apiKey}")),
        ("a broken template", acme(header, "Bearer ${secret.apiKey")),
        ("a nested template", acme(header, "${base64(base64(secret.apiKey))}")),
        ("a token that there is not", acme(header, "Bearer ${token.access}")),
        ("a template where none may be", acme("id = \"/id\"", "id = \"/${config.region}\"")),
        ("http", acme(base, "http://acme.com")),
        ("a private host", acme(base, "https://acme.local")),
        ("an address without a name", acme(base, "https://10.0.0.1")),
        ("a user in an address", acme(base, "https://me@acme.com")),
        ("a free host", free("pattern = \".+\"")),
        ("a public suffix", acme(base, "https://${config.region}.co.uk").replacen(choices, "", 1)),
        ("a host suffix that is public", free("host_suffixes = [\".com\"]")),
        ("a secret in a host", acme(base, "https://${secret.apiKey}.acme.com")),
        ("a relative path", acme("path = \"/me\"", "path = \"me\"")),
        ("a body in a GET", acme("path = \"/me\"", "path = \"/me\"\nmethod = \"GET\"\njson = {}")),
        ("a rule without a condition", acme("path = \"/me\"", "path = \"/me\"\nerror_if = [{ pointer = \"/ok\" }]")),
        ("a pointer that is none", acme("id = \"/id\"", "id = \"id\"")),
        ("no verification", acme("[verify]\npath = \"/me\"\n", "")),
        ("a key that is not attached", acme("headers = { Authorization = \"Bearer ${secret.apiKey}\" }\n", "")),
        ("a lookup of nothing", acme("[account]", "[[lookups]]\npath = \"/x\"\n\n[account]")),
        ("a header of the connection", acme("Authorization", "Host")),
        ("a mechanism without its table", acme("\"api_key\"", "\"token_exchange\"")),
        ("a table of another mechanism", format!("{ACME}\n[jwt]\nalgorithm = \"ES256\"\n")),
        ("a JWT that is not accepted", {
            acme("\"api_key\"", "\"signed_jwt\"") + "[jwt]\nalgorithm = \"ES256\"\nkey = \"${secret.apiKey}\"\n"
        }),
        ("a parent that is not there", acme("name = \"Acme\"", "name = \"Acme\"\nextends = \"other\"")),
        ("a token endpoint that anyone chooses", oauth("https://acme.com/token", "${config.url}/token") + FREE_URL),
        ("a base that anyone chooses, with a token endpoint that is fixed", {
            oauth("https://api.acme.com", "${config.url}").replacen(
                "token = ",
                "client = \"per_connection\"\ntoken = ",
                1,
            ) + FREE_URL
        }),
        ("an exchange at an address that anyone chooses", {
            acme("\"api_key\"", "\"token_exchange\"")
                + "[exchange]\nsteps = [{ url = \"${config.url}/login\" }]\n"
                + FREE_URL
        }),
        ("no token endpoint", oauth("token = \"https://acme.com/token\"\n", "")),
        ("a step without its table", oauth("token = ", "renewal = \"step\"\ntoken = ")),
        ("a captured value that is not declared", oauth("token = ", "callback_capture = [\"server\"]\ntoken = ")),
        ("a parameter that protects the flow", oauth("token = ", "authorize_params = { state = \"x\" }\ntoken = ")),
        ("a callback that is no GET", {
            oauth("token = ", "authorize_params = { response_mode = \"form_post\" }\ntoken = ")
        }),
        ("a callback that is no GET by the address itself", {
            oauth("/authorize\"", "/authorize?a=b&Response%5fMode=form%5Fpost\"")
        }),
        ("a day that is none", oauth("token = ", "response = { undocumented = \"2026-13-40\" }\ntoken = ")),
        ("a source that is no page", oauth("token = ", "response = { source = \"a book\" }\ntoken = ")),
        ("a source of what nothing documents", {
            let response = "response = { source = \"https://acme.com\", undocumented = \"2026-11-30\" }\ntoken = ";
            oauth("token = ", response)
        }),
        ("a name that changes at a place in a list", acme("id = \"/id\"", "id = \"/users/0/id\"\nmutable = true")),
        ("a subject without an address", acme("id = \"/id\"", "id = \"/id\"\nsubject = true")),
        ("a public value that is a key", {
            format!("{ACME}\n[[fields]]\nname = \"site\"\nlabel = \"Site\"\nkey = true\n")
        }),
        ("a password grant", oauth("token = ", "grant = \"password\"\ntoken = ")),
        ("a registration without an endpoint", {
            oauth("token = ", "client = \"registered\"\ntoken = ").replacen(
                "name = ",
                "accepts = [\"registration\"]\nname = ",
                1,
            )
        }),
        ("a signature that is not accepted", ACME.to_owned() + "[sigv4]\nregion = \"us-east-1\"\n"),
        (
            "a signature without its keys",
            acme("name = \"Acme\"", "name = \"Acme\"\naccepts = [\"aws_sigv4\"]") + "[sigv4]\nservice = \"sts\"\n",
        ),
    ]
}

const FREE_URL: &str = "\n[[fields]]\nname = \"url\"\nlabel = \"Address\"\nformat = \"url\"\n";

#[test]
fn every_problem_has_its_sentence_with_file_line_and_field() {
    let mut lines = String::new();
    for (what, text) in cases() {
        let problems = KindFile::parse("acme.toml", &text).expect_err(what);
        writeln!(lines, "# {what}\n{problems}\n").unwrap();
        for problem in problems.iter() {
            let sentence = &problem.sentence;
            assert!(!sentence.ends_with('.') && sentence.contains([';', '?', ',']), "no remedy: {sentence}");
        }
    }
    snapshot("kind_problems.out", &lines);
}

#[test]
fn the_files_that_the_cases_change_have_no_problem() {
    for text in [ACME, OAUTH] {
        KindFile::parse("acme.toml", text).unwrap();
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = ACME
        .replacen("format = 1", "format = 0", 1)
        .replacen("secret = true", "secrt = true", 1)
        .replacen("path = \"/me\"", "path = 7", 1)
        .replacen("https://", "http://", 1);
    let problems = KindFile::parse("acme.toml", &text).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| (problem.line.unwrap_or(0), problem.field.as_str())).collect();
    assert!(
        [(1, "format"), (9, "fields[0].secrt"), (17, "request.base"), (21, "verify.path")]
            .iter()
            .all(|wanted| lines.contains(wanted)),
        "{lines:?}"
    );
}

/// A value in the wrong place may be a secret.
#[test]
fn no_problem_repeats_a_value() {
    let canary = "canary-5d0e17";
    for key in ["format", "id", "mechanism", "provider", "guide", "accepts", "fields", "request", "account"] {
        let text = format!("{key} = \"{canary}\"");
        let shown = KindFile::parse("acme.toml", &text).unwrap_err().to_string();
        assert!(!shown.contains(canary), "{shown}");
    }
}

#[test]
fn json_has_the_same_problems_as_toml() {
    let text = "{\n  \"format\": 1,\n  \"id\": \"acme\",\n  \"id\": \"acme\",\n  \"nmae\": \"Acme\"\n}";
    let problems = KindFile::parse("acme.json", text).unwrap_err().to_string();
    assert!(problems.contains("acme.json:4: id: this key occurs twice; remove one of the two"), "{problems}");
    assert!(problems.contains("acme.json:5: nmae: this key is unknown; did you mean `name`?"), "{problems}");
    let comment = KindFile::parse("acme.json", "{\n  // no\n}").unwrap_err().to_string();
    assert!(comment.contains("this is not JSON"), "{comment}");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let deep = KindFile::parse("acme.json", &deep).unwrap_err().to_string();
    assert!(deep.contains("at most 24 levels"), "{deep}");
}

#[test]
fn a_giant_file_is_not_parsed() {
    let text = format!("{ACME}# {}\n", "x".repeat(70_000));
    let problems = KindFile::parse("acme.toml", &text).unwrap_err().to_string();
    assert_eq!(problems, "acme.toml: a file may have at most 64 KiB; describe one kind in each file");
}

#[test]
fn a_file_takes_over_what_it_does_not_set() {
    let child = "id = \"child\"\nname = \"Child\"\nextends = \"acme\"\n[account]\nlabel = \"/title\"\n";
    let (kinds, problems) = KindSet::new().file("acme.toml", ACME).file("child.toml", child).read();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(kinds.iter().map(|kind| kind.id().as_str()).collect::<Vec<_>>(), ["acme", "child"]);
    // A problem of the parent's part is reported with the parent's file and line.
    let broken = ACME.replacen("https://", "http://", 1);
    let (_, problems) = KindSet::new().file("acme.toml", broken).file("child.toml", child).read();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|problem| problem.file.as_str() == "acme.toml" && problem.line == Some(17)));
}

#[test]
fn files_that_extend_each_other_in_a_circle_are_refused() {
    let file = |id: &str, other: &str| {
        format!("format = 1\nid = \"{id}\"\nname = \"X\"\nextends = \"{other}\"\nmechanism = \"none\"")
    };
    let set = KindSet::new().file("a.toml", file("a", "b")).file("b.toml", file("b", "a"));
    let (kinds, problems) = set.read();
    assert!(kinds.is_empty());
    assert_eq!(problems.len(), 2);
    assert!(
        problems.iter().all(|problem| problem.line == Some(4) && problem.sentence.contains("in a circle")),
        "{problems:?}"
    );
}

#[test]
fn two_files_with_one_id_are_refused() {
    let (kinds, problems) = KindSet::new().file("acme.toml", ACME).file("b/acme.toml", ACME).read();
    assert_eq!(kinds.len(), 1);
    assert_eq!(
        problems[0].to_string(),
        "b/acme.toml:2: id: the file acme.toml has the same id; rename one of the two kinds"
    );
}

#[test]
fn a_signature_that_is_off_is_refused() {
    let set = KindSet::new().file("aws.toml", Catalogue::text("aws").unwrap().1);
    assert_eq!(set.read().1, []);
    let (_, problems) = set.deny(Power::AwsSigv4).read();
    let expected = "the power `aws_sigv4` is switched off on this host; allow it in the host's configuration";
    assert_eq!(problems[0].sentence, expected);
}

#[test]
fn a_power_that_is_off_is_refused() {
    let text = ACME.replacen("\"api_key\"", "\"signed_jwt\"\naccepts = [\"jwt\"]", 1).replacen(
        "Bearer ${secret.apiKey}",
        "JWT ${token.access}",
        1,
    ) + "[jwt]\nalgorithm = \"ES256\"\nkey = \"${secret.apiKey}\"\n";
    let set = KindSet::new().file("acme.toml", text);
    assert_eq!(set.read().1, []);
    let (_, problems) = set.deny(Power::Jwt).read();
    assert_eq!(
        problems[0].to_string(),
        "acme.toml:5: accepts: the power `jwt` is switched off on this host; allow it in the host's configuration"
    );
}
