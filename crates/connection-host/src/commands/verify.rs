//! `verify`: verifies connections at their providers and prints the results.

use std::{collections::BTreeMap, time::Duration};

use connection_contract::Liveness;
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{identities::Identities, list, show::when};
use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, name, quoted, without_line},
    select,
};

/// The time between two updates of the progress bar.
const TICK: Duration = Duration::from_millis(500);

pub(super) async fn run(mut program: Program, references: &[String], is_now: bool) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let mut rows = BTreeMap::new();
    if references.is_empty() {
        rows.extend(select::all(&registry).await?.into_iter().map(|info| (info.id, info)));
    }
    for reference in references {
        let connection = select::connection(&registry, reference).await?;
        rows.insert(connection.id(), connection.info().clone());
    }
    let mut paused = Paused::before(rows.values(), is_now);
    let errors = match rows.values().next() {
        Some(only) if rows.len() == 1 => {
            let provider = program.provider(&only.kind).to_owned();
            program.output.waiting(&provider, probe(&registry, &mut rows, (&ProgressBar::hidden(), is_now))).await
        }
        _ => {
            let _bar_is_shown = without_line();
            let progress = progress(rows.len());
            probe(&registry, &mut rows, (&progress, is_now)).await
        }
    };
    let mut identities = Identities::new();
    if !program.output.json {
        identities.learn(&registry, &rows.values().cloned().collect::<Vec<_>>()).await?;
    }
    registry.close().await;
    let live = rows.values().all(|info| info.liveness == Liveness::Live);
    let rows: Vec<_> = rows.into_values().collect();
    paused.retain(&rows);
    list::print(&program.output, rows, identities)?;
    paused.print(&program.output)?;
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
    (progress, is_now): (&ProgressBar, bool),
) -> Vec<Error> {
    let mut errors = Vec::new();
    let ids = rows.keys().copied().collect::<Vec<_>>();
    let mut answers = if is_now { registry.preflight_now(ids) } else { registry.preflight(ids) };
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

/// The connections that were not asked, because their providers had asked them to wait.
pub(super) struct Paused(Vec<ConnectionInfo>);

impl Paused {
    /// Returns the connections whose pause has not ended before a verification.
    pub(super) fn before<'a>(rows: impl Iterator<Item = &'a ConnectionInfo>, is_now: bool) -> Self {
        Self(rows.filter(|info| !is_now && info.paused_until.is_some()).cloned().collect())
    }

    /// Leaves those that were not measured by the verification, which returned `rows`.
    pub(super) fn retain(&mut self, rows: &[ConnectionInfo]) {
        let is_same = |former: &ConnectionInfo| {
            rows.iter()
                .any(|row| row.id == former.id && row.checked_at == former.checked_at && row.paused_until.is_some())
        };
        self.0.retain(is_same);
    }

    /// Says which connections were not asked, until when, and how they are asked all the same.
    pub(super) fn print(&self, output: &Output) -> Result<(), Error> {
        let (Some(first), false) = (self.0.first(), output.json) else { return Ok(()) };
        let until = first.paused_until.map(|until| when(until, output.now)).unwrap_or_default();
        match self.0.len() {
            1 => output.line(format!(
                "\n{} was not asked: its provider asked to wait until {until}. To ask it now:\n  connections verify {} --now",
                name(first),
                quoted(&name(first))
            )),
            count => output.line(format!(
                "\n{count} connections were not asked, because their providers asked to wait. To ask them now:\n  \
                 connections verify --all --now"
            )),
        }
    }
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
