// Package authing contains what Authing's and GenAuth's clients need besides the API of
// package server: the settings that the login widget Guard 5 loads before it shows a code.
//
// It guarantees that they contain only what the public may know of a pool. The forms are
// those that @authing/guard 5.3.9 and the mobile SDKs read, found by running and reading
// them.
package authing

import (
	"strings"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// qrLogin is Guard's name for the login with the site's app, the only one that is offered.
const qrLogin = "app-qrcode"

// GuardLanguage is a language that Guard's texts exist in, of those that scanlogin has.
type GuardLanguage string

const (
	GuardEnglish GuardLanguage = "en-US"
	GuardChinese GuardLanguage = "zh-CN"
)

// PublicConfig is the part of an application that Guard and the SDKs load at their start. The
// fields without a source in the pool's settings turn off what scanlogin does not have:
// passwords, registration, other identity providers.
type PublicConfig struct {
	ID             string        `json:"id"` // the app id
	UserPoolID     string        `json:"userPoolId"`
	RootUserPoolID string        `json:"rootUserPoolId"`
	Name           string        `json:"name"`
	Logo           string        `json:"logo"`
	Description    string        `json:"description"`
	CDNBase        string        `json:"cdnBase"`         // where Guard loads its icons
	Host           string        `json:"requestHostname"` // host[:port], where the mobile SDKs send their calls
	PoolName       string        `json:"userpoolName"`
	PoolLogo       string        `json:"userpoolLogo"`
	Language       GuardLanguage `json:"defaultLanguageConfig"`
	CSS            string        `json:"css"`
	PublicKey      string        `json:"publicKey"` // for passwords
	Protocol       string        `json:"protocol"`

	AllowedOrigins []string   `json:"allowedOrigins"`
	CORSWhitelist  []string   `json:"corsWhitelist"`
	RedirectURIs   []string   `json:"redirectUris"`
	OIDC           OIDCConfig `json:"oidcConfig"`

	LoginTabs       Tabs             `json:"loginTabs"`
	RegisterTabs    Tabs             `json:"registerTabs"`
	RegisterConfig  RegisterConfig   `json:"registerTabsConfig"`
	TabOrder        SortConfig       `json:"tabMethodsSortConfig"`
	CodeOrder       SortConfig       `json:"qrCodeSortConfig"`
	CodeSettings    map[string][]Tab `json:"qrcodeTabsSettings"`
	PasswordTab     MethodsConfig    `json:"passwordTabConfig"`
	VerifyCodeTab   MethodsConfig    `json:"verifyCodeTabConfig"`
	PushTab         MethodsConfig    `json:"authingOtpPushTabConfig"`
	PageComponents  map[string]any   `json:"ssoPageComponentDisplay"`
	TabFields       []struct{}       `json:"tabMethodsFields"`
	Socials         []struct{}       `json:"socialConnections"`
	Providers       []struct{}       `json:"identityProviders"`
	Agreements      []struct{}       `json:"agreements"`
	FieldsToAdd     []struct{}       `json:"extendsFields"`
	FieldsPlace     []struct{}       `json:"complateFiledsPlace"` // Guard spells it so
	WelcomeMessage  map[string]any   `json:"welcomeMessage"`
	RegisterOff     bool             `json:"registerDisabled"`
	AgreementsOn    bool             `json:"agreementEnabled"`
	SkipFields      bool             `json:"skipComplateFileds"`
	VerifyCodeSize  int              `json:"verifyCodeLength"`
	RobotCheck      string           `json:"appRobotVerify"`
	PoolRobotCheck  string           `json:"userpoolRobotVerify"`
	PasskeyOn       bool             `json:"passkeyEnabled"`
	BrowserPatterns []string         `json:"specialBrowserSymbols"`
}

// OIDCConfig is the client of an application.
type OIDCConfig struct {
	ClientID     string   `json:"client_id"`
	RedirectURIs []string `json:"redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	Responses    []string `json:"response_types"`
	Scope        string   `json:"scope"`
}

// Tabs are ways to log in or register.
type Tabs struct {
	List      []string          `json:"list"`
	Default   string            `json:"default"`
	DefaultV2 string            `json:"defaultV2,omitempty"`
	Title     map[string]string `json:"title"`
}

// RegisterConfig are the ways to register: none.
type RegisterConfig struct {
	Tabs
	Types map[string][]string `json:"registerTypeConfig"`
}

// Tab is a kind of code in a tab.
type Tab struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Default bool   `json:"isDefault"`
}

// SortConfig orders ways to log in.
type SortConfig struct {
	Login []string `json:"loginMethodsSort"`
}

// MethodsConfig are the methods of a tab.
type MethodsConfig struct {
	Enabled  []string `json:"enabledLoginMethods"`
	Login    []string `json:"validLoginMethods"`
	Register []string `json:"validRegisterMethods"`
}

// NewPublicConfig returns the settings of the application app of a pool. publicURL is where
// browsers reach the server, language the caller's.
func NewPublicConfig(p *pool.Pool, app, publicURL string, language GuardLanguage) PublicConfig {
	origins := append([]string{}, p.Origins...)
	title := map[GuardLanguage]string{GuardEnglish: "Scan with the app", GuardChinese: "App 扫码登录"}[language]
	none := MethodsConfig{Enabled: []string{}, Login: []string{}, Register: []string{}}
	codes := []string{qrLogin}
	return PublicConfig{
		ID: app, UserPoolID: p.ID, RootUserPoolID: p.ID, Name: p.Name, Logo: p.Logo,
		PoolName: p.Name, PoolLogo: p.Logo, CDNBase: publicURL, Host: hostOf(publicURL), Language: language, Protocol: "oidc",
		AllowedOrigins: origins, CORSWhitelist: origins, RedirectURIs: origins,
		OIDC: OIDCConfig{
			ClientID: app, RedirectURIs: origins, GrantTypes: []string{"authorization_code"},
			Responses: []string{"code"}, Scope: "openid profile",
		},
		LoginTabs:      Tabs{List: codes, Default: qrLogin, DefaultV2: qrLogin, Title: map[string]string{qrLogin: title}},
		RegisterTabs:   Tabs{List: []string{}, Title: map[string]string{}},
		RegisterConfig: RegisterConfig{Tabs: Tabs{List: []string{}, Title: map[string]string{}}, Types: map[string][]string{}},
		TabOrder:       SortConfig{codes}, CodeOrder: SortConfig{codes},
		CodeSettings: map[string][]Tab{qrLogin: {{ID: qrLogin, Title: title, Default: true}}},
		PasswordTab:  none, VerifyCodeTab: none, PushTab: none,
		PageComponents: map[string]any{"loginMethodsI18nDisplaySettings": struct{}{}},
		TabFields:      []struct{}{}, Socials: []struct{}{}, Providers: []struct{}{}, Agreements: []struct{}{},
		FieldsToAdd: []struct{}{}, FieldsPlace: []struct{}{}, WelcomeMessage: map[string]any{},
		RegisterOff: true, SkipFields: true, VerifyCodeSize: 4, RobotCheck: "disable", PoolRobotCheck: "disable",
		BrowserPatterns: []string{},
	}
}

// hostOf returns host[:port] of an address.
func hostOf(address string) string {
	_, host, _ := strings.Cut(address, "://")
	return host
}

// ComponentConfig is what Guard loads for itself.
type ComponentConfig struct {
	Global struct {
		Language GuardLanguage `json:"defaultLanguage"`
	} `json:"global"`
}

// NewComponentConfig returns the settings for Guard.
func NewComponentConfig(language GuardLanguage) (c ComponentConfig) {
	c.Global.Language = language
	return c
}

// Icons is the answer for Guard's file of icons: none, in a document that it accepts.
const Icons = `<svg xmlns="http://www.w3.org/2000/svg"></svg>`
