package server

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/risk"
)

// consentData contains the risk signals that the phone shows.
type consentData struct {
	Verdict pool.Verdict `json:"verdict"`
	Reasons []reasonData `json:"reasons"`
	signalsData
}

// signalsData are risk.Signals.
type signalsData struct {
	Age          int   `json:"age"` // seconds
	SameNetwork  *bool `json:"sameNetwork,omitempty"`
	SameCountry  *bool `json:"sameCountry,omitempty"`
	KnownBrowser *bool `json:"knownBrowser,omitempty"`
	RecentCodes  *int  `json:"codesLately,omitempty"`
}

type reasonData struct {
	Name risk.Reason `json:"name"` // for programs
	Text string      `json:"text"` // for people, in their language
}

// reasonText returns the text of a reason for the user.
func reasonText(r risk.Reason) (en, zh string) {
	switch r {
	case risk.OtherCountry:
		return "The login page is not in the same country as your phone", "登录页面与您的手机不在同一国家或地区"
	case risk.ManyCodes:
		return "Many login codes were requested from the same address recently", "同一地址近期请求了大量登录二维码"
	case risk.NewBrowser:
		return "You have not logged in with this browser before", "您此前未在该浏览器上登录过"
	case risk.OtherNetwork:
		return "The login page is not on the same network as your phone", "登录页面与您的手机不在同一网络"
	default: // risk.OldRequest
		return "The login page has been waiting for some time", "登录页面已等待了一段时间"
	}
}

func consentOf(l locale, in login.Consent) *consentData {
	s := in.Signals
	out := &consentData{
		Verdict: in.Verdict, Reasons: make([]reasonData, len(in.Reasons)),
		signalsData: signalsData{s.Age, s.SameNetwork, s.SameCountry, s.KnownBrowser, s.RecentCodes},
	}
	for i, r := range in.Reasons {
		out.Reasons[i] = reasonData{r, l.localize(reasonText(r))}
	}
	return out
}
