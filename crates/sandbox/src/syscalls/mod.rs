//! The table of refused system calls as filters of the kernel (seccomp).
//!
//! Everything is allowed but what [`table`] names: a plugin may be any program, and a list of all that programs need is never complete. What is
//! refused is answered with EPERM, so that the program can go on without.

mod table;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

use crate::{Policy, Refused, Report};
use table::{Compare, Refusal};

pub(crate) fn refuse(policy: &Policy, report: &mut Report) -> Result<(), Refused> {
    let refusals = table::refusals(policy, report.landlock.is_some(), std::process::id());
    let absent: Vec<Refusal> = table::ABSENT
        .iter()
        .map(|call| Refusal::always(*call))
        .collect();
    let filters = [
        foreign_numbers(),
        compile(&absent, libc::ENOSYS)?,
        compile(&refusals, libc::EPERM)?,
    ];
    for filter in &filters {
        if let Err(error) = seccompiler::apply_filter(filter) {
            report.lacking.push(format!("seccomp ({error})"));
            return Ok(());
        }
    }
    report.seccomp = true;
    report.refused_calls = absent
        .iter()
        .chain(&refusals)
        .map(|refusal| refusal.call)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    Ok(())
}

fn compile(refusals: &[Refusal], errno: libc::c_int) -> Result<BpfProgram, Refused> {
    let failed = |error: seccompiler::BackendError| Refused::Filter(error.to_string());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for refusal in refusals {
        let of_call = rules.entry(refusal.call).or_default();
        if !refusal.when.is_empty() {
            let conditions = refusal.when.iter().map(condition).collect::<Result<_, _>>();
            of_call.push(SeccompRule::new(conditions.map_err(failed)?).map_err(failed)?);
        }
    }
    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(failed)?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        arch,
    )
    .map_err(failed)?;
    filter.try_into().map_err(failed)
}

fn condition(compare: &Compare) -> Result<SeccompCondition, seccompiler::BackendError> {
    let (argument, operator, value) = match *compare {
        Compare::Is(argument, value) => (argument, SeccompCmpOp::Eq, value),
        Compare::Not(argument, value) => (argument, SeccompCmpOp::Ne, value),
        Compare::Bits(argument, mask, value) => (argument, SeccompCmpOp::MaskedEq(mask), value),
    };
    // Each argument looked at is an `int` or has its flags in the lower half; the upper half may hold anything.
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        operator,
        value & u64::from(u32::MAX),
    )
}

/// x86-64 kernels may know every call a second time under a number with this bit (x32); a table of numbers would miss those.
fn foreign_numbers() -> BpfProgram {
    const SECOND_SET: u32 = 0x4000_0000;
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        instruction(0x20, 0, 0, 0),          // load the number
        instruction(0x35, 0, 1, SECOND_SET), // below: skip one
        instruction(
            0x06,
            0,
            0,
            u32::from(SeccompAction::Errno(libc::EPERM.unsigned_abs())),
        ),
        instruction(0x06, 0, 0, u32::from(SeccompAction::Allow)),
    ]
}
