//! `uses --follow`: prints the last uses, then those that happen.

use std::{collections::HashMap, time::Duration};

use connection_api::Use;
use connection_contract::Timestamp;
use connection_core::{Clock as _, SystemClock};

use super::{line, newest, wanted};
use crate::{
    Error, Exit, args::Uses, backend::WantedUses, commands::follow_events::until_interrupted, output::Output,
    program::Program,
};

/// The pause between two looks at the record.
const PAUSE: Duration = Duration::from_secs(1);
/// The time before the last use from which the record is read again, in seconds: processes record their uses one after
/// another, and their clocks differ.
const OVERLAP: i64 = 10;
/// The longest time for which the end of a use is awaited, in seconds.
const LONGEST: i64 = 3600;

pub(super) async fn run(mut program: Program, arguments: &Uses) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let wanted = wanted(&*backend, &program.output, &arguments.filter).await?;
    let mut printed = Printed { output: &program.output, uses: HashMap::new() };
    let followed = until_interrupted(&program.interrupts, async {
        let mut from = program.output.now.seconds() - OVERLAP;
        // What is not among the last uses now is older than they are, and is not printed.
        let recent = newest(&*backend, &since(&wanted, from), usize::MAX).await?;
        printed.print(newest(&*backend, &wanted, arguments.limit as usize).await?)?;
        for of in recent {
            let at = seconds(&of);
            printed.uses.entry(of.id).or_insert((at, true));
        }
        if !program.output.json {
            program.output.note("These uses are recorded; others follow. Press Ctrl-C to stop.");
        }
        loop {
            let uses = newest(&*backend, &since(&wanted, printed.oldest_open(from)), usize::MAX).await?;
            from = uses.first().map_or(from, |last| from.max(seconds(last) - OVERLAP));
            printed.print(uses)?;
            printed.forget(from);
            SystemClock::new().sleep(PAUSE).await;
        }
    });
    let followed = followed.await;
    backend.close().await;
    followed.map(|()| Exit::Fine)
}

/// Returns the selection without the uses from before a time.
fn since(wanted: &WantedUses, from: i64) -> WantedUses {
    let from = Timestamp::from_seconds(from).to_rfc3339();
    // The times have one form, so that the later one is the greater text.
    let from = wanted.from.iter().fold(from, |from, asked| from.max(asked.clone()));
    WantedUses { from: Some(from), ..wanted.clone() }
}

fn seconds(of: &Use) -> i64 {
    Timestamp::parse_rfc3339(&of.at).map_or(0, Timestamp::seconds)
}

/// The uses that were printed, with their times, and with whether their end was printed.
struct Printed<'o> {
    output: &'o Output,
    uses: HashMap<String, (i64, bool)>,
}

impl Printed<'_> {
    /// Prints the uses that were not printed yet, and those whose end is new, oldest first.
    fn print(&mut self, newest_first: Vec<Use>) -> Result<(), Error> {
        for of in newest_first.into_iter().rev() {
            let has_end = of.outcome.is_some();
            let before = self.uses.insert(of.id.clone(), (seconds(&of), has_end));
            if before.is_some_and(|(_, had_end)| had_end || !has_end) {
                continue;
            }
            match self.output.json {
                true => self.output.element(&of)?,
                false => self.output.line(line(&of))?,
            }
        }
        Ok(())
    }

    /// Returns the time of the oldest use whose end was not printed yet, or this one.
    fn oldest_open(&self, from: i64) -> i64 {
        let open = self.uses.values().filter(|(_, has_end)| !has_end).map(|(at, _)| *at);
        open.min().map_or(from, |oldest| oldest.min(from))
    }

    /// Forgets the uses that are not read again, and waits no longer for the end of a use that began an hour before.
    fn forget(&mut self, from: i64) {
        self.uses.retain(|_, (at, has_end)| *at >= if *has_end { from } else { from - LONGEST });
    }
}
