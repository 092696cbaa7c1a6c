package mqttcheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNetworkFaults(t *testing.T) {
	p := newTenant(t)
	free := serve(t, func(net.Conn) {})
	nobody := freePort(t)
	noRoute := dialerFunc(func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	})
	for _, tc := range []struct {
		name string
		addr netip.AddrPort
		edit func(*Config)
		want want
	}{
		{"nobody listens", nobody, func(*Config) {}, want{StepTCP, Refused, 0, 0, "Nothing listens at 127.0.0.1:"}},
		{"no route", free, func(c *Config) { c.Dialer = noRoute }, want{StepTCP, NoRoute, 0, 0, "no route"}},
		{"no such name", free, func(c *Config) {
			c.Host, c.Resolver = "nowhere.test", resolverFunc(func(context.Context) ([]netip.Addr, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}
			})
		}, want{StepResolve, NameNotFound, 0, 0, "nowhere.test does not exist"}},
		{"name without addresses", free, func(c *Config) {
			c.Host, c.Resolver = "empty.test", resolverFunc(func(context.Context) ([]netip.Addr, error) { return nil, nil })
		}, want{StepResolve, NameNotFound, 0, 0, "empty.test"}},
		{"DNS server broken", free, func(c *Config) {
			c.Host, c.Resolver = "broker.test", resolverFunc(func(context.Context) ([]netip.Addr, error) {
				return nil, &net.DNSError{Err: "server misbehaving", Name: "broker.test", IsTemporary: true}
			})
		}, want{StepResolve, ResolverFailed, 0, 0, "could not be looked up"}},
		{"DNS server silent", free, func(c *Config) {
			c.Timeout = 50 * time.Millisecond
			c.Host, c.Resolver = "broker.test", resolverFunc(func(ctx context.Context) ([]netip.Addr, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		}, want{StepResolve, Timeout, 0, 0, "in time"}},
		{"packets dropped", free, func(c *Config) {
			c.Timeout = 50 * time.Millisecond
			c.Dialer = dialerFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
		}, want{StepTCP, Timeout, 0, 0, "in time"}},
		{
			"speaks something else", serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.test ESMTP\r\n"); drain(c) }),
			func(*Config) {},
			want{StepTLS, NotTLS, 0, 0, "does not speak TLS"},
		},
		{
			"closes at once", serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }),
			func(*Config) {},
			want{StepTLS, BrokerClosed, 0, 0, "before TLS was set up"},
		},
		{
			"accepts and hangs", serve(t, drain), func(c *Config) { c.Timeout = 100 * time.Millisecond },
			want{StepTLS, Timeout, 0, 0, "TLS was not set up in time"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := p.config(tc.addr)
			tc.edit(&cfg)
			e := tc.want.check(t, cfg, p.device(t, newKey(t))).err
			if tc.want.reason == Timeout && !errors.Is(e, context.DeadlineExceeded) {
				t.Errorf("got %v, want it to be context.DeadlineExceeded", e)
			}
		})
	}
}

type dialerFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func (f dialerFunc) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return f(ctx, network, addr)
}

type resolverFunc func(context.Context) ([]netip.Addr, error)

func (f resolverFunc) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return f(ctx)
}

func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// The second address is tried when the first does not answer.
func TestSecondAddress(t *testing.T) {
	p := newTenant(t)
	cfg := p.config(startMochi(t, p.serverTLS(t), &aclHook{connect: true, write: true}))
	cfg.Host = "broker.test"
	cfg.Resolver = resolverFunc(func(context.Context) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("127.0.0.1")}, nil
	})
	cfg.Dialer = dialerFunc(func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasPrefix(addr, "192.0.2.1:") {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
	res, err := Check(t.Context(), cfg, p.device(t, newKey(t)))
	passed(t, res, err, ProofBrokerDelivered, Protocol5)
}

func TestBrokerCertificateDates(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	addr := startMochi(t, conf, &aclHook{connect: true, write: true})
	cfg := p.config(addr)
	cfg.Now = func() time.Time { return time.Now().Add(72 * time.Hour) }
	want{StepTLS, ServerExpired, 0, 0, "has expired"}.check(t, cfg, p.device(t, newKey(t)))
	cfg.Now = func() time.Time { return time.Unix(0, 0) }
	want{StepTLS, ServerExpired, 0, 0, "not valid yet"}.check(t, cfg, p.device(t, newKey(t)))
}

func TestSigner(t *testing.T) {
	p := newTenant(t)
	gone := errors.New("serial port is gone")
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for _, version := range bothTLS {
		for _, tc := range []struct {
			name string
			key  *remoteKey
			is   error
			says string
		}{
			{"gone", &remoteKey{fail: fmt.Errorf("slot 3: %w", gone)}, gone, "did not make the signature"},
			{"wrong", &remoteKey{spoil: true}, ErrBadSignature, "does not fit its certificate"},
			{"hangs", &remoteKey{hang: release}, context.DeadlineExceeded, "in time"},
		} {
			t.Run(tls.VersionName(version)+" "+tc.name, func(t *testing.T) {
				key := newKey(t)
				id := p.device(t, key)
				tc.key.key = key
				id.Signer = tc.key
				cfg := p.config(startMochi(t, p.serverTLS(t), &aclHook{connect: true, write: true}))
				cfg.TLSMin, cfg.TLSMax = version, version
				if tc.key.hang != nil {
					cfg.Timeout = 300 * time.Millisecond
				}
				got := want{StepCertificate, SignerFailed, 0, 0, tc.says}.check(t, cfg, id)
				res, e := got.res, got.err
				if !errors.Is(e, tc.is) {
					t.Errorf("got %v, want it to be %v", e, tc.is)
				}
				if res.Signatures != 1 {
					t.Errorf("got %d signatures, want 1", res.Signatures)
				}
			})
		}
	}
}

func TestCanceled(t *testing.T) {
	p := newTenant(t)
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(c net.Conn) {
		// Not before TLS has begun.
		if _, err := c.Read(make([]byte, 1)); err == nil {
			cancel()
		}
		drain(c)
	})
	res, err := Check(ctx, p.config(addr), p.device(t, newKey(t)))
	e := want{StepTLS, Canceled, 0, 0, "stopped"}.compare(t, res, err)
	if !errors.Is(e, context.Canceled) {
		t.Errorf("got %v, want it to be context.Canceled", e)
	}
}

func TestBadInput(t *testing.T) {
	p := newTenant(t)
	other := p.device(t, newKey(t))
	for name, edit := range map[string]func(*Config, *Identity){
		"no host":         func(c *Config, _ *Identity) { c.Host = "" },
		"old TLS":         func(c *Config, _ *Identity) { c.TLSMin = tls.VersionTLS11 },
		"TLS upside down": func(c *Config, _ *Identity) { c.TLSMin, c.TLSMax = tls.VersionTLS13, tls.VersionTLS12 },
		"protocol":        func(c *Config, _ *Identity) { c.Protocol = "4" },
		"wildcard topic":  func(c *Config, _ *Identity) { c.Topic = "v1/+/me" },
		"long payload":    func(c *Config, _ *Identity) { c.Payload = make([]byte, maxPayload+1) },
		"no client id":    func(_ *Config, id *Identity) { id.ClientID = "" },
		"client id":       func(_ *Config, id *Identity) { id.ClientID = "a\x1b[2J" },
		"no chain":        func(_ *Config, id *Identity) { id.Chain = nil },
		"junk chain":      func(_ *Config, id *Identity) { id.Chain = [][]byte{[]byte("\x1b[31mjunk")} },
		"long chain":      func(_ *Config, id *Identity) { id.Chain = make([][]byte, maxChain+1) },
		"no signer":       func(_ *Config, id *Identity) { id.Signer = nil },
		"other key":       func(_ *Config, id *Identity) { id.Signer = other.Signer },
	} {
		t.Run(name, func(t *testing.T) {
			cfg, id := p.config(netip.MustParseAddrPort("127.0.0.1:1")), p.device(t, newKey(t))
			edit(&cfg, &id)
			want{StepPrepare, BadConfig, 0, 0, "could not start"}.check(t, cfg, id)
		})
	}
}

func TestSecretIsHidden(t *testing.T) {
	cfg := Config{Password: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, cfg.Password) + fmt.Sprintf(verb, cfg); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74657232") {
			t.Errorf("got the password with %s: %s", verb, got)
		}
	}
}

// A TLS 1.2 and a TLS 1.3 server of crypto/tls itself: each refusal keeps its
// alert although the server closes at once after it.
func TestRefusedByGoServer(t *testing.T) {
	p, other := newTenant(t), newTenant(t)
	for _, version := range bothTLS {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			fake := &fakeMQTT{tls: p.serverTLS(t)}
			cfg := p.config(fake.start(t))
			cfg.TLSMin, cfg.TLSMax = version, version
			for range 20 {
				want{StepCertificate, ClientCertRefused, 48, 0, "unknown certificate authority"}.check(t, cfg, other.device(t, newKey(t)))
			}
			want{StepCertificate, ClientCertRefused, 45, 0, "certificate expired"}.check(t, cfg, p.device(t, newKey(t), expired))
		})
	}
}

// A cut right after the handshake says nothing of its reason, and the report says
// so.
func TestCutAfterHandshake(t *testing.T) {
	p := newTenant(t)
	for _, version := range bothTLS {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s reset=%v", tls.VersionName(version), reset), func(t *testing.T) {
				conf := p.serverTLS(t)
				addr := serve(t, func(raw net.Conn) {
					if err := tls.Server(raw, conf).HandshakeContext(t.Context()); err == nil && reset {
						_ = raw.(*net.TCPConn).SetLinger(0)
					}
				})
				cfg := p.config(addr)
				cfg.TLSMin, cfg.TLSMax, cfg.Protocol = version, version, Protocol5
				w := want{StepCertificate, BrokerClosed, 0, 0, "gave no reason"}
				if version == tls.VersionTLS12 {
					w = want{StepConnack, BrokerClosed, 0, 0, "instead of answering"}
				}
				w.check(t, cfg, p.device(t, newKey(t)))
			})
		}
	}
}

// A broker that accepts only CAs the chain does not name in its list still gets
// the certificate: the list is no reason to send none.
func TestForeignAcceptableCAs(t *testing.T) {
	p, other := newTenant(t), newTenant(t)
	conf := p.serverTLS(t)
	conf.ClientAuth = tls.RequireAnyClientCert
	conf.ClientCAs = x509.NewCertPool()
	conf.ClientCAs.AddCert(other.root.cert)
	res, err := Check(t.Context(), p.config(startMochi(t, conf, &aclHook{connect: true, write: true})), p.device(t, newKey(t)))
	passed(t, res, err, ProofBrokerDelivered, Protocol5)
}

func TestCleanText(t *testing.T) {
	for in, out := range map[string]string{
		"plain":                       "plain",
		"\x1b[31mred\x1b[0m\r\nx\x00": "[31mred[0mx",
		"a\u202eb\u2028c\u200b":       "abc",
		"\xff\xfe":                    "",
	} {
		if got := clean(in); got != out {
			t.Errorf("clean(%q): got %q, want %q", in, got, out)
		}
	}
	if got := clean(strings.Repeat("ä", 1000)); len([]rune(got)) != maxText+3 || !bytes.HasSuffix([]byte(got), []byte("...")) {
		t.Errorf("got %d characters, want %d and dots", len([]rune(got)), maxText)
	}
}
