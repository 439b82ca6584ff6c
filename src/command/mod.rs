//! What to do: the command table and its families.
