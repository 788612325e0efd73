package api

import (
	"net/http"

	"github.com/footfall-analytics/footfall/internal/account"
)

// cookieName has the prefix that browsers only accept with Secure, Path=/ and no Domain, where the request came by TLS.
func (a *API) cookieName(r *http.Request) string {
	if a.options.Secure(r) {
		return "__Host-footfall_session"
	}
	return "footfall_session"
}

func (a *API) setCookie(w http.ResponseWriter, r *http.Request, token string) {
	http.SetCookie(w, a.cookie(r, token, int(account.LoginAbsolute.Seconds())))
}

func (a *API) clearCookie(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, a.cookie(r, "", -1))
}

func (a *API) cookie(r *http.Request, token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: a.cookieName(r), Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.options.Secure(r),
	}
}
