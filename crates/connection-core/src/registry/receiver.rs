//! The face for programs that receive callbacks and webhooks themselves.

use std::time::Duration;

use connection_contract::{BoxFuture, Crypto as _, HttpError, HttpRequest, HttpResponse, Secret, encode, host};
use connection_egress::{AllowedOrigin, Egress, NamedBy};

use super::ConnectionRegistry;
use crate::{
    Error,
    store::{Sealed, SealedCell, SealedKey},
};

/// The maximum time in which a document is fetched.
const MAX_FETCH: Duration = Duration::from_secs(5);

/// The tools of a receiver of callbacks and webhooks, such as `connection-inbound`.
///
/// # Examples
///
/// ```
/// use connection_core::ConnectionRegistry;
///
/// /// Returns `true` if a request to this address reaches a process of this store, which answers with the proof.
/// async fn reaches_itself(registry: &ConnectionRegistry, base: &str) -> bool {
///     let challenge = registry.receiver().fresh_token();
///     let Some(challenge) = challenge.expose_str() else { return false };
///     let answer = registry.receiver().send_to_self(base, &format!("/proof?challenge={challenge}")).await;
///     let proof = registry.receiver().callback_proof(challenge);
///     answer.is_ok_and(|answer| answer.body().expose() == proof.as_bytes())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the tools of a receiver of callbacks and webhooks.
    pub fn receiver(&self) -> Receiver<'_> {
        Receiver { registry: self }
    }
}

impl<'a> Receiver<'a> {
    /// Returns 256 random bits as text, for a host to give to a browser.
    pub fn fresh_token(self) -> Secret {
        self.registry.systems.ground.fresh_token()
    }

    /// Returns the answer to a challenge, which every process of this store can compute and no other program can.
    ///
    /// A host that sends itself a request over the network uses it to check that it has reached itself.
    pub fn callback_proof(self, challenge: &str) -> String {
        encode::hex(&self.registry.systems.ground.sealer.mac("connections/callback-proof/v1", challenge.as_bytes()))
    }

    /// Returns the SHA-256 digest of bytes.
    pub fn sha256(self, bytes: &[u8]) -> [u8; 32] {
        self.registry.systems.ground.crypto.sha256(bytes)
    }

    /// Seals a statement that this host gives away and gets back, as text for an address. `purpose` names its use.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] if the keys cannot be read.
    pub fn seal_statement(self, purpose: &'static str, statement: &'a [u8]) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            let sealed = self.registry.systems.ground.seal(&cell(purpose), statement).await?;
            Ok(encode::base64url(sealed.as_bytes()))
        })
    }

    /// Returns a statement that a process of this store sealed for the same purpose; `None` for any other text, and for
    /// one that was sealed with a key that is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] if the keys cannot be read.
    pub fn open_statement(self, purpose: &'static str, text: &'a str) -> BoxFuture<'a, Result<Option<Secret>, Error>> {
        Box::pin(async move {
            let Some(bytes) = encode::from_base64url(text) else { return Ok(None) };
            match self.registry.systems.ground.open(&cell(purpose), &Sealed::of_bytes(&bytes)).await {
                // Anybody may send such a text, so it is not logged.
                Err(Error::Sealed { source, .. }) if !source.may_pass() => Ok(None),
                opened => opened.map(Some),
            }
        })
    }

    /// Fetches a public document of up to `limit` bytes, within 5 seconds.
    ///
    /// The address is `https` and public, no redirect is followed, and no credential is sent.
    ///
    /// # Errors
    ///
    /// The reason why there is no document: [`HttpError::Denied`] for an address that is not public, and
    /// [`HttpError::Protocol`] for an answer with another status than 200.
    pub fn fetch_document(self, url: &'a str, limit: u64) -> BoxFuture<'a, Result<Vec<u8>, HttpError>> {
        Box::pin(async move {
            let ground = &self.registry.systems.ground;
            let base = host::exact_base_url(url).filter(|_| url.starts_with("https://")).ok_or(HttpError::Denied)?;
            let origin = AllowedOrigin { origin: base.origin().clone(), named: NamedBy::Nobody };
            let egress = Egress { origins: vec![origin], ..Egress::default() };
            let request = HttpRequest::at("GET", &base).header("accept", "application/json").no_redirect();
            let document = async {
                let answer = ground.http.send_within(&egress, request, limit).await?;
                match answer.status() == 200 && answer.header("content-encoding").is_none() {
                    true => Ok(answer.body().expose().to_vec()),
                    false => Err(HttpError::Protocol),
                }
            };
            tokio::select! {
                biased;
                document = document => document,
                () = ground.clock.sleep(MAX_FETCH) => Err(HttpError::Timeout),
            }
        })
    }

    /// Sends a GET request to an address of this host, as an outside client does.
    ///
    /// No credential is sent, private addresses are allowed, and a redirect to another origin is not followed.
    ///
    /// # Errors
    ///
    /// The reason why there is no answer.
    pub fn send_to_self(
        self,
        base: &'a str,
        path_and_query: &'a str,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(self.registry.systems.ground.send_to_self(base, |base| host::request("GET", base, path_and_query)))
    }
}

/// Returns the cell of a statement, which is in no row.
fn cell(purpose: &'static str) -> SealedCell {
    let key = SealedKey::Bytes(Vec::new(), 0);
    let [owner, kind] = [String::new(), String::new()];
    SealedCell { table: "statement", column: purpose, what: "a statement", key, owner, kind }
}
