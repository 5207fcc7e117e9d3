use crate::world::{World, on_both};

on_both!(every_statement_is_accepted);

async fn every_statement_is_accepted(world: &World) {
    let refused = world.db.check_statements().await;
    assert!(refused.is_empty(), "{refused:?}");
}
