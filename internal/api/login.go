package api

import (
	"github.com/footfall-analytics/footfall/internal/account"
)

// User is a user as clients see one.
type User struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	CreatedAt int64  `json:"created_at"`
}

func userOf(u *account.User) User { return User{u.ID, u.Email, u.Name, u.CreatedAt} }

type (
	setupReply struct {
		Needed bool `json:"needed"`
	}
	setupRequest struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		Name     string `json:"name,omitempty"`
	}
	loginRequest struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	userReply struct {
		User User `json:"user"`
	}
)

func getSetup(c *call) (any, error) {
	has, err := c.api.options.Accounts.HasUsers(c.r.Context())
	return setupReply{Needed: !has}, err
}

func postSetup(c *call) (any, error) {
	var request setupRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	user, err := c.api.options.Accounts.AddFirstUser(c.r.Context(), newUserOf(request))
	if err != nil {
		return nil, err
	}
	token, err := c.api.options.Accounts.StartSession(c.r.Context(), user)
	return c.loggedIn(user, token, err)
}

func postLogin(c *call) (any, error) {
	var request loginRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	user, token, err := c.api.options.Accounts.Login(c.r.Context(), request.Email, request.Password, c.api.options.ClientAddress(c.r))
	return c.loggedIn(user, token, err)
}

// loggedIn sends the cookie of the new session and ends the one that the browser had before.
func (c *call) loggedIn(user *account.User, token string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if err := c.endSession(); err != nil {
		return nil, err
	}
	c.api.setCookie(c.w, c.r, token)
	return userReply{userOf(user)}, nil
}

func (c *call) endSession() error {
	cookie, err := c.r.Cookie(c.api.cookieName(c.r))
	if err != nil {
		return nil
	}
	return c.api.options.Accounts.EndSession(c.r.Context(), cookie.Value)
}

// postLogout works without a session too: whoever logs out is logged out.
func postLogout(c *call) (any, error) {
	if err := c.endSession(); err != nil {
		return nil, err
	}
	c.api.clearCookie(c.w, c.r)
	return nil, nil
}

func getMe(c *call) (any, error) { return userReply{userOf(c.caller.user)}, nil }

func newUserOf(r setupRequest) account.NewUser {
	return account.NewUser{Email: r.Email, Password: r.Password, Name: r.Name}
}
