//! What this replica knows, folded for asking.
