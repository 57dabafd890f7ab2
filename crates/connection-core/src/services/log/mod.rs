//! Plugins' log events, as events of `tracing` under the target `connections::plugin`.
//!
//! A [`LogEvent`] cannot hold a secret, so whatever it holds may be written.

use std::fmt;

use connection_contract::{DisplayText, Kind, LogEvent, LogLevel, LogService, Text};
use tracing::{debug, info, warn};

#[cfg(test)]
mod tests;

/// The target of what an operator reads also at the default level of a server: a loss, a recovery, a beginning or an end.
pub(crate) const OPERATIONS: &str = "connections::operations";

/// The log of the plugin of one kind.
#[derive(Clone, Debug)]
pub(crate) struct TracingLog {
    kind: Kind,
}

impl TracingLog {
    /// What that kind's plugin says.
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind }
    }
}

impl LogService for TracingLog {
    fn log(&self, event: LogEvent) {
        let (kind, name, fields) = (&self.kind, event.name, Fields(&event.fields));
        match event.level {
            LogLevel::Debug => debug!(target: "connections::plugin", %kind, name, %fields),
            LogLevel::Warn => warn!(target: "connections::plugin", %kind, name, %fields),
            // A level that we do not know yet matters enough to be seen.
            _ => info!(target: "connections::plugin", %kind, name, %fields),
        }
    }
}

/// `tracing` wants the names of fields at compile time, so ours are one of its values: `status=429 after=30`.
struct Fields<'a>(&'a [(Text, DisplayText)]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            // A name may be made at run time, so it is cleaned like a value.
            write!(f, "{space}{}={value}", DisplayText::from(name.clone()))?;
        }
        Ok(())
    }
}
