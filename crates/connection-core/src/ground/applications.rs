//! Makes connections due again whose refresh or verification failed because the provider did not accept the application of
//! their kind, when the application may have been mended.

use std::{sync::Arc, time::Duration};

use connection_contract::{Kind, Secret, encode};
use uuid::Uuid;

use super::Ground;
use crate::{
    Error, HostSecret,
    contain::Contained,
    plan,
    store::{any_of, rows::KvValue},
};

/// Maximum number of connections in one transaction.
const PAGE: i64 = 500;
/// The longest time for which a provided value is waited for.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// The purpose of the digests of provided values.
const PURPOSE: &str = "connections/provided/v1";
/// The namespace and the owner of these digests. No kind and no owner has such a name.
const NAMESPACE: &str = "/provided";
const OWNER: &str = "";

impl Ground {
    /// Makes the connections of a kind and of the other kinds of its provider, which may have the same application, or those
    /// of all kinds for `None`, due within two minutes, in the background. Called after the provider has accepted the
    /// application, and when a scheduler begins, because the configuration may name another application since. One call at a
    /// time does so for a kind, because each of the connections that follow is accepted, too.
    pub(crate) fn try_applications_again(self: &Arc<Self>, kind: Option<Kind>) {
        if !self.answers.begin_application(kind.as_ref()) {
            return;
        }
        let ground = self.clone();
        drop(self.runtimes.spawn(async move {
            let hastened = ground.hasten_applications(kind.as_ref()).await;
            ground.answers.end_application(kind.as_ref());
            if let Err(error) = hastened {
                // The connections are due at the end of their pauses.
                tracing::debug!(code = error.code(), "connections of a refused application could not be made due");
            }
        }));
    }

    /// Makes the connections due, within two minutes, that were refused with another application than the one that the host
    /// now provides to their kind, in the background, unless that is under way. Called when a registry is opened and by the
    /// scheduler, because a secret may be replaced in its file.
    pub(crate) fn follow_applications(self: &Arc<Self>) {
        let Ok(following) = self.answers.following.clone().try_lock_owned() else { return };
        let ground = self.clone();
        drop(self.runtimes.spawn(async move {
            if let Err(error) = ground.compare_applications().await {
                // The next call tries again.
                tracing::debug!(code = error.code(), "connections of a replaced application could not be made due");
            }
            drop(following);
        }));
    }

    /// Waits until the connections are due that [`follow_applications`](Self::follow_applications) makes due.
    pub(crate) async fn applications_followed(&self) {
        drop(self.answers.following.lock().await);
    }

    /// Compares the provided values with those that were provided last, which the store knows as digests.
    async fn compare_applications(&self) -> Result<(), Error> {
        for (kind, key, value) in self.provided_secrets.iter() {
            // A value that cannot be read is reported by its next use.
            let Some(value) = self.provided(value.clone()).await else { continue };
            let name = format!("{kind} {key}");
            let digest = encode::hex(&self.sealer.mac_of(PURPOSE, &[name.as_bytes(), value.expose()]));
            // Processes with different configurations would otherwise take turns.
            if self.answers.has_read(&name, &digest) {
                continue;
            }
            let known = self.reader().await?.kv(OWNER, NAMESPACE, &name).await?.and_then(|row| row.value);
            if known.as_ref() != Some(&digest) {
                self.hasten_applications(Some(kind)).await?;
                let (key, stored) = (name.clone(), KvValue::Public(digest.clone()));
                let written = self
                    .store
                    .write_relaxed(move |tx| Box::pin(async move { tx.put_kv(OWNER, NAMESPACE, &key, &stored).await }));
                written.await?;
            }
            self.answers.note_read(name, digest);
        }
        Ok(())
    }

    /// Reads a value, which the host may compute in any way.
    async fn provided(&self, value: Arc<dyn HostSecret>) -> Option<Secret> {
        let read = async move { value.read().await.ok() };
        match self.runtimes.run(&*self.clock, READ_WITHIN, read).await {
            Contained::Ended(value) => value,
            Contained::Panicked | Contained::Stopped | Contained::TimedOut => None,
        }
    }

    async fn hasten_applications(&self, kind: Option<&Kind>) -> Result<(), Error> {
        let kinds = kind.map(|kind| {
            let others = self.kinds.names_of_provider(&self.provider_of(kind));
            any_of(others.iter().chain([kind]).map(Kind::as_str))
        });
        for is_probe in [false, true] {
            self.hasten_refused(kinds.as_deref(), is_probe).await?;
        }
        Ok(())
    }

    /// Makes the connections of these kinds due for the verification that was refused, or for the refresh.
    async fn hasten_refused(&self, kinds: Option<&str>, is_probe: bool) -> Result<(), Error> {
        let mut after = Uuid::nil();
        loop {
            let now = self.clock.now().seconds();
            let by = now.saturating_add(plan::MAX_SPREAD);
            let mut reader = self.reader().await?;
            let found = match is_probe {
                true => reader.refused_probes(kinds, after, by, PAGE).await?,
                false => reader.refused_applications(kinds, after, by, PAGE).await?,
            };
            drop(reader);
            let Some(last) = found.last().map(|id| id.as_uuid()) else { return Ok(()) };
            let written = self.store.write_relaxed(move |tx| {
                Box::pin(async move {
                    for id in found {
                        let at = now.saturating_add(plan::spread_again(id));
                        match is_probe {
                            true => tx.check_by(id, at).await?,
                            false => tx.hasten_refresh(id, at).await?,
                        }
                    }
                    Ok(())
                })
            });
            written.await?;
            self.answers.due.notify_one();
            after = last;
        }
    }
}
