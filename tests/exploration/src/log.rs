//! No log: a line is not a step, and its locks are not what is explored.

macro_rules! pass_over {
    ($($words:tt)+) => {
        let _ = format_args!($($words)+);
    };
}
pub(crate) use {pass_over as debug, pass_over as info, pass_over as warning};

pub(crate) fn is_listened_to() -> bool {
    false
}

pub(crate) fn deliver() {}
