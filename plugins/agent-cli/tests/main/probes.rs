//! The values that the table of each kind finds in files of the tools. The plugin's use of these values has its own
//! tests.

use connection_contract::prelude::*;

use crate::{kinds, signed_in};

#[test]
fn every_login_and_account_of_the_data_is_in_what_the_tool_writes() {
    for (kind, make) in kinds() {
        let probe = make().profiles().unwrap().probe.unwrap();
        let files = signed_in(kind);
        let there = |file: &str| files.iter().any(|(name, _)| *name == file);
        assert!(probe.markers.iter().any(|marker| there(marker)), "{kind}");
        let found = |values: &[ProbeValue]| values.iter().find_map(|value| read(value, &files));
        assert!(found(&probe.logins).is_some(), "{kind}");
        assert_eq!(found(&probe.accounts).as_deref(), Some("ada@example.com"), "{kind}");
    }
}

#[test]
fn no_path_of_the_data_leads_out_of_the_directory() {
    for (_, make) in kinds() {
        let probe = make().profiles().unwrap().probe.unwrap();
        let values = probe.logins.iter().chain(&probe.accounts);
        for file in values.map(|value| &value.file).chain(&probe.markers) {
            assert!(PathSpec::new(PathBase::Home, file.clone()).is_some(), "{file}");
        }
    }
}

fn read(value: &ProbeValue, files: &[(&'static str, String)]) -> Option<String> {
    let (_, content) = files.iter().find(|(name, _)| *name == value.file)?;
    let json = Value::parse(content.as_bytes()).ok()?;
    let text = json.pointer(&value.pointer)?.as_str()?.to_owned();
    let Some(claim) = &value.claim else { return Some(text) };
    let claims = Value::parse(&encode::from_base64url(text.split('.').nth(1)?)?).ok()?;
    Some(claims.pointer(claim)?.as_str()?.to_owned())
}
