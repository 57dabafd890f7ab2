//! The capacity of a server: which connections it accepts, which requests it answers, and which connections it closes
//! when it is full.
//!
//! A connection costs little until its request has arrived, so more connections are accepted than requests are answered
//! at once. When the server is full, the connection that has waited longest without being answered is closed, so
//! strangers that send nothing keep nobody out. Requests to a reserved path have capacity of their own, and so have
//! streams of events, which last as long as their listeners want, requests that wait for a change, requests that wait for
//! a provider, and requests that a door passes on. A request whose body has not arrived is not being answered, and the
//! bodies that are being read are bounded together.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::HeaderMap;
use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

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
    /// The maximum number of requests at once that wait for a provider, beside the connections.
    pub(crate) sends: usize,
    /// The maximum number of requests at once that doors pass on, beside the connections.
    pub(crate) doors: usize,
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
    /// The number of seats whose requests wait for a provider.
    sends: usize,
    /// The number of seats whose requests a door passes on.
    doors: usize,
    /// The number of bytes of the bodies that are being read.
    bodies: usize,
    /// The number of seats of each peer that is counted.
    peers: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct TakenSeat {
    peer: Option<IpAddr>,
    activity: Activity,
    /// The place among those that wait: a smaller one has waited longer.
    order: u64,
    door_ended: Option<Instant>,
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
    /// The request of the connection waits for a provider.
    WaitsForProvider,
    /// The connection receives a stream of events.
    Streams,
    /// A door passes the request and its answer on, for as long as they last.
    PassesDoor,
}

/// The thing for which a request waits that has given its place up.
#[derive(Clone, Copy, Debug)]
pub(super) enum WaitsFor {
    Change,
    Provider,
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
        if seats.taken.len() - seats.beside() >= self.0.limits.connections {
            let waiting = seats.taken.iter().filter(|(_, taken)| taken.activity == Activity::Waits);
            let longest = waiting.min_by_key(|(_, taken)| taken.order).map(|(number, _)| *number)?;
            seats.give_back(longest);
        }
        let number = seats.next;
        seats.next += 1;
        let counted = counted.map(|(peer, _)| peer);
        if let Some(peer) = counted {
            *seats.peers.entry(peer).or_default() += 1;
        }
        let (stay, left) = oneshot::channel();
        let activity = Activity::Waits;
        let taken = TakenSeat { peer: counted, activity, order: number, door_ended: None, body: 0, _stay: stay };
        seats.taken.insert(number, taken);
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
    /// Returns the number of seats that are not counted as connections.
    fn beside(&self) -> usize {
        self.streams + self.waits + self.sends + self.doors
    }

    /// Sets the activity of a connection that is no stream.
    fn set(&mut self, number: u64, activity: Activity) {
        let taken = self.taken.get_mut(&number).filter(|taken| !taken.activity.is_final());
        let Some(taken) = taken else { return };
        let before = std::mem::replace(&mut taken.activity, activity);
        if let Some(count) = self.count(before) {
            *count -= 1;
        }
        if let Some(count) = self.count(activity) {
            *count += 1;
        }
    }

    /// Returns the number of seats with this activity, if it is counted.
    fn count(&mut self, activity: Activity) -> Option<&mut usize> {
        match activity {
            Activity::Streams => Some(&mut self.streams),
            Activity::WaitsForChange => Some(&mut self.waits),
            Activity::WaitsForProvider => Some(&mut self.sends),
            Activity::PassesDoor => Some(&mut self.doors),
            Activity::Waits | Activity::IsAnswered => None,
        }
    }

    /// Gives a seat back; does nothing if that has happened already.
    fn give_back(&mut self, number: u64) {
        self.forget_peer(number);
        let Some(taken) = self.taken.remove(&number) else { return };
        if let Some(count) = self.count(taken.activity) {
            *count -= 1;
        }
        self.bodies -= taken.body;
    }

    /// No longer counts the connection among those of its peer.
    fn forget_peer(&mut self, number: u64) {
        let Some(peer) = self.taken.get_mut(&number).and_then(|taken| taken.peer.take()) else { return };
        if let Some(has) = self.peers.get_mut(&peer) {
            *has -= 1;
            if *has == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

impl Activity {
    /// Returns `true` if the activity lasts until the connection or the answer of a door ends.
    fn is_final(self) -> bool {
        matches!(self, Self::Streams | Self::PassesDoor)
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
        if !shared.proxies.contains(self.peer) {
            // The connection itself is counted.
            return true;
        }
        let mut seats = self.places.lock();
        // The former request of a connection that was kept may have had another peer.
        seats.forget_peer(self.number);
        let Some((peer, most)) = counted else { return true };
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
            Some(taken) if taken.activity.is_final() => true,
            Some(_) if is_free => {
                seats.set(self.number, Activity::Streams);
                true
            }
            _ => is_free,
        }
    }

    /// Makes the connection one whose request a door passes on, until [`end_door`](Self::end_door). Returns `false` if
    /// there are too many.
    pub(super) fn pass_door(&self) -> bool {
        let mut seats = self.places.lock();
        let is_free = seats.doors < self.places.0.limits.doors;
        if is_free {
            seats.set(self.number, Activity::PassesDoor);
        }
        is_free
    }

    /// Notes that the answer of a request that a door passed on has ended. The connection waits for the next request.
    pub(super) fn end_door(&self) {
        let is_of_proxy = self.places.0.proxies.contains(self.peer);
        let mut seats = self.places.lock();
        let order = seats.next;
        let Some(taken) = seats.taken.get_mut(&self.number) else { return };
        if taken.activity != Activity::PassesDoor {
            return;
        }
        taken.activity = Activity::Waits;
        taken.order = order;
        taken.door_ended = Some(Instant::now());
        seats.next += 1;
        seats.doors -= 1;
        if is_of_proxy {
            // The next request may be one of another peer, or there is none.
            seats.forget_peer(self.number);
        }
    }

    /// Returns the time at which the answer of a door has ended last, of which some bytes may not be sent yet.
    pub(crate) fn door_ended(&self) -> Option<Instant> {
        self.places.lock().taken.get(&self.number).and_then(|taken| taken.door_ended)
    }

    /// Returns `true` if a door passes the present request of the connection on.
    pub(crate) fn passes_door(&self) -> bool {
        self.activity() == Some(Activity::PassesDoor)
    }

    /// Notes that the request waits for a change or for a provider. Returns `false` if too many do.
    pub(super) fn wait(&self, what: WaitsFor) -> bool {
        let limits = self.limits();
        let mut seats = self.places.lock();
        let (activity, is_free) = match what {
            WaitsFor::Change => (Activity::WaitsForChange, seats.waits < limits.waits),
            WaitsFor::Provider => (Activity::WaitsForProvider, seats.sends < limits.sends),
        };
        if is_free {
            seats.set(self.number, activity);
        }
        is_free
    }

    /// Notes that bytes of the body have arrived. If there are too many of all bodies, the connection whose body has been
    /// read for longest is closed.
    pub(super) fn read(&self, bytes: usize) {
        let mut seats = self.places.lock();
        // A door does not keep what it passes on.
        let taken = seats.taken.get_mut(&self.number).filter(|taken| taken.activity != Activity::PassesDoor);
        let Some(taken) = taken else { return };
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

    /// Returns `true` if the present answer of the connection has no limit of time.
    pub(crate) fn is_stream(&self) -> bool {
        self.activity().is_some_and(Activity::is_final)
    }

    fn activity(&self) -> Option<Activity> {
        self.places.lock().taken.get(&self.number).map(|taken| taken.activity)
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
mod tests;
