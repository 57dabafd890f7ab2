//! Moves a store to a server, from wherever an earlier call was interrupted.

use std::{path::PathBuf, sync::Arc};

use connection_egress::Moment;
use secrecy::SecretString;

use super::{MoveError, MoveStep, Moved, OnStep, bound::bound, held::hold, settle};
use crate::{
    Clock, IdGenerator, KeySources, OpenError, RegistryBuilder, StoreError, StoreSource,
    contain::Runtimes,
    kinds::KindTable,
    store::{
        moving::{self, Arrival, Counted, MoveSource, MoveTarget, TargetState},
        rows::{MoveRow, MoveState},
    },
};

pub(super) async fn move_to(
    mut builder: RegistryBuilder,
    server: SecretString,
    on_step: OnStep,
) -> Result<Moved, MoveError> {
    if let Some(refused) = builder.refused.take() {
        return Err(OpenError::from(refused).into());
    }
    let (source, keys) = builder.store_and_keys()?;
    let database = source.file().ok_or(MoveError::NotAFile)?;
    let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
    let task = runtimes.spawn(async move {
        let mut target = MoveTarget::connect(&server).await?.ok_or(MoveError::NotAServer)?;
        let mut moving = Moving::begin(builder, source, keys, database, on_step).await?;
        let moved = moving.run(&mut target).await;
        moving.source.close().await;
        target.close().await;
        moved
    });
    task.await.map_err(|_| StoreError::Panicked)?
}

/// A move of a locked database.
struct Moving {
    source: MoveSource,
    /// The row of the move in the source.
    mark: Option<MoveRow>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    kinds: Arc<KindTable>,
    on_step: OnStep,
    began: Moment,
}

/// The steps that are left.
enum Left {
    All,
    /// The copy is complete and does not open; the source names it.
    Marks,
    Nothing,
}

impl Moving {
    /// Locks the database, after what another machine would need was recorded in it.
    async fn begin(
        mut builder: RegistryBuilder,
        source: StoreSource,
        keys: KeySources,
        database: PathBuf,
        on_step: OnStep,
    ) -> Result<Self, MoveError> {
        let (clock, ids) = (builder.clock.clone(), builder.ids.clone());
        let began = Moment::of(&*clock);
        let mut held = hold(database.clone()).await?;
        let mark = held.moved().await?;
        if mark.is_some() {
            // A move that has begun continues with what was settled then.
            let kinds = Arc::new(std::mem::take(&mut builder.kinds));
            return Ok(Self { source: held, mark, clock, ids, kinds, on_step, began });
        }
        held.close().await;
        let settled = settle::settle(builder, source, keys, database).await?;
        Ok(Self { source: settled.source, mark: None, clock, ids, kinds: settled.kinds, on_step, began })
    }

    async fn run(&mut self, target: &mut MoveTarget) -> Result<Moved, MoveError> {
        let server = target.place().to_owned();
        let mut arrival = target.begin().await?;
        let state = arrival.state().await?;
        let left = self.left(state, &server)?;
        let counted = match left {
            Left::All => {
                let copied = self.copy(arrival, &server).await?;
                self.step(MoveStep::Copied);
                copied
            }
            Left::Marks | Left::Nothing => {
                let counted = match left {
                    // The copy may have been used since.
                    Left::Nothing => moving::counted(&mut self.source, &mut arrival).await?,
                    _ => compared(&mut self.source, &mut arrival, &server).await?,
                };
                arrival.abandon().await;
                counted
            }
        };
        if !matches!(left, Left::Nothing) {
            self.finish(target, &server).await?;
        }
        Ok(Moved {
            from: self.source.place().to_owned(),
            to: server,
            is_completed: !matches!(left, Left::All),
            connections: counted.connections,
            rows: counted.rows,
            took: self.began.age(Moment::of(&*self.clock)),
            bound: bound(self.source.tx(), &self.kinds).await?,
        })
    }

    /// Decides what is left to do, by the marks in both databases.
    fn left(&self, state: TargetState, server: &str) -> Result<Left, MoveError> {
        let not_empty = || MoveError::NotEmpty { server: server.to_owned() };
        let Some(mark) = &self.mark else {
            return match state {
                TargetState::Empty => Ok(Left::All),
                TargetState::Copy(copy) if copy.state == MoveState::Withdrawn => Ok(Left::All),
                TargetState::Copy(_) | TargetState::Other => Err(not_empty()),
            };
        };
        let is_moved = mark.state == MoveState::Moved;
        match state {
            TargetState::Copy(copy) if copy.move_id == mark.move_id => match copy.state {
                MoveState::Arriving => Ok(Left::Marks),
                MoveState::Arrived | MoveState::Opened if is_moved => Ok(Left::Nothing),
                // An undoing was interrupted after the copy was emptied.
                MoveState::Withdrawn => Ok(Left::All),
                // Another copy of the file has completed this move.
                _ => Err(not_empty()),
            },
            // The complete copy is elsewhere, or gone.
            _ if is_moved => {
                Err(MoveError::CopyMissing { database: self.source.place().to_owned(), to: mark.other.clone() })
            }
            TargetState::Empty => Ok(Left::All),
            TargetState::Copy(copy) if copy.state == MoveState::Withdrawn => Ok(Left::All),
            TargetState::Copy(_) | TargetState::Other => Err(not_empty()),
        }
    }

    /// Makes the copy, which does not open yet. If it fails before its commit, the source is as before.
    async fn copy(&mut self, mut arrival: Arrival<'_>, server: &str) -> Result<Counted, MoveError> {
        let is_current = self.source.is_current().await?;
        if !is_current {
            let place = self.source.place().to_owned();
            return Err(match self.mark {
                Some(_) => MoveError::OtherVersion { database: place },
                // It was opened just before, so the tables are those of a newer program.
                None => StoreError::ProgramTooOld { place }.into(),
            });
        }
        match arrival.prepare().await {
            Err(StoreError::ReadOnly { .. }) => return Err(MoveError::NotAllowed { server: server.to_owned() }),
            Err(StoreError::Unprepared { problem, remedy }) => return Err(MoveError::Unprepared { problem, remedy }),
            prepared => prepared?,
        }
        // Each attempt has another id, so that what an earlier one has left is never taken for this copy.
        let move_id = self.ids.next();
        let mark = MoveRow { state: MoveState::Moving, move_id, other: server.to_owned() };
        self.source.tx().put_move(&mark).await?;
        self.step(MoveStep::Begun);
        let filled = self.fill(&mut arrival, move_id, server).await;
        match filled {
            Ok(counted) => {
                self.mark = Some(mark);
                // If the answer is lost, the copy may be there. Only another call finds out.
                arrival.commit().await?;
                Ok(counted)
            }
            Err(error) => {
                arrival.abandon().await;
                self.take_mark_back().await?;
                Err(error)
            }
        }
    }

    async fn fill(
        &mut self,
        arrival: &mut Arrival<'_>,
        move_id: uuid::Uuid,
        server: &str,
    ) -> Result<Counted, MoveError> {
        let on_step = self.on_step.clone();
        let copied = move |rows| on_step.0(MoveStep::Copying { rows });
        moving::copy(&mut self.source, arrival, &copied).await?;
        arrival.record_timeline().await?;
        let other = self.source.place().to_owned();
        arrival.put(&MoveRow { state: MoveState::Arriving, move_id, other }).await?;
        compared(&mut self.source, arrival, server).await
    }

    /// Restores the row of the source, after an attempt of which nothing was committed.
    async fn take_mark_back(&mut self) -> Result<(), StoreError> {
        match &self.mark {
            Some(mark) => self.source.tx().put_move(mark).await,
            None => self.source.tx().forget_move().await,
        }
    }

    /// Lets the copy open, after the source has said that it does not.
    async fn finish(&mut self, target: &mut MoveTarget, server: &str) -> Result<(), MoveError> {
        let database = self.source.place().to_owned();
        let missing = || MoveError::CopyMissing { database: database.clone(), to: server.to_owned() };
        let mark = self.mark.clone().ok_or_else(missing)?;
        self.source.tx().put_move(&MoveRow { state: MoveState::Moved, other: server.to_owned(), ..mark }).await?;
        self.step(MoveStep::Left);
        let mut arrival = target.begin().await?;
        match arrival.state().await? {
            TargetState::Copy(copy) if copy.move_id == mark.move_id && copy.state == MoveState::Arriving => {
                arrival.put(&MoveRow { state: MoveState::Arrived, ..copy }).await?;
                arrival.commit().await?;
            }
            _ => return Err(missing()),
        }
        self.step(MoveStep::Arrived);
        Ok(())
    }

    fn step(&self, step: MoveStep) {
        (self.on_step.0)(step);
    }
}

/// Counts the rows in both databases.
///
/// # Errors
///
/// [`MoveError::CopyDiffers`] if they are not as many.
async fn compared(source: &mut MoveSource, arrival: &mut Arrival<'_>, server: &str) -> Result<Counted, MoveError> {
    let counted = moving::counted(source, arrival).await?;
    match &counted.differing {
        Some(table) => Err(MoveError::CopyDiffers { table: table.clone(), server: server.to_owned() }),
        None => Ok(counted),
    }
}
