//! Classic pcap, all variants the field knows.
