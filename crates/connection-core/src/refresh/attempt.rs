//! Runs a plugin's refresher, contained: its panic, its hang and its fault are a reason, and the credential stays.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    BoxFuture, ConnectionError, HttpError, HttpRequest, HttpResponse, HttpService, NotLive, Reason, RefreshContext,
    RefreshSemantics, Refreshed, Secret, reason,
};

use super::{flight::Target, lease::Lease};
use crate::{
    Error,
    contain::{Contained, contain},
    exchange::{ConnectionSpends, ExchangeKey, LONGEST_REFRESH, SEND_WITHIN, Spender, Uncertain},
    limits,
    registry::{KindEntry, Shared},
    services::http::{Egress, LastAnswer},
    store::LEASE,
    verify::{HostServices, Subject},
};

/// A refresh ends within its lease, with the request that it sent last.
const LONGEST: Duration = Duration::from_secs(45);
/// After that a plugin spins, and only its thread knows.
const GRACE: Duration = Duration::from_secs(1);

// However patient the host's policy is: who takes the lease next finds nothing under way.
const _: () = assert!(SEND_WITHIN.as_secs() + LONGEST_REFRESH.as_secs() <= LONGEST.as_secs());
const _: () = assert!(LONGEST.as_secs() + GRACE.as_secs() < LEASE.cast_unsigned());

/// What came of it.
pub(super) enum Outcome {
    Renewed(Box<Refreshed<Secret>>),
    /// The plugin has judged what it was answered.
    Failed(NotLive),
    /// The plugin is at fault; what it was answered is kept for the next try.
    Fault(NotLive),
    /// Nothing could be recorded, so nothing more was sent.
    Stuck(Error),
}

/// With what was spent for it.
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// Answers to forget with what was made of them.
    pub(super) keys: Vec<ExchangeKey>,
    /// Answers to forget with a failure.
    pub(super) judged: Vec<ExchangeKey>,
    /// The one of these that is unclear, unless the plugin could read it.
    pub(super) yes: Option<ExchangeKey>,
    /// What may have been spent and was not answered.
    pub(super) uncertain: Option<Uncertain>,
}

impl Attempt {
    /// One for which nothing was spent.
    pub(super) const fn of(outcome: Outcome) -> Self {
        Self { outcome, keys: Vec::new(), judged: Vec::new(), yes: None, uncertain: None }
    }
}

pub(super) async fn attempt(shared: &Arc<Shared>, target: &Target<'_>, subject: Subject, lease: &Lease) -> Attempt {
    let kind = &target.kind;
    // Whoever comes here has looked.
    let semantics = kind.capabilities.refresh.unwrap_or(RefreshSemantics::Strict);
    let spender = Spender { id: subject.id, owner: &subject.owner, kind: kind.kind(), generation: target.generation };
    let (egress, heard) = (subject.payload.egress(&subject.owner), LastAnswer::default());
    let egress = Egress { heard: heard.clone(), ..egress };
    let spends = Arc::new(ConnectionSpends::new(shared, spender, semantics, egress, lease.deadline()));
    let outcome = match run(shared, kind, subject, spends.clone(), heard.clone()).await {
        Outcome::Failed(why) => Outcome::Failed(heard.named(why, shared.clock.now())),
        outcome => outcome,
    };
    Attempt {
        outcome,
        keys: spends.keys(),
        judged: spends.judged(),
        yes: spends.judged_yes(),
        uncertain: spends.uncertain(),
    }
}

/// Requests that spend nothing, which the spending ones want to know of.
struct Beside<'a> {
    http: &'a dyn HttpService,
    spends: &'a ConnectionSpends,
}

impl HttpService for Beside<'_> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        self.spends.asked_elsewhere();
        self.http.send(request)
    }
}

async fn run(
    shared: &Arc<Shared>,
    kind: &Arc<KindEntry>,
    subject: Subject,
    spends: Arc<ConnectionSpends>,
    heard: LastAnswer,
) -> Outcome {
    // Renewing is the core's: nobody is there to look at a window.
    let services = match HostServices::of(shared, kind, &subject).await {
        Ok(services) => services.unattended().hearing(heard),
        Err(error) => return Outcome::Stuck(error),
    };
    let (clock, definition, spending) = (shared.clock.clone(), kind.definition.clone(), spends.clone());
    let task = async move {
        let (connection, http) = (subject.connection(), services.http());
        let http = Beside { http: &http, spends: &spending };
        let ctx = RefreshContext::new(services.services(&http).spend(&*spending), &connection);
        let refresh = || definition.refresh(&subject.payload.credential, &ctx);
        contain(&*clock, LONGEST, refresh, || spending.is_stopped(), || {}).await
    };
    let ended = match shared.runtimes.run(&*shared.clock, LONGEST + GRACE, task).await {
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
        Contained::Stopped | Contained::TimedOut => {
            return fault(reason::PLUGIN_TIMEOUT, "the plugin did not come to an end in time");
        }
    };
    match result {
        Ok(Some(refreshed)) => match limits::refreshed(refreshed) {
            Ok(refreshed) => Outcome::Renewed(Box::new(refreshed)),
            Err(problem) => fault(reason::PLUGIN_FAULT, problem),
        },
        Ok(None) => fault(reason::PLUGIN_FAULT, "the plugin renews nothing any more"),
        Err(ConnectionError::NotLive(not_live)) => match limits::not_live(not_live) {
            // It could not write what it was given, which must not be asked for twice.
            why if why.reason.code == reason::PLUGIN_FAULT => Outcome::Fault(why),
            why => Outcome::Failed(why),
        },
        Err(ConnectionError::Credential(_)) => {
            let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot read the stored credential");
            Outcome::Fault(NotLive::failing(unreadable.remedy("authorize this connection again")))
        }
        Err(ConnectionError::Service(_)) => {
            Outcome::Fault(NotLive::offline(Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")))
        }
        Err(_) => fault(reason::PLUGIN_FAULT, "the plugin could not renew the credential"),
    }
}
