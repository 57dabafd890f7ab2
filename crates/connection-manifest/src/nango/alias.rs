//! Entries that stand on another one: their merged content, and the file that extends the other's.

use std::collections::BTreeMap;

use connection_contract::Value;

/// The maximum number of entries that stand on each other.
const MAX_CHAIN: usize = 8;

/// The reason for refusing an entry that is larger than a kind file may be.
pub(super) const TOO_LARGE: &str = "the entry is larger than 64 KiB, which is the maximum of a kind file";

/// Returns the entry of which `entry` is an alias.
pub(super) fn target(entry: &Value) -> Option<&str> {
    match entry {
        Value::Map(_) => entry["alias"].as_str(),
        _ => None,
    }
}

/// Returns the entry of a name with everything that it takes from the entries on which it stands. The table `proxy` is merged key
/// by key.
///
/// # Errors
///
/// The sentence says why the entry, or one on which it stands, cannot be used.
pub(super) fn merged(entries: &BTreeMap<&str, &Value>, name: &str) -> Result<Value, &'static str> {
    let entry = *entries.get(name).ok_or(TOO_LARGE)?;
    let mut merged = entry.clone();
    let mut next = target(entry);
    for _ in 0..MAX_CHAIN {
        let Some(name) = next else { return Ok(merged) };
        let base = entries.get(name).ok_or("alias: the file has no entry of this name, or it is too large")?;
        inherit(&mut merged, base, true);
        next = target(base);
    }
    Err("alias: the entries stand on each other in a circle, or in a chain that is too long")
}

fn inherit(own: &mut Value, base: &Value, is_top: bool) {
    let (Value::Map(own), Value::Map(base)) = (own, base) else { return };
    for (name, value) in base {
        match own.iter_mut().find(|(known, _)| known == name) {
            None => own.push((name.clone(), value.clone())),
            Some((_, own)) if is_top && name == "proxy" => inherit(own, value, false),
            Some(_) => {}
        }
    }
}

/// Returns the members by which a document differs from that of the kind `base`, which it then extends. `None` if the
/// document lacks something that it would inherit.
pub(super) fn extending(
    document: &[(String, Value)],
    base: &str,
    inherited: &[(String, Value)],
) -> Option<Vec<(String, Value)>> {
    let mut own = difference(document, inherited)?;
    let at = own.iter().position(|(name, _)| name == "name").map_or(0, |at| at.saturating_add(1));
    own.insert(at.min(own.len()), ("extends".to_owned(), Value::from(base)));
    Some(own)
}

fn difference(own: &[(String, Value)], base: &[(String, Value)]) -> Option<Vec<(String, Value)>> {
    if base.iter().any(|(name, _)| !own.iter().any(|(known, _)| known == name)) {
        return None;
    }
    let mut different = Vec::new();
    for (name, value) in own {
        match base.iter().find(|(known, _)| known == name) {
            Some((_, inherited)) if inherited == value => {}
            Some((_, Value::Map(inherited))) => {
                let Value::Map(members) = value else { return None };
                different.push((name.clone(), Value::Map(difference(members, inherited)?)));
            }
            _ => different.push((name.clone(), value.clone())),
        }
    }
    Some(different)
}
