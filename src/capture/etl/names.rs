//! Names of providers that traces for sign-in problems hold; a table only (published manifests, checked 2026-11).

use super::guid::{self, Guid};

/// Provider GUID → name.
pub static PROVIDERS: &[(Guid, &str)] = &[
    (guid::NDIS_PACKET_CAPTURE, "Microsoft-Windows-NDIS-PacketCapture"),
    (guid::PKTMON, "Microsoft-Windows-PktMon"),
    (guid::RAS_NDISWAN, "Microsoft-Windows-Ras-NdisWanPacketCapture"),
    (TCPIP, "Microsoft-Windows-TCPIP"),
    (AFD, "Microsoft-Windows-Winsock-AFD"),
    (NAME_RESOLUTION, "Microsoft-Windows-Winsock-NameResolution"),
    (DNS_CLIENT, "Microsoft-Windows-DNS-Client"),
    (WINHTTP, "Microsoft-Windows-WinHttp"),
    (WEBIO, "Microsoft-Windows-WebIO"),
    (WININET, "Microsoft-Windows-WinINet"),
    (HTTP_SERVICE, "Microsoft-Windows-HttpService"),
    (NCSI, "Microsoft-Windows-NCSI"),
    (DHCP_CLIENT, "Microsoft-Windows-Dhcp-Client"),
    (WLAN, "Microsoft-Windows-WLAN-AutoConfig"),
    (WFP, "Microsoft-Windows-WFP"),
    (NDIS, "Microsoft-Windows-NDIS"),
    (SCHANNEL, "Microsoft-Windows-Schannel-Events"),
    (SCHANNEL_LOG, "Schannel"),
    (KERNEL_PROCESS, "Microsoft-Windows-Kernel-Process"),
    (KERNEL_NETWORK, "Microsoft-Windows-Kernel-Network"),
    (CORRELATION, "Microsoft-Windows-Networking-Correlation"),
    (PEF_WFP, "Microsoft-Pef-WFP-MessageProvider"),
    (guid::EVENT_TRACE, "EventTrace"),
];

/// Microsoft-Windows-TCPIP.
pub const TCPIP: Guid = Guid::from_u128(0x2f07e2ee_15db_40f1_90ef_9d7ba282188a);
/// Microsoft-Windows-Winsock-AFD.
pub const AFD: Guid = Guid::from_u128(0xe53c6823_7bb8_44bb_90dc_3f86090d48a6);
/// Microsoft-Windows-Winsock-NameResolution.
pub const NAME_RESOLUTION: Guid = Guid::from_u128(0x55404e71_4db9_4deb_a5f5_8f86e46dde56);
/// Microsoft-Windows-DNS-Client.
pub const DNS_CLIENT: Guid = Guid::from_u128(0x1c95126e_7eea_49a9_a3fe_a378b03ddb4d);
/// Microsoft-Windows-WinHttp.
pub const WINHTTP: Guid = Guid::from_u128(0x7d44233d_3055_4b9c_ba64_0d47ca40a232);
/// Microsoft-Windows-WebIO.
pub const WEBIO: Guid = Guid::from_u128(0x50b3e73c_9370_461d_bb9f_26f32d68887d);
/// Microsoft-Windows-WinINet.
pub const WININET: Guid = Guid::from_u128(0x43d1a55c_76d6_4f7e_995c_64c711e5cafe);
/// Microsoft-Windows-HttpService.
pub const HTTP_SERVICE: Guid = Guid::from_u128(0xdd5ef90a_6398_47a4_ad34_4dcecdef795f);
/// Microsoft-Windows-NCSI.
pub const NCSI: Guid = Guid::from_u128(0x314de49f_ce63_4779_ba2b_d616f6963a88);
/// Microsoft-Windows-Dhcp-Client.
pub const DHCP_CLIENT: Guid = Guid::from_u128(0x15a7a4f8_0072_4eab_abad_f98a4d666aed);
/// Microsoft-Windows-WLAN-AutoConfig.
pub const WLAN: Guid = Guid::from_u128(0x9580d7dd_0379_4658_9870_d5be7d52d6de);
/// Microsoft-Windows-WFP.
pub const WFP: Guid = Guid::from_u128(0x0c478c5b_0351_41b1_8c58_4a6737da32e3);
/// Microsoft-Windows-NDIS.
pub const NDIS: Guid = Guid::from_u128(0xcdead503_17f5_4a3e_b7ae_df8cc2902eb9);
/// Schannel's provider for the system event log.
pub const SCHANNEL_LOG: Guid = Guid::from_u128(0x1f678132_5938_4686_9fdc_c8ff68f15c85);
/// Schannel events.
pub const SCHANNEL: Guid = Guid::from_u128(0x91cc1150_71aa_47e2_ae18_c96e61736b6f);
/// Microsoft-Windows-Kernel-Process.
pub const KERNEL_PROCESS: Guid = Guid::from_u128(0x22fb2cd6_0e7b_422b_a0c7_2fad1fd0e716);
/// Microsoft-Windows-Kernel-Network.
pub const KERNEL_NETWORK: Guid = Guid::from_u128(0x7dd42a49_5329_4832_8dfd_43d979153a88);
/// Microsoft-Windows-Networking-Correlation.
pub const CORRELATION: Guid = Guid::from_u128(0x83ed54f0_4d48_4e45_b16e_726ffd1fa4af);
/// Microsoft-Pef-WFP-MessageProvider.
pub const PEF_WFP: Guid = Guid::from_u128(0xc22d1b14_c242_49de_9f17_1d76b8b9c458);
/// Class of kernel process events in files without a kernel group byte.
pub const KERNEL_PROCESS_CLASS: Guid = Guid::from_u128(0x3d6fa8d0_fe05_11d0_9dda_00c04fd7ba7c);

/// The name of a provider.
pub fn provider(guid: Guid) -> Option<&'static str> {
    PROVIDERS.iter().find(|(g, _)| *g == guid).map(|(_, n)| *n)
}
