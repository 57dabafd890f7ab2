//! The face for programs that receive callbacks and webhooks themselves.

use connection_contract::{BoxFuture, HttpError, HttpResponse, Secret, encode, host};

use super::ConnectionRegistry;

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
