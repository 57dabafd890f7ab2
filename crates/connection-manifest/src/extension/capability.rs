//! The members that describe an extension to other hosts: its agent capabilities and its runtime. They are kept
//! unchanged; a file that two readers could understand differently is refused.

use std::collections::BTreeSet;

use connection_contract::Value;

use super::read::platform;
use crate::{error::Fault, object::Member};

/// Lists in which each name may occur only once.
const LISTS: &[&str] = &[
    "/aiCapability/rpcMethods",
    "/aiCapability/runtimeCapabilities",
    "/aiCapability/supportedPlatforms",
    "/aiCapability/toolNames",
    "/aiCapability/tools",
    "/capabilities",
    "/rpcMethods",
    "/runtimeCapabilities",
];

pub(super) fn check(document: &Value, connection: &str) -> Result<(), Fault> {
    const ID: &str = "/aiCapability/connectionId";
    if document.pointer(ID).is_some_and(|id| id.as_str() != Some(connection)) {
        return Err(Fault::at(ID, "an extension has one connection; write its id here or leave the field out"));
    }
    for list in LISTS {
        let mut seen = BTreeSet::new();
        let items = document.pointer(list).map_or(&[][..], Value::items);
        // An item without a name belongs to another host.
        let names = items.iter().enumerate().filter_map(|(at, item)| Some((at, named(item)?)));
        for (at, name) in names {
            if !seen.insert(name) {
                return Err(Fault::at(
                    format!("{list}/{at}"),
                    "each of these may be named only once; remove one of the two",
                ));
            }
        }
    }
    let at = "/aiCapability/supportedPlatforms";
    let platforms = document.pointer(at).map_or(&[][..], Value::items).iter().enumerate();
    platforms.map(|(index, value)| Member { at: format!("{at}/{index}"), value }).try_for_each(|member| {
        platform(&member)?;
        Ok(())
    })
}

/// Returns the name of an item: a text, or the `name` of an object.
fn named(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| item["name"].as_str())
}
