//! The child's end: one loaded library, driven over lanes by a host somewhere else.
