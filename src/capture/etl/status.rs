//! Names of status numbers in system events; tables only (ntstatus.h, winerror.h, RFC 8446 6, checked 2026-11).

/// NTSTATUS and Win32 numbers that network failures give.
static STATUS: &[(u32, &str)] = &[
    (0xC000_00B5, "STATUS_IO_TIMEOUT"),
    (0xC000_0022, "STATUS_ACCESS_DENIED"),
    (0xC000_0120, "STATUS_CANCELLED"),
    (0xC000_0207, "STATUS_INVALID_ADDRESS_COMPONENT"),
    (0xC000_020A, "STATUS_ADDRESS_ALREADY_EXISTS"),
    (0xC000_020B, "STATUS_ADDRESS_CLOSED"),
    (0xC000_020C, "STATUS_CONNECTION_DISCONNECTED"),
    (0xC000_020D, "STATUS_CONNECTION_RESET"),
    (0xC000_0236, "STATUS_CONNECTION_REFUSED"),
    (0xC000_0237, "STATUS_GRACEFUL_DISCONNECT"),
    (0xC000_023C, "STATUS_NETWORK_UNREACHABLE"),
    (0xC000_023D, "STATUS_HOST_UNREACHABLE"),
    (0xC000_023E, "STATUS_PROTOCOL_UNREACHABLE"),
    (0xC000_023F, "STATUS_PORT_UNREACHABLE"),
    (0xC000_0240, "STATUS_REQUEST_ABORTED"),
    (0xC000_0241, "STATUS_CONNECTION_ABORTED"),
    (5, "ERROR_ACCESS_DENIED"),
    (1214, "ERROR_INVALID_NETNAME"),
    (1460, "ERROR_TIMEOUT"),
    (9002, "DNS_ERROR_RCODE_SERVER_FAILURE"),
    (9003, "DNS_ERROR_RCODE_NAME_ERROR"),
    (9005, "DNS_ERROR_RCODE_REFUSED"),
    (9501, "DNS_INFO_NO_RECORDS"),
    (9502, "DNS_ERROR_BAD_PACKET"),
    (9701, "DNS_ERROR_RECORD_DOES_NOT_EXIST"),
    (10013, "WSAEACCES"),
    (10051, "WSAENETUNREACH"),
    (10053, "WSAECONNABORTED"),
    (10054, "WSAECONNRESET"),
    (10060, "WSAETIMEDOUT"),
    (10061, "WSAECONNREFUSED"),
    (10065, "WSAEHOSTUNREACH"),
    (11001, "WSAHOST_NOT_FOUND"),
    (11002, "WSATRY_AGAIN"),
    (11003, "WSANO_RECOVERY"),
    (11004, "WSANO_DATA"),
    (12002, "ERROR_WINHTTP_TIMEOUT"),
    (12005, "ERROR_WINHTTP_INVALID_URL"),
    (12007, "ERROR_WINHTTP_NAME_NOT_RESOLVED"),
    (12015, "ERROR_WINHTTP_LOGIN_FAILURE"),
    (12017, "ERROR_WINHTTP_OPERATION_CANCELLED"),
    (12029, "ERROR_WINHTTP_CANNOT_CONNECT"),
    (12030, "ERROR_WINHTTP_CONNECTION_ERROR"),
    (12037, "ERROR_WINHTTP_SECURE_CERT_DATE_INVALID"),
    (12038, "ERROR_WINHTTP_SECURE_CERT_CN_INVALID"),
    (12044, "ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED"),
    (12045, "ERROR_WINHTTP_SECURE_INVALID_CA"),
    (12057, "ERROR_WINHTTP_SECURE_CERT_REV_FAILED"),
    (12152, "ERROR_WINHTTP_INVALID_SERVER_RESPONSE"),
    (12157, "ERROR_WINHTTP_SECURE_CHANNEL_ERROR"),
    (12166, "ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT"),
    (12167, "ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT"),
    (12170, "ERROR_WINHTTP_SECURE_CERT_REVOKED"),
    (12175, "ERROR_WINHTTP_SECURE_FAILURE"),
    (12178, "ERROR_WINHTTP_AUTO_PROXY_SERVICE_ERROR"),
    (12180, "ERROR_WINHTTP_AUTODETECTION_FAILED"),
    (12185, "ERROR_WINHTTP_CLIENT_CERT_NO_PRIVATE_KEY"),
    (12186, "ERROR_WINHTTP_CLIENT_CERT_NO_ACCESS_PRIVATE_KEY"),
];

/// TLS alert descriptions (RFC 8446 6, RFC 5246 7.2).
static ALERTS: &[(u32, &str)] = &[
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (22, "record_overflow"),
    (40, "handshake_failure"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

/// DNS record types (IANA registry).
static RECORD_TYPES: &[(u32, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (255, "ANY"),
];

/// The name of a number in a field of that name, where it has one.
pub fn name(field: &str, number: u64) -> Option<&'static str> {
    let number = u32::try_from(number).ok()?;
    let field = field.to_ascii_lowercase();
    let table = if field.contains("alert") {
        ALERTS
    } else if field == "querytype" {
        RECORD_TYPES
    } else if field.contains("status") || field.contains("error") || field.contains("result") {
        STATUS
    } else {
        return None;
    };
    table.iter().find(|(n, _)| *n == number).map(|(_, t)| *t)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn numbers_are_named_by_the_field_they_stand_in() {
        assert_eq!(name("QueryStatus", 9003), Some("DNS_ERROR_RCODE_NAME_ERROR"));
        assert_eq!(name("AlertDesc", 40), Some("handshake_failure"));
        assert_eq!(name("QueryType", 28), Some("AAAA"));
        assert_eq!(name("ProcessId", 40), None);
        assert_eq!(name("Status", u64::MAX), None);
    }
}
