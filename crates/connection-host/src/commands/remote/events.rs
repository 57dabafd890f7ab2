//! `events` on a server: its record, and with `--follow` what happens from now on.

use std::collections::VecDeque;

use connection_client::{EventFilter, LiveChanges};
use connection_core::{Clock as _, ConnectionId, Event, EventId, SystemClock};

use super::super::{
    events::{Printer, broken_at},
    follow_events::{Lines, Names, until_interrupted},
};
use crate::{
    Error, Exit,
    remote::{self, Remote},
    select,
};

/// The number of events on a page.
const PAGE: u32 = 500;
/// The number of the last events that are read again after a hint: a process whose clock is behind records an event
/// before those of others.
const OVERLAP: usize = 100;
/// The pause before the program listens again.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) async fn list(remote: &Remote, reference: Option<&str>) -> Result<Exit, Error> {
    let mut printer = Printer::begin(&remote.common.output)?;
    let Some(reference) = reference else {
        let mut filter = EventFilter::new().limit(PAGE);
        loop {
            let page = remote.client.events(&filter).await?;
            printer.page(&converted(&page.items)?)?;
            let Some(next) = page.next else { break };
            filter = filter.after(next);
        }
        return printer.end(None).map(|()| Exit::Fine);
    };
    let (events, broken) = record(remote, select::connection_id(remote, reference).await?).await?;
    printer.page(&events)?;
    printer.end(Some(broken))?;
    match broken {
        None => Ok(Exit::Fine),
        Some(number) => Err(broken_at(number)),
    }
}

/// Returns the record of a connection, oldest first, and the first number at which it is broken.
async fn record(remote: &Remote, id: ConnectionId) -> Result<(Vec<Event>, Option<u64>), Error> {
    let id = id.to_string();
    let mut events = Vec::new();
    let mut before = None;
    loop {
        let page = remote.client.connection_events(&id, before).await?;
        events.extend(converted(&page.items)?);
        before = page.next.as_deref().and_then(|next| next.parse().ok());
        if before.is_none() {
            events.reverse();
            return Ok((events, page.broken_at));
        }
    }
}

fn converted(events: &[connection_client::Event]) -> Result<Vec<Event>, Error> {
    events.iter().map(remote::event).collect()
}

pub(super) async fn follow(remote: &Remote, reference: Option<&str>) -> Result<Exit, Error> {
    let connection = match reference {
        None => None,
        Some(reference) => Some(select::connection_id(remote, reference).await?),
    };
    let output = &remote.common.output;
    let followed = until_interrupted(&remote.common.interrupts, async {
        // Listen before reading the record, so that no event is missed in between.
        let mut changes = remote.client.live().await?;
        if let Some(id) = connection
            && let (_, Some(number)) = record(remote, id).await?
        {
            return Err(broken_at(number));
        }
        let mut follower = Follower {
            remote,
            connection,
            lines: Lines::new(output, Names::Server(&remote.client)),
            is_in_record: true,
            recent: VecDeque::new(),
        };
        follower.print_new().await?;
        follower.is_in_record = false;
        if !output.json {
            output.note("These were the recorded events; new events follow. Press Ctrl-C to stop.");
        }
        loop {
            follower.follow_hints(&mut changes).await?;
            changes = follower.listen_again().await?;
            match follower.print_new().await {
                Err(error) if error.code == "host_unreachable" => {}
                printed => printed?,
            }
        }
    });
    followed.await.map(|()| Exit::Fine)
}

/// Prints each event once, also after the connection to the server was lost.
struct Follower<'a> {
    remote: &'a Remote,
    connection: Option<ConnectionId>,
    lines: Lines<'a>,
    /// `true` while the record is printed.
    is_in_record: bool,
    /// The last events that were printed, oldest first.
    recent: VecDeque<EventId>,
}

impl Follower<'_> {
    /// Prints the events that were not printed yet.
    async fn print_new(&mut self) -> Result<(), Error> {
        let mut filter = EventFilter::new().limit(PAGE);
        if let Some(connection) = self.connection {
            filter = filter.connection(connection.to_string());
        }
        if let Some(oldest) = self.recent.front().filter(|_| self.recent.len() == OVERLAP) {
            filter = filter.after(oldest.to_string());
        }
        loop {
            let page = self.remote.client.events(&filter).await?;
            for event in converted(&page.items)? {
                if self.recent.contains(&event.id) {
                    continue;
                }
                match self.is_in_record {
                    true => self.lines.recorded_event(&event).await?,
                    false => self.lines.new_event(&event).await?,
                }
                self.recent.push_back(event.id);
            }
            // Only the first page has events that were printed before, so the ids of older ones are no longer needed.
            let surplus = self.recent.len().saturating_sub(OVERLAP);
            self.recent.drain(..surplus);
            let Some(next) = page.next else { return Ok(()) };
            filter = filter.after(next);
        }
    }

    /// Prints events until the stream of hints ends or breaks off.
    async fn follow_hints(&mut self, changes: &mut LiveChanges) -> Result<(), Error> {
        loop {
            match changes.next().await {
                Ok(Some(change)) if change.of == "usage" => {}
                Ok(Some(_)) => match self.print_new().await {
                    // The server stops, or starts again.
                    Err(error) if error.code == "host_unreachable" => return Ok(()),
                    printed => printed?,
                },
                Ok(None) => return Ok(()),
                Err(error) if error.is_temporary() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Listens again, as soon as the server can be reached.
    async fn listen_again(&self) -> Result<LiveChanges, Error> {
        loop {
            SystemClock::new().sleep(PAUSE).await;
            match self.remote.client.live().await {
                Err(error) if error.is_temporary() => {}
                changes => return Ok(changes?),
            }
        }
    }
}
