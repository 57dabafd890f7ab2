//! The requests that wait for a provider. Such a request gives its place to another one meanwhile, and an owner, a
//! provider and a server have a limited number of them, so that a provider that does not answer delays nobody else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use connection_contract::{Kind, Origin, host};
use connection_inbound::{RequestPlace, WaitingRequest};

use crate::{Api, problem::Problem};

/// The maximum number of requests of an owner at once.
const MAX_OF_OWNER: usize = 256;
/// The maximum number of requests to a provider at once.
const MAX_TO_PROVIDER: usize = 256;
/// The maximum number of requests of an owner to a provider at once. It is lower, so that the owner reaches other
/// providers, and other owners reach the provider.
const MAX_OF_OWNER_TO_PROVIDER: usize = 128;
/// The time limit for a request and the whole answer. A server that ends a request after a minute still gives the
/// answer, or the refusal, after a body and a place that took their time.
const DEADLINE: Duration = Duration::from_secs(40);

/// The number of requests of each share, in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sends(Arc<Mutex<BTreeMap<Share, usize>>>);

/// The provider for which a request waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Provider {
    /// The origin, or `None` for an address that the core refuses.
    Origin(Option<Origin>),
    /// The provider of a kind, whose plugin knows the address.
    OfKind(String),
}

/// The requests that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    Owner(String),
    OwnerToProvider(String, Provider),
    Provider(Provider),
}

impl Share {
    fn most(&self) -> usize {
        match self {
            Self::Owner(_) => MAX_OF_OWNER,
            Self::OwnerToProvider(..) => MAX_OF_OWNER_TO_PROVIDER,
            Self::Provider(_) => MAX_TO_PROVIDER,
        }
    }

    /// Returns the refusal of a request beyond the maximum. It does not say what other owners do.
    fn refusal(&self) -> Problem {
        let most = self.most();
        Problem::too_many_sends(match self {
            Self::Owner(_) => format!("{most} requests of this owner wait for providers"),
            Self::OwnerToProvider(..) => format!("{most} requests of this owner wait for this provider"),
            Self::Provider(_) => "as many requests wait for this provider as may in this server".to_owned(),
        })
    }
}

/// Counts a request until it is dropped.
#[derive(Debug)]
struct CountedSend {
    sends: Sends,
    shares: [Share; 3],
}

impl Sends {
    /// Counts a request.
    ///
    /// # Errors
    ///
    /// The refusal of the request, if a share has as many as it may.
    fn count(&self, owner: &str, provider: Provider) -> Result<CountedSend, Problem> {
        let shares = [
            Share::OwnerToProvider(owner.to_owned(), provider.clone()),
            Share::Owner(owner.to_owned()),
            Share::Provider(provider),
        ];
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full) = shares.iter().find(|share| all.get(share).is_some_and(|count| *count >= share.most())) {
            return Err(full.refusal());
        }
        for share in &shares {
            *all.entry(share.clone()).or_default() += 1;
        }
        Ok(CountedSend { sends: self.clone(), shares })
    }
}

impl Drop for CountedSend {
    fn drop(&mut self) {
        let mut all = self.sends.0.lock().unwrap_or_else(PoisonError::into_inner);
        for share in &self.shares {
            if let Some(count) = all.get_mut(share) {
                *count -= 1;
                if *count == 0 {
                    all.remove(share);
                }
            }
        }
    }
}

/// A request that waits for a provider, until [`wait`](Self::wait) or [`wait_until_deadline`](Self::wait_until_deadline)
/// ends.
#[derive(Debug)]
pub(crate) struct Sending {
    _counted: CountedSend,
    waiting: Option<WaitingRequest>,
}

impl Sending {
    /// Lets a request of an owner wait for the provider at this address. Without a place, the server of the host does
    /// not limit its requests.
    ///
    /// # Errors
    ///
    /// The refusal of the request, if too many wait.
    pub(crate) fn to_url(api: &Api, owner: &str, url: &str, place: Option<&RequestPlace>) -> Result<Self, Problem> {
        Self::begin(api, owner, Provider::Origin(host::origin(url)), place)
    }

    /// Lets a request of an owner wait for the provider of a kind, as [`to_url`](Self::to_url) does for an address.
    pub(crate) fn to_kind(api: &Api, owner: &str, kind: &Kind, place: Option<&RequestPlace>) -> Result<Self, Problem> {
        Self::begin(api, owner, Provider::OfKind(kind.to_string()), place)
    }

    fn begin(api: &Api, owner: &str, provider: Provider, place: Option<&RequestPlace>) -> Result<Self, Problem> {
        let counted = api.sends.count(owner, provider)?;
        let waiting = match place.map(RequestPlace::wait_for_provider) {
            Some(None) => return Err(Problem::sends_taken()),
            waiting => waiting.flatten(),
        };
        Ok(Self { _counted: counted, waiting })
    }

    /// Waits for work that has a time limit of its own, and then until the request may be answered.
    pub(crate) async fn wait<T>(self, work: impl Future<Output = T>) -> T {
        let result = work.await;
        if let Some(waiting) = self.waiting {
            waiting.end().await;
        }
        result
    }

    /// Waits for the provider until the deadline, and then until the request may be answered.
    pub(crate) async fn wait_until_deadline<T>(
        self,
        api: &Api,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let clock = api.registry.clock();
        let until_deadline = async {
            tokio::select! {
                biased;
                result = work => result,
                () = clock.sleep(DEADLINE) => Err(too_slow()),
            }
        };
        self.wait(until_deadline).await
    }
}

fn too_slow() -> Problem {
    let detail = format!("the whole answer of the provider did not arrive in {} s", DEADLINE.as_secs());
    let problem = Problem::new(StatusCode::BAD_GATEWAY, "timeout", detail);
    problem.remedy("look whether the request took effect; ask for less at once, such as a smaller page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sends: &Sends, owner: &str, provider: &str, number: usize) -> Vec<Result<CountedSend, Problem>> {
        (0..number).map(|_| sends.count(owner, Provider::Origin(host::origin(provider)))).collect()
    }

    #[test]
    fn an_owner_reaches_other_providers_and_others_reach_the_provider_when_a_share_is_full() {
        let sends = Sends::default();
        let mut ada = counted(&sends, "ada", "https://a.example", MAX_OF_OWNER_TO_PROVIDER);
        assert!(ada.iter().all(Result::is_ok));
        let is_free = |owner, provider| sends.count(owner, Provider::Origin(host::origin(provider))).is_ok();
        assert!(!is_free("ada", "https://a.example"));
        assert!(is_free("ada", "https://b.example") && is_free("bob", "https://a.example"));
        ada.extend(counted(&sends, "ada", "https://b.example", MAX_OF_OWNER - MAX_OF_OWNER_TO_PROVIDER));
        assert!(ada.iter().all(Result::is_ok));
        assert!(!is_free("ada", "https://c.example"), "the owner has as many as possible");
        let bob = counted(&sends, "bob", "https://a.example", MAX_TO_PROVIDER - MAX_OF_OWNER_TO_PROVIDER);
        assert!(bob.iter().all(Result::is_ok));
        assert!(!is_free("eve", "https://a.example"), "the provider has as many as possible");
        assert!(is_free("eve", "https://b.example"));
        ada.pop();
        assert!(is_free("ada", "https://c.example"));
        drop((ada, bob));
        assert!(sends.0.lock().unwrap().is_empty());
    }
}
