package web

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
	"sync"
)

// Notice is a page with one message, in English and Chinese.
type Notice int

// The notices.
const (
	LinkNotice   Notice = iota // the address in a code was opened without the site's app
	EndedNotice                // the code does not exist or has ended
	AbsentNotice               // there is no such page
	BusyNotice                 // the same request may succeed later
	FaultNotice                // an internal error
	FrontNotice                // the address of the server itself was opened
	DeviceNotice               // the address that a device shows was opened
)

// noticeText is a notice in one language. {site} stands for the name of the site.
type noticeText struct {
	Lang, Title, Text string
	Action            string // label of the button; "": none
}

// notices has the English and the Chinese text of each notice, and where its button leads.
var notices = map[Notice]struct {
	en, zh noticeText
	action string // an address; "": the same page
}{
	LinkNotice: {
		en: noticeText{Title: "This is a login code", Text: "Open {site} on your phone and scan the code from there."},
		zh: noticeText{Title: "这是一个登录二维码", Text: "请在手机上打开{site}，在其中扫描此二维码。"},
	},
	EndedNotice: {
		en: noticeText{Title: "This login code is no longer valid", Text: "Go back to the login page and scan the new code there."},
		zh: noticeText{Title: "此登录二维码已失效", Text: "请返回登录页面，扫描新的二维码。"},
	},
	AbsentNotice: {
		en: noticeText{Title: "There is no such page", Text: "Check the address. To log in, open the website that you want to use."},
		zh: noticeText{Title: "页面不存在", Text: "请检查地址。如需登录，请打开您要使用的网站。"},
	},
	BusyNotice: {
		en: noticeText{Title: "The login service is busy", Text: "Wait a few seconds, then try again.", Action: "Try again"},
		zh: noticeText{Title: "登录服务繁忙", Text: "请稍等几秒后重试。", Action: "重试"},
	},
	FaultNotice: {
		en: noticeText{Title: "Something went wrong", Text: "This is an error of the login service, not yours.", Action: "Try again"},
		zh: noticeText{Title: "出错了", Text: "这是登录服务的错误，与您无关。", Action: "重试"},
	},
	DeviceNotice: {
		en: noticeText{Title: "Log in on another device", Text: "Open {site} on your phone, and scan the QR code of the device there or type its code. Never type a code that somebody sent you."},
		zh: noticeText{Title: "在其他设备上登录", Text: "请在手机上打开{site}，在其中扫描设备上的二维码，或输入设备显示的登录码。切勿输入他人发给您的登录码。"},
	},
	FrontNotice: {
		en:     noticeText{Title: "This server logs people in by QR code", Text: "To log in, open the website that you want to use. For developers, this server has an API reference.", Action: "API reference"},
		zh:     noticeText{Title: "这是一台扫码登录服务器", Text: "如需登录，请打开您要使用的网站。开发者可以查看 API 参考。", Action: "API 参考"},
		action: "/docs",
	},
}

// noticeTemplate is parsed once; the tests render every notice.
var noticeTemplate = sync.OnceValue(func() *template.Template { return parsePage("notice.html") })

// NoticePage serves a notice with a status, in the reader's language first: Chinese if chinese,
// else English. A zero site gives a neutral page. Clients may keep a page with status 200, but
// must ask each time; no other.
func NoticePage(notice Notice, status int, site Site, chinese bool) http.Handler {
	texts := notices[notice]
	first, second := texts.en.of(site, "en"), texts.zh.of(site, "zh-CN")
	if chinese {
		first, second = second, first
	}
	var body bytes.Buffer
	err := noticeTemplate().Execute(&body, struct {
		Site          Site
		First, Second noticeText
		Action        string
	}{site, first, second, texts.action})
	if err != nil { // a value that cannot be a part of a page, which a Site has not
		panic(err)
	}
	return noticePage{newDynamic("notice.html", body.Bytes()), status}
}

// of fills in the name of the site and the language.
func (t noticeText) of(site Site, lang string) noticeText {
	app := map[string]string{"en": "the app that you want to log in with", "zh-CN": "要用来登录的 App"}[lang]
	if site.Name != "" {
		app = map[string]string{"en": "the app of " + site.Name, "zh-CN": " " + site.Name + " 的 App"}[lang]
	}
	t.Lang, t.Text = lang, strings.ReplaceAll(t.Text, "{site}", app)
	return t
}

// noticePage serves a notice with its status.
type noticePage struct {
	asset
	status int
}

func (p noticePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Accept, Accept-Language, X-Authing-Lang")
	if p.status == http.StatusOK {
		p.asset.ServeHTTP(w, r)
		return
	}
	secure(h)
	h.Set("Content-Type", p.contentType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.plain.body) // an error means that the client has gone
	}
}
