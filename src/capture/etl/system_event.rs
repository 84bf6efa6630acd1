//! Events of other providers that explain a failure.
