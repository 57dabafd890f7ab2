//! Bad input, case by case: one sentence each, with its file and line.

use connection_manifest::{KindFile, KindSet};

/// A file without problems, of which each case changes something.
const ACME: &str = r#"format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"

[[fields]]
name = "apiKey"
label = "API key"
secret = true

[request]
base = "https://api.acme.com"
headers = { Authorization = "Bearer ${secret.apiKey}" }

[verify]
path = "/me"

[account]
id = "/id"
"#;

fn acme(from: &str, to: &str) -> String {
    assert!(ACME.contains(from), "{from}");
    ACME.replacen(from, to, 1)
}

/// Asserts the problems of files that are read together.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let set = files.iter().fold(KindSet::new(), |set, (name, text)| set.bytes(*name, text.as_bytes()));
    let problems: Vec<String> = set.read().1.iter().map(ToString::to_string).collect();
    assert_eq!(problems, expected);
}

#[test]
fn the_file_that_the_cases_change_has_no_problem() {
    check(&[("acme.toml", ACME)], &[]);
}

#[test]
fn each_case_has_its_sentence_with_file_and_line() {
    let oauth = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"oauth2\"\n[request]\n\
                 base = \"https://api.acme.com\"\n[oauth2]\nauthorize = \"https://acme.com/a\"\n\
                 token = \"http://acme.com/t\"\n";
    let giant = format!("{ACME}# {}\n", "x".repeat(70_000));
    let cases: [(String, &[&str]); 10] = [
        (
            acme("secret = true", "secret = true\npattern = \"(?x)a#\""),
            &["acme.toml:10: fields[0].pattern: the pattern is not a regular expression of the `regex` crate, or is \
               too large; correct it"],
        ),
        (
            acme("secret = true", "secret = true\npublic = true"),
            &["acme.toml:7: fields[0].name: the field is `secret` and `public`; remove one of the two"],
        ),
        (
            acme("secret = true", "public = true"),
            &["acme.toml:13: request.headers.Authorization: `apiKey` is no secret; write ${config.apiKey}"],
        ),
        (
            acme("id = \"/id\"", "id = \"/${secret.apiKey}\""),
            &["acme.toml:19: account.id: a template is not possible here; write the text itself"],
        ),
        (oauth.to_owned(), &["acme.toml:9: oauth2.token: http sends credentials in the open; write https"]),
        (
            acme("https://api.acme.com", "https://api.acme.internal"),
            &["acme.toml:12: request.base: this host exists only in a private network; ask a person for it with \
               format = \"url\""],
        ),
        (giant, &["acme.toml: a file may have at most 64 KiB; describe one kind in each file"]),
        (
            acme("name = \"Acme\"", "name = \"Acme\"\nname = \"Acme\""),
            &["acme.toml:4: this key occurs twice; remove one of the two"],
        ),
        (
            acme("secret = true", "secret = 1").replacen("path = \"/me\"", "path = [\"/me\"]", 1),
            &[
                "acme.toml:9: fields[0].secret: this is a number; write true or false",
                "acme.toml:16: verify.path: this is a list; write a text",
            ],
        ),
        (
            acme("format = 1", "format = 2"),
            &["acme.toml:1: format: this file has format 2, and this program reads format 1; update the program"],
        ),
    ];
    for (text, expected) in cases {
        check(&[("acme.toml", &text)], expected);
    }
}

#[test]
fn files_that_do_not_fit_together_have_their_sentences() {
    let extends = |id: &str, other: &str| {
        format!("format = 1\nid = \"{id}\"\nname = \"X\"\nextends = \"{other}\"\nmechanism = \"none\"\n")
    };
    check(
        &[("a.toml", &extends("a", "b")), ("b.toml", &extends("b", "a"))],
        &[
            "a.toml:4: extends: the files extend each other in a circle (a, b); break it",
            "b.toml:4: extends: the files extend each other in a circle (b, a); break it",
        ],
    );
    check(
        &[("c.toml", &extends("c", "c"))],
        &[
            "c.toml:4: extends: a file can extend a kind of its own name only if the catalogue has that kind, and it has \
           none; extend another kind",
        ],
    );
    check(
        &[("d.toml", &extends("d", "gone"))],
        &["d.toml:4: extends: this extends a kind that does not exist; correct its id, or name its file as well"],
    );
    check(
        &[("acme.toml", ACME), ("more/acme.toml", ACME)],
        &["more/acme.toml:2: id: the file acme.toml has the same id; rename one of the two kinds"],
    );
}

#[test]
fn a_file_that_is_no_text_is_refused_with_the_line() {
    let set = KindSet::new().bytes("acme.toml", b"format = 1\nid = \"\xff\"\n");
    let problems = set.read().1;
    assert_eq!(problems[0].to_string(), "acme.toml:2: this is not text in UTF-8; save the file in this encoding");
    let marked = [b"\xef\xbb\xbf".as_slice(), ACME.as_bytes()].concat();
    assert_eq!(KindSet::new().bytes("acme.toml", &marked).read().1, []);
}

#[test]
fn a_line_of_a_file_has_the_number_of_that_line_in_every_problem() {
    let line = |text: &[u8]| match KindSet::new().read_one("kinds.jsonl", Some(12), text) {
        Ok(kind) => format!("ok: {}", kind.id()),
        Err(problems) => problems.to_string(),
    };
    let good = r#"{"format":1,"id":"a","name":"A","mechanism":"none"}"#;
    assert_eq!(line(good.as_bytes()), "ok: a");
    assert_eq!(
        line(br#"{"format":1,"id":"a","nmae":"A","mechanism":"none"}"#),
        "kinds.jsonl:12: nmae: this key is unknown; did you mean `name`?\n\
         kinds.jsonl:12: name: the name for people is missing; write \"name\": \"…\""
    );
    let itself = good.replacen("\"none\"", "\"none\",\"extends\":\"a\"", 1);
    assert_eq!(
        line(itself.as_bytes()),
        "kinds.jsonl:12: extends: a file can extend a kind of its own name only if the catalogue has that kind, and \
         it has none; extend another kind"
    );
    assert!(line(b"format = 1").starts_with("kinds.jsonl:12: this is not JSON (RFC 8259)"));
    assert_eq!(line(b"\xff"), "kinds.jsonl:12: this is not text in UTF-8; save the file in this encoding");
    let giant = vec![b' '; KindFile::MAX_BYTES + 1];
    assert_eq!(line(&giant), "kinds.jsonl:12: a line may have at most 64 KiB; describe one kind in each line");
    let deep = "[".repeat(100);
    assert_eq!(line(deep.as_bytes()), "kinds.jsonl:12: a file may have at most 24 levels; nest it less deeply");
}

#[test]
fn a_line_may_extend_a_kind_of_the_catalogue_and_files_of_the_set() {
    let set = KindSet::new().file("acme.toml", ACME);
    for base in ["acme", "linear"] {
        let line = format!("{{\"id\":\"own\",\"name\":\"Own\",\"extends\":\"{base}\"}}");
        assert_eq!(set.read_one("kinds.jsonl", Some(1), line.as_bytes()).unwrap().id().as_str(), "own");
    }
}

/// Returns the only problem of a file.
#[track_caller]
fn problem(text: &str) -> String {
    let (_, problems) = KindSet::new().bytes("acme.toml", text.as_bytes()).read();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_address_that_is_a_number_in_another_form_is_no_host() {
    for host in ["0x7f.1", "0177.0.0.1", "10.1", "2130706433", "1.2.3.4.", "0x7F000001"] {
        let said = problem(&acme("api.acme.com", host));
        assert!(said.starts_with("acme.toml:12: request.base"), "{host}: {said}");
        assert!(said.contains("an address of a file names its host"), "{host}: {said}");
    }
    check(&[("acme.toml", &acme("api.acme.com", "api.1.acme.com"))], &[]);
}

#[test]
fn a_path_leads_where_it_says() {
    for path in ["/../me", "/a/..", "/./me", "/a/%2e%2E/b", "/a\\\\..\\\\b"] {
        let said = problem(&acme("/me", path));
        assert!(said.starts_with("acme.toml:16: verify.path: a path has no segment '.' or '..'"), "{path}: {said}");
    }
    for path in ["//evil.example/x", "/me#f"] {
        assert!(problem(&acme("/me", path)).contains("this is no path"), "{path}");
    }
    check(&[("acme.toml", &acme("/me", "/v1.0/me..json?a=/../b"))], &[]);
}

#[test]
fn a_text_has_no_control_characters() {
    let header = acme("Bearer ", "Bearer\\r\\nX: ");
    assert!(problem(&header).contains("there is a control character, such as a line break"), "{}", problem(&header));
    for name in ["Ac\\u001Bme", "Ac\\u202Eme", "Ac\\u2066me"] {
        assert!(
            problem(&acme("name = \"Acme\"", &format!("name = \"{name}\""))).contains("acme.toml:3: name: there is")
        );
    }
}

#[test]
fn a_text_for_people_is_short_and_no_template() {
    let said = problem(&acme("label = \"API key\"", "label = \"API key of ${config.apiKey}\""));
    assert_eq!(said, "acme.toml:8: fields[0].label: a template is not possible here; write the text itself");
    let said = problem(&acme("name = \"Acme\"", &format!("name = \"{}\"", "A".repeat(101))));
    assert_eq!(said, "acme.toml:3: name: a text for people has at most 100 characters here; write less");
}

#[test]
fn nothing_is_said_about_a_newer_format_but_that_it_is_newer() {
    let said = "acme.toml:1: format: this file has format 2, and this program reads format 1; update the program";
    assert_eq!(problem(&acme("format = 1", "format = 2\nnew = true")), said);
    check(&[("acme.json", "{\"format\": 2, \"new\": true}")], &[&said.replace("toml", "json")]);
}

#[test]
fn a_list_is_no_table() {
    for text in ["[]", "[1, \"acme\", \"Acme\", \"none\"]"] {
        check(&[("acme.json", text)], &["acme.json:1: this is a list; write an object"]);
    }
    let base = ("base = \"https://api.acme.com\"\nheaders = { Authorization = \"Bearer ${secret.apiKey}\" }", "");
    let request = acme(base.0, base.1)
        .replace("[request]\n", "")
        .replace("[[fields]]", "request = [[\"https://a.com\"]]\n[[fields]]");
    let (_, problems) = KindSet::new().bytes("acme.toml", request.as_bytes()).read();
    assert_eq!(problems[0].to_string(), "acme.toml:6: request: this is a list; write a table");
    let fields = ACME
        .replace("[[fields]]\nname = \"apiKey\"\nlabel = \"API key\"\nsecret = true\n", "")
        .replace("mechanism = \"api_key\"\n", "mechanism = \"api_key\"\nfields = [[\"apiKey\", \"API key\", true]]\n");
    let (_, problems) = KindSet::new().bytes("acme.toml", fields.as_bytes()).read();
    assert_eq!(problems[0].to_string(), "acme.toml:5: fields[0]: this is a list; write a table");
}

#[test]
fn the_remedies_for_json_are_in_json() {
    let key = r#""fields": [{ "name": "apiKey", "label": "Key", "secret": true }]"#;
    let base = r#""format": 1, "id": "acme", "name": "Acme", "mechanism": "api_key""#;
    let texts = [
        "{}".to_owned(),
        format!("{{ {base}, {key}, \"request\": {{ \"base\": \"https://a.example.com\" }} }}"),
        format!("{{ {base}, \"fields\": [{{}}, {{ \"name\": \"token\" }}], \"jwt\": {{}}, \"account\": {{}} }}"),
        format!(
            "{{ {base}, \"fields\": {{}}, \"request\": [], \"sigv4\": {{}}, \"lookups\": [{{ \"path\": \"/x\" }}] }}"
        ),
        format!("{{ {}, \"oauth2\": {{}} }}", base.replace("api_key", "oauth2")),
    ];
    for text in texts {
        let (_, problems) = KindSet::new().bytes("acme.json", text.as_bytes()).read();
        assert!(!problems.is_empty(), "{text}");
        for problem in problems {
            let sentence = problem.sentence.to_string();
            assert!(!sentence.contains(" = ") && !sentence.contains('[') && !sentence.contains("table"), "{sentence}");
        }
    }
    check(
        &[("acme.json", "{ \"id\": \"acme\", \"name\": \"Acme\", \"mechanism\": \"none\" }")],
        &["acme.json: format: the format is missing; write \"format\": 1"],
    );
}

/// The file that is extended is mended in its own format.
#[test]
fn a_remedy_is_in_the_format_of_the_file_with_the_problem() {
    let child = "{\"id\": \"child\", \"name\": \"Child\", \"extends\": \"acme\"}";
    let base = acme("name = \"apiKey\"\n", "");
    check(
        &[("child.json", child), ("acme.toml", &base)],
        &[
            "acme.toml:6: fields[0]: the name of the field is missing; write name = \"apiKey\" or similar",
            "acme.toml:12: request.headers.Authorization: `secret.apiKey` is not declared; add a field with this name",
            "acme.toml:6: fields[0]: the name of the field is missing; write name = \"apiKey\" or similar",
            "acme.toml:12: request.headers.Authorization: `secret.apiKey` is not declared; add a field with this name",
        ],
    );
}

#[test]
fn two_files_in_json_with_one_id_have_the_line_of_the_id() {
    let text = "{\n  \"format\": 1,\n  \"name\": \"A\",\n  \"mechanism\": \"none\",\n  \"id\": \"a\"\n}\n";
    check(
        &[("a.json", text), ("b/a.json", text)],
        &["b/a.json:5: id: the file a.json has the same id; rename one of the two kinds"],
    );
}
