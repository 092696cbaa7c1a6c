package station

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// renewKit is a bench on which the finished device in s1 is asked for a task.
func renewKit(t *testing.T, task Task) (*kit, *fakeDevice, *fakeCA) {
	t.Helper()
	k := newKit(t)
	d := k.enrolled(StateSealed)
	k.knows(d)
	ca := &fakeCA{pki: k.pki, id: d.id, of: d.key.Public()}
	k.cfg.Task = task
	k.cfg.Renewal.CA = func(context.Context) (Authority, error) { return ca, nil }
	return k, d, ca
}

// A renewal: the same key, a new certificate on the device, proven, on record as the device's present one; one token, one
// request, and nothing asked of the bridge.
func TestRenew(t *testing.T) {
	for _, way := range []RenewWay{"", RenewByToken, RenewByMTLS} {
		t.Run(string(way), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, ca := renewKit(t, TaskRenew)
				k.cfg.Renewal.Way = way
				spki, old := d.spki(), d.leafHash()
				events := k.play()
				e := wantEnd(t, events, Pass, "")
				if e.Task != TaskRenew || e.Proof == NoProof || e.CertFingerprint != hexOf(d.leafHash()) || bytes.Equal(d.leafHash(), old) {
					t.Errorf("got %+v, want the new certificate, proven", e)
				}
				if !bytes.Equal(d.spki(), spki) || d.keys != 0 || d.installs != 0 || d.seals != 0 || k.bridge.posts != 0 {
					t.Errorf("got %d keys, %d installs, %d seals, %d posts, want the key alone kept", d.keys, d.installs, d.seals, k.bridge.posts)
				}
				want := "token"
				if way == RenewByMTLS {
					want = "mtls"
				}
				if !slices.Equal(ca.asks, []string{want}) || (want == "token") != (d.life.tokens == 1) {
					t.Errorf("got the CA asked by %q with %d tokens, want once by %s", ca.asks, d.life.tokens, want)
				}
				if got := statuses(events, PhaseRenew); got != "started done" {
					t.Errorf("renew: got %q", got)
				}
				for _, p := range []Phase{PhaseKeygen, PhaseCSR, PhaseWireGuard, PhaseRegister} {
					if got := statuses(events, p); got != "skipped" {
						t.Errorf("%s: got %q, want skipped", p, got)
					}
				}
				if got := statuses(events, PhaseEnroll); got != "" {
					t.Errorf("enroll: got %q, want nothing of it", got)
				}
				wantPosts(t, k, "issued")
				last := k.ledger.certs[len(k.ledger.certs)-1]
				if last.Contract != ContractRenew || !bytes.Equal(last.Fingerprint, d.leafHash()) || len(last.Chain) != 3 {
					t.Errorf("got %s %x with %d of a chain on record", last.Contract, last.Fingerprint, len(last.Chain))
				}
			})
		})
	}
}

// A device whose software makes no tokens is renewed by a handshake, unless the configuration wants tokens.
func TestRenewWithoutTokens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		d.life.noTokens = true
		wantEnd(t, k.play(), Pass, "")
		if !slices.Equal(ca.asks, []string{"mtls"}) {
			t.Errorf("got %q, want mtls", ca.asks)
		}
	})
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		d.life.noTokens, k.cfg.Renewal.Way = true, RenewByToken
		wantEnd(t, k.play(), Fail, CodeAgentOld)
		if len(ca.asks) != 0 || len(k.ledger.posts) != 0 {
			t.Errorf("got %q and %v, want the CA not asked", ca.asks, k.ledger.posts)
		}
	})
}

// What the CA says of a renewal has a code of its own, and leaves the device as it was.
func TestRenewRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		on      func(k *kit, d *fakeDevice) (*stepca.Issued, error)
		outcome Outcome
		code    Code
		posts   []string // each "open", "issued" or "closed"
		refused bool
	}{
		"revoked": {func(*kit, *fakeDevice) (*stepca.Issued, error) { return nil, caErr(stepca.ErrRevoked) }, Fail, CodeCARevoked, []string{"closed"}, false},
		"expired": {func(*kit, *fakeDevice) (*stepca.Issued, error) { return nil, caErr(stepca.ErrExpired) }, Fail, CodeCertExpired, []string{"closed"}, false},
		"down": {
			func(*kit, *fakeDevice) (*stepca.Issued, error) { return nil, caErr(stepca.ErrUnreachable) }, Error, CodeCADown,
			[]string{"closed", "closed", "closed"},
			false,
		},
		"lost": {
			func(*kit, *fakeDevice) (*stepca.Issued, error) {
				return nil, caErr(errors.Join(stepca.ErrUnreachable, stepca.ErrMaybeIssued))
			}, Error, CodeCADown, []string{"open", "open", "open"}, false,
		},
		"other name": {func(k *kit, d *fakeDevice) (*stepca.Issued, error) {
			return &stepca.Issued{Leaf: issueFor(k.pki, d.key.Public(), "edge-other"), Chain: [][]byte{k.pki.Sub.Cert.Raw}}, nil
		}, Fail, CodeCertBad, []string{"issued"}, true},
		"other key": {func(k *kit, d *fakeDevice) (*stepca.Issued, error) {
			return &stepca.Issued{Leaf: issueFor(k.pki, other.Public(), d.id), Chain: [][]byte{k.pki.Sub.Cert.Raw}}, nil
		}, Fail, CodeCertKey, []string{"open"}, false},
		"other CA": {func(_ *kit, d *fakeDevice) (*stepca.Issued, error) {
			q := stationtest.NewPKI(t)
			return &stepca.Issued{Leaf: issueFor(q, d.key.Public(), d.id), Chain: [][]byte{q.Sub.Cert.Raw}}, nil
		}, Fail, CodeCertChain, []string{"issued"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, ca := renewKit(t, TaskRenew)
				ca.on = func(int) (*stepca.Issued, error) { return row.on(k, d) }
				before := d.leafHash()
				wantEnd(t, k.play(), row.outcome, row.code)
				if !bytes.Equal(d.leafHash(), before) || d.life.renewals != 0 {
					t.Error("the device has another certificate")
				}
				var posts []string
				for _, state := range k.ledger.posts {
					if state != "open" && state != "issued" {
						state = "closed"
					}
					posts = append(posts, state)
				}
				if !slices.Equal(posts, row.posts) {
					t.Errorf("got requests %q, want %q", posts, row.posts)
				}
				if d.life.tokens != len(row.posts) {
					t.Errorf("got %d tokens for %d requests: a token is good for one", d.life.tokens, len(row.posts))
				}
				if got := len(k.ledger.refused) > 0; got != row.refused {
					t.Errorf("got a certificate noted as refused: %t, want %t", got, row.refused)
				}
			})
		})
	}
}

func caErr(class error) error { return &stepca.Error{Op: stepca.OpRenew, Host: "ca", Err: class} }

// A CA that is down for a moment costs a try, and a token of its own for each.
func TestRenewTriesAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		ca.on = func(n int) (*stepca.Issued, error) {
			if n < 3 {
				return nil, caErr(stepca.ErrServer)
			}
			return nil, nil
		}
		wantEnd(t, k.play(), Pass, "")
		if len(ca.told) != 3 || d.life.tokens != 3 || ca.told[0] == ca.told[1] || ca.told[1] == ca.told[2] {
			t.Errorf("got tokens %q, want three different ones", ca.told)
		}
	})
}

// A certificate that is over is told apart before the CA is asked, and a revoked one, too.
func TestRenewTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		<-time.After(25 * time.Hour) // of the bubble's time: the certificate ends
		e := wantEnd(t, k.play(), Fail, CodeCertExpired)
		if len(ca.asks) != 0 || d.life.tokens != 0 || !strings.Contains(e.Hint, string(CodeCertExpired)) {
			t.Errorf("got %q asked, %d tokens", ca.asks, d.life.tokens)
		}
	})
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		c, err := x509.ParseCertificate(d.leaf)
		if err != nil {
			t.Fatal(err)
		}
		rec := certRecord(c)
		rec.Revoked = true
		k.ledger.certs = append(k.ledger.certs, rec)
		wantEnd(t, k.play(), Fail, CodeCARevoked)
		if len(ca.asks) != 0 {
			t.Errorf("got %q, want the CA not asked", ca.asks)
		}
	})
}

// Only a finished device can be renewed or rekeyed; one that is known by another key is held.
func TestRenewState(t *testing.T) {
	for _, task := range []Task{TaskRenew, TaskRekey} {
		for state, want := range map[DeviceState]Code{StateEmpty: CodeRenewState, StateKeyed: CodeRenewState, StateInstalled: CodeRenewState, StateForeign: CodeRenewState} {
			t.Run(string(task)+" "+string(state), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					k := newKit(t)
					if state != StateEmpty {
						k.enrolled(state)
					}
					k.cfg.Task = task
					k.cfg.Renewal.CA = func(context.Context) (Authority, error) { panic("asked") }
					wantEnd(t, k.play(), Fail, want)
				})
			})
		}
	}
	bubble(t, func(t *testing.T) {
		k, d, _ := renewKit(t, TaskRenew)
		if err := d.makeKey(d.id, EnrollID{9}); err != nil {
			t.Fatal(err)
		}
		d.state, d.active = StateSealed, d.gen
		wantEnd(t, k.play(), Uncertain, CodeUnknownKey)
	})
	bubble(t, func(t *testing.T) {
		k, _, _ := renewKit(t, TaskRenew)
		k.cfg.Renewal.CA = nil
		wantEnd(t, k.play(), Error, CodeCANone)
	})
}

// unlockKey makes a key that unlocks, and gives the policy of a station that has it.
func unlockKey(t *testing.T) UnlockPolicy {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return UnlockPolicy{Pins: [][]byte{pin}, Key: key}
}

// A new key under an unlock: the CA signs it for the certificate before, the tunnel stays, and the device is sealed anew.
func TestRekey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRekey)
		p := unlockKey(t)
		k.cfg.Unlock, d.life.pins, d.life.reenroll = p, p.Pins, "unlock"
		d.objects[ObjectTunnel], d.objects[ObjectPins] = []byte("12345678"), digest8(p.Pins...)
		old := d.spki()
		e := wantEnd(t, k.play(), Pass, "")
		if e.Task != TaskRekey || bytes.Equal(d.spki(), old) || d.state != StateSealed || d.keys != 1 || !d.life.kept || d.objects[ObjectTunnel] == nil {
			t.Errorf("got %+v, %d keys, tunnel kept %t, want one new key and the tunnel as it was", e, d.keys, d.life.kept)
		}
		if !slices.Equal(ca.asks, []string{"rekey"}) || !slices.Equal(d.life.unlocks, []UnlockPurpose{UnlockRekey}) || k.bridge.posts != 0 {
			t.Errorf("got CA %q, unlocks %q, %d posts at the bridge", ca.asks, d.life.unlocks, k.bridge.posts)
		}
		last := k.ledger.certs[len(k.ledger.certs)-1]
		if last.Contract != ContractRekey || !bytes.Equal(last.SPKI, d.spki()) {
			t.Errorf("got %s for %x on record", last.Contract, last.SPKI)
		}
	})
}

// Why a sealed device is not opened has a code for each reason, and none of them changes it.
func TestRekeyLocked(t *testing.T) {
	for name, row := range map[string]struct {
		change  func(k *kit, d *fakeDevice)
		outcome Outcome
		code    Code
	}{
		"no key here":  {func(k *kit, _ *fakeDevice) { k.cfg.Unlock.Key = nil }, Error, CodeUnlockKey},
		"no pin there": {func(_ *kit, d *fakeDevice) { d.life.pins = nil }, Fail, CodeUnlockPin},
		"another pin":  {func(_ *kit, d *fakeDevice) { d.life.pins = [][]byte{{1}} }, Fail, CodeUnlockRefused},
		"it waits":     {func(_ *kit, d *fakeDevice) { d.life.wait = time.Hour }, Error, CodeUnlockWait},
		"never":        {func(_ *kit, d *fakeDevice) { d.life.reenroll = "never" }, Fail, CodeAgentLocked},
		"signs no 1.2": {func(_ *kit, d *fakeDevice) { d.noTLS12 = true }, Fail, CodeProofImpossible},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, ca := renewKit(t, TaskRekey)
				p := unlockKey(t)
				k.cfg.Unlock, d.life.pins, d.life.reenroll = p, p.Pins, "unlock"
				row.change(k, d)
				spki, leaf := d.spki(), d.leafHash()
				wantEnd(t, k.play(), row.outcome, row.code)
				if !bytes.Equal(d.spki(), spki) || !bytes.Equal(d.leafHash(), leaf) || len(ca.asks) != 0 {
					t.Errorf("the device was changed, or the CA asked (%q)", ca.asks)
				}
			})
		})
	}
}

// A rekey that does not come to its proof leaves the device with the key that it had.
func TestRekeyGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRekey)
		ca.on = func(int) (*stepca.Issued, error) { return nil, caErr(stepca.ErrNoClientCert) }
		spki, leaf := d.spki(), d.leafHash()
		wantEnd(t, k.play(), Error, CodeCAProxy)
		if d.abandons != 1 || !bytes.Equal(d.spki(), spki) || !bytes.Equal(d.leafHash(), leaf) || d.state != StateSealed {
			t.Errorf("got %d times given up, state %s, want the device as it was", d.abandons, d.state)
		}
	})
}

// A person asks for it: the run after the next announcement is for that, and for that device alone.
func TestAsk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskProvision)
		asked := false
		k.on = func(b *Bench, e Event) {
			if end, ok := e.Body.(RunEnded); ok && !asked {
				asked = true
				checkEnd(t, end, Skipped, CodeSkipped)
				if n, err := b.AskAll(TaskRenew); n != 1 || err != nil {
					t.Errorf("ask all: got %d, %v, want 1", n, err)
				}
			}
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[1], Pass, "")
		if list[1].Task != TaskRenew || d.life.renewals != 1 || len(ca.asks) != 1 {
			t.Errorf("got %+v, want one renewal", list[1])
		}
	})
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		benches := make(chan *Bench, 1)
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(StationInfo); ok {
				benches <- b
			}
		}
		k.port("s1").on = func(_ context.Context, op string) error {
			if op != "keygen" {
				return nil
			}
			b := <-benches
			for slot, want := range map[string]Code{"s1": CodeSlotRunning, "s9": CodeSlotEmpty} {
				if f, ok := AsFault(b.Ask(slot, TaskRenew)); !ok || f.Code != want {
					t.Errorf("ask %s: got %v, want %s", slot, f, want)
				}
			}
			return nil
		}
		wantEnd(t, k.play(), Pass, "")
	})
}

// A bench that is there for one device leaves the others alone, and says so.
func TestOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.add("s2", newFakeDevice("SN-2"))
		k.bench.Only = func(a Announcement) bool { return a.HardwareSerial == "SN-2" }
		events := k.play()
		if e := one(t, events); e.HardwareSerial != "SN-2" {
			t.Errorf("got a run of %s", e.HardwareSerial)
		}
		if d := k.dev(); d.keys != 0 || k.port("s1").count("greet") != 0 {
			t.Error("the other device was worked on")
		}
		said := 0
		for _, e := range events {
			if p, ok := e.Body.(PortSeen); ok && p.Code == CodeHeldOther && p.Slot == "s1" {
				said++
			}
		}
		if said != 1 {
			t.Errorf("got it said %d times, want once", said)
		}
	})
}

// A fresh device is given the pins; one that nothing could open again is named before it is sealed, or not sealed at all.
func TestPins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.Unlock = unlockKey(t)
		k.dev().life.reenroll = "unlock"
		wantEnd(t, k.play(), Pass, "")
		if got := k.dev().life.pins; len(got) != 1 || !bytes.Equal(got[0], k.cfg.Unlock.Pins[0]) {
			t.Errorf("got pins %x", got)
		}
	})
	for _, needed := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.cfg.Unlock.Needed = needed
			k.dev().life.reenroll = "unlock"
			events := k.play()
			if needed {
				if e := wantEnd(t, events, Error, CodeUnlockNone); e.Phase != PhaseSeal || k.dev().seals != 0 {
					t.Errorf("got it sealed %d times, in %s", k.dev().seals, e.Phase)
				}
				return
			}
			wantEnd(t, events, Pass, "")
			list := phases(events, PhaseSeal)
			if w := list[len(list)-1].Warnings; len(w) != 1 || w[0].Code != CodeUnlockWarn {
				t.Errorf("got warnings %v, want %s", w, CodeUnlockWarn)
			}
		})
	}
}

// A certificate that the CA has issued is on record, also where the run was given up while the answer came.
func TestRenewGivenUpAsTheAnswerComes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskRenew)
		benches := make(chan *Bench, 1)
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(StationInfo); ok {
				benches <- b
			}
		}
		leaf := issueUntil(k.pki, d.key.Public(), d.id, time.Now().Add(48*time.Hour))
		ca.on = func(int) (*stepca.Issued, error) {
			if err := (<-benches).Abort("s1"); err != nil {
				t.Error(err)
			}
			return &stepca.Issued{Leaf: leaf, Chain: [][]byte{k.pki.Sub.Cert.Raw, k.pki.ICA.Cert.Raw}}, nil
		}
		wantEnd(t, k.play(), Aborted, CodeAborted)
		wantPosts(t, k, "issued")
		last := k.ledger.certs[len(k.ledger.certs)-1]
		if !bytes.Equal(last.Leaf, leaf) {
			t.Error("the certificate is on no record")
		}
	})
}
