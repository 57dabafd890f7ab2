//! The order of lists.

use super::{Database, add, labels};

#[tokio::test]
async fn a_connection_is_stored_last_whatever_its_id_and_the_clock_say() {
    for database in Database::each().await {
        let store = database.open().await;
        let [early, mut back, first, mut of_another] =
            ["early", "back", "first", "other"].map(|label| database.account(label));
        (back.created_at, of_another.owner) = (50, "u42".into());
        for row in [&first, &early, &of_another, &back] {
            add(&store, row).await.unwrap();
        }
        assert_eq!(labels(&store).await, ["first", "early", "other", "back"]);
    }
}
