//! What the broker promises, in every order.

use connectcreds_exploration::broker_plays;

#[test]
fn one_question_is_one_exchange() {
    broker_plays::one_question_is_one_exchange();
}

#[test]
fn a_failure_is_shared_by_those_who_waited() {
    broker_plays::a_failure_is_shared_by_those_who_waited();
}

#[test]
fn whoever_leaves_spoils_nothing_for_the_others() {
    broker_plays::whoever_leaves_spoils_nothing_for_the_others();
}

#[test]
fn a_cancelled_leader_leaves_its_exchange_to_the_others() {
    broker_plays::a_cancelled_leader_leaves_its_exchange_to_the_others();
}

#[test]
fn what_was_forgotten_under_way_is_not_stored() {
    broker_plays::what_was_forgotten_under_way_is_not_stored();
}

#[test]
fn an_invalidated_token_stays_away() {
    broker_plays::an_invalidated_token_stays_away();
}

#[test]
fn an_aging_token_is_renewed_once_in_the_background() {
    broker_plays::an_aging_token_is_renewed_once_in_the_background();
}

#[test]
fn a_child_made_at_any_moment_works_at_once() {
    broker_plays::a_child_made_at_any_moment_works_at_once();
}

#[test]
fn a_child_made_by_a_cancel_callback_gets_its_answer() {
    broker_plays::a_child_made_by_a_cancel_callback_gets_its_answer();
}

#[test]
fn a_child_made_within_an_exchange_has_its_answer() {
    broker_plays::a_child_made_within_an_exchange_has_its_answer();
}
