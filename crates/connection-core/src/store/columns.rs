//! Rows, decoded by the positions of their columns.
//!
//! A lookup by name costs about as much as the decoding itself. A row that is defined by [`row!`] takes its columns in
//! the order of its fields. A test compares the names of these columns with those that each query selects, and a
//! build with debug assertions compares them in each row that is read.

use sqlx::{Column as _, Decode, Row as _, Type};
#[cfg(feature = "postgres")]
use sqlx::{Postgres, postgres::PgRow};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, sqlite::SqliteRow};
use uuid::Uuid;

use super::Sealed;
use crate::ids::{AccessTokenId, AgentId, ApprovalId, ConnectionId, ProfileId, SessionId};

/// A value that a column of SQLite can hold. Without the engine, this includes every type.
#[cfg(feature = "sqlite")]
pub(super) trait OnSqlite: for<'v> Decode<'v, Sqlite> + Type<Sqlite> {}
#[cfg(feature = "sqlite")]
impl<T: for<'v> Decode<'v, Sqlite> + Type<Sqlite>> OnSqlite for T {}
#[cfg(not(feature = "sqlite"))]
pub(super) trait OnSqlite {}
#[cfg(not(feature = "sqlite"))]
impl<T> OnSqlite for T {}

/// A value that a column of PostgreSQL can hold. Without the engine, this includes every type.
#[cfg(feature = "postgres")]
pub(super) trait OnPostgres: for<'v> Decode<'v, Postgres> + Type<Postgres> {}
#[cfg(feature = "postgres")]
impl<T: for<'v> Decode<'v, Postgres> + Type<Postgres>> OnPostgres for T {}
#[cfg(not(feature = "postgres"))]
pub(super) trait OnPostgres {}
#[cfg(not(feature = "postgres"))]
impl<T> OnPostgres for T {}

/// A row as a driver returned it, and the position of its next column.
#[derive(Clone, Copy)]
pub(super) struct Columns<'r> {
    row: DriverRow<'r>,
    next: usize,
}

#[derive(Clone, Copy)]
enum DriverRow<'r> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'r SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(&'r PgRow),
}

/// A value that is decoded from the next columns of a row.
pub(super) trait FromColumns: Sized {
    /// The number of columns that the value takes up.
    const WIDTH: usize;

    /// Decodes the value. `name` is the name of the column, for a value that has only one; if it is empty, the column
    /// may have any name.
    fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error>;

    /// Adds the names of the columns, in their order.
    fn names(name: &'static str, names: &mut Vec<&'static str>);
}

#[cfg(feature = "sqlite")]
impl<'r> From<&'r SqliteRow> for Columns<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self { row: DriverRow::Sqlite(row), next: 0 }
    }
}

#[cfg(feature = "postgres")]
impl<'r> From<&'r PgRow> for Columns<'r> {
    fn from(row: &'r PgRow) -> Self {
        Self { row: DriverRow::Postgres(row), next: 0 }
    }
}

impl Columns<'_> {
    /// Decodes the next column, which must have this name unless it is empty.
    fn value<T>(&mut self, name: &'static str) -> Result<T, sqlx::Error>
    where
        T: OnSqlite + OnPostgres,
    {
        let at = self.next;
        self.next += 1;
        debug_assert!(name.is_empty() || self.name(at) == name, "column {at} is {}, not {name}", self.name(at));
        let value = match self.row {
            #[cfg(feature = "sqlite")]
            DriverRow::Sqlite(row) => row.try_get(at),
            #[cfg(feature = "postgres")]
            DriverRow::Postgres(row) => row.try_get(at),
        };
        value.map_err(|error| match error {
            sqlx::Error::ColumnDecode { source, .. } => of_column(name, source),
            error => error,
        })
    }

    /// Returns the columns that follow the next `count` ones.
    pub(super) fn skipped(self, count: usize) -> Self {
        Self { next: self.next + count, ..self }
    }

    fn name(&self, at: usize) -> &str {
        match self.row {
            #[cfg(feature = "sqlite")]
            DriverRow::Sqlite(row) => row.column(at).name(),
            #[cfg(feature = "postgres")]
            DriverRow::Postgres(row) => row.column(at).name(),
        }
    }
}

/// Returns the error for a value in this column that this program does not write.
pub(super) fn of_column(name: &str, source: Box<dyn std::error::Error + Send + Sync>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: format!("{name:?}"), source }
}

/// A row, or `None` for one that was edited to a value that this program does not write. Such a row affects no other.
#[derive(Clone, Debug)]
pub(super) struct Found<T>(pub(super) Option<T>);

impl<T: FromColumns> FromColumns for Found<T> {
    const WIDTH: usize = T::WIDTH;

    fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error> {
        Ok(Self(T::from_columns(columns, name).ok()))
    }

    fn names(name: &'static str, names: &mut Vec<&'static str>) {
        T::names(name, names);
    }
}

/// Decodes a row of a driver by the positions of its columns.
pub(super) fn decoded<'r, T: FromColumns>(row: impl Into<Columns<'r>>) -> Result<T, sqlx::Error> {
    T::from_columns(&mut row.into(), "")
}

macro_rules! single_columns {
    ($($type:ty),+) => {
        $(impl FromColumns for $type {
            const WIDTH: usize = 1;

            fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error> {
                columns.value(name)
            }

            fn names(name: &'static str, names: &mut Vec<&'static str>) {
                names.push(name);
            }
        })+
    };
}

single_columns!(bool, f64, i64, String, Vec<u8>, Uuid, Sealed);
single_columns!(Option<i64>, Option<String>, Option<Vec<u8>>, Option<Uuid>, Option<Sealed>);

macro_rules! ids {
    ($($id:ident),+) => {
        $(impl FromColumns for $id {
            const WIDTH: usize = 1;

            fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error> {
                columns.value::<Uuid>(name).map(Self::from)
            }

            fn names(name: &'static str, names: &mut Vec<&'static str>) {
                names.push(name);
            }
        })+
    };
}

ids!(AccessTokenId, AgentId, ApprovalId, ConnectionId, ProfileId, SessionId);

macro_rules! tuples {
    ($(($($type:ident),+);)+) => {
        $(impl<$($type: FromColumns),+> FromColumns for ($($type,)+) {
            const WIDTH: usize = 0 $(+ $type::WIDTH)+;

            fn from_columns(columns: &mut Columns<'_>, _: &'static str) -> Result<Self, sqlx::Error> {
                Ok(($($type::from_columns(columns, "")?,)+))
            }

            fn names(_: &'static str, names: &mut Vec<&'static str>) {
                $($type::names("", names);)+
            }
        })+
    };
}

tuples! {
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
}

/// Defines the row of a query. The query selects one column for each field, in the order of the fields. A column has
/// the name of its field, or the one after `as`. A field can also be a row itself, or a tuple.
macro_rules! row {
    ($(#[$docs:meta])* $vis:vis struct $row:ident {
        $($(#[$field_docs:meta])* $field_vis:vis $field:ident $(as $column:ident)?: $type:ty,)+
    }) => {
        $(#[$docs])*
        $vis struct $row {
            $($(#[$field_docs])* $field_vis $field: $type,)+
        }

        impl $crate::store::columns::FromColumns for $row {
            const WIDTH: usize = 0 $(+ <$type as $crate::store::columns::FromColumns>::WIDTH)+;

            fn from_columns(columns: &mut $crate::store::columns::Columns<'_>, _: &'static str) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($field: $crate::store::columns::FromColumns::from_columns(
                        columns,
                        $crate::store::columns::column_name!($field $($column)?),
                    )?,)+
                })
            }

            fn names(_: &'static str, names: &mut Vec<&'static str>) {
                $(<$type as $crate::store::columns::FromColumns>::names(
                    $crate::store::columns::column_name!($field $($column)?),
                    names,
                );)+
            }
        }
    };
}

/// The name of the column of a field.
macro_rules! column_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:ident) => {
        stringify!($column)
    };
}

pub(super) use {column_name, row};
