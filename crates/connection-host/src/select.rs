//! Which connection is meant: an id, any unique end of one, `KIND`, or `KIND:LABEL`.

use connection_contract::Kind;
use connection_core::{Connection, ConnectionId, ConnectionInfo, ConnectionRegistry, Filter, SessionId, SetupInfo};

use crate::{Error, Exit, output::short_id};

/// The connection that the reference names; an ambiguous one is an error that lists the candidates.
pub(crate) async fn connection(registry: &ConnectionRegistry, reference: &str) -> Result<Connection, Error> {
    let id = match reference.parse::<ConnectionId>() {
        Ok(id) => id,
        Err(_) => {
            let all = all(registry).await?;
            let candidates: Vec<_> = all.iter().map(Candidate::from).collect();
            let chosen = choose("connection", reference, &candidates).map_err(|error| {
                // A kind without a connection: the way on is to connect one.
                match Kind::parse(reference).filter(|kind| registry.kind(kind).is_some()) {
                    Some(kind) if error.exit == Exit::NotFound => {
                        error.remedy(format!("connect one with `connections add {kind}`, or see `connections list`"))
                    }
                    _ => error,
                }
            })?;
            // The index is one of the candidates', and those are one per connection.
            all.get(chosen).map(|info| info.id).ok_or_else(|| not_found("connection", reference))?
        }
    };
    Ok(registry.connection(id).await?)
}

/// The setup that the reference names, by an id or any unique end of one.
pub(crate) fn setup(setups: &[SetupInfo], reference: &str) -> Result<SessionId, Error> {
    let candidates: Vec<_> = setups
        .iter()
        .map(|setup| Candidate { id: setup.id.to_string(), kind: setup.kind.to_string(), label: None })
        .collect();
    let chosen = choose("setup", reference, &candidates)?;
    setups.get(chosen).map(|setup| setup.id).ok_or_else(|| not_found("setup", reference))
}

/// Every connection, over all pages.
pub(crate) async fn all(registry: &ConnectionRegistry) -> Result<Vec<ConnectionInfo>, Error> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let filter = after.map_or_else(Filter::new, |id| Filter::new().after(id));
        let page = registry.list_connections(filter).await?;
        all.extend(page.connections);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// What can be named.
struct Candidate {
    id: String,
    kind: String,
    label: Option<String>,
}

impl From<&ConnectionInfo> for Candidate {
    fn from(info: &ConnectionInfo) -> Self {
        Self { id: info.id.to_string(), kind: info.kind.to_string(), label: Some(info.label.to_string()) }
    }
}

/// The index of the one that is meant.
fn choose(what: &str, reference: &str, candidates: &[Candidate]) -> Result<usize, Error> {
    let meant = |candidate: &Candidate| {
        let ends = !reference.is_empty() && candidate.id.ends_with(&reference.to_ascii_lowercase());
        let named = candidate.label.as_ref().is_some_and(|label| {
            let rest = reference.strip_prefix(&candidate.kind);
            rest == Some("") || rest.and_then(|rest| rest.strip_prefix(':')) == Some(label)
        });
        ends || named
    };
    let found: Vec<_> = candidates.iter().enumerate().filter(|(_, candidate)| meant(candidate)).collect();
    match found.as_slice() {
        [(index, _)] => Ok(*index),
        [] => Err(not_found(what, reference)),
        several => {
            let list: Vec<_> = several.iter().map(|(_, candidate)| candidate.to_string()).collect();
            let message = format!("'{reference}' may be any of {}: {}", several.len(), list.join(", "));
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
    Error::new(Exit::NotFound, code, format!("there is no {what} '{reference}'")).remedy(format!("see `{list}`"))
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
    fn an_id_a_unique_end_a_kind_and_a_label_name_a_connection() {
        check("01890a5d-ac96-774b-bcce-b302099a8057", Ok(0));
        check("8057", Ok(0));
        check("C302099A8058", Ok(2));
        check("acme:work", Ok(0));
        check("acme:home: mine", Ok(1));
        check("beef", Ok(2));
    }

    #[test]
    fn what_names_several_is_refused_with_the_candidates() {
        check("8058", Err((Exit::Usage, "ambiguous")));
        check("acme", Err((Exit::Usage, "ambiguous")));
        let error = choose("connection", "acme", &candidates()).expect_err("there are two");
        assert!(error.to_string().contains("acme:work (099a8057), acme:home: mine (099a8058)"), "{error}");
    }

    #[test]
    fn what_names_none_is_not_found() {
        for reference in ["", "9999", "acme:", "acme:Work", "acm", "gone", "work", "beef:home"] {
            check(reference, Err((Exit::NotFound, "not_found")));
        }
    }
}
