//! `list`: what needs a hand comes first, with the command that mends it.
//!
//! As many as fit one page are sorted as a whole. More are printed page by page, one round of pages for each urgency, so
//! that no list is too long for the memory.

use connection_contract::{Kind, Liveness};
use connection_core::{ConnectionInfo, ConnectionRegistry, Filter};

use super::identities::Identities;
use crate::{
    Error, Exit,
    args::List,
    cli::Program,
    output::{
        Cell, Elements, Output, SOON, Table, condition, expires_soon, json, name, reason_line, short_id, urgency,
    },
    select::Pages,
};

/// So many are sorted at once.
const FEW: usize = 1000;
/// So many commands are worth copying.
const MOST_COMMANDS: usize = 100;

pub(super) async fn run(mut program: Program, arguments: List) -> Result<Exit, Error> {
    let wanted = Wanted::of(&arguments)?;
    let registry = program.open().await?;
    let output = &program.output;
    let mut printer = Printer::new(output, arguments.all_owners, arguments.limit);
    match wanted.few(&registry).await? {
        Some(rows) => {
            printer.learn(&registry, &rows).await?;
            printer.page(rows)?;
        }
        None => wanted.many(&registry, &mut printer).await?,
    }
    registry.close().await;
    printer.end(wanted.is_all())?;
    Ok(Exit::Fine)
}

/// The table or the array, sorted by urgency.
pub(super) fn print(output: &Output, rows: Vec<ConnectionInfo>, identities: Identities) -> Result<(), Error> {
    let mut printer = Printer { identities, ..Printer::new(output, false, None) };
    printer.page(rows)?;
    printer.end(true)
}

/// What was asked for.
struct Wanted {
    filter: Filter,
    states: Vec<Liveness>,
    expiring: bool,
    all_owners: bool,
    filtered: bool,
}

impl Wanted {
    fn of(arguments: &List) -> Result<Self, Error> {
        let List { kind, states, label, expiring, limit: _, all_owners } = arguments;
        let mut filter = Filter::new();
        if let Some(kind) = kind {
            let kind = Kind::parse(kind);
            filter = filter.kind(kind.ok_or_else(|| Error::usage("--kind does not take this value"))?);
        }
        if let Some(label) = label {
            filter = filter.label(label);
        }
        let states = states.iter().map(|word| state(word)).collect::<Result<Vec<_>, _>>()?;
        let filtered = kind.is_some() || label.is_some() || *expiring || !states.is_empty();
        Ok(Self { filter, states, expiring: *expiring, all_owners: *all_owners, filtered })
    }

    fn is_all(&self) -> bool {
        !self.filtered
    }

    fn pages<'r>(&self, registry: &'r ConnectionRegistry, filter: Filter) -> Pages<'r> {
        let filter = if self.expiring { filter.expiring_within(SOON) } else { filter };
        Pages::new(registry, filter, self.all_owners)
    }

    /// All of them, unless they are more than can be sorted at once.
    async fn few(&self, registry: &ConnectionRegistry) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        let filter = self.states.iter().fold(self.filter.clone(), |filter, state| filter.liveness(*state));
        let (mut pages, mut rows) = (self.pages(registry, filter), Vec::new());
        while let Some(page) = pages.next().await? {
            rows.extend(page);
            if rows.len() > FEW {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }

    async fn many(&self, registry: &ConnectionRegistry, printer: &mut Printer<'_>) -> Result<(), Error> {
        use Liveness::{Failing, Live, Offline, Unknown};
        let now = printer.output.now;
        for (state, expiring) in
            [(Failing, None), (Offline, None), (Unknown, None), (Live, Some(true)), (Live, Some(false))]
        {
            if !self.states.is_empty() && !self.states.contains(&state) {
                continue;
            }
            let filter = self.filter.clone().liveness(state);
            let filter = if expiring == Some(true) { filter.expiring_within(SOON) } else { filter };
            let mut pages = self.pages(registry, filter);
            while !printer.is_full()
                && let Some(mut page) = pages.next().await?
            {
                page.retain(|info| expiring.is_none_or(|expiring| expires_soon(info, now) == expiring));
                printer.learn(registry, &page).await?;
                printer.page(page)?;
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
struct Printer<'o> {
    output: &'o Output,
    owners: bool,
    identities: Identities,
    left: usize,
    printed: bool,
    elements: Elements,
    commands: Vec<String>,
    more_commands: usize,
}

impl<'o> Printer<'o> {
    fn new(output: &'o Output, owners: bool, limit: Option<usize>) -> Self {
        let (commands, left, identities) = (Vec::new(), limit.unwrap_or(usize::MAX), Identities::new());
        Self { output, owners, identities, left, printed: false, elements: Elements::new(), commands, more_commands: 0 }
    }

    fn is_full(&self) -> bool {
        self.left == 0
    }

    /// What the profiles of these are called. Programs get ids.
    async fn learn(&mut self, registry: &ConnectionRegistry, rows: &[ConnectionInfo]) -> Result<(), Error> {
        if self.output.json { Ok(()) } else { self.identities.learn(registry, rows).await }
    }

    fn page(&mut self, mut rows: Vec<ConnectionInfo>) -> Result<(), Error> {
        let (output, now) = (self.output, self.output.now);
        rows.sort_by_cached_key(|info| (urgency(info, now), info.kind.clone(), info.label.clone(), info.owner.clone()));
        rows.truncate(self.left);
        self.left -= rows.len();
        if output.json {
            return rows.iter().try_for_each(|info| self.elements.push(output, &json::ConnectionBody::of(info, now)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(["ID", "OWNER", "CONNECTION", "PROFILE", "ACCOUNT", "STATE", "DEFAULT", "NOTE"], 3);
        for info in &rows {
            let (note, mend) = reason_line(info, now);
            table.row([
                short_id(&info.id.to_string()).into(),
                if self.owners { info.owner.as_str() } else { "" }.into(),
                name(info).into(),
                self.identities.of(info).into(),
                info.identity.label.as_str().into(),
                Cell::liveness(condition(info).0),
                if info.is_default { "yes" } else { "" }.into(),
                note.into(),
            ]);
            match mend {
                Some(mend) if self.commands.len() < MOST_COMMANDS => self.commands.push(mend),
                Some(_) => self.more_commands += 1,
                None => {}
            }
        }
        let table = if self.printed { table.without_heading() } else { table };
        self.printed = true;
        output.table(&table)
    }

    fn end(self, is_all: bool) -> Result<(), Error> {
        let output = self.output;
        if output.json {
            return self.elements.end(output);
        }
        if !self.printed {
            return output.line(match is_all {
                true => {
                    "Nothing is connected yet. `connections kinds` shows what can be; `connections add KIND` begins."
                }
                false => "No connection is like that.",
            });
        }
        if self.commands.is_empty() {
            return Ok(());
        }
        // Below the table and never cut: they are there to be copied.
        output.line(format!("\nMend with:\n  {}", self.commands.join("\n  ")))?;
        match self.more_commands {
            0 => Ok(()),
            more => output.line(format!("  and so on, for {more} more")),
        }
    }
}
