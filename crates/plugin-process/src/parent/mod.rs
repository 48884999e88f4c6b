//! The host's end: starts children and makes them look like plugins in this process.
