//! The files of the catalogue: each is valid, can be connected, and its requests are those of the snapshot.

use std::{fmt::Write as _, fs, path::PathBuf};

use connection_contract::ConnectionDefinition as _;
use connection_manifest::{Catalogue, KindSet, kind_schema};

use crate::{repository, snapshot};

const HEAD: &str = "\
//! The list of the files of the directory `catalogue`, written by the test `the_list_of_embedded_files_is_complete`.

/// The files, by the order of their ids: the name of the file, the provider of its kind, and its text.
pub(super) const FILES: &[(&str, &str, &str)] = ";

/// Returns the name and the text of each file of the directory `catalogue`, in alphabetical order.
fn files() -> Vec<(String, String)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    // In the order of the ids, in which the files are searched.
    files.sort_by(|(a, _), (b, _)| a.trim_end_matches(".toml").cmp(b.trim_end_matches(".toml")));
    files
}

/// A kind with OAuth says where its provider documents refusals, too.
#[test]
fn no_file_has_a_problem_and_each_names_its_sources() {
    let set = files().into_iter().fold(KindSet::new().of_catalogue(), |set, (name, text)| set.file(name, text));
    let (kinds, problems) = set.read();
    assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    for kind in kinds {
        assert!(!kind.sources().is_empty(), "{} names no source", kind.id());
    }
}

#[test]
fn the_requests_of_each_file_are_those_of_the_snapshot() {
    let mut text = String::new();
    for id in Catalogue::ids() {
        let kind = Catalogue::kind(id).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
        let rendering = kind.definition().rendering().unwrap_or_else(|failure| panic!("{id}: {failure}"));
        writeln!(text, "# {id}\n{rendering}").unwrap();
    }
    snapshot("kind_requests.out", &text);
}

/// The list is part of the source, so that no build script and no macro reads a directory.
#[test]
fn the_list_of_embedded_files_is_complete() {
    let mut list = String::from(HEAD);
    let files = files();
    list.push_str(if files.is_empty() { "&[" } else { "&[\n" });
    let (kinds, _) = files.iter().fold(KindSet::new(), |set, (name, text)| set.file(name, text)).read();
    let provider = |name: &str| {
        let kind = kinds.iter().find(|kind| format!("{}.toml", kind.id()) == name);
        kind.map(|kind| kind.definition().descriptor().provider.to_string()).unwrap_or_default()
    };
    for (name, _) in &files {
        writeln!(list, "    (\"{name}\", \"{}\", include_str!(\"../../catalogue/{name}\")),", provider(name)).unwrap();
    }
    list.push_str("];\n");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/kind/catalogue_files.rs");
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SNAPSHOTS").is_some();
    if write {
        fs::write(&file, &list).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), list, "set CONNECTIONS_TEST_WRITE_SNAPSHOTS to write it anew");
}

#[test]
fn the_published_schema_is_current_and_every_file_fits_it() {
    let schema = kind_schema();
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let file = repository("docs/spec/kind.schema.json");
    #[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written")]
    let write = std::env::var_os("CONNECTIONS_TEST_WRITE_SNAPSHOTS").is_some();
    if write {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "set CONNECTIONS_TEST_WRITE_SNAPSHOTS to write it anew");
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).unwrap();
    for (name, text) in files() {
        let value = serde_json::to_value(toml::from_str::<toml::Table>(&text).unwrap()).unwrap();
        assert!(validator.is_valid(&value), "{name}: {:?}", validator.iter_errors(&value).next());
    }
    let unknown = serde_json::json!({ "format": 1, "nmae": "Acme" });
    assert!(!validator.is_valid(&unknown));
}
