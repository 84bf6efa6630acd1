//! AADSTS codes by what is to be done about them, and by whom: table and look-up.

use crate::lang::Text;

/// What a refusal of Entra ID comes to in practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorGroup {
    /// The request went to a tenant that does not know the account, the application or itself.
    WrongTenant,
    /// An old session or grant that no longer counts.
    StaleSession,
    /// A policy of the tenant: Conditional Access, security defaults, device state.
    Policy,
    /// Multi-factor authentication is due.
    MultiFactor,
    /// TLS 1.0, 1.1 or 3DES.
    OldTls,
    /// A clock is wrong.
    Clock,
    /// An assertion is outside its time: a token of another issuer that grew old, or a wrong clock.
    Assertion,
    /// Name, password or state of the account.
    Credentials,
    /// Secret, certificate or registration of the application.
    Application,
    /// Consent of an administrator or user.
    Consent,
    /// Tenant restrictions that a proxy puts on the request, or cross-tenant access policies.
    TenantRestriction,
    /// The organisation's own identity provider or authentication agent.
    Federation,
    /// Entra ID itself, for a moment.
    Transient,
    /// A step of a normal sign-in.
    Normal,
    /// Not sorted here.
    Other,
}

/// Codes of each group.
static GROUPS: &[(ErrorGroup, &[u32])] = &[
    (
        ErrorGroup::WrongTenant,
        &[
            16000, 16003, 50014, 50020, 50034, 50059, 50107, 50128, 50194, 51004, 90002, 90019, 90038, 90072, 500011,
            500208, 700005, 700011, 700016, 900382, 900432, 1000104,
        ],
    ),
    (
        ErrorGroup::StaleSession,
        &[50089, 50132, 50133, 50173, 50197, 54005, 70000, 70008, 70020, 70043, 140001, 165_000, 700082, 700084],
    ),
    (
        ErrorGroup::Policy,
        &[
            50005, 50097, 50129, 50131, 50155, 50187, 53000, 53001, 53002, 53003, 53004, 53010, 53011, 135_011,
            530_002, 530_003, 530_032, 530_034, 530_035, 530_036, 530_084, 700_003,
        ],
    ),
    (ErrorGroup::MultiFactor, &[50072, 50074, 50076, 50078, 50079, 50087, 50088, 50158]),
    (ErrorGroup::OldTls, &[1_002_016]),
    (ErrorGroup::Clock, &[80013, 500_133]),
    (ErrorGroup::Assertion, &[700_024]),
    (ErrorGroup::Credentials, &[50053, 50055, 50056, 50057, 50064, 50105, 50125, 50126, 50144, 500_571]),
    (
        ErrorGroup::Application,
        &[
            50011, 50012, 50013, 50027, 65005, 70001, 70002, 70003, 70011, 70021, 650_056, 650_057, 700_022, 700_025,
            700_027, 700_030, 700_211, 700_212, 700_213, 700_229, 1_000_502, 7_000_112, 7_000_214, 7_000_215,
            7_000_218, 7_000_222, 7_000_277, 9_001_023,
        ],
    ),
    (ErrorGroup::Consent, &[65001, 65002, 65004, 90094, 90095, 650_052]),
    (ErrorGroup::TenantRestriction, &[50002, 500_021, 500_022, 500_212, 500_213]),
    (
        ErrorGroup::Federation,
        &[
            20001, 20012, 20033, 40008, 40009, 40010, 40015, 50008, 80001, 80002, 80005, 80007, 80010, 80012, 80014,
            81004, 81005, 81006, 81007, 81009, 81010, 81011, 81012, 90123,
        ],
    ),
    (ErrorGroup::Transient, &[50000, 50033, 50196, 90006, 90012, 90024, 90033, 90055, 90090]),
    (ErrorGroup::Normal, &[50058, 50140, 50199, 70016]),
];

/// The group of an AADSTS code.
pub fn error_group(aadsts: u32) -> ErrorGroup {
    GROUPS.iter().find(|(_, codes)| codes.contains(&aadsts)).map_or(ErrorGroup::Other, |(group, _)| *group)
}

impl ErrorGroup {
    /// Who can put it right.
    pub fn owner(self) -> Text {
        match self {
            ErrorGroup::WrongTenant | ErrorGroup::StaleSession => {
                Text { en: "the user, with the command's options", ja: "利用者 (コマンドのオプション)" }
            }
            ErrorGroup::Policy | ErrorGroup::TenantRestriction => Text {
                en: "an administrator of the tenant (Conditional Access, access policies)",
                ja: "テナントの管理者 (条件付きアクセス、アクセス ポリシー)",
            },
            ErrorGroup::MultiFactor => {
                Text { en: "the user, by an interactive sign-in", ja: "利用者 (対話型のサインイン)" }
            }
            ErrorGroup::OldTls => Text {
                en: "the administrator of the client machine, or of a device on the way that opens TLS",
                ja: "端末の管理者、または途中で TLS を終端する装置の管理者",
            },
            ErrorGroup::Clock => Text { en: "the administrator of the machine", ja: "端末の管理者" },
            ErrorGroup::Assertion => Text {
                en: "who runs the job (a new federated token), or the administrator of the machine (its clock)",
                ja: "ジョブの実行者 (フェデレーション トークンの再取得) または端末の管理者 (時計)",
            },
            ErrorGroup::Credentials => Text {
                en: "the user, or who administers the account",
                ja: "利用者またはアカウントの管理者",
            },
            ErrorGroup::Application => Text {
                en: "the owner of the application registration",
                ja: "アプリケーション登録の所有者",
            },
            ErrorGroup::Consent => Text { en: "an administrator who may consent", ja: "同意できる管理者" },
            ErrorGroup::Federation => Text {
                en: "the administrator of the organisation's identity provider or authentication agent",
                ja: "組織の ID プロバイダーまたは認証エージェントの管理者",
            },
            ErrorGroup::Transient => Text {
                en: "nobody on this side: try again, then ask Microsoft",
                ja: "再試行し、続く場合は Microsoft に確認",
            },
            ErrorGroup::Normal => {
                Text { en: "nobody: part of a normal sign-in", ja: "対応不要 (正常な手順の一部)" }
            }
            ErrorGroup::Other => Text { en: "see the code's page", ja: "エラー コードのページを参照" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::error_code;

    #[test]
    fn every_code_stands_in_one_group_and_is_known() {
        let all: Vec<u32> = GROUPS.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        for (i, code) in all.iter().enumerate() {
            assert!(!all[..i].contains(code), "{code} twice");
            assert!(error_code(*code).is_some(), "{code} is in no table");
        }
    }

    #[test]
    fn well_known_codes_are_sorted() {
        assert_eq!(error_group(50020), ErrorGroup::WrongTenant);
        assert_eq!(error_group(53003), ErrorGroup::Policy);
        assert_eq!(error_group(530_003), ErrorGroup::Policy);
        assert_eq!(error_group(700_213), ErrorGroup::Application);
        assert_eq!(error_group(700_082), ErrorGroup::StaleSession);
        assert_eq!(error_group(1_002_016), ErrorGroup::OldTls);
        assert_eq!(error_group(1), ErrorGroup::Other);
    }
}
