//! Verifies credentials that end while their refresh has to wait, for example during a long pause that the provider
//! asked for. The provider need not be asked for that, so the pause does not apply.

use connection_contract::Kind;

use crate::{ConnectionRegistry, Error, ground::Scope, store::any_of, verify};

/// Maximum number of rows per round. The next round continues.
const BATCH: i64 = 64;

pub(super) async fn ended(registry: &ConnectionRegistry) -> Result<(), Error> {
    let systems = &registry.systems;
    let kinds = any_of(systems.ground.renewing().iter().map(Kind::as_str));
    let rows =
        systems.ground.reader().await?.ended_credentials(systems.ground.clock.now().seconds(), &kinds, BATCH).await?;
    for row in rows {
        let verify = systems.verify.clone();
        let task = async move {
            let scope = Scope { system: &verify, owner: &row.owner };
            if let Err(error) = verify::verify(scope, row.id, verify::ProbeTrigger::Schedule, None).await
                && !matches!(error, Error::KindChanged { .. })
            {
                tracing::warn!(
                    connection = %row.id, code = error.code(),
                    "the verification of a credential that has ended failed"
                );
            }
        };
        drop(systems.ground.runtimes.spawn(task));
    }
    Ok(())
}
