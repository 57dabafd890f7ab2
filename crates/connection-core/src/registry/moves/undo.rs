//! Takes a move back: the copy is emptied first, and then the database in the file opens again.

use secrecy::SecretString;

use super::{MoveError, MoveStep, MoveUndone, OnStep, held::hold};
use crate::{
    OpenError, RegistryBuilder, StoreError,
    contain::Runtimes,
    store::{
        moving::{MoveSource, MoveTarget, TargetState},
        rows::{MoveRow, MoveState},
    },
};

pub(super) async fn undo(
    mut builder: RegistryBuilder,
    server: SecretString,
    on_step: OnStep,
) -> Result<MoveUndone, MoveError> {
    let source = builder.store.take().ok_or(OpenError::NoStore)?;
    let database = source.file().ok_or(MoveError::NotAFile)?;
    let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
    let task = runtimes.spawn(async move {
        let mut source = hold(database).await?;
        let undone = take_back(&mut source, &server, &on_step).await;
        source.close().await;
        undone
    });
    task.await.map_err(|_| StoreError::Panicked)?
}

async fn take_back(source: &mut MoveSource, server: &SecretString, on_step: &OnStep) -> Result<MoveUndone, MoveError> {
    let database = source.place().to_owned();
    let Some(mark) = source.moved().await? else { return Err(MoveError::NotMoved { database }) };
    let withdrawn = withdraw(server, &mark).await;
    let unreached = match withdrawn {
        Ok(true) => None,
        // Without the mark of the source, a copy that is still on its way never opens.
        Ok(false) if mark.state == MoveState::Moving => None,
        Err(MoveError::Open(error)) if mark.state == MoveState::Moving => Some(error.to_string()),
        Ok(false) => return Err(MoveError::CopyMissing { database, to: mark.other }),
        Err(error) => return Err(error),
    };
    (on_step.0)(MoveStep::Withdrawn);
    source.tx().forget_move().await?;
    (on_step.0)(MoveStep::Returned);
    Ok(MoveUndone { database, server: mark.other, unreached })
}

/// Empties the copy that the source names, and returns `true` if it was there.
///
/// # Errors
///
/// [`MoveError::CopyOpened`] if it was opened, and the errors of the server.
async fn withdraw(server: &SecretString, mark: &MoveRow) -> Result<bool, MoveError> {
    let mut target = MoveTarget::connect(server).await?.ok_or(MoveError::NotAServer)?;
    let place = target.place().to_owned();
    let mut arrival = target.begin().await?;
    let copy = match arrival.state().await? {
        TargetState::Copy(copy) if copy.move_id == mark.move_id => copy,
        _ => return Ok(false),
    };
    match copy.state {
        MoveState::Arriving | MoveState::Arrived => {
            arrival.withdraw(copy).await?;
            arrival.commit().await?;
            target.close().await;
        }
        MoveState::Withdrawn => {}
        MoveState::Opened => return Err(MoveError::CopyOpened { server: place }),
        // The copy has none of these.
        MoveState::Moving | MoveState::Moved => return Ok(false),
    }
    Ok(true)
}
