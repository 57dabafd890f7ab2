//! The outside world of a run of a setup: requests and their bounds, files, values and cryptography.

use connection_contract::{Crypto, HttpError, HttpRequest, HttpResponse, Secret, SignatureAlgorithm};
use connection_egress::{AllowedOrigin, Egress, NamedBy};

use super::{effects::SetupHost, lease::Halt};
use crate::{
    exchange::{self, Exchange, ExchangeKey, ExchangeOutcome, ExchangeScope, Rule, Uncertain},
    host_services::CachedFiles,
    host_services::kv::StoredValues,
    owner::has_environment,
    services::files::LocalFiles,
    store::Changes,
};

impl SetupHost {
    /// Returns the origins to which a request may go: those that the descriptor declares, and those that the user
    /// named in this session.
    pub(super) fn egress(&self) -> Egress {
        let declared = self.kind.checked.addresses.iter().map(|(_, base)| base.origin().clone());
        let mut origins: Vec<_> = declared.map(|origin| AllowedOrigin { origin, named: NamedBy::Nobody }).collect();
        let inner = self.lock();
        let named = inner.run.origins.iter().filter(|origin| !self.kind.checked.declares(origin));
        origins.extend(named.map(|origin| inner.answerer.allowed(origin)));
        origins.extend(inner.discovered().into_iter().map(|found| found.allowed));
        Egress {
            origins,
            wildcards: self.kind.checked.wildcards.clone(),
            is_of_process: has_environment(&self.slot.owner),
            heard: inner.heard.clone(),
            ..Egress::default()
        }
    }

    /// Sends a request that spends something, unless a lost run of this session has sent it already. In that case,
    /// returns the recorded answer, or the error that the outcome is unknown.
    pub(super) async fn exchange(
        &self,
        key: ExchangeKey,
        request: HttpRequest,
    ) -> Result<Result<HttpResponse, HttpError>, Halt> {
        let exchange = Exchange {
            key,
            scope: ExchangeScope::Session(self.slot.id),
            owner: self.slot.owner.clone(),
            kind: self.slot.kind.clone(),
            rule: Rule::Once,
            generation: None,
            spends_restored: false,
            former: None,
            egress: self.egress(),
            deadline: self.system.ground.clock.passed().saturating_add(exchange::SEND_WITHIN).into(),
        };
        match exchange::send(&self.system.exchange, exchange, request).await {
            // The process that sent the request may still record its answer. This run begins again, and finds the
            // answer then.
            Ok(ExchangeOutcome::Uncertain(Uncertain { replay_at: Some(_), .. })) => {
                self.system.ground.clock.sleep(Changes::FOR_ANOTHER_PROCESS).await;
                Err(Halt::Held)
            }
            Ok(ended) => Ok(ended.result()),
            Err(error) => Err(Halt::Suspend(error)),
        }
    }

    pub(super) fn derived(&self, label: &str, n: u64) -> [u8; 32] {
        self.system.ground.crypto.hmac_sha256(&self.seed, format!("{label} {n}").as_bytes())
    }

    pub(super) fn local_files(&self) -> LocalFiles {
        LocalFiles::new(self.lock().run.roots.clone(), self.system.ground.reading(&self.slot.owner))
    }

    pub(super) fn files_made(&self) -> CachedFiles {
        CachedFiles::new(&self.system.ground, &self.slot.owner, self.kind.kind(), self.local_files())
    }

    pub(super) fn values(&self) -> StoredValues {
        StoredValues::new(&self.system.ground, &self.slot.owner, &self.kind)
    }
}

impl Crypto for SetupHost {
    fn random(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let drawn = self.derived("random", self.next_draw());
            for (byte, random) in part.iter_mut().zip(drawn) {
                *byte = random;
            }
        }
    }

    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        self.system.ground.crypto.sha256(bytes)
    }

    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32] {
        self.system.ground.crypto.hmac_sha256(key, bytes)
    }

    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        self.system.ground.crypto.hmac_sha1(key, bytes)
    }

    fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        self.system.ground.crypto.equal(a, b)
    }

    /// Returns a signature, which is not recorded because some signatures differ each time. A request is compared by
    /// the bytes that its signatures sign.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        let signature = self.system.ground.crypto.sign(algorithm, key, bytes)?;
        let signed = self.sha256(&[format!("{algorithm:?} ").as_bytes(), bytes].concat());
        self.lock().signatures.add(&signature, &signed);
        Some(signature)
    }
}
