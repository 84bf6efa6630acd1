//! Builds ETL files in code, for tests.

use super::guid::{self, Guid};

/// Raw clock at the start, ticks of 100 ns; FILETIME of the start.
pub const RAW_START: i64 = 1_000_000;
pub const START: i64 = 133_000_000_000_000_000;

/// A trace in the making.
pub struct Builder {
    pub buffer_size: u32,
    pub compress: bool,
    pub mode: u32,
    pub closed: bool,
    pub lost: u32,
    pub pointer: u8,
    pub logger: &'static str,
    pub file_name: &'static str,
    pub buffers: Vec<Buffer>,
}

pub struct Buffer {
    pub cpu: u16,
    pub seq: u64,
    pub body: Vec<u8>,
    /// Compressed bytes to use instead of packing `body`, and the announced length.
    pub packed: Option<(Vec<u8>, u32)>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            buffer_size: 65_536,
            compress: false,
            mode: 0x0001_0001,
            closed: true,
            lost: 0,
            pointer: 8,
            logger: "Relogger",
            file_name: "C:\\Temp\\NetTrace.etl",
            buffers: Vec::new(),
        }
    }
}

pub fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

impl Builder {
    /// Adds a buffer with these events.
    pub fn buffer(mut self, cpu: u16, seq: u64, events: &[Vec<u8>]) -> Self {
        let mut body = Vec::new();
        for e in events {
            body.extend_from_slice(e);
            body.resize(body.len().next_multiple_of(8), 0xEE);
        }
        self.buffers.push(Buffer { cpu, seq, body, packed: None });
        self
    }

    fn header_event(&self) -> Vec<u8> {
        let p8 = self.pointer == 8;
        let mut b = Vec::new();
        let mut u32s = |v: &[u32]| v.iter().for_each(|v| b.extend(v.to_le_bytes()));
        u32s(&[if self.compress { 16 << 20 } else { self.buffer_size }]);
        u32s(&[u32::from_le_bytes([10, 0, if self.compress { 2 } else { 1 }, 5]), 19044, 2]);
        let end = if self.closed { START + 10_000_000 } else { 0 };
        b.extend(end.to_le_bytes());
        let mode = self.mode | if self.compress { 0x0400_0000 } else { 0 };
        for v in [156_250, 512, mode, self.buffers.len() as u32 + 1, 1, u32::from(self.pointer), self.lost, 2496] {
            b.extend(v.to_le_bytes());
        }
        b.extend(vec![0; 2 * usize::from(self.pointer)]);
        b.extend((-540i32).to_le_bytes());
        b.extend(vec![0; 168 + 4]);
        for v in [0i64, 10_000_000, START] {
            b.extend(v.to_le_bytes());
        }
        b.extend(1u32.to_le_bytes());
        b.extend(0u32.to_le_bytes());
        assert_eq!(b.len(), if p8 { 0x118 } else { 0x110 });
        b.extend(wide(self.logger));
        b.extend(wide(self.file_name));
        let mut e = vec![2, 0, if p8 { 2 } else { 1 }, 0xC0];
        e.extend(((32 + b.len()) as u16).to_le_bytes());
        e.extend([0; 2]);
        e.extend(1u32.to_le_bytes());
        e.extend(2u32.to_le_bytes());
        e.extend(RAW_START.to_le_bytes());
        e.extend([0; 8]);
        e.extend(b);
        e
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let head = self.header_event();
        let mut file = Vec::new();
        let head_size = if self.compress { 1024 } else { self.buffer_size };
        let filled = 72 + head.len().next_multiple_of(8) as u32;
        buffer_header(&mut file, head_size, filled, 0, 0, 1, 4);
        file.extend(&head);
        file.resize(filled as usize, 0);
        file.resize(head_size as usize, 0xFF);
        for b in &self.buffers {
            if self.compress {
                let (packed, plain) = match &b.packed {
                    Some((p, n)) => (p.clone(), *n),
                    None => (super::xpress::tests::literal(&b.body), b.body.len() as u32),
                };
                buffer_header(&mut file, 72 + packed.len() as u32, 72 + plain, b.seq, b.cpu, 0x60, 0);
                file.extend(packed);
            } else {
                let start = file.len();
                assert!(b.body.len() + 72 <= self.buffer_size as usize);
                buffer_header(&mut file, self.buffer_size, 72 + b.body.len() as u32, b.seq, b.cpu, 0x20, 0);
                file.extend(&b.body);
                file.resize(start + self.buffer_size as usize, 0xFF);
            }
        }
        file
    }
}

fn buffer_header(file: &mut Vec<u8>, size: u32, filled: u32, seq: u64, cpu: u16, flags: u16, kind: u16) {
    for v in [size, filled, filled, 0] {
        file.extend(v.to_le_bytes());
    }
    file.extend([0; 8]);
    file.extend(seq.to_le_bytes());
    file.extend([0; 8]);
    file.extend(cpu.to_le_bytes());
    file.extend([0; 6]);
    file.extend(filled.to_le_bytes());
    file.extend(flags.to_le_bytes());
    file.extend(kind.to_le_bytes());
    file.extend([0; 16]);
}

/// EVENT_HEADER with user data.
pub fn event(provider: Guid, id: u16, keyword: u64, ticks: i64, pid: u32, user: &[u8]) -> Vec<u8> {
    let mut e = ((80 + user.len()) as u16).to_le_bytes().to_vec();
    e.extend([0x13, 0xC0, 0, 0, 0, 0]);
    e.extend(7u32.to_le_bytes());
    e.extend(pid.to_le_bytes());
    e.extend((RAW_START + ticks).to_le_bytes());
    e.extend(provider.0);
    e.extend(id.to_le_bytes());
    e.extend([0, 0, 4, 0, 0, 0]);
    e.extend(keyword.to_le_bytes());
    e.extend([0; 24]);
    e.extend(user);
    e
}

/// Classic event as a merge adds it.
pub fn classic(class: Guid, opcode: u8, ticks: i64, user: &[u8]) -> Vec<u8> {
    let mut e = ((48 + user.len()) as u16).to_le_bytes().to_vec();
    e.extend([0x14, 0xC0, opcode, 0, 0, 0]);
    e.extend([0; 8]);
    e.extend((RAW_START + ticks).to_le_bytes());
    e.extend(class.0);
    e.extend([0; 8]);
    e.extend(user);
    e
}

pub const WHOLE: u64 = 0xC000_0000;
pub const SEND: u64 = 0x1_0000_0000;
pub const WIFI: u64 = 0x1_0000;

/// NDIS packet event.
pub fn ndis(ticks: i64, keyword: u64, miniport: u32, lower: u32, data: &[u8]) -> Vec<u8> {
    let mut u = miniport.to_le_bytes().to_vec();
    u.extend(lower.to_le_bytes());
    u.extend((data.len() as u32).to_le_bytes());
    u.extend(data);
    u.extend([0; 16]);
    event(guid::NDIS_PACKET_CAPTURE, 1001, keyword, ticks, 4711, &u)
}

/// What a PktMon packet record says.
#[derive(Clone, Copy)]
pub struct Mon {
    pub group: u64,
    pub appearance: u16,
    pub packet_type: u16,
    pub component: u16,
    pub edge: u16,
    pub reason: u32,
}

/// PktMon packet event.
pub fn pktmon(ticks: i64, m: Mon, data: &[u8]) -> Vec<u8> {
    let mut u = m.group.to_le_bytes().to_vec();
    for v in [1, m.appearance, 4, m.packet_type, m.component, m.edge, 0] {
        u.extend(v.to_le_bytes());
    }
    u.extend(m.reason.to_le_bytes());
    u.extend(0xE000_0001u32.to_le_bytes());
    u.extend((data.len() as u16).to_le_bytes());
    u.extend((data.len() as u16).to_le_bytes());
    u.extend(data);
    event(guid::PKTMON, if m.reason > 0 { 170 } else { 160 }, 0x10, ticks, 4, &u)
}

/// Ethernet frame with IPv4 and the beginning of TCP.
pub fn tcp(ip_id: u16, payload: &[u8]) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    f.extend((40 + payload.len() as u16).to_be_bytes());
    f.extend(ip_id.to_be_bytes());
    f.extend([0x40, 0, 128, 6, 0, 0, 10, 0, 0, 7, 20, 190, 0, 1, 0xC0, 0, 1, 0xBB, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18]);
    f.extend([4, 0, 0, 0, 0, 0]);
    f.extend(payload);
    f
}

/// The same as native 802.11, with the Protected bit.
pub fn wifi(ethernet: &[u8]) -> Vec<u8> {
    let mut f = vec![0x08, 0x41];
    f.extend([0; 22]);
    f.extend([0xAA, 0xAA, 3, 0, 0, 0]);
    f.extend(&ethernet[12..]);
    f
}

/// A compressed stream of `first` (at most 8 KiB) repeated up to `total` bytes, some bytes long.
pub fn repeated(first: &[u8], total: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pieces = first.chunks_exact(32);
    for p in &mut pieces {
        out.extend([0; 4]);
        out.extend(p);
    }
    let rest = pieces.remainder();
    out.extend(((1u64 << (32 - rest.len())) as u32).wrapping_sub(1).to_le_bytes());
    out.extend(rest);
    out.extend((((first.len() as u16 - 1) << 3) | 7).to_le_bytes());
    out.extend([0x0F, 255, 0, 0]);
    out.extend((total - first.len() as u32 - 3).to_le_bytes());
    out
}
