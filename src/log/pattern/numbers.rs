//! Error numbers and the causes they name: sockets, WinHTTP, HRESULTs, the Windows broker. Tables, no state.

use crate::facts::log::{BrokerFault, ErrorClass as E, ErrorClass, NameFault, TrustFault};

/// Socket error numbers: Winsock (10004 to 11004), Linux and macOS errno, getaddrinfo (RFC 3493 names, glibc values).
pub(super) fn socket_code(code: i32, text: &str) -> Option<ErrorClass> {
    let lookup = ["getaddrinfo", "resol", "gaierror", "ervice not known", "ostname", "nodename"];
    Some(match code {
        10013 => E::BlockedLocally,
        10050 | 10051 | 10064 | 10065 | 101 | 113 => E::NetworkUnreachable,
        10052..=10054 | 104 => E::ConnectionReset,
        10060 | 110 => E::ConnectTimeout,
        10061 | 111 => E::ConnectionRefused,
        // A broken pipe (32) may be the reader of the program's own output: only words tell that it was a socket.
        103 => E::ConnectionClosed,
        // Windows says 11001 for a name that does not exist and for a resolver that never answered.
        11001 => E::NameNotResolved(NameFault::Unspecified),
        11002 | 11003 => E::NameNotResolved(NameFault::Temporary),
        11004 => E::NameNotResolved(NameFault::NotFound),
        -2 | -5 => E::NameNotResolved(NameFault::NotFound),
        -3 | -4 => E::NameNotResolved(NameFault::Temporary),
        8 if lookup.iter().any(|w| text.contains(w)) => E::NameNotResolved(NameFault::NotFound),
        _ => return with_words(code, text),
    })
}

/// Numbers that other systems give to files and devices: those of macOS (61 is "No data available" on Linux), and the one
/// of Linux that is a full disk on Windows. The words, which neither system translates, have to stand beside.
fn with_words(code: i32, text: &str) -> Option<ErrorClass> {
    const CODES: [(i32, &str, ErrorClass); 7] = [
        (51, "unreachable", E::NetworkUnreachable),
        (54, "reset", E::ConnectionReset),
        (60, "timed out", E::ConnectTimeout),
        (61, "refused", E::ConnectionRefused),
        (64, "host is down", E::NetworkUnreachable),
        (65, "no route", E::NetworkUnreachable),
        (112, "host is down", E::NetworkUnreachable),
    ];
    let (_, words, class) = CODES.iter().find(|(known, ..)| *known == code)?;
    text.to_ascii_lowercase().contains(words).then_some(*class)
}

/// Error numbers of Windows itself: those of Winsock and the few that its network layers return. The others (files,
/// devices, permissions) share values with errno and mean something else.
pub(super) fn win32(code: i32) -> Option<ErrorClass> {
    Some(match code {
        64 => E::ConnectionReset,
        121 => E::Timeout,
        1225 => E::ConnectionRefused,
        1231 | 1232 => E::NetworkUnreachable,
        1236 => E::ConnectionClosed,
        10_004..=11_031 => return socket_code(code, ""),
        // Python writes HRESULTs as signed numbers.
        i32::MIN..=-1 => return hresult(code.cast_unsigned()),
        _ => return None,
    })
}

/// WinHTTP and WinINet error numbers (12001 to 12200).
pub(super) fn winhttp(code: u32) -> Option<ErrorClass> {
    Some(match code {
        12002 => E::Timeout,
        12007 => E::NameNotResolved(NameFault::Unspecified),
        12017 | 12152 | 12163 => E::ConnectionClosed,
        12029 => E::ConnectOther,
        12030 | 12031 => E::ConnectionReset,
        12037 => E::CertificateUntrusted(TrustFault::Expired),
        12038 => E::CertificateUntrusted(TrustFault::NameMismatch),
        12044 | 12157 | 12175 => E::TlsOther,
        12045 => E::CertificateUntrusted(TrustFault::UnknownIssuer),
        12057 => E::RevocationUnavailable,
        12166 | 12167 | 12178 | 12180 => E::ProxyOther,
        12169 => E::CertificateUntrusted(TrustFault::Unspecified),
        12170 => E::CertificateUntrusted(TrustFault::Revoked),
        _ => return None,
    })
}

/// HRESULTs: Win32 (0x8007), Schannel and cryptography (0x8009, 0x800B), web account manager (0xCAA).
pub(super) fn hresult(code: u32) -> Option<ErrorClass> {
    match code {
        0x8007_0000..=0x8007_FFFF => {
            let win32 = code & 0xFFFF;
            return winhttp(win32).or_else(|| self::win32(i32::try_from(win32).ok()?));
        }
        0xCAA0_0000..=0xCAAF_FFFF => return Some(E::Broker(broker(code))),
        _ => {}
    }
    Some(match code {
        0x8009_0331 | 0x8009_0302 => E::TlsVersion,
        0x8009_0325 | 0x800B_0109 | 0x800B_010A | 0x800B_0112 => E::CertificateUntrusted(TrustFault::UnknownIssuer),
        0x8009_0328 | 0x800B_0101 => E::CertificateUntrusted(TrustFault::Expired),
        0x8009_0322 | 0x800B_010F => E::CertificateUntrusted(TrustFault::NameMismatch),
        0x8009_0327 => E::CertificateUntrusted(TrustFault::Unspecified),
        0x8009_2012 | 0x8009_2013 | 0x800B_010E => E::RevocationUnavailable,
        0x8009_2010 | 0x800B_010C => E::CertificateUntrusted(TrustFault::Revoked),
        0x8009_0324 => E::ClockSkew,
        0x8009_000B => E::CacheDamaged,
        0x8009_0326 | 0x8009_0308 | 0x8009_0304 => E::TlsOther,
        _ => return None,
    })
}

/// What an error code of the Windows broker means. Facility 0xCAA8 carries WinINet numbers in its lower half, as HRESULTs of
/// Win32 do.
pub fn broker(code: u32) -> BrokerFault {
    let is_wininet = code & 0xFFFF_0000 == 0xCAA8_0000 || (0x8007_2EE0..=0x8007_2FFF).contains(&code);
    if is_wininet {
        return match code & 0xFFFF {
            12002 => BrokerFault::Timeout,
            12007 => BrokerFault::NameNotResolved,
            12029 => BrokerFault::CannotConnect,
            12030 | 12031 | 12152 => BrokerFault::ConnectionAborted,
            12037 | 12038 | 12044 | 12045 | 12057 | 12157 | 12169 | 12175 => BrokerFault::TlsFailure,
            _ => BrokerFault::Unspecified,
        };
    }
    match code {
        0xCAA7_0004 => BrokerFault::NoNetwork,
        0xCAA2_000C | 0xCAA1_0001 | 0xCAA2_0004 => BrokerFault::InteractionRequired,
        0xCAA2_0003 | 0xCAA2_0001 | 0xCAA2_0002 | 0xCAA2_0005..=0xCAA2_000B => BrokerFault::ServerRefused,
        // ERROR_CANCELLED (1223) as HRESULT.
        0x8007_04C7 => BrokerFault::UserCancelled,
        _ => BrokerFault::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::super::classify;
    use super::*;

    #[test]
    fn numbers_of_windows_files_are_no_numbers_of_sockets() {
        for text in [
            "PermissionError: [WinError 32] The process cannot access the file because it is being used by another process",
            "PermissionError: [WinError 32] プロセスはファイルにアクセスできません。別のプロセスが使用中です。",
            "OSError: [WinError 110] The system cannot open the device or file specified",
            "[WinError 104] x",
            "BrokenPipeError: [Errno 32] Broken pipe",
            "[Errno 61] No data available: '/var/lib/a/.azure/azureProfile.json'",
            "[Errno 54] Exchange full",
            "[Errno 64] Machine is not on the network",
            "[Errno 112] No space left on device",
        ] {
            assert_eq!(classify(text), None, "{text}");
        }
        for (text, class) in [
            ("[WinError 10061] x", E::ConnectionRefused),
            ("0xCAA82EE7", E::Broker(BrokerFault::NameNotResolved)),
            ("[WinError 1225] The remote computer refused the network connection", E::ConnectionRefused),
            ("[WinError 64] The specified network name is no longer available", E::ConnectionReset),
            ("[WinError 121] The semaphore timeout period has expired", E::Timeout),
            ("[WinError -2146893813] : ''", E::CacheDamaged),
            ("('Connection aborted.', BrokenPipeError(32, 'Broken pipe'))", E::ConnectionClosed),
            ("write tcp 10.0.0.1:5->10.0.0.2:443: write: broken pipe", E::ConnectionClosed),
            ("[Errno 104] Connection reset by peer", E::ConnectionReset),
            ("[Errno 61] Connection refused", E::ConnectionRefused),
            ("[Errno 60] Operation timed out", E::ConnectTimeout),
            ("[Errno 65] No route to host", E::NetworkUnreachable),
            ("[Errno 64] Host is down", E::NetworkUnreachable),
            ("[Errno 112] Host is down", E::NetworkUnreachable),
            ("dial tcp 192.0.2.1:443: connect: host is down", E::NetworkUnreachable),
        ] {
            assert_eq!(classify(text), Some(class), "{text}");
        }
    }

    #[test]
    fn the_broker_hands_on_numbers_of_wininet_in_both_notations() {
        for (code, fault) in [
            (0x8007_2EE2, BrokerFault::Timeout),
            (0x8007_2EE7, BrokerFault::NameNotResolved),
            (0x8007_2EFD, BrokerFault::CannotConnect),
            (0xCAA8_2EFD, BrokerFault::CannotConnect),
            (0x8007_2F00, BrokerFault::Unspecified),
            (0x8007_0005, BrokerFault::Unspecified),
        ] {
            assert_eq!(broker(code), fault, "{code:#x}");
        }
    }
}
