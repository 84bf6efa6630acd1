//! Microsoft.Graph's debug output.
