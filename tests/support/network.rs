//! Captures made in code: a client, a resolver, a proxy and a server, and what they say to one another.

// Each test crate uses a part of this.
#![allow(dead_code)]

/// An end of a conversation: address and port.
pub type End = ([u8; 4], u16);

/// The machine that signs in.
pub const CLIENT: [u8; 4] = [10, 0, 0, 5];

/// A capture in the making: Ethernet frames, a millisecond apart where nobody waits.
#[derive(Debug, Default, Clone)]
pub struct Capture {
    frames: Vec<Vec<u8>>,
    /// Frames before which somebody waited, and how many milliseconds.
    pauses: Vec<(usize, u32)>,
}

/// Time of a capture's first frame, seconds since 1970: 2026-11-18 11:06:40 UTC.
pub const START: u32 = 1_795_000_000;

impl Capture {
    /// Lets time go by before the next frame.
    pub fn wait(&mut self, milliseconds: u32) -> &mut Capture {
        self.pauses.push((self.frames.len(), milliseconds));
        self
    }

    /// Milliseconds from the first frame to a frame.
    fn millis(&self, frame: usize) -> u32 {
        frame as u32 + self.pauses.iter().filter(|(at, _)| *at <= frame).map(|(_, ms)| ms).sum::<u32>()
    }

    /// A datagram.
    pub fn udp(&mut self, from: End, to: End, payload: &[u8]) -> &mut Capture {
        let mut segment = Vec::new();
        segment.extend(from.1.to_be_bytes());
        segment.extend(to.1.to_be_bytes());
        segment.extend((8 + payload.len() as u16).to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(payload);
        self.ip(from, to, 17, &segment)
    }

    /// A segment. `flags` as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub fn tcp(&mut self, from: End, to: End, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> &mut Capture {
        let mut segment = Vec::new();
        segment.extend(from.1.to_be_bytes());
        segment.extend(to.1.to_be_bytes());
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        self.ip(from, to, 6, &segment)
    }

    /// A whole connection: handshake, what the client says, what the server answers, and a close by the server.
    pub fn talk(&mut self, client: End, server: End, says: &[u8], answers: &[u8]) -> &mut Capture {
        let (s, a) = (1001 + says.len() as u32, 5001 + answers.len() as u32);
        self.tcp(client, server, 2, 1000, 0, b"")
            .tcp(server, client, 18, 5000, 1001, b"")
            .tcp(client, server, 16, 1001, 5001, b"")
            .tcp(client, server, 24, 1001, 5001, says);
        if !answers.is_empty() {
            self.tcp(server, client, 24, 5001, s, answers).tcp(client, server, 16, s, a, b"");
        }
        self.tcp(server, client, 17, a, s, b"").tcp(client, server, 17, s, a + 1, b"")
    }

    /// A question for a name, given as labels, and its answer: an address, or NXDOMAIN.
    pub fn dns(&mut self, labels: &[&[u8]], address: Option<[u8; 4]>) -> &mut Capture {
        let (client, resolver) = ((CLIENT, 50_000 + self.frames.len() as u16), ([10, 0, 0, 1], 53));
        let mut question = Vec::new();
        for label in labels {
            question.push(label.len() as u8);
            question.extend(*label);
        }
        question.extend([0, 0, 1, 0, 1]);
        let message = |flags: [u8; 2], answers: u8| {
            let mut m = vec![0x12, 0x34, flags[0], flags[1], 0, 1, 0, answers, 0, 0, 0, 0];
            m.extend(&question);
            m
        };
        let query = message([1, 0], 0);
        let answer = match address {
            Some(ip) => {
                let mut m = message([0x81, 0x80], 1);
                m.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                m.extend(ip);
                m
            }
            None => message([0x81, 0x83], 0),
        };
        self.udp(client, resolver, &query).udp(resolver, client, &answer)
    }

    fn ip(&mut self, from: End, to: End, protocol: u8, segment: &[u8]) -> &mut Capture {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend([0x45, 0]);
        frame.extend((20 + segment.len() as u16).to_be_bytes());
        frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend(from.0);
        frame.extend(to.0);
        frame.extend(segment);
        self.frames.push(frame);
        self
    }

    /// As classic pcap, microseconds, little-endian.
    pub fn pcap(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.extend(word.to_le_bytes());
        }
        for (i, frame) in self.frames.iter().enumerate() {
            let ms = self.millis(i);
            for word in [START + ms / 1000, ms % 1000 * 1000, frame.len() as u32, frame.len() as u32] {
                out.extend(word.to_le_bytes());
            }
            out.extend(frame);
        }
        out
    }

    /// As pcapng with one interface.
    pub fn pcapng(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut block = |kind: u32, body: &[u8]| {
            let length = (body.len() as u32 + 12).to_le_bytes();
            out.extend(kind.to_le_bytes());
            out.extend(length);
            out.extend(body);
            out.extend(length);
        };
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        block(1, &[1, 0, 0, 0, 0, 0, 4, 0]);
        for (i, frame) in self.frames.iter().enumerate() {
            let time = u64::from(START) * 1_000_000 + u64::from(self.millis(i)) * 1000;
            let mut body = Vec::new();
            for word in [0, (time >> 32) as u32, time as u32, frame.len() as u32, frame.len() as u32] {
                body.extend(word.to_le_bytes());
            }
            body.extend(frame);
            body.resize(body.len().next_multiple_of(4), 0);
            block(6, &body);
        }
        out
    }
}

/// What a server says that refuses the handshake: alert handshake_failure.
pub const END_OF_TLS: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// A ClientHello record of TLS 1.2 and 1.3 for a host.
pub fn client_hello(sni: &[u8]) -> Vec<u8> {
    let mut names = vec![0];
    names.extend((sni.len() as u16).to_be_bytes());
    names.extend(sni);
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, body: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend((body.len() as u16).to_be_bytes());
        extensions.extend(body);
    };
    let mut list = (names.len() as u16).to_be_bytes().to_vec();
    list.extend(&names);
    extension(0, &list);
    extension(10, &[0, 2, 0, 29]);
    extension(13, &[0, 2, 4, 3]);
    extension(43, &[4, 3, 4, 3, 3]);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(&extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(&body);
    let mut record = vec![22, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(&message);
    record
}

/// A sign-in that a proxy refuses, in eleven frames.
pub fn refused_sign_in() -> Capture {
    let mut capture = Capture::default();
    let proxy = ([10, 0, 0, 8], 8080);
    capture.dns(&[b"proxy", b"corp", b"example"], Some(proxy.0)).talk(
        (CLIENT, 40_000),
        proxy,
        b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: login.microsoftonline.com:443\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nServer: squid\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    capture
}

/// Small and varied: the beginning of a sign-in, once without an answer, once with a reset.
pub fn interrupted_sign_in() -> Capture {
    let mut capture = Capture::default();
    let (client, server) = ((CLIENT, 40_001), ([20, 190, 1, 1], 443));
    capture
        .dns(&[b"login", b"microsoftonline", b"com"], Some(server.0))
        .tcp(client, server, 2, 1000, 0, b"")
        .tcp(server, client, 18, 5000, 1001, b"")
        .tcp(client, server, 24, 1001, 5001, &client_hello(b"login.microsoftonline.com"))
        .tcp(server, client, 4, 5001, 1101, b"");
    capture
}
