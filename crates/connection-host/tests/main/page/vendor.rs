//! The vendored files of the page are those whose hashes its list states.

use std::{collections::BTreeMap, fs, path::Path};

use connection_contract::encode;
use connection_testkit::sha256;

#[test]
fn the_vendored_files_of_the_page_have_the_hashes_of_their_list() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connection-server/page/vendor");
    let list = fs::read_to_string(directory.join("README.md")).unwrap();
    let rows = list.lines().filter(|line| line.starts_with("| `"));
    let quoted = |row: &str| -> Vec<String> { row.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let listed: BTreeMap<_, _> = rows
        .map(|row| {
            let words = quoted(row);
            (words.first().unwrap().clone(), words.last().unwrap().clone())
        })
        .collect();
    let names = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_vendored = |name: &String| !name.starts_with("LICENSE") && name != "README.md";
    let found = names.filter(is_vendored).map(|name| {
        let hash = encode::hex(&sha256(&fs::read(directory.join(&name)).unwrap()));
        (name, hash)
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), listed);
}
