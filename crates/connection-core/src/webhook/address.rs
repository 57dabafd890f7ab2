//! The webhook address of a connection, and the keys that may sign its deliveries. They are sealed and changed
//! together.

use std::fmt;

use connection_contract::{Record, Secret, SigningKey, Timestamp};

/// The webhook settings of a connection. `Debug` shows no part of the address.
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookInfo {
    /// The secret last part of the address. The host puts its own public address before it.
    pub path_token: String,
    /// The source of the signing key.
    pub signing_key: SigningKey,
    /// The keys that are valid, newest first. Empty while the provider has not sent one, and if the credential
    /// holds the key.
    pub keys: Vec<WebhookKey>,
    /// The end of a handshake: until then, the first key that is received is taken for the provider's.
    pub handshake_until: Option<Timestamp>,
    /// The number of events that nobody has acknowledged yet.
    pub waiting: u64,
    /// The number of events that the connection ever received, at this address and at earlier ones.
    pub received: u64,
    /// Time of the last event. It is forgotten a week after the event was acknowledged, and is `None` then.
    pub last_received_at: Option<Timestamp>,
    /// The result of the last test of the current address and key; `None` after either was changed.
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

/// A signing key, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookKey {
    /// The time from which the key is valid.
    pub since: Timestamp,
    /// The time until which the key is valid; `None` for the newest one.
    pub until: Option<Timestamp>,
}

/// The result of a delivery that a host sent to itself, as given to
/// [`SentWebhookTest::record`](crate::SentWebhookTest::record).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookTest {
    /// Time at which the address was tested.
    pub at: Timestamp,
    /// The address to which the test was sent, up to its secret last part. The result says nothing about any other
    /// address.
    pub address: String,
    /// The code of the problem; `None` if the delivery arrived.
    pub failure: Option<String>,
}

/// The counters of an inbox, from its row and its events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inbox {
    pub(super) waiting: i64,
    pub(super) received: i64,
    pub(super) last_received_at: Option<i64>,
}

/// The sealed part of an address.
pub(super) struct Address {
    pub(super) token: Secret,
    /// The keys that sign deliveries, newest first.
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

    /// Returns the keys that may have signed a delivery that arrives now.
    pub(super) fn good(&self, now: i64) -> Vec<Secret> {
        let good = self.keys.iter().filter(|key| key.until.is_none_or(|until| now < until));
        good.map(|key| key.secret.duplicate()).collect()
    }

    pub(super) fn waits(&self, now: i64) -> bool {
        self.handshake_until.is_some_and(|until| now < until)
    }

    /// Adds a key before the others, which remain valid until `others_until` at the latest. Drops the keys that
    /// have expired.
    pub(super) fn add_key(&mut self, secret: Secret, now: i64, others_until: i64) {
        self.retire(now, others_until);
        self.keys.insert(0, Key { secret, since: now, until: None });
    }

    /// Lets all keys end at `until`, unless they would end earlier. Drops the keys that have expired.
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

    /// Returns the bytes to seal.
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

    /// Reads the bytes that `encode` returned. Returns `None` for any others.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The first format. Existing stores hold these bytes, sealed.
    const FORMAT_1: &[u8] = b"\x01\
        \0\0\0\x05token\0\0\0\x03abc\
        \0\0\0\x03key\0\0\0\x03new\0\0\0\x05since\0\0\0\x03200\
        \0\0\0\x03key\0\0\0\x03old\0\0\0\x05since\0\0\0\x03100\0\0\0\x05until\0\0\0\x03300\
        \0\0\0\x09handshake\0\0\0\x03250";

    #[test]
    fn the_first_sealed_format_is_still_read_and_written() {
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
        // A later change does not extend the validity of a key.
        address.add_key(Secret::from("c"), 250, 900);
        assert_eq!(texts(good(&address, 299)).len(), 3);
        assert_eq!(texts(good(&address, 300)), [b"c".to_vec(), b"b".to_vec()]);
    }
}
