//! The orders of lists of connections, kept while their pages are read.
//!
//! The order of a list depends on the registered kinds and on the time, so it takes a read of the outlines of all
//! connections of the owner. It is kept for the next pages, which then read only the connections that they show. A page
//! whose order is no longer kept, or was made by another process, is found again by the position of its cursor.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::{Timestamp, encode};
use connection_core::ConnectionId;

/// The time in seconds for which an order is kept.
const MAX_AGE: i64 = 60;
/// The number of connections in all orders that are kept.
const MAX_CONNECTIONS: usize = 100_000;

/// The position of a connection in a list. Positions are compared by their fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// `false` for connections that need attention, which come first.
    pub(super) works: bool,
    /// The title of the provider, in lower case.
    pub(super) provider: Arc<str>,
    pub(super) label: String,
    /// Decides between connections of two kinds with the same label.
    pub(super) id: ConnectionId,
}

impl Position {
    /// Returns the cursor of the page after this position.
    pub(super) fn cursor(&self) -> String {
        let Self { works, provider, label, id } = self;
        let text = serde_json::to_string(&(works, &**provider, label, id.to_string())).unwrap_or_default();
        encode::base64url(text.as_bytes())
    }

    /// Returns the position of a cursor.
    pub(super) fn parse(cursor: &str) -> Option<Self> {
        let text = encode::from_base64url(cursor)?;
        let (works, provider, label, id): (_, String, _, String) = serde_json::from_slice(&text).ok()?;
        Some(Self { works, provider: provider.into(), label, id: id.parse().ok()? })
    }
}

/// The connections of a list, in its order.
pub(super) type Order = Arc<[Position]>;

/// The orders that were made last.
#[derive(Default)]
pub(crate) struct Orders(Mutex<VecDeque<Kept>>);

struct Kept {
    /// The owner and the filters.
    list: String,
    order: Order,
    made_at: Timestamp,
}

impl Orders {
    /// Keeps the order of a list instead of the one before. Old orders are forgotten if there are too many.
    pub(super) fn keep(&self, list: String, order: Order, now: Timestamp) {
        let mut all = self.current(now);
        all.retain(|kept| kept.list != list);
        all.push_back(Kept { list, order, made_at: now });
        let mut connections: usize = all.iter().map(|kept| kept.order.len()).sum();
        while connections > MAX_CONNECTIONS {
            connections -= all.pop_front().map_or(connections, |kept| kept.order.len());
        }
    }

    /// Returns the order of a list, if it is kept.
    pub(super) fn of(&self, list: &str, now: Timestamp) -> Option<Order> {
        self.current(now).iter().find(|kept| kept.list == list).map(|kept| kept.order.clone())
    }

    /// Returns the orders that are not too old.
    fn current(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Kept>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |kept: &Kept| (0..MAX_AGE).contains(&(now.seconds() - kept.made_at.seconds()));
        all.retain(is_current);
        all
    }
}

#[cfg(test)]
mod tests {
    use connection_core::{IdGenerator as _, UuidV7};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn order(connections: usize) -> Order {
        let id = ConnectionId::from(UuidV7::new().next());
        let position = Position { works: true, provider: "acme".into(), label: "work".to_owned(), id };
        vec![position; connections].into()
    }

    #[test]
    fn an_order_is_kept_for_a_minute() {
        let orders = Orders::default();
        orders.keep("a list".to_owned(), order(3), at(100));
        assert_eq!(orders.of("a list", at(159)).unwrap().len(), 3);
        assert!(orders.of("another list", at(159)).is_none());
        assert!(orders.of("a list", at(160)).is_none());
        orders.keep("a list".to_owned(), order(3), at(100));
        assert!(orders.of("a list", at(99)).is_none(), "the clock was set back");
    }

    #[test]
    fn a_new_order_replaces_that_of_the_same_list() {
        let orders = Orders::default();
        orders.keep("a list".to_owned(), order(3), at(100));
        orders.keep("a list".to_owned(), order(2), at(101));
        assert_eq!(orders.of("a list", at(102)).unwrap().len(), 2);
    }

    #[test]
    fn orders_of_more_connections_than_the_limit_replace_the_oldest() {
        let orders = Orders::default();
        for list in ["first", "second", "third"] {
            orders.keep(list.to_owned(), order(MAX_CONNECTIONS / 2), at(100));
        }
        assert!(orders.of("first", at(100)).is_none());
        assert!(orders.of("second", at(100)).is_some() && orders.of("third", at(100)).is_some());
        orders.keep("too long".to_owned(), order(MAX_CONNECTIONS + 1), at(100));
        assert!(orders.of("too long", at(100)).is_none());
    }
}
