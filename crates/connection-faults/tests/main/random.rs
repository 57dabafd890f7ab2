//! The generator of random numbers of the tests.

use connection_faults::random::Random;

#[test]
fn the_numbers_of_one_seed_are_the_same_each_time() {
    assert_eq!(numbers(7), numbers(7));
}

/// Processes take neighbouring seeds, and each of them is to do something else.
#[test]
fn the_numbers_of_neighbouring_seeds_are_not_the_same_some_places_apart() {
    for seed in [0, 1, 1_354_200, 0x9e37_79b9_7f4a_7c15, u64::MAX - 8] {
        let first = numbers(seed);
        for distance in 1..8 {
            let other = numbers(seed + distance);
            let shared = other.iter().filter(|number| first.contains(number)).count();
            assert_eq!(shared, 0, "seeds {seed} and {distance} more");
        }
    }
}

fn numbers(seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    (0..100).map(|_| random.below(u64::MAX)).collect()
}
