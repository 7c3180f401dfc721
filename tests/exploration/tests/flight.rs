//! What a flight promises, in every order.

use connectcreds_exploration::flight_plays;

#[test]
fn who_stays_gets_the_result() {
    flight_plays::who_stays_gets_the_result();
}

#[test]
fn the_first_result_is_the_only_one() {
    flight_plays::the_first_result_is_the_only_one();
}
