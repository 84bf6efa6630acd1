//! Release table of the Azure CLI, Az.Accounts and Microsoft.Graph: table only.
