//! Debug log and capture of one sign-in together: one clock, who agrees with whom, what only one of them shows.

#[path = "support/network.rs"]
mod network;

use assert_cmd::Command;
use network::{CLIENT, Capture, END_OF_TLS, client_hello};
use serde_json::Value;

const LOGIN: &str = "login.microsoftonline.com";
const ARM: &str = "management.azure.com";
const SERVER: network::End = ([20, 190, 151, 7], 443);
const PROXY: network::End = ([10, 0, 0, 8], 8080);

const TIMEOUT: &str =
    "ConnectTimeoutError(<x>, 'Connection to login.microsoftonline.com timed out. (connect timeout=None)')";
const RESET: &str = "ProtocolError('Connection aborted.', ConnectionResetError(10054, 'An existing connection was forcibly closed by the remote host', None, 10054, None))";
const NO_NAME: &str = "NameResolutionError(\"<x>: Failed to resolve 'login.microsoftonline.com' ([Errno -2] Name or service not known)\")";
const REFUSED: &str = "NewConnectionError('<x>: Failed to establish a new connection: [WinError 10061] No connection could be made because the target machine actively refused it')";
const UNTRUSTED: &str = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)'))";

/// The report on a log and, perhaps, a capture.
fn report(capture: Option<&Capture>, log: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder for the test");
    if let Some(capture) = capture {
        std::fs::write(folder.path().join("trace.pcap"), capture.pcap()).expect("written");
    }
    std::fs::write(folder.path().join("debug.log"), log).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args(["--format", "json", "--lang", "en"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("a report")
}

fn finding<'a>(report: &'a Value, code: &str) -> Option<&'a Value> {
    report["findings"].as_array()?.iter().find(|f| f["code"] == code)
}

fn verdict(report: &Value, host: &str) -> String {
    let hosts = report["hosts"].as_array().expect("hosts");
    hosts
        .iter()
        .find(|h| h["name"] == host)
        .map_or_else(String::new, |h| h["verdict"].as_str().unwrap_or("").to_owned())
}

/// What `az login --debug` prints when `host` fails in that way.
fn az(host: &str, inner: &str) -> String {
    format!(
        "DEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n\
         DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): {host}:443\n\
         ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='{host}', port=443): Max retries exceeded with url: /organizations/v2.0/.well-known/openid-configuration (Caused by {inner})\n"
    )
}

fn asked() -> Capture {
    let mut capture = Capture::default();
    capture.dns(&[b"login", b"microsoftonline", b"com"], Some(SERVER.0));
    capture
}

fn reset() -> Capture {
    let (mut capture, client, hello) = (asked(), (CLIENT, 40_001), client_hello(LOGIN.as_bytes()));
    capture
        .tcp(client, SERVER, 2, 1000, 0, b"")
        .tcp(SERVER, client, 18, 5000, 1001, b"")
        .tcp(client, SERVER, 16, 1001, 5001, b"")
        .tcp(client, SERVER, 24, 1001, 5001, &hello)
        .tcp(SERVER, client, 20, 5001, 1001 + hello.len() as u32, b"");
    capture
}

/// Other traffic of the same machine, nothing of a sign-in.
fn elsewhere() -> Capture {
    let mut capture = Capture::default();
    capture.dns(&[b"www", b"example", b"com"], Some([93, 184, 216, 34])).talk(
        (CLIENT, 40_002),
        ([93, 184, 216, 34], 80),
        b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    capture
}

#[test]
fn an_error_that_the_packets_show_too_is_proven_by_both() {
    let r = report(Some(&reset()), &az(LOGIN, RESET));
    assert_eq!(verdict(&r, LOGIN), "reset_after_client_hello");
    assert!(finding(&r, "log_contradicts_capture").is_none());
    let proof = finding(&r, "reset_after_client_hello").expect("a finding")["evidence"].as_array().expect("proof");
    let of = |name: &str| proof.iter().any(|e| e["capture"].as_str().is_some_and(|c| c.ends_with(name)));
    assert!(of("trace.pcap") && of("debug.log"), "{proof:#?}");
}

#[test]
fn nobody_is_told_to_trust_whoever_answers_at_a_wrong_address() {
    let mut sunk = Capture::default();
    sunk.dns(&[b"login", b"microsoftonline", b"com"], Some([0, 0, 0, 0]));
    let r = report(Some(&sunk), &az(LOGIN, UNTRUSTED));
    assert_eq!(r["diagnosis"]["root_cause"]["verdict"], "dns_sinkhole");
    assert!(r["diagnosis"]["next_step"].as_str().is_some_and(|step| step.starts_with("Take ")), "{r:#?}");
    let advice = finding(&r, "ca_not_trusted").expect("a finding")["advice"].to_string();
    assert!(advice.contains("to no list of trusted ones"), "{advice}");
    let alone = report(None, &az(LOGIN, UNTRUSTED));
    assert!(alone["diagnosis"]["next_step"].as_str().is_some_and(|step| step.contains("REQUESTS_CA_BUNDLE")));
}

#[test]
fn a_timeout_that_was_a_reset_is_said_and_the_packets_decide() {
    let r = report(Some(&reset()), &az(LOGIN, TIMEOUT));
    assert_eq!(verdict(&r, LOGIN), "reset_after_client_hello");
    let title = finding(&r, "log_contradicts_capture").expect("a finding")["title"].to_string();
    assert!(title.contains("timeout") && title.contains("reset"), "{title}");
}

#[test]
fn a_name_that_the_log_cannot_resolve_and_the_capture_can_is_a_contradiction() {
    let r = report(Some(&reset()), &az(LOGIN, NO_NAME));
    assert!(finding(&r, "log_contradicts_capture").is_some());
    let mut nowhere = Capture::default();
    nowhere.dns(&[b"login", b"microsoftonline", b"com"], None).dns(&[b"login", b"microsoftonline", b"com"], None);
    let r = report(Some(&nowhere), &az(LOGIN, NO_NAME));
    assert_eq!(verdict(&r, LOGIN), "dns_failure");
    assert!(finding(&r, "log_contradicts_capture").is_none());
}

#[test]
fn an_error_without_any_traffic_is_told_as_such() {
    let r = report(Some(&elsewhere()), &az(LOGIN, TIMEOUT));
    assert_eq!(finding(&r, "log_without_traffic").expect("a finding")["host"], LOGIN);
    let alone = report(None, &az(LOGIN, TIMEOUT));
    assert!(finding(&alone, "log_without_traffic").is_none(), "without a capture nothing can be missing from it");
}

#[test]
fn a_command_that_succeeded_is_said_to_have() {
    let log = "$ az login --debug\nINFO: az_command_data_logger: exit code: 0\n";
    let text = report(None, log)["diagnosis"]["text"].to_string();
    assert!(text.contains("succeeded"), "{text}");
}

#[test]
fn the_last_line_alone_tells_what_the_proxy_answered() {
    for (status, remedy) in [(403, "refuses a host"), (407, "wants authentication"), (503, "did not get through")] {
        let log = format!(
            "ERROR: cli.azure.cli.core.azclierror: ('Unable to connect to proxy', OSError('Tunnel connection failed: {status} X'))\n"
        );
        let r = report(None, &log);
        let told = finding(&r, "network_error_unnamed").expect("a finding");
        assert!(told["title"].to_string().contains(&status.to_string()), "{told:#?}");
        assert!(told["advice"].to_string().contains(remedy), "{told:#?}");
        assert_eq!(r["diagnosis"]["outcome"], "insufficient_evidence");
    }
}

#[test]
fn a_failure_before_the_network_blames_no_host() {
    let log = "DEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n\
        ERROR: cli.azure.cli.core.azclierror: SSLError(136, '[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)')\n";
    let r = report(Some(&elsewhere()), log);
    assert!(finding(&r, "ca_bundle_broken").is_some());
    assert_eq!(r["diagnosis"]["outcome"], "no_network_fault");
}

#[test]
fn what_only_the_client_knows_comes_from_its_log() {
    // The handshake ends by the client's reset without a word: the packets cannot tell, the log can.
    let (mut capture, client, hello) = (asked(), (CLIENT, 40_001), client_hello(LOGIN.as_bytes()));
    capture
        .tcp(client, SERVER, 2, 1000, 0, b"")
        .tcp(SERVER, client, 18, 5000, 1001, b"")
        .tcp(client, SERVER, 24, 1001, 5001, &hello)
        .tcp(SERVER, client, 16, 5001, 1001 + hello.len() as u32, b"")
        .tcp(client, SERVER, 20, 1001 + hello.len() as u32, 5001, b"");
    assert_eq!(verdict(&report(Some(&capture), ""), LOGIN), "inconclusive");
    assert_eq!(verdict(&report(Some(&capture), &az(LOGIN, UNTRUSTED)), LOGIN), "intercepted");
}

#[test]
fn where_only_the_log_tells_of_old_tls_the_words_are_those_of_the_log() {
    let old = "SSLError(SSLError(1, '[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1007)'))";
    let (mut capture, client, hello) = (asked(), (CLIENT, 40_001), client_hello(LOGIN.as_bytes()));
    capture
        .tcp(client, SERVER, 2, 1000, 0, b"")
        .tcp(SERVER, client, 18, 5000, 1001, b"")
        .tcp(client, SERVER, 16, 1001, 5001, b"");
    let detail = |capture: Option<&Capture>| {
        let report = report(capture, &az(LOGIN, old));
        finding(&report, "tls_legacy").map_or_else(String::new, |f| f["detail"].to_string())
    };
    let nothing = detail(Some(&capture));
    assert!(nothing.contains("is not in the capture, so whether") && nothing.contains("UNSUPPORTED"), "{nothing}");
    capture.tcp(client, SERVER, 24, 1001, 5001, &hello);
    let offer = detail(Some(&capture));
    assert!(offer.contains("holds no answer to that. The debug log says (line 3)"), "{offer}");
    assert!(detail(None).contains("No packet of this host"), "{}", detail(None));
}

#[test]
fn the_proxy_of_the_log_is_the_proxy_of_the_capture() {
    let mut capture = Capture::default();
    capture.dns(&[b"px", b"corp", b"example"], Some(PROXY.0)).talk(
        (CLIENT, 40_000),
        PROXY,
        b"CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: login.microsoftonline.com:443\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
    );
    let inner = "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))";
    let r = report(Some(&capture), &az(LOGIN, inner));
    assert_eq!(verdict(&r, LOGIN), "proxy_auth_required");
    let proxies = r["hosts"].as_array().expect("hosts").iter().filter(|h| h["role"] == "proxy").count();
    assert_eq!(proxies, 1, "the log's unnamed proxy is no second one");
}

#[test]
fn a_refused_proxy_is_the_proxys_fault_in_log_and_capture() {
    let mut capture = Capture::default();
    let client = (CLIENT, 40_000);
    capture
        .dns(&[b"px", b"corp", b"example"], Some(PROXY.0))
        .tcp(client, PROXY, 2, 1000, 0, b"")
        .tcp(PROXY, client, 20, 0, 1001, b"");
    let r = report(Some(&capture), &az(LOGIN, &format!("ProxyError('Cannot connect to proxy.', {REFUSED})")));
    assert_eq!(r["diagnosis"]["root_cause"]["host"], "px.corp.example");
    assert_eq!(verdict(&r, "px.corp.example"), "refused");
}

/// Log lines with times of their own, `late` milliseconds behind the capture's clock.
fn timed(rows: &[(u32, &str)], late: i64) -> String {
    rows.iter()
        .map(|(ms, text)| {
            let at = i64::from(network::START) * 1000 + i64::from(*ms) + late;
            let (day, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
            // The capture's day and its neighbours are all that these tests need.
            let date = 18 + day - i64::from(network::START) / 86_400;
            let (h, m, s, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
            format!("4711 : 2026-11-{date:02} {h:02}:{m:02}:{s:02},{milli:03} : DEBUG : {text}\n")
        })
        .collect()
}

/// Two hosts are asked, seven seconds apart.
fn two_hosts(late: i64) -> Value {
    let mut capture = Capture::default();
    let says = client_hello(LOGIN.as_bytes());
    capture.dns(&[b"login", b"microsoftonline", b"com"], Some(SERVER.0)).talk(
        (CLIENT, 40_001),
        SERVER,
        &says,
        END_OF_TLS,
    );
    let arm = ([4, 150, 240, 10], 443);
    let says = client_hello(ARM.as_bytes());
    capture.wait(7000).dns(&[b"management", b"azure", b"com"], Some(arm.0)).talk(
        (CLIENT, 40_002),
        arm,
        &says,
        END_OF_TLS,
    );
    let connects = |host: &str| format!("urllib3.connectionpool : Starting new HTTPS connection (1): {host}:443");
    let rows = [
        (0, "cli.knack.cli : Command arguments: ['login', '--debug']".to_owned()),
        (0, connects(LOGIN)),
        (7010, connects(ARM)),
        (
            7030,
            format!(
                "cli.azure.cli.core.azclierror : HTTPSConnectionPool(host='{ARM}', port=443): Max retries exceeded with url: / (Caused by {RESET})"
            ),
        ),
    ];
    let rows: Vec<(u32, &str)> = rows.iter().map(|(ms, text)| (*ms, text.as_str())).collect();
    report(Some(&capture), &timed(&rows, late))
}

#[test]
fn clocks_that_agree_are_not_mentioned() {
    assert!(finding(&two_hosts(0), "log_clock_offset").is_none());
    assert!(finding(&two_hosts(200), "log_clock_offset").is_none());
}

#[test]
fn a_clock_that_differs_is_measured_by_the_connections() {
    for (late, said) in [(-90_000, "+90.0 s"), (40_000, "-40.0 s")] {
        let r = two_hosts(late);
        let title = finding(&r, "log_clock_offset").expect("a finding")["title"].to_string();
        assert!(title.contains(said), "{title}");
    }
}

#[test]
fn the_lines_of_an_attempt_stand_between_its_frames() {
    let r = two_hosts(-90_000);
    let timeline = r["timeline"].as_array().expect("a timeline");
    let place = |part: &str| timeline.iter().position(|e| e.to_string().contains(part));
    let (login, arm) = (place(&format!("(1): {LOGIN}")), place(&format!("(1): {ARM}")));
    assert!(login.is_some() && arm.is_some() && login < arm, "{timeline:#?}");
    let times: Vec<&str> = timeline.iter().filter_map(|e| e["time"].as_str()).collect();
    assert!(times.is_sorted(), "one clock, one order: {times:#?}");
}

#[test]
fn a_log_of_another_day_is_not_of_this_capture() {
    let msal = "DEBUG: False MSAL 4.65.0.0 MSAL.CoreCLR .NET 9.0.10 Microsoft Windows 10.0.26200 [2026-11-15 11:00:14Z - 5f2a3c4d-1111-2222-3333-444455556666] ";
    let log = format!(
        "DEBUG: 10:15:14 PM - ConnectAzureRmAccountCommand begin processing with ParameterSet 'UserWithSubscriptionId'.\n\
         {msal}=== Token Acquisition (InteractiveRequest) started:\n\
         {msal}Fetching instance discovery from the network from host login.microsoftonline.com\n"
    );
    assert!(finding(&report(Some(&reset()), &log), "evidence_apart").is_some());
}

/// Patterns of the field whose text alone names no failure, and what is recognised all the same.
#[test]
fn patterns_without_a_text_of_their_own_are_known_by_where_the_log_stops_and_whom_it_asks() {
    let connects = |host: &str| {
        format!(
            "DEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n\
             DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): {host}:443\n"
        )
    };
    let curl = |more: &str| format!("$ curl -v https://{LOGIN}/\n{more}");
    let rows = [
        ("C15", curl("*   Trying 6.6.0.83:443...\n"), "synthetic_address", "Global Secure Access"),
        ("C16", connects(LOGIN), "log_ends_waiting", "IPv6"),
        (
            "C17",
            curl(
                "*   Trying 20.190.151.7:443...\n* Connected to login.microsoftonline.com (20.190.151.7) port 443 (#0)\n* TLSv1.3 (OUT), TLS handshake, Client hello (1):\n",
            ),
            "log_ends_waiting",
            "large packets",
        ),
        ("C19", connects("login.microsoftonline.de"), "retired_cloud", "login.microsoftonline.de"),
    ];
    for (pattern, log, code, named) in rows {
        let r = report(None, &log);
        let found = finding(&r, code).unwrap_or_else(|| panic!("{pattern}: {r:#?}"));
        assert!(found.to_string().contains(named), "{pattern}: {found:#?}");
    }
}
