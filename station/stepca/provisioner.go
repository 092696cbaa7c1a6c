package stepca

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.step.sm/crypto/jose"
)

// Bounds of a provisioner list.
const (
	maxProvisioners = 1000
	maxPages        = 64
	pageSize        = 100 // the most that step-ca gives at once
	maxName         = 256 // bytes
	maxJWE          = 16 << 10
)

// Provisioner is one of the CA's provisioners. Only those of kind JWK can make a revoke token here.
type Provisioner struct {
	Name  string
	Kind  string // "JWK", "ACME", ... as the CA says
	KeyID string // JWK alone

	key       *jose.JSONWebKey // public
	encrypted string           // the private key as JWE; empty: the CA does not give it
}

// HasKey reports whether the CA gives the provisioner's private key, encrypted.
func (p Provisioner) HasKey() bool { return p.encrypted != "" }

// Provisioners lists the CA's provisioners (GET /1.0/provisioners, page by page).
func (c *Client) Provisioners(ctx context.Context) ([]Provisioner, error) {
	var all []Provisioner
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		rep, err := c.getQuery(ctx, OpProvisioners, "/1.0/provisioners", query, maxBody)
		if err != nil {
			return nil, err
		}
		page, next, err := parseProvisioners(rep)
		if err == nil && len(all)+len(page) > maxProvisioners {
			err = fmt.Errorf("%w: more than %d provisioners", ErrAnswer, maxProvisioners)
		}
		if err == nil && seen[next] {
			err = fmt.Errorf("%w: its pages go round in a circle", ErrAnswer)
		}
		if err != nil {
			return nil, c.fail(OpProvisioners, rep, err)
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		cursor, seen[next] = next, true
	}
	return nil, &Error{Op: OpProvisioners, Host: c.base.Host, Err: fmt.Errorf("%w: more than %d pages", ErrAnswer, maxPages)}
}

// parseProvisioners reads one page.
func parseProvisioners(rep reply) (page []Provisioner, next string, err error) {
	o, err := parseObject(rep)
	if err != nil {
		return nil, "", err
	}
	next = o.text("nextCursor", false)
	if len(next) > maxName {
		o.fail("nextCursor is too long")
	}
	for _, raw := range o.list("provisioners", false, maxProvisioners) { // null where there is none
		p, err := parseProvisioner(raw)
		if err != nil {
			return nil, "", err
		}
		page = append(page, p)
	}
	if o.err != nil {
		return nil, "", o.err
	}
	return page, next, nil
}

func parseProvisioner(raw json.RawMessage) (Provisioner, error) {
	o, err := readObject(raw)
	if err != nil {
		return Provisioner{}, err
	}
	p := Provisioner{Name: o.text("name", true), Kind: o.text("type", true)}
	if len(p.Name) > maxName || len(p.Kind) > maxName || strings.ContainsAny(p.Name+p.Kind, "\n\r\t") {
		o.fail("a provisioner's name is not one")
	}
	if o.err != nil || p.Kind != "JWK" { // the other kinds have fields of their own
		return p, o.err
	}
	p.encrypted = o.text("encryptedKey", false)
	if len(p.encrypted) > maxJWE {
		o.fail("encryptedKey is too long")
	}
	key, ok := o.raw("key")
	p.key = new(jose.JSONWebKey)
	if !ok || json.Unmarshal(key, p.key) != nil || !p.key.IsPublic() || !p.key.Valid() {
		o.fail("key of a JWK provisioner is not a public key")
	} else if p.KeyID = p.key.KeyID; p.KeyID == "" || len(p.KeyID) > maxName || clean(p.KeyID) != p.KeyID {
		o.fail("key of a JWK provisioner has no usable kid")
	}
	if o.err != nil {
		return Provisioner{}, o.err
	}
	return p, nil
}

// ChooseJWK finds the JWK provisioner of this name, or the only one there is if name is empty. The error is
// [ErrProvisioner] and lists what there is.
func ChooseJWK(list []Provisioner, name string) (Provisioner, error) {
	var found []Provisioner
	var names []string
	for _, p := range list {
		if p.Kind != "JWK" {
			continue
		}
		names = append(names, strconv.Quote(p.Name))
		if name == "" || p.Name == name {
			found = append(found, p)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	have := "there is none"
	if len(names) > 0 {
		have = "there is " + clean(strings.Join(names, ", "))
	}
	if name == "" {
		return Provisioner{}, fmt.Errorf("%w: say which one: %s", ErrProvisioner, have)
	}
	return Provisioner{}, fmt.Errorf("%w: want one %q: %s", ErrProvisioner, clean(name), have)
}
