//! Keeps what `tracing` is told in the whole process, for tests of what is logged and of what is not.
//!
//! One subscriber serves all tests, so each looks for words of its own.

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
/// By the name of the thread.
static STATEMENTS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
/// Where the driver tells each statement.
const DRIVER: &str = "sqlx::query";

/// Keeps everything from now on.
pub(crate) fn begin() {
    static GLOBAL: Once = Once::new();
    GLOBAL.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
}

/// The lines with that word.
pub(crate) fn lines_with(word: &str) -> Vec<String> {
    LINES.lock().unwrap().iter().filter(|line| line.contains(word)).cloned().collect()
}

/// The statements that were run on threads of that name: of pools that the host lends, since our own log none.
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
