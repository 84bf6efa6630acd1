//! HTTP/1.x in clear: requests, answers, CONNECT and its tunnel.
