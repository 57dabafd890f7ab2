//! `list` on a server, which sends connections that need attention first.

use connection_client::ConnectionFilter;
use connection_core::ConnectionInfo;

use super::{
    super::{
        list::{FEW, ListSelection, PAGE, PageHint, Printer},
        list_counts::StateCounts,
    },
    use_connection::identities,
};
use crate::{
    Error, Exit,
    args::List,
    remote::{AT_THE_SERVER, Remote, RemotePages, converted},
};

/// The maximum number of connections on a page of the server.
const MAX_PAGE: u32 = 500;

pub(super) async fn run(remote: &Remote, arguments: &List) -> Result<Exit, Error> {
    if arguments.all_owners {
        let message = "--all-owners does not work with --host: a server lists the connections of one owner at a time";
        let remedy = format!("name each owner with --owner and use a token for every owner, or {AT_THE_SERVER}");
        return Err(Error::usage(message).remedy(remedy));
    }
    // The place of a page is one of the server's.
    let wanted = ListSelection::of(&List { after: None, ..arguments.clone() })?;
    let output = &remote.common.output;
    let mut printer = Printer::new(output, false, arguments.limit);
    let filter = arguments.kind.iter().fold(ConnectionFilter::new(), ConnectionFilter::kind);
    // The server compares one tag; the others are compared here.
    let filter = arguments.tags.iter().take(1).fold(filter, ConnectionFilter::tag);
    let shows_all = output.json || arguments.all || arguments.limit.is_some() || wanted.is_narrow;
    if arguments.after.is_some() || !shows_all {
        let limit = arguments.limit.map_or(u32::from(PAGE), |limit| u32::try_from(limit).unwrap_or(MAX_PAGE));
        let page = filter.clone().limit(limit.clamp(1, MAX_PAGE));
        let page = arguments.after.iter().fold(page, ConnectionFilter::after);
        let page = remote.client.connections(&page).await?;
        let counts = page.counts.filter(|_| wanted.is_all());
        let all = page.counts.map(|counts| counts.all);
        // A list of which every connection can be sorted is shown as a whole.
        if arguments.after.is_some() || page.next.is_some() && all.is_none_or(|all| all > FEW as u64) {
            let left = counts.map(|counts| counts.all.saturating_sub(page.items.len() as u64));
            print(remote, &mut printer, converted(&page.items)?).await?;
            printer.counts = counts.map(|counts| StateCounts {
                failing: counts.failing,
                offline: counts.offline,
                unknown: counts.unknown,
                live: counts.live,
            });
            printer.end(wanted.is_all(), page.next.map(|next| PageHint { next, left }))?;
            return Ok(Exit::Fine);
        }
    }
    let mut pages = RemotePages::new(&remote.client, filter);
    let mut rows = Vec::new();
    while !printer.is_full()
        && let Some(page) = pages.next().await?
    {
        rows.extend(page.into_iter().filter(|info| wanted.selects(info, output.now)));
        if rows.len() > FEW {
            print(remote, &mut printer, std::mem::take(&mut rows)).await?;
        }
    }
    print(remote, &mut printer, rows).await?;
    printer.end(wanted.is_all(), None)?;
    Ok(Exit::Fine)
}

async fn print(remote: &Remote, printer: &mut Printer<'_>, rows: Vec<ConnectionInfo>) -> Result<(), Error> {
    printer.identities = identities(remote, &rows).await?;
    printer.page(rows)
}
