//! Files of the user that extend other kinds: those of other files, and those of the catalogue with the same name.

use serde_json::json;

use crate::program::{Machine, check};

/// The example of the guide.
const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");

fn machine() -> Machine {
    let machine = Machine::new();
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine
}

#[test]
fn a_removal_names_the_files_that_extend_the_kind() {
    let machine = machine();
    let file = |id: &str, base: &str| {
        let text = format!("id = \"{id}\"\nname = \"{id}\"\nextends = \"{base}\"\n");
        machine.write(&format!("configuration/kinds/{id}.toml"), text.as_bytes())
    };
    let (eu, test) = (file("acme-eu", "acme"), file("acme-eu-test", "acme-eu"));
    let removed = machine.run(&["kinds", "remove", "acme-eu-test", "--yes", "--json"]).exits(0).json();
    check(&removed, "kindRemoved");
    assert_eq!(removed["extendedBy"], json!([]));
    file("acme-eu-test", "acme-eu");
    let removed = machine.run(&["kinds", "remove", "acme", "--yes"]).exits(0);
    removed.says(&format!("The files {test}, {eu} extend this kind, and cannot be used without it."));
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    let removed = machine.run(&["kinds", "remove", "acme", "--yes", "--json"]).exits(0).json();
    assert_eq!(removed["extendedBy"], json!([test, eu]));
}

#[cfg(unix)]
#[test]
fn a_person_is_told_of_them_before_the_removal() {
    let machine = machine();
    let child = b"id = \"child\"\nname = \"Child\"\nextends = \"acme\"\n";
    machine.write("configuration/kinds/child.toml", child);
    let mut session = crate::terminal::start(&machine, &["kinds", "remove", "acme"]);
    // The terminal breaks the lines anywhere.
    let (question, _) = session.exp_regex(r"\(\s*y\s*/\s*N\s*\)").unwrap();
    let question = question.replace("\r\n", "");
    assert!(question.contains("child.toml extends this kind, and cannot be used without it."), "{question}");
    crate::terminal::enter(&mut session, "n");
    let rest = crate::terminal::end(session, 0);
    assert!(rest.contains("Nothing was removed."), "{rest}");
    assert!(machine.path("configuration/kinds/acme.toml").exists());
}

#[test]
fn a_file_is_used_instead_of_the_kind_of_the_catalogue_that_it_extends() {
    let machine = machine();
    let file = machine.write("linear.toml", b"id = \"linear\"\nextends = \"linear\"\nname = \"Our Linear\"\n");
    machine.run(&["kinds", "check", &file]).exits(0).says("1 checked, 0 refused");
    machine.run(&["kinds", "add", &file]).exits(0).says("Added Our Linear (linear): ");
    machine.run(&["kinds", "show", "linear"]).exits(0).says("Our Linear").says("https://api.linear.app");
    machine.run(&["kinds", "add", &file, "--replace"]).exits(0);
    machine.run(&["kinds", "remove", "linear", "--yes"]).exits(0);
    // A kind that is compiled in has no file.
    let file = machine.write("github.toml", b"id = \"github\"\nextends = \"github\"\nname = \"GitHub\"\n");
    let said = machine.run(&["kinds", "check", &file]).exits(2);
    said.says("github.toml:2: extends: a file can extend a kind of its own name only if the catalogue has that kind");
}
