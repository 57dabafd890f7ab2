//! Imports of connections that another program made.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use connection_api::{ImportOutcome, ImportRow};
use connection_core::{Import, Imports as CoreImports};
use connection_server::convert;
use futures_core::Stream;
use tokio::sync::mpsc::Receiver;

use super::{Local, Remote};
use crate::{Error, Exit};

/// The number of rows that are sent to a server at once, and the number of bytes after which no row is added.
const ROWS_AT_ONCE: usize = 100;
const BYTES_AT_ONCE: usize = 256 * 1024;

/// The operation of importing.
#[async_trait(?Send)]
pub(crate) trait Imports {
    /// Begins to import rows. `again` connects accounts that are connected already, and `verify` asks the providers.
    async fn import(&self, rows: Receiver<ImportRow>, again: bool, verify: bool) -> Box<dyn ImportResults>;
}

/// The results of an import, one for each row and in the order of the rows.
#[async_trait(?Send)]
pub(crate) trait ImportResults {
    /// Waits for the next result; `None` after the last. The outer error ends the import.
    async fn next(&mut self) -> Result<Option<Result<ImportOutcome, Error>>, Error>;
}

/// The stream of connections to import.
struct Items(Receiver<ImportRow>);

impl Stream for Items {
    type Item = Import;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Import>> {
        // A row was checked when its line was read, so that converting it does not fail.
        self.0.poll_recv(cx).map(|row| convert::import(row?).ok())
    }
}

#[async_trait(?Send)]
impl Imports for Local {
    async fn import(&self, rows: Receiver<ImportRow>, again: bool, verify: bool) -> Box<dyn ImportResults> {
        let begin = self.registry.import(Items(rows));
        let begin = if again { begin.again() } else { begin };
        Box::new(if verify { begin.verify() } else { begin }.start())
    }
}

#[async_trait(?Send)]
impl ImportResults for CoreImports {
    async fn next(&mut self) -> Result<Option<Result<ImportOutcome, Error>>, Error> {
        let result = Self::next(self).await;
        Ok(result.map(|result| result.map(|imported| convert::import_outcome(&imported)).map_err(Error::from)))
    }
}

#[async_trait(?Send)]
impl Imports for Remote {
    async fn import(&self, rows: Receiver<ImportRow>, again: bool, verify: bool) -> Box<dyn ImportResults> {
        let results = VecDeque::new();
        Box::new(RemoteImport { remote: self.clone(), rows, kept: None, results, again, verify })
    }
}

/// An import on a server, several rows at once.
struct RemoteImport {
    remote: Remote,
    rows: Receiver<ImportRow>,
    /// A row that did not fit the last request.
    kept: Option<ImportRow>,
    results: VecDeque<ImportOutcome>,
    again: bool,
    verify: bool,
}

impl RemoteImport {
    /// Waits for a row, and returns it with those that follow at once and fit the same request.
    async fn batch(&mut self) -> Vec<ImportRow> {
        let mut batch = Vec::new();
        let mut size = 0;
        let mut next = match self.kept.take() {
            Some(row) => Some(row),
            None => self.rows.recv().await,
        };
        while let Some(row) = next.take() {
            size += row.size();
            if !batch.is_empty() && size > BYTES_AT_ONCE {
                self.kept = Some(row);
                break;
            }
            batch.push(row);
            if batch.len() < ROWS_AT_ONCE {
                next = self.rows.try_recv().ok();
            }
        }
        batch
    }
}

#[async_trait(?Send)]
impl ImportResults for RemoteImport {
    async fn next(&mut self) -> Result<Option<Result<ImportOutcome, Error>>, Error> {
        if self.results.is_empty() {
            let batch = self.batch().await;
            if batch.is_empty() {
                return Ok(None);
            }
            let is_alone = batch.len() == 1;
            match self.remote.client.import(batch, self.again, self.verify).await {
                Ok(imported) => self.results.extend(imported.items.into_iter().map(|row| row.outcome)),
                // The other rows do not depend on a row that the server cannot take.
                Err(error) if is_alone && error.code() == "body_too_large" => return Ok(Some(Err(error.into()))),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.results.pop_front().map(|outcome| match outcome.error {
            None => Ok(outcome),
            Some(why) => {
                let error = Error::new(Exit::Unexpected, why.code, why.message);
                Err(why.remedy.into_iter().fold(error, Error::remedy))
            }
        }))
    }
}
