//! What may be read: Landlock, where the kernel has it.
#![allow(
    unsafe_code,
    reason = "the version of Landlock is asked for by a bare system call"
)]

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

use crate::{Policy, Report};

/// Read and executed by every program: libraries, and what the C library reads by itself. Missing ones are left out.
const SYSTEM: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/proc/self",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];

/// Needed to find a server by name and to trust it.
const NETWORK: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
];

/// The newest version whose rights are handled; older kernels enforce what they know of it.
const NEWEST: ABI = ABI::V7;

/// The version of Landlock that this kernel has; none when it has none, or has it switched off.
#[must_use]
pub fn landlock() -> Option<u32> {
    const VERSION: libc::c_uint = 1;
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: asked for its version, the call takes no attributes and makes no descriptor.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0usize, VERSION) };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// Takes away every access to files but reading [`SYSTEM`] and the policy's paths, and signals to other processes.
pub(crate) fn restrict(policy: &Policy, report: &mut Report) {
    match rules(policy) {
        Ok(Some(version)) => report.landlock = Some(version),
        Ok(None) => report
            .lacking
            .push("Landlock, the guard of files (the kernel has it not, or not on)".to_owned()),
        Err(error) => report.lacking.push(format!("Landlock ({error})")),
    }
}

fn rules(policy: &Policy) -> Result<Option<u32>, RulesetError> {
    let mut handled = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::Signal)?;
    if !policy.network {
        handled = handled
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::AbstractUnixSocket)?;
    }
    let network = if policy.network { NETWORK } else { &[] };
    let read = AccessFs::from_read(NEWEST);
    let mut ruleset = handled
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(network, read))?
        .add_rules(path_beneath_rules(&policy.read_paths, read))?;
    if let Ok(null) = PathFd::new("/dev/null") {
        ruleset = ruleset.add_rule(PathBeneath::new(
            null,
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?;
    }
    let status = ruleset.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi as u32),
        _ => None,
    })
}
