//! Sign-in log exports of the Entra portal and of Graph.
