//! Captures the `tracing` events of the whole process, for tests of what is logged and what is not.
//!
//! One subscriber serves all tests, so each test searches for its own words.

use std::{
    fmt::{Debug, Write},
    sync::{Mutex, Once},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The statements, each with the name of its thread.
static STATEMENTS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
/// The target under which the driver logs each statement.
const DRIVER: &str = "sqlx::query";

/// Captures everything from now on.
pub(crate) fn begin() {
    static GLOBAL: Once = Once::new();
    GLOBAL.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
}

/// Returns the lines with that word.
pub(crate) fn lines_with(word: &str) -> Vec<String> {
    LINES.lock().unwrap().iter().filter(|line| line.contains(word)).cloned().collect()
}

/// Returns the statements that were run on threads of that name, from pools of the host; pools of the core log
/// none.
pub(crate) fn statements_of(thread: &str) -> Vec<String> {
    let all = STATEMENTS.lock().unwrap();
    all.iter().filter(|(on, _)| on == thread).map(|(_, line)| line.clone()).collect()
}

struct Keeper;

impl Keeper {
    fn keep(metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut line);
        if metadata.target() == DRIVER {
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            STATEMENTS.lock().unwrap().push((thread, line.0));
        } else {
            LINES.lock().unwrap().push(line.0);
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("connection") || metadata.target() == DRIVER
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::keep(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        Self::keep(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
