//! `verify`: verifies connections at their providers and prints the results.

use std::{collections::BTreeMap, time::Duration};

use connection_contract::Liveness;
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{identities::Identities, list};
use crate::{
    Error, Exit,
    cli::Program,
    output::{name, without_line},
    select,
};

/// The time between two updates of the progress bar.
const TICK: Duration = Duration::from_millis(500);

pub(super) async fn run(mut program: Program, references: &[String]) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let mut rows = BTreeMap::new();
    if references.is_empty() {
        rows.extend(select::all(&registry).await?.into_iter().map(|info| (info.id, info)));
    }
    for reference in references {
        let connection = select::connection(&registry, reference).await?;
        rows.insert(connection.id(), connection.info().clone());
    }
    let errors = match rows.values().next() {
        Some(only) if rows.len() == 1 => {
            let provider = program.provider(&only.kind).to_owned();
            program.output.waiting(&provider, probe(&registry, &mut rows, &ProgressBar::hidden())).await
        }
        _ => {
            let _bar_is_shown = without_line();
            let progress = progress(rows.len());
            probe(&registry, &mut rows, &progress).await
        }
    };
    let mut identities = Identities::new();
    if !program.output.json {
        identities.learn(&registry, &rows.values().cloned().collect::<Vec<_>>()).await?;
    }
    registry.close().await;
    let live = rows.values().all(|info| info.liveness == Liveness::Live);
    list::print(&program.output, rows.into_values().collect(), identities)?;
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None if live => Ok(Exit::Fine),
        None => Ok(Exit::NotLive),
    }
}

/// Verifies the connections and updates their rows. A row that could not be verified stays unchanged.
async fn probe(
    registry: &ConnectionRegistry,
    rows: &mut BTreeMap<ConnectionId, ConnectionInfo>,
    progress: &ProgressBar,
) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut answers = registry.preflight(rows.keys().copied().collect::<Vec<_>>());
    while let Some((id, answer)) = answers.next().await {
        progress.inc(1);
        match answer {
            Ok(info) => {
                rows.insert(id, info);
            }
            Err(error) => errors.push(not_verified(error.into(), rows.get(&id))),
        }
    }
    progress.finish_and_clear();
    errors
}

/// Returns the error of a connection that could not be verified.
pub(super) fn not_verified(mut error: Error, info: Option<&ConnectionInfo>) -> Error {
    if matches!(&*error.code, "kind_changed" | "unknown_kind") {
        error.exit = Exit::NotLive;
    }
    if let Some(info) = info {
        error.message = format!("{}: {}", name(info), error.message);
    }
    error
}

/// Returns a progress bar on standard error, which is hidden if that is not a terminal.
pub(super) fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    let bar = match ProgressStyle::with_template("{bar:20} {pos}/{len} verified ({elapsed})") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    // Draw the bar even while the first verification hangs.
    bar.enable_steady_tick(TICK);
    bar
}
