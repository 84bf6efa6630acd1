//! What is this piece of evidence? Decided from its bytes.
//!
//! What enters: the first bytes of a piece (some tens of KiB) and its name, which only helps where the bytes leave it
//! open. What leaves: a [`Kind`]. Guaranteed: a capture is recognised by its content whatever it is called; what is
//! none of the known things is `Unknown` with a reason, never an error.

use super::evidence::base_name;
use super::sniff::{Container, sniff};
use crate::imprint;
use crate::lang::{Message, Text};
use crate::log;

/// Bytes that `classify` wants to see.
pub const KIND_BYTES: usize = 64 << 10;

/// The kind of a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A packet capture, with its container.
    Capture(Container),
    /// Text that may be a debug log; the log stage says whether it is one.
    DebugLog,
    /// An export of the Entra sign-in log (JSON or CSV).
    SigninLog,
    /// What Windows tells about itself: the text files of NetTrace.cab, `ipconfig /all`, `netsh winhttp show proxy`.
    SystemInfo,
    /// TLS secrets in the format of NSS (`SSLKEYLOGFILE`).
    KeyLog,
    /// None of these; the reason says what it seems to be.
    Unknown(Message),
}

impl Kind {
    /// The word used in JSON; `None` for what is not evidence.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Kind::Capture(_) => Some("capture"),
            Kind::DebugLog => Some("debug_log"),
            Kind::SigninLog => Some("signin_log"),
            Kind::SystemInfo => Some("system_info"),
            Kind::KeyLog => Some("key_log"),
            Kind::Unknown(_) => None,
        }
    }
}

/// Ends of the names that captures and cabinets have and hardly anything else.
const CAPTURE_NAMES: [&str; 6] = [".etl", ".cab", ".pcap", ".pcapng", ".cap", ".ntar"];

/// Whether a file's name says that it is a capture or a cabinet with one. Hidden files do not count: macOS lays one
/// beside each file that it packs (`._trace.etl`).
pub fn is_capture_name(path: &str) -> bool {
    let name = base_name(path).to_ascii_lowercase();
    !name.starts_with('.') && CAPTURE_NAMES.iter().any(|end| name.ends_with(end))
}

/// What the first bytes say: evidence, or something that evidence may be packed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    Evidence(Kind),
    Packed(Container),
}

/// Says what begins with `head` and is called `name` (without folders).
pub(super) fn classify(head: &[u8], name: &str) -> Class {
    let unknown = |text: Text| Class::Evidence(Kind::Unknown(text.into()));
    match sniff(head) {
        container @ (Container::Pcap | Container::PcapNg | Container::Etl | Container::Netmon) => {
            Class::Evidence(Kind::Capture(container))
        }
        packed @ (Container::Cab | Container::Zip | Container::Gz | Container::Zst) => Class::Packed(packed),
        Container::Foreign(what) => unknown(what),
        Container::Unknown if head.is_empty() => unknown(EMPTY),
        Container::Unknown if head.get(257..262) == Some(b"ustar") => unknown(TAR),
        Container::Unknown => Class::Evidence(match text(head) {
            Some(text) => classify_text(&text, head, name),
            None => Kind::Unknown(BINARY.into()),
        }),
    }
}

const EMPTY: Text = Text { en: "an empty file", ja: "空のファイルです" };
const BINARY: Text = Text {
    en: "neither a capture nor text, of no known kind",
    ja: "キャプチャでもテキストでもない、未知の形式です",
};
const TAR: Text =
    Text { en: "a tar archive; unpack it first", ja: "tar アーカイブです。先に展開してください" };
const HAR: Text = Text {
    en: "a browser's HTTP archive (HAR); it is not read",
    ja: "ブラウザーの HTTP アーカイブ (HAR) です。読み込みません",
};
const JSON: Text = Text {
    en: "JSON, but no export of the sign-in log",
    ja: "JSON ですが、サインインログのエクスポートではありません",
};
const MARKUP: Text = Text {
    en: "a document (HTML or XML), no log",
    ja: "HTML または XML の文書で、ログではありません",
};
const OURS: Text = Text {
    en: "an output of this program, which tells of evidence and is none",
    ja: "本プログラムの出力で、証跡ではありません",
};
const OTHER_TEXT: Text = Text {
    en: "text without anything that logs of a sign-in have",
    ja: "サインインのログらしい記述のないテキストです",
};

/// The text that begins with `head`, in whichever encoding Windows and its tools write; `None` for binary data.
fn text(head: &[u8]) -> Option<String> {
    let utf16 = |little: bool, bytes: &[u8]| {
        let units = bytes.chunks_exact(2).filter_map(|b| <[u8; 2]>::try_from(b).ok());
        let units = units.map(|b| if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) });
        String::from_utf16_lossy(&units.collect::<Vec<_>>())
    };
    match head {
        [0xff, 0xfe, rest @ ..] => return Some(utf16(true, rest)),
        [0xfe, 0xff, rest @ ..] => return Some(utf16(false, rest)),
        _ => {}
    }
    let head = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    let zeros = head.iter().filter(|b| **b == 0).count();
    if zeros > 0 {
        // UTF-16 without a mark: in text that is mostly ASCII nearly every second byte is zero.
        let odd = head.iter().skip(1).step_by(2).filter(|b| **b == 0).count();
        let (little, in_place) = if odd * 2 > zeros { (true, odd) } else { (false, zeros - odd) };
        let regular = in_place * 10 >= zeros * 9 && zeros * 5 >= head.len();
        return regular.then(|| utf16(little, head));
    }
    let control = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    if control * 50 > head.len() {
        return None;
    }
    match std::str::from_utf8(head) {
        Ok(text) => Some(text.to_owned()),
        // Cut in the middle of a character.
        Err(e) if e.error_len().is_none() => Some(String::from_utf8_lossy(head.get(..e.valid_up_to())?).into_owned()),
        Err(_) => {
            let (text, wrong) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(head);
            // Another code page: what is looked for is ASCII, which it shares.
            Some(if wrong { String::from_utf8_lossy(head).into_owned() } else { text.into_owned() })
        }
    }
}

/// Says what the text is that begins with `head`.
fn classify_text(text: &str, head: &[u8], name: &str) -> Kind {
    let start = text.trim_start();
    if imprint::is_ours(text, head.len() < KIND_BYTES) {
        return Kind::Unknown(OURS.into());
    }
    if is_key_log(start) {
        return Kind::KeyLog;
    }
    let has = |needle: &str| text.contains(needle);
    if start.starts_with(['{', '[']) && !starts_like_log(start) {
        return match () {
            () if is_signin_json(text) => Kind::SigninLog,
            () if has("\"creator\"") && has("\"entries\"") && has("\"log\"") => Kind::Unknown(HAR.into()),
            // One JSON object a line is how some programs log; a document is not a log.
            () if is_json_lines(start) && looks_like_log(text) => Kind::DebugLog,
            () if log::names_a_failure(name, head) => Kind::DebugLog,
            () => Kind::Unknown(JSON.into()),
        };
    }
    if is_signin_csv(start) {
        return Kind::SigninLog;
    }
    if DEBUG_MARKS.iter().any(|mark| has(mark)) {
        return Kind::DebugLog;
    }
    if is_system_file(name) {
        return Kind::SystemInfo;
    }
    // Of a long text whose name or beginning says that it is a log, the end may be all that tells of the sign-in.
    let goes_on = head.len() >= KIND_BYTES;
    let is_long_transcript = goes_on && start.starts_with(TRANSCRIPT);
    // What was pasted above a failure of a sign-in is no reason not to read the failure; machines tell of others too.
    if SYSTEM_MARKS.iter().any(|mark| has(mark)) {
        let is_log = is_long_transcript || log::names_a_failure_of_a_sign_in(name, head);
        return if is_log { Kind::DebugLog } else { Kind::SystemInfo };
    }
    if is_markup(start) {
        let events = ["<netEvents", "<wfpdiag", "<wfpstate", "<sysports"];
        let known = events.iter().any(|mark| has(mark));
        return if known { Kind::SystemInfo } else { Kind::Unknown(MARKUP.into()) };
    }
    if start.starts_with("Windows Registry Editor") {
        return Kind::SystemInfo;
    }
    // A pasted line may hold nothing but the words of an error: those who read it know them all, in every language.
    let may_be_late = is_long_transcript || goes_on && is_log_name(name);
    if looks_like_log(text) || log::names_a_failure(name, head) || may_be_late {
        Kind::DebugLog
    } else {
        Kind::Unknown(OTHER_TEXT.into())
    }
}

/// Whether files of this name are what somebody kept of a program's output.
fn is_log_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".log", ".txt", ".out", ".err"].iter().any(|end| name.ends_with(end))
}

/// What PowerShell's transcripts begin with, in every language.
const TRANSCRIPT: &str = "**********************";

/// Whether text begins as a document of HTML or XML does; errors of Python begin with a bracket as well.
fn is_markup(start: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "<!doctype",
        "<!--",
        "<?xml",
        "<html",
        "<head>",
        "<body",
        "<svg",
        "<event",
        "<objs ",
        "<netevents",
        "<wfp",
        "<sysports",
    ];
    let begins = |mark: &&str| start.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark));
    if BEGINNINGS.iter().any(begins) {
        return true;
    }
    // Any other element has an end.
    let Some(rest) = start.strip_prefix('<') else { return false };
    let name = rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':'))).next().unwrap_or("");
    !name.is_empty() && start.contains(&format!("</{name}>"))
}

/// `LABEL <hex> <hex>` lines, or the comment that OpenSSL and Python put first.
fn is_key_log(text: &str) -> bool {
    let mut comment = false;
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()).take(20) {
        if let Some(rest) = line.strip_prefix('#') {
            comment |= rest.contains("secrets log file") || rest.contains("TLS secrets");
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(label), Some(first), Some(second), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return false;
        };
        let is_label =
            label.len() >= 3 && label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        // `RSA <16 hex> <96 hex>`, `CLIENT_RANDOM <64 hex> <96 hex>`, `..._SECRET... <64 hex> <64 or 96 hex>`.
        let is_hex = |word: &str, least: usize| word.len() >= least && word.bytes().all(|b| b.is_ascii_hexdigit());
        return is_label && is_hex(first, 16) && is_hex(second, 32);
    }
    comment
}

/// The fields of one sign-in in the exports of the portal, of Graph and of Log Analytics.
fn is_signin_json(text: &str) -> bool {
    let has = |key: &str| text.contains(key);
    let who = has("\"userPrincipalName\"") || has("\"UserPrincipalName\"") || has("\"servicePrincipalName\"");
    let what =
        has("\"appDisplayName\"") || has("\"AppDisplayName\"") || has("\"appId\"") || has("\"resourceDisplayName\"");
    let result = has("\"errorCode\"") || has("\"ResultType\"") || has("\"resultType\"");
    let session = has("\"createdDateTime\"") || has("\"correlationId\"") || has("\"CorrelationId\"");
    [who, what, result, session].iter().filter(|x| **x).count() >= 3
}

/// The header line of the portal's CSV, whose columns are translated, but not all of them everywhere.
fn is_signin_csv(start: &str) -> bool {
    const COLUMNS: &[&str] = &[
        "Request ID",
        "Correlation ID",
        "Sign-in error code",
        "User ID",
        "Application ID",
        "Username",
        "Client app",
        "Conditional Access",
        "Resource ID",
        "要求 ID",
        "相関 ID",
        "関連付け ID",
        "サインイン エラー コード",
        "ユーザー名",
        "アプリケーション ID",
        "ユーザー ID",
        "リソース ID",
        "UserPrincipalName",
        "AppDisplayName",
        "ResultType",
        "CorrelationId",
        "userPrincipalName",
        "appDisplayName",
        "status.errorCode",
        "correlationId",
    ];
    let Some(header) = start.lines().next() else { return false };
    let cells = header.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"').trim_start_matches('\u{feff}'));
    cells.filter(|cell| COLUMNS.contains(cell)).count() >= 3
}

/// What only debug logs of the sign-in tools have.
const DEBUG_MARKS: &[&str] = &[
    "cli.azure.cli",
    "cli.knack",
    "urllib3.connectionpool",
    "azure.core.pipeline",
    "azure.identity",
    "msal.",
    "HTTP REQUEST ====",
    "HTTP RESPONSE ====",
    "[Common.Authentication]",
    "[MSAL]",
    "MSAL ",
    "DEBUG: [CmdletBeginProcessing]",
    "Connect-AzAccount",
    "Connect-MgGraph",
    "AzureCredentialFactory",
    "AADSTS",
    "==== HTTP",
    "azure:identity",
    "azure:core",
    "Absolute Uri:",
    "SharedTokenCacheCredential",
    "DefaultAzureCredential",
];

/// What only descriptions of a Windows machine have, in English and Japanese Windows.
const SYSTEM_MARKS: &[&str] = &[
    "Windows IP Configuration",
    "Windows IP 構成",
    "Current WinHTTP proxy settings",
    "現在の WinHTTP プロキシ設定",
    "Direct access (no proxy server)",
    "直接アクセス (プロキシ サーバーなし)",
    "IPv4 Route Table",
    "IPv4 ルート テーブル",
    "OS Name:",
    "OS 名:",
    "Image Name ",
    "イメージ名 ",
    "Record Name . . ",
    "レコード名. . ",
    "SERVICE_NAME:",
    "Wireless LAN adapter",
    "Proxy Server(s) :",
    "プロキシ サーバー:",
    "DNS Effective Name Resolution Policy",
    "MSFT_NetAdapter",
    "InterfaceDescription",
];

/// Files that `netsh trace` puts into NetTrace.cab.
fn is_system_file(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "processes.txt",
        "envinfo.txt",
        "osinfo.txt",
        "adapterinfo.txt",
        "neighbors.txt",
        "dns.txt",
        "filesharing.txt",
        "netiostate.txt",
        "powershellinfo.log",
        "serviceinfo.log",
        "hotfixinfo.log",
        "windowsfirewallconfig.txt",
        "windowsfirewalleffectiverules.txt",
        "wfpstate.xml",
        "netevents.xml",
        "sysports.xml",
        "winsock.log",
        "winsockcatalog.txt",
        "wlaninfo.txt",
        "wcninfo.txt",
        "networkprofiles.reg.txt",
        "hklmwlansvc.reg.txt",
        "notif.reg.txt",
        "apiperm.reg.txt",
        "gpresult.txt",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// `[12:34:56] ...` and `[ERROR] ...` begin with a bracket as well.
fn starts_like_log(start: &str) -> bool {
    let Some(rest) = start.strip_prefix('[') else { return false };
    let inner = rest.split(']').next().unwrap_or("");
    let word = inner.trim();
    let is_level = ["debug", "info", "warn", "warning", "error", "verbose", "trace"]
        .iter()
        .any(|level| word.eq_ignore_ascii_case(level));
    let is_time =
        word.len() >= 5 && word.contains(':') && !word.contains('"') && word.starts_with(|c: char| c.is_ascii_digit());
    let is_name = word.len() < 64
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && rest.contains(']')
        && !word.contains(['"', '{', ',']);
    is_level || is_time || (is_name && !matches!(word, "true" | "false" | "null"))
}

/// Every line an object of its own.
fn is_json_lines(start: &str) -> bool {
    let lines: Vec<&str> = start.lines().take(3).collect();
    lines.len() >= 2 && lines.iter().take(2).all(|l| l.starts_with('{') && l.trim_end().ends_with('}'))
}

/// Words that logs of connections and sign-ins have, in both languages; one may be chance, so two are wanted.
fn looks_like_log(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "debug",
        "error",
        "warning",
        "exception",
        "traceback",
        "http://",
        "https://",
        "certificate",
        "connection",
        "timed out",
        "timeout",
        "proxy",
        "tls",
        "ssl",
        "login",
        "token",
        "x509",
        "tunneling socket",
        "curl",
        "failed",
        "エラー",
        "失敗",
        "接続",
        "証明書",
        "プロキシ",
        "タイムアウト",
        "サインイン",
        "例外",
        "名前解決",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().filter(|word| lower.contains(*word)).count() >= 2
}

#[cfg(test)]
mod tests;
