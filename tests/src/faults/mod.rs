//! The fault suite: every way in which a plugin goes wrong, done to a real host that serves meanwhile.
//!
//! One function per fault, one row per function in [`FAULTS`]; numbers and names never change. Each
//! starts a host of its own, lets good traffic run beside the fault and asserts the same for all: the
//! host lives, no good request fails, the fault is counted and logged, everything is as before soon
//! after, nothing is left over (`scene.rs`). `cargo xtask faults plugins` runs the long form of all,
//! the test program `faults` the short one.

mod bends;
mod budgets;
mod census;
pub mod craft;
mod crashes;
mod damage;
mod files;
mod folders;
mod run;
mod scene;
mod starts;
mod stuck;
mod swaps;
mod traffic;

pub use run::{Effort, Row, Run};
pub use traffic::Load;

/// One fault of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its number; F01 is 1.
    pub number: u8,
    /// Its name in words.
    pub name: &'static str,
    /// Does it to a host and asserts what must hold.
    pub run: fn(&mut Run),
}

const fn fault(number: u8, name: &'static str, run: fn(&mut Run)) -> Fault {
    Fault { number, name, run }
}

/// Every fault of plugins, in the order of their numbers.
pub const FAULTS: &[Fault] = &[
    fault(1, "library cut short", files::cut_short),
    fault(2, "library with flipped bits", files::flipped_bits),
    fault(3, "no library at all", files::no_library),
    fault(4, "built for another border", files::other_border),
    fault(5, "missing symbol or library", files::missing_symbol),
    fault(6, "constructor ends the process", starts::constructor),
    fault(7, "start never ends", starts::start_hangs),
    fault(8, "replaced in place", swaps::in_place),
    fault(9, "replaced by rename", swaps::by_rename),
    fault(10, "deleted while it runs", swaps::deleted),
    fault(11, "folder unusable", folders::unusable),
    fault(12, "folder open to others", folders::open_to_others),
    fault(13, "duplicate name, route, metric", folders::duplicates),
    fault(14, "one bad file of many", folders::one_bad),
    fault(15, "panic that unwinds", crashes::panic_unwinding),
    fault(16, "panic that aborts", crashes::panic_aborting),
    fault(17, "abort", crashes::abort),
    fault(18, "fatal signals", crashes::signals),
    fault(19, "stack overflow", crashes::stack_overflow),
    fault(20, "exit", crashes::exit),
    fault(21, "endless loop", stuck::endless_loop),
    fault(22, "deadlock", stuck::deadlock),
    fault(23, "memory leak", budgets::leak),
    fault(24, "giant and endless replies", budgets::giant_reply),
    fault(25, "descriptors leaked and closed", budgets::descriptors),
    fault(26, "fork and thread bomb", budgets::bombs),
    fault(27, "signal handlers bent", bends::signals),
    fault(28, "bad heads and pages", bends::bad_replies),
    fault(29, "stall half way, then crash", bends::stall),
    fault(30, "dies at each start", starts::dies_at_start),
    fault(31, "stop never ends", stuck::stop_hangs),
];

/// A fault that no host survives, so that the suite itself is seen to fail.
pub const CANARY: Fault = fault(0, "abort in the host itself", crashes::abort_in_host);
