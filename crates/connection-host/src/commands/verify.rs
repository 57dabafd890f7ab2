//! `verify`: verifies connections at their providers and prints the results.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use connection_api::{Connection, ListedConnection, Liveness};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{list_printer, show::when};
use crate::{
    Error, Exit,
    backend::every,
    output::{Output, is_application_refused, name, quoted, reason_line, time},
    platform::without_line,
    program::Program,
    select,
};

/// The time between two updates of the progress bar.
const TICK: Duration = Duration::from_millis(500);

pub(super) async fn run(mut program: Program, references: &[String], is_now: bool) -> Result<Exit, Error> {
    // Whoever names a connection wants to know of it now.
    let is_now = is_now || !references.is_empty();
    let backend = program.backend().await?;
    let mut known = Vec::new();
    if references.is_empty() {
        known = every(&*backend, None).await?;
    }
    for reference in references {
        known.push(select::connection(&*backend, reference).await?);
    }
    let titles = known.first().map(|listed: &ListedConnection| listed.kind_title.clone());
    let rows = known.into_iter().map(|listed| (listed.connection.id.clone(), listed.connection));
    let mut rows: BTreeMap<String, Connection> = rows.collect();
    let mut paused = Paused::before(rows.values(), is_now);
    let mut errors = Vec::new();
    let is_one = rows.len() == 1;
    let bar = if is_one { ProgressBar::hidden() } else { progress(rows.len()) };
    let ids = rows.keys().cloned().collect();
    let mut on_verified = |id: &str, answer: Result<Connection, Error>| {
        bar.inc(1);
        match answer {
            Ok(connection) => drop(rows.insert(id.to_owned(), connection)),
            // The row of a connection that could not be verified stays unchanged.
            Err(error) => errors.push(not_verified(error, rows.get(id))),
        }
    };
    let verifying = backend.verify(ids, is_now, &mut on_verified);
    match titles.filter(|_| is_one) {
        Some(title) => program.output.waiting(&title, verifying).await?,
        None => {
            let _bar_is_shown = without_line();
            verifying.await?;
        }
    }
    bar.finish_and_clear();
    let live = rows.values().all(|of| of.liveness == Liveness::Live);
    let rows: Vec<_> = rows.into_values().collect();
    paused.retain(&rows);
    let told = told(&rows);
    let is_cut = list_printer::print(&program.output, &*backend, rows).await?;
    backend.close().await;
    print_reasons(&program.output, &told, is_cut)?;
    paused.print(&program.output)?;
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None if live => Ok(Exit::Fine),
        None => Ok(Exit::NotLive),
    }
}

/// Returns the connections that do not work, and those about which their providers said something: of those with the same
/// refused application, the first one about which its provider did.
fn told(rows: &[Connection]) -> Vec<Connection> {
    let mut applications = BTreeSet::new();
    let mut told = Vec::new();
    for of in rows {
        let Some(why) = &of.reason else { continue };
        let has_words = why.provider_text.is_some();
        let is_told = match is_application_refused(of) {
            true => has_words && applications.insert((&of.kind, &why.code)),
            false => has_words || of.liveness != Liveness::Live,
        };
        if is_told {
            told.push(of.clone());
        }
    }
    told
}

/// Prints the providers' own words about connections, each after its reason. If the table was cut, the whole reason of each
/// connection follows, with the remedy that no command does.
fn print_reasons(output: &Output, told: &[Connection], is_cut: bool) -> Result<(), Error> {
    let has_words = |of: &Connection| of.reason.as_ref().is_some_and(|reason| reason.provider_text.is_some());
    for of in told.iter().filter(|of| !output.json && (is_cut || has_words(of))) {
        let message = of.reason.as_ref().map(|reason| reason.message.clone()).unwrap_or_default();
        let whole = if is_cut { reason_line(of, output.now).0 } else { message };
        output.line(format!("\n{}: {whole}", name(of)))?;
        output.provider_says(of)?;
    }
    Ok(())
}

/// The connections that were not asked, because their providers had asked them to wait.
struct Paused(Vec<Connection>);

impl Paused {
    /// Returns the connections whose pause has not ended before a verification.
    fn before<'a>(rows: impl Iterator<Item = &'a Connection>, is_now: bool) -> Self {
        Self(rows.filter(|of| !is_now && of.paused_until.is_some()).cloned().collect())
    }

    /// Leaves those that were not measured by the verification, which returned `rows`.
    fn retain(&mut self, rows: &[Connection]) {
        let is_same = |former: &Connection| {
            rows.iter()
                .any(|row| row.id == former.id && row.checked_at == former.checked_at && row.paused_until.is_some())
        };
        self.0.retain(is_same);
    }

    /// Says which connections were not asked, until when, and how they are asked all the same.
    fn print(&self, output: &Output) -> Result<(), Error> {
        let (Some(first), false) = (self.0.first(), output.json) else { return Ok(()) };
        let until = time(first.paused_until.as_ref()).map(|until| when(until, output.now)).unwrap_or_default();
        match self.0.len() {
            1 => output.line(format!(
                "\n{} was not asked: its provider asked to wait until {until}. To ask it now:\n  connections verify {}",
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
fn not_verified(mut error: Error, of: Option<&Connection>) -> Error {
    if matches!(&*error.code, "kind_changed" | "unknown_kind") {
        error.exit = Exit::NotLive;
    }
    if let Some(of) = of {
        error.message = format!("{}: {}", name(of), error.message);
    }
    error
}

/// Returns a progress bar on standard error, which is hidden if that is not a terminal.
fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    let bar = match ProgressStyle::with_template("{bar:20} {pos}/{len} verified ({elapsed})") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    // Draw the bar even while the first verification hangs.
    bar.enable_steady_tick(TICK);
    bar
}
