//! AADSTS, WAM and system error codes: table only.
