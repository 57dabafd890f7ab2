//! Requests about which a rule says that a person is asked.

use connection_contract::{DisplayText, HttpRequest, Secret, encode};
use connection_rules::{Place, RequestParts};

use super::question::{self, MAX_BODY, Question};
use crate::{
    AgentCaller, Connection, Error, Permit, RequestBody, RuleError,
    approval::{self, Facts, Scope},
    connection::{ReadBody, invalid_body},
    store::rows::AgentGrantKey,
    uses::UsedBy,
};

/// The maximum length of the id of a message of JSON-RPC that is answered as such, in bytes.
const MAX_MESSAGE_ID: usize = 256;

/// A request that can be sent, and about which a rule says that a person is asked.
pub(super) struct Asking<'a> {
    pub(super) caller: &'a AgentCaller,
    pub(super) connection: &'a Connection,
    pub(super) permit: &'a Permit,
    /// The request as it is sent, without its body.
    pub(super) request: &'a HttpRequest,
}

impl Asking<'_> {
    /// Returns the body of the request, if something widens the grant for it. Otherwise, a person is asked.
    ///
    /// # Errors
    ///
    /// [`RuleError::Asks`] with the approval to which the request belongs, [`RuleError::AsksTooLong`],
    /// [`RuleError::TooManyApprovals`], [`Error::Frozen`], and the errors of reading the body.
    pub(super) async fn pass(
        self,
        parts: RequestParts,
        body: RequestBody,
        by: &mut UsedBy,
    ) -> Result<RequestBody, Error> {
        let Self { caller, connection, permit, request } = self;
        let (agent, ground) = (caller.agent(), &connection.system.ground);
        let grantee: DisplayText = agent.name().to_owned().into();
        let rule = by.rule.as_ref().map(|(rule, _)| rule.clone()).unwrap_or_default();
        connection.check_frozen().await?;
        let read = body.read_within(MAX_BODY, &*ground.clock, ground.http.policy().idle_timeout()).await;
        let read = read.map_err(invalid_body)?;
        let widened = scope(&rule, &parts);
        let body = match read {
            ReadBody::Whole(body) => body,
            // A request that is too long to be stored has no approval.
            ReadBody::Longer(body) => {
                return match self.passes(&widened).await? {
                    true => Ok(body),
                    false => Err(RuleError::AsksTooLong { grantee, rule: rule.into() }.into()),
                };
            }
        };
        let same = approval::same(&ground.sealer, agent.id(), connection.id(), &parts, &body);
        let known = approval::found(&mut ground.reader().await?, ground, agent.id(), &same).await?;
        // A request that has an approval is not sent a second time by a widening of the grant.
        if let Some(known) = known {
            by.approval = Some(known.id);
            return Err(RuleError::Asks { grantee, rule: rule.into(), approval: Some(known.id) }.into());
        }
        if self.passes(&widened).await? {
            return Ok(RequestBody::whole(Secret::new(body)));
        }
        let info = connection.info();
        let (method, origin, path) = connection.what_of(request).request.unwrap_or_default();
        let facts = Facts {
            account_id: info.identity.account_id.to_string(),
            account_label: info.identity.label.to_string(),
            agent: agent.name().to_owned(),
            door: by.door,
            label: info.label.to_string(),
            message: message_id(&body),
            method,
            origin: origin.unwrap_or_default(),
            path,
            revision: permit.revision(),
            rule: rule.clone(),
            terms: info.terms.as_deref().map(encode::hex),
            token: by.token.map(|token| token.as_uuid()),
            ..Facts::default()
        };
        let question = Question {
            agent: agent.id(),
            facts,
            connection: connection.id(),
            owner: agent.owner_name().to_owned(),
            kind: info.kind.to_string(),
            parts,
            body,
            same,
        };
        let approval = question::ask(ground, question).await?;
        by.approval = Some(approval);
        Err(RuleError::Asks { grantee, rule: rule.into(), approval: Some(approval) }.into())
    }

    /// Returns `true` if something widens the grant for these requests, and takes one of them.
    async fn passes(&self, scope: &Scope) -> Result<bool, Error> {
        let (agent, ground) = (self.caller.agent(), &self.connection.system.ground);
        let grant = AgentGrantKey { owner: agent.owner_name(), agent: agent.id(), connection: self.connection.id() };
        let revision = self.permit.revision();
        let widening = approval::widening_of(&mut ground.reader().await?, ground, grant, revision, scope).await?;
        let Some(widening) = widening else { return Ok(false) };
        Ok(ground.store.write(move |tx| Box::pin(async move { tx.take_widening(&widening).await })).await?)
    }
}

/// Returns the id of the message, as JSON, if the body is one message of JSON-RPC that wants a response (JSON-RPC 2.0,
/// section 4).
fn message_id(body: &[u8]) -> Option<String> {
    let message: serde_json::Value = serde_json::from_slice(body).ok()?;
    let id = message.get("id").filter(|id| id.is_string() || id.is_number())?;
    let is_message = message.get("jsonrpc").and_then(|version| version.as_str()) == Some("2.0");
    Some(id.to_string()).filter(|id| is_message && id.len() <= MAX_MESSAGE_ID)
}

/// Returns the requests that a widening for this one would let pass.
pub(crate) fn scope(rule: &str, parts: &RequestParts) -> Scope {
    let path = parts.target.split('?').next().unwrap_or_default().to_owned();
    let origin = match &parts.place {
        Place::Base => None,
        Place::Origin(origin) => Some(origin.clone()),
    };
    Scope { rule: rule.to_owned(), method: parts.method.clone(), origin, path }
}
