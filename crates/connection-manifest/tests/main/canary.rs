//! No error, no note and no `Debug` repeats a value, because a value in the wrong place may be a secret.

use connection_manifest::ExtensionFile;
use connection_testkit::canary::found;
use serde_json::json;

use crate::{manifest, oauth, places, with};

const CANARY: &str = "canary-9f8e7d6c";

/// Every member of a manifest, and some that are not read, get the canary as text, in a list and in an object.
#[test]
fn no_value_is_ever_repeated() {
    let redirect = json!({ "type": "app-scheme", "scheme": "app", "callbackPath": "/back" });
    let mut refused = 0;
    let mut taken = 0;
    for document in [manifest(), with("/connection/auth", oauth(&redirect))] {
        let added = [
            "/x",
            "/aiCapability",
            "/rpcMethods",
            "/commands/0/x",
            "/preferences/0/x",
            "/connection/x",
            "/connection/auth/x",
        ];
        for pointer in
            places(&document).iter().map(String::as_str).chain(added).filter(|pointer| !NAMES.contains(pointer))
        {
            for canary in
                [json!(CANARY), json!(format!("{CANARY} \u{0}")), json!([CANARY, CANARY]), json!({ "a": CANARY })]
            {
                match ExtensionFile::parse(crate::set(document.clone(), pointer, canary).to_string().as_bytes()) {
                    Err(error) => {
                        refused += 1;
                        let shown = format!("{error} {error:?}");
                        assert_eq!(found(shown.as_bytes(), CANARY.as_bytes()), None, "{pointer}: {shown}");
                    }
                    Ok(file) => {
                        taken += 1;
                        let shown = format!("{file:?} {:?}", file.notes());
                        assert_eq!(found(shown.as_bytes(), CANARY.as_bytes()), None, "{pointer}: {shown}");
                        // The control: the document contains the canary.
                        assert!(file.to_string().contains(CANARY), "{pointer}");
                    }
                }
            }
        }
    }
    assert!(refused > 50 && taken > 20, "{refused} {taken}");
}

/// The values that an error must name, to identify the manifest.
const NAMES: &[&str] = &["/name", "/connection", "/connection/id"];
