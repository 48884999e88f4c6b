//! Round trips, and bytes that were damaged on the way.
