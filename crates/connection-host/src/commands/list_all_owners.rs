//! `list --all-owners`: lists the connections of all owners of the local store.
//!
//! Up to a thousand connections are sorted as a whole. If there are more, those that need attention are found first by
//! reading all, in pages, and then the others are read.

use connection_api::Connection;
use connection_core::{ConnectionInfo, ConnectionRegistry, Cursor, Filter};
use connection_server::convert;

use super::{
    list::{FEW, ListSelection, PAGE, named},
    list_printer::{PageHint, Printer},
};
use crate::{
    Error, Exit,
    args::List,
    backend::{Extensions as _, Local},
    extensions::scope_notes,
    program::Program,
    select::Pages,
};

/// The number of connections that need attention and are shown before the first page.
const MAX_URGENT: usize = 100;

pub(super) async fn run(mut program: Program, arguments: &List, wanted: &ListSelection) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let local = Local::new(registry.clone(), program.settings.clone());
    let output = &program.output;
    let mut printer = Printer::new(output, true, arguments.limit);
    if !output.json {
        printer.scopes = scope_notes(&local.extensions().await?);
    }
    let filter = wanted.kind().cloned().into_iter().fold(Filter::new().all_owners(), Filter::kind);
    let list = OfAllOwners { registry: &registry, local: &local, filter, wanted };
    let mut more = None;
    if let Some(after) = &arguments.after {
        let after = Cursor::from(after.as_str());
        let limit = arguments.limit.map_or(PAGE, |limit| u16::try_from(limit).unwrap_or(u16::MAX));
        let page = list.print_page(&mut printer, list.filter.clone().after(after).limit(limit), |_| true);
        more = page.await.map_err(named)?;
    } else if let Some(rows) = list.few().await? {
        printer.print(&local, list.bodies(&rows)).await?;
    } else if output.json || arguments.all || arguments.limit.is_some() || wanted.is_narrow() {
        list.print_those(&mut printer, usize::MAX, |info| info.needs_attention(local.now())).await?;
        list.print_those(&mut printer, usize::MAX, |info| !info.needs_attention(local.now())).await?;
    } else {
        list.print_those(&mut printer, MAX_URGENT, |info| info.needs_attention(local.now())).await?;
        let others = |info: &ConnectionInfo| !info.needs_attention(local.now());
        more = list.print_page(&mut printer, list.filter.clone().limit(PAGE), others).await?;
    }
    registry.close().await;
    printer.end(wanted.is_all(), more)?;
    Ok(Exit::Fine)
}

/// The connections of all owners that the options select.
struct OfAllOwners<'a> {
    registry: &'a ConnectionRegistry,
    local: &'a Local,
    filter: Filter,
    wanted: &'a ListSelection,
}

impl OfAllOwners<'_> {
    fn bodies(&self, rows: &[ConnectionInfo]) -> Vec<Connection> {
        let bodies = rows.iter().map(|info| convert::connection(info, self.local.now()));
        bodies.filter(|of| self.wanted.selects(of)).collect()
    }

    /// Returns all connections, or `None` if there are more than can be sorted at once.
    async fn few(&self) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        let mut pages = Pages::new(self.registry, self.filter.clone());
        let mut rows = Vec::new();
        while let Some(page) = pages.next().await? {
            rows.extend(page);
            if rows.len() > FEW {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    /// Prints the connections of which `shows` is `true`, up to a limit.
    async fn print_those(
        &self,
        printer: &mut Printer<'_>,
        limit: usize,
        shows: impl Fn(&ConnectionInfo) -> bool,
    ) -> Result<(), Error> {
        let mut pages = Pages::new(self.registry, self.filter.clone());
        let mut left = limit;
        while left > 0
            && !printer.is_full()
            && let Some(mut page) = pages.next().await?
        {
            page.retain(&shows);
            page.truncate(left);
            left -= page.len();
            printer.print(self.local, self.bodies(&page)).await?;
        }
        Ok(())
    }

    /// Prints those connections of one page of which `shows` is `true`. Returns how to see the next page.
    async fn print_page(
        &self,
        printer: &mut Printer<'_>,
        filter: Filter,
        shows: impl Fn(&ConnectionInfo) -> bool,
    ) -> Result<Option<PageHint>, Error> {
        // The states of the connections on other pages are not known.
        printer.counts = None;
        let mut page = self.registry.list_connections(filter).await?;
        page.items.retain(shows);
        printer.print(self.local, self.bodies(&page.items)).await?;
        Ok(page.next.map(|next| PageHint { next: next.to_string(), left: None }))
    }
}
