//! NetTrace.cab's text files → facts: interfaces, resolvers, routes, processes, time zone.
