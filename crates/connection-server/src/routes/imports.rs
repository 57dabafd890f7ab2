//! Imports of connections that another program made.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{ImportOutcome, ImportResult, ImportedRow, Imports, Reason};
use connection_core::{ConnectionRegistry, Error, StoreError};

use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage},
    convert,
    once::{Made, Once, not_shown_again},
    openapi::refusals::Conflict,
    problem::Problem,
};

/// The maximum number of rows of a request.
const MAX_ROWS: usize = 1000;

fn too_many() -> Problem {
    let problem = Problem::invalid(format!("a request imports at most {MAX_ROWS} connections")).field("rows");
    problem.remedy("send the rest in another request")
}

fn wrong(member: &str) -> Reason {
    let remedy = "see the shape of a row in the OpenAPI document of this API";
    Reason {
        code: "invalid_input".to_owned(),
        message: format!("the row has a wrong '{member}'"),
        remedy: Some(remedy.to_owned()),
        provider_text: None,
    }
}

/// Imports connections that another program made. A row that is refused keeps no other one from being stored. A request
/// that is repeated with the same `Idempotency-Key` gets 409 with the ids of the connections in `made`, separated by
/// commas. If the database fails during the import, the answer is 503, also with the ids of what is known to be imported
/// in `made`. A repetition with the same key then imports the rows if none was imported, and otherwise gets 409.
#[utoipa::path(
    post,
    path = "/imports",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = Imports,
    responses((status = 200, body = ImportResult), Conflict)
)]
pub(super) async fn import(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<Imports>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let make = async move |body: Imports| {
        if body.rows.len() > MAX_ROWS {
            return Err(too_many());
        }
        let (result, failure) = imported(&registry, body).await;
        let ids: Vec<_> = result.items.iter().filter_map(|row| row.outcome.id.as_deref()).collect();
        let id = ids.join(",");
        match failure {
            None => Ok(Made { id, answer: Ok(json(StatusCode::OK, &result)) }),
            Some(failure) if id.is_empty() => Err(failure),
            Some(failure) => Err(failure.made(id)),
        }
    };
    let again = async |ids| {
        let remedy = "read those connections, and send the rows that are missing with another key";
        Err(not_shown_again("this request has imported connections, and its result is not kept", remedy, ids))
    };
    // A request that was interrupted after its last transaction has imported every row.
    let rows = once.body().rows.len();
    let is_whole = |ids: &str| !ids.is_empty() && ids.split(',').count() == rows;
    once.run_in_parts(&api, make, again, is_whole).await
}

/// Returns the result of each row, and the first failure of the store, after which it is not known what was stored.
async fn imported(registry: &ConnectionRegistry, body: Imports) -> (ImportResult, Option<Problem>) {
    let mut failure = None;
    let mut items = Vec::new();
    let mut rows = Vec::new();
    for (row, number) in body.rows.into_iter().zip(1..) {
        let (kind, label) = (row.kind.clone(), row.label.clone());
        let error = match convert::import(row) {
            Ok(import) => {
                items.push(import);
                None
            }
            Err(member) => Some(wrong(member)),
        };
        let outcome = ImportOutcome { id: None, label, liveness: None, error };
        rows.push(ImportedRow { row: number, kind, outcome });
    }
    let begin = registry.import_all(items);
    let begin = if body.again { begin.again() } else { begin };
    let mut results = if body.verify { begin.verify() } else { begin }.start();
    let mut result = ImportResult::default();
    for mut row in rows {
        // There is one result for each row without a problem.
        if row.outcome.error.is_none()
            && let Some(imported) = results.next().await
        {
            match imported {
                Ok(imported) => row.outcome = convert::import_outcome(&imported),
                Err(error) => {
                    row.outcome.error = Some(convert::error(&error));
                    if failure.is_none() && is_failure_of_store(&error) {
                        failure = Some(error.into());
                    }
                }
            }
        }
        let count = match &row.outcome.error {
            None => &mut result.imported,
            Some(error) if error.code == "account_connected" => &mut result.connected,
            Some(_) => &mut result.refused,
        };
        *count += 1;
        result.items.push(row);
    }
    (result, failure)
}

/// Returns `true` for an error of the store that does not concern one row.
fn is_failure_of_store(error: &Error) -> bool {
    match error {
        Error::Closed => true,
        Error::Store(error) => !matches!(
            **error,
            StoreError::ChangedMeanwhile { .. }
                | StoreError::Conflict { .. }
                | StoreError::Panicked
                | StoreError::Refused { .. }
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_reached_fails_the_import_and_a_refused_row_does_not() {
        let place = || "a database".to_owned();
        for (error, fails) in [
            (StoreError::Busy { place: place() }, true),
            (StoreError::Unavailable { place: place(), detail: String::new() }, true),
            (StoreError::Closed, true),
            (StoreError::ChangedMeanwhile { what: "" }, false),
            (StoreError::Conflict { what: String::new() }, false),
            (StoreError::Refused { place: place(), detail: String::new() }, false),
        ] {
            assert_eq!(is_failure_of_store(&Error::from(error.clone())), fails, "{error}");
        }
    }
}
