//! Directories that no connection may read, and directories that other owners may read.

use crate::program::{Machine, Ran};

/// Adds a directory, given by its path in the home.
fn add(machine: &Machine, owner: &[&str], root: &str) -> Ran {
    let input = format!(r#"{{"roots": {:?}}}"#, machine.path(root).to_str().expect("UTF-8"));
    machine.feed(&[owner, &["add", "filesystem", "--input", "-"]].concat(), &input)
}

/// Finding 1.2: another owner, or a caller that acts for one, connected the data directory and read the key.
#[test]
fn nobody_reads_the_key_by_a_connection_to_its_directory() {
    let mut machine = Machine::new();
    machine.write("notes/a", b"mine");
    machine.run(&["list"]).exits(0);
    add(&machine, &[], "notes").exits(0);
    for root in ["data", "data/key", "configuration", ""] {
        for owner in [&[][..], &["--owner", "mallory"]] {
            let ran = add(&machine, owner, root).exits(3);
            let why = if owner.is_empty() { "this host protects" } else { "is not opened for this owner" };
            ran.warns(why);
        }
    }
    machine.run(&["files", "filesystem", "cat", "a"]).exits(0).says("mine");

    // The data directory moves to a granted directory, as if an older version had granted it.
    std::fs::remove_dir_all(machine.path("notes")).unwrap();
    std::fs::rename(machine.data(), machine.path("notes")).unwrap();
    let moved = machine.path("notes").to_str().unwrap().to_owned();
    machine.set("CONNECTIONS_DATA_DIR", &moved);
    for path in ["key/root.key", "store/connections.db"] {
        let ran = machine.run(&["files", "filesystem", "cat", path, "--json"]).exits(6);
        assert_eq!(ran.error()["error"]["code"], "directory_protected", "{}", ran.err);
    }
    machine.run(&["files", "filesystem", "ls"]).exits(6).warns("this host protects").warns("name another directory");
    machine.run(&["verify", "filesystem"]).exits(4).says("this host protects");
}

#[test]
fn another_owner_reads_what_the_host_allows_and_nothing_else() {
    let machine = Machine::new();
    machine.write("notes/a", b"hers");
    machine.write("other/a", b"his");
    let ada = ["--owner", "ada"];
    add(&machine, &ada, "notes").exits(3).warns("is not opened for this owner").warns("[files] allow");
    machine.configure("files.allow = [\"../notes\"]");
    add(&machine, &ada, "notes").exits(0);
    add(&machine, &ada, "other").exits(3).warns("is outside what this host allows");
    machine.run(&["--owner", "ada", "files", "filesystem", "cat", "a"]).exits(0).says("hers");
    machine.configure("");
    machine.run(&["--owner", "ada", "files", "filesystem", "cat", "a"]).exits(6).warns("is not opened for this owner");
}
