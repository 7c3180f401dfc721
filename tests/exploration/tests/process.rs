//! What `process` promises, in every order.

use connectcreds_exploration::process_plays;

#[test]
fn a_process_has_one_value_and_its_child_another() {
    process_plays::a_process_has_one_value_and_its_child_another();
}

#[test]
fn a_reader_sees_a_whole_value() {
    process_plays::a_reader_sees_a_whole_value();
}

#[test]
fn a_child_finds_a_whole_value_that_it_can_write() {
    process_plays::a_child_finds_a_whole_value_that_it_can_write();
}
