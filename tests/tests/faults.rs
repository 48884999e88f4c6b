//! The fault suite in its short form: one test per fault, each with a host of its own under good
//! traffic. `cargo xtask faults plugins` runs the long form.

use meterbox_tests::faults::{CANARY, Effort, FAULTS, Run};

const SEED: u64 = 1;

/// Runs the fault of that number.
fn fault(number: u8) {
    let fault = FAULTS.iter().find(|fault| fault.number == number);
    let fault = fault.expect("the table has every number");
    let mut run = Run::new(Effort::Quick, SEED);
    (fault.run)(&mut run);
    let row = &run.row;
    assert!(row.good > 0 && row.failures == 0, "{row:?}");
}

#[test]
#[should_panic(expected = "the host ended")]
fn the_suite_fails_when_the_host_dies() {
    (CANARY.run)(&mut Run::new(Effort::Quick, SEED));
}

/// One test for each row; the names never change.
macro_rules! faults {
    ($($name:ident = $number:literal,)+) => {
        $(#[test] fn $name() { fault($number); })+

        #[test]
        fn every_fault_of_the_table_has_its_test() {
            let tested = [$($number),+];
            let table: Vec<u8> = FAULTS.iter().map(|fault| fault.number).collect();
            assert_eq!(tested.as_slice(), table);
        }
    };
}

faults! {
    fault_f01_library_cut_short = 1,
    fault_f02_library_with_flipped_bits = 2,
    fault_f03_no_library_at_all = 3,
    fault_f04_built_for_another_border = 4,
    fault_f05_missing_symbol_or_library = 5,
    fault_f06_constructor_ends_the_process = 6,
    fault_f07_start_never_ends = 7,
    fault_f08_replaced_in_place = 8,
    fault_f09_replaced_by_rename = 9,
    fault_f10_deleted_while_it_runs = 10,
    fault_f11_folder_unusable = 11,
    fault_f12_folder_open_to_others = 12,
    fault_f13_duplicate_name_route_metric = 13,
    fault_f14_one_bad_file_of_many = 14,
    fault_f15_panic_that_unwinds = 15,
    fault_f16_panic_that_aborts = 16,
    fault_f17_abort = 17,
    fault_f18_fatal_signals = 18,
    fault_f19_stack_overflow = 19,
    fault_f20_exit = 20,
    fault_f21_endless_loop = 21,
    fault_f22_deadlock = 22,
    fault_f23_memory_leak = 23,
    fault_f24_giant_and_endless_replies = 24,
    fault_f25_descriptors_leaked_and_closed = 25,
    fault_f26_fork_and_thread_bomb = 26,
    fault_f27_signal_handlers_bent = 27,
    fault_f28_bad_heads_and_pages = 28,
    fault_f29_stall_half_way_then_crash = 29,
    fault_f30_dies_at_each_start = 30,
    fault_f31_stop_never_ends = 31,
}
