//! The derivation follows its standard, and rejects a cost that an editor of the database chose.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use connection_contract::encode;
use secrecy::ExposeSecret as _;

use super::derivation::{Derivation, HEADER_LEN};

#[test]
fn argon2id_gives_the_tag_of_rfc_9106_section_5_3() {
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).output_len(32).data(AssociatedData::new(&[4; 12]).unwrap());
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.build().unwrap()).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(encode::hex(&tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

/// The value was computed by another implementation: the reference implementation in C by way of `argon2-cffi`.
#[test]
fn a_stored_salt_and_cost_give_the_same_key_for_ever() {
    let header = header([64 * 1024, 3, 4]);
    let derivation = Derivation::parse(&header).unwrap();
    assert_eq!(derivation.to_bytes(), header);
    let key = derivation.key(b"correct horse battery staple").unwrap();
    assert_eq!(encode::hex(key.expose_secret()), "0b167e20ffb8a31f75eb3e471872ba0a5747d56ec494db5becb07108141bff24");
    let other = derivation.key(b"correct horse battery staple\n").unwrap();
    assert_ne!(key.expose_secret(), other.expose_secret(), "the bytes are used as they are");
}

#[test]
fn a_cost_out_of_bounds_is_refused_before_anything_is_derived() {
    for cost in [[64 * 1024, 3, 1], [256 * 1024, 16, 16]] {
        assert!(Derivation::parse(&header(cost)).is_ok(), "{cost:?}");
    }
    let max = u32::MAX;
    for cost in [
        [64 * 1024 - 1, 3, 4],
        [64 * 1024, 2, 4],
        [64 * 1024, 3, 0],
        [256 * 1024 + 1, 3, 4],
        [64 * 1024, 17, 4],
        [64 * 1024, 3, 17],
        [0, 0, 0],
        [max, max, max],
    ] {
        let refused = Derivation::parse(&header(cost)).err();
        assert_eq!(refused, Some("the cost of the derivation is out of bounds"), "{cost:?}");
    }
    let mut later = header([64 * 1024, 3, 4]);
    later[4] = 2;
    assert!(Derivation::parse(&later).err().unwrap().contains("version"));
}

#[test]
fn each_derivation_has_a_salt_of_its_own() {
    let salt = || Derivation::fresh().unwrap().to_bytes()[HEADER_LEN - 16..].to_vec();
    assert_ne!(salt(), salt());
}

fn header(cost: [u32; 3]) -> [u8; HEADER_LEN] {
    let cost = cost.map(u32::to_be_bytes).concat();
    [b"CNXP\x01", &*cost, &[7; 16]].concat().try_into().unwrap()
}
