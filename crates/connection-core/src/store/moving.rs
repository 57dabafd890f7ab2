//! Copies the tables of a database in a file to a server. The marks that say which of the two opens are those of
//! [`moves`](super::moves).

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;

pub(crate) use super::{
    postgres::{Arrival, MoveTarget, TargetState},
    sqlite::MoveSource,
};

/// The tables that a move does not carry: each of the two databases has its own rows there. No process of the file is
/// present on the server.
pub(super) const NOT_CARRIED: [&str; 3] = ["connection_migrations", "connection_move", "connection_presence"];

/// A table, as the server has it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The tables to whose rows its rows refer.
    pub(super) references: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) of: ValueType,
    /// `true` if the server numbers the rows.
    pub(super) is_numbered: bool,
}

/// The type of a value on the server. In the file, a boolean is a number, and a UUID its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Bool,
    Bytes,
    Float,
    Integer,
    Text,
    Uuid,
}

/// The numbers of rows in both databases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) connections: u64,
    pub(crate) rows: u64,
    /// A table that has not the same number of rows in both.
    pub(crate) differing: Option<String>,
}

impl ValueType {
    /// Returns the type with this name on the server.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "bigint" => Self::Integer,
            "boolean" => Self::Bool,
            "bytea" => Self::Bytes,
            "double precision" => Self::Float,
            "text" => Self::Text,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }
}

impl Table {
    /// Returns the names of the columns as a part of a statement.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        names.join(", ")
    }
}

/// Copies the rows of all tables that are carried, and calls `copied` with their number from time to time.
///
/// # Errors
///
/// [`StoreError::Taken`] if the two databases have not the same tables, and the errors of both.
pub(crate) async fn copy(
    source: &mut MoveSource,
    arrival: &mut Arrival<'_>,
    copied: &(dyn Fn(u64) + Send + Sync),
) -> Result<(), StoreError> {
    let tables = arrival.tables().await?;
    let mut own = source.columns().await?;
    own.retain(|name, _| !NOT_CARRIED.contains(&&**name));
    let names = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<BTreeSet<_>>();
    let there: BTreeMap<_, _> = tables.iter().map(|table| (table.name.clone(), names(table))).collect();
    if own != there {
        let differs = |name: &&String| own.get(*name) != there.get(*name);
        let name = own.keys().chain(there.keys()).find(differs).cloned().unwrap_or_default();
        return Err(StoreError::Taken { place: source.place().to_owned(), name });
    }
    // The triggers have done their work in the file: what they would write is copied, too.
    arrival.set_triggers(&tables, false).await?;
    let mut rows: u64 = 0;
    for table in in_order(tables.clone()) {
        let mut lines = source.lines(&table)?;
        let before = rows;
        rows += arrival.fill(&table, &mut lines, &|added| copied(before + added)).await?;
    }
    copied(rows);
    arrival.set_triggers(&tables, true).await?;
    arrival.continue_numbers(&tables).await
}

/// Counts the rows of all tables that are carried, in both databases.
pub(crate) async fn counted(source: &mut MoveSource, arrival: &mut Arrival<'_>) -> Result<Counted, StoreError> {
    let mut counted = Counted::default();
    for table in arrival.tables().await? {
        let here = source.count(&table).await?;
        if here != arrival.count(&table).await? {
            counted.differing.get_or_insert_with(|| table.name.clone());
        }
        let count = u64::try_from(here).unwrap_or_default();
        counted.rows += count;
        if table.name == "connection_account" {
            counted.connections = count;
        }
    }
    Ok(counted)
}

/// Returns the tables in an order in which each follows those to which it refers.
fn in_order(mut left: Vec<Table>) -> Vec<Table> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_ready = |table: &Table| {
            let waits_for = |other: &Table| other.name != table.name && table.references.contains(&other.name);
            !left.iter().any(waits_for)
        };
        // No table refers to itself by others. If one did, the server would refuse its rows.
        let at = left.iter().position(is_ready).unwrap_or_default();
        ordered.push(left.remove(at));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::{Table, in_order};

    #[test]
    fn a_table_follows_those_to_which_it_refers() {
        let table = |name: &str, references: &[&str]| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            references: references.iter().map(|name| (*name).to_owned()).collect(),
        };
        let tables = vec![table("a", &["c"]), table("b", &["a", "b"]), table("c", &[]), table("d", &["elsewhere"])];
        let names: Vec<_> = in_order(tables).into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["c", "a", "b", "d"]);
    }
}
