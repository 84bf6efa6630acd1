//! `nettriage batch`: folders of cases, and their roll-up.
