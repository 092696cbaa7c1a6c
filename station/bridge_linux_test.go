package station_test

import (
	"crypto"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.step.sm/crypto/pemutil"

	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// answerFor is a good answer for a key that is not the device's, signed by the stack's own Sub-CA; with changes it makes
// the other answers that must not be believed.
func (r *rig) answerFor(id string, edit func(m map[string]string)) *devstack.Fault {
	r.t.Helper()
	dir := filepath.Dir(r.stack.Root)
	cert, err := pemutil.ReadCertificate(filepath.Join(dir, "tenant-sub-ca.pem"))
	must(r.t, err)
	key, err := pemutil.Read(filepath.Join(dir, "tenant-sub-ca-key.pem"))
	must(r.t, err)
	other := stationtest.NewKey(r.t, "P-256")
	p := &stationtest.PKI{Sub: &stationtest.CA{Cert: cert, Key: key.(crypto.Signer)}, Now: time.Now()}
	m := map[string]string{
		"certificate": stationtest.CertPEM(p.Issue(r.t, stationtest.NewCSR(r.t, other, id))), "ca_chain": p.Sub.PEM(),
		"wireguard_ip": "10.8.1.200", "wireguard_config": "[Interface]\nAddress = 10.8.1.200/16\nPrivateKey = " + devstack.PlaceholderKey + "\n",
	}
	if edit != nil {
		edit(m)
	}
	body, err := json.Marshal(m)
	must(r.t, err)
	return &devstack.Fault{Status: 200, Body: string(body)}
}

// Every answer of the bridge that is recorded, and some that nobody should believe: outcome, code, number of posts, rows
// that stay open because a certificate may have been lost. Then the bridge is mended and every device ends in PASS.
func TestBridgeAnswers(t *testing.T) {
	detail := func(text string) string { return `{"detail":` + quote(text) + `}` }
	rows := []struct {
		name    string
		fault   *devstack.Fault
		outcome station.Outcome
		code    station.Code
		posts   int
		lost    int // possibly issued
	}{
		{"invalid CSR", &devstack.Fault{Status: 422, Body: detail("Invalid CSR: error parsing asn1 value")}, station.Fail, station.CodeBridgeCSR, 1, 0},
		{
			"other contract", &devstack.Fault{Status: 422, Body: `{"detail":[{"type":"missing","loc":["body","csr_pem"],"msg":"Field required","input":{}}]}`},
			station.Error, station.CodeBridgeContract, 1, 0,
		},
		{
			"CN refused", &devstack.Fault{Status: 502, Body: detail(`PKI signing failed: step-ca /1.0/sign returned 403: {"status":403,"message":"The request was forbidden by the certificate authority: certificate request does not contain the valid common name - got x, want [y]."}`)},
			station.Fail, station.CodeBridgePolicy, 1, 0,
		},
		{"CA misconfigured", &devstack.Fault{Status: 502, Body: detail("PKI signing failed: no provisioner")}, station.Error, station.CodeBridgeCAConfig, 1, 0},
		{"hawkBit 502", &devstack.Fault{Status: 502, Body: detail("hawkBit error: 500"), Issue: true}, station.Error, station.CodeBridgeHawkbit, 3, 3},
		{"hawkBit 503", &devstack.Fault{Status: 503, Body: detail("hawkBit unreachable"), Issue: true}, station.Error, station.CodeBridgeHawkbit, 3, 3},
		{"CA down", &devstack.Fault{Status: 503, Body: detail("step-ca unreachable: All connection attempts failed")}, station.Error, station.CodeBridgeCADown, 3, 0},
		{"CA silent", &devstack.Fault{Status: 503, Body: detail("step-ca unreachable: ")}, station.Error, station.CodeBridgeCADown, 3, 3},
		{"500", &devstack.Fault{Status: 500, Type: "text/plain; charset=utf-8", Body: "Internal Server Error"}, station.Error, station.CodeBridgeInternal, 3, 3},
		{"404", &devstack.Fault{Status: 404, Body: detail("Not Found")}, station.Error, station.CodeBridgePath, 1, 0},
		{"redirect", &devstack.Fault{Status: 307}, station.Error, station.CodeBridgePath, 1, 0},
		{"401", &devstack.Fault{Status: 401, Body: detail("Unauthorized")}, station.Error, station.CodeBridgeAuth, 1, 0},
		{"429", &devstack.Fault{Status: 429, Body: detail("slow down")}, station.Error, station.CodeBridgeBusy, 3, 0},
		{"cut", &devstack.Fault{Cut: true}, station.Error, station.CodeBridgeDown, 3, 3},
		{"login page", &devstack.Fault{Status: 200, Type: "text/html", Body: "<html>sign in</html>"}, station.Error, station.CodeBridgeAnswer, 1, 1},
		{"no fields", &devstack.Fault{Status: 200, Body: "{}"}, station.Error, station.CodeBridgeAnswer, 1, 1},
		{"half an answer", &devstack.Fault{Status: 200, Body: `{"certificate":"---`}, station.Error, station.CodeBridgeAnswer, 1, 1},
		{"1 MB", &devstack.Fault{Status: 200, Body: `{"certificate":"` + strings.Repeat("A", 1<<20) + `"}`}, station.Error, station.CodeBridgeAnswer, 1, 1},
		{"another key's certificate", nil, station.Fail, station.CodeCertKey, 1, 1},
		{"private key in the answer", nil, station.Fail, station.CodeCertPrivateKey, 1, 1},
		{"another device's certificate", nil, station.Fail, "", 1, 1},
	}
	r := newRig(t, devstack.Config{Devices: len(rows)})
	ids := map[string]int{} // device id to row
	for i, d := range r.stack.Devices {
		id := "edge-" + strings.ToLower(d.Serial)
		ids[id] = i
		switch rows[i].name {
		case "another key's certificate":
			rows[i].fault = r.answerFor(id, nil)
		case "another device's certificate":
			rows[i].fault, rows[i].code = r.answerFor("edge-somebody-else", nil), station.CodeCertKey
		case "private key in the answer":
			rows[i].fault = r.answerFor(id, func(m map[string]string) {
				m["certificate"] += string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not a real one")}))
			})
		}
	}
	var mu sync.Mutex
	posts := map[int]int{}
	r.stack.Bridge.SetFault(func(id string, _ int) *devstack.Fault {
		mu.Lock()
		defer mu.Unlock()
		posts[ids[id]]++
		return rows[ids[id]].fault
	})
	r.start(r.stack.Devices...)
	first := r.ends(len(rows))
	open, err := r.ledger.PossiblyIssued(t.Context())
	must(t, err)
	lost := map[string]int{}
	for _, p := range open {
		lost[p.DeviceID]++
	}
	for i, d := range r.stack.Devices {
		e, row := first[d.Name], rows[i]
		r.check(row.name, e, row.outcome, row.code)
		if posts[i] != row.posts || lost[e.DeviceID] != row.lost {
			t.Errorf("%s: got %d posts, %d possibly issued, want %d and %d", row.name, posts[i], lost[e.DeviceID], row.posts, row.lost)
		}
	}
	r.stack.Bridge.SetFault(nil)
	for _, d := range r.stack.Devices {
		must(t, r.bench.Retry(d.Name))
	}
	for slot, e := range r.ends(len(rows)) {
		r.check("after the bridge was mended", e, station.Pass, "")
		if was, is := r.spki(first[slot].Run), r.spki(e.Run); was == "" || was != is {
			t.Errorf("%s: got key %s, want the one of the first run, %s", slot, is, was)
		}
	}
	r.stop()
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}

// A bridge that answers too late, and one that is not there at all.
func TestBridgeAway(t *testing.T) {
	t.Run("late", func(t *testing.T) {
		r := newRig(t, devstack.Config{Devices: 1})
		r.bridge.Timeout = 400 * time.Millisecond
		r.stack.Bridge.SetFault(func(_ string, n int) *devstack.Fault {
			return &devstack.Fault{Status: 200, Body: "{}", Delay: 5 * time.Second, Issue: true}
		})
		r.start(r.stack.Devices...)
		e := r.end()
		r.check("late", e, station.Timeout, station.CodeBridgeTimeout)
		if rows, err := r.ledger.PossiblyIssued(t.Context()); err != nil || len(rows) != 3 {
			t.Errorf("got %d possibly issued, %v, want one for each post", len(rows), err)
		}
		r.stack.Bridge.SetFault(nil)
		must(t, r.bench.Retry(e.Slot))
		r.check("in time again", r.end(), station.Pass, "")
		r.stop()
	})
	t.Run("down", func(t *testing.T) {
		r := newRig(t, devstack.Config{Devices: 1})
		good := r.stack.BridgeURL
		r.stack.BridgeURL = "https://127.0.0.1:1/api"
		r.start(r.stack.Devices...)
		e := r.end()
		r.check("down", e, station.Error, station.CodeBridgeDown)
		if rows, err := r.ledger.PossiblyIssued(t.Context()); err != nil || len(rows) != 0 {
			t.Errorf("got %d possibly issued, %v, want none: nothing was reached", len(rows), err)
		}
		r.stop()
		r.stack.BridgeURL = good
		r.start(r.stack.Devices...)
		r.check("up again", r.end(), station.Pass, "")
		r.stop()
	})
	t.Run("not trusted", func(t *testing.T) {
		r := newRig(t, devstack.Config{Devices: 1})
		r.bridge.Trust = nil // the system's roots
		r.start(r.stack.Devices...)
		r.check("not trusted", r.end(), station.Error, station.CodeBridgeTLS)
		if r.stack.Bridge.Posts() != 0 {
			t.Error("got a post to a bridge that is not trusted")
		}
		r.stop()
	})
}
