//! Selection of a connection by a reference: an id, any unique end of one, `KIND`, or `KIND:LABEL`.

use connection_api::{self as api, ListedConnection, OpenSetup};
use connection_contract::Kind;
use connection_core::{Connection, ConnectionId, ConnectionInfo, ConnectionRegistry, Filter, Profile};

use crate::{
    Error, Exit,
    backend::{Backend, Lookup},
    output::{name, short_id},
    spelling::misspelled,
};

/// Returns the connection that the reference names, as a list shows it.
///
/// An ambiguous reference is an error that lists the candidates; a misspelled one names the nearest connection.
pub(crate) async fn connection(backend: &dyn Backend, reference: &str) -> Result<ListedConnection, Error> {
    backend.listed(&connection_id(backend.lookup(), reference).await?).await
}

/// As [`connection`], for a command that works on this machine alone.
pub(crate) async fn opened(registry: &ConnectionRegistry, reference: &str) -> Result<Connection, Error> {
    let id = connection_id(registry, reference).await?;
    // An id that was found is well formed.
    let id = id.parse().map_err(|_| not_found("connection", reference))?;
    Ok(registry.connection(id).await?)
}

/// As [`connection`], and returns the id. An id is not looked up.
pub(crate) async fn connection_id(lookup: &dyn Lookup, reference: &str) -> Result<String, Error> {
    match find(lookup, reference).await {
        Err(mut error) if error.code == "not_found" => {
            if let Some(suggestion) = nearest_connection(lookup, reference).await? {
                error.message = format!("{}. Did you mean '{suggestion}'?", error.message);
            }
            Err(error)
        }
        found => found,
    }
}

/// Returns the connection on the first page whose kind, label or name is nearest to a misspelled reference.
async fn nearest_connection(lookup: &dyn Lookup, reference: &str) -> Result<Option<String>, Error> {
    let words = |of: &api::Connection| [of.kind.clone(), of.label.clone(), name(of)];
    let mut names: Vec<_> = lookup.first().await?.iter().map(|of| (words(of), name(of))).collect();
    // The order of the list is not the same everywhere, and several names may be equally near.
    names.sort();
    let suggestion = misspelled(reference, names.iter().flat_map(|(words, _)| words).map(String::as_str));
    let known = |(words, _): &&([String; 3], String)| words.iter().any(|word| Some(word.as_str()) == suggestion);
    Ok(names.iter().find(known).map(|(_, name)| name.clone()))
}

async fn find(lookup: &dyn Lookup, reference: &str) -> Result<String, Error> {
    if let Ok(id) = reference.parse::<ConnectionId>() {
        return Ok(id.to_string());
    }
    if let Some((kind, label)) = reference.split_once(':')
        && let Some(kind) = Kind::parse(kind)
    {
        return lookup.labelled(&kind, label).await?.ok_or_else(|| not_found("connection", reference));
    }
    let kind = Kind::parse(reference);
    if let Some(kind) = &kind
        && let Some(id) = lookup.of_kind(kind).await?
    {
        return Ok(id);
    }
    let end = reference.to_ascii_lowercase();
    let ends = match !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        true => lookup.ending(&end).await?,
        false => Vec::new(),
    };
    let candidates: Vec<_> = ends.iter().map(Candidate::from).collect();
    match (choose("connection", reference, &candidates), kind) {
        // The index belongs to one of the candidates, and there is one for each connection.
        (Ok(chosen), _) => ends.get(chosen).map(|of| of.id.clone()).ok_or_else(|| not_found("connection", reference)),
        // The reference is a kind without a connection, so the next step is to connect one.
        (Err(error), Some(kind)) if error.exit == Exit::NotFound && lookup.is_known(&kind).await? => {
            Err(error.remedy(format!("connect one with `connections add {kind}`, or see `connections list`")))
        }
        (Err(error), _) => Err(error),
    }
}

/// Returns the setup that the reference names: an id, or any unique end of one.
pub(crate) fn setup<'s>(setups: &'s [OpenSetup], reference: &str) -> Result<&'s OpenSetup, Error> {
    let candidates: Vec<_> = setups.iter().map(candidate).collect();
    let chosen = choose("setup", reference, &candidates)?;
    setups.get(chosen).ok_or_else(|| not_found("setup", reference))
}

/// Returns the only setup, for a command that names none.
pub(crate) fn only_setup(setups: &[OpenSetup]) -> Result<&OpenSetup, Error> {
    match setups {
        [only] => Ok(only),
        [] => Err(Error::new(Exit::NotFound, "setup_not_found", "there is no unfinished setup")
            .remedy("begin one with `connections add KIND`")),
        several => {
            let list: Vec<_> = several.iter().map(|setup| candidate(setup).to_string()).collect();
            let message = format!("{} setups are unfinished: {}", several.len(), list.join(", "));
            Err(Error::new(Exit::Usage, "ambiguous", message).remedy("name one by the end of its id"))
        }
    }
}

fn candidate(setup: &OpenSetup) -> Candidate {
    Candidate { id: setup.id.clone(), kind: setup.kind.clone(), label: None }
}

/// Returns the profile of a kind that the reference names: a label, an id, or any unique end of one.
pub(crate) fn profile(kind: &str, profiles: Vec<Profile>, reference: &str) -> Result<Profile, Error> {
    let names = |profile: &Profile| (profile.id.to_string(), profile.label.to_string());
    profile_by(kind, profiles, names, reference)
}

/// As [`profile`], for the shapes of profiles.
pub(crate) fn profile_shape(kind: &str, profiles: Vec<api::Profile>, reference: &str) -> Result<api::Profile, Error> {
    profile_by(kind, profiles, |profile| (profile.id.clone(), profile.label.clone()), reference)
}

/// Returns the profile that the reference names. `names` returns the id and the label of one.
fn profile_by<T>(
    kind: &str,
    profiles: Vec<T>,
    names: impl Fn(&T) -> (String, String),
    reference: &str,
) -> Result<T, Error> {
    let labelled = profiles.iter().position(|profile| names(profile).1 == reference);
    let candidates = profiles.iter().map(|profile| {
        let (id, label) = names(profile);
        Candidate { id, kind: kind.to_owned(), label: Some(label) }
    });
    let chosen = match labelled {
        Some(index) => index,
        None => choose("profile", reference, &candidates.collect::<Vec<_>>())
            .map_err(|error| if error.exit == Exit::NotFound { no_profile(kind, reference) } else { error })?,
    };
    profiles.into_iter().nth(chosen).ok_or_else(|| no_profile(kind, reference))
}

fn no_profile(kind: &str, reference: &str) -> Error {
    let message = format!("'{kind}' has no profile '{reference}'");
    Error::new(Exit::NotFound, "profile_not_found", message).remedy(format!("see `connections profiles list {kind}`"))
}

/// Returns every connection, from all pages.
pub(crate) async fn all(registry: &ConnectionRegistry) -> Result<Vec<ConnectionInfo>, Error> {
    let mut pages = Pages::new(registry, Filter::new());
    let mut all = Vec::new();
    while let Some(page) = pages.next().await? {
        all.extend(page);
    }
    Ok(all)
}

/// The connections that match a filter, read page by page.
pub(crate) struct Pages<'r> {
    registry: &'r ConnectionRegistry,
    filter: Filter,
    /// `None` after the last page.
    next: Option<Filter>,
}

impl<'r> Pages<'r> {
    pub(crate) fn new(registry: &'r ConnectionRegistry, filter: Filter) -> Self {
        Self { registry, next: Some(filter.clone()), filter }
    }

    /// Returns the next page, which may be empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        let Some(filter) = self.next.take() else { return Ok(None) };
        let page = self.registry.list_connections(filter).await?;
        self.next = page.next.map(|next| self.filter.clone().after(next));
        Ok(Some(page.items))
    }
}

/// An object that a reference can name.
struct Candidate {
    id: String,
    kind: String,
    label: Option<String>,
}

impl From<&api::Connection> for Candidate {
    fn from(of: &api::Connection) -> Self {
        Self { id: of.id.clone(), kind: of.kind.clone(), label: Some(of.label.clone()) }
    }
}

/// Returns the index of the candidate that the reference names.
fn choose(what: &str, reference: &str, candidates: &[Candidate]) -> Result<usize, Error> {
    let is_named = |candidate: &Candidate| candidate.id.ends_with(&reference.to_ascii_lowercase());
    let found = candidates.iter().enumerate().filter(|(_, candidate)| !reference.is_empty() && is_named(candidate));
    let found: Vec<_> = found.collect();
    match found.as_slice() {
        [(index, _)] => Ok(*index),
        [] => Err(not_found(what, reference)),
        several => {
            let list: Vec<_> = several.iter().map(|(_, candidate)| candidate.to_string()).collect();
            let message = format!("'{reference}' matches {} candidates: {}", several.len(), list.join(", "));
            Err(Error::new(Exit::Usage, "ambiguous", message).remedy("name one by its label or by the end of its id"))
        }
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{}:{label} ({})", self.kind, short_id(&self.id)),
            None => write!(f, "{} ({})", short_id(&self.id), self.kind),
        }
    }
}

fn not_found(what: &str, reference: &str) -> Error {
    let (code, list) = match what {
        "setup" => ("setup_not_found", "connections setup list"),
        _ => ("not_found", "connections list"),
    };
    Error::new(Exit::NotFound, code, format!("no {what} named '{reference}'")).remedy(format!("see `{list}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        let row = |id: &str, kind: &str, label: &str| Candidate {
            id: format!("01890a5d-ac96-774b-bcce-{id}"),
            kind: kind.into(),
            label: Some(label.into()),
        };
        vec![
            row("b302099a8057", "acme", "work"),
            row("b302099a8058", "acme", "home: mine"),
            row("c302099a8058", "beef", "work"),
        ]
    }

    #[track_caller]
    fn check(reference: &str, expected: Result<usize, (Exit, &str)>) {
        let actual = choose("connection", reference, &candidates());
        let actual = actual.as_ref().map(|index| *index).map_err(|error| (error.exit, error.code.as_str()));
        assert_eq!(actual, expected, "{reference}");
    }

    #[test]
    fn a_unique_end_of_an_id_names_it() {
        check("01890a5d-ac96-774b-bcce-b302099a8057", Ok(0));
        check("8057", Ok(0));
        check("C302099A8058", Ok(2));
    }

    #[test]
    fn an_ambiguous_reference_is_refused_with_its_candidates() {
        check("8058", Err((Exit::Usage, "ambiguous")));
        let error = choose("connection", "8058", &candidates()).expect_err("there are two");
        assert!(error.to_string().contains("acme:home: mine (099a8058), beef:work (099a8058)"), "{error}");
    }

    #[test]
    fn an_unknown_reference_is_not_found() {
        for reference in ["", "9999", "acme", "work", "gone"] {
            check(reference, Err((Exit::NotFound, "not_found")));
        }
    }
}
