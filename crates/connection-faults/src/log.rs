//! Captures of the `tracing` events of a test's thread, and of the whole process, for tests of what is logged and what
//! is not.
//!
//! One subscriber serves the whole process, because `tracing` loses events when several are set and dropped at the
//! same time. For the same reason, each test that reads what the process logs searches for its own words.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

thread_local! {
    static LOG: RefCell<Option<TestLog>> = const { RefCell::new(None) };
}

/// The log of the process since [`begin`]; `None` before.
static PROCESS: Mutex<Option<ProcessLog>> = Mutex::new(None);

/// The target under which the driver logs each statement of a pool of a host. Pools of the core log none.
const DRIVER: &str = "sqlx::query";

#[derive(Default)]
struct ProcessLog {
    lines: Vec<String>,
    /// The statements, each with the name of its thread.
    statements: Vec<(String, String)>,
}

/// Captures, from now on, what our packages log in this process, and the statements of pools of hosts.
pub fn begin() {
    set_subscriber();
    process().get_or_insert_default();
}

/// Returns the lines of the process with that word.
pub fn lines_with(word: &str) -> Vec<String> {
    let process = process();
    let lines = process.iter().flat_map(|log| &log.lines);
    lines.filter(|line| line.contains(word)).cloned().collect()
}

/// Returns the statements that were run on threads of that name.
pub fn statements_of(thread: &str) -> Vec<String> {
    let process = process();
    let statements = process.iter().flat_map(|log| &log.statements);
    statements.filter(|(on, _)| on == thread).map(|(_, line)| line.clone()).collect()
}

fn process() -> MutexGuard<'static, Option<ProcessLog>> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the log of this thread, which has none any more while it ends.
fn of_this_thread() -> Option<TestLog> {
    LOG.try_with(|log| log.borrow().clone()).ok().flatten()
}

fn set_subscriber() {
    static GLOBAL: Once = Once::new();
    GLOBAL.call_once(|| tracing::subscriber::set_global_default(Router).expect("no other test sets one"));
}

/// Returns `true` if the log of the process has events of this target.
fn is_of_process(target: &str) -> bool {
    (target.starts_with("connection") || target == DRIVER) && process().is_some()
}

/// The captured events and spans of all levels, one in each line.
#[derive(Clone, Debug, Default)]
pub struct TestLog(Arc<Mutex<String>>);

impl TestLog {
    /// Starts to capture the events of this thread in a new log.
    pub fn of_this_thread() -> Self {
        set_subscriber();
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

/// Appends each line to the log of its thread, if it has one, and to that of the process.
struct Router;

impl Router {
    fn line(metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        record(&mut line);
        if let Some(log) = of_this_thread() {
            log.push(&line.0);
        }
        if !is_of_process(metadata.target()) {
            return;
        }
        if let Some(log) = &mut *process() {
            match metadata.target() {
                DRIVER => log.statements.push((std::thread::current().name().unwrap_or_default().to_owned(), line.0)),
                _ => log.lines.push(line.0),
            }
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

impl Subscriber for Router {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Each thread captures other events, so the answer must not be kept for all of them.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        of_this_thread().is_some() || is_of_process(metadata.target())
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
