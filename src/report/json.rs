//! The JSON report (schema nettriage.case/1).
