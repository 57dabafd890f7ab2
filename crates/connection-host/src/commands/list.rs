//! `list`: lists connections, those that need attention first, with the commands that help.
//!
//! Up to a thousand connections are sorted as a whole. If there are more, a person sees a first page and how to see the
//! others. Programs, and users who ask for all, get every connection in pages, so that no list exceeds the memory.

use connection_api::{Connection, ListState, ListedConnection};
use connection_contract::{Kind, Liveness};
use connection_server::{convert, view::ListQuery};

use super::{
    list_all_owners,
    list_counts::StateCounts,
    list_printer::{PageHint, Printer},
    tag::pair,
};
use crate::{
    Error, Exit,
    args::List,
    backend::{AT_THE_SERVER, PAGE as MAX_PAGE},
    extensions::scope_notes,
    program::Program,
};

/// The number of connections that are sorted at once.
pub(super) const FEW: usize = 1000;
/// The number of connections on a page for people.
pub(super) const PAGE: u16 = 50;

pub(super) async fn run(mut program: Program, arguments: List) -> Result<Exit, Error> {
    let wanted = ListSelection::of(&arguments)?;
    if arguments.all_owners {
        if program.server.is_some() {
            let message =
                "--all-owners does not work with --host: a server lists the connections of one owner at a time";
            let remedy = format!("name each owner with --owner and use a token for every owner, or {AT_THE_SERVER}");
            return Err(Error::usage(message).remedy(remedy));
        }
        return list_all_owners::run(program, &arguments, &wanted).await;
    }
    let backend = program.backend().await?;
    let output = &program.output;
    let mut printer = Printer::new(output, false, arguments.limit);
    if !output.json {
        printer.scopes = scope_notes(&backend.extensions().await?);
    }
    let shows_all = output.json || arguments.all || arguments.limit.is_some() || wanted.is_narrow();
    if arguments.after.is_some() || !shows_all {
        let limit = arguments.limit.map_or(PAGE, |limit| u16::try_from(limit).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE));
        let page = backend.overview(&wanted.query(limit), arguments.after.as_deref()).await.map_err(named)?;
        let all = page.counts.map(|counts| counts.all);
        // A list of which every connection can be sorted is shown as a whole.
        if arguments.after.is_some() || page.next.is_some() && all.is_none_or(|all| all > FEW as u64) {
            let counts = page.counts.filter(|_| wanted.is_all());
            let left = counts.filter(|counts| counts.all <= counts.limit);
            let left = left.map(|counts| counts.all.saturating_sub(page.items.len() as u64));
            let more = page.next.map(|next| PageHint { next, left });
            printer.print(&*backend, bodies(page.items)).await?;
            printer.counts = counts.map(StateCounts::from);
            printer.end(wanted.is_all(), more)?;
            backend.close().await;
            return Ok(Exit::Fine);
        }
    }
    let query = wanted.query(MAX_PAGE);
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = backend.overview(&query, after.as_deref()).await?;
        rows.extend(bodies(page.items).into_iter().filter(|of| wanted.selects(of)));
        if rows.len() > FEW {
            printer.print(&*backend, std::mem::take(&mut rows)).await?;
        }
        after = page.next;
        if after.is_none() || printer.is_full() {
            break;
        }
    }
    printer.print(&*backend, rows).await?;
    backend.close().await;
    printer.end(wanted.is_all(), None)?;
    Ok(Exit::Fine)
}

/// The connections that the options select.
pub(super) struct ListSelection {
    kind: Option<Kind>,
    states: Vec<Liveness>,
    label: Option<String>,
    tags: Vec<(String, String)>,
    expiring: bool,
}

impl ListSelection {
    fn of(arguments: &List) -> Result<Self, Error> {
        let List { kind, states, label, tags, expiring, limit: _, all: _, after: _, all_owners: _ } = arguments;
        let parse = |kind: &String| Kind::parse(kind).ok_or_else(|| Error::usage("--kind does not accept this value"));
        let tags: Vec<_> = tags.iter().map(|tag| pair(tag)).collect::<Result<_, _>>()?;
        Ok(Self {
            kind: kind.as_ref().map(parse).transpose()?,
            states: states.iter().map(|word| state(word)).collect::<Result<_, _>>()?,
            label: label.clone(),
            tags: tags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expiring: *expiring,
        })
    }

    pub(super) fn kind(&self) -> Option<&Kind> {
        self.kind.as_ref()
    }

    pub(super) fn is_all(&self) -> bool {
        self.kind.is_none() && !self.is_narrow()
    }

    /// Returns `true` if an option other than the kind leaves connections out.
    pub(super) fn is_narrow(&self) -> bool {
        self.label.is_some() || self.expiring || !self.states.is_empty() || !self.tags.is_empty()
    }

    /// Returns the query of a page. Of several states or tags, the rest is compared by [`selects`](Self::selects).
    fn query(&self, limit: u16) -> ListQuery {
        let state = match self.states.as_slice() {
            [Liveness::Live] => Some(ListState::Live),
            [Liveness::Offline] => Some(ListState::Offline),
            [Liveness::Failing] => Some(ListState::Failing),
            [Liveness::Unknown] => Some(ListState::Unknown),
            // A connection that ends soon needs attention.
            [] if self.expiring => Some(ListState::Attention),
            _ => None,
        };
        // Each word of a label is a part of it.
        let search = self.label.clone();
        ListQuery {
            search,
            kind: self.kind.clone(),
            state,
            tag: self.tags.first().cloned(),
            limit,
            ..ListQuery::default()
        }
    }

    /// Returns `true` if the options select this connection.
    pub(super) fn selects(&self, of: &Connection) -> bool {
        let has_state = |state: &Liveness| convert::liveness(*state) == of.liveness;
        self.kind.as_ref().is_none_or(|kind| kind.as_str() == of.kind)
            && self.label.as_ref().is_none_or(|label| of.label == *label)
            && self.tags.iter().all(|(name, value)| of.tags.get(name) == Some(value))
            && (self.states.is_empty() || self.states.iter().any(has_state))
            && (!self.expiring || of.expiring)
    }
}

/// Names the option of a position that is none.
pub(super) fn named(error: Error) -> Error {
    match &*error.code {
        "invalid_cursor" => error.remedy("--after takes a position that `connections list` printed"),
        _ => error,
    }
}

fn state(word: &str) -> Result<Liveness, Error> {
    Ok(match word {
        "live" => Liveness::Live,
        "offline" => Liveness::Offline,
        "failing" => Liveness::Failing,
        "unknown" => Liveness::Unknown,
        _ => return Err(Error::usage("--state takes live, offline, failing or unknown")),
    })
}

fn bodies(items: Vec<ListedConnection>) -> Vec<Connection> {
    items.into_iter().map(|listed| listed.connection).collect()
}
