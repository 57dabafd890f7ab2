//! The costs of an organization in the current month, from its provider's documented API. The request needs an admin
//! key.

use connection_contract::prelude::*;

use crate::{
    key,
    session::number,
    spec::{Costs, Tool},
};

/// Maximum number of days on a page. No month has more.
const DAYS: &str = "31";
/// Maximum number of pages. It suffices for a month even if the provider sends one day per page.
const MAX_PAGES: usize = 31;

/// Returns the money spent since the first of the month, in UTC, as both providers count.
pub(crate) async fn this_month(
    tool: &Tool,
    costs: Costs,
    admin_key: &Secret,
    ctx: &Context<'_>,
) -> Result<MonthlySpend, NotLive> {
    let (start, end) = month(ctx.now());
    let mut spent = 0.0;
    let mut page = None::<String>;
    for _ in 0..MAX_PAGES {
        let mut request = first_page(tool, costs, start, ctx)?;
        if let Some(page) = page.take() {
            request = request.query("page", page.as_str());
        }
        tool.api.attach(admin_key, &mut request);
        let answer = key::accepted(tool, ctx.send(request).await).map_err(admin)?.json()?;
        let Value::List(days) = &answer["data"] else { return Err(JsonError::Field("data".into()).into()) };
        for result in days.iter().flat_map(|day| day["results"].items()) {
            spent += amount(costs, result).ok_or(JsonError::Field("amount".into()))?;
        }
        match (answer["has_more"].as_bool(), answer["next_page"].as_str()) {
            (Some(true), Some(next)) => page = Some(next.to_owned()),
            _ => return Ok(MonthlySpend::new("month", "This month", spent, start, end)),
        }
    }
    Err(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "the provider's report has no end")))
}

fn first_page(tool: &Tool, costs: Costs, since: Timestamp, ctx: &Context<'_>) -> Result<HttpRequest, NotLive> {
    let base = ctx.base_url(tool.api.origin)?;
    let request =
        match costs {
            Costs::Anthropic => HttpRequest::get(base, "/v1/organizations/cost_report")
                .query("starting_at", since.to_rfc3339().as_str()),
            Costs::OpenAi => HttpRequest::get(base, "/v1/organization/costs")
                .query("start_time", since.seconds().to_string().as_str()),
        };
    Ok(request.query("bucket_width", "1d").query("limit", DAYS))
}

/// Returns the amount in US dollars. Anthropic writes cents as decimal text, and OpenAI writes dollars as a number.
fn amount(costs: Costs, result: &Value) -> Option<f64> {
    let amount = match costs {
        Costs::Anthropic => number(&result["amount"]).map(|cents| cents / 100.0),
        Costs::OpenAi => number(&result["amount"]["value"]),
    };
    amount.filter(|dollars| dollars.is_finite())
}

fn admin(mut refused: NotLive) -> NotLive {
    if refused.reason.code == reason::FORBIDDEN {
        refused.reason.message = "the provider does not let the admin key read the costs".into();
    }
    if refused.reason.code == reason::UNAUTHORIZED {
        refused.reason.message = "the provider does not accept the admin key".into();
        let again = reason::AUTHORIZE_AGAIN;
        let remedy = format!("{again} with an admin key of the organization, or without one");
        refused.reason.remedy = Some(remedy.into());
    }
    refused
}

/// Returns the start of the current month and of the next one.
fn month(now: Timestamp) -> (Timestamp, Timestamp) {
    let text = now.to_rfc3339();
    let part = |range| text.get::<core::ops::Range<usize>>(range).and_then(|digits| digits.parse::<u32>().ok());
    let year = part(0..4).unwrap_or(1970);
    let month = part(5..7).unwrap_or(1);
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let first = |(year, month): (u32, u32)| Timestamp::parse_rfc3339(&format!("{year:04}-{month:02}-01T00:00:00Z"));
    (first((year, month)).unwrap_or(now), first(next).unwrap_or(now))
}
