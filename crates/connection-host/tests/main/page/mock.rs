//! The mock of the page sends what the server sends, so that nobody judges the page by shapes that do not exist.

use std::{path::Path, process::Command};

use connection_faults::skip_notice;

use crate::serve::{Serving, machine};

#[test]
fn the_mock_sends_the_shapes_of_the_document() {
    let machine = machine();
    let token = machine.run(&["tokens", "create", "a program", "--role", "read"]).exits(0);
    let serving = Serving::start(&machine);
    let headers = format!("authorization: Bearer {}\r\nconnection: close\r\n", token.out.trim());
    let document = serving.ask("GET", "/api/v1/openapi.json", &headers, b"");
    assert_eq!(document.status, 200);
    let file = machine.write("openapi.json", document.body.as_bytes());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connection-server/page/dev/contract.mjs");
    let Ok(compared) = Command::new("node").arg(script).arg(file).output() else {
        skip_notice::say("against the document", "`node` is not here");
        return;
    };
    let said = String::from_utf8_lossy(&compared.stderr);
    assert!(compared.status.success(), "the mock differs from the document:\n{said}");
    // The control: a document without a member finds it in the answers of the mock.
    let changed = document.body.replace("\"needsAttention\":{", "\"needsHelp\":{");
    assert_ne!(changed, document.body);
    let file = machine.write("changed.json", changed.as_bytes());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connection-server/page/dev/contract.mjs");
    let compared = Command::new("node").arg(script).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&compared.stderr);
    assert!(!compared.status.success() && said.contains("needsAttention is not sent by the server"), "{said}");
}
