//! What in a store names something of its machine.

use std::collections::BTreeMap;

use connection_contract::{Input, Kind};

use super::MachineBound;
use crate::{
    StoreError,
    kinds::{KindTable, own_provider},
    store::Tx,
};

/// Returns what names something of this machine, by queries over the rows and by what the kinds declare.
pub(super) async fn bound(tx: &mut Tx, kinds: &KindTable) -> Result<Vec<MachineBound>, StoreError> {
    let mut found = Vec::new();
    for (owner, kind, directory) in tx.profile_directories().await? {
        found.push(MachineBound::Profile { owner, kind, directory });
    }
    let mut counts = BTreeMap::<String, u64>::new();
    for row in tx.count_by_liveness().await? {
        *counts.entry(row.kind).or_default() += u64::try_from(row.count).unwrap_or_default();
    }
    for (name, connections) in counts {
        let kind = Kind::parse(&name);
        let Some(entry) = kind.as_ref().and_then(|kind| kinds.entry(kind)) else {
            // The kinds of extensions are made from what the store has.
            if kind.as_ref().and_then(own_provider).is_none() {
                found.push(MachineBound::UnknownKind { kind: name, connections });
            }
            continue;
        };
        let kind = entry.kind().clone();
        if entry.descriptor.fields.iter().any(|field| field.input == Input::Directory) {
            found.push(MachineBound::Directories { kind: kind.clone(), connections });
        }
        if !entry.descriptor.tools.is_empty() {
            found.push(MachineBound::Tool { kind, connections });
        }
    }
    if let Some(row) = tx.addressed().await? {
        let count = |count: i64| u64::try_from(count).ok().filter(|count| *count > 0);
        found.extend(count(row.webhooks).map(|connections| MachineBound::Webhooks { connections }));
        found.extend(count(row.setups).map(|setups| MachineBound::Setups { setups }));
    }
    Ok(found)
}
