//! Consistent placeholders for names, addresses, users and tenants.
