//! Sealing and opening the values of rows, with one error for a value that does not open.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::Secret;

use super::Ground;
use crate::{
    Error, SealError,
    store::{Sealed, SealedCell},
};

impl Ground {
    /// Seals a value for this cell alone.
    ///
    /// Takes a reader of the store for a moment, so the caller must not hold one. The same applies to `open`.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] if the keys were rotated and the new ones cannot be read.
    pub(crate) async fn seal(&self, cell: &SealedCell, plain: &[u8]) -> Result<Sealed, Error> {
        self.sealer.seal(cell, plain).await.map_err(|source| Error::sealed(cell, source))
    }

    /// Seals as [`seal`](Self::seal) does, but with the keys at hand if the store does not answer within `patience`.
    pub(crate) async fn seal_soon(&self, cell: &SealedCell, plain: &[u8], patience: Duration) -> Result<Sealed, Error> {
        self.sealer.seal_soon(cell, plain, patience).await.map_err(|source| Error::sealed(cell, source))
    }

    /// Opens a value that was sealed for this cell.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] if it does not open.
    pub(crate) async fn open(&self, cell: &SealedCell, sealed: &Sealed) -> Result<Secret, Error> {
        self.sealer.open(cell, sealed).await.map_err(|source| Error::sealed(cell, source))
    }

    /// Opens a value as [`open`](Self::open) does, or returns `None` if it can never be opened.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] if it may open later.
    pub(crate) async fn open_or_lost(&self, cell: &SealedCell, sealed: &Sealed) -> Result<Option<Secret>, Error> {
        match self.open(cell, sealed).await {
            Err(Error::Sealed { what, source }) if !source.may_pass() => {
                tracing::warn!(what, error = %source, "a sealed value cannot be opened");
                Ok(None)
            }
            opened => opened.map(Some),
        }
    }
}

impl Error {
    /// Returns the error for a value that does not open: it names the table, the column and the row.
    pub(crate) fn sealed(cell: &SealedCell, source: SealError) -> Self {
        Self::Sealed { what: cell.to_string(), source: Arc::new(source) }
    }

    /// Returns the error with what a value that does not open belongs to.
    pub(crate) fn within(self, whole: fmt::Arguments<'_>) -> Self {
        match self {
            Self::Sealed { what, source } => Self::Sealed { what: format!("{what}, {whole}"), source },
            other => other,
        }
    }
}
