//! A capture of the `tracing` events of a test's thread, for tests of what is logged and what is not.
//!
//! One subscriber serves the whole process, because `tracing` loses events when several are set and dropped at the
//! same time.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    sync::{Arc, Mutex, Once, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

thread_local! {
    static LOG: RefCell<Option<TestLog>> = const { RefCell::new(None) };
}

/// The captured events and spans of all levels, one in each line.
#[derive(Clone, Debug, Default)]
pub struct TestLog(Arc<Mutex<String>>);

impl TestLog {
    /// Starts to capture the events of this thread in a new log.
    pub fn of_this_thread() -> Self {
        static GLOBAL: Once = Once::new();
        GLOBAL.call_once(|| tracing::subscriber::set_global_default(Router).expect("no other test sets one"));
        let log = Self::default();
        LOG.set(Some(log.clone()));
        log
    }

    /// Returns the text that was logged so far.
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: &str) {
        writeln!(self.0.lock().unwrap_or_else(PoisonError::into_inner), "{line}").expect("a string takes everything");
    }
}

/// Appends each line to the log of its thread, if it has one.
struct Router;

impl Router {
    fn line(metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut line);
        LOG.with_borrow(|log| {
            if let Some(log) = log {
                log.push(&line.0);
            }
        });
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

impl Subscriber for Router {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::line(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::line(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
