//! Codes of operating systems and libraries that debug logs print: table and look-up.
//!
//! Numbers as their vendors document them: winsock2.h and winerror.h, wininet/winhttp error lists, errno.h of Linux and
//! macOS, getaddrinfo's EAI codes, OpenSSL's X509_V_ERR list.

use crate::lang::Text;

/// Whose number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemCodeFamily {
    /// Windows sockets and Win32 (WinError 10054).
    Windows,
    /// WinINet and WinHTTP (12007).
    WinHttp,
    /// errno of Linux.
    Linux,
    /// errno of macOS.
    MacOs,
    /// getaddrinfo on Linux (Errno -2); negative numbers.
    AddrInfo,
    /// getaddrinfo on macOS (Errno 8).
    AddrInfoMacOs,
    /// Certificate verification of OpenSSL (verify code 19).
    OpenSslVerify,
    /// Schannel and SSPI (0x8009030E), as unsigned 32 bits.
    Schannel,
}

/// What the code says about the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The name did not resolve.
    Dns,
    /// The connection was reset or aborted.
    Reset,
    /// Refused.
    Refused,
    /// No answer in time.
    Timeout,
    /// Network or host unreachable.
    Unreachable,
    /// TLS handshake or certificate.
    Tls,
    /// The proxy.
    Proxy,
    /// Something else.
    Other,
}

/// One code.
#[derive(Debug, Clone, Copy)]
pub struct SystemCode {
    /// Whose number.
    pub family: SystemCodeFamily,
    /// The number.
    pub number: i64,
    /// Its symbol.
    pub symbol: &'static str,
    /// What it says about the path.
    pub cause: Cause,
    /// Words for people.
    pub meaning: Text,
}

const fn row(
    family: SystemCodeFamily,
    number: i64,
    symbol: &'static str,
    cause: Cause,
    en: &'static str,
    ja: &'static str,
) -> SystemCode {
    SystemCode { family, number, symbol, cause, meaning: Text { en, ja } }
}

use Cause::*;
use SystemCodeFamily::*;

/// The table.
pub static SYSTEM_CODES: &[SystemCode] = &[
    row(
        Windows,
        10013,
        "WSAEACCES",
        Other,
        "access to the socket was forbidden (local firewall)",
        "ソケットへのアクセスが拒否された (ローカル ファイアウォール)",
    ),
    row(Windows, 10022, "WSAEINVAL", Other, "invalid argument", "引数が無効"),
    row(
        Windows,
        10049,
        "WSAEADDRNOTAVAIL",
        Unreachable,
        "the address is not valid here (0.0.0.0 for instance)",
        "アドレスが無効 (0.0.0.0 など)",
    ),
    row(Windows, 10050, "WSAENETDOWN", Unreachable, "the network is down", "ネットワークが停止している"),
    row(Windows, 10051, "WSAENETUNREACH", Unreachable, "the network is unreachable", "ネットワークに到達できない"),
    row(
        Windows,
        10053,
        "WSAECONNABORTED",
        Reset,
        "the connection was aborted on this machine (timeout, protocol error, local software)",
        "このコンピューター側で接続が中止された (タイムアウト、プロトコル エラー、ローカルのソフトウェア)",
    ),
    row(
        Windows,
        10054,
        "WSAECONNRESET",
        Reset,
        "the connection was reset by the other side, or by a box in between",
        "接続が相手側または途中の機器によってリセットされた",
    ),
    row(Windows, 10060, "WSAETIMEDOUT", Timeout, "no answer to the connection attempt", "接続の試行に応答がなかった"),
    row(Windows, 10061, "WSAECONNREFUSED", Refused, "the connection was refused", "接続が拒否された"),
    row(Windows, 10065, "WSAEHOSTUNREACH", Unreachable, "the host is unreachable", "ホストに到達できない"),
    row(Windows, 11001, "WSAHOST_NOT_FOUND", Dns, "the name does not exist", "名前が見つからない"),
    row(
        Windows,
        11002,
        "WSATRY_AGAIN",
        Dns,
        "the name servers did not answer (or SERVFAIL)",
        "ネーム サーバーから応答がない (または SERVFAIL)",
    ),
    row(Windows, 11003, "WSANO_RECOVERY", Dns, "the name server failed for good", "ネーム サーバーで回復不能なエラー"),
    row(Windows, 11004, "WSANO_DATA", Dns, "the name exists without an address", "名前は存在するがアドレスがない"),
    row(
        Windows,
        121,
        "ERROR_SEM_TIMEOUT",
        Timeout,
        "the semaphore timeout period has expired (network adapter, VPN)",
        "セマフォのタイムアウト (ネットワーク アダプター、VPN)",
    ),
    row(Windows, 1225, "ERROR_CONNECTION_REFUSED", Refused, "the connection was refused", "接続が拒否された"),
    row(
        Windows,
        1231,
        "ERROR_NETWORK_UNREACHABLE",
        Unreachable,
        "the network is unreachable",
        "ネットワークに到達できない",
    ),
    row(Windows, 1236, "ERROR_CONNECTION_ABORTED", Reset, "the connection was aborted", "接続が中止された"),
    row(WinHttp, 12002, "TIMEOUT", Timeout, "the request timed out", "要求がタイムアウトした"),
    row(
        WinHttp,
        12007,
        "NAME_NOT_RESOLVED",
        Dns,
        "the name of the server (or of the proxy) did not resolve",
        "サーバー名 (またはプロキシ名) を解決できない",
    ),
    row(WinHttp, 12029, "CANNOT_CONNECT", Refused, "the connection to the server failed", "サーバーに接続できない"),
    row(WinHttp, 12030, "CONNECTION_ERROR", Reset, "the connection ended abnormally", "接続が異常終了した"),
    row(
        WinHttp,
        12037,
        "SECURE_CERT_DATE_INVALID",
        Tls,
        "the certificate is not valid at this time",
        "証明書が有効期間外",
    ),
    row(
        WinHttp,
        12038,
        "SECURE_CERT_CN_INVALID",
        Tls,
        "the certificate is for another name",
        "証明書の名前が一致しない",
    ),
    row(
        WinHttp,
        12044,
        "CLIENT_AUTH_CERT_NEEDED",
        Tls,
        "the server wants a client certificate",
        "サーバーがクライアント証明書を要求している",
    ),
    row(
        WinHttp,
        12045,
        "SECURE_INVALID_CA",
        Tls,
        "the certificate's authority is not trusted",
        "証明書の発行元が信頼されていない",
    ),
    row(WinHttp, 12057, "SECURE_CERT_REV_FAILED", Tls, "revocation could not be checked", "証明書の失効を確認できない"),
    row(WinHttp, 12152, "INVALID_SERVER_RESPONSE", Other, "the answer could not be read", "応答を解釈できない"),
    row(
        WinHttp,
        12157,
        "SECURE_CHANNEL_ERROR",
        Tls,
        "the TLS channel could not be set up",
        "TLS チャネルを確立できない",
    ),
    row(
        WinHttp,
        12167,
        "UNABLE_TO_DOWNLOAD_SCRIPT",
        Proxy,
        "the PAC file could not be fetched",
        "PAC ファイルを取得できない",
    ),
    row(
        WinHttp,
        12175,
        "SECURE_FAILURE",
        Tls,
        "a TLS error (certificate or protocol)",
        "TLS のエラー (証明書またはプロトコル)",
    ),
    row(
        WinHttp,
        12178,
        "AUTODETECTION_FAILED",
        Proxy,
        "automatic proxy detection failed",
        "プロキシの自動検出に失敗した",
    ),
    row(
        WinHttp,
        12180,
        "AUTO_PROXY_DETECTION_FAILED",
        Proxy,
        "the PAC file's address was not found",
        "PAC ファイルの場所が見つからない",
    ),
    row(Linux, 99, "EADDRNOTAVAIL", Unreachable, "the address cannot be used here", "アドレスを使用できない"),
    row(Linux, 101, "ENETUNREACH", Unreachable, "the network is unreachable", "ネットワークに到達できない"),
    row(Linux, 103, "ECONNABORTED", Reset, "the connection was aborted", "接続が中止された"),
    row(
        Linux,
        104,
        "ECONNRESET",
        Reset,
        "the connection was reset by the other side, or by a box in between",
        "接続が相手側または途中の機器によってリセットされた",
    ),
    row(Linux, 110, "ETIMEDOUT", Timeout, "no answer in time", "時間内に応答がなかった"),
    row(Linux, 111, "ECONNREFUSED", Refused, "the connection was refused", "接続が拒否された"),
    row(
        Linux,
        113,
        "EHOSTUNREACH",
        Unreachable,
        "no route to the host (often an ICMP answer)",
        "ホストへの経路がない (ICMP による通知が多い)",
    ),
    row(Linux, 32, "EPIPE", Reset, "the other side had closed before", "相手側がすでに閉じていた"),
    row(Linux, 13, "EACCES", Other, "permission denied (local firewall)", "許可がない (ローカル ファイアウォール)"),
    row(MacOs, 49, "EADDRNOTAVAIL", Unreachable, "the address cannot be used here", "アドレスを使用できない"),
    row(MacOs, 51, "ENETUNREACH", Unreachable, "the network is unreachable", "ネットワークに到達できない"),
    row(MacOs, 53, "ECONNABORTED", Reset, "the connection was aborted", "接続が中止された"),
    row(
        MacOs,
        54,
        "ECONNRESET",
        Reset,
        "the connection was reset by the other side, or by a box in between",
        "接続が相手側または途中の機器によってリセットされた",
    ),
    row(MacOs, 60, "ETIMEDOUT", Timeout, "no answer in time", "時間内に応答がなかった"),
    row(MacOs, 61, "ECONNREFUSED", Refused, "the connection was refused", "接続が拒否された"),
    row(MacOs, 65, "EHOSTUNREACH", Unreachable, "no route to the host", "ホストへの経路がない"),
    row(AddrInfo, -2, "EAI_NONAME", Dns, "the name does not exist", "名前が存在しない"),
    row(
        AddrInfo,
        -3,
        "EAI_AGAIN",
        Dns,
        "the name servers did not answer, or answered SERVFAIL or REFUSED",
        "ネーム サーバーから応答がない、または SERVFAIL か REFUSED",
    ),
    row(AddrInfo, -4, "EAI_FAIL", Dns, "the name server failed for good", "ネーム サーバーで回復不能なエラー"),
    row(AddrInfo, -5, "EAI_NODATA", Dns, "the name exists without an address", "名前は存在するがアドレスがない"),
    row(AddrInfo, -8, "EAI_SERVICE", Other, "the service is not known", "サービスが不明"),
    row(
        AddrInfoMacOs,
        8,
        "EAI_NONAME",
        Dns,
        "the name does not exist, or no server answered",
        "名前が存在しない、またはサーバーが応答しない",
    ),
    row(
        OpenSslVerify,
        2,
        "UNABLE_TO_GET_ISSUER_CERT",
        Tls,
        "the issuer's certificate is missing",
        "発行元の証明書がない",
    ),
    row(
        OpenSslVerify,
        10,
        "CERT_HAS_EXPIRED",
        Tls,
        "the certificate has expired (or the clock is wrong)",
        "証明書の有効期限切れ (または時刻のずれ)",
    ),
    row(
        OpenSslVerify,
        9,
        "CERT_NOT_YET_VALID",
        Tls,
        "the certificate is not valid yet (or the clock is wrong)",
        "証明書がまだ有効でない (または時刻のずれ)",
    ),
    row(
        OpenSslVerify,
        18,
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        Tls,
        "the server's certificate is self-signed",
        "サーバー証明書が自己署名",
    ),
    row(
        OpenSslVerify,
        19,
        "SELF_SIGNED_CERT_IN_CHAIN",
        Tls,
        "the chain ends in a root that is not trusted: interception, most often",
        "チェーンが信頼されていないルートで終わる (多くは TLS 検査)",
    ),
    row(
        OpenSslVerify,
        20,
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        Tls,
        "the issuer is not trusted: interception whose root is not sent, most often",
        "発行元が信頼されていない (多くはルートを送らない TLS 検査)",
    ),
    row(OpenSslVerify, 21, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", Tls, "the chain is incomplete", "チェーンが不完全"),
    row(OpenSslVerify, 62, "HOSTNAME_MISMATCH", Tls, "the certificate is for another name", "証明書の名前が一致しない"),
    row(
        Schannel,
        0x8009_0308,
        "SEC_E_INVALID_TOKEN",
        Tls,
        "what came is not TLS, or damaged",
        "受信内容が TLS でない、または壊れている",
    ),
    row(
        Schannel,
        0x8009_030E,
        "SEC_E_NO_CREDENTIALS",
        Tls,
        "no credentials for the handshake",
        "ハンドシェイクの資格情報がない",
    ),
    row(
        Schannel,
        0x8009_0322,
        "SEC_E_WRONG_PRINCIPAL",
        Tls,
        "the certificate is for another name",
        "証明書の名前が一致しない",
    ),
    row(
        Schannel,
        0x8009_0325,
        "SEC_E_UNTRUSTED_ROOT",
        Tls,
        "the root is not trusted",
        "ルート証明書が信頼されていない",
    ),
    row(
        Schannel,
        0x8009_0326,
        "SEC_E_ILLEGAL_MESSAGE",
        Tls,
        "an unexpected or badly formed TLS message (often an alert)",
        "予期しない、または形式の誤った TLS メッセージ (多くはアラート)",
    ),
    row(
        Schannel,
        0x8009_0327,
        "SEC_E_CERT_UNKNOWN",
        Tls,
        "the certificate could not be processed",
        "証明書を処理できない",
    ),
    row(Schannel, 0x8009_0328, "SEC_E_CERT_EXPIRED", Tls, "the certificate has expired", "証明書の有効期限切れ"),
    row(
        Schannel,
        0x8009_0331,
        "SEC_E_ALGORITHM_MISMATCH",
        Tls,
        "client and server share no protocol version or cipher",
        "共通のプロトコル バージョンまたは暗号がない",
    ),
    row(
        Schannel,
        0x8009_2012,
        "CRYPT_E_NO_REVOCATION_CHECK",
        Tls,
        "revocation could not be checked",
        "失効を確認できない",
    ),
    row(
        Schannel,
        0x8009_2013,
        "CRYPT_E_REVOCATION_OFFLINE",
        Tls,
        "the revocation server did not answer",
        "失効確認サーバーが応答しない",
    ),
    row(
        Schannel,
        0x800B_0109,
        "CERT_E_UNTRUSTEDROOT",
        Tls,
        "the root is not trusted",
        "ルート証明書が信頼されていない",
    ),
    row(Schannel, 0x800B_010A, "CERT_E_CHAINING", Tls, "the chain could not be built", "証明書チェーンを構築できない"),
    row(
        Schannel,
        0x800B_010F,
        "CERT_E_CN_NO_MATCH",
        Tls,
        "the certificate is for another name",
        "証明書の名前が一致しない",
    ),
];

/// The entry of a code.
pub fn system_code(family: SystemCodeFamily, number: i64) -> Option<&'static SystemCode> {
    SYSTEM_CODES.iter().find(|c| c.family == family && c.number == number)
}

/// The entry of an `[Errno n]` or `[WinError n]` whose family the text does not tell; the ranges hardly overlap, Linux
/// comes before macOS.
pub fn any_system_code(number: i64) -> Option<&'static SystemCode> {
    SYSTEM_CODES.iter().find(|c| c.number == number && !matches!(c.family, OpenSslVerify))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_their_family() {
        assert_eq!(system_code(Windows, 10054).unwrap().cause, Reset);
        assert_eq!(system_code(AddrInfo, -3).unwrap().symbol, "EAI_AGAIN");
        assert_eq!(system_code(WinHttp, 12007).unwrap().cause, Dns);
        assert!(system_code(Linux, 10054).is_none());
        assert_eq!(any_system_code(111).unwrap().cause, Refused);
        assert_eq!(any_system_code(-5).unwrap().symbol, "EAI_NODATA");
        assert!(any_system_code(i64::MIN).is_none());
    }

    #[test]
    fn no_code_stands_twice_and_all_speak_both_languages() {
        for (i, c) in SYSTEM_CODES.iter().enumerate() {
            assert!(
                !SYSTEM_CODES.iter().skip(i + 1).any(|o| (o.family, o.number) == (c.family, c.number)),
                "{}",
                c.number
            );
            assert!(!c.meaning.ja.is_ascii() && !c.symbol.is_empty(), "{}", c.number);
        }
    }
}
