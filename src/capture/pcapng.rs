//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces, packets, options.
