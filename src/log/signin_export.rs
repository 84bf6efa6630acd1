//! Exports of the Entra sign-in log: portal JSON and CSV (English and Japanese headings), Graph `auditLogs/signIns`,
//! Log Analytics tables.
//!
//! What enters: decoded text. What leaves: entries in the order of time, or `None` for any other text. A damaged or cut
//! export gives the entries before the damage and a problem. Values are matched by the meaning of their key or heading,
//! so order, extra columns and nesting do not matter.

use crate::facts::log::{LogTime, SigninEntry, SigninFacts};
use crate::limits::SIGNIN_ENTRIES_MAX;
use crate::log::{secret, stamp, text};
use crate::message;
use crate::time::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What a key or heading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Time,
    Request,
    Correlation,
    User,
    UserName,
    App,
    AppId,
    Resource,
    Ip,
    ErrorCode,
    Status,
    Reason,
    Tenant,
    ClientApp,
    UserAgent,
    Os,
    ConditionalAccess,
    LegacyTls,
    Interactive,
}

/// Keys and headings, in lower case without blanks and punctuation. Sources: Microsoft Graph signIn resource, the
/// portal's CSV downloads in English and Japanese, the SigninLogs table of Azure Monitor.
const NAMES: &[(&str, Field)] = &[
    ("createddatetime", Field::Time),
    ("dateutc", Field::Time),
    ("date", Field::Time),
    ("timegenerated", Field::Time),
    ("timegeneratedutc", Field::Time),
    ("日付utc", Field::Time),
    ("日付", Field::Time),
    ("作成日時", Field::Time),
    ("id", Field::Request),
    ("requestid", Field::Request),
    ("originalrequestid", Field::Request),
    ("要求id", Field::Request),
    ("リクエストid", Field::Request),
    ("correlationid", Field::Correlation),
    ("関連付けid", Field::Correlation),
    ("相関id", Field::Correlation),
    ("userprincipalname", Field::UserName),
    ("username", Field::UserName),
    ("ユーザー名", Field::UserName),
    ("userdisplayname", Field::User),
    ("user", Field::User),
    ("serviceprincipalname", Field::User),
    ("ユーザー", Field::User),
    ("サービスプリンシパル名", Field::User),
    ("appdisplayname", Field::App),
    ("application", Field::App),
    ("アプリケーション", Field::App),
    ("appid", Field::AppId),
    ("applicationid", Field::AppId),
    ("アプリケーションid", Field::AppId),
    ("resourcedisplayname", Field::Resource),
    ("resource", Field::Resource),
    ("リソース", Field::Resource),
    ("ipaddress", Field::Ip),
    ("ipアドレス", Field::Ip),
    ("calleripaddress", Field::Ip),
    ("statuserrorcode", Field::ErrorCode),
    ("errorcode", Field::ErrorCode),
    ("resulttype", Field::ErrorCode),
    ("signinerrorcode", Field::ErrorCode),
    ("サインインエラーコード", Field::ErrorCode),
    ("status", Field::Status),
    ("状態", Field::Status),
    ("ステータス", Field::Status),
    ("statusfailurereason", Field::Reason),
    ("failurereason", Field::Reason),
    ("resultdescription", Field::Reason),
    ("失敗の理由", Field::Reason),
    ("エラーの理由", Field::Reason),
    ("障害の理由", Field::Reason),
    ("失敗理由", Field::Reason),
    ("hometenantid", Field::Tenant),
    ("aadtenantid", Field::Tenant),
    ("resourcetenantid", Field::Tenant),
    ("ホームテナントid", Field::Tenant),
    ("リソーステナントid", Field::Tenant),
    ("clientappused", Field::ClientApp),
    ("clientapp", Field::ClientApp),
    ("クライアントアプリ", Field::ClientApp),
    ("useragent", Field::UserAgent),
    ("ユーザーエージェント", Field::UserAgent),
    ("devicedetailoperatingsystem", Field::Os),
    ("operatingsystem", Field::Os),
    ("オペレーティングシステム", Field::Os),
    ("conditionalaccessstatus", Field::ConditionalAccess),
    ("conditionalaccess", Field::ConditionalAccess),
    ("条件付きアクセス", Field::ConditionalAccess),
    ("legacytls", Field::LegacyTls),
    ("legacytlstls10tls113des", Field::LegacyTls),
    ("legacytlstls10113des", Field::LegacyTls),
    ("isinteractive", Field::Interactive),
    ("signineventtypes", Field::Interactive),
];

/// Characters kept of a value.
const VALUE_CHARS_MAX: usize = 400;

/// Reads an export; `None` for other text.
pub fn read(text: &str) -> Option<SigninFacts> {
    let start = text.trim_start();
    let head = text::cut(start, 64 << 10);
    let mut facts = match start.as_bytes().first() {
        Some(b'{' | b'[') => {
            let known = ["createdDateTime", "userPrincipalName", "TimeGenerated", "clientAppUsed", "SignInLogs"];
            if !known.iter().any(|k| head.contains(k)) {
                return None;
            }
            json(start)
        }
        _ => csv(start)?,
    };
    if facts.entries.is_empty() && facts.format != "csv" {
        return None;
    }
    facts.entries.sort_by(|a, b| (a.time, &a.request_id).cmp(&(b.time, &b.request_id)));
    let left_out = facts.entries_left_out;
    facts.problems.note_many("signin_entries_left_out", left_out, None, None, || {
        message!(
            en: "{left_out} sign-ins beyond the limit were only counted",
            ja: "上限を超えたサインイン {left_out} 件は件数のみ数えました"
        )
    });
    Some(facts)
}

/// A key or heading without case, blanks and punctuation.
fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || *c == 'ー').flat_map(char::to_lowercase).take(64).collect()
}

fn field(name: &str) -> Option<Field> {
    let name = normal(name);
    NAMES
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, f)| *f)
        .or_else(|| name.starts_with("legacytls").then_some(Field::LegacyTls))
}

fn json(text: &str) -> SigninFacts {
    let mut facts = SigninFacts { format: "json", ..SigninFacts::default() };
    let mut de = serde_json::Deserializer::from_str(text);
    // One value, or one a line.
    loop {
        match (Collect { facts: &mut facts }).deserialize(&mut de) {
            Ok(()) if de.end().is_err() => {}
            Ok(()) => break,
            Err(e) => {
                facts.problems.note("signin_damaged", None, None, || {
                    message!(
                        en: "the export is damaged or cut at line {0}; entries behind it are missing",
                        ja: "エクスポートは {0} 行目で壊れているか途切れています。以降の記録は読めません",
                        e.line()
                    )
                });
                break;
            }
        }
    }
    facts
}

/// Takes entries out of JSON one by one, so that a large export is never in memory as a tree.
struct Collect<'a> {
    facts: &'a mut SigninFacts,
}

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sign-in entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.facts.entries.len() < SIGNIN_ENTRIES_MAX {
            let Some(value) = seq.next_element::<Value>()? else { return Ok(()) };
            if let Value::Object(map) = value {
                self.facts.entries.extend(entry_of_json(&map));
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            self.facts.entries_left_out = self.facts.entries_left_out.saturating_add(1);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if matches!(key.as_str(), "value" | "Value" | "records") {
                map.next_value_seed(Collect { facts: &mut *self.facts })?;
            } else {
                object.insert(key, map.next_value()?);
            }
        }
        if self.facts.entries.len() < SIGNIN_ENTRIES_MAX {
            self.facts.entries.extend(entry_of_json(&object));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

/// An entry, if the object is a sign-in: it has a time and one of user, app, correlation id.
fn entry_of_json(object: &Map<String, Value>) -> Option<SigninEntry> {
    let mut entry = SigninEntry::default();
    // Azure Monitor wraps the sign-in in `properties`; its own values are the better ones.
    if let Some(Value::Object(inner)) = object.get("properties") {
        fill(&mut entry, inner);
    }
    fill(&mut entry, object);
    let named = entry.user.is_some() || entry.app.is_some() || entry.correlation_id.is_some();
    (entry.time.is_some() && named).then_some(entry)
}

fn fill(entry: &mut SigninEntry, object: &Map<String, Value>) {
    for (key, value) in object {
        match (key.as_str(), value) {
            ("status" | "Status", Value::Object(status)) => {
                for (key, value) in status {
                    set(entry, field(&format!("status{key}")), &plain(value));
                }
            }
            ("deviceDetail" | "DeviceDetail", Value::Object(detail)) => {
                for (key, value) in detail {
                    set(entry, field(&format!("devicedetail{key}")), &plain(value));
                }
            }
            ("authenticationProcessingDetails" | "AuthenticationProcessingDetails", details) => {
                legacy_tls(entry, details);
            }
            (_, Value::Object(_)) => {}
            (key, value) => set(entry, field(key), &plain(value)),
        }
    }
}

/// `{"key": "Legacy TLS (TLS 1.0, 1.1, 3DES)", "value": "True"}` among the processing details; Azure Monitor keeps
/// them as a string.
fn legacy_tls(entry: &mut SigninEntry, details: &Value) {
    match details {
        Value::Array(list) => {
            for item in list {
                let key = item.get("key").map(plain).unwrap_or_default();
                if field(&key) == Some(Field::LegacyTls) {
                    set(entry, Some(Field::LegacyTls), &item.get("value").map(plain).unwrap_or_default());
                }
            }
        }
        Value::String(text) => {
            if let Ok(list @ Value::Array(_)) = serde_json::from_str::<Value>(text) {
                legacy_tls(entry, &list);
            }
        }
        _ => {}
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// Writes one value; what is there already stays.
fn set(entry: &mut SigninEntry, field: Option<Field>, value: &str) {
    let Some(field) = field else { return };
    let value = value.trim();
    if value.is_empty() || value == "None" || value == "-" {
        return;
    }
    let text = || {
        let clean = secret::clean(text::cut(value, VALUE_CHARS_MAX * 4));
        let flat: String = clean.chars().map(|c| if c.is_control() { ' ' } else { c }).take(VALUE_CHARS_MAX).collect();
        flat
    };
    let keep = |place: &mut Option<String>| {
        if place.is_none() {
            *place = Some(text());
        }
    };
    let truth = |v: &str| matches!(v.to_ascii_lowercase().as_str(), "true" | "yes" | "1" | "はい");
    match field {
        Field::Time => entry.time = entry.time.or_else(|| time(value)),
        Field::Request => {
            // Azure Monitor has other ids under the same name; a request id is a GUID.
            if entry.request_id.is_none() && value.len() == 36 {
                entry.request_id = Some(value.to_ascii_lowercase());
            }
        }
        Field::Correlation => {
            if entry.correlation_id.is_none() {
                entry.correlation_id = Some(text().to_ascii_lowercase());
            }
        }
        Field::UserName => entry.user = Some(text()),
        Field::User => keep(&mut entry.user),
        Field::App => keep(&mut entry.app),
        Field::AppId => keep(&mut entry.app_id),
        Field::Resource => keep(&mut entry.resource),
        Field::Ip => entry.ip = entry.ip.or_else(|| value.parse().ok()),
        Field::ErrorCode => entry.status = value.parse().ok().or(entry.status),
        Field::Status => {
            if entry.status.is_none() && matches!(value.to_ascii_lowercase().as_str(), "success" | "成功") {
                entry.status = Some(0);
            }
        }
        Field::Reason => {
            if !matches!(value, "Other." | "その他。") {
                keep(&mut entry.failure_reason);
            }
        }
        Field::Tenant => keep(&mut entry.tenant),
        Field::ClientApp => keep(&mut entry.client_app),
        Field::UserAgent => keep(&mut entry.user_agent),
        Field::Os => keep(&mut entry.os),
        Field::ConditionalAccess => keep(&mut entry.conditional_access),
        Field::LegacyTls => entry.legacy_tls |= truth(value),
        Field::Interactive => {
            let kind = value.to_ascii_lowercase();
            entry.interactive = match kind.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                k if k.contains("noninteractive")
                    || k.contains("serviceprincipal")
                    || k.contains("managedidentity") =>
                {
                    Some(false)
                }
                k if k.contains("interactive") => Some(true),
                _ => entry.interactive,
            };
        }
    }
}

/// The log always counts in UTC; old downloads leave the letter out or write American dates.
fn time(value: &str) -> Option<Timestamp> {
    match stamp::iso(value) {
        Some(LogTime::Utc(t) | LogTime::Local(t)) => Some(t),
        _ => stamp::slashed(&value.replace(',', "")),
    }
}

/// A CSV download: its headings must name a time and an id.
fn csv(text: &str) -> Option<SigninFacts> {
    let first_line = text.lines().next()?;
    let headings = text::cut(first_line, 16 << 10);
    let separator =
        [b',', b';', b'\t'].into_iter().max_by_key(|s| headings.bytes().filter(|b| b == s).count()).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let fields: Vec<Option<Field>> = reader.headers().ok()?.iter().map(field).collect();
    let has = |f: Field| fields.contains(&Some(f));
    let is_export = has(Field::Time)
        && (has(Field::Request) || has(Field::Correlation))
        && (has(Field::App) || has(Field::Status) || has(Field::ErrorCode));
    if !is_export {
        return None;
    }
    let mut facts = SigninFacts { format: "csv", ..SigninFacts::default() };
    let interactive = interactive_by_headings(headings);
    for record in reader.records() {
        let Ok(record) = record else {
            facts.problems.note(
                "signin_damaged",
                None,
                None,
                || message!(en: "a row of the export cannot be read", ja: "エクスポートに読めない行があります"),
            );
            continue;
        };
        if facts.entries.len() >= SIGNIN_ENTRIES_MAX {
            facts.entries_left_out = facts.entries_left_out.saturating_add(1);
            continue;
        }
        let mut entry = SigninEntry::default();
        for (field, value) in fields.iter().zip(record.iter()) {
            set(&mut entry, *field, value);
        }
        entry.interactive = entry.interactive.or(interactive);
        if entry.time.is_some() {
            facts.entries.push(entry);
        }
    }
    Some(facts)
}

/// Downloads of non-interactive and service principal sign-ins have headings of their own.
fn interactive_by_headings(headings: &str) -> Option<bool> {
    let h = headings.to_lowercase();
    if h.contains("service principal id") || h.contains("サービス プリンシパル id") && !h.contains("user agent")
    {
        return Some(false);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: &str = "57b95222-9734-4f24-a5b2-ccd2d8bf239b";

    fn graph() -> String {
        format!(
            r#"{{"@odata.context":"x","value":[{{"id":"{G}","createdDateTime":"2026-11-22T15:20:20Z","userPrincipalName":"alice@contoso.com","userDisplayName":"Alice","appId":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","appDisplayName":"Microsoft Azure CLI","ipAddress":"203.0.113.9","clientAppUsed":"Mobile Apps and Desktop clients","correlationId":"{G}","conditionalAccessStatus":"failure","isInteractive":true,"resourceDisplayName":"Azure Resource Manager","status":{{"errorCode":53003,"failureReason":"Access has been blocked.","additionalDetails":null}},"deviceDetail":{{"operatingSystem":"Windows 10"}},"authenticationProcessingDetails":[{{"key":"Legacy TLS (TLS 1.0, 1.1, 3DES)","value":"True"}}]}}]}}"#
        )
    }

    fn check(e: &SigninEntry) {
        assert_eq!(e.time, stamp::http_date("Sun, 22 Nov 2026 15:20:20 GMT"));
        assert_eq!(e.user.as_deref(), Some("alice@contoso.com"));
        assert_eq!(e.request_id.as_deref(), Some(G));
        assert_eq!(e.correlation_id.as_deref(), Some(G));
        assert_eq!(e.status, Some(53_003));
        assert_eq!(e.app.as_deref(), Some("Microsoft Azure CLI"));
        assert_eq!(e.ip, "203.0.113.9".parse().ok());
    }

    #[test]
    fn graph_json_is_read_whole_or_cut() {
        let facts = read(&graph()).unwrap();
        assert_eq!(facts.entries.len(), 1);
        let e = facts.entries.first().unwrap();
        check(e);
        assert!(e.legacy_tls);
        assert_eq!(e.interactive, Some(true));
        assert_eq!(e.os.as_deref(), Some("Windows 10"));
        assert!(facts.by_id(&G.to_uppercase()).is_some());
        let text = graph();
        for end in (0..text.len()).filter(|e| text.is_char_boundary(*e)) {
            let _ = read(&text[..end]);
        }
        // Cut behind the entry: what was read stays, the damage is told.
        let cut = read(&text[..text.len() - 2]).unwrap();
        assert_eq!(cut.entries.len(), 1);
        assert!(cut.problems.get("signin_damaged").is_some());
    }

    #[test]
    fn portal_json_is_a_bare_list_and_lines_are_accepted() {
        let text = graph();
        let start = text.find("[{\"id\"").unwrap();
        let list = &text[start..text.len() - 1];
        check(read(list).unwrap().entries.first().unwrap());
        let object = &list[1..list.len() - 1];
        assert_eq!(read(&format!("{object}\n{object}\n")).unwrap().entries.len(), 2);
    }

    #[test]
    fn portal_csv_is_read_in_english_and_japanese() {
        let english = format!(
            "\"Date (UTC)\",\"Request ID\",\"User agent\",\"Correlation ID\",\"User ID\",\"User\",\"Username\",\"Application\",\"Application ID \",\"Resource\",\"IP address\",\"Location\",\"Status\",\"Sign-in error code\",\"Failure reason\",\"Client app\"\n\"2026-11-22T15:20:20Z\",\"{G}\",\"ua\",\"{G}\",\"x\",\"Alice\",\"alice@contoso.com\",\"Microsoft Azure CLI\",\"id\",\"ARM\",\"203.0.113.9\",\"Tokyo, JP\",\"Failure\",\"53003\",\"Access has been blocked, \"\"by\"\" policy\",\"Browser\"\n"
        );
        check(read(&english).unwrap().entries.first().unwrap());
        let japanese = format!(
            "日付 (UTC),要求 ID,ユーザー エージェント,関連付け ID,ユーザー,ユーザー名,アプリケーション,アプリケーション ID,リソース,IP アドレス,場所,状態,サインイン エラー コード,失敗の理由,クライアント アプリ,条件付きアクセス\n2026-11-22T15:20:20Z,{G},ua,{G},Alice,alice@contoso.com,Microsoft Azure CLI,id,ARM,203.0.113.9,東京,失敗,53003,ポリシーでブロック,ブラウザー,失敗\n"
        );
        check(read(&japanese).unwrap().entries.first().unwrap());
    }

    #[test]
    fn other_text_is_no_export() {
        for text in [
            "",
            "[",
            "{\"schema\": \"x\", \"expected\": {}}",
            "a,b,c\n1,2,3\n",
            "date,correlation id\n2026-11-22,1\n",
            "DEBUG: cli.knack.cli: Command arguments: ['login']",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn every_name_is_in_its_normal_form_and_once() {
        for (i, (name, _)) in NAMES.iter().enumerate() {
            assert_eq!(&normal(name), name);
            assert!(!NAMES.iter().skip(i + 1).any(|(n, _)| n == name), "{name}");
        }
    }
}
