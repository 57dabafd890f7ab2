//! Keeps the secrets of a credential out of what is stored and shown about its account. A provider may repeat one as the id
//! or the name of the account, or as a scope.

use connection_contract::{Identity, NotLive, Reason, Refreshed, Secret, SetupResult, VerifyResult, reason};
use connection_egress::{LastSearch, Redactor};

use super::named_secrets;
use crate::{ground::Ground, kinds::KindEntry};

/// The part of a longer secret that is searched for, in bytes. Texts about an account are cut.
const MAX_LENGTH: usize = 128;
/// The fault of an account whose id is a secret.
const AS_ID: &str =
    "a secret of the credential stands where the account's id should be, so the id is neither stored nor shown";

/// The search for the secrets of a credential in what its provider says about the account.
pub(crate) struct RepeatedSecrets(Option<Redactor>);

impl RepeatedSecrets {
    /// Creates the search. A secret that is also a value of the public configuration is not searched for.
    pub(crate) fn new<'a>(secrets: Vec<Secret>, public: impl Iterator<Item = &'a str> + Clone) -> Self {
        let is_public = |secret: &Secret| public.clone().any(|value| value.as_bytes() == secret.expose());
        let searched = secrets.into_iter().filter(|secret| !is_public(secret));
        let begin = |secret: Secret| Secret::new(&secret.expose()[..secret.expose().len().min(MAX_LENGTH)]);
        Self(LastSearch::default().redactor(searched.map(begin).collect()))
    }

    /// Creates the search for these secrets in what a plugin made.
    pub(crate) fn of_made(secrets: &[Secret], made: &SetupResult<Secret>) -> Self {
        let public = made.config.iter().map(|(_, value)| value.as_str());
        Self::new(secrets.iter().map(Secret::duplicate).collect(), public)
    }

    /// Returns `true` if a text contains a secret, in a form that is also covered in answers.
    fn is_in(&mut self, text: &str) -> bool {
        let Some(redactor) = &mut self.0 else { return false };
        let mut covered = text.to_owned();
        redactor.redact(&mut covered);
        covered != text
    }

    /// Checks an account. A name that contains a secret is replaced by the id, which is logged.
    ///
    /// # Errors
    ///
    /// The id contains a secret.
    fn check(&mut self, identity: &mut Identity) -> Result<(), &'static str> {
        if self.is_in(identity.account_id.as_str()) {
            return Err(AS_ID);
        }
        if self.is_in(identity.label.as_str()) {
            tracing::warn!(
                "the name of an account contains a secret of the credential; its id is shown in place of it"
            );
            identity.label = identity.account_id.clone();
        }
        Ok(())
    }

    /// Leaves out the scopes that contain a secret, which is logged.
    fn remove_from(&mut self, scopes: Option<&mut Vec<String>>) {
        let Some(scopes) = scopes else { return };
        let before = scopes.len();
        scopes.retain(|scope| !self.is_in(scope));
        if scopes.len() < before {
            tracing::warn!("a scope that contains a secret of the credential is left out");
        }
    }

    /// Checks what a setup made. A label that contains a secret is left out, as are such scopes.
    ///
    /// # Errors
    ///
    /// The id of the account contains a secret.
    pub(crate) fn check_made(&mut self, made: &mut SetupResult<Secret>) -> Result<(), &'static str> {
        self.remove_from(made.granted_scopes.as_mut());
        drop(made.label.take_if(|label| self.is_in(label.as_str())));
        self.check(&mut made.identity)
    }

    /// Returns what a verification found without the secrets. If the id of the account is one, nothing is known about the
    /// account, but a credential that the provider rotated is kept.
    pub(crate) fn verified(&mut self, mut found: VerifyResult<Secret>) -> VerifyResult<Secret> {
        self.remove_from(found.granted_scopes.as_mut());
        let Some(Err(problem)) = found.identity.as_mut().map(|identity| self.check(identity)) else { return found };
        let rotated = found.credential.take();
        found = NotLive::offline(Reason::new(reason::NOT_JSON, problem)).into();
        found.credential = rotated;
        found
    }
}

/// Returns what a refresh made, without the scopes that contain a secret of the new credential.
pub(crate) async fn refreshed(
    ground: &Ground,
    kind: &KindEntry,
    mut refreshed: Refreshed<Secret>,
) -> Refreshed<Secret> {
    if refreshed.granted_scopes.is_some() {
        let secrets = named_secrets::all(ground, kind, refreshed.credential.duplicate()).await;
        RepeatedSecrets::new(secrets, std::iter::empty()).remove_from(refreshed.granted_scopes.as_mut());
    }
    refreshed
}
