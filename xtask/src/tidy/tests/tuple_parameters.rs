//! Tests of the rule about parameters that are taken apart into names.

use crate::tidy::tuple_parameters::findings;

#[test]
fn a_function_that_takes_a_tuple_apart_is_found() {
    for text in [
        "fn f((a, b): (u8, u8)) {}",
        "fn f(x: u8, (mut a, b): (u8, u8)) {}",
        "fn f(x: u8, &(a, b): &(u8, u8)) {}",
        "impl A { async fn f<'a, F: Fn(u8) -> u8>(&self, g: F, (a, (b, c)): (u8, (u8, u8))) -> u8 { 0 } }",
        "trait A { fn f(&self, (a, b): (u8, HashMap<u8, u8>)); }",
    ] {
        let found = "a.rs:1: `f` takes a tuple apart; name the pair as a struct, or pass its parts";
        assert_eq!(findings("a.rs", text), [found], "{text}");
    }
    assert_eq!(findings("a.rs", "fn f(\n    x: u8,\n    (a, b): (u8, u8),\n) {}").len(), 1);
}

/// The control: the same tokens in other places.
#[test]
fn tuples_that_are_no_parameters_of_a_function_are_not_found() {
    for text in [
        "fn f(a: (u8, u8)) { let (a, b): (u8, u8) = a; }",
        "fn f(a: HashMap<u8, (u8, u8)>, b: &[(u8, u8)]) {}",
        "fn f(a: u8) { let of = |(a, b): (u8, u8)| a + b; }",
        "fn f<F: Fn((u8, u8)) -> u8>(a: F) {}",
        "fn f(_: &(), (): &()) {}",
        "proptest! { fn f((a, b) in pairs(), c in 0..2) {} }",
        "// fn f((a, b): (u8, u8)) {}",
    ] {
        assert_eq!(findings("a.rs", text), [""; 0], "{text}");
    }
}
