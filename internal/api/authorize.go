package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// caller is who sent a request: a user with a session, or a key. The zero value is nobody.
type caller struct {
	user  *account.User
	token string // of the user's session
	key   *account.Key
	text  string // of the key
}

func (c *caller) known() bool { return c.user != nil || c.key != nil }

// keyProtocol is the prefix of the WebSocket sub-protocol that carries a key, since browsers cannot set headers there.
const keyProtocol = "footfall.key."

// identify finds who calls. A request with a key is judged by the key alone, whatever cookies it carries; a request with a
// bad key is refused and never falls back to the cookie.
func (a *API) identify(r *http.Request) (caller, error) {
	if text, given := bearer(r); given {
		return a.identifyKey(text)
	}
	cookie, err := r.Cookie(a.cookieName(r))
	if err != nil {
		return caller{}, nil
	}
	user, err := a.options.Accounts.SessionUser(r.Context(), cookie.Value)
	if errors.Is(err, account.ErrNotFound) {
		return caller{}, nil
	}
	return caller{user: user, token: cookie.Value}, err
}

func (a *API) identifyKey(text string) (caller, error) {
	key, ok := a.options.Accounts.KeyOf(text)
	if !ok {
		return caller{}, fail(codeUnauthorized, "the API key is not valid")
	}
	return caller{key: key, text: text}, nil
}

// bearer returns the key of the header Authorization, and whether there is such a header at all.
func bearer(r *http.Request) (text string, given bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(text), true
}

// checkOrigin refuses what another site's page makes a browser send. Requests with a key are exempt: no browser adds a key
// by itself. Login and setup carry no cookie yet but make one, so they are checked too.
func (a *API) checkOrigin(r *http.Request) error {
	if _, given := bearer(r); given {
		return nil
	}
	if err := a.crossOrigin.Check(r); err != nil {
		return fail(codeForbidden, "the request comes from another origin")
	}
	return nil
}

// authorize is the one place that decides whether a caller may use a site, and returns the site. A key must cover the site
// and have one of the scopes; it cannot tell a site of others from one that does not exist. A user may use every site.
func (a *API) authorize(c caller, scopes []string, site string) (*event.Site, error) {
	if err := c.permit(scopes); err != nil {
		return nil, err
	}
	found, ok := a.options.Accounts.ByID(site)
	switch {
	case ok && (c.key == nil || c.key.Covers(found.WebsiteID)):
		return found, nil
	case c.key != nil && c.key.WebsiteID != account.AllSites:
		return nil, fail(codeForbidden, "the API key has no right to that site")
	}
	return nil, fail(codeNotFound, "there is no such site")
}

// permit checks who calls and, of a key, the scopes, any of which is enough. Without scopes no key is let in.
func (c *caller) permit(scopes []string) error {
	switch {
	case !c.known():
		return fail(codeUnauthorized, "log in or send an API key")
	case c.key == nil || slices.ContainsFunc(scopes, c.key.Allows):
		return nil
	case len(scopes) == 0:
		return fail(codeForbidden, "this is for logged-in users only")
	}
	return fail(codeForbidden, "the API key lacks the scope %s", strings.Join(scopes, " or "))
}

// stillValid reports whether the caller of a long connection may go on: same key or session, same rights.
func (a *API) stillValid(r *http.Request, c caller, scopes []string, websiteID string) bool {
	if c.key != nil {
		key, ok := a.options.Accounts.KeyOf(c.text)
		return ok && slices.ContainsFunc(scopes, key.Allows) && key.Covers(websiteID)
	}
	if _, ok := a.options.Accounts.ByID(websiteID); !ok {
		return false
	}
	_, err := a.options.Accounts.SessionUser(r.Context(), c.token)
	return err == nil
}
