//! The narrowest rules that cover what the record shows of an agent.

use std::collections::HashSet;

use connection_contract::{BoxFuture, Timestamp};
use connection_rules::{MadeRequest, Profile, Rules};

use super::uses::{Use, UseFilter, Uses};
use crate::{Agent, AgentError, ConnectionId, Error, Grantee, UseOutcome};

/// The maximum number of uses from which rules are learned.
const MAX_USES: u64 = 100_000;

/// Rules that were [learned](Uses::learn) from the record.
///
/// ```
/// use connection_core::LearnedRules;
///
/// fn summary(learned: &LearnedRules) -> String {
///     format!("{} requests: {}", learned.requests, learned.rules.words().join(", "))
/// }
/// # let _ = summary;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LearnedRules {
    /// The rules, with the budget and the end of the present ones.
    pub rules: Rules,
    /// The number of allowed requests on record that the present rules cover, and these, too.
    pub requests: u64,
    /// The number of requests that were denied or asked about.
    pub refused: u64,
}

/// What is learned from the record.
///
/// ```
/// use connection_core::LearnFrom;
///
/// let everything = LearnFrom::new().refused(true);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LearnFrom {
    since: Option<Timestamp>,
    refused: bool,
}

impl LearnFrom {
    /// Learns from all requests on record that were sent or asked about.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns from requests since this time.
    #[must_use]
    pub fn since(self, since: Timestamp) -> Self {
        Self { since: Some(since), ..self }
    }

    /// Also learns from requests that were denied because no rule is about them.
    #[must_use]
    pub fn refused(self, refused: bool) -> Self {
        Self { refused, ..self }
    }
}

impl<'a> Uses<'a> {
    /// Returns the narrowest rules that cover what the record shows of an agent that uses this connection, as
    /// [`Rules::learn`] describes it. At most the last 100,000 uses are read, and nothing is changed.
    ///
    /// # Errors
    ///
    /// [`AgentError::NotGranted`] without a grant in force; [`Error::NotFound`] if there is no such connection; and the
    /// store's errors.
    pub fn learn(
        self,
        agent: &'a Agent,
        connection: ConnectionId,
        from: LearnFrom,
    ) -> BoxFuture<'a, Result<LearnedRules, Error>> {
        Box::pin(async move {
            let now = self.registry.clock().now();
            let mut grants = agent.grants().await?.into_iter();
            let grant = grants.find(|grant| grant.connection == connection && grant.is_live(now));
            let not_granted = || AgentError::NotGranted { agent: agent.name().to_owned().into(), connection };
            let rules = grant.ok_or_else(not_granted)?.rules;
            let used = self.registry.connection(connection).await?;
            let kind = &used.info().kind;
            let seats = self.registry.kinds().seats(kind).await?;
            let found = self.registry.kinds().find(kind).await?;
            let profile = found.map_or_else(Profile::strict, |kind| Profile::of_kind(&kind.descriptor, seats));
            let base = used.base_url().await?.to_string();
            let reader = Reader { rules: &rules, profile: &profile, base: base.trim_end_matches('/') };

            let filter = UseFilter::new().grantee(&Grantee::Agent(agent.id())).connection(connection);
            let filter = match from.since {
                Some(since) => filter.from(since),
                None => filter,
            };
            let (mut made, mut before, mut read) = (HashSet::new(), None, 0);
            let mut learned = LearnedRules { rules: rules.clone(), requests: 0, refused: 0 };
            loop {
                let page = self.list(filter.clone(), before, 1000).await?;
                for of in &page.items {
                    read += 1;
                    let Some((request, is_refused)) = reader.request(of) else { continue };
                    if !is_refused && !rules.covers(&request) {
                        // The grant was another one.
                        continue;
                    }
                    let count = of.end.as_ref().map_or(1, |end| end.count);
                    *(if is_refused { &mut learned.refused } else { &mut learned.requests }) += count;
                    made.insert(request);
                }
                before = page.next;
                if before.is_none() || read >= MAX_USES {
                    break;
                }
            }
            learned.rules = rules.learn(&made.into_iter().collect::<Vec<_>>(), from.refused);
            Ok(learned)
        })
    }
}

/// What is needed to read a request from the record.
struct Reader<'r> {
    rules: &'r Rules,
    profile: &'r Profile,
    /// The base address of the connection, without a `/` at its end.
    base: &'r str,
}

impl Reader<'_> {
    /// Returns the request of a use, and whether it was denied or asked about; `None` if no rule is about it.
    fn request(&self, of: &Use) -> Option<(MadeRequest, bool)> {
        let is_refused = match of.end.as_ref().map(|end| end.outcome) {
            Some(UseOutcome::Denied | UseOutcome::Asked) => true,
            Some(UseOutcome::Ambiguous | UseOutcome::Budget | UseOutcome::Frozen | UseOutcome::NotGranted) => {
                return None;
            }
            _ => false,
        };
        let (method, path) = of.method.as_deref().zip(of.path.as_deref())?;
        let rule = self.rules.rules().iter().find(|rule| Some(rule.name()) == of.rule.as_deref());
        // The host may record the path of the rule in place of that of the request.
        let template = rule.filter(|rule| rule.path().is_some_and(|pattern| pattern.to_string() == path));
        let request = match template.and_then(|rule| Some((rule, rule.path()?.clone()))) {
            Some((rule, pattern)) => MadeRequest::of_pattern(method, pattern)?.from_origin(rule.is_from_origin()),
            None => {
                let address = format!("{}{path}", of.origin.as_deref().unwrap_or_default());
                let below = address.strip_prefix(self.base).filter(|below| below.is_empty() || below.starts_with('/'));
                let request = MadeRequest::read(method, below.unwrap_or(path), self.profile)?;
                request.from_origin(below.is_none())
            }
        };
        Some((request.by(of.rule.clone()).refused(is_refused), is_refused))
    }
}
