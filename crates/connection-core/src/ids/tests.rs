//! Ids are version 7, in order, and can be read back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use uuid::{Variant, Version};

use super::{ConnectionId, IdGenerator, SessionId, UuidV7};

/// R-INSEAM-041
#[test]
fn ids_are_version_seven_and_sort_as_they_were_made_also_in_one_millisecond() {
    let generator = UuidV7::from_milliseconds(|| 1_700_000_000_000);
    let ids: Vec<_> = (0..5_000).map(|_| generator.next()).collect();
    for id in &ids {
        assert_eq!((id.get_version(), id.get_variant()), (Some(Version::SortRand), Variant::RFC4122));
        assert_eq!(&id.as_bytes()[..6], &1_700_000_000_000_u64.to_be_bytes()[2..]);
    }
    assert!(ids.is_sorted_by(|a, b| a < b && a.to_string() < b.to_string()));
}

#[test]
fn ids_stay_in_order_when_the_clock_steps_back() {
    let times = [5_000_u64, 4_000, 4_500, 5_000, 6_000];
    let at = AtomicU64::new(0);
    let generator = UuidV7::from_milliseconds(move || times[at.fetch_add(1, Ordering::Relaxed) as usize]);
    let ids: Vec<_> = times.iter().map(|_| generator.next()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
}

#[test]
fn ids_of_many_threads_are_unique() {
    let generator = UuidV7::new();
    let ids: BTreeSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..500).map(|_| generator.next()).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 2_000);
}

#[test]
fn an_id_is_read_back_from_its_text_and_from_no_other_spelling() {
    let id = ConnectionId::from(UuidV7::new().next());
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.to_string(), id.to_string().to_lowercase());
    for odd in ["", "github", &id.as_uuid().simple().to_string(), &format!("{{{id}}}"), &id.as_uuid().urn().to_string()]
    {
        assert!(odd.parse::<SessionId>().is_err(), "{odd}");
    }
}
