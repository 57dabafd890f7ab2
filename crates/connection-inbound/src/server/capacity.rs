//! The capacity of a server: which connections it accepts, which requests it answers, and which connections it closes
//! when it is full.
//!
//! A connection costs little until its request has arrived, so more connections are accepted than requests are answered
//! at once. When the server is full, the connection that has waited longest without being answered is closed, so
//! strangers that send nothing keep nobody out. Requests to a reserved path have capacity of their own, and so have
//! streams of events, which last as long as their listeners want, and requests that wait for a change. A request whose
//! body has not arrived is not being answered, and the bodies that are being read are bounded together.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::HeaderMap;
use tokio::sync::{Semaphore, oneshot};

use super::{per_peer::PerPeer, place::Place, proxies::Proxies};

/// The limits of a server, which bound the memory that its peers can take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The maximum number of connections at once.
    pub(crate) connections: usize,
    /// The maximum number of requests that are answered at once; fewer than connections.
    pub(crate) requests: usize,
    /// The maximum number of streams of events at once, beside the connections.
    pub(crate) streams: usize,
    /// The maximum number of requests at once that wait for a change, beside the connections.
    pub(crate) waits: usize,
    /// The maximum number of bytes of all bodies that are being read.
    pub(crate) bodies: usize,
    /// The maximum number of connections at once from one peer.
    pub(crate) per_peer: PerPeer,
    /// The maximum size of the head of a request, in bytes.
    pub(crate) head: usize,
    /// The maximum number of headers of a request.
    pub(crate) headers: usize,
    /// The time limit for the whole head of a request.
    pub(crate) head_time: Duration,
}

/// The maximum number of requests to reserved paths that are answered at once.
const RESERVED: usize = 16;

/// The seats of one server. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Capacity(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    reserved_paths: Vec<String>,
    proxies: Proxies,
    requests: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    /// The taken seats by number, in the order of arrival.
    taken: BTreeMap<u64, TakenSeat>,
    /// The number of seats that are streams.
    streams: usize,
    /// The number of seats whose requests wait for a change.
    waits: usize,
    /// The number of bytes of the bodies that are being read.
    bodies: usize,
    /// The number of seats of each peer that is counted.
    peers: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct TakenSeat {
    peer: Option<IpAddr>,
    activity: Activity,
    /// The number of bytes that were read of the body, until all of it has arrived.
    body: usize,
    /// Dropping the sender ends the connection.
    _stay: oneshot::Sender<()>,
}

/// The activity of a connection, which decides whether it can be ended for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// The connection has sent no whole request, or its answer is complete.
    Waits,
    /// The request of the connection is being answered.
    IsAnswered,
    /// The request of the connection waits for a change.
    WaitsForChange,
    /// The connection receives a stream of events.
    Streams,
}

/// The seat of one connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) asks: Asks,
    /// The time that is left for the head of the request.
    pub(crate) head_time: Duration,
    /// Resolves when another connection needs the seat.
    pub(crate) left: oneshot::Receiver<()>,
    _held: SeatGuard,
}

/// Gives a seat back when it is dropped.
#[derive(Debug)]
struct SeatGuard {
    places: Capacity,
    number: u64,
}

/// The handle with which a connection requests an answer.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    places: Capacity,
    number: u64,
    peer: IpAddr,
    /// The address of this server to which the peer is connected, if it is known.
    pub(crate) local: Option<SocketAddr>,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Place);

impl Capacity {
    pub(crate) fn new(limits: Limits, reserved_paths: Vec<String>) -> Self {
        Self::behind(Proxies::default(), limits, reserved_paths)
    }

    /// Returns the seats of a server that is reached through these proxies.
    pub(crate) fn behind(proxies: Proxies, limits: Limits, reserved_paths: Vec<String>) -> Self {
        Self(Arc::new(Shared {
            limits,
            reserved_paths,
            proxies,
            requests: Arc::new(Semaphore::new(limits.requests)),
            reserved: Arc::new(Semaphore::new(RESERVED)),
            seats: Mutex::default(),
        }))
    }

    /// Returns a seat for a connection from this address.
    ///
    /// Returns `None` if the address has too many connections, or if there are as many connections as possible and
    /// all of them are being answered.
    pub(crate) fn seat(&self, peer: IpAddr) -> Option<Seat> {
        let mut seats = self.lock();
        // Whoever comes through a proxy is counted when the head of the request has arrived.
        let counted = self.0.limits.per_peer.counted(peer).filter(|_| !self.0.proxies.contains(peer));
        if let Some((peer, most)) = counted
            && seats.peers.get(&peer).is_some_and(|has| *has >= most)
        {
            return None;
        }
        if seats.taken.len() - seats.streams - seats.waits >= self.0.limits.connections {
            let waits = |taken: &TakenSeat| taken.activity == Activity::Waits;
            let longest = seats.taken.iter().find(|(_, taken)| waits(taken)).map(|(number, _)| *number)?;
            seats.give_back(longest);
        }
        let number = seats.next;
        seats.next += 1;
        let counted = counted.map(|(peer, _)| peer);
        if let Some(peer) = counted {
            *seats.peers.entry(peer).or_default() += 1;
        }
        let (stay, left) = oneshot::channel();
        seats.taken.insert(number, TakenSeat { peer: counted, activity: Activity::Waits, body: 0, _stay: stay });
        drop(seats);
        let asks = Asks { places: self.clone(), number, peer, local: None };
        let head_time = self.0.limits.head_time;
        Some(Seat { asks, head_time, left, _held: SeatGuard { places: self.clone(), number } })
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().taken.is_empty()
    }

    /// Locks the seats. No code under the lock leaves them inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// Sets the activity of a connection that is no stream.
    fn set(&mut self, number: u64, activity: Activity) {
        let taken = self.taken.get_mut(&number).filter(|taken| taken.activity != Activity::Streams);
        let Some(taken) = taken else { return };
        let before = std::mem::replace(&mut taken.activity, activity);
        self.waits -= usize::from(before == Activity::WaitsForChange);
        self.waits += usize::from(activity == Activity::WaitsForChange);
        self.streams += usize::from(activity == Activity::Streams);
    }

    /// Gives a seat back; does nothing if that has happened already.
    fn give_back(&mut self, number: u64) {
        let Some(taken) = self.taken.remove(&number) else { return };
        self.streams -= usize::from(taken.activity == Activity::Streams);
        self.waits -= usize::from(taken.activity == Activity::WaitsForChange);
        self.bodies -= taken.body;
        let Some(peer) = taken.peer else { return };
        if let Some(has) = self.peers.get_mut(&peer) {
            *has -= 1;
            if *has == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

impl Asks {
    pub(crate) fn limits(&self) -> Limits {
        self.places.0.limits
    }

    /// Waits until a request to this path may be answered.
    pub(crate) async fn answering(&self, path: &str) -> Answering {
        let shared = &self.places.0;
        let is_reserved = shared.reserved_paths.iter().any(|reserved| reserved == path);
        let semaphore = if is_reserved { &shared.reserved } else { &shared.requests };
        let place = Place::new(self.clone(), semaphore.clone());
        place.take().await;
        Answering(place)
    }

    /// Counts a request that a trusted proxy passed on to its peer. Returns `false` if the peer has too many.
    pub(crate) fn count_behind_proxy(&self, headers: &HeaderMap) -> bool {
        let shared = &self.places.0;
        let forwarded = shared.proxies.forwarded(self.peer, headers);
        let counted = forwarded.and_then(|peer| shared.limits.per_peer.counted_behind_proxy(peer));
        let Some((peer, most)) = counted else { return true };
        let mut seats = self.places.lock();
        if seats.peers.get(&peer).is_some_and(|has| *has >= most) {
            return false;
        }
        if let Some(taken) = seats.taken.get_mut(&self.number) {
            taken.peer = Some(peer);
            *seats.peers.entry(peer).or_default() += 1;
        }
        true
    }

    /// Makes the connection a stream of events until it ends. Returns `false` if there are too many.
    ///
    /// A connection that is a stream already stays one.
    pub(crate) fn stream(&self) -> bool {
        let mut seats = self.places.lock();
        let is_free = seats.streams < self.places.0.limits.streams;
        match seats.taken.get_mut(&self.number) {
            Some(taken) if taken.activity == Activity::Streams => true,
            Some(_) if is_free => {
                seats.set(self.number, Activity::Streams);
                true
            }
            _ => is_free,
        }
    }

    /// Notes that the request waits for a change. Returns `false` if too many do.
    pub(super) fn wait_for_change(&self) -> bool {
        let mut seats = self.places.lock();
        let is_free = seats.waits < self.places.0.limits.waits;
        if is_free {
            seats.set(self.number, Activity::WaitsForChange);
        }
        is_free
    }

    /// Notes that bytes of the body have arrived. If there are too many of all bodies, the connection whose body has been
    /// read for longest is closed.
    pub(super) fn read(&self, bytes: usize) {
        let mut seats = self.places.lock();
        let Some(taken) = seats.taken.get_mut(&self.number) else { return };
        taken.body += bytes;
        seats.bodies += bytes;
        while seats.bodies > self.places.0.limits.bodies {
            let is_read = |(number, taken): &(&u64, &TakenSeat)| {
                **number != self.number && taken.body > 0 && taken.activity == Activity::Waits
            };
            let Some(longest) = seats.taken.iter().find(is_read).map(|(number, _)| *number) else { return };
            seats.give_back(longest);
        }
    }

    /// Notes that the whole body has arrived, or that nobody reads it any longer.
    pub(super) fn end_body(&self) {
        let mut seats = self.places.lock();
        let Some(taken) = seats.taken.get_mut(&self.number) else { return };
        let bytes = std::mem::take(&mut taken.body);
        seats.bodies -= bytes;
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.places.lock().taken.get(&self.number).is_some_and(|taken| taken.activity == Activity::Streams)
    }

    /// Sets the activity of a connection that is no stream.
    pub(super) fn begin(&self, activity: Activity) {
        self.places.lock().set(self.number, activity);
    }
}

impl Answering {
    pub(crate) fn place(&self) -> &Place {
        &self.0
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for SeatGuard {
    fn drop(&mut self) {
        self.places.lock().give_back(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 4,
        requests: 2,
        streams: 2,
        waits: 2,
        bodies: 100,
        per_peer: PerPeer::Public(2),
        head: 8 << 10,
        headers: 10,
        head_time: Duration::from_secs(1),
    };

    fn places(per_peer: PerPeer) -> Capacity {
        Capacity::new(Limits { connections: 100, per_peer, ..LIMITS }, Vec::new())
    }

    #[test]
    fn an_address_of_the_internet_has_few_places_and_a_proxy_has_all() {
        for (per_peer, capped, free) in [
            (
                PerPeer::Public(2),
                &["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "172.32.0.1", "100.128.0.1"][..],
                &[
                    "127.0.0.1",
                    "::1",
                    "::ffff:127.0.0.1",
                    "10.0.0.2",
                    "172.17.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "fd00::1",
                ][..],
            ),
            (PerPeer::Remote(2), &["192.0.2.1", "10.0.0.2", "fd00::1"], &["127.0.0.1", "::1", "::ffff:127.0.0.2"]),
        ] {
            for peer in capped {
                let places = places(per_peer);
                let peer = peer.parse().unwrap();
                let first = places.seat(peer).unwrap();
                let second = places.seat(peer).unwrap();
                assert!(places.seat(peer).is_none(), "{peer}");
                assert!(places.seat("198.51.100.7".parse().unwrap()).is_some(), "another one");
                drop(first);
                let third = places.seat(peer);
                assert!(third.is_some() && places.seat(peer).is_none(), "{peer}");
                drop((second, third));
                assert!(places.lock().peers.is_empty() && places.lock().taken.is_empty());
            }
            for peer in free {
                let places = places(per_peer);
                let peer = peer.parse().unwrap();
                let seats: Vec<_> = (0..50).map(|_| places.seat(peer)).collect();
                assert!(seats.iter().all(Option::is_some), "{peer}");
            }
        }
    }

    #[test]
    fn the_addresses_beside_one_of_ipv6_are_counted_with_it() {
        let places = places(PerPeer::Public(2));
        let seat = |peer: &str| places.seat(peer.parse().unwrap());
        let _there = (seat("2001:db8::1").unwrap(), seat("2001:db8::ffff:1").unwrap());
        assert!(seat("2001:db8::2").is_none());
        assert!(seat("2001:db8:0:1::1").is_some(), "the control");
    }

    #[tokio::test]
    async fn the_longest_waiting_connection_is_closed_and_answered_ones_stay() {
        let places = Capacity::new(LIMITS, vec!["/healthz".to_owned()]);
        let local = IpAddr::from([127, 0, 0, 1]);
        let mut seats: Vec<_> = (0..4).map(|_| places.seat(local).unwrap()).collect();
        let answering = (seats[0].asks.answering("/").await, seats[1].asks.answering("/").await);
        let health = seats[3].asks.answering("/healthz").await;
        let mut fifth = places.seat(local).unwrap();
        let has_left = |seat: &mut Seat| seat.left.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert_eq!(seats.iter_mut().map(has_left).collect::<Vec<_>>(), [false, false, true, false]);
        let sixth = places.seat(local).unwrap();
        assert!(has_left(&mut fifth), "nobody else waits");
        let seventh = sixth.asks.answering("/healthz").await;
        assert!(places.seat(local).is_none(), "all are being answered");
        drop(answering);
        assert!(places.seat(local).is_some(), "who was answered may leave");
        assert!(has_left(&mut seats[0]));
        drop((health, seventh));
    }

    #[tokio::test]
    async fn bodies_that_are_being_read_are_bounded_together_and_the_one_that_is_read_for_longest_goes_first() {
        let places = Capacity::new(LIMITS, Vec::new());
        let local = IpAddr::from([127, 0, 0, 1]);
        let mut seats: Vec<_> = (0..4).map(|_| places.seat(local).unwrap()).collect();
        let has_left = |seat: &mut Seat| seat.left.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        // The first one sends nothing, and the second one has its place, as one whose bytes are there at once.
        let answering = seats[1].asks.answering("/").await;
        for (seat, bytes) in [(1, 30), (2, 30), (3, 40)] {
            seats[seat].asks.read(bytes);
        }
        assert_eq!(seats.iter_mut().map(has_left).collect::<Vec<_>>(), [false; 4]);
        seats[3].asks.read(1);
        assert_eq!(seats.iter_mut().map(has_left).collect::<Vec<_>>(), [false, false, true, false]);
        assert_eq!(places.lock().bodies, 71);
        seats[3].asks.end_body();
        drop(answering);
        seats.remove(1);
        assert_eq!(places.lock().bodies, 0);
        seats[0].asks.read(100);
        assert!(!has_left(&mut seats[0]), "one body alone is read as far as its reader allows");
    }

    #[tokio::test]
    async fn requests_that_wait_for_a_change_have_places_of_their_own_and_give_them_back() {
        let places = Capacity::new(LIMITS, Vec::new());
        let local = IpAddr::from([127, 0, 0, 1]);
        let seats: Vec<_> = (0..3).map(|_| places.seat(local).unwrap()).collect();
        let mut waiting = Vec::new();
        for seat in &seats {
            let answering = seat.asks.answering("/").await;
            let wait = crate::server::RequestPlace::new(answering.place().clone()).wait();
            waiting.push((answering, wait));
        }
        let waits: Vec<_> = waiting.iter().map(|(_, wait)| wait.is_some()).collect();
        assert_eq!(waits, [true, true, false], "there are as many as possible");
        assert_eq!(places.lock().waits, 2);
        let (answering, wait) = waiting.remove(0);
        wait.unwrap().end().await;
        assert_eq!(places.lock().waits, 1);
        drop((answering, waiting));
        assert_eq!(places.lock().waits, 0);
        drop(seats);
        assert!(places.is_empty());
    }

    #[tokio::test]
    async fn streams_have_places_of_their_own_and_stay() {
        let places = Capacity::new(LIMITS, Vec::new());
        let local = IpAddr::from([127, 0, 0, 1]);
        let mut streams: Vec<_> = (0..3).map(|_| places.seat(local).unwrap()).collect();
        let answering = streams[0].asks.answering("/").await;
        assert!(streams[0].asks.stream() && streams[1].asks.stream());
        assert!(!streams[2].asks.stream(), "there are as many as possible");
        assert!(streams[0].asks.stream(), "it is a stream already");
        drop(answering);
        assert!(streams[0].asks.is_stream() && !streams[2].asks.is_stream());
        // The third one waits, and so do these.
        let _others: Vec<_> = (0..4).map(|_| places.seat(local).unwrap()).collect();
        let has_left = |seat: &mut Seat| seat.left.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert_eq!(streams.iter_mut().map(has_left).collect::<Vec<_>>(), [false, false, true]);
        streams.remove(0);
        let another = places.seat(local).unwrap();
        assert!(another.asks.stream(), "one has ended");
    }
}
