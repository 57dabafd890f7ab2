//! The conformance suite, which also checks that the token is shown nowhere.

use connection_plugin_notion::Notion;
use connection_testkit::conformance::Suite;

use crate::{get_me, token};

// region: suite
#[test]
fn every_sentence_of_the_contract_holds() {
    let suite = Suite::new(|| Notion).setup([token()], [get_me()]).verify([get_me()]);
    suite.recorded("tests/fixtures/credential").check();
}
// end: suite
