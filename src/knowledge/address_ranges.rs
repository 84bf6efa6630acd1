//! Address ranges of Entra and of synthetic resolvers: table only.
