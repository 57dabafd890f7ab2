//! Runs a plugin's refresher, contained. A panic, a timeout or a fault becomes a reason, and the stored credential
//! stays.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    BoxFuture, ConnectionError, HttpError, HttpRequest, HttpResponse, HttpService, NotLive, Reason, RefreshContext,
    RefreshSemantics, Refreshed, Secret, Timestamp, reason,
};
use connection_egress::{Egress, LastAnswer};

use super::{
    System, Trigger,
    lease::{Lease, deadline},
    target::Target,
};
use crate::{
    Error,
    asked::Asked,
    contain::{Contained, contain},
    credential::{CredentialServices, Operation, Subject, repeated},
    exchange::{
        AnsweredExchange, ConnectionSpends, ExchangeKey, MAX_REFRESH, SEND_WITHIN, Spender, Uncertain, end_of_unknown,
        unknown,
    },
    kinds::KindEntry,
    limits,
    plan::Plan,
};

/// The longest run of a refresher, including the request that it sent last. Its lease is extended meanwhile.
const MAX_DURATION: Duration = Duration::from_secs(45);
/// The time after `MAX_DURATION` until a refresher that never yields is abandoned on its thread.
const GRACE: Duration = Duration::from_secs(1);

// However long the host's policy lets a request take, it ends while the lease is extended.
const _: () = assert!(SEND_WITHIN.as_secs() + MAX_REFRESH.as_secs() <= MAX_DURATION.as_secs());

/// The result of a refresher's run.
pub(super) enum Outcome {
    Renewed(Box<Refreshed<Secret>>),
    /// The plugin has judged the answer of the provider.
    Failed(NotLive),
    /// The plugin is at fault. The answers stay recorded for the next attempt.
    Fault(NotLive),
    /// An intent or an answer could not be recorded, so no further request was sent.
    Stuck(Error),
}

/// The result of an attempt, with its exchanges.
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// The answers that the commit of the refreshed credential deletes.
    pub(super) keys: Vec<ExchangeKey>,
    /// The answers that the record of the failure deletes.
    pub(super) judged: Vec<ExchangeKey>,
    /// The answer on which the plugin based its result, if its status was a success.
    pub(super) yes: Option<AnsweredExchange>,
    /// The exchange whose answer was lost.
    pub(super) uncertain: Option<Uncertain>,
    /// The exchange whose answer came and is lost, such as one that is kept no longer.
    pub(super) lost: Option<ExchangeKey>,
    /// `true` if the attempt passed over an answer that is kept.
    pub(super) is_kept: bool,
    /// The time from which a forced refresh sends the token, if an answer is kept and the last request might still arrive.
    pub(super) sends_from: Option<Timestamp>,
    /// The origin that the plugin asked last.
    pub(super) asked: Asked,
    /// The end of the last request, as a reason says it.
    pub(super) end: Option<String>,
}

impl Attempt {
    /// Returns an attempt that spent nothing.
    pub(super) fn of(outcome: Outcome) -> Self {
        let asked = Asked::default();
        Self {
            outcome,
            keys: Vec::new(),
            judged: Vec::new(),
            yes: None,
            uncertain: None,
            lost: None,
            is_kept: false,
            sends_from: None,
            asked,
            end: None,
        }
    }
}

/// Makes an attempt that passes over the kept answers to the exchanges `passed`.
pub(super) async fn attempt(
    system: &Arc<System>,
    target: &Target<'_>,
    subject: Subject,
    lease: &mut Lease,
    passed: &[ExchangeKey],
) -> Attempt {
    let kind = &target.kind;
    // The caller has checked that the kind refreshes its credentials.
    let semantics = kind.capabilities.refresh.unwrap_or(RefreshSemantics::Strict);
    let spender = Spender {
        id: subject.id,
        owner: &subject.owner,
        kind: kind.kind(),
        generation: target.generation,
        spends_restored: target.why == Trigger::Forced,
        passed,
    };
    let egress = subject.payload.egress(&subject.owner, Operation::Refresh);
    let heard = LastAnswer::default();
    heard.covers(subject.payload.secrets());
    let egress = Egress { heard: heard.clone(), ..egress };
    let spends = Arc::new(ConnectionSpends::new(&system.exchange, spender, semantics, egress, deadline(system, lease)));
    let running = run(system, kind, subject, spends.clone(), heard.clone());
    let outcome = match lease.extended(running).await {
        Outcome::Failed(why) => Outcome::Failed(heard.describe_reason(why, system.ground.clock.now())),
        outcome => outcome,
    };
    Attempt {
        outcome,
        keys: spends.keys(),
        judged: spends.keys_to_settle(),
        yes: spends.accepted(),
        uncertain: spends.uncertain(),
        lost: spends.lost(),
        is_kept: false,
        sends_from: None,
        asked: Asked::of(&heard),
        end: end(&target.plan, &heard),
    }
}

/// Returns how the last request ended. If the attempt sent none because an earlier one is unclear, returns how that ended.
fn end(plan: &Plan, heard: &LastAnswer) -> Option<String> {
    let former = plan.reason().and_then(end_of_unknown).filter(|_| heard.origin().is_none());
    former.map(str::to_owned).or_else(|| heard.end())
}

/// An HTTP service that reports to the spending requests that another request was made.
struct ObservedHttp<'a> {
    http: &'a dyn HttpService,
    spends: &'a ConnectionSpends,
}

impl HttpService for ObservedHttp<'_> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        self.spends.record_other_request();
        self.http.send(request)
    }
}

async fn run(
    system: &Arc<System>,
    kind: &Arc<KindEntry>,
    subject: Subject,
    spends: Arc<ConnectionSpends>,
    heard: LastAnswer,
) -> Outcome {
    // The core decides to refresh, so no person is there to use a login window.
    let services = match CredentialServices::of(&system.ground, kind, &subject, Operation::Refresh).await {
        Ok(services) => services.unattended().hearing(heard),
        Err(error) => return Outcome::Stuck(error),
    };
    let is_stable = kind.capabilities.refresh == Some(RefreshSemantics::Stable);
    let clock = system.ground.clock.clone();
    let definition = kind.definition.clone();
    let spending = spends.clone();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let http = ObservedHttp { http: &http, spends: &spending };
        let ctx = RefreshContext::new(services.services(&http).spend(&*spending), &connection);
        let refresh = || definition.refresh(&subject.payload.credential, &ctx);
        contain(&*clock, MAX_DURATION, refresh, || spending.is_stopped(), || {}).await
    };
    let ended = match system.ground.runtimes.run(&*system.ground.clock, MAX_DURATION + GRACE, task).await {
        Contained::Ended(ended) => ended,
        Contained::Panicked => Contained::Panicked,
        Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
    };
    let fault = |code, message| Outcome::Fault(NotLive::failing(Reason::new(code, message).remedy(limits::REPORT)));
    if let Some(error) = spends.stopped() {
        return Outcome::Stuck(error);
    }
    let result = match ended {
        Contained::Ended(result) => result,
        Contained::Panicked => return fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        // The process was stopped, or the provider is silent. The next attempt finds out what became of the request.
        Contained::Stopped | Contained::TimedOut if spends.is_out() && !is_stable => {
            return Outcome::Fault(NotLive::offline(unknown(Some("its request has no answer yet"))));
        }
        Contained::Stopped | Contained::TimedOut => {
            return fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time");
        }
    };
    match result {
        Ok(Some(refreshed)) => match limits::refreshed(refreshed) {
            Ok(refreshed) => Outcome::Renewed(Box::new(repeated::refreshed(&system.ground, kind, refreshed).await)),
            Err(problem) => fault(reason::PLUGIN_FAULT, problem),
        },
        Ok(None) => fault(reason::PLUGIN_FAULT, "the plugin no longer renews credentials"),
        Err(ConnectionError::NotLive(not_live)) => match limits::not_live(not_live) {
            // The plugin could not write the fresh credential. The provider must not be asked for it a second time.
            why if why.reason.code == reason::PLUGIN_FAULT => Outcome::Fault(why),
            why => Outcome::Failed(why),
        },
        Err(ConnectionError::Credential(_)) => {
            let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot read the stored credential");
            Outcome::Fault(NotLive::failing(unreadable.remedy(reason::AUTHORIZE_AGAIN)))
        }
        Err(ConnectionError::Service(_)) => {
            Outcome::Fault(NotLive::offline(Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")))
        }
        Err(_) => fault(reason::PLUGIN_FAULT, "the plugin could not renew the credential"),
    }
}
