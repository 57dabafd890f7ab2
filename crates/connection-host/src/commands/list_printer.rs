//! The table, or the array, of connections, with the commands that help.

use std::collections::{BTreeMap, HashMap};

use connection_api::Connection;

use super::list_counts::StateCounts;
use crate::{
    Error,
    backend::Backend,
    extensions::ScopeNote,
    output::{
        Cell, Elements, Output, Table, is_application_refused, name, quoted, reason_line, reauthorize_command,
        refused_applications, short_id, urgency,
    },
};

/// The maximum number of commands that are printed.
const MAX_COMMANDS: usize = 100;

/// The part of a list that is not shown to a person.
pub(super) struct PageHint {
    /// The place of the next page, for `--after`.
    pub(super) next: String,
    /// The number of connections that are not shown, where it is known.
    pub(super) left: Option<u64>,
}

/// Prints the table or the array, sorted by urgency. Returns `true` if the terminal does not show the whole text.
pub(super) async fn print(output: &Output, backend: &dyn Backend, rows: Vec<Connection>) -> Result<bool, Error> {
    let mut printer = Printer::new(output, false, None);
    printer.print(backend, rows).await?;
    let is_cut = printer.is_cut;
    printer.end(true, None)?;
    Ok(is_cut)
}

/// Prints pages as one list.
pub(super) struct Printer<'o> {
    output: &'o Output,
    /// Notes on scopes that extensions lack.
    pub(super) scopes: HashMap<String, ScopeNote>,
    owners: bool,
    /// The labels of profiles, by id.
    pub(super) profiles: BTreeMap<String, String>,
    left: usize,
    printed: bool,
    /// The terminal is too narrow for the whole text.
    is_cut: bool,
    /// The states of the connections of the list; `None` if only a part of them is known.
    pub(super) counts: Option<StateCounts>,
    elements: Elements,
    commands: Vec<String>,
    more_commands: usize,
    /// Commands that ask a provider again without changing anything.
    retries: Vec<String>,
    /// Connections whose applications their providers do not accept.
    refused: Vec<Connection>,
}

impl<'o> Printer<'o> {
    pub(super) fn new(output: &'o Output, owners: bool, limit: Option<usize>) -> Self {
        let commands = Vec::new();
        let left = limit.unwrap_or(usize::MAX);
        let scopes = HashMap::new();
        Self {
            scopes,
            output,
            owners,
            profiles: BTreeMap::new(),
            left,
            printed: false,
            is_cut: false,
            counts: limit.is_none().then(StateCounts::default),
            elements: Elements::new(),
            commands,
            more_commands: 0,
            retries: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Returns the label of a connection's profile; empty if it has none.
    fn profile(&self, of: &Connection) -> &str {
        of.profile.as_ref().and_then(|id| self.profiles.get(id)).map_or("", String::as_str)
    }

    pub(super) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints connections, with the labels of their profiles. Programs get ids.
    pub(super) async fn print(&mut self, backend: &dyn Backend, rows: Vec<Connection>) -> Result<(), Error> {
        if !self.output.json {
            self.profiles.extend(backend.profile_labels(&rows).await?);
        }
        self.page(rows)
    }

    fn page(&mut self, mut rows: Vec<Connection>) -> Result<(), Error> {
        let output = self.output;
        let now = self.output.now;
        rows.sort_by_cached_key(|of| (urgency(of), of.kind.clone(), of.label.clone(), of.owner.clone()));
        rows.truncate(self.left);
        self.left -= rows.len();
        if output.json {
            return rows.iter().try_for_each(|of| self.elements.push(output, of));
        }
        if rows.is_empty() {
            return Ok(());
        }
        // Show the default only if a provider has several connections.
        let mut of_provider = HashMap::<_, usize>::new();
        for of in &rows {
            *of_provider.entry((of.owner.clone(), of.provider.clone())).or_default() += 1;
        }
        let is_told = |of: &Connection| {
            of.is_default && of_provider.get(&(of.owner.clone(), of.provider.clone())).is_some_and(|count| *count > 1)
        };
        let mut table = Table::new(["ID", "OWNER", "CONNECTION", "PROFILE", "ACCOUNT", "STATE", "DEFAULT", "NOTE"], 3);
        for of in &rows {
            if let Some(counts) = &mut self.counts {
                counts.add(of);
            }
            let (mut note, mut mend) = reason_line(of, now);
            // What is below the table says why, once for all connections of the application.
            if let Some(reason) = of.reason.as_ref().filter(|_| is_application_refused(of)) {
                note = note.replacen(&reason.message, "waits for its application", 1);
            }
            if let Some(ScopeNote { text, askable }) = self.scopes.get(&of.id) {
                note = if note.is_empty() { text.clone() } else { format!("{note}; {text}") };
                mend = mend.or_else(|| Some(reauthorize_command(&quoted(&name(of)), askable)));
            }
            if of.frozen {
                note = if note.is_empty() { "frozen".to_owned() } else { format!("frozen; {note}") };
            }
            table.row([
                short_id(&of.id).into(),
                if self.owners { of.owner.as_str() } else { "" }.into(),
                name(of).into(),
                self.profile(of).into(),
                of.account.label.as_str().into(),
                Cell::liveness(of.liveness),
                if is_told(of) { "yes" } else { "" }.into(),
                note.into(),
            ]);
            if is_application_refused(of) {
                self.refused.push(of.clone());
            }
            match mend {
                Some(again) if again.starts_with("connections verify ") => self.retries.push(again),
                Some(mend) if self.commands.len() < MAX_COMMANDS => self.commands.push(mend),
                Some(_) => self.more_commands += 1,
                None => {}
            }
        }
        let table = if self.printed { table.without_heading() } else { table };
        self.printed = true;
        self.is_cut |= !output.fits(&table);
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
        for (what, remedy) in refused_applications(self.refused.iter()) {
            output.line(format!("\n{what}. To mend it: {remedy}."))?;
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
