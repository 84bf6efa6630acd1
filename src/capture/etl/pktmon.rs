//! Microsoft-Windows-PktMon packets, drops, components.
