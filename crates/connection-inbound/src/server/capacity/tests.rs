//! The capacity of a server without its connections.

use super::*;
use crate::server::RequestPlace;

const LIMITS: Limits = Limits {
    connections: 4,
    requests: 2,
    streams: 2,
    waits: 2,
    sends: 2,
    doors: 2,
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
            &["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.2", "172.17.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]
                [..],
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
            // A head that has arrived does not change what is counted.
            let seats: Vec<_> = (0..2).map(|_| places.seat(peer).unwrap()).collect();
            assert!(seats.iter().all(|seat| seat.asks.count_behind_proxy(&HeaderMap::new())));
            assert!(places.seat(peer).is_none(), "{peer}");
            drop(seats);
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
async fn requests_that_wait_have_places_of_their_own_and_give_them_back() {
    for wait in [RequestPlace::wait, RequestPlace::wait_for_provider] {
        let places = Capacity::new(LIMITS, Vec::new());
        let local = IpAddr::from([127, 0, 0, 1]);
        let seats: Vec<_> = (0..3).map(|_| places.seat(local).unwrap()).collect();
        let mut waiting = Vec::new();
        for seat in &seats {
            let answering = seat.asks.answering("/").await;
            let wait = wait(&RequestPlace::new(answering.place().clone()));
            waiting.push((answering, wait));
        }
        let waits: Vec<_> = waiting.iter().map(|(_, wait)| wait.is_some()).collect();
        assert_eq!(waits, [true, true, false], "there are as many as possible");
        let count = || {
            let held = places.lock();
            held.waits + held.sends
        };
        assert_eq!(count(), 2);
        let (answering, wait) = waiting.remove(0);
        wait.unwrap().end().await;
        assert_eq!(count(), 1);
        drop((answering, waiting));
        assert_eq!(count(), 0);
        drop(seats);
        assert!(places.is_empty());
    }
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

#[tokio::test]
async fn requests_that_doors_pass_on_take_no_place_of_others_and_no_room_of_bodies() {
    let places = Capacity::new(LIMITS, Vec::new());
    let local = IpAddr::from([127, 0, 0, 1]);
    let mut seats: Vec<_> = (0..3).map(|_| places.seat(local).unwrap()).collect();
    let mut passing = Vec::new();
    for seat in &seats {
        let answering = seat.asks.answering("/").await;
        let passes = RequestPlace::new(answering.place().clone()).pass_door();
        passing.push((passes, answering.place().clone(), answering));
    }
    assert_eq!(passing.iter().map(|(passes, ..)| passes.is_some()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(places.0.requests.available_permits(), 1, "only the third one has a place");
    seats[0].asks.read(1_000);
    assert_eq!(places.lock().bodies, 0);
    // The end of its body needs no place, although none is free.
    let other = places.seat(local).unwrap();
    let held = other.asks.answering("/").await;
    passing[0].1.take().await;
    assert_eq!(places.0.requests.available_permits(), 0);
    drop((held, other));
    let passed: Vec<_> = passing.into_iter().map(|(passed, ..)| passed).collect();
    assert!(seats[0].asks.is_stream() && seats[0].asks.stream() && !seats[2].asks.is_stream());
    let mut others: Vec<_> = (0..4).map(|_| places.seat(local).unwrap()).collect();
    let has_left = |seat: &mut Seat| seat.left.try_recv() == Err(oneshot::error::TryRecvError::Closed);
    assert_eq!(seats.iter_mut().map(has_left).collect::<Vec<_>>(), [false, false, true]);
    // After the answer, the connection waits for its next request, and can be closed for another one.
    drop(passed);
    assert!(!seats[0].asks.is_stream());
    assert_eq!(places.lock().doors, 0);
    // Those that have waited longer go first.
    let _another = places.seat(local).unwrap();
    assert!(has_left(&mut others[0]) && !has_left(&mut seats[0]) && !has_left(&mut seats[1]));
    seats.clear();
    assert_eq!(places.lock().doors, 0);
}
