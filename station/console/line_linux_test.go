package console_test

import (
	"context"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/console"
)

// quick are times for boxes that boot at once.
func quick(b *box, p *tap) console.Config {
	return console.Config{
		Login: console.Login{Password: func(context.Context) (station.Secret, error) { return station.NewSecret([]byte(password)), nil }},
		Quiet: 500 * time.Millisecond, BootQuiet: 5 * time.Second, Settle: 60 * time.Millisecond,
		OpenPort: func(string, int) (console.Transport, error) { return b.plug(p) },
	}
}

func open(t *testing.T, cfg console.Config) station.Line {
	t.Helper()
	l, err := console.NewConnector(cfg).Open(t.Context(), station.PortInfo{Path: "console"})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestGreet(t *testing.T) {
	for _, land := range []userland{busybox, debian} {
		t.Run(land.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, land)
			p := &tap{}
			l := open(t, quick(b, p))
			b.on("")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			a, err := l.Wait(ctx)
			if err != nil {
				t.Fatalf("wait: %v\n%q", err, p.heard())
			}
			g, err := l.Greet(ctx)
			if err != nil {
				t.Fatalf("greet: %v\n%s\n%s\n%v", err, p.sent(), p.heard(), l.BootLog())
			}
			t.Logf("%+v %+v", a, g)
			l.Bye(ctx)
			t.Logf("%s", p.heard())
			t.Log(l.AgentLog())
			t.Log(l.BootLog())
		})
	}
}
