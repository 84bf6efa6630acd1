//! Debug text → events.

pub mod az;
pub mod az_powershell;
pub mod graph_powershell;
pub mod secret;
pub mod signin_export;
pub mod text;
