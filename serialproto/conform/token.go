package conform

import (
	"time"

	"provstation/serialproto"
)

// renewURL is where the suite's tokens are for.
const renewURL = "https://ca.example/renew"

// badURLs are no place to renew at.
func badURLs() []string {
	return []string{
		"http://ca.example/renew", "https://ca.example/sign", "https://ca.example/renew?x=1", "https://ca.example/renew#x",
		"https://user@ca.example/renew", "https:///renew", "https://ca.example/a/../renew", "https://ca.example/%2e/renew",
		"https://ca.example/\"/renew", "https://ca.example/rekey", "HTTPS://ca.example/renew",
	}
}

func tokenCases() []Case {
	list := []Case{
		{ID: "token", Text: "TOKEN gives the claims as specified, signed by the leaf's key over header and claims", run: token},
		{ID: "token-audience", Text: "an audience that is not https with a clean path that ends in /renew is refused with status 13", run: tokenAudience},
		{ID: "token-fresh", Text: "each token has an id of its own, and counts", run: tokenFresh},
	}
	for i := range list {
		list[i].Clause, list[i].Features = "Token", serialproto.FeatureRenew
	}
	return sealing(list)
}

// token asks for one and checks all of it.
func (d *dut) token() serialproto.TokenClaims {
	var r serialproto.TokenResult
	d.ok(serialproto.TokenArgs{Op: serialproto.OpToken, Audience: renewURL, Now: time.Now().UnixMicro()}, &r)
	chain := [][]byte{d.fx.leaf.Raw, d.ca.sub.cert.Raw, d.ca.ica.cert.Raw}
	_, claims, err := serialproto.Token(r, d.fx.pub, chain, renewURL, d.fx.deviceID)
	d.check(err == nil, "want a token for %s by the device's key, got claims %s: %v", renewURL, string(r.Claims), err)
	return claims
}

func token(d *dut) {
	c := d.token()
	d.remark("issued %s by its clock", time.Unix(c.Issued, 0).UTC().Format(time.RFC3339))
}

func tokenAudience(d *dut) {
	for _, url := range badURLs() {
		d.refused("a token for "+url, serialproto.TokenArgs{Op: serialproto.OpToken, Audience: url, Now: time.Now().UnixMicro()},
			serialproto.StatusRefused)
	}
	d.refused("a token for nobody", map[uint8]any{0: 18}, serialproto.StatusBadArgument, serialproto.StatusRefused)
}

func tokenFresh(d *dut) {
	left := d.status().Tokens
	first, second := d.token(), d.token()
	d.check(first.ID != second.ID, "want an id for each token, got %s twice", first.ID)
	d.check(d.status().Tokens == left-2, "want two tokens less than %d, got %d", left, d.status().Tokens)
	d.remark("%d left", left-2)
}
