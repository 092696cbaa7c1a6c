package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"provstation/station"
)

// Auth says how to authenticate. A client certificate may accompany either kind of token. Secrets are read at each use,
// so a rotated file or variable takes effect at once.
type Auth struct {
	BearerFile string // a bearer token's file
	BearerEnv  string // or the variable that holds it

	TokenURL         string // OAuth2 client credentials; the token endpoint is held to the same trust as the bridge
	ClientID         string
	ClientSecretFile string
	ClientSecretEnv  string
	Scopes           []string

	CertFile string // client certificate, PEM, leaf first
	KeyFile  string
}

// errCredential is in the chain of a failure to read the station's own credentials.
var errCredential = errors.New("the station's own credential")

// authenticator adds credentials to requests.
type authenticator struct {
	a      Auth
	getenv func(string) string
	token  *gate[*oauth2.Token]
	asked  atomic.Bool // the server asked for a client certificate and there is none
}

func newAuthenticator(a Auth, getenv func(string) string) (*authenticator, error) {
	bearer := a.BearerFile != "" || a.BearerEnv != ""
	oauth := a.TokenURL != "" || a.ClientID != "" || a.ClientSecretFile != "" || a.ClientSecretEnv != ""
	switch {
	case a.BearerFile != "" && a.BearerEnv != "", a.ClientSecretFile != "" && a.ClientSecretEnv != "":
		return nil, fmt.Errorf("%w: a secret in a file and in a variable", ErrConfig)
	case bearer && oauth:
		return nil, fmt.Errorf("%w: a bearer token and OAuth2", ErrConfig)
	case oauth && (a.TokenURL == "" || a.ClientID == "" || a.ClientSecretFile == "" && a.ClientSecretEnv == ""):
		return nil, fmt.Errorf("%w: OAuth2 needs token URL, client id and client secret", ErrConfig)
	case (a.CertFile == "") != (a.KeyFile == ""):
		return nil, fmt.Errorf("%w: client certificate and key go together", ErrConfig)
	}
	return &authenticator{a: a, getenv: getenv, token: newGate[*oauth2.Token]()}, nil
}

func (a *authenticator) sendsSecret() bool {
	return a.a.BearerFile != "" || a.a.BearerEnv != "" || a.a.TokenURL != ""
}

// header gives the Authorization header, empty for none, and the secrets in it, so that an answer that repeats them can
// be cleared of them.
func (a *authenticator) header(ctx context.Context, h *http.Client) (string, error) {
	switch {
	case a.a.BearerFile != "" || a.a.BearerEnv != "":
		token, err := a.secret(a.a.BearerFile, a.a.BearerEnv)
		if err != nil {
			return "", tokenFault(station.Misconfigured, "the bearer token cannot be read", err)
		}
		return "Bearer " + token, nil
	case a.a.TokenURL != "":
		a.token.clear((*oauth2.Token).Valid)
		t, err := a.token.get(ctx, func(ctx context.Context) (*oauth2.Token, error) { return a.fetch(ctx, h) })
		if err != nil {
			return "", err
		}
		return t.Type() + " " + t.AccessToken, nil
	default:
		return "", nil
	}
}

// refused forgets a token that the bridge did not take, so that the next request gets a new one.
func (a *authenticator) refused() { a.token.clear(func(*oauth2.Token) bool { return false }) }

// fetch asks the token endpoint. Its answers are not repeated in errors: they may echo the request.
func (a *authenticator) fetch(ctx context.Context, h *http.Client) (*oauth2.Token, error) {
	secret, err := a.secret(a.a.ClientSecretFile, a.a.ClientSecretEnv)
	if err != nil {
		return nil, tokenFault(station.Misconfigured, "the client secret cannot be read", err)
	}
	cfg := clientcredentials.Config{
		ClientID: a.a.ClientID, ClientSecret: secret, TokenURL: a.a.TokenURL, Scopes: a.a.Scopes,
	}
	t, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, h))
	var refused *oauth2.RetrieveError
	switch {
	case err == nil && fitForHeader(t.AccessToken) && fitForHeader(t.Type()):
		return t, nil
	case err == nil:
		return nil, tokenFault(station.Misconfigured, "the token endpoint's token is not one", errCredential)
	case errors.As(err, &refused):
		class, status := station.Misconfigured, refused.Response.StatusCode
		if status >= 500 || status == http.StatusTooManyRequests {
			class = station.Passing
		}
		reason := fmt.Sprintf("the token endpoint answered %d", status)
		if code := clean(refused.ErrorCode); code != "" && !strings.Contains(code, secret) {
			reason += " " + code
		}
		return nil, tokenFault(class, reason, errCredential)
	default:
		f := transportFault(ctx, err, false)
		if f.Code == station.CodeAborted || f.Code == station.CodeBridgeTimeout && ctx.Err() != nil {
			return nil, f
		}
		return nil, tokenFault(f.Class, "the token endpoint cannot be used: "+f.Params["reason"], causeOf(f.Err, secret))
	}
}

// causeOf passes on a cause for the log unless its text holds the secret.
func causeOf(err error, secret string) error {
	if err == nil || strings.Contains(err.Error(), secret) {
		return errCredential
	}
	return err
}

// secret reads a secret from its file or variable.
func (a *authenticator) secret(file, env string) (string, error) {
	var text string
	if file != "" {
		data, err := readBounded(file, maxSecret)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errCredential, err)
		}
		text = string(data)
	} else {
		text = a.getenv(env)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "" && file == "":
		return "", fmt.Errorf("%w: $%s is empty", errCredential, env)
	case text == "":
		return "", fmt.Errorf("%w: %s is empty", errCredential, file)
	case !fitForHeader(text):
		return "", fmt.Errorf("%w: it holds a space, a line break or a character beyond ASCII", errCredential)
	}
	return text, nil
}

func fitForHeader(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// clientCertificate is asked at each handshake, so that a renewed certificate is used at once.
func (a *authenticator) clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if a.a.CertFile == "" {
		a.asked.Store(true)
		return &tls.Certificate{}, nil // none: the server decides
	}
	pair, err := tls.LoadX509KeyPair(a.a.CertFile, a.a.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: client certificate: %w", errCredential, err)
	}
	return &pair, nil
}

func tokenFault(class station.Class, reason string, err error) *station.Fault {
	return &station.Fault{
		Code: station.CodeBridgeTokenBad, Outcome: station.Error, Class: class,
		Params: map[string]string{"reason": clean(reason)}, Err: fmt.Errorf("%s: %w", clean(reason), err),
	}
}
