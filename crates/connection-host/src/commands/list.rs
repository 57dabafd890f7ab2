//! `list`: lists connections, those that need attention first, with the commands that help.
//!
//! Up to a thousand connections are sorted as a whole. If there are more, a person sees those that need attention, a
//! first page, and how to see the others. Programs, and users who ask for all, get every connection in pages, one
//! round of pages for each urgency, so that no list exceeds the memory.

use std::collections::{HashMap, HashSet};

use connection_contract::{Kind, Liveness, Timestamp};
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry, Filter, ListCursor, Page};

use super::{
    identities::Identities,
    list_counts::StateCounts,
    list_moved::{MovedKinds, MovedPages, is_moved},
    tag::pair,
};
use crate::{
    Error, Exit,
    args::List,
    cli::Program,
    extensions::{ScopeNote, scope_notes},
    output::{
        Cell, EXPIRES_SOON, Elements, Output, Table, condition, expires_soon, json, name, quoted, reason_line,
        reauthorize_command, short_id, urgency,
    },
    select::Pages,
};

/// The number of connections that are sorted at once.
pub(super) const FEW: usize = 1000;
/// The number of connections on a page for people.
pub(super) const PAGE: u16 = 50;
/// The number of connections that need attention and are shown before the first page.
const MAX_URGENT: usize = 100;
/// The maximum number of commands that are printed.
const MAX_COMMANDS: usize = 100;

pub(super) async fn run(mut program: Program, arguments: List) -> Result<Exit, Error> {
    let wanted = ListSelection::of(&arguments)?;
    let registry = program.open().await?;
    let output = &program.output;
    let mut printer = Printer::new(output, arguments.all_owners, arguments.limit);
    if !output.json {
        printer.scopes = scope_notes(&registry).await?;
    }
    let mut more = None;
    if let Some(after) = wanted.after {
        let limit = arguments.limit.map_or(PAGE, |limit| u16::try_from(limit).unwrap_or(u16::MAX));
        let page = wanted.page(&registry, wanted.filter.clone().after(after).limit(limit)).await?;
        more = page.next.map(|next| PageHint { next: next.to_string(), left: None });
        printer.counts = None;
        printer.print(&registry, page.connections).await?;
    } else if let Some(rows) = wanted.few(&registry).await? {
        printer.print(&registry, rows).await?;
    } else if output.json || arguments.all || arguments.limit.is_some() || wanted.is_narrow {
        wanted.many(&registry, &mut printer).await?;
    } else {
        more = wanted.first(&registry, &mut printer).await?;
    }
    registry.close().await;
    printer.end(wanted.is_all(), more)?;
    Ok(Exit::Fine)
}

/// The part of a list that is not shown to a person.
pub(super) struct PageHint {
    /// The place of the next page, for `--after`.
    pub(super) next: String,
    /// The number of connections that are not shown, where it is known.
    pub(super) left: Option<u64>,
}

/// Prints the table or the array, sorted by urgency.
pub(super) fn print(output: &Output, rows: Vec<ConnectionInfo>, identities: Identities) -> Result<(), Error> {
    let mut printer = Printer { identities, ..Printer::new(output, false, None) };
    printer.page(rows)?;
    printer.end(true, None)
}

pub(super) struct ListSelection {
    filter: Filter,
    states: Vec<Liveness>,
    expiring: bool,
    all_owners: bool,
    filtered: bool,
    /// `true` if a filter other than the kind leaves connections out.
    pub(super) is_narrow: bool,
    label: Option<String>,
    tags: Vec<(String, String)>,
    kind: Option<Kind>,
    after: Option<ListCursor>,
}

impl ListSelection {
    pub(super) fn of(arguments: &List) -> Result<Self, Error> {
        let List { kind, states, label, tags, expiring, limit: _, all: _, after, all_owners } = arguments;
        let mut filter = if *all_owners { Filter::new().all_owners() } else { Filter::new() };
        let kind = kind
            .as_ref()
            .map(|kind| Kind::parse(kind).ok_or_else(|| Error::usage("--kind does not accept this value")));
        let kind = kind.transpose()?;
        if let Some(kind) = &kind {
            filter = filter.kind(kind.clone());
        }
        let after = after
            .as_ref()
            .map(|after| after.parse().map_err(|_| Error::usage("--after takes a place that `list` printed")));
        let after = after.transpose()?;
        if let Some(label) = label {
            filter = filter.label(label);
        }
        let tags: Vec<_> = tags.iter().map(|tag| pair(tag)).collect::<Result<_, _>>()?;
        for (name, value) in &tags {
            filter = filter.tag(*name, *value);
        }
        let tags: Vec<_> = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let states = states.iter().map(|word| state(word)).collect::<Result<Vec<_>, _>>()?;
        let is_narrow = label.is_some() || *expiring || !states.is_empty() || !tags.is_empty();
        let filtered = kind.is_some() || is_narrow;
        Ok(Self {
            filter,
            states,
            expiring: *expiring,
            all_owners: *all_owners,
            filtered,
            is_narrow,
            label: label.clone(),
            tags,
            kind,
            after,
        })
    }

    pub(super) fn is_all(&self) -> bool {
        !self.filtered
    }

    fn pages<'r>(&self, registry: &'r ConnectionRegistry, filter: Filter) -> Pages<'r> {
        Pages::new(registry, self.ending(filter))
    }

    fn ending(&self, filter: Filter) -> Filter {
        if self.expiring { filter.expiring_within(EXPIRES_SOON) } else { filter }
    }

    /// Returns the kinds whose connections the store does not find by their state.
    async fn moved(&self, registry: &ConnectionRegistry) -> Result<MovedKinds, Error> {
        MovedKinds::find(registry, self.all_owners, self.kind.as_ref()).await
    }

    /// Returns the pages of the connections of these kinds.
    fn moved_pages<'r>(&self, registry: &'r ConnectionRegistry, moved: &MovedKinds) -> MovedPages<'r> {
        moved.pages(registry, self.ending(self.filter.clone()))
    }

    fn has_state(&self, info: &ConnectionInfo) -> bool {
        self.states.is_empty() || self.states.contains(&condition(info).0)
    }

    /// Returns `true` if a connection of the kind is one of the list, for connections that no store has filtered.
    pub(super) fn selects(&self, info: &ConnectionInfo, now: Timestamp) -> bool {
        let has_label = self.label.as_ref().is_none_or(|label| info.label.as_str() == label);
        let has_tags = self.tags.iter().all(|(name, value)| info.tags.get(name) == Some(value));
        has_label && has_tags && self.has_state(info) && (!self.expiring || expires_soon(info, now))
    }

    /// Returns all connections, or `None` if there are more than can be sorted at once.
    async fn few(&self, registry: &ConnectionRegistry) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        let filter = self.states.iter().fold(self.filter.clone(), |filter, state| filter.liveness(*state));
        let mut pages = self.pages(registry, filter);
        let mut rows = Vec::new();
        while let Some(page) = pages.next().await? {
            rows.extend(page.into_iter().filter(|info| self.has_state(info)));
            if rows.len() > FEW {
                return Ok(None);
            }
        }
        if self.states.contains(&Liveness::Failing) || self.states.contains(&Liveness::Unknown) {
            let mut pages = self.moved_pages(registry, &self.moved(registry).await?);
            while let Some(page) = pages.next().await? {
                let is_new = |info: &ConnectionInfo| self.has_state(info) && !self.states.contains(&info.liveness);
                rows.extend(page.into_iter().filter(is_new));
                if rows.len() > FEW {
                    return Ok(None);
                }
            }
        }
        Ok(Some(rows))
    }

    async fn page(&self, registry: &ConnectionRegistry, filter: Filter) -> Result<Page, Error> {
        Ok(registry.list_connections(filter).await?)
    }

    /// Prints those that need attention, up to a limit, then the first page; returns what is left.
    async fn first(&self, registry: &ConnectionRegistry, printer: &mut Printer<'_>) -> Result<Option<PageHint>, Error> {
        let not_live = [Liveness::Failing, Liveness::Offline, Liveness::Unknown];
        let not_live = not_live.into_iter().fold(self.filter.clone(), Filter::liveness);
        let expiring = self.filter.clone().liveness(Liveness::Live).expiring_within(EXPIRES_SOON);
        let mut urgent = Vec::new();
        for filter in [not_live, expiring] {
            let mut pages = self.pages(registry, filter);
            while urgent.len() < MAX_URGENT
                && let Some(page) = pages.next().await?
            {
                urgent.extend(page);
            }
        }
        let mut pages = self.moved_pages(registry, &self.moved(registry).await?);
        while urgent.len() < MAX_URGENT
            && let Some(page) = pages.next().await?
        {
            let known: HashSet<ConnectionId> = urgent.iter().map(|info: &ConnectionInfo| info.id).collect();
            urgent.extend(page.into_iter().filter(|info| !known.contains(&info.id)));
        }
        urgent.truncate(MAX_URGENT);
        let mut shown: HashSet<ConnectionId> = urgent.iter().map(|info| info.id).collect();
        printer.print(registry, urgent).await?;
        let mut page = self.page(registry, self.filter.clone().limit(PAGE)).await?;
        page.connections.retain(|info| shown.insert(info.id));
        printer.print(registry, page.connections).await?;
        let all = match self.all_owners {
            true => registry.server().count_connections(self.kind.as_ref()).await?,
            false => registry.count_connections(self.kind.as_ref()).await?,
        };
        printer.counts = match self.all_owners {
            // The states of all owners' connections are known only after all of them were read.
            true => None,
            false => {
                let mut counts = StateCounts::default();
                let outlines = registry.outlines().await?;
                let is_wanted = |info: &&ConnectionInfo| self.kind.as_ref().is_none_or(|kind| info.kind == *kind);
                outlines.iter().filter(is_wanted).for_each(|info| counts.add(info));
                Some(counts)
            }
        };
        Ok(page
            .next
            .map(|next| PageHint { next: next.to_string(), left: Some(all.saturating_sub(shown.len() as u64)) }))
    }

    async fn many(&self, registry: &ConnectionRegistry, printer: &mut Printer<'_>) -> Result<(), Error> {
        use Liveness::{Failing, Live, Offline, Unknown};
        let now = printer.output.now;
        let moved = self.moved(registry).await?;
        for (state, expiring) in
            [(Failing, None), (Offline, None), (Unknown, None), (Live, Some(true)), (Live, Some(false))]
        {
            if !self.states.is_empty() && !self.states.contains(&state) {
                continue;
            }
            let filter = self.filter.clone().liveness(state);
            let filter = if expiring == Some(true) { filter.expiring_within(EXPIRES_SOON) } else { filter };
            let mut pages = self.pages(registry, filter);
            while !printer.is_full()
                && let Some(mut page) = pages.next().await?
            {
                page.retain(|info| expiring.is_none_or(|expiring| expires_soon(info, now) == expiring));
                page.retain(|info| !is_moved(info));
                printer.print(registry, page).await?;
            }
            // A kind that changed or is gone makes a connection failing or unknown, and never live or offline.
            let mut pages = matches!(state, Failing | Unknown).then(|| self.moved_pages(registry, &moved));
            while !printer.is_full()
                && let Some(pages) = &mut pages
                && let Some(mut page) = pages.next().await?
            {
                page.retain(|info| condition(info).0 == state);
                printer.print(registry, page).await?;
            }
        }
        Ok(())
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

/// Prints pages as one list.
pub(super) struct Printer<'o> {
    output: &'o Output,
    /// Notes on scopes that extensions lack.
    scopes: HashMap<ConnectionId, ScopeNote>,
    owners: bool,
    pub(super) identities: Identities,
    left: usize,
    printed: bool,
    /// The states of the connections of the list; `None` if only a part of them is known.
    pub(super) counts: Option<StateCounts>,
    elements: Elements,
    commands: Vec<String>,
    more_commands: usize,
    /// Commands that ask a provider again without changing anything.
    retries: Vec<String>,
}

impl<'o> Printer<'o> {
    pub(super) fn new(output: &'o Output, owners: bool, limit: Option<usize>) -> Self {
        let commands = Vec::new();
        let left = limit.unwrap_or(usize::MAX);
        let identities = Identities::new();
        let scopes = HashMap::new();
        Self {
            scopes,
            output,
            owners,
            identities,
            left,
            printed: false,
            counts: limit.is_none().then(StateCounts::default),
            elements: Elements::new(),
            commands,
            more_commands: 0,
            retries: Vec::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Looks up the labels of these connections' profiles. Programs get ids.
    async fn learn(&mut self, registry: &ConnectionRegistry, rows: &[ConnectionInfo]) -> Result<(), Error> {
        if self.output.json { Ok(()) } else { self.identities.learn(registry, rows).await }
    }

    async fn print(&mut self, registry: &ConnectionRegistry, rows: Vec<ConnectionInfo>) -> Result<(), Error> {
        self.learn(registry, &rows).await?;
        self.page(rows)
    }

    pub(super) fn page(&mut self, mut rows: Vec<ConnectionInfo>) -> Result<(), Error> {
        let output = self.output;
        let now = self.output.now;
        rows.sort_by_cached_key(|info| (urgency(info, now), info.kind.clone(), info.label.clone(), info.owner.clone()));
        rows.truncate(self.left);
        self.left -= rows.len();
        if output.json {
            return rows.iter().try_for_each(|info| self.elements.push(output, &json::ConnectionBody::of(info, now)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        // Show the default only if a provider has several connections.
        let mut of_provider = HashMap::<_, usize>::new();
        for info in &rows {
            *of_provider.entry((info.owner.clone(), info.provider.clone())).or_default() += 1;
        }
        let is_told = |info: &ConnectionInfo| {
            info.is_default && of_provider.get(&(info.owner.clone(), info.provider.clone())).is_some_and(|of| *of > 1)
        };
        let mut table = Table::new(["ID", "OWNER", "CONNECTION", "PROFILE", "ACCOUNT", "STATE", "DEFAULT", "NOTE"], 3);
        for info in &rows {
            if let Some(counts) = &mut self.counts {
                counts.add(info);
            }
            let (mut note, mut mend) = reason_line(info, now);
            if let Some(ScopeNote { text, askable }) = self.scopes.get(&info.id) {
                note = if note.is_empty() { text.clone() } else { format!("{note}; {text}") };
                mend = mend.or_else(|| Some(reauthorize_command(&quoted(&name(info)), askable)));
            }
            table.row([
                short_id(&info.id.to_string()).into(),
                if self.owners { info.owner.as_str() } else { "" }.into(),
                name(info).into(),
                self.identities.of(info).into(),
                info.identity.label.as_str().into(),
                Cell::liveness(condition(info).0),
                if is_told(info) { "yes" } else { "" }.into(),
                note.into(),
            ]);
            match mend {
                Some(again) if again.starts_with("connections verify ") => self.retries.push(again),
                Some(mend) if self.commands.len() < MAX_COMMANDS => self.commands.push(mend),
                Some(_) => self.more_commands += 1,
                None => {}
            }
        }
        let table = if self.printed { table.without_heading() } else { table };
        self.printed = true;
        output.table(&table)
    }

    pub(super) fn end(self, is_all: bool, more: Option<PageHint>) -> Result<(), Error> {
        let output = self.output;
        if output.json {
            return self.elements.end(output);
        }
        if !self.printed {
            return output.line(match is_all {
                true => {
                    "Nothing is connected yet. `connections kinds` shows what can be connected; `connections add \
                     KIND` connects an account."
                }
                false => "No connection matches these options.",
            });
        }
        if let Some(line) = self.counts.and_then(|counts| counts.line()) {
            output.line(format!("\n{line}"))?;
        }
        if let Some(PageHint { next, left }) = more {
            let left = left.map_or_else(|| "There are more".to_owned(), |left| format!("{left} more are not shown"));
            output.line(format!(
                "\n{left}. See the next ones with `connections list --after {next}`, all with `connections list --all`."
            ))?;
        }
        // Print the commands below the table and in full, so that they can be copied.
        if !self.commands.is_empty() {
            output.line(format!("\nFix with:\n  {}", self.commands.join("\n  ")))?;
            if self.more_commands > 0 {
                output.line(format!("  and so on, for {} more", self.more_commands))?;
            }
        }
        match self.retries.as_slice() {
            [] => Ok(()),
            [only] => output.line(format!("\nVerify with:\n  {only}")),
            _ => output.line("\nVerify with:\n  connections verify --all"),
        }
    }
}
