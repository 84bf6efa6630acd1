//! The first bytes of an input → which container it is.
//!
//! What enters: the first kibibyte or so. What leaves: a container that is read here, or the name of one that is not,
//! with what to do about it. Guaranteed: looks at the given bytes only.

use crate::bytes::Cursor;
use crate::lang::Text;

/// Bytes that [`sniff`] wants to see.
pub const SNIFF_BYTES: usize = 1024;

/// What the first bytes of an input say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Classic pcap, any variant.
    Pcap,
    /// pcapng.
    PcapNg,
    /// Event trace log.
    Etl,
    /// Microsoft Network Monitor 1.x or 2.x.
    Netmon,
    /// Cabinet.
    Cab,
    /// Zip archive.
    Zip,
    /// gzip.
    Gz,
    /// Zstandard.
    Zst,
    /// Something that is known and not read, with advice.
    Foreign(Text),
    /// Nothing known: text, or nothing at all.
    Unknown,
}

/// Says which container begins with `head`.
pub fn sniff(head: &[u8]) -> Container {
    let mut c = Cursor::new(head);
    if let Some(magic) = c.u32_le() {
        if is_pcap_magic(magic) || is_pcap_magic(magic.swap_bytes()) {
            return Container::Pcap;
        }
        // 20 bytes in front of the byte order mark would fit text as well: the mark must be there, where it is seen.
        if magic == PCAPNG_SECTION {
            let mark = head.get(8..12);
            if mark.is_none_or(|m| m == [0x4d, 0x3c, 0x2b, 0x1a] || m == [0x1a, 0x2b, 0x3c, 0x4d]) {
                return Container::PcapNg;
            }
        }
    }
    for (magic, container) in MAGIC {
        if head.starts_with(magic) {
            return *container;
        }
    }
    if is_zstd_skippable(head) {
        return Container::Zst;
    }
    // An event trace has no magic number; its first buffer is looked at.
    if is_etl(head) {
        return Container::Etl;
    }
    Container::Unknown
}

/// The magic numbers of all variants of pcap, as the host that wrote them would read them: standard, nanoseconds, the
/// Linux patches of 1999, Ixia hardware and software, and two rare nanosecond dialects (Navtel, and one of libpcap's
/// list).
pub(crate) fn is_pcap_magic(magic: u32) -> bool {
    matches!(magic, 0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0x1c00_01ac | 0x1c00_01ab | 0xa12b_3c4d | 0xa1b2_34cd)
}

/// Block type of a section header, with which a pcapng file begins; the same in both orders of bytes.
pub(crate) const PCAPNG_SECTION: u32 = 0x0a0d_0d0a;

/// Bytes of the header of an event trace's buffer (WMI_BUFFER_HEADER).
pub(crate) const ETL_BUFFER_HEADER: usize = 72;

/// Flag of a buffer (at [`ETL_FLAGS_AT`]) whose body is compressed.
pub(crate) const ETL_COMPRESSED: u16 = 0x40;

/// Where a buffer's flags stand in its header.
const ETL_FLAGS_AT: usize = 52;

/// Whether `data` begins as an event trace does: a buffer header, then a trace header event, never compressed.
pub(crate) fn is_etl(data: &[u8]) -> bool {
    let mut c = Cursor::new(data);
    let Some(size) = c.u32_le() else { return false };
    let flags = c.skip(ETL_FLAGS_AT - size_of::<u32>()).and_then(|()| c.u16_le());
    let Some(event) = data.get(ETL_BUFFER_HEADER..) else { return false };
    (ETL_BUFFER_HEADER + 32 + 0x110..=1 << 30).contains(&(size as usize))
        && matches!(event, [_, _, 1 | 2, mark, _, _, 0, 0, ..] if mark & 0xC0 == 0xC0)
        && flags.is_some_and(|flags| flags & ETL_COMPRESSED == 0)
}

/// A skippable frame may stand in front of compressed data (RFC 8878 section 3.1.2).
fn is_zstd_skippable(head: &[u8]) -> bool {
    let mut c = Cursor::new(head);
    let skippable = c.u32_le().is_some_and(|m| (0x184d_2a50..=0x184d_2a5f).contains(&m));
    let length = c.u32_le().unwrap_or(0) as usize;
    skippable && c.skip(length).is_some() && c.peek(4) == Some(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// Magic numbers at the start of a file.
const MAGIC: &[(&[u8], Container)] = &[
    (b"GMBU", Container::Netmon),
    (b"RTSS", Container::Netmon),
    (b"MSCF\0\0\0\0", Container::Cab),
    (b"PK\x03\x04", Container::Zip),
    (b"PK\x05\x06", Container::Zip),
    (b"\x1f\x8b", Container::Gz),
    (b"\x28\xb5\x2f\xfd", Container::Zst),
    (b"snoop\0\0\0", Container::Foreign(SNOOP)),
    (b"iptrace 1.0", Container::Foreign(IPTRACE)),
    (b"iptrace 2.0", Container::Foreign(IPTRACE)),
    (b"TRSNIFF data", Container::Foreign(SNIFFER)),
    (b"XCP\0", Container::Foreign(SNIFFER)),
    (b"NetS", Container::Foreign(CAPSA)),
    (b"\xb7\xd8\xc3\xe7", Container::Foreign(PEEK)),
    (b"7z\xbc\xaf\x27\x1c", Container::Foreign(PACKED)),
    (b"Rar!\x1a\x07", Container::Foreign(PACKED)),
    (b"\xfd7zXZ\0", Container::Foreign(PACKED)),
    (b"BZh", Container::Foreign(PACKED)),
    (b"\x04\x22\x4d\x18", Container::Foreign(PACKED)),
    (b"ElfFile\0", Container::Foreign(EVENT_LOG)),
];

const SNOOP: Text = Text {
    en: "a snoop capture (Solaris); convert it with `editcap IN OUT.pcapng`",
    ja: "snoop (Solaris) のキャプチャです。`editcap IN OUT.pcapng` で変換してください",
};
const IPTRACE: Text = Text {
    en: "an AIX iptrace capture; convert it with `editcap IN OUT.pcapng`",
    ja: "AIX iptrace のキャプチャです。`editcap IN OUT.pcapng` で変換してください",
};
const SNIFFER: Text = Text {
    en: "a Sniffer capture (Network General, NetXray); convert it with `editcap IN OUT.pcapng`",
    ja: "Sniffer (Network General, NetXray) のキャプチャです。`editcap IN OUT.pcapng` で変換してください",
};
const CAPSA: Text = Text {
    en: "a capture of another analyzer; save it there as pcap",
    ja: "他の解析ソフトのキャプチャです。そのソフトで pcap として保存し直してください",
};
const PEEK: Text = CAPSA;
const PACKED: Text = Text {
    en: "a packed file of a kind that is not read (7z, rar, xz, bzip2, lz4); unpack it first",
    ja: "対応していない形式の圧縮ファイルです (7z, rar, xz, bzip2, lz4)。先に展開してください",
};
const EVENT_LOG: Text = Text {
    en: "a Windows event log (.evtx); it holds no packets and is not read",
    ja: "Windows イベントログ (.evtx) です。パケットを含まないため読みません",
};
