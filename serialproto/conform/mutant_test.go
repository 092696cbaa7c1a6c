package conform_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/conform"
	"provstation/serialproto/link"
)

// mutant is a device that breaks one promise, and the cases that have to say so.
type mutant struct {
	name   string
	breaks func(*device)
	caught []string
}

// handler is an agent of which something is done otherwise.
type handler struct {
	link.Handler
	announce func(serialproto.Announce) serialproto.Announce
	handle   func(op serialproto.Op, req []byte, next func(req []byte) []byte) []byte
}

func (h handler) Announce() serialproto.Announce {
	a := h.Handler.Announce()
	if h.announce != nil {
		a = h.announce(a)
	}
	return a
}

func (h handler) Handle(ctx context.Context, op serialproto.Op, req []byte) []byte {
	next := func(req []byte) []byte {
		op, err := serialproto.PeekOp(req)
		if err != nil {
			return status(serialproto.StatusInternal)
		}
		return h.Handler.Handle(ctx, op, req)
	}
	if h.handle == nil {
		return next(req)
	}
	return h.handle(op, req, next)
}

// handling is a device whose requests go through fn.
func handling(fn func(op serialproto.Op, req []byte, next func(req []byte) []byte) []byte) func(*device) {
	return func(d *device) {
		d.wrap = func(h link.Handler) link.Handler { return handler{Handler: h, handle: fn} }
	}
}

// doing replaces what one operation does.
func doing(which serialproto.Op, fn func(req []byte, next func(req []byte) []byte) []byte) func(*device) {
	return handling(func(op serialproto.Op, req []byte, next func(req []byte) []byte) []byte {
		if op != which {
			return next(req)
		}
		return fn(req, next)
	})
}

func status(s serialproto.Status) []byte { return must(serialproto.EncodeResponse(s, "", 0, nil)) }

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// edit changes a response that is ok.
func edit[T any](raw []byte, change func(*T)) []byte {
	var r T
	if h, err := serialproto.DecodeResponse(raw, &r); err != nil || h.Status != serialproto.StatusOK {
		return raw
	}
	change(&r)
	return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, r))
}

// always answers ok, whatever is asked.
func always(result any) func([]byte, func([]byte) []byte) []byte {
	return func([]byte, func([]byte) []byte) []byte {
		return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, result))
	}
}

// spyKeys keeps the newest key, so that a mutant can sign what it likes.
type spyKeys struct {
	agent.FlashKeys
	last crypto.Signer
	sign func(key crypto.Signer, msg []byte) ([]byte, error) // nil: as the key does
}

func (k *spyKeys) wrapped(s crypto.Signer) crypto.Signer {
	k.last = s
	if k.sign == nil {
		return s
	}
	return spySigner{s, k.sign}
}

func (k *spyKeys) New(alg agent.Alg) (crypto.Signer, agent.Secret, error) {
	s, blob, err := k.FlashKeys.New(alg)
	return k.wrapped(s), blob, err
}

func (k *spyKeys) Open(blob agent.Secret) (crypto.Signer, error) {
	s, err := k.FlashKeys.Open(blob)
	return k.wrapped(s), err
}

type spySigner struct {
	crypto.Signer
	sign func(key crypto.Signer, msg []byte) ([]byte, error)
}

// SignMessage implements crypto.MessageSigner.
func (s spySigner) SignMessage(_ io.Reader, msg []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.sign(s.Signer, msg)
}

func signWhole(key crypto.Signer, msg []byte) ([]byte, error) {
	return crypto.SignMessage(key, rand.Reader, msg, crypto.SHA256)
}

func operationMutants() []mutant {
	return []mutant{
		{"announces another boot id each time", func(d *device) {
			d.wrap = func(h link.Handler) link.Handler {
				return handler{Handler: h, announce: func(a serialproto.Announce) serialproto.Announce {
					a.BootID = make([]byte, 8)
					_, _ = rand.Read(a.BootID) // never fails
					return a
				}}
			}
		}, []string{"announce-same"}},
		{"announces once a second", func(d *device) { d.link.Announce = time.Second }, []string{"announce-cadence"}},
		{"keeps sessions for ever", func(d *device) { d.link.SessionIdle = time.Hour }, []string{"session-idle"}},
		{"gives sessions up after 2 s", func(d *device) { d.link.SessionIdle = 2 * time.Second }, []string{"session-idle", "session-keepalive"}},
		{"signs the hash itself", func(d *device) {
			d.agent.Keys = &spyKeys{sign: func(key crypto.Signer, msg []byte) ([]byte, error) {
				if msg[0] == 0x20 {
					msg = msg[98:]
				}
				return signWhole(key, msg)
			}}
		}, []string{"sign-tls13", "sign-tls13-sha384"}},
		{"signs as a server", func(d *device) {
			d.agent.Keys = &spyKeys{sign: func(key crypto.Signer, msg []byte) ([]byte, error) {
				return signWhole(key, bytes.Replace(msg, []byte("client"), []byte("server"), 1))
			}}
		}, []string{"sign-tls13"}},
		{"makes CSRs for another name", func(d *device) {
			keys := &spyKeys{}
			d.agent.Keys = keys
			doing(serialproto.OpEnroll, func(req []byte, next func([]byte) []byte) []byte {
				return edit(next(req), func(r *serialproto.EnrollResult) {
					r.CSR = must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
						Subject: pkix.Name{CommonName: "somebody"}, DNSNames: []string{"somebody"},
					}, keys.last))
				})
			})(d)
		}, []string{"enroll"}},
		{"makes CSRs without a subjectAltName", func(d *device) {
			keys := &spyKeys{}
			d.agent.Keys = keys
			doing(serialproto.OpEnroll, func(req []byte, next func([]byte) []byte) []byte {
				var args serialproto.EnrollArgs
				if err := serialproto.DecodeRequest(req, &args); err != nil {
					return next(req)
				}
				return edit(next(req), func(r *serialproto.EnrollResult) {
					r.CSR = must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: args.DeviceID}}, keys.last))
				})
			})(d)
		}, []string{"enroll"}},
		{"makes a new key each time", doing(serialproto.OpEnroll, func(req []byte, next func([]byte) []byte) []byte {
			var args serialproto.EnrollArgs
			if err := serialproto.DecodeRequest(req, &args); err != nil {
				return next(req)
			}
			_, _ = rand.Read(args.EnrollID) // never fails
			return next(must(serialproto.EncodeRequest(args)))
		}), []string{"enroll-again", "enroll-session-loss", "enroll-retired"}},
		{
			"takes any leaf", doing(serialproto.OpInstall, always(serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{1: make([]byte, 8)}})),
			[]string{"install", "install-other-key", "install-broken", "install-chain", "install-other-enrollment"},
		},
		{"reads back the chain without its end", doing(serialproto.OpRead, func(req []byte, next func([]byte) []byte) []byte {
			return edit(next(req), func(r *serialproto.ReadResult) { r.Certs = r.Certs[:len(r.Certs)-1] })
		}), []string{"install-read"}},
		{"says bad argument to an operation it does not know", handling(func(op serialproto.Op, req []byte, next func([]byte) []byte) []byte {
			if op > 22 {
				return status(serialproto.StatusBadArgument)
			}
			return next(req)
		}), []string{"op-unknown"}},
		{"does not say where to go on", doing(serialproto.OpPut, func(req []byte, next func([]byte) []byte) []byte {
			raw := next(req)
			if h, err := serialproto.DecodeResponse(raw, nil); err == nil && h.Status == serialproto.StatusBadOffset {
				return status(serialproto.StatusBadOffset)
			}
			return raw
		}), []string{"put-offset"}},
		{"does not count signatures", doing(serialproto.OpStatus, func(req []byte, next func([]byte) []byte) []byte {
			return edit(next(req), func(r *serialproto.StatusResult) { r.Signatures = 16 })
		}), []string{"sign-count", "sign-once", "sign-limit"}},
		{"gives up any enrollment", doing(serialproto.OpAbort, func(_ []byte, next func([]byte) []byte) []byte {
			return next(must(serialproto.EncodeRequest(serialproto.AbortArgs{Op: serialproto.OpAbort})))
		}), []string{"abort-other"}},
		{"locks whatever it is asked to", doing(serialproto.OpLock, always(nil)), []string{"lock-state", "lock-other", "lock-flag", "lock", "sealed-session"}},
		{"sets its clock to anything", doing(serialproto.OpClock, func(req []byte, next func([]byte) []byte) []byte {
			var args serialproto.ClockArgs
			if err := serialproto.DecodeRequest(req, &args); err != nil || args.Set == 0 {
				return next(req)
			}
			return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, serialproto.ClockResult{Now: args.Set}))
		}), []string{"clock-past", "sealed-clock"}},
	}
}

func sealedMutants() []mutant {
	return []mutant{
		{"makes keys once sealed", func(d *device) {
			d.agent.Reenroll = serialproto.ReenrollOpen
			doing(serialproto.OpStatus, func(req []byte, next func([]byte) []byte) []byte {
				return edit(next(req), func(r *serialproto.StatusResult) { r.Reenroll = serialproto.ReenrollUnlock })
			})(d)
		}, []string{"sealed-enroll"}},
		{"signs TLS 1.3 once sealed", func(d *device) {
			keys := &spyKeys{}
			d.agent.Keys = keys
			doing(serialproto.OpSignTLS13, func(_ []byte, _ func([]byte) []byte) []byte {
				return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, serialproto.SignResult{Signature: must(signWhole(keys.last, []byte("x")))}))
			})(d)
		}, []string{"sealed-tls13", "unlock-tls13", "sign-hash", "sign-scheme", "sign-state"}},
		{"signs any TLS 1.2 transcript", func(d *device) {
			keys := &spyKeys{}
			d.agent.Keys = keys
			doing(serialproto.OpSignTLS12, func(_ []byte, _ func([]byte) []byte) []byte {
				return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, serialproto.SignResult{Signature: must(signWhole(keys.last, []byte("x")))}))
			})(d)
		}, []string{
			"sign-tls12", "sign-tls12-messages", "sign-tls12-hello", "sign-tls12-server", "sign-tls12-exchange", "sign-tls12-tail", "sign-tls12-argument",
		}},
		{"gives tokens for anybody", doing(serialproto.OpToken, func(req []byte, next func([]byte) []byte) []byte {
			return next(must(serialproto.EncodeRequest(serialproto.TokenArgs{Op: serialproto.OpToken, Audience: "https://any.example/renew"})))
		}), []string{"token", "token-audience"}},
		{
			"renews to any leaf", doing(serialproto.OpRenew, always(serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{1: make([]byte, 8)}})),
			[]string{"renew", "renew-refused", "renew-old", "renew-unsealed"},
		},
		{"repeats its challenge", func(d *device) {
			var first []byte
			doing(serialproto.OpUnlock, func(req []byte, next func([]byte) []byte) []byte {
				raw := next(req)
				if first == nil {
					first = raw
				}
				return first
			})(d)
		}, []string{"unlock-challenge", "unlock-argument"}},
		{"unlocks for everybody", doing(serialproto.OpUnlock, func(req []byte, next func([]byte) []byte) []byte {
			var args serialproto.UnlockArgs
			if err := serialproto.DecodeRequest(req, &args); err != nil || len(args.Signature) == 0 {
				return next(req)
			}
			return must(serialproto.EncodeResponse(serialproto.StatusOK, "", 0, serialproto.UnlockResult{Left: 9}))
		}), []string{"unlock-wrong-key", "unlock-once", "unlock-backoff", "unlock-session"}},
		{"erases without an unlock", doing(serialproto.OpErase, always(nil)), []string{"sealed-erase", "unlock-unsealed", "erase-other", "erase"}},
	}
}

// TestMutantsAreCaught: a device that breaks one promise fails the cases that are about it. That is what says that the suite
// can fail.
func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	for _, m := range slices.Concat(operationMutants(), sealedMutants(), aheadMutants(), wireMutants(), afar(wireMutants())) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			d := whole()
			m.breaks(&d)
			rep, err := run(t, d, conform.Config{Only: m.caught, Seal: true})
			if err != nil && !errors.Is(err, conform.ErrNotReady) && !errors.Is(err, conform.ErrNotHeard) {
				t.Fatal(err)
			}
			got := map[string]conform.Result{}
			for _, r := range rep.Results {
				got[r.ID] = r
			}
			for _, id := range m.caught {
				if r := got[id]; r.Verdict != conform.Fail {
					t.Errorf("%s: got %v (%s), want FAIL", id, r.Verdict, r.Note)
				} else {
					t.Logf("%s: %s", id, r.Note)
				}
			}
		})
	}
}
