//! Synced writes wait for the disk, whatever the operator of a server has set.

use super::Database;
use crate::store::{Tx, engine::optional};

const SETTING: &str = "SELECT current_setting('synchronous_commit')";

async fn setting(tx: &mut Tx) -> Result<String, crate::StoreError> {
    Ok(optional!(tx, (String,), SETTING)?.unwrap().0)
}

#[tokio::test]
async fn what_must_be_on_the_disk_waits_for_it_whatever_the_server_is_set_to() {
    let Some(database) = Database::on_postgres().await else { return };
    let mut other = database.postgres.as_ref().unwrap().connect().await;
    let faster = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); \
                  END $$";
    sqlx::raw_sql(faster).execute(&mut other).await.unwrap();
    let store = database.open().await;
    let synced = store.write(|tx| Box::pin(setting(tx))).await.unwrap();
    let relaxed = store.write_relaxed(|tx| Box::pin(setting(tx))).await.unwrap();
    assert_eq!((&*synced, &*relaxed), ("on", "off"));
    // The control: the setting is in effect.
    let mut reader = store.reader().await.unwrap();
    assert_eq!(optional!(reader, (String,), SETTING).unwrap().unwrap().0, "off");
}
