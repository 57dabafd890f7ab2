//! The health of a connection over the last days, from its record of events.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{Health, HealthDay};
use connection_contract::Timestamp;
use connection_core::{ConnectionId, Event};
use serde_json::Value;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToRead},
    openapi::refusals::NotFound,
    path::Path,
    problem::Problem,
};

const DAY: i64 = 86_400;
const USUAL_DAYS: i64 = 30;
const MAX_DAYS: i64 = 90;

/// Adds seconds in a state, which is a word such as `live`.
fn add(day: &mut HealthDay, state: &str, seconds: i64) {
    match state {
        "live" => day.live += seconds,
        "offline" => day.offline += seconds,
        "failing" => day.failing += seconds,
        _ => {}
    }
}

/// The changes of a state, in the order of time: each is a time in seconds and the state that began then.
struct States(Vec<(i64, String)>);

impl States {
    fn read(&mut self, event: &Event) {
        let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
        if event.name == "removed" {
            self.0.push((event.at.seconds(), String::new()));
        } else if let Some(state) = details["liveness"].as_str() {
            self.0.push((event.at.seconds(), state.to_owned()));
        }
    }

    /// Returns the seconds in each state of the last `count` days, which end at `now`.
    fn days(&self, now: i64, count: i64) -> Vec<HealthDay> {
        let first = (now.div_euclid(DAY) - count + 1) * DAY;
        let starts = (0..count).map(|index| first + index * DAY);
        let mut days: Vec<HealthDay> = starts
            .map(|start| {
                let mut day = Timestamp::from_seconds(start).to_rfc3339();
                day.truncate("2027-01-15".len());
                HealthDay { day, live: 0, offline: 0, failing: 0 }
            })
            .collect();
        let ends = self.0.iter().skip(1).map(|(at, _)| *at).chain([now]);
        for ((began, state), ended) in self.0.iter().zip(ends) {
            // The clock of another process may be ahead.
            let (mut from, until) = ((*began).max(first), ended.min(now));
            while from < until {
                let index = (from - first).div_euclid(DAY);
                let midnight = first + (index + 1) * DAY;
                let to = until.min(midnight);
                if let Some(day) = usize::try_from(index).ok().and_then(|index| days.get_mut(index)) {
                    add(day, state, to - from);
                }
                from = to;
            }
        }
        days
    }
}

/// Returns the states of a connection over the last days, 30 unless `days` says otherwise.
#[utoipa::path(
    get,
    path = "/connections/{id}/health",
    params(("id" = String, Path), ("days" = Option<u32>, Query, minimum = 1, maximum = 90)),
    responses((status = 200, body = Health), NotFound)
)]
pub(super) async fn health(
    State(api): State<Api>,
    caller: Caller<ToRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let days = caller.query.parsed("days", |text| text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)))?;
    let events = caller.registry.events();
    let mut states = States(Vec::new());
    let mut after = None;
    loop {
        let page = events.history(id, after).await?.page;
        page.items.iter().for_each(|event| states.read(event));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let now = api.registry.clock().now().seconds();
    Ok(json(StatusCode::OK, &Health { days: states.days(now, days.unwrap_or(USUAL_DAYS)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, live: i64, offline: i64, failing: i64) -> HealthDay {
        HealthDay { day: day.to_owned(), live, offline, failing }
    }

    fn states(of: &[(i64, &str)]) -> States {
        States(of.iter().map(|(at, state)| (*at, (*state).to_owned())).collect())
    }

    /// 2027-01-15T08:00:00Z.
    const NOW: i64 = 1_800_000_000;
    const EIGHT_HOURS: i64 = 8 * 3600;

    #[test]
    fn a_state_lasts_until_the_next_one_and_over_midnight() {
        let of = states(&[(NOW - 2 * DAY, "live"), (NOW - DAY, "failing"), (NOW - 3600, "live")]);
        assert_eq!(
            of.days(NOW, 3),
            [
                day("2027-01-13", DAY - EIGHT_HOURS, 0, 0),
                day("2027-01-14", EIGHT_HOURS, 0, DAY - EIGHT_HOURS),
                day("2027-01-15", 3600, 0, EIGHT_HOURS - 3600),
            ]
        );
    }

    #[test]
    fn what_began_before_the_first_day_counts_from_its_beginning() {
        let of = states(&[(NOW - 90 * DAY, "offline")]);
        assert_eq!(of.days(NOW, 2), [day("2027-01-14", 0, DAY, 0), day("2027-01-15", 0, EIGHT_HOURS, 0)]);
    }

    #[test]
    fn nothing_counts_before_the_first_event_after_a_removal_or_in_an_unknown_state() {
        assert_eq!(states(&[]).days(NOW, 1), [day("2027-01-15", 0, 0, 0)]);
        let of = states(&[(NOW - 7200, "unknown"), (NOW - 3600, "live"), (NOW - 1800, "")]);
        assert_eq!(of.days(NOW, 1), [day("2027-01-15", 1800, 0, 0)]);
    }

    #[test]
    fn a_clock_that_is_ahead_or_goes_back_adds_no_time() {
        let of = states(&[(NOW - 3600, "live"), (NOW + 600, "failing"), (NOW - 60, "live")]);
        assert_eq!(of.days(NOW, 1), [day("2027-01-15", 3600 + 60, 0, 0)]);
    }
}
