//! Files that describe kinds: they are added, removed, checked line by line, and converted from another program.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
};

/// The example of the guide.
const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");
/// Fictional providers in the format of another program.
const PROVIDERS: &str = include_str!("../../../connection-manifest/tests/providers.yaml");

fn machine() -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    machine
}

#[test]
fn a_file_is_checked_and_added_under_its_id() {
    let machine = machine();
    let file = machine.write("downloaded.toml", ACME.as_bytes());
    let added =
        machine.run(&["kinds", "add", &file]).exits(0).says("Added Acme (acme): ").says("`connections add acme`");
    assert!(added.err.is_empty(), "{}", added.err);
    let target = machine.path("configuration/kinds/acme.toml");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), ACME);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&target), mode(target.parent().unwrap())), (0o600, 0o700));
    }
    let shown = machine.run(&["kinds", "show", "acme"]).exits(0).says("described by: ").says("kinds/acme.toml");
    assert!(!shown.out.contains("catalogue"), "{}", shown.out);
    let shape = machine.run(&["kinds", "show", "acme", "--json"]).exits(0).json();
    check(&shape, "kind");
    assert_eq!(shape["file"], target.to_str().unwrap());

    // A second file is refused, unless it is meant to replace the first one.
    machine.run(&["kinds", "add", &file]).exits(6).warns("describes the kind 'acme' already").warns("--replace");
    let json = machine.write("acme.json", acme_as_json().as_bytes());
    let replaced = machine.run(&["kinds", "add", &json, "--replace", "--json"]).exits(0).json();
    check(&replaced, "kindAdded");
    assert_eq!(replaced["replaced"], true);
    assert!(!target.exists() && machine.path("configuration/kinds/acme.json").exists());
    machine.run(&["kinds", "show", "acme"]).exits(0).says("Acme in JSON");
}

fn acme_as_json() -> String {
    let kind = json!({
        "format": 1, "id": "acme", "name": "Acme in JSON", "mechanism": "api_key",
        "fields": [{ "name": "apiKey", "label": "API key", "secret": true }],
        "request": { "base": "https://api.acme.example", "headers": { "X-Key": "${secret.apiKey}" } },
    });
    kind.to_string()
}

#[test]
fn a_file_that_does_not_say_where_its_credential_is_deleted_passes_with_a_warning() {
    let machine = machine();
    let acme = ACME.replacen("\n[removal]\nurl = \"https://acme.example/settings/keys\"\n", "", 1);
    let file = machine.write("acme.toml", acme.as_bytes());
    let said = machine.run(&["kinds", "check", &file]).exits(0);
    let said = said.says("removal: the file does not say where a person deletes the credential; add [removal]");
    said.says("1 checked, 0 refused, 1 with warnings");
    let checked = machine.run(&["kinds", "check", &file, "--json"]).exits(0).json();
    check(&checked, "checked");
    assert_eq!((&checked["ok"], &checked["refused"]), (&json!(1), &json!([])));
    check(&checked["warnings"][0], "refused");
    assert!(checked["warnings"][0]["id"].as_str().unwrap().ends_with("acme.toml"));

    // The example of the guide names the page, and the command shows it.
    let file = machine.write("acme.toml", ACME.as_bytes());
    let checked = machine.run(&["kinds", "check", &file, "--json"]).exits(0).json();
    assert_eq!(checked["warnings"], json!([]));
    machine.run(&["kinds", "add", &file]).exits(0);
    let page = "https://acme.example/settings/keys";
    machine.run(&["kinds", "show", "acme"]).exits(0).says(&format!("its credentials are deleted at: {page}"));
    assert_eq!(machine.run(&["kinds", "show", "acme", "--json"]).exits(0).json()["credentialPage"], page);
    let fly = machine.run(&["kinds", "show", "fly", "--json"]).exits(0).json();
    assert_eq!(fly["credentialPage"], "https://fly.io/dashboard/personal/tokens");
    assert_eq!(machine.run(&["kinds", "show", "filesystem", "--json"]).exits(0).json()["credentialPage"], json!(null));
}

#[test]
fn a_file_with_problems_is_not_added() {
    let machine = machine();
    let file = machine.write("acme.toml", ACME.replacen("secret = true", "secrt = true", 1).as_bytes());
    let refused = machine.run(&["kinds", "add", &file]).exits(2);
    let refused = refused.warns("acme.toml:9: fields[0].secrt: this key is unknown; did you mean `secret`?");
    refused.warns("`connections kinds schema`");
    let error = machine.run(&["kinds", "add", &file, "--json"]).exits(2).error();
    assert_eq!(error["error"]["code"], "invalid_kind");
    machine.run(&["kinds", "add", "missing.toml"]).exits(5);
    let github = machine.write("github.toml", ACME.replacen("acme", "github", 1).as_bytes());
    machine.run(&["kinds", "add", &github]).exits(6).warns("the program has a kind 'github' already");
    assert!(!machine.path("configuration/kinds").exists());

    // A file that others extend is not replaced by one that gives them problems.
    let good = machine.write("acme.toml", ACME.as_bytes());
    machine.run(&["kinds", "add", &good]).exits(0);
    let child = machine.write("child.toml", b"id = \"child\"\nname = \"Child\"\nextends = \"acme\"\n");
    machine.run(&["kinds", "add", &child]).exits(0);
    let circle = machine.write("acme.toml", ACME.replacen("name =", "extends = \"child\"\nname =", 1).as_bytes());
    machine.run(&["kinds", "add", &circle, "--replace"]).exits(2).warns("in a circle");
    let other = ACME.replace("apiKey", "token");
    let other = machine.write("acme.toml", other.as_bytes());
    machine.run(&["kinds", "add", &other, "--replace"]).exits(0);
    let narrow = machine.write("child.toml", b"id = \"child\"\nname = \"C\"\nextends = \"acme\"\nauth = \"apiKey\"\n");
    machine.run(&["kinds", "add", &narrow, "--replace"]).exits(0);
    machine.run(&["kinds", "show", "child"]).exits(0).says("token");
}

#[test]
fn a_file_with_the_name_of_a_compiled_kind_is_left_out_with_a_warning() {
    let machine = machine();
    machine.write("configuration/kinds/github.toml", ACME.replacen("acme", "github", 1).as_bytes());
    let shown = machine.run(&["kinds", "show", "github"]).exits(0);
    let shown = shown.warns("github.toml is not used, because the program has a kind 'github' already");
    let shown = shown.warns("change the id in the file, and call the file after it");
    assert!(!shown.out.contains("described by"), "{}", shown.out);
    // The file can be removed like any other.
    machine.run(&["kinds", "remove", "github", "--yes"]).exits(0).says("Removed github: ");
    assert!(machine.run(&["kinds", "show", "github"]).exits(0).err.is_empty());
}

#[test]
fn a_file_with_the_name_of_a_kind_of_the_catalogue_is_used_instead() {
    let machine = machine();
    machine.run(&["kinds", "show", "linear"]).exits(0).says("described by: a file of the catalogue");
    let file = machine.write("linear.toml", ACME.replacen("acme", "linear", 1).as_bytes());
    machine.run(&["kinds", "add", &file]).exits(0).says("used instead of the kind of the catalogue");
    machine.run(&["kinds", "show", "linear"]).exits(0).says("kinds/linear.toml").says("https://api.acme.example");
    machine.run(&["kinds", "remove", "linear", "--yes"]).exits(0);
    machine.run(&["kinds", "show", "linear"]).exits(0).says("https://api.linear.app");
}

/// The file fits the format, but the core takes no port for all names below a domain.
#[test]
fn a_file_that_a_registry_refuses_is_left_out_with_a_warning() {
    let machine = machine();
    let site = "[[fields]]\nname = \"site\"\nlabel = \"Site\"\n\n[request]\n";
    let text = ACME.replacen("[request]\n", site, 1);
    let base = |base: &str| text.replacen("https://api.acme.example", base, 1);
    let good = base("https://${config.site}.Acme.example");
    machine.write("configuration/kinds/acme.toml", good.as_bytes());
    let shown = machine.run(&["kinds", "show", "acme"]).exits(0).says("https://*.acme.example");
    assert!(shown.err.is_empty(), "{}", shown.err);
    let refused = base("https://${config.site}.acme.example:8443");
    let file = machine.write("configuration/kinds/acme.toml", refused.as_bytes());
    machine.run(&["list"]).exits(0).warns("'https://*.acme.example:8443' is not a wildcard such as");
    machine.run(&["kinds", "check", &file]).exits(2).says("is not a wildcard such as");
    machine.run(&["kinds", "add", &file]).exits(2).warns("is not a wildcard such as");
}

#[test]
fn a_giant_file_and_one_that_is_no_text_are_left_out() {
    let machine = machine();
    let giant = machine.path("configuration/kinds/giant.toml");
    machine.write("configuration/kinds/giant.toml", b"");
    // The file has 1 TiB of zeros, which no disk holds and nobody reads.
    std::fs::File::options().write(true).open(&giant).unwrap().set_len(1 << 40).unwrap();
    machine.write("configuration/kinds/bytes.toml", b"format = 1\nid = \"\xff\"\n");
    std::fs::create_dir(machine.path("configuration/kinds/directory.toml")).unwrap();
    let listed = machine.run(&["kinds"]).exits(0).warns("giant.toml: a file may have at most 64 KiB");
    listed.warns("bytes.toml:2: this is not text in UTF-8").warns("directory.toml is not used: it is not a file");
    let checked = machine.run(&["kinds", "check", giant.to_str().unwrap()]).exits(2);
    checked.says("a file may have at most 64 KiB");
    machine.run(&["kinds", "add", giant.to_str().unwrap()]).exits(2).warns("a file may have at most 64 KiB");
}

#[cfg(unix)]
#[test]
fn no_kind_is_added_to_a_directory_that_others_can_change() {
    use std::os::unix::fs::PermissionsExt as _;

    let machine = machine();
    let file = machine.write("acme.toml", ACME.as_bytes());
    let directory = machine.path("configuration/kinds");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    machine.run(&["kinds", "add", &file]).exits(6).warns("acme.toml cannot be used: ").warns("chmod go-w");
    assert!(!directory.join("acme.toml").exists());
    machine.run(&["kinds", "show", "acme"]).exits(5);
}

#[test]
fn a_removed_kind_leaves_its_connections() {
    let machine = machine();
    let file = machine.write("acme.toml", ACME.as_bytes());
    machine.run(&["kinds", "add", &file]).exits(0);
    let key = machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "acme", "--field", &format!("apiKey=@{key}")]).exits(0);
    let error = machine.run(&["kinds", "remove", "acme", "--json"]).exits(2).error();
    assert_eq!(error["error"]["code"], "confirmation_required");
    let removed = machine.run(&["kinds", "remove", "acme", "--yes", "--json"]).exits(0).json();
    check(&removed, "kindRemoved");
    assert_eq!(removed["connections"], 1);
    machine.run(&["list"]).exits(0).says("acme:Ada");
    machine.run(&["send", "acme", "GET", "/me"]).exits(5);
    machine.run(&["kinds", "add", &file]).exits(0);
    machine.run(&["send", "acme", "GET", "/me"]).exits(0).says("Ada");
    let said = machine.run(&["kinds", "remove", "acme", "--yes"]).exits(0);
    said.says("1 connection uses this kind: it stays, but cannot be used until the kind is added again.");

    // Kinds of the program stay.
    machine.run(&["kinds", "remove", "github", "--yes"]).exits(6).warns("is part of the program");
    machine.run(&["kinds", "remove", "linear", "--yes"]).exits(6).warns("is part of the program");
    machine.run(&["kinds", "remove", "acmee", "--yes"]).exits(5).warns("unknown kind 'acmee'");
    machine.run(&["kinds", "remove", "../config", "--yes"]).exits(5);
}

#[test]
fn a_file_with_a_kind_on_each_line_is_checked_line_by_line() {
    let machine = machine();
    let base = machine.write("acme.toml", ACME.as_bytes());
    let mut lines = String::new();
    for number in 0..300 {
        writeln!(lines, r#"{{"id":"kind-{number}","name":"Kind {number}","extends":"acme"}}"#).unwrap();
    }
    lines.push_str("\n{\"id\":\"kind-7\",\"name\":\"Again\",\"extends\":\"acme\"}\n");
    lines.push_str("{\"format\":1,\"id\":\"a\",\"nmae\":\"A\",\"mechanism\":\"none\"}\n");
    writeln!(lines, "{{\"id\":\"{}\"}}", "x".repeat(70_000)).unwrap();
    lines.push_str("{\"format\":2,\"id\":\"b\",\"name\":\"B\",\"mechanism\":\"none\"}");
    let file = machine.write("kinds.jsonl", lines.as_bytes());
    let said = machine.run(&["kinds", "check", &base, &file]).exits(2).says("305 checked, 4 refused");
    let said = said.says(&format!("{file}:302: id: {file}:8 has the same id; rename one of the two kinds"));
    let said = said.says(&format!("{file}:303: nmae: this key is unknown; did you mean `name`?"));
    let said = said.says(&format!("{file}:304: a line may have at most 64 KiB; describe one kind in each line"));
    said.says(&format!("{file}:305: format: this file has format 2"));
    let checked = machine.run(&["kinds", "check", &base, &file, "--json"]).exits(2).json();
    check(&checked, "checked");
    check(&checked["refused"][0], "refused");
    assert_eq!((&checked["checked"], &checked["ok"]), (&json!(305), &json!(301)));
    assert_eq!(checked["refused"][1]["id"], format!("{file}:303"));
}

#[test]
fn a_file_of_another_program_is_converted_with_a_report() {
    let machine = machine();
    let file = machine.write("providers.yaml", PROVIDERS.as_bytes());
    let said = machine.run(&["kinds", "import", "nango", &file]).exits(0);
    let said = said.says("converted brook-eu").says("refused marsh: auth_mode: ").says("lost: ");
    let said = said.says("kind-2brook (called 2brook in the file)").says("29 read, ");
    said.says("`connections kinds add nango-kinds/ID.toml` adds one of them.");
    let directory = machine.path("nango-kinds");
    let mut files: Vec<String> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    files.sort();
    let mut arguments = vec!["kinds", "check"];
    arguments.extend(files.iter().map(String::as_str));
    machine.run(&arguments).exits(0).says(" 0 refused");

    // Nothing is overwritten.
    machine.run(&["kinds", "import", "nango", &file]).exits(2).warns("the directory nango-kinds is not empty");
    let imported = machine.run(&["kinds", "import", "nango", &file, "--output", "other", "--json"]).exits(0).json();
    check(&imported, "kindsImported");
    check(&imported["refused"][0], "refused");
    check(&imported["lost"][0], "lost");
    assert_eq!(imported["converted"], files.len());
    let bad = machine.write("bad.yaml", b"a: &a [*a]\n");
    machine.run(&["kinds", "import", "nango", &bad]).exits(2).warns("bad.yaml:1: ");
    machine.run(&["kinds", "import", "nango", "missing.yaml"]).exits(5);
}

#[test]
fn a_converted_name_that_another_kind_has_is_reported_with_what_to_do() {
    let machine = machine();
    let entry = |name: &str| {
        format!(
            "{name}:\n    display_name: X\n    auth_mode: NONE\n    proxy:\n        base_url: https://x.example.com\n"
        )
    };
    let text: String = ["github", "linear", "acme", "free"].map(entry).concat();
    let file = machine.write("providers.yaml", text.as_bytes());
    let acme = machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    let said = machine.run(&["kinds", "import", "nango", &file]).exits(0);
    let said = said.says("converted github\n  the program has a kind 'github' already; to add this one, change the id");
    let said =
        said.says("converted linear\n  the catalogue has a kind 'linear' already; once this one is added, it is");
    let said =
        said.says(&format!("converted acme\n  {acme} describes the kind 'acme' already; `connections kinds add"));
    said.says("4 read, 4 converted to nango-kinds (0 with losses, 3 with a name that is taken), 0 refused");
    let imported = machine.run(&["kinds", "import", "nango", &file, "--output", "other", "--json"]).exits(0).json();
    check(&imported, "kindsImported");
    let taken = imported["taken"].as_array().unwrap();
    taken.iter().for_each(|taken| check(taken, "taken"));
    let by: Vec<_> = taken.iter().map(|taken| (taken["id"].as_str().unwrap(), taken["by"].as_str().unwrap())).collect();
    assert_eq!(by, [("github", "program"), ("linear", "catalogue"), ("acme", "file")]);
}

#[test]
fn a_file_of_several_kinds_is_not_added_and_the_message_says_how() {
    let machine = machine();
    let lines = "{\"format\":1,\"id\":\"a\",\"name\":\"A\",\"mechanism\":\"none\"}\n".repeat(2);
    let file = machine.write("many.jsonl", lines.as_bytes());
    for command in ["add", "test"] {
        let refused = machine.run(&["kinds", command, &file]).exits(2);
        let refused = refused.warns("many.jsonl has a kind on each line, and this command takes a file with one kind");
        refused.warns("save each line as a file of its own, such as ID.json").warns("`connections kinds check`");
    }
    machine.run(&["kinds", "test", &file, "--against", "http://127.0.0.1:9"]).exits(2).warns("on each line");
}

#[cfg(unix)]
#[test]
fn the_files_of_editors_are_no_kinds() {
    let machine = machine();
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    for name in [".acme.toml.swp", ".acme.toml", "._acme.toml", "acme.toml~", "#acme.toml#", "4913"] {
        machine.write(&format!("configuration/kinds/{name}"), b"\0\xff");
    }
    // The lock of an editor is a link to nothing.
    let lock = machine.path("configuration/kinds/.#acme.toml");
    std::os::unix::fs::symlink("somebody@somewhere.1234", lock).unwrap();
    let shown = machine.run(&["kinds", "show", "acme"]).exits(0).says("kinds/acme.toml");
    assert!(shown.err.is_empty(), "{}", shown.err);
    // The control: a file with a name of its own is a kind, or has a problem.
    machine.write("configuration/kinds/other.toml", b"\0\xff");
    machine.run(&["kinds", "show", "acme"]).exits(0).warns("other.toml:1: this is not text in UTF-8");
}

#[test]
fn a_list_without_the_catalogue_says_how_many_kinds_are_not_shown() {
    let machine = machine();
    let listed = |arguments: &[&str]| machine.run(&[&["kinds"], arguments].concat()).exits(0);
    listed(&[]).says("117 kinds of the catalogue are not shown.\n`connections kinds --all` lists them as well.");
    let all = listed(&["--all"]);
    assert!(!all.out.contains("are not shown"), "{}", all.out);
    // A file with the name of one of them is shown.
    machine.write("configuration/kinds/linear.toml", b"extends = \"linear\"\nname = \"Our Linear\"\n");
    listed(&[]).says("Our Linear").says("116 kinds of the catalogue are not shown");
}

#[test]
fn without_a_person_the_questions_are_refused() {
    let machine = machine();
    let refused = machine.run(&["kinds", "new"]).exits(2).warns("nobody can be asked about the kind");
    refused.warns("`connections kinds schema`").warns("docs/guide/kinds.md");
}

#[test]
fn a_check_knows_the_kinds_of_the_program_and_those_of_the_user() {
    let machine = machine();
    let file = machine.write("acme.toml", ACME.as_bytes());
    machine.run(&["kinds", "add", &file]).exits(0);
    let text = "format = 1\nid = \"acme-eu\"\nname = \"Acme EU\"\nextends = \"acme\"\n";
    let other = machine.write("acme-eu.toml", text.as_bytes());
    machine.run(&["kinds", "check", &other]).exits(0).says("1 checked, 0 refused");
    machine.run(&["kinds", "check", &file, &other]).exits(0).says("2 checked, 0 refused");
    let taken = machine.write("github.toml", ACME.replace("\"acme\"", "\"github\"").as_bytes());
    let said = machine.run(&["kinds", "check", &taken]).exits(2);
    said.says("github.toml: id: the program has a kind 'github' already; choose another id")
        .says("1 checked, 1 refused");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let machine = machine();
    let pipe = machine.path("pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    machine.run(&["kinds", "check", pipe.to_str().unwrap()]).exits(2).warns("is not a file");
}
