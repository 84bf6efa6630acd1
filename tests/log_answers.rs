//! What a debug log alone comes to: the answer, and the host that it blames.

use assert_cmd::Command;
use serde_json::Value;

const LOGIN: &str = "login.microsoftonline.com";
const ARM: &str = "management.azure.com";
const UNTRUSTED: &str = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)'))";
const TIMEOUT: &str =
    "ConnectTimeoutError(<x>, 'Connection to login.microsoftonline.com timed out. (connect timeout=None)')";

/// Outcome, and the host that stopped the sign-in.
fn answer(log: &str) -> (String, Option<String>) {
    let report = report(log);
    (text(&report, "/diagnosis/outcome").unwrap_or_default(), text(&report, "/diagnosis/root_cause/host"))
}

fn text(report: &Value, at: &str) -> Option<String> {
    report.pointer(at)?.as_str().map(str::to_owned)
}

fn report(log: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("debug.log");
    std::fs::write(&path, log).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args(["--format", "json", "--lang", "en"])
        .arg(path)
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("a report")
}

fn codes(log: &str) -> Vec<String> {
    let report = report(log);
    let findings = report.pointer("/findings").and_then(Value::as_array).cloned().unwrap_or_default();
    findings.iter().filter_map(|f| text(f, "/code")).collect()
}

fn fault(host: &str) -> (String, Option<String>) {
    ("network_fault".to_owned(), Some(host.to_owned()))
}

fn none(outcome: &str) -> (String, Option<String>) {
    (outcome.to_owned(), None)
}

const AZ: &str = "$ az login --debug\nDEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n";

fn connects(host: &str) -> String {
    format!("DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): {host}:443\n")
}

fn answers(host: &str, request: &str, status: u16) -> String {
    format!("DEBUG: urllib3.connectionpool: https://{host}:443 \"{request} HTTP/1.1\" {status} 500\n")
}

/// `az login --debug` that fails at `host` in that way.
fn az_fails(host: &str, inner: &str) -> String {
    format!(
        "{AZ}{}ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='{host}', port=443): Max retries exceeded with url: /x (Caused by {inner})\nINFO: az_command_data_logger: exit code: 1\n",
        connects(host)
    )
}

fn az_works() -> String {
    format!(
        "{AZ}{}{}INFO: az_command_data_logger: exit code: 0\n",
        connects(LOGIN),
        answers(LOGIN, "GET /organizations/v2.0/.well-known/openid-configuration", 200)
    )
}

#[test]
fn what_another_client_reaches_makes_nothing_good() {
    let curl = format!(
        "$ curl -v https://{LOGIN}/\n* Connected to {LOGIN} (20.190.159.2) port 443 (#0)\n> GET / HTTP/1.1\n< HTTP/1.1 302 Found\n"
    );
    let through_a_proxy = format!(
        "$ curl -v -x http://proxy.corp.example:8080 https://{LOGIN}/\n* Connected to proxy.corp.example (10.1.2.3) port 8080\n> CONNECT {LOGIN}:443 HTTP/1.1\n< HTTP/1.1 200 OK\n> GET / HTTP/1.1\n< HTTP/1.1 302 Found\n"
    );
    let powershell = format!(
        "PS C:\\> Connect-AzAccount -Debug\nDEBUG: Request [11111111-2222-3333-4444-555555555555] GET https://{LOGIN}/common/discovery/instance\nDEBUG: Response [11111111-2222-3333-4444-555555555555] 200 OK (00.5s)\n\nSubscription name Tenant\n----------------- ------\nProd              Contoso\n"
    );
    for (failed, other) in [(UNTRUSTED, &curl), (UNTRUSTED, &powershell), (TIMEOUT, &through_a_proxy)] {
        assert_eq!(answer(&format!("{}{other}", az_fails(LOGIN, failed))), fault(LOGIN), "{other}");
    }
}

#[test]
fn another_try_of_the_same_client_makes_its_failure_good() {
    assert_eq!(answer(&format!("{}{}", az_fails(LOGIN, UNTRUSTED), az_works())), none("no_network_fault"));
    assert_eq!(answer(&format!("{}{}", az_works(), az_fails(LOGIN, UNTRUSTED))), fault(LOGIN));
    let failed = format!("PS C:\\> Connect-AzAccount\nConnect-AzAccount: No such host is known. ({LOGIN}:443)\n");
    let worked =
        "PS C:\\> Connect-AzAccount\n\nSubscription name Tenant\n----------------- ------\nProd              Contoso\n";
    assert_eq!(answer(&failed), fault(LOGIN));
    assert_eq!(answer(&format!("{failed}{worked}")), none("no_network_fault"));
}

#[test]
fn a_connection_that_breaks_after_an_answer_is_no_failed_handshake() {
    let broken = "ERROR: cli.azure.cli.core.azclierror: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))\nINFO: az_command_data_logger: exit code: 1\n";
    let polled = answers(LOGIN, "POST /organizations/oauth2/v2.0/token", 400);
    let log = format!("{AZ}{}{polled}{broken}", connects(LOGIN));
    assert_eq!(answer(&log), none("insufficient_evidence"));
    assert!(codes(&log).iter().any(|c| c == "broken_after_handshake"));
    // A new connection has answered nothing yet.
    assert_eq!(answer(&format!("{AZ}{}{polled}{}{broken}", connects(LOGIN), connects(LOGIN))), fault(LOGIN));
    assert_eq!(answer(&format!("{AZ}{}{broken}", connects(LOGIN))), fault(LOGIN));
}

#[test]
fn a_warning_that_the_command_went_on_from_gives_way_to_what_entra_refused() {
    let warning = format!(
        "PS C:\\> Connect-AzAccount\nWARNING: Cannot discover environments. No such host is known. ({ARM}:443) Falling back.\n"
    );
    let refused = "Connect-AzAccount : AADSTS50076: you must use multi-factor authentication. Trace ID: 57b95222-9734-4f24-a5b2-ccd2d8bf239b\n";
    let log = format!("{warning}{refused}");
    assert_eq!(answer(&log), none("no_network_fault"));
    assert!(!codes(&log).iter().any(|c| c == "management_after_token"));
    assert_eq!(answer(&warning), fault(ARM));
}

#[test]
fn what_is_not_understood_is_no_proof_for_the_network() {
    for text in ["Ymmärrettävää tekstiä ei ole. (login.microsoftonline.com:443)", "System.Net.WebException: ???"] {
        let (outcome, _) = answer(&format!("PS C:\\> Connect-AzAccount\nConnect-AzAccount: {text}\n"));
        assert_eq!(outcome, "insufficient_evidence", "{text}");
    }
    let own = "ERROR: cli.azure.cli.core.azclierror: KeyError: 'tenants'\nINFO: az_command_data_logger: exit code: 1\n";
    let asked = connects(LOGIN);
    let answered = answers(LOGIN, "GET /organizations/v2.0/.well-known/openid-configuration", 200);
    assert_eq!(answer(&format!("{AZ}{asked}{own}")), none("insufficient_evidence"));
    assert_eq!(answer(&format!("{AZ}{asked}{answered}{own}")), none("no_network_fault"));
}

#[test]
fn a_sign_in_that_worked_is_no_fault_whatever_was_installed_before() {
    let installed = "PS C:\\> Install-Module Az.Accounts\nInstall-Module : Unable to resolve package source.\n";
    let worked =
        "PS C:\\> Connect-AzAccount\n\nSubscription name Tenant\n----------------- ------\nProd              Contoso\n";
    assert_eq!(answer(&format!("{installed}{worked}")), none("no_network_fault"));
    let denied = "PS C:\\> Connect-MgGraph\nWelcome to Microsoft Graph!\n\nPS C:\\> Get-MgUser\nGet-MgUser : Insufficient privileges to complete the operation.\n";
    let text = text(&report(denied), "/diagnosis/text").unwrap_or_default();
    assert!(text.contains("Get-MgUser") && !text.contains("Connect-MgGraph"), "{text}");
}

#[test]
fn the_proxy_that_curl_asked_is_no_host_of_its_own() {
    let log = format!(
        "$ curl -v -x http://proxy.corp.example:8080 https://{ARM}/\n* Connected to proxy.corp.example (10.1.2.3) port 8080\n> CONNECT {ARM}:443 HTTP/1.1\n< HTTP/1.1 403 Forbidden\n* CONNECT tunnel failed, response 403\n"
    );
    assert_eq!(answer(&log), fault(ARM));
    assert!(!codes(&log).iter().any(|c| c == "inconclusive"));
}

#[test]
fn a_command_behind_a_good_sign_in_fails_for_itself() {
    let storage = "stcontoso.blob.core.windows.net";
    let later = |command: &str| {
        format!(
            "{}{}INFO: az_command_data_logger: exit code: 0\n$ {command}\nERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='{storage}', port=443): Max retries exceeded with url: /x (Caused by ConnectTimeoutError(<x>, 'Connection to {storage} timed out. (connect timeout=None)'))\n",
            az_works().replace("INFO: az_command_data_logger: exit code: 0\n", ""),
            connects(ARM) + &answers(ARM, "GET /tenants?api-version=2022-12-01", 200)
        )
    };
    assert_eq!(answer(&later("az storage blob list --account-name stcontoso")), fault(storage));
    // What is no command of the sign-in's tools may be anything.
    let other = later("mytool --run").replace("ERROR: cli.azure.cli.core.azclierror: ", "error: ");
    assert_eq!(answer(&other), none("no_network_fault"));
}

#[test]
fn a_host_that_the_next_run_signed_in_at_was_reached() {
    let verdict = |log: &str| text(&report(log), "/hosts/0/verdict");
    let refused = "PS C:\\> Connect-AzAccount\nConnect-AzAccount: InteractiveBrowserCredential authentication failed: No such host is known. (login.microsoftonline.com:443)\n";
    let works = "PS C:\\> Connect-AzAccount\n\nSubscription name     Tenant\n-----------------     ------\nProduction            Contoso\n";
    assert_eq!(verdict(refused).as_deref(), Some("dns_failure"));
    let both = format!("{refused}{works}");
    assert_eq!((answer(&both), verdict(&both).as_deref()), (none("no_network_fault"), Some("degraded")));
    let elsewhere = format!("{refused}{}", works.replace("Connect-AzAccount", "Connect-AzAccount -Tenant b.example"));
    assert_eq!(verdict(&elsewhere).as_deref(), Some("dns_failure"));
}

#[test]
fn a_test_beside_a_sign_in_stopped_nothing() {
    let works = "PS C:\\> Connect-AzAccount\n\nSubscription name     Tenant\n-----------------     ------\nProduction            Contoso\n";
    let refused = "PS C:\\> Connect-AzAccount\nConnect-AzAccount : AADSTS50126: Error validating credentials due to invalid username or password.\n";
    let iwr = |host: &str, error: &str| format!("PS C:\\> iwr https://{host}\niwr : {error}\n");
    let failures = [
        iwr(LOGIN, "The remote server returned an error: (407) Proxy Authentication Required."),
        iwr(LOGIN, "The operation has timed out."),
        iwr(LOGIN, "Unable to connect to the remote server"),
        iwr(ARM, "The remote server returned an error: (403) Forbidden."),
        format!("PS C:\\> curl https://{LOGIN}\ncurl: (6) Could not resolve host: {LOGIN}\n"),
    ];
    for test in &failures {
        assert_eq!(answer(&format!("{test}{works}")), none("no_network_fault"), "{test}");
        assert_ne!(
            answer(&format!("{works}{test}")).0,
            "no_network_fault",
            "the network may have failed since: {test}"
        );
        let cached = works.replace("Connect-AzAccount", "Get-AzSubscription");
        assert_ne!(answer(&format!("{test}{cached}")).0, "no_network_fault", "{test}");
    }
    let other = iwr("intranet.contoso.local", "The remote name could not be resolved: 'intranet.contoso.local'");
    for log in [works, refused] {
        assert_eq!(answer(&format!("{other}{log}")), none("no_network_fault"), "{log}");
    }
}

#[test]
fn a_managed_identity_that_the_machine_does_not_offer_is_no_matter_of_the_network() {
    let refused = |place: &str| {
        format!(
            "PS C:\\> Connect-AzAccount -Identity\nConnect-AzAccount: ManagedIdentityCredential authentication failed: Retry failed after 4 tries. (No connection could be made because the target machine actively refused it. ({place}))\n"
        )
    };
    let is_told = |log: &str| codes(log).contains(&"local_identity_down".to_owned());
    let arc = refused("localhost:40342");
    assert_eq!((answer(&arc), is_told(&arc)), (none("no_network_fault"), true));
    let of_an_app = "$ az login --identity\nError detail: HTTPConnectionPool(host='127.0.0.1', port=41234): Max retries exceeded with url: /MSI/token/?resource=x (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))\n";
    assert!(is_told(of_an_app));
    // A port that nothing says anything of may be a proxy's.
    let other = refused("localhost:8888");
    assert_eq!((answer(&other), is_told(&other)), (none("insufficient_evidence"), false));
    assert!(!is_told(&of_an_app.replace("url: /MSI", "url: http://169.254.169.254/MSI")));
    let proxy = of_an_app.replace("NewConnectionError(", "ProxyError('Cannot connect to proxy.', NewConnectionError(");
    assert!(!is_told(&proxy));
    assert!(!is_told(&refused("169.254.169.254:80")));
}

#[test]
fn the_line_of_a_test_names_the_host_that_a_proxy_stopped() {
    let log = "PS C:\\> Invoke-WebRequest https://login.microsoftonline.com\n\
        Invoke-WebRequest : The remote server returned an error: (407) Proxy Authentication Required.\n";
    assert_eq!(answer(log), fault(LOGIN));
}

const METADATA: &str = "GET /organizations/v2.0/.well-known/openid-configuration";

#[test]
fn a_status_that_entra_does_not_give_is_no_proof_for_the_network() {
    let failed = |status: u16| {
        format!(
            "{AZ}{}{}ERROR: cli.azure.cli.core.azclierror: Unable to get authority configuration for https://{LOGIN}/organizations.\nINFO: az_command_data_logger: exit code: 1\n",
            connects(LOGIN),
            answers(LOGIN, METADATA, status)
        )
    };
    for status in [302, 403, 404, 502, 504] {
        let report = report(&failed(status));
        assert_eq!(text(&report, "/diagnosis/outcome").as_deref(), Some("insufficient_evidence"), "{status}");
        assert_eq!(text(&report, "/hosts/0/verdict").as_deref(), Some("inconclusive"), "{status}");
        assert!(text(&report, "/diagnosis/text").is_some_and(|t| t.contains(&status.to_string())), "{status}");
    }
    assert_eq!(answer(&failed(400)), none("no_network_fault"));
    // What failed so and was answered later took a detour only.
    let again = format!("{AZ}{}{}", connects(LOGIN), answers(LOGIN, METADATA, 503)) + &answers(LOGIN, METADATA, 200);
    let report = report(&format!("{again}INFO: az_command_data_logger: exit code: 0\n"));
    assert_eq!(text(&report, "/hosts/0/verdict").as_deref(), Some("degraded"));
}

#[test]
fn a_status_of_nobody_in_particular_is_no_proof_for_the_network() {
    for words in [
        "The remote server returned an error: (403) Forbidden.",
        "リモート サーバーがエラーを返しました: (502) 不正なゲートウェイ",
        "Error en el servidor remoto: (403) Prohibido.",
        "Errore del server remoto: (502) Gateway non valido.",
        "InteractiveBrowserCredential authentication failed: Response status code does not indicate success: 403 (Forbidden).",
    ] {
        let report = report(&format!("PS C:\\> Connect-AzAccount\nConnect-AzAccount : {words}\n"));
        assert_eq!(text(&report, "/diagnosis/outcome").as_deref(), Some("insufficient_evidence"), "{words}");
        assert!(text(&report, "/diagnosis/next_step").is_some_and(|t| t.contains("proxy's log")), "{words}");
    }
    let machine = "Connect-AzAccount : ManagedIdentityCredential authentication failed: [Managed Identity] Error Message: Identity not found Response status code does not indicate success: 400 (Bad Request).\n";
    assert_eq!(answer(machine), none("no_network_fault"));
    let gateway = "Connect-AzAccount: ManagedIdentityCredential authentication unavailable. The request failed due to a gateway error.\nStatus: 502 (Proxy Error)\n";
    let report = report(gateway);
    assert_eq!(text(&report, "/diagnosis/outcome").as_deref(), Some("insufficient_evidence"));
    assert!(text(&report, "/diagnosis/next_step").is_some_and(|t| t.contains("NO_PROXY")));
    let permission = "PS C:\\> Connect-MgGraph\nWelcome to Microsoft Graph!\nPS C:\\> Get-MgUser\nGet-MgUser_List: Insufficient privileges to complete the operation.\n\nStatus: 403 (Forbidden)\nErrorCode: Authorization_RequestDenied\n";
    assert_eq!(answer(permission), none("no_network_fault"));
    assert!(codes(permission).contains(&"service_refused".to_owned()));
}

#[test]
fn a_product_that_answers_in_the_place_of_a_service_is_named() {
    let log = format!(
        "PS C:\\> Connect-AzAccount -Debug\nDEBUG: Request [11111111-2222-3333-4444-555555555555] GET https://{ARM}/tenants\nDEBUG: Error response [11111111-2222-3333-4444-555555555555] 403 Forbidden (00.1s)\nServer:Netskope Proxy\nConnect-AzAccount: Response status code does not indicate success: 403 (Forbidden).\n"
    );
    let report = report(&log);
    assert_eq!(text(&report, "/diagnosis/root_cause/verdict").as_deref(), Some("proxy_denied"));
    assert!(text(&report, "/diagnosis/text").is_some_and(|t| t.starts_with("Netskope")), "{report}");
}

#[test]
fn a_host_that_only_a_product_answered_was_not_reached() {
    let index = "azcliextensionsync.blob.core.windows.net";
    let log = format!(
        "{AZ}{}{}DEBUG: cli.azure.cli.core.sdk.policies:     'Server': 'Zscaler/6.3'\n{}{}INFO: az_command_data_logger: exit code: 0\n",
        connects(index),
        answers(index, "GET /index.json", 403),
        connects(LOGIN),
        answers(LOGIN, METADATA, 200),
    );
    let report = report(&log);
    let hosts = report.pointer("/hosts").and_then(Value::as_array).cloned().unwrap_or_default();
    let of_index = hosts.iter().find(|h| text(h, "/name").as_deref() == Some(index)).and_then(|h| text(h, "/verdict"));
    assert_eq!(of_index.as_deref(), Some("proxy_denied"), "{report}");
    assert_eq!(text(&report, "/diagnosis/outcome").as_deref(), Some("no_network_fault"));
}

#[test]
fn advice_names_the_port_that_failed_and_the_side_that_can_mend_it() {
    let step = |log: &str| text(&report(log), "/diagnosis/next_step").unwrap_or_default();
    let late = |place: &str| {
        step(&format!(
            "PS C:\\> Connect-AzAccount\nConnect-AzAccount: authentication failed: The operation has timed out. ({place})\n"
        ))
    };
    assert!(late("169.254.169.254:80").contains("NO_PROXY") && !late("169.254.169.254:80").contains("443"));
    let adfs = late("adfs.contoso.example:8443");
    assert!(adfs.contains("-Port 8443") && !adfs.contains("TLS"), "{adfs}");
    assert!(late("login.microsoftonline.com:443").contains("-Port 443"));
    let forbidden = step(
        "PS C:\\> Connect-AzAccount\nConnect-AzAccount: InteractiveBrowserCredential authentication failed: An attempt was made to access a socket in a way forbidden by its access permissions. (proxy.contoso.example:8080)\n",
    );
    assert!(forbidden.contains("TCP 8080"), "{forbidden}");
    let answered = |status: u16| {
        step(&format!(
            "$ curl -v https://{LOGIN}/\n* Connected to {LOGIN} (20.190.1.1) port 443 (#0)\n> GET / HTTP/1.1\n> Host: {LOGIN}\n>\n< HTTP/1.1 {status} X\n< Server: squid/6.6\n"
        ))
    };
    assert!(answered(403).starts_with(&format!("Allow {LOGIN} in Squid,")), "{}", answered(403));
    assert!(answered(502).contains("DNS") && !answered(502).contains("Allow"), "{}", answered(502));
    let socket = |error: &str| {
        step(&az_fails(LOGIN, &format!("NewConnectionError('<x>: Failed to establish a new connection: {error}')")))
    };
    let refused = socket("[Errno 111] Connection refused");
    assert!(refused.contains("0.0.0.0") && refused.contains("allow TCP 443"), "{refused}");
    let no_way = socket("[Errno 113] No route to host");
    assert!(no_way.contains("routes") && !no_way.contains('?'), "{no_way}");
}

#[test]
fn an_assertion_that_somebody_else_signed_grows_old_without_a_wrong_clock() {
    let refused = |arguments: &str, now: &str| {
        format!(
            "$ az login\nDEBUG: cli.knack.cli: Command arguments: ['login', '--service-principal', {arguments}'--debug']\nERROR: cli.azure.cli.core.azclierror: AADSTS700024: Client assertion is not within its valid time range. Current time: {now}.0Z, assertion valid from 2026-11-02T00:05:00.0Z, expiry time of assertion 2026-11-02T00:15:00.0Z. Trace ID: x\nINFO: az_command_data_logger: exit code: 1\n"
        )
    };
    let late = "2026-11-02T01:15:09";
    for (arguments, now, code) in [
        ("'--federated-token', 'x', ", late, "entra_refused"),
        ("", late, "entra_refused"),
        ("'--certificate', '/a/b.pem', ", late, "clock_skew"),
        ("'--Certificate', 'x', ", late, "clock_skew"),
        ("'--federated-token', 'x', ", "2026-11-02T00:01:00", "clock_skew"),
    ] {
        assert_eq!(codes(&refused(arguments, now)), [code], "{arguments} {now}");
    }
}

#[test]
fn what_the_log_knows_of_a_failure_stands_in_its_words() {
    let title = |inner: &str| text(&report(&az_fails(LOGIN, inner)), "/findings/0/title").unwrap_or_default();
    let forbidden = "NewConnectionError('<x>: Failed to establish a new connection: [WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions')";
    assert!(title(forbidden).starts_with("The machine itself blocks"), "{}", title(forbidden));
    let failed = |words: &str| {
        report(&format!(
            "PS C:\\> Connect-AzAccount\nConnect-AzAccount: InteractiveBrowserCredential authentication failed: {words} ({LOGIN}:443)\n"
        ))
    };
    let limit = failed("The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.");
    assert!(text(&limit, "/diagnosis/text").is_some_and(|t| t.contains("at which step")), "{limit}");
    let revocation = failed(
        "The remote certificate is invalid because of errors in the certificate chain: RevocationStatusUnknown, OfflineRevocation",
    );
    assert!(text(&revocation, "/diagnosis/next_step").is_some_and(|t| t.contains("port 80")), "{revocation}");
    let untold = failed("Finner ikke verten.");
    assert_eq!(text(&untold, "/diagnosis/outcome").as_deref(), Some("insufficient_evidence"));
    let refused =
        format!("{AZ}ERROR: cli.azure.cli.core.azclierror: AADSTS530003: Your device is required to be managed.\n");
    assert!(codes(&refused).contains(&"conditional_access".to_owned()));
}

#[test]
fn a_service_of_the_machine_itself_is_no_matter_of_the_network() {
    let asked_for = [
        "$ kubectl get nodes\nThe connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
        "Error: Kubernetes cluster unreachable: Get \"http://localhost:8080/version\": dial tcp 127.0.0.1:8080: connect: connection refused\n",
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=41741): Max retries exceeded with url: /MSI/token/ (Caused by NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused'))\n",
    ];
    for log in asked_for {
        let report = report(log);
        assert_eq!(text(&report, "/diagnosis/outcome").as_deref(), Some("no_network_fault"), "{log}");
        assert!(text(&report, "/diagnosis/text").is_some_and(|t| t.contains("own machine")), "{log}");
    }
    // The same words of a server elsewhere.
    let server = "cluster.corp.example";
    let refused =
        format!("The connection to the server {server}:6443 was refused - did you specify the right host or port?\n");
    assert_eq!(answer(&refused), fault(server));
}

#[test]
fn what_fails_behind_an_answer_is_told_of_nobody() {
    let asked =
        format!("{}{}", connects(LOGIN), answers(LOGIN, "GET /common/v2.0/.well-known/openid-configuration", 200));
    for failed in [
        "redis.exceptions.ConnectionError: Error -2 connecting to redis:6379. Name or service not known.",
        "psycopg2.OperationalError: could not translate host name \"db\" to address: Name or service not known",
        "OSError: [Errno 111] Connection refused",
    ] {
        let log = format!("{asked}{failed}\n");
        assert_eq!(answer(&log), none("insufficient_evidence"), "{failed}");
        assert_eq!(codes(&log), ["network_error_unnamed"], "{failed}");
    }
    // A time-out behind the answer of another host says nothing about that host.
    let other = "[info] [Request] POST https://login.microsoftonline.com/x\n[error] connect ETIMEDOUT 20.190.160.1:443\n[info] [Response] 200 - GET https://api.corp.example/health\n[error] Sign-in failed: TimeoutError: token request timed out\n";
    assert_eq!(answer(other), fault(LOGIN));
    let hosts = report(other).pointer("/hosts").and_then(Value::as_array).cloned().unwrap_or_default();
    let api = hosts.iter().find(|h| text(h, "/name").as_deref() == Some("api.corp.example"));
    assert_eq!(api.and_then(|h| text(h, "/verdict")).as_deref(), Some("ok"));
    // An answer between a failure and its repetition at the end makes nothing good.
    let failed = |inner: &str| {
        format!(
            "ERROR: app: HTTPSConnectionPool(host='{LOGIN}', port=443): Max retries exceeded with url: /x (Caused by {inner})\n"
        )
    };
    let twice = |inner: &str| answer(&format!("{}{asked}{}", failed(inner), failed(inner)));
    assert_eq!(twice(TIMEOUT), fault(LOGIN));
    assert_eq!(twice("ReadTimeoutError('Read timed out. (read timeout=10)')"), none("insufficient_evidence"));
}

#[test]
fn a_body_and_the_end_of_a_code_are_told_as_what_they_are() {
    let throttled = "Retry-After: 120\n{\n  \"error\": {\n    \"code\": \"TooManyRequests\",\n    \"message\": \"Number of requests exceeded the limit.\"\n  }\n}\n";
    assert_eq!((answer(throttled), codes(throttled)), (none("no_network_fault"), vec!["service_refused".to_owned()]));
    let expired = report(
        "PS C:\\> Connect-MgGraph -UseDeviceCode\nConnect-MgGraph : Device code terminal timed-out after 120 seconds. Please try again.\n",
    );
    assert!(text(&expired, "/diagnosis/text").is_some_and(|t| t.contains("device code ran out")), "{expired}");
    let unknown = "PS C:\\> Connect-SPOService -Url https://contoso-admin.sharepoint.com\nConnect-SPOService : Could not connect to SharePoint Online.\n";
    assert_eq!(answer(unknown), none("insufficient_evidence"));
}

#[test]
fn a_command_that_failed_for_a_host_beside_the_sign_in_leaves_the_case_open() {
    let registry = "$ az acr login -n contosoacr --debug\nDEBUG: cli.knack.cli: Command arguments: ['acr', 'login', '-n', 'contosoacr', '--debug']\nDEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): contosoacr.azurecr.io:443\nERROR: cli.azure.cli.core.azclierror: Could not connect to the registry login server 'contosoacr.azurecr.io'. Please verify that the registry exists.\nINFO: az_command_data_logger: exit code: 1\n";
    let signed_in = format!(
        "$ az login --debug\nDEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\nDEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): {LOGIN}:443\nDEBUG: urllib3.connectionpool: https://{LOGIN}:443 \"POST /organizations/oauth2/v2.0/token HTTP/1.1\" 200 5210\nINFO: az_command_data_logger: exit code: 0\n"
    );
    let outcome = |log: &str| text(&report(log), "/diagnosis/outcome").unwrap_or_default();
    assert_eq!(outcome(&signed_in), "no_network_fault");
    assert_eq!(outcome(&format!("{signed_in}{registry}")), "insufficient_evidence");
    let again = registry.replace("ERROR: cli.azure.cli.core.azclierror: Could not connect to the registry login server 'contosoacr.azurecr.io'. Please verify that the registry exists.\n", "").replace("exit code: 1", "exit code: 0");
    assert_eq!(outcome(&format!("{signed_in}{registry}{again}")), "no_network_fault");
}
