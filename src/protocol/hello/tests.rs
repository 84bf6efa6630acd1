//! Tests of hellos built here, whole, cut and bent.

use super::*;

fn client_hello(body: &[u8]) -> Option<ClientHello> {
    super::client_hello(TlsCarrier::Tcp, body, &SharedHellos::default())
}

fn server_hello(body: &[u8]) -> Option<ServerHello> {
    super::server_hello(TlsCarrier::Tcp, body, &SharedHellos::default())
}

fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - N..], bytes].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized::<2>(data)].concat()
}

fn client_body(cookie: Option<&[u8]>, extensions: &[Vec<u8>]) -> Vec<u8> {
    let version: [u8; 2] = if cookie.is_some() { [0xFE, 0xFD] } else { [3, 3] };
    let mut body = [&version[..], &[7; 32], &sized::<1>(&[1, 2, 3])].concat();
    if let Some(cookie) = cookie {
        body.extend(sized::<1>(cookie));
    }
    body.extend(sized::<2>(&[0x1A, 0x1A, 0x13, 0x01, 0xC0, 0x2F]));
    body.extend(sized::<1>(&[0]));
    body.extend(sized::<2>(&extensions.concat()));
    body
}

fn sni(name: &[u8]) -> Vec<u8> {
    extension(0, &sized::<2>(&[&[0][..], &sized::<2>(name)].concat()))
}

fn browser() -> Vec<Vec<u8>> {
    vec![
        extension(0x2A2A, &[]),
        sni(b"login.example.com"),
        extension(10, &sized::<2>(&[0x3A, 0x3A, 0, 29, 0, 23])),
        extension(11, &sized::<1>(&[0])),
        extension(13, &sized::<2>(&[4, 3, 8, 4])),
        extension(16, &sized::<2>(&[sized::<1>(b"h2"), sized::<1>(b"http/1.1")].concat())),
        extension(43, &sized::<1>(&[0x4A, 0x4A, 3, 4, 3, 3])),
        extension(0xFE0D, &[1, 2, 3]),
        extension(0x7777, b"nobody knows"),
    ]
}

#[test]
fn a_browser_s_client_hello_is_read_without_its_grease() {
    let hello = client_hello(&client_body(None, &browser())).unwrap();
    assert_eq!(hello.legacy_version, 0x0303);
    assert_eq!(hello.supported_versions, [0x0304, 0x0303]);
    assert_eq!(hello.max_version(), 0x0304);
    assert_eq!(hello.sni.as_deref(), Some("login.example.com"));
    assert_eq!(hello.alpn, ["h2", "http/1.1"]);
    assert_eq!(hello.cipher_suites, [0x1301, 0xC02F]);
    assert_eq!(hello.extensions, [0, 10, 11, 13, 16, 43, 0xFE0D, 0x7777]);
    assert!(hello.ech);
    assert_eq!(hello.random.as_slice(), [7; 32]);
    assert_eq!(hello.session_id.as_slice(), [1, 2, 3]);
    let (ja3, ja4) = (hello.ja3.as_deref().unwrap(), hello.ja4.as_deref().unwrap());
    assert_eq!(ja3.len(), 32);
    assert!(ja4.starts_with("t13d0208h2_"), "{ja4}");
}

#[test]
fn the_dtls_cookie_is_stepped_over() {
    let hello =
        super::client_hello(TlsCarrier::Dtls, &client_body(Some(&[9; 20]), &browser()), &SharedHellos::default())
            .unwrap();
    assert_eq!(hello.sni.as_deref(), Some("login.example.com"));
    assert!(hello.ja4.as_deref().unwrap().starts_with("d13d"));
}

#[test]
fn a_hello_without_extensions_is_whole() {
    let body = client_body(None, &[]);
    let hello = client_hello(&body[..body.len() - 2]).unwrap();
    assert!(hello.extensions.is_empty());
    assert!(hello.ja4.as_deref().unwrap().starts_with("t12i0200"));
}

#[test]
fn odd_bytes_in_the_name_are_kept_harmless() {
    let hello = client_hello(&client_body(None, &[sni(b"a\xFF\xFEb")])).unwrap();
    assert_eq!(hello.sni.as_deref(), Some("a\u{FFFD}\u{FFFD}b"));
    assert_eq!(client_hello(&client_body(None, &[sni(b"")])).unwrap().sni, None);
}

#[test]
fn a_cut_hello_has_no_fingerprints() {
    let body = client_body(None, &browser());
    for end in 0..body.len() {
        let hello = client_hello(&body[..end]);
        if end < 34 {
            assert!(hello.is_none());
        } else if end < body.len() && end != 34 + 4 + 8 + 2 {
            assert!(hello.unwrap().ja4.is_none(), "{end}");
        }
    }
}

#[test]
fn the_beginning_of_a_hello_is_kept_once_it_names_the_host() {
    let body = client_body(None, &browser());
    let named: Vec<_> =
        (0..body.len()).map(|end| cut_client_hello(TlsCarrier::Tcp, &body[..end], &SharedHellos::default())).collect();
    assert!(named[70].is_none());
    let last = named.last().unwrap().as_ref().unwrap();
    assert_eq!((last.sni.as_deref(), last.cut), (Some("login.example.com"), true));
    assert!(named.iter().flatten().all(|hello| hello.sni == last.sni && hello.ja4.is_none()));
}

#[test]
fn a_repeated_extension_does_not_replace_the_first() {
    let hello = client_hello(&client_body(None, &[sni(b"first.example"), sni(b"second.example")])).unwrap();
    assert_eq!(hello.sni.as_deref(), Some("first.example"));
    assert_eq!(hello.extensions, [0, 0]);
}

fn server_body(version: [u8; 2], random: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = [&version[..], random, &sized::<1>(&[5; 32]), &[0x13, 0x02, 0]].concat();
    body.extend(sized::<2>(&extensions.concat()));
    body
}

#[test]
fn a_tls13_server_hello_tells_its_version_in_the_extension() {
    let body =
        server_body([3, 3], &[1; 32], &[extension(51, &[0, 29]), extension(43, &[3, 4]), extension(41, &[0, 0])]);
    let hello = server_hello(&body).unwrap();
    assert_eq!((hello.version, hello.cipher), (0x0304, 0x1302));
    assert!(hello.psk && !hello.hello_retry_request);
    assert!(hello.ja4s.as_deref().unwrap().starts_with("t130300_1302_"));
}

#[test]
fn a_hello_retry_request_is_known_by_its_random() {
    let hello = server_hello(&server_body([3, 3], &HELLO_RETRY_REQUEST, &[extension(43, &[3, 4])])).unwrap();
    assert!(hello.hello_retry_request);
}

#[test]
fn a_draft_18_server_hello_has_no_session_id() {
    let mut body = [&[0x7F, 0x12][..], &[3; 32], &[0x13, 0x01]].concat();
    body.extend(sized::<2>(&extension(51, &[0, 29])));
    let hello = server_hello(&body).unwrap();
    assert_eq!((hello.version, hello.cipher), (0x7F12, 0x1301));
    assert!(hello.ja3s.is_some());
}

#[test]
fn a_draft_14_server_hello_has_the_final_number_and_no_session_id() {
    let extensions = sized::<2>(&extension(51, &[0, 29]));
    let body = [&[3, 4][..], &[3; 32], &[0x13, 0x01], &extensions].concat();
    let hello = server_hello(&body).unwrap();
    assert_eq!((hello.version, hello.cipher), (0x0304, 0x1301));
    let hello = server_hello(&server_body([3, 4], &[1; 32], &[extension(51, &[0, 29])])).unwrap();
    assert_eq!((hello.cipher, hello.session_id.as_slice().len()), (0x1302, 32));
}

#[test]
fn a_tls12_server_hello_tells_the_protocol() {
    let alpn = extension(16, &sized::<2>(&sized::<1>(b"http/1.1")));
    let hello = server_hello(&server_body([3, 3], &[1; 32], &[alpn])).unwrap();
    assert_eq!(hello.alpn.as_deref(), Some("http/1.1"));
    assert!(hello.ja4s.as_deref().unwrap().starts_with("t1201h1_"));
}

#[test]
fn an_sslv2_hello_tells_the_version_it_offers() {
    let mut body = vec![1, 3, 1, 0, 6, 0, 0, 0, 16];
    body.extend([0, 0, 0x2F, 1, 0, 0x80]);
    body.extend([4; 16]);
    let record = [&[0x80, body.len() as u8][..], &body].concat();
    let hello = sslv2_client_hello(&record).unwrap();
    assert!(hello.sslv2);
    assert_eq!((hello.legacy_version, hello.version_record), (0x0301, 0x0002));
    assert_eq!(hello.cipher_suites, [0x002F]);
    for end in 0..record.len() {
        assert!(sslv2_client_hello(&record[..end]).is_none());
    }
}

#[test]
fn hellos_that_differ_in_what_changes_anyway_share_their_offer_and_no_others_do() {
    let shared = SharedHellos::default();
    let read = |body: &[u8]| super::client_hello(TlsCarrier::Tcp, body, &shared).unwrap().offer;
    let body = client_body(None, &browser());
    let first = read(&body);
    for at in 0..body.len() {
        let mut other = body.clone();
        other[at] ^= 1;
        let Some(hello) = super::client_hello(TlsCarrier::Tcp, &other, &shared) else { continue };
        let alone = client_hello(&other).unwrap();
        assert_eq!(format!("{:?}", hello.offer), format!("{:?}", alone.offer), "byte {at}");
        // The random, and the bytes of the session id behind its length.
        if at != 34 && (2..38).contains(&at) {
            assert!(Arc::ptr_eq(&first, &hello.offer));
        }
    }
}

#[test]
fn flipped_bytes_never_break_the_parsers() {
    let client = client_body(None, &browser());
    let server = server_body([3, 3], &[1; 32], &[extension(16, &sized::<2>(&sized::<1>(b"h2")))]);
    let shared = SharedHellos::default();
    for body in [&client, &server] {
        for at in 0..body.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut bent = body.clone();
                bent[at] = value;
                for carrier in [TlsCarrier::Tcp, TlsCarrier::Dtls, TlsCarrier::Quic] {
                    let _ = super::client_hello(carrier, &bent, &shared);
                    let _ = super::server_hello(carrier, &bent, &shared);
                }
                let _ = sslv2_client_hello(&bent);
                let _ = draft_hello_retry_request(&bent);
            }
        }
    }
    assert!(client_hello(&client).is_some() && server_hello(&server).is_some());
}
