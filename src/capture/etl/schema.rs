//! Embedded schemas: TRACE_EVENT_INFO, value maps, TraceLogging.
