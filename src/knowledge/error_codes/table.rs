//! AADSTS codes: table only.
//!
//! Meanings in our own words; symbols as Microsoft's article gives them (empty where it gives none).

use super::NetworkRelevance::{AgentSide, Direct, None as Elsewhere, Possible, ServiceSide};
use super::{ErrorCode, NetworkRelevance};
use crate::knowledge::Source;
use crate::lang::Text;

const ARTICLE: Source = Source { title: "MicrosoftDocs/entra-docs reference-error-codes.md", date: "2024-04-24" };
const THREADS: Source = Source { title: "public threads; not in Microsoft's article of 2024-04-24", date: "2026-11" };

const fn row(
    number: u32,
    symbol: &'static str,
    en: &'static str,
    ja: &'static str,
    relevance: NetworkRelevance,
) -> ErrorCode {
    ErrorCode { number, symbol, meaning: Text { en, ja }, relevance, next_step: None, source: &ARTICLE }
}

const fn elsewhere(number: u32, symbol: &'static str, en: &'static str, ja: &'static str) -> ErrorCode {
    row(number, symbol, en, ja, Elsewhere)
}

const fn direct(number: u32, symbol: &'static str, en: &'static str, ja: &'static str) -> ErrorCode {
    row(number, symbol, en, ja, Direct)
}

const fn possible(number: u32, symbol: &'static str, en: &'static str, ja: &'static str) -> ErrorCode {
    row(number, symbol, en, ja, Possible)
}

const fn service_side(number: u32, symbol: &'static str, en: &'static str, ja: &'static str) -> ErrorCode {
    row(number, symbol, en, ja, ServiceSide)
}

const fn agent_side(number: u32, symbol: &'static str, en: &'static str, ja: &'static str) -> ErrorCode {
    row(number, symbol, en, ja, AgentSide)
}

impl ErrorCode {
    const fn next(mut self, en: &'static str, ja: &'static str) -> ErrorCode {
        self.next_step = Some(Text { en, ja });
        self
    }

    const fn source(mut self, source: &'static Source) -> ErrorCode {
        self.source = source;
        self
    }
}

/// One line a code, sorted by number.
#[rustfmt::skip]
pub static ERROR_CODES: &[ErrorCode] = &[
    elsewhere(16000, "InteractionRequired", "User from that identity provider is not in the tenant.", "その ID プロバイダーのユーザーはテナントに存在しない。").next("Check the tenant, and that it is not a personal account.", "テナントの指定と、個人用アカウントでないことを確認する。"),
    elsewhere(16003, "SsoUserAccountNotFoundInResourceTenant", "User has not been added to the tenant.", "ユーザーがテナントに追加されていない。"),
    possible(20001, "WsFedSignInResponseError", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(20012, "WsFedMessageInvalid", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(20033, "FedMetadataInvalidTenantName", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(40008, "OAuth2IdPUnretryableServerError", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(40009, "OAuth2IdPRefreshTokenRedemptionUserError", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(40010, "OAuth2IdPRetryableServerError", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    possible(40015, "OAuth2IdPAuthCodeRedemptionUserError", "Problem in the federated identity provider.", "フェデレーション ID プロバイダー側の問題。").next("Check that the customer's federation host answers.", "お客様のフェデレーション サーバーが応答するか確認する。"),
    elsewhere(50000, "TokenIssuanceError", "Problem in the sign-in service.", "サインイン サービス側の問題。").next("Open a support request with the trace id.", "トレース ID を添えてサポートに問い合わせる。"),
    elsewhere(50001, "InvalidResource", "Resource disabled or missing.", "リソースが無効、または存在しない。"),
    direct(50002, "NotAllowedTenant", "Sign-in refused because of restricted proxy access set for the tenant.", "テナントに設定されたプロキシ アクセス制限によりサインインが拒否された。").next("Review the tenant-restriction setting.", "テナント制限の設定を見直す。"),
    elsewhere(50005, "DevicePolicyError", "Platform not covered by the policy.", "ポリシーの対象外のプラットフォームである。"),
    elsewhere(50008, "InvalidSamlToken", "SAML assertion missing or misconfigured.", "SAML アサーションがない、または構成に誤りがある。"),
    elsewhere(50011, "InvalidReplyTo", "Redirect address does not match.", "リダイレクト先アドレスが一致しない。"),
    elsewhere(50012, "AuthenticationFailed", "Certificate or assertion of the application not accepted.", "アプリケーションの証明書またはアサーションが受け入れられない。"),
    possible(50013, "InvalidAssertion", "Assertion invalid (issuer, time range, malformed).", "アサーションが無効 (発行者、有効期間、形式)。").next("Check the clock.", "時刻を確認する。"),
    elsewhere(50014, "GuestUserInPendingState", "User does not exist in the directory / invitation pending.", "ユーザーがディレクトリに存在しない、または招待が保留中。"),
    service_side(50017, "CertificateValidationFailed", "Entra could not validate the user's certificate: issuer unknown, CRL segment missing or CRL download timed out on the service side.", "Entra がユーザーの証明書を検証できない。発行者が不明、CRL が不足、またはサービス側で CRL の取得がタイムアウトした。").next("Check that the tenant's CRL URL is reachable from the internet.", "テナントの CRL の URL がインターネットから到達できるか確認する。"),
    elsewhere(50020, "UserUnauthorized", "User of another identity provider does not exist in the tenant.", "別の ID プロバイダーのユーザーがテナントに存在しない。").next("Name the tenant: --tenant, -Tenant or -TenantId.", "--tenant、-Tenant、-TenantId でテナントを指定する。"),
    possible(50027, "InvalidJwtToken", "JWT invalid (issuer, audience, time range, format).", "JWT が無効 (発行者、有効期間、対象者、形式)。").next("Check the clock.", "時刻を確認する。"),
    elsewhere(50033, "RetryableError", "Transient error.", "一時的なエラー。").next("Retry.", "再試行する。"),
    elsewhere(50034, "UserAccountNotFound", "User not in the directory (typing error or wrong tenant).", "ユーザーがディレクトリにいない (入力誤り、またはテナント違い)。"),
    elsewhere(50049, "NoSuchInstanceForDiscovery", "Unknown authority instance.", "不明な認証機関インスタンス。").next("Check the authority and the cloud name.", "認証機関とクラウド名を確認する。"),
    possible(50050, "MalformedDiscoveryRequest", "Discovery request malformed.", "探索要求の形式が不正。"),
    possible(50053, "IdsLocked", "Account locked after repeated failures, or the source IP address is known for malicious activity.", "失敗の繰り返しでアカウントがロックされた、または送信元 IP アドレスが悪意あるものとして知られている。").next("The sign-in log tells which; if the IP address, the egress of the proxy or VPN is on a list.", "どちらかはサインイン ログで分かる。IP アドレスの場合はプロキシや VPN の出口が一覧に載っている。"),
    elsewhere(50055, "InvalidPasswordExpiredPassword", "Password expired.", "パスワードの有効期限切れ。"),
    elsewhere(50056, "", "No password stored for the user.", "ユーザーのパスワードが保存されていない。"),
    elsewhere(50057, "UserDisabled", "Account disabled.", "アカウントが無効。"),
    elsewhere(50058, "UserInformationNotProvided", "No session for single sign-on; normal before the first sign-in.", "シングル サインオンのセッションがない。初回サインイン前は正常。").next("Ignore it unless it is the last code.", "最後のコードでなければ無視してよい。"),
    elsewhere(50059, "MissingTenantRealmAndNoUserInformationProvided", "No tenant information in request or credentials.", "要求にも資格情報にもテナント情報がない。").next("Name the tenant.", "テナントを指定する。"),
    elsewhere(50064, "CredentialAuthenticationError", "User name or password failed.", "ユーザー名またはパスワードの確認に失敗した。"),
    elsewhere(50072, "UserStrongAuthEnrollmentRequiredInterrupt", "User must enrol in MFA (interactive).", "多要素認証 (MFA) の登録が必要 (対話型)。"),
    elsewhere(50074, "UserStrongAuthClientAuthNRequiredInterrupt", "MFA required and not passed.", "MFA が必要だが完了していない。"),
    possible(50076, "UserStrongAuthClientAuthNRequired", "MFA required by policy, user setting or because of a new location.", "ポリシー、ユーザー設定、または新しい場所からのアクセスのため MFA が必要。").next("Sign in interactively for that tenant: az login --tenant, Connect-AzAccount -TenantId.", "そのテナントに対話型でサインインする (az login --tenant、Connect-AzAccount -TenantId)。"),
    elsewhere(50078, "UserStrongAuthExpired", "MFA too old.", "MFA の有効期間が切れた。"),
    elsewhere(50079, "UserStrongAuthEnrollmentRequired", "User must register for MFA, or federation must send the MFA claim.", "MFA の登録が必要、またはフェデレーションが MFA クレームを送る必要がある。"),
    elsewhere(50087, "SasRetryableError", "Transient error in strong authentication.", "強力な認証での一時的なエラー。").next("Retry.", "再試行する。"),
    elsewhere(50088, "", "Limit of phone calls reached.", "電話による確認の回数制限に達した。"),
    elsewhere(50089, "", "Flow token expired.", "フロー トークンの有効期限切れ。").next("Sign in again; a slow or hanging page (blocked CDN, proxy prompts) can cause it.", "再度サインインする。ページの遅延や停止 (CDN の遮断、プロキシの認証画面) が原因のことがある。"),
    possible(50097, "DeviceAuthenticationRequired", "Device authentication is needed.", "デバイス認証が必要。").next("Browser or WAM must present the device certificate: do not intercept device.login.microsoftonline.com.", "ブラウザーまたは WAM がデバイス証明書を提示する必要がある。device.login.microsoftonline.com を TLS 検査しない。"),
    elsewhere(50105, "EntitlementGrantsNotFound", "User not assigned to the application.", "ユーザーがアプリケーションに割り当てられていない。"),
    elsewhere(50107, "InvalidRealmUri", "Federation realm does not exist.", "フェデレーション領域が存在しない。"),
    elsewhere(50125, "PasswordResetRegistrationRequiredInterrupt", "Interrupted for password reset registration.", "パスワード リセットの登録のため中断された。"),
    elsewhere(50126, "InvalidUserNameOrPassword", "User name or password wrong.", "ユーザー名またはパスワードの誤り。"),
    elsewhere(50128, "", "Invalid domain name; no tenant information.", "ドメイン名が無効、またはテナント情報がない。").next("Check the domain of the user name, and the cloud.", "ユーザー名のドメインとクラウドを確認する。"),
    elsewhere(50129, "DeviceIsNotWorkplaceJoined", "Device must be registered.", "デバイスの登録が必要。"),
    possible(50131, "ConditionalAccessFailed", "Various policy failures: device state, suspicious activity, access policy.", "条件付きアクセスの失敗 (デバイスの状態、不審なアクティビティ、アクセス ポリシー)。"),
    elsewhere(50132, "SsoArtifactInvalidOrExpired", "Session invalid after password change or expiry.", "パスワード変更または期限切れによりセッションが無効。"),
    elsewhere(50133, "SsoArtifactRevoked", "Session revoked.", "セッションが取り消された。"),
    possible(50134, "DeviceFlowAuthorizeWrongDatacenter", "Device code was approved through another data centre than the one that issued it.", "デバイス コードの発行元とは別のデータセンター経由で承認された。").next("Retry; both legs should leave through the same region.", "再試行する。両方の通信が同じ地域から出るようにする。"),
    elsewhere(50140, "KmsiInterrupt", "'Keep me signed in' interrupt; part of the normal flow.", "「サインインしたままにする」の確認による中断。通常の流れの一部。").next("Ignore it as a cause.", "原因としては無視してよい。"),
    elsewhere(50144, "InvalidPasswordExpiredOnPremPassword", "On-premises password expired.", "オンプレミスのパスワードの有効期限切れ。"),
    possible(50155, "DeviceAuthenticationFailed", "Device authentication failed.", "デバイス認証に失敗した。").next("TLS interception of the device authentication hosts breaks it.", "デバイス認証ホストの TLS 検査が原因となりうる。"),
    possible(50158, "ExternalSecurityChallenge", "An external control (third-party MFA and similar) was not satisfied.", "外部の制御 (他社製 MFA など) の要件が満たされていない。").next("The external provider's host must be reachable too.", "外部プロバイダーのホストにも到達できる必要がある。"),
    elsewhere(50173, "FreshTokenNeeded", "Grant revoked; new sign-in needed.", "許可が取り消されたため、再度サインインが必要。").next("Clear the old session: az account clear, Clear-AzContext, Disconnect-MgGraph.", "古いセッションを消去する (az account clear、Clear-AzContext、Disconnect-MgGraph)。"),
    possible(50180, "WindowsIntegratedAuthMissing", "Integrated Windows authentication needed.", "統合 Windows 認証が必要。"),
    possible(50187, "DeviceInformationNotProvided", "Service could not authenticate the device.", "サービスがデバイスを認証できない。"),
    direct(50192, "RawCredentialExpectedNotFound", "No credential in the request; Microsoft names a proxy that removes the client certificate as an example.", "要求に資格情報がない。Microsoft は例としてクライアント証明書を取り除くプロキシを挙げている。").next("Exempt the certificate-authentication host from TLS inspection.", "証明書認証ホストを TLS 検査の対象から外す。"),
    elsewhere(50194, "", "Single-tenant application used at /common.", "シングル テナント アプリケーションが /common で使われた。").next("Name the tenant.", "テナントを指定する。"),
    possible(50196, "LoopDetected", "Client asked for the same token too often.", "クライアントが同じトークンを短時間に何度も要求した。").next("A client behind a broken proxy may retry: look for loops in the capture.", "不調なプロキシの背後で再試行していることがある。キャプチャで繰り返しを確認する。"),
    elsewhere(50197, "ConflictingIdentities", "User could not be found; sign in again.", "ユーザーが見つからない。再度サインインが必要。"),
    elsewhere(50199, "CmsiInterrupt", "User confirmation step; normal for some flows.", "ユーザー確認の手順。流れによっては正常。").next("Ignore it as a cause unless it is the last event.", "最後のイベントでなければ原因としては無視してよい。"),
    elsewhere(51004, "UserAccountNotInDirectory", "User not in the directory.", "ユーザーがディレクトリにいない。"),
    elsewhere(53000, "DeviceNotCompliant", "Policy wants a compliant device.", "ポリシーが準拠デバイスを要求している。").next("Enrol the device or repair its compliance; the sign-in log names the policy.", "デバイスを登録するか準拠状態を修復する。ポリシー名はサインイン ログで分かる。"),
    elsewhere(53001, "DeviceNotDomainJoined", "Policy wants a domain-joined device.", "ポリシーがドメイン参加デバイスを要求している。").next("Use such a device.", "該当するデバイスを使う。"),
    elsewhere(53002, "ApplicationUsedIsNotAnApprovedApp", "Policy wants an approved app.", "ポリシーが承認済みアプリを要求している。"),
    elsewhere(53003, "BlockedByConditionalAccess", "Conditional Access blocked the token; device-code flow forbidden by policy is a common case for az.", "条件付きアクセスによりトークンの発行がブロックされた。az ではデバイス コード フローの禁止がよくある例。").next("See the Conditional Access tab of the sign-in log; location policies depend on the egress IP address.", "サインイン ログの条件付きアクセスのタブを確認する。場所のポリシーは出口の IP アドレスに依存する。"),
    elsewhere(53004, "ProofUpBlockedDueToRisk", "MFA registration blocked because of risk.", "リスクのため MFA の登録がブロックされた。"),
    possible(53010, "ProofUpBlockedDueToSecurityInfoAcr", "MFA registration only allowed from certain places or devices.", "MFA の登録は特定の場所またはデバイスからのみ許可されている。"),
    elsewhere(53011, "", "User blocked because of risk in the home tenant.", "ホーム テナントでのリスクのためユーザーがブロックされた。"),
    possible(54005, "", "Authorisation code used twice.", "認可コードが二度使われた。").next("Look for a device or browser extension that replays requests.", "要求を再送する機器やブラウザー拡張機能がないか確認する。"),
    elsewhere(65001, "DelegationDoesNotExist", "No consent for the application.", "アプリケーションへの同意がない。"),
    elsewhere(65002, "", "Consent between Microsoft applications must be preauthorised.", "Microsoft アプリケーション間の同意は事前承認が必要。"),
    elsewhere(65004, "UserDeclinedConsent", "User declined.", "ユーザーが同意を拒否した。"),
    elsewhere(65005, "MisconfiguredApplication", "Requested resource not in the application's list.", "要求されたリソースがアプリケーションの一覧にない。"),
    elsewhere(70000, "InvalidGrant", "Refresh token invalid.", "更新トークンが無効。"),
    elsewhere(70001, "UnauthorizedClient", "Application disabled.", "アプリケーションが無効。"),
    elsewhere(70002, "InvalidClient", "Client secret wrong.", "クライアント シークレットの誤り。"),
    elsewhere(70003, "UnsupportedGrantType", "Grant type not supported.", "サポートされない許可の種類。"),
    elsewhere(70008, "ExpiredOrRevokedGrant", "Refresh token expired by inactivity.", "更新トークンが未使用のため期限切れ。"),
    elsewhere(70011, "InvalidScope", "Scope invalid.", "スコープが無効。"),
    elsewhere(70016, "AuthorizationPending", "User has not finished yet; normal while polling.", "ユーザーの操作が完了していない。ポーリング中は正常。").next("Normal; only when it never ends it is a finding.", "正常。終わらない場合だけが問題。"),
    elsewhere(70018, "BadVerificationCode", "Wrong user code typed.", "入力されたユーザー コードの誤り。"),
    elsewhere(70019, "CodeExpired", "Device code expired.", "デバイス コードの有効期限切れ。"),
    elsewhere(70020, "", "The code (for example of the device code flow) is not valid or has expired.", "コード (デバイス コードなど) が無効または期限切れ。").next("Begin the sign-in again and enter the new code in time.", "サインインをやり直し、新しいコードを期限内に入力する。").source(&THREADS),
    elsewhere(70021, "", "No federated credential of the application matches the assertion.", "アサーションに一致するフェデレーション資格情報がアプリケーションにない。").next("Compare issuer, subject and audience of the assertion with the federated credential.", "アサーションの発行者・サブジェクト・対象者を、登録されたフェデレーション資格情報と比較する。").source(&THREADS),
    elsewhere(70043, "BadTokenDueToSignInFrequency", "Refresh token refused by sign-in frequency policy.", "サインイン頻度のポリシーにより更新トークンが拒否された。"),
    agent_side(80001, "OnPremiseStoreIsNotAvailable", "Agent cannot reach Active Directory.", "エージェントが Active Directory に到達できない。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    agent_side(80002, "OnPremisePasswordValidatorRequestTimedout", "Password validation timed out.", "パスワード検証がタイムアウトした。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    agent_side(80005, "OnPremisePasswordValidatorUnpredictableWebException", "Unknown error processing the agent's answer.", "エージェントの応答の処理で不明なエラー。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    agent_side(80007, "OnPremisePasswordValidatorErrorOccurredOnPrem", "Agent cannot validate the password.", "エージェントがパスワードを検証できない。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    agent_side(80010, "OnPremisePasswordValidationEncryptionException", "Agent cannot decrypt the password.", "エージェントがパスワードを復号できない。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    agent_side(80012, "OnPremisePasswordValidationAccountLogonInvalidHours", "Outside allowed logon hours.", "許可されたログオン時間外。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    elsewhere(80013, "OnPremisePasswordValidationTimeSkew", "Time skew between the pass-through agent host and AD.", "パススルー エージェントのホストと AD の間で時刻がずれている。").next("Correct the time synchronisation of the agent server.", "エージェント サーバーの時刻同期を修正する。"),
    agent_side(80014, "OnPremisePasswordValidationAuthenticationAgentTimeout", "Agent answered too late.", "エージェントの応答が遅すぎた。").next("Look at the agent server's network, not at the client's.", "クライアントではなくエージェント サーバーのネットワークを確認する。"),
    elsewhere(81004, "DesktopSsoIdentityInTicketIsNotAuthenticated", "Kerberos attempt failed.", "Kerberos 認証の試行に失敗した。"),
    elsewhere(81005, "DesktopSsoAuthenticationPackageNotSupported", "Authentication package not supported.", "認証パッケージがサポートされていない。"),
    possible(81006, "DesktopSsoNoAuthorizationHeader", "No authorization header arrived.", "Authorization ヘッダーが届かなかった。").next("A proxy that strips Authorization, or a clock problem, fits; it usually falls back to a password prompt.", "Authorization を取り除くプロキシ、または時刻のずれが考えられる。通常はパスワード入力に切り替わる。"),
    elsewhere(81007, "DesktopSsoTenantIsNotOptIn", "Tenant not enabled for Seamless SSO.", "テナントでシームレス SSO が有効になっていない。"),
    possible(81009, "DesktopSsoAuthorizationHeaderValueWithBadFormat", "Kerberos ticket could not be validated.", "Kerberos チケットを検証できない。"),
    possible(81010, "DesktopSsoAuthTokenInvalid", "Kerberos ticket expired or invalid.", "Kerberos チケットが期限切れまたは無効。").next("A proxy that strips Authorization, or a clock problem, fits; it usually falls back to a password prompt.", "Authorization を取り除くプロキシ、または時刻のずれが考えられる。通常はパスワード入力に切り替わる。"),
    elsewhere(81011, "DesktopSsoLookupUserBySidFailed", "User not found from the ticket.", "チケットのユーザーが見つからない。"),
    elsewhere(81012, "DesktopSsoMismatchBetweenTokenUpnAndChosenUpn", "User differs from the one signed in to the device.", "デバイスにサインインしているユーザーと異なる。"),
    elsewhere(90002, "InvalidTenantName", "Tenant not found; wrong cloud or unregistered domain.", "テナントが見つからない。クラウド違い、または未登録のドメイン。").next("Check tenant and cloud (az cloud set, -Environment).", "テナントとクラウドを確認する (az cloud set、-Environment)。"),
    elsewhere(90006, "ExternalServerRetryableError", "Service temporarily unavailable.", "サービスが一時的に利用できない。").next("Retry.", "再試行する。"),
    possible(90012, "RequestTimeout", "The service timed out on the request.", "サービス側で要求がタイムアウトした。").next("Retry; compare the times with the capture.", "再試行し、時刻をキャプチャと突き合わせる。"),
    elsewhere(90013, "InvalidUserInput", "User input invalid.", "ユーザー入力が無効。"),
    elsewhere(90014, "MissingRequiredField", "Expected field missing in the credential.", "資格情報に必要な項目がない。"),
    elsewhere(90019, "MissingTenantRealm", "Tenant could not be determined.", "テナントを特定できない。"),
    elsewhere(90023, "InvalidRequest", "Service request invalid.", "サービスへの要求が無効。"),
    elsewhere(90024, "RequestBudgetExceededError", "Transient error.", "一時的なエラー。").next("Retry.", "再試行する。"),
    elsewhere(90033, "MsodsServiceUnavailable", "Directory service unavailable.", "ディレクトリ サービスが利用できない。").next("Retry.", "再試行する。"),
    elsewhere(90038, "NationalCloudTenantRedirection", "Tenant lives in another national cloud.", "テナントは別のナショナル クラウドにある。").next("Choose the right cloud.", "正しいクラウドを選ぶ。"),
    elsewhere(90051, "InvalidNationalCloudId", "Invalid national cloud identifier.", "ナショナル クラウドの識別子が無効。"),
    elsewhere(90055, "TenantThrottlingError", "Too many requests from the tenant.", "テナントからの要求が多すぎる。").next("Wait.", "しばらく待つ。"),
    possible(90056, "BadResourceRequest", "Code was not posted to /token properly.", "コードが /token に正しく送られていない。"),
    elsewhere(90072, "PassThroughUserMfaError", "External account is not in the tenant, so MFA cannot be done there.", "外部アカウントがテナントに存在しないため、そこで MFA を行えない。").next("Wrong tenant: name it with --tenant or -TenantId.", "テナント違い。--tenant または -TenantId で指定する。"),
    elsewhere(90090, "GraphRetryableError", "Service temporarily unavailable.", "サービスが一時的に利用できない。").next("Retry.", "再試行する。"),
    elsewhere(90094, "AdminConsentRequired", "Administrator consent needed.", "管理者の同意が必要。"),
    elsewhere(90095, "AdminConsentRequiredRequestAccess", "User is asked to request admin consent.", "管理者の同意の要求がユーザーに求められている。"),
    elsewhere(90119, "InvalidUserCode", "User code empty.", "ユーザー コードが空。"),
    elsewhere(90120, "InvalidDeviceFlowRequest", "Request already approved or declined.", "要求はすでに承認または拒否されている。"),
    elsewhere(90123, "IdentityProviderAccessDenied", "Identity or claim issuer denied the request.", "ID プロバイダーまたはクレーム発行者が要求を拒否した。"),
    elsewhere(90124, "V1ResourceV2GlobalEndpointNotSupported", "Resource not supported at /common or /consumers.", "リソースは /common または /consumers でサポートされない。"),
    elsewhere(90130, "NonConvergedAppV2GlobalEndpointNotSupported", "Application not supported at /common or /consumers.", "アプリケーションは /common または /consumers でサポートされない。"),
    elsewhere(135011, "", "The device is disabled.", "デバイスが無効になっている。"),
    elsewhere(140000, "InvalidRequestNonce", "Nonce missing.", "ノンスがない。"),
    elsewhere(140001, "InvalidSessionKey", "Session key invalid.", "セッション キーが無効。"),
    elsewhere(165000, "InvalidRequestCanary", "The browser session of the sign-in page was lost or mixed with another.", "サインイン ページのブラウザー セッションが失われた、または別のものと混在した。").next("Close the window and sign in again in a new one; allow the cookies of the sign-in page.", "ウィンドウを閉じて新しいウィンドウでサインインし直す。サインイン ページの Cookie を許可する。").source(&THREADS),
    service_side(220501, "InvalidCrlDownload", "Entra could not download the CRL.", "Entra が CRL をダウンロードできない。").next("Check that the tenant's CRL URL is reachable from the internet.", "テナントの CRL の URL がインターネットから到達できるか確認する。"),
    elsewhere(500011, "InvalidResourceServicePrincipalNotFound", "Resource principal not found in that tenant; often the wrong tenant or wrong cloud.", "そのテナントにリソース プリンシパルがない。テナント違いまたはクラウド違いが多い。"),
    direct(500021, "", "Tenant restriction: the proxy added a header whose list does not contain this tenant.", "テナント制限: プロキシが付けたヘッダーの一覧にこのテナントが含まれていない。").next("Ask the network team to add the tenant to the proxy's tenant-restriction list.", "プロキシのテナント制限の一覧にこのテナントを追加するようネットワーク担当に依頼する。"),
    direct(500022, "", "As 500021: the second form of the tenant-restriction refusal.", "500021 と同じ (テナント制限による拒否の別形)。").next("Ask the network team to add the tenant to the proxy's tenant-restriction list.", "プロキシのテナント制限の一覧にこのテナントを追加するようネットワーク担当に依頼する。"),
    possible(500133, "", "Assertion outside its valid time range.", "アサーションが有効期間外。").next("Correct the clock of the client or of the token issuer.", "クライアントまたはトークン発行元の時刻を直す。"),
    elsewhere(500208, "", "Account type does not fit the tenant's login domain.", "アカウントの種類がテナントのログイン ドメインに合わない。"),
    possible(500212, "NotAllowedByOutboundPolicyTenant", "The user's own administrator forbids access to that resource tenant (outbound access policy; also tenant restrictions v2).", "ユーザー側の管理者がそのリソース テナントへのアクセスを禁止している (送信アクセス ポリシー、テナント制限 v2 を含む)。").next("Check the cross-tenant access settings and the proxy header sec-Restrict-Tenant-Access-Policy.", "テナント間アクセス設定と、プロキシのヘッダー sec-Restrict-Tenant-Access-Policy を確認する。"),
    elsewhere(500213, "NotAllowedByInboundPolicyTenant", "The resource tenant's inbound cross-tenant policy does not admit this user.", "リソース テナントの受信テナント間ポリシーがこのユーザーを許可していない。").next("Check the cross-tenant access settings of the resource tenant.", "リソース テナントのテナント間アクセス設定を確認する。"),
    elsewhere(500571, "", "Guest account disabled in that tenant.", "そのテナントのゲスト アカウントが無効。").next("Name the tenant of the subscription (--tenant, -TenantId), or have the tenant enable the guest.", "サブスクリプションのテナントを指定する (--tenant、-TenantId)。またはテナント側でゲストを有効にする。").source(&THREADS),
    elsewhere(530002, "", "Policy wants a compliant device.", "ポリシーが準拠デバイスを要求している。").next("Enrol the device or repair its compliance; the sign-in log names the policy.", "デバイスを登録するか準拠状態を修復する。該当ポリシーはサインイン ログで分かる。").source(&THREADS),
    elsewhere(530003, "", "Policy wants a managed device.", "ポリシーが管理対象デバイスを要求している。").next("Sign in from a device that the organisation manages, in a way that tells so (browser or broker, not a device code); the sign-in log names the policy.", "組織が管理するデバイスから、デバイスの情報が渡る方法 (デバイス コードではなくブラウザーまたはブローカー) でサインインする。該当ポリシーはサインイン ログで分かる。").source(&THREADS),
    elsewhere(530032, "BlockedByConditionalAccessOnSecurityPolicy", "A tenant-level security policy blocks the request.", "テナントのセキュリティ ポリシーが要求をブロックした。"),
    elsewhere(530034, "DelegatedAdminBlockedDueToSuspiciousActivity", "Delegated administrator blocked because of risk.", "リスクのため代理管理者がブロックされた。"),
    elsewhere(530035, "BlockedBySecurityDefaults", "Security defaults blocked the request (legacy or unsafe).", "セキュリティの既定値群が要求をブロックした (レガシーまたは安全でない)。"),
    elsewhere(530036, "", "A policy forbids the device code flow.", "ポリシーがデバイス コード フローを禁止している。").next("Sign in with the browser or the broker.", "ブラウザーまたはブローカーでサインインする。").source(&THREADS),
    elsewhere(530084, "", "Token protection policy blocks a token that is not bound to the device.", "トークン保護ポリシーにより、デバイスにバインドされていないトークンがブロックされた。").next("Sign in with the broker on Windows (az config set core.enable_broker_on_windows=true), or have the administrator exempt the tool.", "Windows のブローカーでサインインする (az config set core.enable_broker_on_windows=true)。または管理者がツールを対象外にする。").source(&THREADS),
    elsewhere(650052, "", "Organisation lacks the service the application needs.", "アプリケーションに必要なサービスを組織が持っていない。"),
    elsewhere(650056, "", "Application misconfigured (permissions, consent, identifier or certificate).", "アプリケーションの構成に誤りがある (アクセス許可、同意、識別子、証明書)。"),
    elsewhere(650057, "", "Requested resource not registered for the client.", "要求されたリソースがクライアントに登録されていない。"),
    elsewhere(700003, "", "Device not found or deleted in the tenant.", "デバイスがテナントに見つからない、または削除されている。").next("Register the device again (dsregcmd /status shows its state).", "デバイスを再登録する (状態は dsregcmd /status で確認)。").source(&THREADS),
    elsewhere(700005, "InvalidGrantRedeemAgainstWrongTenant", "Code redeemed at another tenant than it was issued for.", "コードが発行元と異なるテナントで引き換えられた。"),
    elsewhere(700011, "UnauthorizedClientAppNotFoundInOrgIdTenant", "Application not found in the directory.", "アプリケーションがディレクトリに見つからない。"),
    elsewhere(700016, "UnauthorizedClient_DoesNotMatchRequest", "Application not found in the tenant.", "アプリケーションがテナントに見つからない。").next("Check application id and tenant.", "アプリケーション ID とテナントを確認する。"),
    elsewhere(700022, "InvalidMultipleResourcesScope", "Scope names more than one resource.", "スコープに複数のリソースが含まれている。"),
    possible(700024, "", "Client assertion outside its valid time range.", "クライアント アサーションが有効期間外。").next("A federated token (GitHub, pipelines, Kubernetes) had grown too old: fetch a new one and sign in again, right before the step that needs it. Where the client signs with a certificate, correct its clock.", "フェデレーション トークン (GitHub、パイプライン、Kubernetes) の期限切れであれば、必要な手順の直前に新しいトークンを取得してサインインし直す。証明書で署名するクライアントの場合は時刻を直す。").source(&THREADS),
    elsewhere(700025, "InvalidClientPublicClientWithCredential", "Public client sent a credential.", "パブリック クライアントが資格情報を送った。"),
    elsewhere(700027, "", "Signature of client assertion failed.", "クライアント アサーションの署名の検証に失敗した。"),
    elsewhere(700030, "", "Subject name of the certificate not authorised.", "証明書のサブジェクト名が許可されていない。"),
    elsewhere(700082, "ExpiredOrRevokedGrantInactiveToken", "Refresh token expired by inactivity.", "更新トークンが未使用のため期限切れ。"),
    elsewhere(700084, "", "Single-page-app refresh token expired.", "シングル ページ アプリの更新トークンの期限切れ。"),
    elsewhere(700211, "", "No federated credential matches the issuer of the assertion.", "アサーションの発行者に一致するフェデレーション資格情報がない。").source(&THREADS),
    elsewhere(700212, "", "No federated credential matches the audience of the assertion.", "アサーションの対象者に一致するフェデレーション資格情報がない。").source(&THREADS),
    elsewhere(700213, "", "No federated credential matches the subject of the assertion.", "アサーションのサブジェクトに一致するフェデレーション資格情報がない。").next("Compare the subject (repository, branch, environment) with the federated credential, letter for letter.", "サブジェクト (リポジトリ、ブランチ、環境) を、登録されたフェデレーション資格情報と一字一句比較する。").source(&THREADS),
    elsewhere(700229, "ForbiddenTokenType", "Only app-only tokens can serve as federated credentials here.", "フェデレーション資格情報にはアプリ専用トークンのみ使用できる。"),
    possible(900144, "", "A required body parameter is missing.", "必須の本文パラメーターがない。").next("A proxy or a wrong content type may damage the POST.", "プロキシや誤った Content-Type が POST を壊している可能性がある。"),
    elsewhere(900382, "", "Confidential client not supported across clouds.", "機密クライアントはクラウドをまたいで使えない。"),
    elsewhere(900432, "", "Confidential client not supported across clouds.", "機密クライアントはクラウドをまたいで使えない。"),
    possible(900561, "BadResourceRequestInvalidRequest", "Wrong HTTP verb at the endpoint (for example GET instead of POST).", "エンドポイントに対する HTTP メソッドの誤り (POST でなく GET など)。").next("The browser's back button, or a device that replays the request as GET.", "ブラウザーの「戻る」操作、または要求を GET で再送する機器が考えられる。"),
    elsewhere(1000104, "XCB2BResourceCloudNotAllowedOnIdentityTenant", "Resource cloud not allowed for the identity tenant.", "ID テナントからこのリソース クラウドの利用が許可されていない。"),
    elsewhere(1000502, "", "Certificate of the application outside its validity.", "アプリケーションの証明書が有効期間外。").next("Renew the certificate and upload it to the application registration.", "証明書を更新し、アプリケーション登録にアップロードする。").source(&THREADS),
    direct(1002016, "", "The client connected with TLS 1.0, 1.1 or 3DES, which Entra no longer accepts.", "クライアントが Entra で受け付けなくなった TLS 1.0、1.1 または 3DES で接続した。").next("Enable TLS 1.2 on the client and on every box between client and Entra that terminates TLS; first look whether a TLS 1.2 attempt was reset before.", "クライアントと、Entra までの間で TLS を終端するすべての機器で TLS 1.2 を有効にする。先に TLS 1.2 の試行がリセットされていないか確認する。").source(&THREADS),
    elsewhere(7000112, "UnauthorizedClientApplicationDisabled", "Application disabled.", "アプリケーションが無効。"),
    elsewhere(7000214, "", "Certificate of the application revoked.", "アプリケーションの証明書が失効している。").source(&THREADS),
    elsewhere(7000215, "", "Client secret invalid.", "クライアント シークレットが無効。").next("Check that the value of the secret was used, not its id.", "シークレットの ID ではなく値を使っているか確認する。"),
    elsewhere(7000218, "", "client_assertion or client_secret missing in the body.", "本文に client_assertion も client_secret もない。"),
    elsewhere(7000222, "InvalidClientSecretExpiredKeysProvided", "Client secret expired.", "クライアント シークレットの有効期限切れ。"),
    elsewhere(7000277, "", "Certificate of the application revoked.", "アプリケーションの証明書が失効している。").source(&THREADS),
    elsewhere(9001023, "", "Grant type not allowed at /common or /consumers.", "この許可の種類は /common や /consumers では使えない。").next("Use /organizations or the tenant.", "/organizations またはテナントを指定する。"),
    possible(9002313, "InvalidRequest", "Malformed request; the article itself suggests looking at a trace of the request.", "要求の形式が不正。記事自体が要求のトレースを確認するよう勧めている。").next("Check what sits between client and service; update the module.", "クライアントとサービスの間に何があるか確認し、モジュールを更新する。"),
];
