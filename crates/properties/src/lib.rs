//! Java `.properties` text to entries with line numbers.
