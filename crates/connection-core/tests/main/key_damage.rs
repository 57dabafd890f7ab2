//! Damaged key slots: the other slot opens the database, and without one no new key is created.

use connection_contract::{Liveness, encode};
use connection_core::{ConnectionId, Filter, KeyFile, KeySource, KeyVariable, OpenError, SealError};
use connection_faults::rounds::rounds;

use crate::{
    acme::Acme,
    sql,
    test_host::{World, connected},
};

fn variable(byte: u8) -> KeyVariable {
    KeyVariable::new("APP_KEY", Some(encode::hex(&[byte; 32]).into()))
}

/// A database whose change of source was stopped half-way: slot A opens with the file, slot B with the variable.
struct Half {
    world: World,
    id: ConnectionId,
    slots: [Vec<u8>; 2],
}

impl Half {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let id = connected(&registry, "key-1").await.id();
        registry.close().await;
        // The whole change, and then the old slot as it was.
        let old = blob(&world, "slot_a").await;
        world.builder().change_key(variable(1)).await.unwrap();
        let slots = [old, blob(&world, "slot_b").await];
        let half = Self { world, id, slots };
        half.put([Some(&half.slots[0]), Some(&half.slots[1])]).await;
        half
    }

    async fn put(&self, slots: [Option<&[u8]>; 2]) {
        let [a, b] = slots.map(|slot| slot.map_or("NULL".to_owned(), sql::literal));
        let sql = format!("UPDATE connection_keyset SET slot_a = {a}, slot_b = {b}");
        assert_eq!(sql::run(&self.world.database(), sql).await, 1);
    }

    async fn opens(&self, source: impl KeySource + 'static) -> Result<(), OpenError> {
        let registry = self.world.builder().kind(Acme::default()).key(source).open().await?;
        let info = registry.connection(self.id).await.unwrap().verify().await.unwrap();
        assert_eq!(info.liveness, Liveness::Live);
        registry.close().await;
        Ok(())
    }

    fn file(&self) -> KeyFile {
        KeyFile::at(self.world.key())
    }
}

async fn blob(world: &World, column: &str) -> Vec<u8> {
    sql::blob(&world.database(), format!("SELECT {column} FROM connection_keyset")).await
}

fn damages(good: &[u8]) -> Vec<Vec<u8>> {
    let mut damages = vec![Vec::new(), good[..good.len() / 2].to_vec(), good[..good.len() - 1].to_vec(), vec![0; 99]];
    for at in (0..good.len()).step_by(rounds(15, 5)).chain([good.len() - 1]) {
        let mut flipped = good.to_vec();
        flipped[at] ^= 1;
        damages.push(flipped);
    }
    damages
}

/// R-INSEAM-046
#[tokio::test]
async fn a_damaged_slot_keeps_its_own_source_out_and_not_the_other_one() {
    let half = Half::new().await;
    let [a, b] = &half.slots;
    half.opens(half.file()).await.unwrap();
    half.opens(variable(1)).await.unwrap();
    for damaged in damages(a) {
        half.put([Some(&damaged), Some(b)]).await;
        half.opens(variable(1)).await.unwrap();
        let error = half.opens(half.file()).await.unwrap_err();
        assert!(matches!(error, OpenError::Seal { .. }) && error.remedy().is_some(), "{error:?}");
    }
    for damaged in damages(b) {
        half.put([Some(a), Some(&damaged)]).await;
        half.opens(half.file()).await.unwrap();
        let error = half.opens(variable(1)).await.unwrap_err();
        assert!(matches!(error, OpenError::Seal { .. }) && error.remedy().is_some(), "{error:?}");
    }
    // A change overwrites a damaged slot.
    half.put([Some(a), Some(&b[..9])]).await;
    half.world.builder().change_key(variable(1)).await.unwrap();
    half.opens(variable(1)).await.unwrap();
}

#[tokio::test]
async fn two_unusable_slots_open_nothing_and_create_no_new_key() {
    let half = Half::new().await;
    let [a, b] = &half.slots;
    let mut cases: Vec<[Option<Vec<u8>>; 2]> =
        damages(a).into_iter().zip(damages(b)).map(|(a, b)| [Some(a), Some(b)]).collect();
    cases.push([Some(b.clone()), Some(a.clone())]);
    cases.push([None, Some(a.clone())]);
    cases.push([Some(b.clone()), None]);
    cases.push([Some(a[..20].to_vec()), None]);
    for slots in cases {
        half.put([slots[0].as_deref(), slots[1].as_deref()]).await;
        for error in [half.opens(half.file()).await.unwrap_err(), half.opens(variable(1)).await.unwrap_err()] {
            assert!(matches!(error, OpenError::Seal { .. }), "{error:?}");
            assert_eq!(error.code(), "key_failed");
            assert!(error.remedy().is_some(), "{error:?}");
        }
        half.world.builder().change_key(variable(1)).await.unwrap_err();
        assert_eq!(sql::number(&half.world.database(), "SELECT count(*) FROM connection_keyset").await, Some(1));
    }
    half.put([Some(a), Some(b)]).await;
    half.opens(half.file()).await.unwrap();
    half.opens(variable(1)).await.unwrap();
}

/// R-INSEAM-046
#[tokio::test]
async fn a_keyset_that_is_put_back_from_before_a_rotation_does_not_open() {
    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    let old = blob(&world, "slot_a").await;
    let revision = "SELECT keys_revision FROM connection_keyset";
    let before = sql::number(&world.database(), revision).await.unwrap();
    registry.keys().rotate().await.unwrap();
    registry.close().await;
    let new = blob(&world, "slot_a").await;
    let put = async |slot: &[u8], revision: i64| {
        let slot = sql::literal(slot);
        let sql = format!("UPDATE connection_keyset SET slot_a = {slot}, keys_revision = {revision}");
        sql::run(&world.database(), sql).await
    };
    put(&old, before + 1).await;
    let error = world.builder().open().await.unwrap_err();
    let tampered = SealError::Tampered { table: "connection_keyset" };
    assert!(matches!(&error, OpenError::Seal { error, .. } if *error == tampered), "{error:?}");
    put(&new, before).await;
    world.builder().open().await.unwrap_err();
    put(&new, before + 1).await;
    world.acme().await.close().await;
    // After it is put back with its revision, its keys are the old ones. A value that was sealed later names the
    // key that it needs.
    put(&old, before).await;
    let registry = world.acme().await;
    let page = registry.list_connections(Filter::new()).await.unwrap();
    let error = registry.connection(page.items[0].id).await.unwrap().origins().await.unwrap_err();
    assert!(error.remedy().unwrap().contains("restore key"), "{error:?}");
}

#[tokio::test]
async fn a_deleted_keyset_under_an_open_registry_ends_nothing_that_it_has_open() {
    let world = World::new().await;
    let registry = world.acme().await;
    let id = connected(&registry, "key-1").await.id();
    sql::run(&world.database(), "DELETE FROM connection_keyset").await;
    world.clock.advance(std::time::Duration::from_secs(5));
    let info = registry.connection(id).await.unwrap().verify().await.unwrap();
    assert_eq!(info.liveness, Liveness::Live);
    let error = registry.keys().rotate().await.unwrap_err();
    assert!(error.remedy().is_some(), "{error:?}");
    registry.close().await;
    let error = world.builder().open().await.unwrap_err();
    assert!(matches!(error, OpenError::Seal { error: SealError::Lost, .. }), "{error:?}");
}
