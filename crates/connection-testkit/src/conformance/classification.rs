//! Classification of failures: each failure of a provider or a network, at every request.
//!
//! A plugin must not report a transient failure as a lost authorization, nor a refused credential as a bad network.

use std::{fmt::Debug, time::Duration};

use connection_contract::{ConnectionDefinition, HttpError, Liveness, SetupResult};

use super::Suite;
use crate::{Expected, Input, Reply, drive, fault::fail, offline, spend::leaves_open};

/// The value of `Retry-After`: the number of seconds that a provider asks to wait.
const PAUSE: &str = "7";

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn classified(&self) {
        let made = self.made();
        for at in 0..self.verify.len() {
            for (what, reply) in transient() {
                self.verified(&made, at, &what, reply, |found| *found == Liveness::Offline, "must be offline");
            }
            for (what, reply) in odd() {
                self.verified(&made, at, &what, reply, |found| *found != Liveness::Failing, "must not be failing");
            }
            let is_failing = |found: &Liveness| *found == Liveness::Failing;
            let wanted = "must be failing";
            self.verified(&made, at, "401", Reply::status(401), is_failing, wanted);
            self.verified(&made, at, "an address that is denied", Reply::error(HttpError::Denied), is_failing, wanted);
            self.verified(&made, at, "403", Reply::status(403), |found| *found != Liveness::Live, "must not be live");
            let host = self.connected(&self.verify);
            host.world.script.fault(at, Reply::status(429).header("retry-after", PAUSE));
            let found = host.verify(&made.credential, &host.connection(&made));
            let pause = found.ok().and_then(|found| found.recheck_after);
            if pause.is_none_or(|pause| pause < Duration::from_secs(7)) {
                fail(&format!(
                    "request {at} of verify meets a 429 with Retry-After, and `recheck_after` does not say so"
                ));
            }
        }
        let whole = self.run().1;
        for at in 0..self.setup.len() {
            let spends = whole.spends.get(at).copied().unwrap_or_default();
            let given = whole.requests.get(at).copied().unwrap_or_default();
            let mut continues = false;
            // A request that may have spent something cannot be sent again, so the setup may end or continue without
            // it.
            for (what, reply) in transient().into_iter().filter(|(_, reply)| !(spends && leaves_open(reply))) {
                continues |= self.set_up(at, given, &what, reply);
            }
            // A setup that continues in another way has nothing to resume.
            if !continues {
                self.resumed(at, given, if spends { HttpError::Connect } else { HttpError::Timeout });
            }
        }
    }

    /// Runs a verification in which every request fails, beginning with number `at`.
    #[track_caller]
    fn verified(
        &self,
        made: &SetupResult<D::Credential>,
        at: usize,
        what: &str,
        reply: Reply,
        fits: impl Fn(&Liveness) -> bool,
        wanted: &str,
    ) {
        let host = self.connected(&self.verify);
        host.world.script.fault(at, reply);
        let found = host.verify(&made.credential, &host.connection(made));
        self.silent(&format!("{found:?}"), "the result of verify");
        match found {
            Ok(found) if !fits(&found.liveness) => {
                fail(&format!("request {at} of verify meets {what}: it {wanted}, and is {:?}", found.liveness))
            }
            Ok(found) if found.liveness != Liveness::Live && found.reason.is_none() => {
                fail(&format!("request {at} of verify meets {what}, and the result gives no reason"))
            }
            Ok(_) => {}
            Err(error) => {
                fail(&format!("request {at} of verify meets {what}: that must be a result, not an error ({error})"))
            }
        }
    }

    /// Runs a setup in which every request fails, beginning with number `at`. It may fail only as offline, or wait for
    /// another input than those that were given; then it returns `true`.
    #[track_caller]
    fn set_up(&self, at: usize, given: usize, what: &str, reply: Reply) -> bool {
        let host = self.fake(&self.setup);
        host.world.script.fault(at, reply);
        let failed = host.setup(self.inputs().into_iter().take(given)).may_wait().run();
        self.silent(&format!("{failed:?}"), "the failure of the setup");
        if let Err(failure) = &failed
            && offline(failure).is_none()
        {
            let description = host.world.describe_failure(failure);
            fail(&format!("request {at} of the setup meets {what}: it must not end the setup, and is {description}"));
        }
        failed.is_err_and(|failure| failure.code == drive::WAITS)
    }

    /// "A failure made from an offline `NotLive` does not end the setup: the host keeps the answers and asks the
    /// provider again later."
    #[track_caller]
    fn resumed(&self, at: usize, given: usize, error: HttpError) {
        let mut requests: Vec<_> = self.setup.iter().map(Expected::duplicate).collect();
        let Some(wanted) = requests.get(at) else { return };
        let lost = wanted.duplicate().answer(Reply::error(error));
        let other = wanted.alternative().map(|other| [other.duplicate().answer(Reply::error(error)), other]);
        match other {
            // The second address is tried after the first one, and again when the setup goes on.
            Some(others) => drop(requests.splice(at..=at, [lost].into_iter().chain(others))),
            None => requests.insert(at, lost),
        }
        let mut inputs = self.inputs();
        inputs.insert(given, Input::Resume);
        let host = self.fake(&requests);
        if let Err(failure) = host.setup(inputs).run() {
            let description = host.world.describe_failure(&failure);
            fail(&format!("a setup that goes on after {error:?} at request {at} ends as {description}"));
        }
    }
}

pub(super) fn transient() -> Vec<(String, Reply)> {
    use HttpError::{Closed, Connect, Dns, NotTls, Protocol, Redirects, Timeout, Tls, TooLarge};
    let lost = [Closed, Connect, Dns, NotTls, Protocol, Redirects(302), Timeout, Tls, TooLarge];
    let lost = lost.map(|error| (format!("{error:?}"), Reply::error(error)));
    let status = [429, 500, 502, 503, 504].map(|status| (status.to_string(), Reply::text(status, "<html>busy</html>")));
    lost.into_iter().chain(status).collect()
}

/// Returns responses with a successful status and a body without any information.
fn odd() -> Vec<(String, Reply)> {
    ["", "<html>hello</html>", "{", "{}", "[]", "null"]
        .map(|body| (format!("200 {body}"), Reply::text(200, body)))
        .into()
}
