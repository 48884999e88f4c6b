//! A look at files before anything of them runs: who owns them, their digests, what they say of themselves.

use super::slots::PluginSlots;
use crate::options::locks::policy_of;
use crate::options::settings::Options;
use meterbox_plugin_files::{Refusal, Verified, verify};

/// A file that was looked at, or why it is refused.
pub(super) type Examined = Result<Verified, Refusal>;

/// Looks at the files of these slots, all at the same time: digests take longer than everything else.
pub(super) fn examine_all(
    slots: &PluginSlots,
    options: &Options,
    indices: &[usize],
) -> Vec<Examined> {
    let [others @ .., last] = indices else {
        return Vec::new();
    };
    std::thread::scope(|scope| {
        let look = |&index: &usize| {
            let thread = std::thread::Builder::new().name("plugin-verify".to_owned());
            let looking = thread.spawn_scoped(scope, move || examine(slots, options, index));
            (index, looking)
        };
        let looking: Vec<_> = others.iter().map(look).collect();
        let last = examine(slots, options, *last);
        let joined = looking.into_iter().map(|(index, looking)| {
            let joined = looking.ok().and_then(|looking| looking.join().ok());
            // Without a thread of its own, on this one.
            joined.unwrap_or_else(|| examine(slots, options, index))
        });
        joined.chain([last]).collect()
    })
}

/// Looks at the file of one slot.
pub(super) fn examine(slots: &PluginSlots, options: &Options, index: usize) -> Examined {
    let slot = slots.get(index);
    let look = slot.look();
    slots.change(index, |slot| slot.fingerprint = look);
    let candidate = &slot.candidate;
    let policy = policy_of(options.plugins(), &candidate.folder, slot.bundled);
    let policy = policy.map_err(|refusal| refusal.at(&candidate.path()))?;
    verify(candidate, &policy)
}
