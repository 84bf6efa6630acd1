//! cab, zip, gz and zst, nested, unpacked in memory within a budget.
