//! Where a connection receives webhooks, and the keys that may sign them: sealed as one, changed as one.

use std::fmt;

use connection_contract::{Record, Secret, SigningKey, Timestamp};

use crate::{ConnectionId, seal::Place};

/// Where a connection receives webhooks. `Debug` shows no part of the address.
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookInfo {
    /// The secret last part of its address; a host puts its own public one before it.
    pub path_token: String,
    /// Where the key comes from that signs.
    pub signing_key: SigningKey,
    /// The keys that are good, the newest first; none while the provider has told none, and none where the credential holds
    /// it.
    pub keys: Vec<WebhookKey>,
    /// Until then the first key that somebody tells is taken for the provider's.
    pub handshake_until: Option<Timestamp>,
    /// Events that nobody has acknowledged yet.
    pub waiting: u64,
    /// Events that it ever received, at this address and at former ones.
    pub received: u64,
    /// When the last one came; `None` also when that is forgotten, a week after it was acknowledged.
    pub last_received_at: Option<Timestamp>,
    /// How the last test ended of the address and the key that there are; `None` also after either became another one.
    pub last_test: Option<WebhookTest>,
}

impl fmt::Debug for WebhookInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookInfo")
            .field("signing_key", &self.signing_key)
            .field("keys", &self.keys)
            .field("handshake_until", &self.handshake_until)
            .field("waiting", &self.waiting)
            .field("received", &self.received)
            .field("last_received_at", &self.last_received_at)
            .field("last_test", &self.last_test)
            .finish_non_exhaustive()
    }
}

/// A key that may sign, without the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookKey {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` for the newest one.
    pub until: Option<Timestamp>,
}

/// How a delivery ended that a host sent to itself, as [`SentWebhookTest::record`](crate::SentWebhookTest::record) was told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookTest {
    /// When.
    pub at: Timestamp,
    /// The address that it was sent to, up to the secret last part. It says nothing of any other.
    pub address: String,
    /// Why it did not arrive, as a code; `None` when it did.
    pub failure: Option<String>,
}

/// What its row and its events tell of an inbox.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inbox {
    pub(super) waiting: i64,
    pub(super) received: i64,
    pub(super) last_received_at: Option<i64>,
}

/// What is sealed of an address.
pub(super) struct Address {
    pub(super) token: Secret,
    /// The newest first.
    pub(super) keys: Vec<Key>,
    pub(super) handshake_until: Option<i64>,
}

pub(super) struct Key {
    pub(super) secret: Secret,
    pub(super) since: i64,
    pub(super) until: Option<i64>,
}

impl Address {
    pub(super) fn new(token: Secret) -> Self {
        Self { token, keys: Vec::new(), handshake_until: None }
    }

    /// Those that may have signed what comes now.
    pub(super) fn good(&self, now: i64) -> Vec<Secret> {
        let good = self.keys.iter().filter(|key| key.until.is_none_or(|until| now < until));
        good.map(|key| key.secret.duplicate()).collect()
    }

    pub(super) fn waits(&self, now: i64) -> bool {
        self.handshake_until.is_some_and(|until| now < until)
    }

    /// Puts a key before the others, which stay good until then. What was good no more goes; how many are good now.
    pub(super) fn add_key(&mut self, secret: Secret, now: i64, others_until: i64) {
        self.retire(now, others_until);
        self.keys.insert(0, Key { secret, since: now, until: None });
    }

    /// Lets all keys but the newest end then, or earlier where they would have.
    pub(super) fn retire(&mut self, now: i64, until: i64) {
        for key in &mut self.keys {
            key.until = Some(key.until.map_or(until, |own| own.min(until)));
        }
        self.keys.retain(|key| key.until.is_none_or(|until| now < until));
    }

    pub(super) fn info(
        &self,
        signing_key: SigningKey,
        inbox: Inbox,
        last_test: Option<WebhookTest>,
        now: i64,
    ) -> WebhookInfo {
        let keys = self.keys.iter().filter(|key| key.until.is_none_or(|until| now < until));
        let keys = keys.map(|key| WebhookKey {
            since: Timestamp::from_seconds(key.since),
            until: key.until.map(Timestamp::from_seconds),
        });
        WebhookInfo {
            path_token: self.token.expose_str().unwrap_or_default().to_owned(),
            signing_key,
            keys: keys.collect(),
            handshake_until: self.handshake_until.filter(|_| self.waits(now)).map(Timestamp::from_seconds),
            waiting: u64::try_from(inbox.waiting).unwrap_or_default(),
            received: u64::try_from(inbox.received).unwrap_or_default(),
            last_received_at: inbox.last_received_at.map(Timestamp::from_seconds),
            last_test,
        }
    }

    /// For the store, which gets it sealed only.
    pub(super) fn encode(&self) -> Secret {
        let mut record = Record::new().with("token", self.token.duplicate());
        for key in &self.keys {
            record = record.with("key", key.secret.duplicate()).with("since", key.since.to_string());
            if let Some(until) = key.until {
                record = record.with("until", until.to_string());
            }
        }
        if let Some(until) = self.handshake_until {
            record = record.with("handshake", until.to_string());
        }
        record.encode()
    }

    /// `None` for bytes that `encode` cannot have made.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::decode(bytes).ok()?;
        let token = record.find("token")?.duplicate();
        let mut address = Self::new(token);
        for (name, value) in record.fields() {
            let seconds = || value.expose_str()?.parse::<i64>().ok();
            match name {
                "key" => address.keys.push(Key { secret: value.duplicate(), since: 0, until: None }),
                "since" => address.keys.last_mut()?.since = seconds()?,
                "until" => address.keys.last_mut()?.until = Some(seconds()?),
                "handshake" => address.handshake_until = Some(seconds()?),
                _ => {}
            }
        }
        Some(address)
    }
}

/// Where the sealed half of an address is.
pub(super) fn place<'a>(id: &'a ConnectionId, owner: &'a str, kind: &'a str, revision: i64) -> Place<'a> {
    Place { table: "connection_webhook_address", column: "sealed", key: id.as_bytes(), owner, kind, sequence: revision }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was written first; stores everywhere hold these bytes, sealed.
    const FORMAT_1: &[u8] = b"\x01\
        \0\0\0\x05token\0\0\0\x03abc\
        \0\0\0\x03key\0\0\0\x03new\0\0\0\x05since\0\0\0\x03200\
        \0\0\0\x03key\0\0\0\x03old\0\0\0\x05since\0\0\0\x03100\0\0\0\x05until\0\0\0\x03300\
        \0\0\0\x09handshake\0\0\0\x03250";

    #[test]
    fn what_was_sealed_first_is_read_for_ever_and_still_written() {
        let address = Address::decode(FORMAT_1).unwrap();
        let keys: Vec<_> = address.keys.iter().map(|key| (key.secret.expose(), key.since, key.until)).collect();
        assert_eq!(keys, [(&b"new"[..], 200, None), (b"old", 100, Some(300))]);
        assert_eq!((address.token.expose(), address.handshake_until), (&b"abc"[..], Some(250)));
        assert_eq!(address.encode().expose(), FORMAT_1);
        let later = [FORMAT_1, b"\0\0\0\x05later\0\0\0\x01x"].concat();
        assert_eq!(Address::decode(&later).unwrap().encode().expose(), FORMAT_1);
        assert!(Address::decode(b"\x01").is_none());
        assert!(Address::decode(b"\x01\0\0\0\x05token\0\0\0\x01a\0\0\0\x05until\0\0\0\x011").is_none());
    }

    #[test]
    fn a_key_that_was_replaced_is_good_until_its_end_and_no_longer() {
        let mut address = Address::new(Secret::from("t"));
        address.add_key(Secret::from("a"), 100, 0);
        address.add_key(Secret::from("b"), 200, 300);
        let good = |address: &Address, now| address.good(now).iter().map(Secret::duplicate).collect::<Vec<_>>();
        let texts = |keys: Vec<Secret>| keys.iter().map(|key| key.expose().to_vec()).collect::<Vec<_>>();
        assert_eq!(texts(good(&address, 299)), [b"b".to_vec(), b"a".to_vec()]);
        assert_eq!(texts(good(&address, 300)), [b"b".to_vec()]);
        // A later change makes nothing good for longer.
        address.add_key(Secret::from("c"), 250, 900);
        assert_eq!(texts(good(&address, 299)).len(), 3);
        assert_eq!(texts(good(&address, 300)), [b"c".to_vec(), b"b".to_vec()]);
    }
}
