//! What users met in public threads, and how it is read.

use super::*;

#[test]
fn every_pattern_compiles() {
    assert_eq!(WORD_SET.1.len(), WORDS.len());
    assert!(WORD_SET.0.is_some());
    for (pattern, _) in WORDS {
        assert!(Regex::new(pattern).is_ok(), "{pattern}");
    }
    for regex in [
        &PROXY_CONTEXT,
        &TUNNEL_STATUS,
        &PROXY_AUTH,
        &SOCKET_CODE,
        &HRESULT,
        &WINHTTP,
        &SSL_ALERT_NUMBER,
        &AADSTS,
        &HTTP_ERROR,
    ] {
        assert!(regex.is_some());
    }
}

const UNTRUSTED: ErrorClass = E::CertificateUntrusted(TrustFault::UnknownIssuer);
const TEMPORARY: ErrorClass = E::NameNotResolved(NameFault::Temporary);

/// What users met in public threads, one row a pattern and wording: (pattern, text, cause).
const ROWS: &[(&str, &str, ErrorClass)] = &[
    (
        "C1",
        "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /organizations/v2.0/.well-known/openid-configuration (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)')))",
        UNTRUSTED,
    ),
    (
        "C1",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain (_ssl.c:997)",
        E::CertificateUntrusted(TrustFault::SelfSignedInChain),
    ),
    (
        "C1",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)",
        E::CertificateUntrusted(TrustFault::SelfSigned),
    ),
    (
        "C1",
        "bad handshake: Error([('SSL routines', 'tls_process_server_certificate', 'certificate verify failed')],)",
        E::CertificateUntrusted(TrustFault::Unspecified),
    ),
    ("C1", "Get \"https://graph.microsoft.com/v1.0/me\": x509: certificate signed by unknown authority", UNTRUSTED),
    ("C1", "Error: unable to get local issuer certificate code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'", UNTRUSTED),
    ("C1", "The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot", UNTRUSTED),
    (
        "C1",
        "sun.security.validator.ValidatorException: PKIX path building failed: unable to find valid certification path to requested target",
        UNTRUSTED,
    ),
    (
        "C1",
        "基礎になる接続が閉じられました: SSL/TLS のセキュリティで保護されているチャネルに対する信頼関係を確立できませんでした。",
        E::CertificateUntrusted(TrustFault::Unspecified),
    ),
    (
        "C2",
        "Max retries exceeded with url: /x (Caused by SSLError(136, '[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)'))",
        E::CaBundleBroken,
    ),
    (
        "C2",
        "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: C:\\certs\\ca.pem",
        E::CaBundleBroken,
    ),
    (
        "C3",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Basic Constraints of CA cert not marked critical (_ssl.c:1032)",
        E::CertificateUntrusted(TrustFault::BasicConstraints),
    ),
    (
        "C3",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key Identifier (_ssl.c:1032)",
        E::CertificateUntrusted(TrustFault::MissingAuthorityKeyId),
    ),
    (
        "C3",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Subject Key Identifier (_ssl.c:1032)",
        E::CertificateUntrusted(TrustFault::MissingSubjectKeyId),
    ),
    (
        "C4",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:997)",
        E::CertificateUntrusted(TrustFault::Expired),
    ),
    (
        "C5",
        "(Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))",
        E::ProxyStatus(407),
    ),
    ("C5", "The remote server returned an error: (407) Proxy Authentication Required.", E::ProxyStatus(407)),
    ("C5", "リモート サーバーがエラーを返しました: (407) プロキシ認証が必要です", E::ProxyStatus(407)),
    (
        "C5",
        "The proxy tunnel request to proxy 'http://proxy.example:8080/' failed with status code '407'.",
        E::ProxyStatus(407),
    ),
    ("C5", "curl: (56) CONNECT tunnel failed, response 407", E::ProxyStatus(407)),
    (
        "C6",
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))",
        E::ProxyStatus(403),
    ),
    ("C6", "OSError('Tunnel connection failed: 405 Method Not Allowed')", E::ProxyStatus(405)),
    ("C6", "OSError('Tunnel connection failed: 400 Bad Request')", E::ProxyStatus(400)),
    ("C6", "curl: (56) Received HTTP code 403 from proxy after CONNECT", E::ProxyStatus(403)),
    (
        "C6",
        "('Unable to connect to proxy', OSError('Tunnel connection failed: 503 Service Unavailable'))",
        E::ProxyStatus(503),
    ),
    (
        "C6",
        "The proxy tunnel request to proxy 'http://10.0.0.1:8080/' failed with status code '502'.",
        E::ProxyStatus(502),
    ),
    (
        "C7",
        "ProxyError('Cannot connect to proxy.', NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x0>: Failed to establish a new connection: [WinError 10061] No connection could be made because the target machine actively refused it'))",
        E::ProxyUnreachable(ProxyFault::Refused),
    ),
    (
        "C7",
        "ProxyError('Cannot connect to proxy.', NewConnectionError('<x>: Failed to establish a new connection: [Errno -5] No address associated with hostname'))",
        E::ProxyNameNotResolved,
    ),
    (
        "C7",
        "('Unable to connect to proxy', NewConnectionError(\"HTTPSConnection(host='proxy', port=3128): Failed to establish a new connection: [Errno 111] Connection refused\"))",
        E::ProxyUnreachable(ProxyFault::Refused),
    ),
    (
        "C7",
        "Get \"https://a.example/x\": socks connect tcp 127.0.0.1:1080->a.example:443: dial tcp 127.0.0.1:1080: connect: connection refused",
        E::ProxyUnreachable(ProxyFault::Refused),
    ),
    (
        "C7",
        "SOCKSHTTPSConnectionPool(host='a.example', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<urllib3.contrib.socks.SOCKSHTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
        E::ProxyUnreachable(ProxyFault::Refused),
    ),
    (
        "C7",
        "Get \"https://a.example/x\": socks connect tcp 127.0.0.1:1080->a.example:443: unknown error host unreachable",
        E::ProxyOther,
    ),
    ("C7", "curl: (5) Could not resolve proxy: proxy.example", E::ProxyNameNotResolved),
    (
        "C7",
        "proxyconnect tcp: dial tcp 10.0.0.1:8080: connect: connection refused",
        E::ProxyUnreachable(ProxyFault::Refused),
    ),
    ("C7", "proxyconnect tcp: dial tcp 172.16.0.9:8080: i/o timeout", E::ProxyUnreachable(ProxyFault::Timeout)),
    ("C7", "proxyconnect tcp: dial tcp: lookup px-407.corp.example: no such host", E::ProxyNameNotResolved),
    ("C8", "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:1129)", E::TlsEof),
    (
        "C8",
        "SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1007)')",
        E::TlsEof,
    ),
    (
        "C8",
        "ProxyError('Unable to connect to proxy. Your proxy appears to only use HTTP and not HTTPS', SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')))",
        E::ProxyUnreachable(ProxyFault::Tls),
    ),
    ("C9", "The SSL connection could not be established, see inner exception.", E::TlsOther),
    (
        "C10",
        "Retry failed after 4 tries. Retry settings can be adjusted in ClientOptions.Retry. (The remote name could not be resolved: 'login.microsoftonline.com')",
        E::NameNotResolved(NameFault::Unspecified),
    ),
    (
        "C10",
        "リモート名を解決できませんでした。: 'login.microsoftonline.com'",
        E::NameNotResolved(NameFault::Unspecified),
    ),
    ("C10", "No such host is known. (login.microsoftonline.com:443)", E::NameNotResolved(NameFault::Unspecified)),
    ("C11", "HTTPConnectionPool(host='127.0.0.1', port=8080): Read timed out. (read timeout=5)", E::ReadTimeout),
    (
        "C12",
        "ProtocolError('Connection aborted.', ConnectionResetError(10054, 'An existing connection was forcibly closed by the remote host', None, 10054, None))",
        E::ConnectionReset,
    ),
    (
        "C12",
        "('Connection aborted.', ConnectionResetError(10054, 'Une connexion existante a dû être fermée par l’hôte distant', None, 10054, None))",
        E::ConnectionReset,
    ),
    ("C12", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", E::ConnectionReset),
    ("C12", "既存の接続はリモート ホストに強制的に切断されました。", E::ConnectionReset),
    ("C12", "request to https://login.microsoftonline.com failed, reason: read ECONNRESET", E::ConnectionReset),
    (
        "C12",
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        E::ConnectionClosed,
    ),
    ("C12", "Client network socket disconnected before secure TLS connection was established", E::TlsEof),
    (
        "C13",
        "[WinError 10060] A connection attempt failed because the connected party did not properly respond after a period of time",
        E::ConnectTimeout,
    ),
    (
        "C13",
        "ConnectTimeoutError(<x>, 'Connection to login.microsoftonline.com timed out. (connect timeout=None)')",
        E::ConnectTimeout,
    ),
    ("C13", "dial tcp 20.190.144.1:443: i/o timeout", E::ConnectTimeout),
    ("C13", "connect ETIMEDOUT 20.190.144.1:443", E::ConnectTimeout),
    (
        "C13",
        "接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため、接続できませんでした。",
        E::ConnectTimeout,
    ),
    ("C13", "Failed to establish a new connection: [Errno 113] No route to host", E::NetworkUnreachable),
    (
        "C14",
        "NameResolutionError(\"<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'login.microsoftonline.com' ([Errno -3] Temporary failure in name resolution)\")",
        TEMPORARY,
    ),
    (
        "C14",
        "Failed to resolve 'login.microsoftonline.com' ([Errno -2] Name or service not known)",
        E::NameNotResolved(NameFault::NotFound),
    ),
    ("C14", "socket.gaierror: [Errno 11001] getaddrinfo failed", E::NameNotResolved(NameFault::Unspecified)),
    ("C14", "getaddrinfo ENOTFOUND login.microsoftonline.com", E::NameNotResolved(NameFault::NotFound)),
    ("C14", "getaddrinfo EAI_AGAIN login.microsoftonline.com", TEMPORARY),
    (
        "C14",
        "dial tcp: lookup login.microsoftonline.com on 10.0.0.2:53: no such host",
        E::NameNotResolved(NameFault::NotFound),
    ),
    (
        "C18",
        "A connection attempt failed because the connected party did not properly respond after a period of time, or established connection failed because connected host has failed to respond. (management.azure.com:443)",
        E::ConnectTimeout,
    ),
    (
        "C20",
        "AADSTS1002016: You are using TLS version 1.0, 1.1 and/or 3DES cipher which are deprecated",
        E::Aadsts(1_002_016),
    ),
    ("C20", "The client and server cannot communicate, because they do not possess a common algorithm", E::TlsVersion),
    ("C20", "Unsupported TLS version. Please use TLS 1.2 or above", E::TlsVersion),
    (
        "C20",
        "ssl.SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)",
        E::TlsVersion,
    ),
    (
        "C20",
        "write EPROTO 405DC25E327F0000:error:0A000102:SSL routines:ssl_choose_client_version:unsupported protocol:../deps/openssl",
        E::TlsVersion,
    ),
    ("C20", "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)", E::TlsAlert(Some(40))),
    ("C20", "[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name (_ssl.c:1006)", E::TlsAlert(Some(112))),
    ("C20", "基になる接続が閉じられました: 送信時に、予期しないエラーが発生しました。 (0x80090331)", E::TlsVersion),
    (
        "C21",
        "0. The ID token is not yet valid. Make sure your computer's time and time zone are both correct. Current epoch = 1634567890",
        E::ClockSkew,
    ),
    ("C21", "AADSTS700024: Client assertion is not within its valid time range.", E::Aadsts(700_024)),
    ("C22", "localhost refused to connect", E::BrowserLeg),
    (
        "C23",
        "WAM Error Error Code: 3399942148 (0xCAA70004) Error Message: NoNetwork",
        E::Broker(BrokerFault::NoNetwork),
    ),
    ("C23", "Error: 0xCAA82EE7", E::Broker(BrokerFault::NameNotResolved)),
    ("C23", "error 0xcaa82ee2", E::Broker(BrokerFault::Timeout)),
    ("C24", "AADSTS53003: Access has been blocked by Conditional Access policies.", E::Aadsts(53_003)),
    ("C25", "AADSTS90002: Tenant 'contoso' not found.", E::Aadsts(90_002)),
    ("C25", "EOFError: Ran out of input", E::CacheDamaged),
    (
        "C25",
        "ValueError: Unable to get authority configuration for https://login.microsoftonline.com/organizations. Authority would typically be in a format of",
        E::AuthorityDiscovery,
    ),
    (
        "PKI",
        "The revocation function was unable to check revocation because the revocation server was offline. (0x80092013)",
        E::RevocationUnavailable,
    ),
    ("WinHTTP", "WinHttpException: Error 12007 calling WinHttpSendRequest", E::NameNotResolved(NameFault::Unspecified)),
    ("WinHTTP", "HRESULT: 0x80072EFD", E::ConnectOther),
    ("WinHTTP", "Exception from HRESULT: 0x80072F8F", E::TlsOther),
    (
        "firewall",
        "[WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions",
        E::BlockedLocally,
    ),
    ("http", "Response status code does not indicate success: 403 (Forbidden).", E::HttpStatus(403)),
];

#[test]
fn quoted_texts_are_recognised_by_their_cause() {
    let wrong: Vec<_> =
        ROWS.iter().map(|(p, t, c)| (*p, *t, classify(t), *c)).filter(|(_, _, got, c)| *got != Some(*c)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ordinary_lines_name_no_failure() {
    for text in [
        "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443",
        "DEBUG: urllib3.util.retry: Converted retries value: 1 -> Retry(total=1, connect=None, read=None, redirect=None, status=None)",
        "DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"POST /t/oauth2/v2.0/token HTTP/1.1\" 200 1000",
        "DEBUG: cli.azure.cli.core.auth.binary_cache: msal_http_cache.bin not found. Using a fresh one.",
        "DEBUG: cli.azure.cli.core.sdk.policies: Response status: 200",
        "*  SSL certificate verify ok.",
        "* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384",
        "* TLSv1.3 (OUT), TLS handshake, Client hello (1):",
        "DEBUG: msal.token_cache: event={",
        "        \"token_type\": \"Bearer\"",
        "    raise MaxRetryError(_pool, url, reason) from reason  # type: ignore[arg-type]",
        "",
    ] {
        assert_eq!(classify(text), None, "{text}");
    }
}

#[test]
fn texts_cut_at_every_length_never_fail() {
    for (_, text, _) in ROWS {
        for end in (0..=text.len()).filter(|e| text.is_char_boundary(*e)) {
            let _ = classify(&text[..end]);
        }
    }
}

#[test]
fn codes_of_classes_are_distinct() {
    let mut codes: Vec<String> = WORDS.iter().map(|(_, c)| c.code()).collect();
    codes.sort();
    codes.dedup();
    let mut classes: Vec<ErrorClass> = WORDS.iter().map(|(_, c)| *c).collect();
    classes.sort();
    classes.dedup();
    assert_eq!(codes.len(), classes.len());
}
