//! Files of kinds that change while `serve` runs.
#![cfg(unix)]

use super::{log::Logged, machine, until};
use crate::{program::Machine, provider::NOTION_KEY};

const FILE: &str = "configuration/kinds/acme.toml";
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");

/// Waits for a line of the log, and returns all lines with that part.
fn logged(serving: &Logged, part: &str) -> Vec<String> {
    until(part, || !serving.lines_with(part).is_empty());
    serving.lines_with(part)
}

/// Returns a machine with a connected account of the kind.
fn connected() -> Machine {
    let machine = machine();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    machine.write(FILE, ACME.as_bytes());
    let key = machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "acme", "--field", &format!("apiKey=@{key}")]).exits(0);
    machine
}

#[test]
fn a_changed_file_is_used_and_a_broken_one_leaves_the_old_kind_in_force() {
    let machine = connected();
    let serving = Logged::start(&machine);
    logged(&serving, "listening on ");
    machine.write(FILE, ACME.replace("mechanism", "mechanisms").as_bytes());
    let refused = logged(&serving, "a changed kind is not used, and the old one stays: ");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains(" WARN ") && refused[0].contains("acme.toml:4: mechanisms"), "{refused:?}");

    machine.write(FILE, ACME.replace("Bearer ", "Token ").as_bytes());
    logged(&serving, "the kind 'acme' was read again");
    let warned = logged(&serving, "the kind 'acme' sends secrets in another way than before");
    assert!(warned[0].contains("`connections kinds accept acme`"), "{warned:?}");

    machine.write("configuration/kinds/other.toml", ACME.replace("acme", "other").as_bytes());
    logged(&serving, "the kind 'other' was read again");

    std::fs::remove_file(machine.path(FILE)).unwrap();
    let gone = logged(&serving, "the file of the kind 'acme' is gone");
    assert!(gone[0].contains("its connections are not used until it is back"), "{gone:?}");
    assert_eq!(serving.lines_with("a changed kind is not used").len(), 1, "one warning for one change");
}

/// A file may not replace a kind of the program itself. One that replaces a kind of the catalogue gives it back.
#[test]
fn a_file_that_goes_gives_back_the_kind_of_the_catalogue() {
    let machine = machine();
    let serving = Logged::start(&machine);
    logged(&serving, "listening on ");
    machine.write("configuration/kinds/github.toml", ACME.replace("acme", "github").as_bytes());
    machine.write("configuration/kinds/linear.toml", ACME.replace("acme", "linear").as_bytes());
    logged(&serving, "the kind 'linear' was read again");
    let taken = logged(&serving, "github.toml is not used, because the program has a kind 'github' already");
    assert_eq!(taken.len(), 1, "{taken:?}");
    std::fs::remove_file(machine.path("configuration/kinds/linear.toml")).unwrap();
    until("it is read again", || serving.lines_with("the kind 'linear' was read again").len() == 2);
    assert_eq!(serving.lines_with("github").len(), 1, "one warning for one change");
}

/// A file in the place of the directory stands for every error of reading it, such as too many open files.
#[test]
fn a_directory_that_cannot_be_read_leaves_its_kinds_in_force() {
    let machine = connected();
    let [kinds, moved, next] = ["kinds", "moved", "next"].map(|name| machine.path(&format!("configuration/{name}")));
    std::fs::rename(&kinds, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &kinds).unwrap();
    let serving = Logged::start(&machine);
    logged(&serving, "listening on ");

    std::fs::write(&next, "").unwrap();
    std::fs::rename(&next, &kinds).unwrap();
    let kept = logged(&serving, "cannot be read, and its kinds stay in force: ");
    std::os::unix::fs::symlink(&moved, &next).unwrap();
    std::fs::rename(&next, &kinds).unwrap();
    machine.write("configuration/kinds/other.toml", ACME.replace("acme", "other").as_bytes());
    logged(&serving, "the kind 'other' was read again");
    assert_eq!((kept.len(), serving.lines_with("is gone").len()), (1, 0));
}

/// A directory that is moved stands for the end of a mount.
#[test]
fn a_directory_that_is_gone_leaves_its_kinds_in_force_until_it_is_back() {
    let machine = connected();
    let [kinds, away] = ["kinds", "away"].map(|name| machine.path(&format!("configuration/{name}")));
    let serving = Logged::start(&machine);
    logged(&serving, "listening on ");
    std::fs::rename(&kinds, &away).unwrap();
    let kept = logged(&serving, "cannot be read, and its kinds stay in force: it is gone with its files");
    std::fs::rename(&away, &kinds).unwrap();
    machine.write("configuration/kinds/other.toml", ACME.replace("acme", "other").as_bytes());
    logged(&serving, "the kind 'other' was read again");
    assert_eq!((kept.len(), serving.lines_with("' is gone").len()), (1, 0));
}
