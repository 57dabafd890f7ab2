//! Which server is taken: the one that is named, else the usual one, else one that is made.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::server::{find, lets_in};

/// Where nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

#[test]
fn the_server_that_is_named_is_taken_and_none_is_taken_by_its_name() {
    let named = find(Some("postgres://ada@db.example:6000/tests"), nowhere()).unwrap();
    assert_eq!((named.get_host(), named.get_port(), named.get_username()), ("db.example", 6000, "ada"));
    assert!(find(Some("none"), nowhere()).unwrap_err().contains("asked for"));
}

/// What listens and does not let the tests in is not taken either.
#[test]
fn where_there_is_none_one_is_made_and_it_lets_us_in() {
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let other = stranger.local_addr().unwrap();
    // Ends every conversation.
    std::thread::spawn(move || stranger.incoming().for_each(drop));
    for usual in [nowhere(), other] {
        let made = find(None, usual).unwrap();
        assert_ne!(made.get_port(), usual.port());
        assert!(lets_in(&made));
    }
}
