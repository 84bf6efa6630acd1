//! Az.Accounts' debug output.
