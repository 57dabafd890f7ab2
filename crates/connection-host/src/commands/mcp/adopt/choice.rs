//! The servers that can be adopted, and those of them that a person picks.

use connection_mcp::clients::{Address, AdoptedEntry, ConfigFile, HeaderValue, Obstacle, Remote, SecretText, Server};

use super::servers::Found;
use crate::{Error, Exit, input, output::joined, platform::without_line, program::Program};

/// The number of programs up to which the line of a server names them.
const FEW: usize = 2;

/// A server that can be adopted, with its entries in all configurations.
pub(super) struct Candidate {
    pub(super) address: Address,
    /// The header that every request has, with its value.
    pub(super) header: Option<(String, SecretText)>,
    entries: Vec<Found>,
}

impl Candidate {
    /// Returns `true` if everything that is sent is visible in the address.
    pub(super) fn is_plain(&self) -> bool {
        self.header.is_none() && !self.address.expose().contains(['?', '#'])
    }

    /// Returns the names of the entries, each once.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<&str> = self.entries.iter().map(|found| found.entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }

    fn is_named(&self, word: &str) -> bool {
        self.address.expose() == word || self.entries.iter().any(|found| found.entry.name == word)
    }

    fn is_in_use(&self) -> bool {
        self.entries.iter().any(|found| !found.entry.disabled)
    }

    /// Returns the line to choose it from.
    fn line(&self) -> String {
        let mut clients: Vec<&str> = self.entries.iter().map(|found| found.file.client.name()).collect();
        clients.dedup();
        let clients = if clients.len() > FEW { format!("{} programs", clients.len()) } else { joined(&clients) };
        format!("{}  {}  ({clients})", self.names(), self.address)
    }

    /// Adds the entries, which run the proxy of a connection, to those of their files.
    pub(super) fn entries_with(
        &self,
        connection: &str,
        command: &[String],
        files: &mut Vec<(ConfigFile, Vec<AdoptedEntry>)>,
    ) {
        for Found { file, entry } in &self.entries {
            let words = command.iter().map(|word| if word == super::proxy_command::NAME { connection } else { word });
            let adopted = AdoptedEntry::new(entry.place.clone(), entry.name.as_str(), connection, words);
            match files.iter_mut().find(|(known, _)| known.path == file.path) {
                Some((_, entries)) => entries.push(adopted),
                None => files.push((file.clone(), vec![adopted])),
            }
        }
    }
}

/// Returns the servers that can be adopted, in the order in which they were found.
pub(super) fn candidates(found: Vec<Found>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for found in found {
        let Server::Remote(remote) = &found.entry.server else { continue };
        let Ok(header) = header(remote) else { continue };
        let text = |header: &Option<(String, SecretText)>| {
            header.as_ref().map(|(name, value)| (name.clone(), value.expose().to_owned()))
        };
        let is_same = |known: &&mut Candidate| known.address == remote.address && text(&known.header) == text(&header);
        match candidates.iter_mut().find(is_same) {
            Some(known) => known.entries.push(found),
            None => candidates.push(Candidate { address: remote.address.clone(), header, entries: vec![found] }),
        }
    }
    candidates
}

/// Returns the header of a server, or the reason why the server is not adopted.
pub(super) fn header(remote: &Remote) -> Result<Option<(String, SecretText)>, String> {
    if let Some(obstacle) = &remote.obstacle {
        return Err(Obstacle::to_string(obstacle));
    }
    match remote.headers.as_slice() {
        [] => Ok(None),
        [header] => match &header.value {
            HeaderValue::Fixed(value) => Ok(Some((header.name.clone(), SecretText::new(value.expose())))),
            HeaderValue::Computed(names) => Err(format!(
                "its header {} depends on {}; connect it with `connections add`",
                header.name,
                joined(names)
            )),
            _ => Err(format!("its header {} has a form that is not known", header.name)),
        },
        _ => Err("it has several headers, and a connection has one".to_owned()),
    }
}

/// Returns the servers that the arguments name, or those that a person picks.
///
/// # Errors
///
/// A name is not among those that can be adopted, or nobody can be asked.
pub(super) async fn chosen(
    program: &Program,
    candidates: Vec<Candidate>,
    names: &[String],
) -> Result<Vec<Candidate>, Error> {
    if let Some(unknown) = names.iter().find(|name| !candidates.iter().any(|candidate| candidate.is_named(name))) {
        let message = format!("no configuration has a server '{unknown}' that can be adopted");
        return Err(Error::new(Exit::NotFound, "not_found", message)
            .remedy("`connections mcp adopt --list` shows the servers and why some of them cannot be adopted"));
    }
    if !names.is_empty() {
        let is_chosen = |candidate: &Candidate| names.iter().any(|name| candidate.is_named(name));
        return Ok(candidates.into_iter().filter(is_chosen).collect());
    }
    let candidates: Vec<_> = candidates.into_iter().filter(Candidate::is_in_use).collect();
    if candidates.is_empty() {
        program.output.note("There is no server to adopt. `connections mcp adopt --list` shows what was read.");
        return Ok(Vec::new());
    }
    if !program.person {
        return Err(Error::new(Exit::Usage, "input_required", "nobody can be asked which servers to adopt")
            .remedy("name them: `connections mcp adopt NAME`; `connections mcp adopt --list` shows their names"));
    }
    let lines = candidates.iter().map(Candidate::line).collect();
    let asking = without_line();
    let picked = tokio::task::spawn_blocking(move || input::pick_some("Which servers to adopt?", lines)).await;
    drop(asking);
    let picked = picked.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))??;
    let numbered = candidates.into_iter().enumerate();
    Ok(numbered.filter(|(index, _)| picked.contains(index)).map(|(_, candidate)| candidate).collect())
}
