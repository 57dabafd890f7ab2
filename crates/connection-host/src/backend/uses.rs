//! The record of use.

use async_trait::async_trait;
use connection_api::{ErasedUses, UsePage};
use connection_client::UsesFilter;
use connection_contract::Timestamp;
use connection_core::{Cursor, UseFilter, UseOutcome};
use connection_server::view;

use super::{Local, Remote};
use crate::Error;

/// The number of uses on a page.
const PAGE: u32 = 500;
/// The word for uses without a recorded end.
const UNKNOWN: &str = "unknown";

/// Which uses are wanted. The times are in RFC 3339.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedUses {
    /// `agent:NAME`, `agent:ID` or `extension:NAME`.
    pub(crate) grantee: Option<String>,
    /// The id of a connection.
    pub(crate) connection: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) until: Option<String>,
}

/// The operations on the record of use.
#[async_trait(?Send)]
pub(crate) trait Uses {
    /// Returns a page of uses, newest first, from a position on.
    async fn uses(&self, wanted: &WantedUses, after: Option<&str>) -> Result<UsePage, Error>;

    /// Erases the texts of entries from before this time.
    async fn erase_uses(&self, before: Timestamp) -> Result<ErasedUses, Error>;
}

fn invalid(option: &str) -> Error {
    Error::usage(format!("the value of {option} is not valid"))
}

impl WantedUses {
    /// Returns the filter by token and outcome. An invalid one is refused before a server is asked.
    fn checked(&self) -> Result<UseFilter, Error> {
        let mut filter = UseFilter::new();
        if let Some(id) = &self.token {
            let remedy = "name the id of a token, as `connections tokens` prints it";
            filter = filter.token(id.parse().map_err(|_| invalid("--token").remedy(remedy))?);
        }
        if let Some(text) = &self.outcome {
            let outcome = if text == UNKNOWN { Some(None) } else { UseOutcome::parse(text).map(Some) };
            let remedy = "`connections help uses` lists the outcomes";
            filter = filter.outcome(outcome.ok_or_else(|| invalid("--outcome").remedy(remedy))?);
        }
        Ok(filter)
    }
}

impl Local {
    async fn use_filter(&self, wanted: &WantedUses) -> Result<UseFilter, Error> {
        let mut filter = wanted.checked()?;
        if let Some(text) = &wanted.grantee {
            let grantee = view::grantee(&self.registry, text).await?;
            filter = filter.grantee(&grantee.ok_or_else(|| invalid("--agent"))?);
        }
        if let Some(id) = &wanted.connection {
            filter = filter.connection(id.parse().map_err(|_| invalid("CONNECTION"))?);
        }
        if let Some(rule) = &wanted.rule {
            filter = filter.rule(rule.as_str());
        }
        let time = |text: &String| Timestamp::parse_rfc3339(text);
        if let Some(from) = wanted.from.as_ref().and_then(time) {
            filter = filter.from(from);
        }
        if let Some(until) = wanted.until.as_ref().and_then(time) {
            filter = filter.until(until);
        }
        Ok(filter)
    }
}

#[async_trait(?Send)]
impl Uses for Local {
    async fn uses(&self, wanted: &WantedUses, after: Option<&str>) -> Result<UsePage, Error> {
        let filter = self.use_filter(wanted).await?;
        Ok(view::uses(&self.registry, filter, after.map(Cursor::from), PAGE).await?)
    }

    async fn erase_uses(&self, before: Timestamp) -> Result<ErasedUses, Error> {
        Ok(ErasedUses { erased: self.registry.uses().erase(before).await? })
    }
}

#[async_trait(?Send)]
impl Uses for Remote {
    async fn uses(&self, wanted: &WantedUses, after: Option<&str>) -> Result<UsePage, Error> {
        wanted.checked()?;
        let WantedUses { grantee, connection, token, rule, outcome, from, until } = wanted;
        let filter = UsesFilter::new().limit(PAGE);
        let filter = grantee.iter().fold(filter, UsesFilter::grantee);
        let filter = connection.iter().fold(filter, UsesFilter::connection);
        let filter = token.iter().fold(filter, UsesFilter::token);
        let filter = rule.iter().fold(filter, UsesFilter::rule);
        let filter = outcome.iter().fold(filter, UsesFilter::outcome);
        let filter = from.iter().fold(filter, UsesFilter::from);
        let filter = until.iter().fold(filter, UsesFilter::until);
        Ok(self.client.uses(&after.into_iter().fold(filter, UsesFilter::after)).await?)
    }

    async fn erase_uses(&self, before: Timestamp) -> Result<ErasedUses, Error> {
        Ok(self.client.erase_uses(&before.to_rfc3339()).await?)
    }
}
