//! The queries of moves.

use uuid::Uuid;

use crate::store::{
    Tx,
    rows::{MoveRow, MoveState},
};

pub(super) async fn moves(tx: &mut Tx) {
    let row = MoveRow { state: MoveState::Moving, move_id: Uuid::nil(), other: "x.db".into() };
    call!(tx:
        moved();
        unconcluded_exchanges(9);
        addressed();
        put_move(&row);
        open_arrived();
        forget_move();
    );
}
