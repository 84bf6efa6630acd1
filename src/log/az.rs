//! The Azure CLI's debug output.
