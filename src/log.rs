//! Debug text → events.
//!
//! What enters: the bytes of one file that may be a debug log or a sign-in log export. What leaves: [`LogEvidence`],
//! owned facts without secrets. The readers are total: any bytes give a result, at worst [`LogEvidence::NotALog`].
//!
//! A log may mix dialects: each line goes to the reader that knows its shape, and all write into one collector.

/// A pattern under a name, built when it is first asked. One that could not be built, which no text can change, matches
/// nothing.
macro_rules! regex {
    ($name:ident, $pattern:expr) => {
        static $name: std::sync::LazyLock<Option<::regex::Regex>> =
            std::sync::LazyLock::new(|| ::regex::Regex::new($pattern).ok());
    };
}

/// Whether `text` is what a pattern says.
fn is(pattern: &std::sync::LazyLock<Option<::regex::Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

mod answer;
pub mod az;
pub mod az_powershell;
mod build;
mod command;
mod failing;
mod fence;
pub mod graph_powershell;
mod link;
mod mail;
mod margin;
mod other;
mod outcome;
pub mod pattern;
mod place;
pub mod secret;
pub mod signin_export;
mod stamp;
mod syslog;
pub mod text;
mod transcript;
mod width;
mod wrap;

use crate::facts::log::{Attempt, Dialect, LogEventKind, LogFacts, SigninFacts, Transcript};
use crate::limits::LOG_BYTES_MAX;
use crate::message;
use build::{Block, Builder};
use failing::is_cmdlet_error;
pub use failing::{names_a_failure, names_a_failure_of_a_sign_in};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a file turned out to be.
#[derive(Debug)]
pub enum LogEvidence {
    /// A debug log, or text with an error of a sign-in in it.
    Debug(LogFacts),
    /// An export of the Entra sign-in log.
    Signin(SigninFacts),
    /// Neither.
    NotALog,
}

/// Reads one file. `name` is its name without folders; it only decides between readings that the content leaves open.
pub fn read(name: &str, bytes: &[u8]) -> LogEvidence {
    let limit = usize::try_from(LOG_BYTES_MAX).unwrap_or(usize::MAX);
    let head = bytes.get(..limit).unwrap_or(bytes);
    if is_binary(head) {
        return LogEvidence::NotALog;
    }
    let (text, encoding) = text::decode(head);
    if let Some(mut facts) = signin_export::read(&text) {
        facts.encoding = encoding.name.to_owned();
        return LogEvidence::Signin(facts);
    }
    let extension = extension(name);
    let fenced = if extension == "md" { fence::blocks(&text) } else { None };
    // A run that stands beside the blocks is one as well, where none of them holds any.
    let facts = fenced.and_then(|blocks| read_text_of(&extension, &blocks)).or_else(|| read_text_of(&extension, &text));
    let Some(mut facts) = facts else { return LogEvidence::NotALog };
    facts.encoding = encoding.name.to_owned();
    if encoding.damaged {
        facts.problems.note("log_encoding", None, None, || {
            message!(
                en: "some characters could not be decoded as {0}",
                ja: "{0} として解読できない文字がありました",
                encoding.name
            )
        });
    }
    if head.len() < bytes.len() {
        facts.problems.note(
            "log_cut",
            None,
            Some(head.len() as u64),
            || message!(en: "only the first {limit} bytes were read", ja: "先頭の {limit} バイトだけを読みました"),
        );
    }
    LogEvidence::Debug(facts)
}

/// What a text of a file with this end of its name tells; `None` where it is no log.
fn read_text_of(extension: &str, text: &str) -> Option<LogFacts> {
    let text = mail::without_entities(link::unwrapped(text));
    let bare = margin::without(&text);
    if is_data(extension, &text) && !is_json_log(&bare, extension) {
        return None;
    }
    let facts = read_bare(&bare);
    // A table is written by people as well; one of records is a log.
    let is_of_records = matches!(extension, "csv" | "tsv") && bare.records > 0;
    is_log(&facts, if is_of_records { "" } else { extension }).then_some(facts)
}

/// What the name of a file ends with.
fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase())
}

/// Whether the text was a log in JSON: a document may look like one record, not like two.
fn is_json_log(bare: &margin::Bare<'_>, extension: &str) -> bool {
    bare.records > usize::from(extension == "json")
}

/// Captures, archives and programs: many control characters that no encoding of text explains.
fn is_binary(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return false;
    }
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
    let control = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31)).count();
    control * 50 > head.len()
}

/// JSON, HTML, source code: text that may talk about errors without being a log.
fn is_data(extension: &str, text: &str) -> bool {
    let first = text.trim_start();
    let is_json = extension == "json" || first.starts_with("{\"") || first.starts_with("[{");
    let is_markup = first.starts_with("<?xml") || first.starts_with("<!DOCTYPE") || first.starts_with("<html");
    (is_json && matches!(extension, "json" | "jsonl" | "har" | "")) || is_markup
}

/// Ends of the names of what people write: documents, programs, configurations. They talk of failures that nobody had.
#[rustfmt::skip]
const PROSE: &[&str] = &[
    "md", "rst", "adoc", "tex", "html", "htm", "xml", "xsd", "csv", "tsv", "po", "resx", "strings", "diff", "patch",
    "py", "ipynb", "rs", "js", "mjs", "cjs", "jsx", "ts", "tsx", "vue", "go", "java", "kt", "kts", "scala", "groovy",
    "gradle", "c", "h", "cc", "cpp", "hpp", "cs", "fs", "vb", "swift", "rb", "php", "pl", "lua", "dart", "r", "css", "scss",
    "sh", "bash", "zsh", "fish", "bat", "cmd", "ps1", "psm1", "psd1", "vbs", "kql", "sql",
    "yml", "yaml", "toml", "ini", "conf", "cfg", "config", "properties", "env", "lock", "tf", "tfvars", "hcl", "bicep",
    "template",
];

/// Whether what was read is a log: written by a known client, or naming a failure.
fn is_log(facts: &LogFacts, extension: &str) -> bool {
    let prose = PROSE.contains(&extension);
    let known = facts.attempts.iter().any(|a| {
        a.dialect != Dialect::Other || a.events.iter().any(|e| matches!(e.kind, LogEventKind::HttpResponse { .. }))
    });
    let fails = facts.attempts.iter().any(|a| a.first_error().is_some());
    // An issue that somebody wrote quotes the run itself: what was asked for, and how it failed.
    if extension == "md" {
        let is_traffic = |kind: &LogEventKind| {
            let tries = matches!(kind, LogEventKind::Connecting { .. } | LogEventKind::HttpRequest { .. });
            tries || matches!(kind, LogEventKind::HttpResponse { .. } | LogEventKind::Connected { .. })
        };
        let is_run = |a: &Attempt| a.dialect != Dialect::Other && a.events.iter().any(|e| is_traffic(&e.kind));
        return fails && facts.attempts.iter().any(is_run);
    }
    if prose { known && facts.attempts.iter().any(|a| a.events.len() > 3) } else { known || fails }
}

// PowerShell's names of its streams in the languages of Windows; two letters of space before the colon in French.
const STREAMS: &str = "DEBUG|VERBOSE|WARNING|ERROR|INFORMATION|デバッグ|詳細|警告|エラー|DÉBOGUER|DÉBOGAGE|COMMENTAIRES|AVERTISSEMENT|AUSFÜHRLICH|WARNUNG|FEHLER|DEPURAR|DETALLADO|ADVERTENCIA|调试|详细信息|디버그|경고|ОТЛАДКА|ПРЕДУПРЕЖДЕНИЕ";
static STREAM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"^({STREAMS})\s?[:：] ?(.*)$")).ok());
// `az : ERROR: …`, `az.cmd : …`: a native program's error stream as Windows PowerShell shows it; `Connect-X : text`.
static NATIVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:az|az\.cmd|az\.exe|az\.ps1|python(?:\.exe)?|curl(?:\.exe)?) : (.*)$").ok());
static CMDLET_ERROR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^((?:[A-Z][a-z]+)-[A-Za-z]{2,40}) ?: (.+)$").ok());
// Lines in PowerShell 7's view of an error.
static VIEW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^ {2,}\d* *\| +([^~\s].*)$").ok());
static VERSION_LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^azure-cli\s+(\d+\.\d+[\w.]*)|^Python \([^)]*\) (\d+\.\d+\.\d+)").ok());
static MODULE_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\w+\s+)?(\d+\.\d+\.\d+)\s+(?:\S*\s+)?(Az\.Accounts|Microsoft\.Graph\.Authentication)\b|^(?:Script\s+)(\d+\.\d+\.\d+)\s+(Az\.Accounts|Microsoft\.Graph\.Authentication)\b").ok()
});

/// Reads decoded text.
#[cfg(test)]
pub(crate) fn read_text(text: &str) -> LogFacts {
    read_bare(&margin::without(&mail::without_entities(link::unwrapped(text))))
}

/// Reads text without margins.
fn read_bare(bare: &margin::Bare<'_>) -> LogFacts {
    let (lines, width) = text::lines(&bare.text);
    let mut b = Builder::default();
    b.facts.lines = lines.last().map_or(0, |l| bare.number(l.number));
    let (lines, soft) = wrap::join(lines);
    let width = width.or(soft);
    let mut head = Some(Transcript::default());
    let mut announces = false;
    for line in &lines {
        b.next_line(bare.number(line.number));
        if let Some(time) = bare.time(line.number) {
            b.stamp(time);
        }
        let trimmed = line.text.trim_end();
        b.program = syslog::program(trimmed).map(str::to_owned);
        if transcript::line(&mut b, &mut head, trimmed) {
            continue;
        }
        // Advice quotes commands: `Please run:` and the command on the next line.
        let quoted = announces;
        let is_command = one_line(&mut b, trimmed, quoted);
        announces = trimmed.ends_with([':', '：']) || (quoted && (is_command || trimmed.starts_with("az ")));
    }
    let mut facts = b.finish();
    if let Some(width) = width {
        facts.problems.note("log_wrapped", None, None, || {
            message!(
                en: "lines were wrapped at {width} columns and have been joined again",
                ja: "{width} 桁で折り返された行をつなぎ直しました"
            )
        });
    }
    facts
}

/// One logical line to the reader that knows it; whether it was a command.
fn one_line(b: &mut Builder, line: &str, quoted: bool) -> bool {
    if let Some(command) = command::prompt(line) {
        if !quoted {
            b.begin(command);
        }
        return true;
    }
    read_line(b, line);
    false
}

/// A line that is no command.
fn read_line(b: &mut Builder, line: &str) {
    if line.is_empty() {
        if let Block::Http(block) = &b.block
            && !block.arm
        {
            b.block = Block::None;
        }
        return;
    }
    if line.contains("Credential") {
        b.in_chain(line);
    }
    if az::line(b, line) {
        return;
    }
    // PowerShell 7 draws errors with a margin.
    let line = VIEW.as_ref().and_then(|r| r.captures(line)?.get(1)).map_or(line, |m| m.as_str());
    cmdlet(b, line);
    let (stream, rest) = stream(line);
    let rest = rest.as_ref();
    if az_powershell::line(b, rest, stream.is_some()) || graph_powershell::line(b, rest) {
        return;
    }
    match stream {
        Some(Stream::Debug) => {
            if b.block == Block::None {
                other::free(b, rest, false);
            } else {
                other::line(b, rest);
            }
        }
        Some(Stream::Warning) => {
            if !other::free(b, rest, false) {
                let host = place::target(rest);
                b.event(LogEventKind::Warning, host.as_ref().map(|(h, p)| (h.as_str(), *p)), line);
            }
        }
        Some(Stream::Error) => {
            if rest.starts_with("Traceback") {
                b.block = Block::Traceback;
            } else {
                other::free(b, rest, true);
            }
        }
        None => {
            versions(b, line);
            if !succeeded(b, line) {
                other::line(b, line);
            }
        }
    }
}

/// An error of a cmdlet names the module, where nothing else in the log does.
fn cmdlet(b: &mut Builder, line: &str) {
    let Some(name) = CMDLET_ERROR.as_ref().and_then(|r| r.captures(line)?.get(1)).map(|m| m.as_str()) else { return };
    let noun = name.split_once('-').map_or("", |(_, noun)| noun);
    let dialect = match noun {
        noun if noun.starts_with("Mg") => Dialect::GraphPowerShell,
        noun if noun.starts_with("Az") => Dialect::AzPowerShell,
        _ => return,
    };
    b.speaks(dialect);
    if b.attempt.command.is_empty() {
        b.attempt.command = name.to_owned();
    }
}

/// What PowerShell calls a stream, or a native program a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Debug,
    Warning,
    Error,
}

/// Cuts off the name of a stream.
fn stream(line: &str) -> (Option<Stream>, Cow<'_, str>) {
    if let Some(c) = STREAM.as_ref().and_then(|r| r.captures(line)) {
        let (name, rest) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
        let stream = match name {
            "WARNING" | "警告" | "AVERTISSEMENT" | "WARNUNG" | "ADVERTENCIA" | "경고" | "ПРЕДУПРЕЖДЕНИЕ" => {
                Stream::Warning
            }
            "ERROR" | "エラー" | "FEHLER" => Stream::Error,
            _ => Stream::Debug,
        };
        return (Some(stream), Cow::Owned(rest.to_owned()));
    }
    if let Some(c) = CMDLET_ERROR.as_ref().filter(|_| is_cmdlet_error(line)).and_then(|r| r.captures(line)) {
        return (Some(Stream::Error), Cow::Owned(c.get(2).map_or("", |m| m.as_str()).to_owned()));
    }
    (None, Cow::Borrowed(line))
}

/// Versions that customers paste along (`az --version`, `Get-Module`).
fn versions(b: &mut Builder, line: &str) {
    if let Some(c) = VERSION_LINE.as_ref().and_then(|r| r.captures(line)) {
        let v = &mut b.attempt.versions;
        if let Some(cli) = c.get(1) {
            v.cli.get_or_insert_with(|| cli.as_str().to_owned());
        }
        if let Some(python) = c.get(2) {
            v.runtime.get_or_insert_with(|| format!("Python {}", python.as_str()));
        }
    }
    if let Some(c) = MODULE_LINE.as_ref().and_then(|r| r.captures(line)) {
        let mut parts = c.iter().skip(1).flatten();
        if let (Some(version), Some(name)) = (parts.next(), parts.next()) {
            b.attempt.versions.module = Some(format!("{} {}", name.as_str(), version.as_str()));
        }
    }
}

/// Output that only a sign-in that worked prints.
fn succeeded(b: &mut Builder, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let table = |names: [&str; 3]| names.iter().all(|n| words.contains(n));
    let is_table = table(["Account", "TenantId", "Environment"]) || table(["Name", "Account", "TenantId"]);
    // Az.Accounts 3 and later; the list to choose from has more columns.
    let is_table = is_table || words == ["Subscription", "name", "Tenant"];
    let is_list = line.trim_start().starts_with("\"homeTenantId\":");
    let connected = b.attempt.command.contains("login") || b.attempt.command.starts_with("Connect-");
    let is_greeting = line.trim() == "Welcome to Microsoft Graph!";
    if !(connected && (is_table || is_list || is_greeting)) {
        return false;
    }
    if !b.attempt.events.iter().rev().take(2).any(|e| matches!(e.kind, LogEventKind::Finished { .. })) {
        b.event(LogEventKind::Finished { exit_code: Some(0) }, None, line);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::{ErrorClass, NameFault, Outcome, ProxyFault, SigninMethod, TrustFault};

    /// An `az login --debug` that ends with `end`, as the console shows it.
    fn az_log(end: &str) -> String {
        format!(
            "DEBUG: cli.knack.cli: Command arguments: ['login', '--service-principal', '-u', 'app', '-p', 'hunter2', '--tenant', 'contoso.com', '--debug']\n\
             DEBUG: cli.knack.cli: __init__ debug log:\n\
             Enable color in terminal.\n\
             DEBUG: cli.azure.cli.core.azlogging: metadata file logging enabled - writing logs to '/home/x/.azure/commands/2026-11-22.15-12-59.login.28150.log'.\n\
             DEBUG: msal.application: Broker enabled? False\n\
             DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\n{end}"
        )
    }

    fn only(text: &str) -> crate::facts::log::Attempt {
        let mut facts = read_text(text);
        assert_eq!(facts.attempts.len(), 1, "{facts:#?}");
        facts.attempts.remove(0)
    }

    #[test]
    fn an_exception_is_about_the_host_that_the_one_around_it_names() {
        let a = only(
            "$ az login\n\
             OSError: Tunnel connection failed: 407 Proxy Authentication Required\n\
             \n\
             The above exception was the direct cause of the following exception:\n\
             \n\
             requests.exceptions.ProxyError: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: / (Caused by ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))\n",
        );
        assert_eq!(a.error_class(), Some(ErrorClass::ProxyStatus(407)));
        let cause = a.cause().unwrap();
        assert_eq!((cause.line, cause.host.as_deref()), (2, Some("login.microsoftonline.com")));
    }

    const UNTRUSTED: &str = "ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /organizations/v2.0/.well-known/openid-configuration (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)')))\n";

    #[test]
    fn a_hanging_login_names_the_host_that_it_waits_for() {
        let a = only(&az_log(""));
        assert!(matches!(a.outcome, Outcome::Waiting { .. }));
        assert_eq!(a.last_connecting().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
        assert_eq!(a.method, SigninMethod::ServicePrincipal);
        assert_eq!(a.broker, Some(false));
        assert!(a.start.is_some());
        assert!(!format!("{a:?}").contains("hunter2"));
    }

    #[test]
    fn the_same_log_is_read_in_every_encoding_and_layout() {
        let plain = az_log(UNTRUSTED);
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(plain.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let crlf = plain.replace('\n', "\r\n").into_bytes();
        let colour =
            plain.replace("DEBUG: ", "\x1b[36m").replace("ERROR: ", "\x1b[31m").replace('\n', "\x1b[0m\n").into_bytes();
        let mut wrapped = String::new();
        for line in plain.lines() {
            for part in line.as_bytes().chunks(100) {
                wrapped.push_str(&String::from_utf8_lossy(part));
                wrapped.push('\n');
            }
        }
        for bytes in [plain.clone().into_bytes(), utf16, crlf, colour, wrapped.into_bytes()] {
            let LogEvidence::Debug(facts) = read("debug.txt", &bytes) else { panic!("not a log") };
            assert_eq!(facts.dialect, Dialect::AzCli);
            let a = facts.attempts.first().unwrap();
            assert_eq!(a.error_class(), Some(ErrorClass::CertificateUntrusted(TrustFault::UnknownIssuer)), "{a:#?}");
            assert_eq!(a.cause().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
            assert_eq!(a.tenant_asked.as_deref(), Some("contoso.com"));
        }
    }

    #[test]
    fn windows_powershell_wraps_the_error_stream_of_a_native_program() {
        let text = "az : ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url:\n\
             /organizations/v2.0/.well-known/openid-configuration (Caused by ProxyError('Cannot connect to proxy.', \n\
             OSError('Tunnel connection failed: 407 Proxy Authentication Required')))\n\
             At line:1 char:1\n+ az login --debug\n+ ~~~~~~~~~~~~~~~~\n\
                 + CategoryInfo          : NotSpecified: (ERROR: HTTPSCon...n Required')):String) [], RemoteException\n\
                 + FullyQualifiedErrorId : NativeCommandError\n";
        let a = only(text);
        assert_eq!(a.error_class(), Some(ErrorClass::ProxyStatus(407)), "{a:#?}");
        assert_eq!(a.cause().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
    }

    #[test]
    fn an_error_of_a_cmdlet_that_was_wrapped_keeps_its_host() {
        for (text, host) in [
            (
                "Connect-AzAccount : The remote name could not be resolved: \n'login.microsoftonline.us'\nAt line:1 char:1\n+ Connect-AzAccount\n",
                "login.microsoftonline.us",
            ),
            (
                "Connect-MgGraph : 接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため、接続できませんでした。または接続済みのホストが応答しなかったため、確立された\n接続は失敗しました。 (graph.microsoft.com:443)\n発生場所 行:1 文字:1\n+ Connect-MgGraph\n",
                "graph.microsoft.com",
            ),
        ] {
            let a = only(text);
            assert_eq!(a.cause().and_then(|e| e.host.as_deref()), Some(host), "{a:#?}");
            assert!(a.error_class().is_some_and(ErrorClass::is_network));
        }
    }

    #[test]
    fn adal_and_old_modules_are_read() {
        let text = "DEBUG: 4:49:41 PM - ConnectAzureRmAccountCommand begin processing with ParameterSet 'UserWithSubscriptionId'.\n\
             DEBUG: [Common.Authentication]: Authenticating using configuration values: Domain: 'Common', Endpoint: 'https://login.microsoftonline.com/', ClientId: 'x'\n\
             DEBUG: [Common.Authentication]: Acquiring token using context with Authority 'https://login.microsoftonline.com/Common/', CorrelationId: '00000000-0000-0000-0000-000000000000'\n\
             DEBUG: [ADAL]: Information: 2019-10-15T23:49:44.1234567Z: 57b95222-9734-4f24-a5b2-ccd2d8bf239b - LoggerBase.cs: ADAL PCL.Desktop with assembly version '3.19.2.6005'\n\
             DEBUG: [ADAL]: Error: 2019-10-15T23:50:05.1234567Z: 57b95222-9734-4f24-a5b2-ccd2d8bf239b - LoggerBase.cs: Exception type: System.Net.Sockets.SocketException (10060): x\n";
        let facts = read_text(text);
        let a = facts.attempts.first().unwrap();
        assert_eq!(a.error_class(), Some(ErrorClass::ConnectTimeout), "{a:#?}");
        assert_eq!(a.authority.as_deref(), Some("login.microsoftonline.com"));
        assert_eq!(facts.utc_offset_minutes, Some(-7 * 60));
        assert_eq!(a.correlation_ids.len(), 1);
    }

    #[test]
    fn several_attempts_in_one_file_stay_apart() {
        let refused = "ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by ProxyError('Cannot connect to proxy.', NewConnectionError('<x>: Failed to establish a new connection: [WinError 10061] refusé')))\nINFO: az_command_data_logger: exit code: 1\n";
        let facts = read_text(&format!("{}{}{}", az_log(UNTRUSTED), az_log(refused), az_log("")));
        let classes: Vec<_> = facts.attempts.iter().map(|a| a.error_class()).collect();
        assert_eq!(
            classes,
            [
                Some(ErrorClass::CertificateUntrusted(TrustFault::UnknownIssuer)),
                Some(ErrorClass::ProxyUnreachable(ProxyFault::Refused)),
                None
            ]
        );
        assert!(matches!(facts.leading_attempt().unwrap().outcome, Outcome::Waiting { .. }));
    }

    #[test]
    fn a_transcript_gives_machine_and_date() {
        let text = "**********************\nWindows PowerShell transcript start\nStart time: 20260203101500\nUsername: CONTOSO\\alice\nRunAs User: CONTOSO\\alice\nMachine: PC1 (Microsoft Windows NT 10.0.19045.0)\nHost Application: powershell.exe\nPSVersion: 5.1.19041.1\n**********************\n\
             PS C:\\> Connect-AzAccount -Debug\nDEBUG: 10:15:14 - ConnectAzureRmAccountCommand begin processing with ParameterSet 'UserWithSubscriptionId'.\n\
             Connect-AzAccount : The remote name could not be resolved: 'login.microsoftonline.com'\n";
        let facts = read_text(text);
        let t = facts.transcript.as_ref().unwrap();
        assert_eq!(t.powershell.as_deref(), Some("5.1.19041.1"));
        assert!(t.machine.as_deref().unwrap().starts_with("PC1"));
        assert!(t.start.is_some());
        let a = facts.attempts.first().unwrap();
        assert_eq!(a.error_class(), Some(ErrorClass::NameNotResolved(NameFault::Unspecified)));
        assert!(matches!(a.start, Some(crate::facts::log::LogTime::Local(_))), "{a:#?}");
    }

    #[test]
    fn an_error_that_stands_alone_is_enough() {
        for text in [
            "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<x>: Failed to establish a new connection: [WinError 10060] 接続済みの呼び出し先が'))",
            "ERROR: AADSTS50034: The user account does not exist. Trace ID: 57b95222-9734-4f24-a5b2-ccd2d8bf239b Correlation ID: 20b29c73-f116-484d-b979-5897ea927c16 Timestamp: 2026-11-22 15:20:20Z",
            "Connect-AzAccount: \nLine |\n   1 |  Connect-AzAccount\n     |  ~~~~~~~~~~~~~~~~~\n     | No such host is known. (login.microsoftonline.com:443)\n",
            "ClientSecretCredential authentication failed: Connection refused (login.microsoftonline.com:443)",
        ] {
            let LogEvidence::Debug(facts) = read("paste.txt", text.as_bytes()) else { panic!("{text}") };
            assert!(
                facts.attempts.first().unwrap().error_class().is_some_and(|c| c != ErrorClass::Other),
                "{facts:#?}"
            );
        }
    }

    #[test]
    fn other_files_are_no_logs() {
        for (name, bytes) in [
            ("truth.json", &b"{\"text\": \"Connection refused\"}"[..]),
            ("keys.txt", b"CLIENT_RANDOM 00 11\n"),
            ("page.html", b"<!DOCTYPE html><title>certificate has expired</title>"),
            ("notes.md", b"The error was `certificate has expired`.\n"),
            ("empty.log", b""),
            ("x.bin", b"\x01\x02\x03\x04\x05\x06\x07\x01\x02\x03"),
            ("readme.txt", b"Run this:\naz login --debug\nConnect-AzAccount -Debug\n"),
        ] {
            assert!(matches!(read(name, bytes), LogEvidence::NotALog), "{name}");
        }
    }

    #[test]
    fn logs_cut_at_every_length_or_with_any_byte_changed_are_read_without_failing() {
        let text = az_log(UNTRUSTED);
        let bytes = text.as_bytes();
        for end in 0..bytes.len() {
            let _ = read("x.log", &bytes[..end]);
        }
        for i in (0..bytes.len()).step_by(3) {
            let mut changed = bytes.to_vec();
            changed[i] ^= 0x9D;
            let _ = read("x.log", &changed);
        }
    }

    #[test]
    fn a_log_without_end_stays_within_the_limits() {
        let mut text = az_log("");
        for i in 0..5000 {
            text.push_str(&format!(
                "DEBUG: urllib3.connectionpool: Starting new HTTPS connection ({i}): graph.microsoft.com:443\n"
            ));
        }
        text.push_str(UNTRUSTED);
        let a = only(&text);
        assert!(a.events.len() <= crate::limits::LOG_EVENTS_MAX);
        assert!(a.events_left_out > 2900);
        // The end, which tells the outcome, is not what was left out.
        assert_eq!(a.error_class(), Some(ErrorClass::CertificateUntrusted(TrustFault::UnknownIssuer)));
    }
}
