//! Endpoints of the three commands in the three clouds: table only.
