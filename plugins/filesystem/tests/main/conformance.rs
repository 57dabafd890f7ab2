//! The conformance suite, run with this plugin.

use connection_plugin_filesystem::Filesystem;
use connection_testkit::conformance::Suite;

use crate::{files, roots};

#[test]
fn every_sentence_of_the_contract_holds() {
    let input = roots(&["/home/ada/notes", "/home/ada/work"]);
    Suite::new(|| Filesystem)
        .host(|host| host.files(files()))
        .setup([input], [])
        .recorded("tests/fixtures/credential")
        .check();
}
