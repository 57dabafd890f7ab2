//! `verify` on a server: it asks the providers.

use std::collections::BTreeMap;

use connection_client::ConnectionFilter;
use connection_contract::Liveness;
use indicatif::ProgressBar;

use super::{
    super::{
        list,
        usage::concurrent,
        verify::{Paused, not_verified, progress},
    },
    use_connection::identities,
};
use crate::{
    Error, Exit,
    output::without_line,
    remote::{self, Remote, RemotePages},
};

/// The number of connections that are verified at once.
const AT_ONCE: usize = 8;

pub(super) async fn run(mut remote: Remote, references: &[String], is_now: bool) -> Result<Exit, Error> {
    let mut rows = BTreeMap::new();
    if references.is_empty() {
        let mut pages = RemotePages::new(&remote.client, ConnectionFilter::new());
        while let Some(page) = pages.next().await? {
            rows.extend(page.into_iter().map(|info| (info.id, info)));
        }
    }
    for reference in references {
        let info = remote::shown(&remote.find(reference).await?)?;
        rows.insert(info.id, info);
    }
    let mut paused = Paused::before(rows.values(), is_now);
    let only = rows.values().next().filter(|_| rows.len() == 1).map(|info| info.kind.clone());
    if let Some(kind) = &only {
        remote.look_at_kind(kind).await?;
    }
    let bar = if only.is_some() { ProgressBar::hidden() } else { progress(rows.len()) };
    let requests = rows.keys().map(|id| {
        let client = remote.client.clone();
        let bar = bar.clone();
        let id = *id;
        async move {
            let id_text = id.to_string();
            let answer = if is_now { client.verify_now(&id_text).await } else { client.verify(&id_text).await };
            bar.inc(1);
            (id, answer)
        }
    });
    let answers = concurrent::all(AT_ONCE, requests.collect::<Vec<_>>());
    let answers = match &only {
        Some(kind) => remote.common.output.waiting(remote.common.provider(kind), answers).await,
        None => {
            let _bar_is_shown = without_line();
            answers.await
        }
    };
    bar.finish_and_clear();
    let mut errors = Vec::new();
    for (id, answer) in answers {
        match answer {
            Ok(connection) => drop(rows.insert(id, remote::connection(&connection)?)),
            Err(error) => errors.push(not_verified(error.into(), rows.get(&id))),
        }
    }
    let live = rows.values().all(|info| info.liveness == Liveness::Live);
    let rows: Vec<_> = rows.into_values().collect();
    let output = &remote.common.output;
    let identities = if output.json { Default::default() } else { identities(&remote, &rows).await? };
    paused.retain(&rows);
    list::print(output, rows, identities)?;
    paused.print(output)?;
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None if live => Ok(Exit::Fine),
        None => Ok(Exit::NotLive),
    }
}
