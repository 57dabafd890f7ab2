//! Creates, changes and removes the webhook address of a connection and its signing keys.
//!
//! Each change compares and swaps the row that was read, and is recorded in the same transaction.

use std::sync::Arc;

use connection_contract::{
    BoxFuture, Crypto as _, Delivery, DisplayText, NotAuthentic, Secret, SigningKey, Timestamp, encode,
};

use super::{
    GRACE, HANDSHAKE, MAX_KEYS, WebhookInfo, WebhookTest,
    address::{Address, Inbox},
    call_plugin::call,
};
use crate::{
    ConnectionInfo, ConnectionWebhooks, Error, SealError, event,
    ground::Ground,
    kinds::KindEntry,
    store::{ConflictRetries, Lock, SealedCell, WEBHOOK_ADDRESS, rows::AddressRow},
};

/// An address that does not exist, for a signature that nobody sees.
const UNUSED_URL: &str = "https://nowhere.invalid/";

/// The new state of an address.
pub(super) enum AddressChange {
    /// The address stays as it is.
    Kept,
    /// The changed address, with the event to record. The token and the newest key are the same.
    Changed(Address, &'static str),
    /// As `Changed`, with another token or newest key, so that the last test no longer applies.
    Renewed(Address, &'static str),
    /// The address is removed, so that webhooks are disabled.
    Off,
}

/// An address as it is stored, opened.
pub(super) struct StoredAddress {
    pub(super) address: Option<Address>,
    revision: i64,
    inbox: Inbox,
    last_test: Option<WebhookTest>,
}

/// The effect of a change on the result of the last test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastTest {
    Forgotten,
    Kept,
}

/// The state that was used to sign a test.
pub(super) struct SigningState {
    pub(super) token: Secret,
    pub(super) revision: i64,
    /// The generation of the credential, if the credential signs rather than a key of the address.
    pub(super) generation: Option<i64>,
}

impl<'a> ConnectionWebhooks<'a> {
    /// Returns the webhook settings; `None` while the connection has no address.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind that receives no webhooks, [`Error::UnknownKind`], [`Error::Sealed`], and
    /// errors of the store.
    pub fn info(self) -> BoxFuture<'a, Result<Option<WebhookInfo>, Error>> {
        Box::pin(async move {
            let (_, source) = self.facet().await?;
            let found = self.address().await?;
            let now = self.connection.system.ground.clock.now().seconds();
            Ok(found.address.map(|address| address.info(source, found.inbox, found.last_test, now)))
        })
    }

    /// Creates an address, and a key if the user enters it at the provider. An existing address or key stays as it
    /// is.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the address may have been created.
    ///
    /// # Errors
    ///
    /// [`Error::WebhookKey`] if deliveries could not be verified because this credential signs none. Otherwise the
    /// errors of [`info`](Self::info), [`Error::NotFound`], and errors of the plugin.
    pub fn enable(self) -> BoxFuture<'a, Result<WebhookInfo, Error>> {
        Box::pin(async move {
            let (kind, source) = self.facet().await?;
            if source == SigningKey::Credential {
                self.signed(&kind, None, UNUSED_URL).await?;
            }
            let crypto = self.connection.system.ground.crypto;
            self.change(source, move |address, now| {
                let mut address = match address {
                    Some(address) if source != SigningKey::Generated || !address.good(now).is_empty() => {
                        return Ok(AddressChange::Kept);
                    }
                    Some(address) => address,
                    None => Address::new(random(|bytes| crypto.random(bytes))),
                };
                if source == SigningKey::Generated {
                    address.add_key(random(|bytes| crypto.random(bytes)), now, now);
                }
                Ok(AddressChange::Renewed(address, event::WEBHOOK_ENABLED))
            })
            .await?
            .ok_or_else(|| self.webhook_disabled())
        })
    }

    /// Creates another key for the user to enter at the provider. The previous one stays valid for seven days, or
    /// until [`end_grace`](Self::end_grace).
    ///
    /// # Errors
    ///
    /// [`Error::WebhookDisabled`]; [`Error::NotSupported`] if the host does not create the key;
    /// [`Error::WebhookKey`] if four keys are valid already; and the errors of [`info`](Self::info).
    pub fn rotate_key(self) -> BoxFuture<'a, Result<WebhookInfo, Error>> {
        Box::pin(async move {
            let (_, source) = self.facet().await?;
            if source != SigningKey::Generated {
                return Err(self.connection.cannot("use a webhook key that is made here"));
            }
            let crypto = self.connection.system.ground.crypto;
            let changed = self.change(source, move |address, now| {
                let mut address = address.ok_or_else(|| self.webhook_disabled())?;
                if address.good(now).len() >= MAX_KEYS {
                    return Err(self.too_many_keys());
                }
                address.add_key(random(|bytes| crypto.random(bytes)), now, now.saturating_add(GRACE));
                Ok(AddressChange::Renewed(address, event::WEBHOOK_KEY_CHANGED))
            });
            changed.await?.ok_or_else(|| self.webhook_disabled())
        })
    }

    /// Ends the validity of all keys but the newest. Call this when the provider has the newest key, or if an
    /// earlier one was leaked.
    ///
    /// # Errors
    ///
    /// [`Error::WebhookDisabled`], and the errors of [`info`](Self::info).
    pub fn end_grace(self) -> BoxFuture<'a, Result<WebhookInfo, Error>> {
        Box::pin(async move {
            let (_, source) = self.facet().await?;
            let changed = self.change(source, |address, _| {
                let mut address = address.ok_or_else(|| self.webhook_disabled())?;
                if address.keys.len() <= 1 {
                    return Ok(AddressChange::Kept);
                }
                address.keys.truncate(1);
                Ok(AddressChange::Changed(address, event::WEBHOOK_KEY_CHANGED))
            });
            changed.await?.ok_or_else(|| self.webhook_disabled())
        })
    }

    /// Starts a handshake: the first key that the provider sends within fifteen minutes is accepted, and no other.
    /// An existing key stays valid for seven days after that.
    ///
    /// Nothing proves that the provider sent the key. The user compares it with what the provider shows, or pastes
    /// it there, where a wrong one is rejected. [`key`](Self::key) returns the key.
    ///
    /// # Errors
    ///
    /// [`Error::WebhookDisabled`]; [`Error::NotSupported`] if the provider sends no key; [`Error::WebhookKey`] if
    /// four keys are valid already; and the errors of [`info`](Self::info).
    pub fn await_handshake(self) -> BoxFuture<'a, Result<WebhookInfo, Error>> {
        Box::pin(async move {
            let (_, source) = self.facet().await?;
            if source != SigningKey::Handshake {
                return Err(self.connection.cannot("receive their webhook key from the provider"));
            }
            let changed = self.change(source, |address, now| {
                let mut address = address.ok_or_else(|| self.webhook_disabled())?;
                if address.good(now).len() >= MAX_KEYS {
                    return Err(self.too_many_keys());
                }
                address.handshake_until = Some(now.saturating_add(HANDSHAKE));
                Ok(AddressChange::Changed(address, event::WEBHOOK_KEY_CHANGED))
            });
            changed.await?.ok_or_else(|| self.webhook_disabled())
        })
    }

    /// Returns the newest key, for the user to enter at the provider. The release of the key is recorded first.
    ///
    /// # Errors
    ///
    /// [`Error::WebhookDisabled`]; [`Error::WebhookKey`] while there is no key, or if the credential holds it; and
    /// the errors of [`info`](Self::info).
    pub fn key(self) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(async move {
            self.facet().await?;
            let address = self.address().await?.address.ok_or_else(|| self.webhook_disabled())?;
            self.connection.check_frozen().await?;
            let now = self.connection.system.ground.clock.now().seconds();
            let Some(key) = address.good(now).into_iter().next() else {
                return Err(self.no_webhook_key("the connection has no webhook key of its own".into()));
            };
            let body = serde_json::json!({ "name": "webhookKey" });
            let event = self.connection.system.ground.event(
                &self.connection.info.owner,
                self.connection.id(),
                event::SECRET_RELEASED,
                body,
            );
            let sealer = self.connection.system.ground.sealer.clone();
            let id = self.connection.id();
            let recorded = self.connection.system.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Connection(id)).await?;
                    if tx.account(id).await?.is_none() {
                        return Ok(false);
                    }
                    event::append(tx, &sealer, &event).await.map(|()| true)
                })
            });
            if recorded.await? { Ok(key) } else { Err(Error::NotFound(id)) }
        })
    }

    /// Removes the address and its keys. Deliveries to it are rejected from now on, and waiting events stay.
    ///
    /// # Errors
    ///
    /// The errors of [`info`](Self::info).
    pub fn disable(self) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // The address can also be removed when its kind is no longer registered.
            let source = self.facet().await.map_or(SigningKey::Credential, |(_, source)| source);
            let off = |address: Option<Address>, _| {
                Ok(if address.is_some() { AddressChange::Off } else { AddressChange::Kept })
            };
            self.change(source, off).await.map(drop)
        })
    }

    /// Signs a harmless delivery for this public address of the connection, as its provider would. A host can send
    /// it to itself to learn whether deliveries arrive.
    ///
    /// # Errors
    ///
    /// [`Error::WebhookDisabled`]; [`Error::WebhookKey`] without a key; and the errors of
    /// [`info`](Self::info).
    pub fn sign_test(self, url: &'a str) -> BoxFuture<'a, Result<Delivery, Error>> {
        Box::pin(async move { self.signed_test(url).await.map(|(delivery, _)| delivery) })
    }

    /// Signs a delivery as [`sign_test`](Self::sign_test) does, and returns what it was signed
    /// with.
    pub(super) async fn signed_test(&self, url: &str) -> Result<(Delivery, SigningState), Error> {
        let (kind, source) = self.facet().await?;
        let StoredAddress { address, revision, .. } = self.address().await?;
        let address = address.ok_or_else(|| self.webhook_disabled())?;
        let key = address.good(self.connection.system.ground.clock.now().seconds()).into_iter().next();
        let (delivery, generation) = self.signed(&kind, key, url).await?;
        let generation = Some(generation).filter(|_| source == SigningKey::Credential);
        Ok((delivery, SigningState { token: address.token, revision, generation }))
    }

    /// Returns a signed delivery, with the generation of the credential that the plugin used.
    async fn signed(&self, kind: &Arc<KindEntry>, key: Option<Secret>, url: &str) -> Result<(Delivery, i64), Error> {
        let (_, row) = self.connection.open_current().await?;
        let url = url.to_owned();
        let generation = row.generation;
        let signed = call(self.connection, kind, row, move |definition, row, ctx| {
            definition.sign_webhook(&row.payload.credential, key.as_ref(), &url, ctx)
        });
        match signed.await?.ok_or_else(|| self.connection.cannot(RECEIVE))? {
            Ok(delivery) => Ok((delivery, generation)),
            Err(NotAuthentic::NoKey(why)) => Err(self.no_webhook_key(why.into())),
            Err(_) => Err(self.no_webhook_key("its plugin does not sign".into())),
        }
    }

    pub(super) async fn facet(&self) -> Result<(Arc<KindEntry>, SigningKey), Error> {
        let kind = self.connection.kind().await?;
        let source = kind.signing_key.ok_or_else(|| self.connection.cannot(RECEIVE))?;
        Ok((kind, source))
    }

    /// Reads and opens the address.
    pub(super) async fn address(&self) -> Result<StoredAddress, Error> {
        let row = self.connection.system.ground.reader().await?.webhook_address(self.connection.id()).await?;
        let Some(mut row) = row else {
            return Ok(StoredAddress { address: None, revision: 0, inbox: Inbox::default(), last_test: None });
        };
        let address = match &row.sealed {
            None => None,
            Some(sealed) => {
                let cell = self.cell(row.revision);
                let opened = self.connection.system.ground.open(&cell, sealed).await?;
                let unreadable = || Error::sealed(&cell, SealError::UnknownFormat);
                Some(Address::decode(opened.expose()).ok_or_else(unreadable)?)
            }
        };
        let received = row.next_number.saturating_sub(1);
        let inbox = Inbox { waiting: row.waiting, received, last_received_at: row.last_received_at };
        Ok(StoredAddress { address, revision: row.revision, inbox, last_test: last_test(&mut row) })
    }

    /// Returns the cell of the sealed part of the address.
    fn cell(&self, revision: i64) -> SealedCell {
        let ConnectionInfo { id, owner, kind, .. } = &*self.connection.info;
        WEBHOOK_ADDRESS.at(id.as_uuid(), revision, owner, kind.as_str())
    }

    /// Changes the address, and tries again if another change came first. Returns `None` if there is no address
    /// afterwards.
    pub(super) async fn change(
        &self,
        source: SigningKey,
        decide: impl Fn(Option<Address>, i64) -> Result<AddressChange, Error>,
    ) -> Result<Option<WebhookInfo>, Error> {
        let mut retries = ConflictRetries::of("address of a connection's webhooks");
        loop {
            retries.begin_attempt()?;
            let found = self.address().await?;
            let now = self.connection.system.ground.clock.now().seconds();
            let StoredAddress { address, revision, inbox, last_test } = found;
            let before = address.as_ref().map(|address| address.info(source, inbox, last_test.clone(), now));
            let (fresh, name, tested) = match decide(address, now)? {
                AddressChange::Kept => return Ok(before),
                AddressChange::Changed(address, name) => (Some(address), name, LastTest::Kept),
                AddressChange::Renewed(address, name) => (Some(address), name, LastTest::Forgotten),
                AddressChange::Off => (None, event::WEBHOOK_DISABLED, LastTest::Forgotten),
            };
            let last_test = last_test.filter(|_| tested == LastTest::Kept);
            let info = fresh.as_ref().map(|address| address.info(source, inbox, last_test, now));
            if self.put_address(revision, fresh, name, tested).await? {
                return Ok(info);
            }
        }
    }

    /// Stores the address. Returns `false` if it was changed meanwhile.
    async fn put_address(
        &self,
        revision: i64,
        fresh: Option<Address>,
        name: &'static str,
        tested: LastTest,
    ) -> Result<bool, Error> {
        let system = &self.connection.system;
        let id = self.connection.id();
        let fresh = match fresh {
            None => None,
            Some(address) => {
                let cell = self.cell(revision.saturating_add(1));
                let sealed = system.ground.seal(&cell, address.encode().expose()).await?;
                Some((token_hash(&system.ground, &address.token), sealed))
            }
        };
        let body = serde_json::json!({});
        let event = system.ground.event(&self.connection.info.owner, id, name, body);
        let sealer = system.ground.sealer.clone();
        let written = system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(id)).await?;
                if tx.account(id).await?.is_none() {
                    return Ok(None);
                }
                let is_set = match (revision, &fresh) {
                    (0, Some((hash, sealed))) => tx.insert_webhook_address(id, hash, sealed).await?,
                    _ => {
                        let fresh = fresh.as_ref().map(|(hash, sealed)| (hash, sealed));
                        tx.set_webhook_address(id, revision, fresh).await?
                    }
                };
                if is_set && tested == LastTest::Forgotten {
                    tx.forget_webhook_test(id).await?;
                }
                if is_set {
                    event::append(tx, &sealer, &event).await?;
                    tx.made(&id.to_string()).await?;
                }
                Ok(Some(is_set))
            })
        });
        written.await?.ok_or(Error::NotFound(id))
    }

    pub(super) fn webhook_disabled(&self) -> Error {
        Error::WebhookDisabled {
            kind: self.connection.info.kind.clone(),
            label: self.connection.info.label.to_string(),
        }
    }

    fn no_webhook_key(&self, why: DisplayText) -> Error {
        Error::WebhookKey {
            kind: self.connection.info.kind.clone(),
            label: self.connection.info.label.to_string(),
            why,
        }
    }

    fn too_many_keys(&self) -> Error {
        self.no_webhook_key("four keys are already valid; end the former keys first".into())
    }
}

const RECEIVE: &str = "receive webhooks";

/// Returns the hash by which an address is found. It reveals nothing about the token, and its lookup reveals nothing
/// about other tokens.
pub(super) fn token_hash(ground: &Ground, token: &Secret) -> [u8; 32] {
    ground.sealer.mac("connections/webhook/v1", token.expose())
}

/// Returns the last test, or `None` if the credential signed it and was replaced since.
fn last_test(row: &mut AddressRow) -> Option<WebhookTest> {
    let of_this = row.tested_generation.is_none_or(|generation| generation == row.generation);
    let at = row.tested_at.filter(|_| of_this).map(Timestamp::from_seconds)?;
    Some(WebhookTest { at, address: row.tested_url.take()?, failure: row.test_failure.take() })
}

/// Returns 256 random bits as letters, digits, `-` and `_`.
fn random(fill: impl Fn(&mut [u8])) -> Secret {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    Secret::from(encode::base64url(&bytes))
}
