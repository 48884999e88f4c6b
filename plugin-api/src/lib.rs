//! What the author of a Meterbox plugin depends on.
