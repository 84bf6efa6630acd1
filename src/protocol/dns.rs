//! DNS messages over UDP and TCP, mDNS, LLMNR, NBNS.
