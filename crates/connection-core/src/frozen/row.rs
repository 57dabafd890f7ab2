//! The row that names what is frozen: reading it with its mark, and writing it.

use serde_json::{Value, json};

use super::Frozen;
use crate::{
    RowError, RowFault, guard,
    keys::Sealer,
    store::{
        Lock, Store, StoreError, Tx,
        rows::{FreezeRow, StoredMark},
    },
};

/// What is frozen, and who froze and thawed what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freezing {
    /// The names of what is frozen. A name that this version does not know is kept.
    pub(crate) frozen: Vec<String>,
    /// The notes, the oldest first.
    pub(crate) notes: Vec<FreezeNote>,
    /// The reason why the row is refused. What it says is then not known to be true.
    pub(crate) fault: Option<RowFault>,
}

/// A note that something was frozen or thawed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreezeNote {
    pub(crate) what: String,
    /// The owner of the thing, if it is a connection or an agent.
    pub(crate) owner: Option<String>,
    pub(crate) at: i64,
    pub(crate) by: Option<String>,
    /// `true` if it was frozen, `false` if it was thawed.
    pub(crate) is_freeze: bool,
}

impl FreezeNote {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            what: text("what")?,
            owner: text("owner"),
            at: value.get("at")?.as_i64()?,
            by: text("by"),
            is_freeze: value.get("freeze")?.as_bool()?,
        })
    }

    fn to_value(&self) -> Value {
        let Self { what, owner, at, by, is_freeze } = self;
        json!({ "what": what, "owner": owner, "at": at, "by": by, "freeze": is_freeze })
    }
}

impl Freezing {
    /// Reads the row, with the reason why it is refused.
    pub(crate) fn read(sealer: &Sealer, row: Option<&FreezeRow>) -> Self {
        let Some(row) = row else { return Self { fault: Some(RowFault::Missing), ..Self::default() } };
        let checked = guard::check(sealer, row);
        let texts = serde_json::from_str::<Vec<String>>(&row.frozen).ok();
        let values: Vec<Value> = serde_json::from_str(&row.notes).unwrap_or_default();
        let unread = texts.is_none().then_some(RowFault::Edited);
        Self {
            frozen: texts.unwrap_or_default(),
            notes: values.iter().filter_map(FreezeNote::read).collect(),
            fault: checked.err().map(|error| error.fault).or(unread),
        }
    }

    pub(crate) fn has(&self, what: &Frozen) -> bool {
        let name = what.to_string();
        self.frozen.contains(&name)
    }
}

/// Returns the error for a row that is refused.
pub(crate) fn row_error(fault: RowFault) -> RowError {
    guard::refusal(&FreezeRow::default(), fault)
}

/// Writes the row with its mark. The transaction holds the lock of the owner with the empty name.
pub(crate) async fn write(tx: &mut Tx, sealer: &Sealer, at: i64, freezing: &Freezing) -> Result<(), StoreError> {
    let frozen = Value::from(freezing.frozen.clone()).to_string();
    let notes = Value::from(freezing.notes.iter().map(FreezeNote::to_value).collect::<Vec<_>>()).to_string();
    let row = FreezeRow { frozen, notes, marked: StoredMark::default() };
    let mark = guard::written(tx, sealer, at, &row).await?;
    tx.put_freeze(&row, &mark).await
}

/// Reads the row of a store that was opened. The first program with the keys that opens a new store writes the row: no
/// row event is about it then.
pub(super) async fn opened(store: &Store, sealer: &Sealer, at: i64) -> Result<Option<FreezeRow>, StoreError> {
    let row = store.reader().await?.freeze().await?;
    if row.is_some() {
        return Ok(row);
    }
    let with = sealer.clone();
    let written = store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner("")).await?;
            let name = guard::name(&with, &FreezeRow::default());
            // Another process may have written the row between the two reads. A row that was deleted is not written.
            if tx.freeze().await?.is_none() && tx.newest_row_event("", &name).await?.is_none() {
                write(tx, &with, at, &Freezing::default()).await?;
            }
            Ok(())
        })
    });
    written.await?;
    store.reader().await?.freeze().await
}
