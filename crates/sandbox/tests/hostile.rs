//! Confined processes try what they must not do.
fn main() {}
