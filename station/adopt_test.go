package station

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

var update = flag.Bool("update", false, "write docs/adoption.md and the table in adopt.go from the tests' table")

// adoption is one row of the table: what is found, and what becomes of it.
type adoption struct {
	device  string // holds
	ledger  string // knows
	journal string // of what was cut, and how it is settled
	set     func(k *kit)

	end       Outcome
	code      Code
	posts     int
	key       string // same|new|none
	adopted   string
	why       string
	intent    IntentKind // settled so; empty: none was open
	came      IntentResult
	installs  int
	seals     int
	tests     int // at the broker
	stillOpen int // possibly-issued rows that stay
}

// third is the hash of a key nobody has.
var third = []byte("0123456789abcdef0123456789abcdef") //nolint:gochecknoglobals // constant

// cut puts an intent of an earlier run on file that nobody heard of again.
func (k *kit) cut(kind IntentKind, d *fakeDevice) {
	in := Intent{ID: "cut-" + string(kind), Run: "earlier", Tenant: "acme", HardwareSerial: "SN-1", Kind: kind, DeviceID: "edge-sn-1", EnrollID: EnrollID{1, 2, 3}}
	if kind == IntendInstall || kind == IntendSeal {
		in.Leaf = d.leafHash()
		if in.Leaf == nil && len(k.ledger.certs) > 0 {
			in.Leaf = k.ledger.certs[0].Fingerprint
		}
	}
	k.ledger.intend(in)
}

// onFile puts a certificate for the device's key on file: the one it holds, or one that it never got.
func (k *kit) onFile(d *fakeDevice, judged bool, edit func(*CertRecord)) {
	leaf := d.leaf
	if leaf == nil {
		leaf = issueFor(k.pki, d.key.Public(), "edge-sn-1")
	}
	c := certRecord(stationtest.ParseCert(k.t, leaf))
	c.Run, c.PostID, c.DeviceID, c.HardwareSerial, c.Contract = "earlier", "earlier", "edge-sn-1", "SN-1", ContractDeployed
	c.Chain = [][]byte{k.pki.Sub.Cert.Raw}
	if judged {
		sum := sha256.Sum256(k.pki.Sub.Cert.Raw)
		c.IssuerFingerprint = hexOf(sum[:])
		c.Chain = [][]byte{k.pki.Sub.Cert.Raw, k.pki.ICA.Cert.Raw, k.pki.Root.Cert.Raw}
	}
	if edit != nil {
		edit(&c)
	}
	k.ledger.certs = append(k.ledger.certs, c)
}

func (k *kit) proven(d *fakeDevice) {
	k.ledger.proofs = append(k.ledger.proofs, ProofRecord{
		At:  time.Now(),
		Run: "earlier", HardwareSerial: "SN-1", DeviceID: "edge-sn-1", SPKI: d.spki(), Leaf: d.leafHash(), Proof: BrokerAcked,
	})
}

func (k *kit) passed(spki, leaf []byte) {
	k.ledger.knows("SN-1", "edge-sn-1", spki, leaf, time.Now().Add(24*time.Hour), false)
}

// adoptions is the table.
func adoptions() []adoption {
	return append(append(adoptNothing(), adoptKey()...), append(adoptInstalled(), adoptSealed()...)...)
}

func adoptNothing() []adoption {
	return []adoption{
		{
			device: "nothing", ledger: "nothing", journal: "-", set: func(*kit) {},
			end: Pass, posts: 1, key: "new", installs: 1, seals: 1, tests: 1,
		},
		{
			device: "nothing", ledger: "no PASS", journal: "make-key: found not done",
			set: func(k *kit) { k.cut(IntendKey, k.dev()) }, intent: IntendKey, came: ResultNotFound,
			end: Pass, posts: 1, key: "new", installs: 1, seals: 1, tests: 1, why: "no key came of it",
		},
		{
			device: "nothing", ledger: "no PASS", journal: "set-clock: found done",
			set: func(k *kit) { k.cut(IntendClock, k.dev()) }, intent: IntendClock, came: ResultFound,
			end: Pass, posts: 1, key: "new", installs: 1, seals: 1, tests: 1,
		},
		{
			device: "nothing", ledger: "a PASS", journal: "-", set: func(k *kit) { k.passed(third, third) },
			end: Uncertain, code: CodeUnknownKey, key: "none", why: "reflashed, or a copy: a person knows; --reenroll goes on",
		},
	}
}

func adoptKey() []adoption {
	keyed := func(then func(k *kit, d *fakeDevice)) func(k *kit) {
		return func(k *kit) { then(k, k.enrolled(StateKeyed)) }
	}
	again := adoption{device: "a key", journal: "-", end: Pass, posts: 1, key: "same", adopted: "key", installs: 1, seals: 1, tests: 1}
	row := func(edit func(*adoption)) adoption {
		r := again
		edit(&r)
		return r
	}
	return []adoption{
		row(func(r *adoption) {
			r.ledger, r.journal, r.intent, r.came = "no key", "make-key: found done", IntendKey, ResultFound
			r.set = keyed(func(k *kit, d *fakeDevice) { k.cut(IntendKey, d) })
		}),
		row(func(r *adoption) {
			r.ledger, r.journal, r.stillOpen = "that key", "the request's answer is lost", 1
			r.set = keyed(func(k *kit, _ *fakeDevice) { k.ledger.posts["earlier"] = "open" })
			r.why = "the same CSR is posted again: that does no harm; the first request stays possibly-issued"
		}),
		row(func(r *adoption) {
			r.ledger, r.posts, r.adopted = "a certificate, not judged yet", 0, "key, certificate"
			r.set = keyed(func(k *kit, d *fakeDevice) { k.onFile(d, false, nil) })
			r.why = "it is judged now"
		}),
		row(func(r *adoption) {
			r.ledger, r.posts, r.adopted = "a certificate", 0, "key, certificate"
			r.journal, r.intent, r.came = "install: found not done", IntendInstall, ResultNotFound
			r.set = keyed(func(k *kit, d *fakeDevice) { k.onFile(d, true, nil); k.cut(IntendInstall, d) })
		}),
		row(func(r *adoption) {
			r.ledger, r.why = "a certificate that was refused", "by a check or by the broker: it would be again"
			r.set = keyed(func(k *kit, d *fakeDevice) {
				k.onFile(d, true, nil)
				k.ledger.refused = map[string]Code{string(k.ledger.certs[0].Fingerprint): CodeBrokerCert}
			})
		}),
		row(func(r *adoption) {
			r.ledger = "a certificate that is revoked"
			r.set = keyed(func(k *kit, d *fakeDevice) { k.onFile(d, true, func(c *CertRecord) { c.Revoked = true }) })
		}),
		row(func(r *adoption) {
			r.ledger = "a certificate that is over"
			r.set = keyed(func(k *kit, d *fakeDevice) {
				k.onFile(d, true, func(c *CertRecord) { c.NotAfter = time.Now().Add(30 * time.Second) })
			})
		}),
		row(func(r *adoption) {
			r.ledger, r.why = "a certificate with a tunnel key that the bridge made", "secrets are not kept; the first certificate is an orphan"
			r.set = keyed(func(k *kit, d *fakeDevice) { k.onFile(d, true, func(c *CertRecord) { c.WireGuardKeyByBridge = true }) })
		}),
		row(func(r *adoption) {
			r.ledger, r.key, r.adopted, r.why = "nothing; the key signs no more", "new", "", "a key that cannot prove itself is of no use"
			r.set = keyed(func(_ *kit, d *fakeDevice) { d.signatures = 0 })
		}),
		row(func(r *adoption) {
			r.device, r.ledger = "a key beside an active generation", "a PASS with the active one"
			r.set = keyed(func(k *kit, d *fakeDevice) { d.gen, d.active = 2, 1; k.passed(third, third) })
			r.why = "a re-enrollment that was cut"
		}),
		{
			device: "a key", ledger: "a PASS with a third key", journal: "-",
			set: keyed(func(k *kit, _ *fakeDevice) { k.passed(third, third) }),
			end: Uncertain, code: CodeUnknownKey, key: "same", why: "--reenroll goes on",
		},
	}
}

func adoptInstalled() []adoption {
	installed := func(then func(k *kit, d *fakeDevice)) func(k *kit) {
		return func(k *kit) { then(k, k.enrolled(StateInstalled)) }
	}
	return []adoption{
		{
			device: "all files", ledger: "their certificate", journal: "install: found done",
			set:    installed(func(k *kit, d *fakeDevice) { k.onFile(d, true, nil); k.cut(IntendInstall, d) }),
			intent: IntendInstall, came: ResultFound,
			end: Pass, key: "same", adopted: "key, certificate, files", seals: 1, tests: 1, why: "nothing is sent twice",
		},
		{
			device: "other files for that certificate", ledger: "their certificate", journal: "-",
			set: installed(func(k *kit, d *fakeDevice) { k.onFile(d, true, nil); d.objects[ObjectAnchors] = []byte("other..") }),
			end: Pass, key: "same", adopted: "key, certificate", installs: 1, seals: 1, tests: 1, why: "sent again: that does no harm",
		},
		{
			device: "all files", ledger: "no certificate", journal: "-", set: installed(func(*kit, *fakeDevice) {}),
			end: Pass, posts: 1, key: "same", adopted: "key", installs: 1, seals: 1, tests: 1,
			why: "another station's: a second certificate does no harm",
		},
		{
			device: "all files", ledger: "their certificate and a proof", journal: "seal: found not done",
			set: installed(func(k *kit, d *fakeDevice) {
				k.onFile(d, true, nil)
				k.proven(d)
				k.cut(IntendSeal, d)
			}),
			intent: IntendSeal, came: ResultNotFound,
			end: Pass, key: "same", adopted: "key, certificate, files", seals: 1, tests: 1, why: "proven once more, then sealed",
		},
		{
			device: "all files", ledger: "a PASS with a third key", journal: "-",
			set: installed(func(k *kit, _ *fakeDevice) { k.passed(third, third) }),
			end: Uncertain, code: CodeUnknownKey, key: "same", why: "--reenroll goes on",
		},
	}
}

func adoptSealed() []adoption {
	state := func(s DeviceState, then func(k *kit, d *fakeDevice)) func(k *kit) {
		return func(k *kit) { then(k, k.enrolled(s)) }
	}
	all := "key, certificate, files"
	return []adoption{
		{
			device: "sealed", ledger: "a proof, no end of its run", journal: "seal: found done",
			set:    state(StateSealed, func(k *kit, d *fakeDevice) { k.onFile(d, true, nil); k.proven(d); k.cut(IntendSeal, d) }),
			intent: IntendSeal, came: ResultFound, end: Pass, key: "same", adopted: all, tests: 1, why: "proven once more, by TLS 1.2",
		},
		{
			device: "sealed, signs no more", ledger: "a proof, no end of its run", journal: "seal: found done",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				d.noTLS12 = true
				k.onFile(d, true, nil)
				k.proven(d)
				k.cut(IntendSeal, d)
			}),
			intent: IntendSeal, came: ResultFound, end: Pass, key: "same", adopted: all + ", proof", why: "the proof was durable before the seal",
		},
		{
			device: "sealed, signs no more", ledger: "no proof", journal: "-",
			set: state(StateSealed, func(_ *kit, d *fakeDevice) { d.noTLS12 = true }),
			end: Uncertain, code: CodeProofImpossible, key: "same", why: "never a PASS without a proof",
		},
		{
			device: "sealed", ledger: "nothing", journal: "-", set: state(StateSealed, func(*kit, *fakeDevice) {}),
			end: Pass, key: "same", adopted: all, tests: 1, why: "another station's, or a ledger that was lost",
		},
		{
			device: "sealed", ledger: "its certificate with another wg0.conf", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.onFile(d, true, func(c *CertRecord) { c.WGConf = "[Interface]\n" })
				d.objects[ObjectTunnel] = digest8([]byte("[Interface]\nTable = off\n"))
			}),
			end: Uncertain, code: CodeReadback, key: "same",
			why: "a sealed device takes no files, and its tunnel leads elsewhere; --reenroll goes on",
		},
		{
			device: "sealed", ledger: "its certificate with that wg0.conf", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.onFile(d, true, func(c *CertRecord) { c.WGConf = "[Interface]\n" })
				d.objects[ObjectTunnel] = digest8([]byte("[Interface]\n"))
			}),
			end: Pass, key: "same", adopted: all, tests: 1,
		},
		{
			device: "sealed", ledger: "a PASS with this key and certificate", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) { k.knows(d) }),
			end: Skipped, code: CodeSkipped, key: "same", why: "nothing is written to it; --reenroll enrolls anew",
		},
		{
			device: "sealed", ledger: "that PASS; re-enrollment was given up", journal: "abandon: found done",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.knows(d)
				d.enroll = EnrollID{9}
				k.cut(IntendAbandon, d)
			}),
			intent: IntendAbandon, came: ResultFound, end: Skipped, code: CodeSkipped, key: "same",
		},
		{
			device: "sealed", ledger: "that PASS, certificate revoked", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(time.Hour), true)
			}),
			end: Uncertain, code: CodeUncertain, key: "same",
		},
		{
			device: "sealed", ledger: "that PASS, certificate expired", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.ledger.knows("SN-1", "edge-sn-1", d.spki(), d.leafHash(), time.Now().Add(-time.Second), false)
			}),
			end: Fail, code: CodeCertExpired, key: "same",
		},
		{
			device: "sealed", ledger: "a PASS with this key, another certificate", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) { k.passed(d.spki(), third) }),
			end: Pass, key: "same", adopted: all, tests: 1, why: "it was renewed",
		},
		{
			device: "sealed", ledger: "a PASS with another key", journal: "-",
			set: state(StateSealed, func(k *kit, _ *fakeDevice) { k.passed(third, third) }),
			end: Uncertain, code: CodeUnknownKey, key: "same", why: "an old image put back, or a copy; --reenroll goes on",
		},
		{
			device: "sealed", ledger: "its certificate, which is revoked", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) { k.onFile(d, true, func(c *CertRecord) { c.Revoked = true }) }),
			end: Uncertain, code: CodeUncertain, key: "same", why: "a broker without the CA's list would take it",
		},
		{
			device: "sealed", ledger: "a proof that is later than the PASS with another key", journal: "seal: found done",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.passed(third, third)
				<-time.After(time.Minute) // of the bubble's time
				k.onFile(d, true, nil)
				k.proven(d)
				k.cut(IntendSeal, d)
			}),
			intent: IntendSeal, came: ResultFound, end: Pass, key: "same", adopted: all, tests: 1, why: "its key was replaced, and the end of that run is lost",
		},
		{
			device: "sealed", ledger: "a proof that is earlier than the PASS with another key", journal: "-",
			set: state(StateSealed, func(k *kit, d *fakeDevice) {
				k.onFile(d, true, nil)
				k.proven(d)
				<-time.After(time.Minute) // of the bubble's time
				k.passed(third, third)
			}),
			end: Uncertain, code: CodeUnknownKey, key: "same", why: "an old image put back",
		},
		{
			device: "enrolled by enroll.sh", ledger: "nothing", journal: "-", set: state(StateForeign, func(*kit, *fakeDevice) {}),
			end: Pass, key: "same", adopted: all, tests: 1, why: "never enrolled anew",
		},
		{
			device: "enrolled by enroll.sh", ledger: "a PASS with this key and certificate", journal: "-",
			set: state(StateForeign, func(k *kit, d *fakeDevice) { k.knows(d) }),
			end: Skipped, code: CodeSkipped, key: "same",
		},
		{
			device: "enrolled by enroll.sh", ledger: "a PASS with another key", journal: "-",
			set: state(StateForeign, func(k *kit, _ *fakeDevice) { k.passed(third, third) }),
			end: Uncertain, code: CodeUnknownKey, key: "same",
		},
	}
}

// What a device holds, what the ledger knows and what was cut decide how a run carries on: every row of the table.
func TestAdoption(t *testing.T) {
	for _, row := range adoptions() {
		t.Run(row.device+"/"+row.ledger+"/"+row.journal, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				d := k.dev()
				before := d.spki()
				events := k.play()
				e := wantEnd(t, events, row.end, row.code)
				if e.Adopted != row.adopted {
					t.Errorf("got adopted %q, want %q", e.Adopted, row.adopted)
				}
				if k.bridge.posts != row.posts || k.prover.tests != row.tests || d.installs != row.installs || d.seals != row.seals {
					t.Errorf("got %d posts, %d broker tests, %d installs, %d seals, want %d, %d, %d, %d",
						k.bridge.posts, k.prover.tests, d.installs, d.seals, row.posts, row.tests, row.installs, row.seals)
				}
				if key := keyNow(before, d.spki()); key != row.key {
					t.Errorf("got %s key, want %s", key, row.key)
				}
				checkSettled(t, k, row)
				sum, _ := events[len(events)-1].Body.(Summary)
				if (sum.Adopted == 1) != (row.adopted != "") || (sum.AdoptedKeys == 1) != strings.Contains(row.adopted, "key") ||
					(sum.AdoptedFiles == 1) != strings.Contains(row.adopted, "files") {
					t.Errorf("got summary %+v for adopted %q", sum, row.adopted)
				}
			})
		})
	}
}

func keyNow(before, after []byte) string {
	switch {
	case after == nil:
		return "none"
	case bytes.Equal(before, after):
		return "same"
	default:
		return "new"
	}
}

// checkSettled: what was cut has a result, and nothing else is left open.
func checkSettled(t *testing.T, k *kit, row adoption) {
	t.Helper()
	if got := k.ledger.results["cut-"+string(row.intent)]; row.intent != "" && got != row.came {
		t.Errorf("%s: got %q, want %q", row.intent, got, row.came)
	}
	for _, in := range k.ledger.intents {
		if k.ledger.results[in.ID] == "" {
			t.Errorf("%s is still open", in.Kind)
		}
	}
	open := 0
	for _, state := range k.ledger.posts {
		if state == "open" {
			open++
		}
	}
	if open != row.stillOpen {
		t.Errorf("got %d possibly-issued rows, want %d", open, row.stillOpen)
	}
}

func (a adoption) becomes() string {
	if a.code != "" {
		return string(a.end) + " " + string(a.code)
	}
	return string(a.end)
}

func (a adoption) sent() string {
	if a.posts > 0 {
		return "CSR"
	}
	return "-"
}

// adoptionDoc is docs/adoption.md.
func adoptionDoc() string {
	var b strings.Builder
	b.WriteString(`# Adoption

How a run carries on with a device that an earlier one has begun: by what the device holds, what the ledger knows, and what the
journal says was cut. Where the answer to something that the station did was never heard, the device is asked what it holds the
next time it is seen, and the journal says "found done" or "found not done".

UNCERTAIN is for a person: device and ledger contradict each other, or repeating would do harm. Everything else carries on
from the furthest proven point by itself: the same key, and no second certificate where one is on file and still good.

This page is written from the tests' table (` + "`go test ./station -run TestAdoptionDoc -update`" + `).

| the device holds | the ledger knows | the journal | ends | key | posted | taken over | why |
|---|---|---|---|---|---|---|---|
`)
	for _, a := range adoptions() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", a.device, a.ledger, a.journal, a.becomes(), a.key, a.sent(), a.adopted, a.why)
	}
	return b.String()
}

// Marks of the table in adopt.go.
const (
	tableBegins = "// The table, as the tests have it:\n//\n"
	tableEnds   = "//\n// (end of the table)\n"
)

// adoptionComment is the table in adopt.go.
func adoptionComment() string {
	rows := [][]string{{"device holds", "ledger knows", "journal", "ends", "key", "posted"}}
	for _, a := range adoptions() {
		rows = append(rows, []string{a.device, a.ledger, a.journal, a.becomes(), a.key, a.sent()})
	}
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			wide[i] = max(wide[i], len(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		line := ""
		for i, c := range r {
			line += c + strings.Repeat(" ", wide[i]-len(c)+2)
		}
		b.WriteString("//\t" + strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// The page and the comment say what the tests prove; -update writes both.
func TestAdoptionDoc(t *testing.T) {
	page := filepath.Join("..", "docs", "adoption.md")
	source, err := os.ReadFile("adopt.go")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(source), tableBegins)
	table, tail, ended := strings.Cut(rest, tableEnds)
	if !ok || !ended {
		t.Fatal("adopt.go has no table")
	}
	if *update {
		if err := os.WriteFile(page, []byte(adoptionDoc()), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("adopt.go", []byte(head+tableBegins+adoptionComment()+tableEnds+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(adoptionComment(), table); diff != "" {
		t.Errorf("adopt.go: the table is not the tests' (-want +got):\n%s", diff)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(adoptionDoc(), string(got)); diff != "" {
		t.Errorf("docs/adoption.md is not the tests' table (-want +got):\n%s", diff)
	}
}

// A certificate that the broker refused is not used again after the station was restarted, either.
func TestRefusalOutlivesTheProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.prover.on = func(_ context.Context, n int, _ mqttcheck.Config) error {
			if n == 1 {
				return &mqttcheck.Error{Step: mqttcheck.StepCertificate, Reason: mqttcheck.ClientCertRefused, Sentence: "refused"}
			}
			return nil
		}
		first := wantEnd(t, k.play(), Fail, CodeBrokerCert)
		d := k.dev()
		k.watcher = &fakeWatcher{changes: make(chan PortChange, 64)}
		k.add("s1", d)
		second := wantEnd(t, k.play(), Pass, "") // another runner on the same ledger
		if k.bridge.posts != 2 || d.keys != 1 || first.CertFingerprint == second.CertFingerprint || second.Adopted != "key" {
			t.Errorf("got %d posts, %d keys, certificates %s and %s, adopted %q, want another certificate for the same key",
				k.bridge.posts, d.keys, first.CertFingerprint, second.CertFingerprint, second.Adopted)
		}
	})
}

// Every side effect is on record before it is caused, and its result with the end of its phase.
func TestJournalOfARun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.dev()
		d.clock = func() time.Time { return time.Now().Add(-time.Hour) }
		k.cfg.ClockSet = true
		var order []string
		k.port("s1").on = func(_ context.Context, op string) error {
			k.ledger.mu.Lock()
			defer k.ledger.mu.Unlock()
			order = append(order, fmt.Sprintf("%s after %d intents", op, len(k.ledger.intents)))
			return nil
		}
		wantEnd(t, k.play(), Pass, "")
		for _, want := range []string{"set-clock after 1 intents", "keygen after 2 intents", "install after 3 intents", "seal after 4 intents"} {
			if !slices.Contains(order, want) {
				t.Errorf("got %v, want %q in it", order, want)
			}
		}
		for _, kind := range []IntentKind{IntendClock, IntendKey, IntendInstall, IntendSeal} {
			if diff := cmp.Diff([]IntentResult{ResultDone}, k.ledger.came(kind)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
		if n := countCalls(k.ledger.calls, "Done"); n != 0 {
			t.Errorf("got %d writes for results alone, want them to go with their phases", n)
		}
	})
}

func countCalls(calls []string, method string) (n int) {
	for _, c := range calls {
		if c == method {
			n++
		}
	}
	return n
}

// A refusal is a result; an answer that never came is none, and stays open until the device is seen again.
func TestIntentResults(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want IntentResult
	}{
		{"refused", fault(CodeAgentSpace, Fail, Permanent), failedWith(CodeAgentSpace)},
		{"unplugged", goneFault("/dev/s1"), ""},
		{"garbled", fault(CodeAgentBad, Fail, Permanent), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				failed := false
				k.port("s1").on = func(_ context.Context, op string) error {
					if op == "install" && !failed {
						failed = true
						return row.err
					}
					return nil
				}
				events := k.play()
				if list := ends(events); len(list) == 0 || list[0].Phase != PhaseInstall {
					t.Fatalf("got %v, want a run that ends in install", list)
				}
				if got := k.ledger.came(IntendInstall); len(got) == 0 || got[0] != row.want && (row.want != "" || got[0] != ResultNotFound) {
					t.Errorf("got %v, want %q first", got, row.want)
				}
			})
		})
	}
}
