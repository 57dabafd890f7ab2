//! Logs the events of plugins through `tracing`, under the target `connections::plugin`.
//!
//! A [`LogEvent`] cannot hold a secret, so everything in it may be written.

use std::fmt;

use connection_contract::{DisplayText, Kind, LogEvent, LogLevel, LogService, Text};
use tracing::{debug, info, warn};

#[cfg(test)]
mod tests;

/// The log of the plugin of one kind.
#[derive(Clone, Debug)]
pub(crate) struct TracingLog {
    kind: Kind,
}

impl TracingLog {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind }
    }
}

impl LogService for TracingLog {
    fn log(&self, event: LogEvent) {
        let kind = &self.kind;
        let name = event.name;
        let fields = Fields(&event.fields);
        match event.level {
            LogLevel::Debug => debug!(target: "connections::plugin", %kind, name, %fields),
            LogLevel::Warn => warn!(target: "connections::plugin", %kind, name, %fields),
            // An unknown level is logged where it is seen by default.
            _ => info!(target: "connections::plugin", %kind, name, %fields),
        }
    }
}

/// Fields as a single value, such as `status=429 after=30`, because `tracing` needs the names of fields at compile
/// time.
struct Fields<'a>(&'a [(Text, DisplayText)]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            // A name may be created at run time, so it is cleaned like a value.
            write!(f, "{space}{}={value}", DisplayText::from(name.clone()))?;
        }
        Ok(())
    }
}
