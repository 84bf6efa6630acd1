//! Certificate authorities that Microsoft's endpoints use: table only.
