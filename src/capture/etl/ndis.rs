//! Microsoft-Windows-NDIS-PacketCapture and RAS-NdisWan packets.
