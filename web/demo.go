package web

import "net/http"

// DemoSite is the data of the demo's pages.
type DemoSite struct {
	Site
	PublicURL string // origin of the links in its codes
	Users     []User // on whose behalf the phone acts; at least one
}

// User is a user of the demo's phone.
type User struct {
	ID   string // as POST /demo/token takes it
	Name string
}

// Demo serves the demo's first page: the login page and the phone beside each other, with links
// to /login and /phone, where each is alone.
func Demo(d DemoSite) http.Handler { return page("demo.html", d, "login_part.html", "phone_part.html") }

// Login serves the demo's login page. The page exchanges the ticket itself, which the pool must
// allow, and links to the phone page at /phone.
func Login(site Site) http.Handler { return page("login.html", site, "login_part.html") }

// Phone serves the demo's phone, on which a visitor acts as one of the users. It gets tokens from
// /demo/token and photos from /demo/photo/<id>.svg, and reads pictures itself.
func Phone(d DemoSite) http.Handler { return page("phone.html", d, "phone_part.html") }
