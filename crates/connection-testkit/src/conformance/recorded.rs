//! Credentials that earlier versions of the plugin stored: each is read for ever.

use std::{fmt::Debug, fs, path::PathBuf};

use connection_contract::{ConnectionDefinition, Liveness};

use super::Suite;
use crate::fault::fail;

/// Set to anything, it makes the suite write a form that is not recorded yet.
const RECORD: &str = "CONNECTION_TESTKIT_RECORD";

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// "The credential from bytes that `serialize_credential` of this or an earlier version of the plugin made."
    #[track_caller]
    pub(super) fn recorded_before(&self) {
        let Some(stem) = &self.recorded else { return };
        let made = self.made();
        let today = self.fake(&[]).serialized(&made.credential).expose().to_vec();
        let mut recorded = Vec::new();
        let mut next = file(stem, 1);
        while let Ok(bytes) = fs::read(&next) {
            recorded.push((next, bytes));
            next = file(stem, recorded.len() + 1);
        }
        if recorded.last().is_none_or(|(_, newest)| *newest != today) {
            record(&next, &today);
            recorded.push((next, today));
        }
        for (file, bytes) in &recorded {
            let host = self.fake(&self.verify);
            let name = file.display();
            let credential = match host.definition.parse_credential(bytes) {
                Ok(credential) => credential,
                Err(error) => fail(&format!("{name} is not read any more: {error}")),
            };
            match host.verify(&credential, &host.connection(&made)) {
                Ok(found) if found.liveness == Liveness::Live => {}
                Ok(found) => fail(&format!("{name} is read as something that is {:?}", found.liveness)),
                Err(error) => fail(&format!("{name} is read as something that cannot be verified: {error}")),
            }
        }
    }
}

/// The recorded form of that number, counted from 1.
fn file(stem: &str, number: usize) -> PathBuf {
    format!("{stem}-{number}.bin").into()
}

/// Writes it where that was asked for.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a switch of the author's shell; no plugin and no host reads it")]
fn record(file: &PathBuf, bytes: &[u8]) {
    let name = file.display();
    if std::env::var_os(RECORD).is_none() {
        fail(&format!(
            "what the plugin stores is not recorded: keep the older files, run this test once with {RECORD}=1, and \
             commit {name}"
        ));
    }
    let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, bytes));
    if let Err(error) = written {
        fail(&format!("{name} cannot be written: {error}"));
    }
}
