//! A person who describes a provider in a file, tests it, connects it against a server on loopback, and uses it.
//!
//! `own_kind.txt` holds what the terminal shows. After a change of a message,
//! `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main own_kind` writes it again.

use crate::{
    first_hour::Person,
    provider::{NOTION_KEY, leaks},
};

/// The example of the guide.
const ACME: &str = include_str!("../../../connection-manifest/examples/acme.toml");
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main/own_kind.txt");

#[test]
fn a_provider_is_described_tested_connected_and_used() {
    let mut ada = Person::new();
    let key = "API key";
    let origin = ada.machine.provider.origin.clone();
    ada.machine.write("kinds/acme.toml", ACME.replace("name = \"Acme\"", "nmae = \"Acme\"").as_bytes());
    ada.types("kinds check kinds/acme.toml", &[], 2);
    ada.meanwhile("Ada corrects the key.");
    ada.machine.write("kinds/acme.toml", ACME.as_bytes());
    ada.types("kinds check kinds/acme.toml", &[], 0);
    ada.types("kinds test kinds/acme.toml", &[], 0);

    ada.meanwhile("Ada runs a server that answers as the provider documents, but names the account elsewhere.");
    ada.machine.provider.tell(200, "content-type: application/json\r\n", r#"{"user":{"id":7,"name":"Ada"}}"#);
    ada.types(&format!("kinds test kinds/acme.toml --against {origin}"), &[(key, NOTION_KEY)], 3);
    ada.meanwhile("Ada corrects the pointers.");
    let text = ACME.replace("[\"/id\"]", "[\"/user/id\"]").replace("[\"/name\"]", "[\"/user/name\"]");
    ada.machine.write("kinds/acme.toml", text.as_bytes());
    ada.types(&format!("kinds test kinds/acme.toml --against {origin}"), &[(key, NOTION_KEY)], 0);

    ada.meanwhile("Ada moves the file to the directory of kinds, and leads its address to the server.");
    ada.machine.write("configuration/kinds/acme.toml", text.as_bytes());
    ada.machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{origin}\"\n"));
    ada.types("kinds show acme", &[], 0);
    ada.types("add acme", &[(key, NOTION_KEY)], 0);
    ada.types("list", &[], 0);
    ada.types("send acme GET /me", &[], 0);
    ada.types("remove acme --yes", &[], 0);
    ada.compare(KEPT);
    let requests = ada.machine.provider.seen();
    assert!(
        requests
            .iter()
            .all(|request| request.headers["authorization"] == format!("Bearer {NOTION_KEY}") && !leaks(request))
    );
    assert_eq!(requests.last().unwrap().path, "/me");
}
